/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <criterion/criterion.h>

#include "counters.h"

#define TOUCHED_BYTES (64ULL << 20)

Test(counters, sums)
{
	cr_assert_eq(counters_sum((uint64_t[RG_NR_RECORD_TYPES]){0}), 0);
	cr_assert_eq(counters_sum((uint64_t[RG_NR_RECORD_TYPES]){1, 20, 300, 4000, 50000}), 54321);
	cr_assert_eq(counters_sum((uint64_t[RG_NR_RECORD_TYPES]){1ULL << 63, 1}), (1ULL << 63) + 1);
}

static uint64_t vm_rss_bytes(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	cr_assert_not_null(f);
	while (!kib && fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %lu kB", &kib);
	cr_assert_gt(kib, 0);
	return kib * 1024;
}

/* A tenth, since the kernel counts a task's last pages apart. */
static void assert_rss_is_right(void)
{
	uint64_t expected = vm_rss_bytes(), rss = counters_memory().resident_bytes;

	cr_assert(rss >= expected - expected / 10 && rss <= expected + expected / 10,
		  "%llu bytes, VmRSS has %llu", (unsigned long long)rss,
		  (unsigned long long)expected);
}

/* Large enough that what else happens doesn't matter; written to, so that it is resident. */
Test(counters, rss)
{
	char *memory = malloc(TOUCHED_BYTES);

	cr_assert_not_null(memory);
	assert_rss_is_right();
	memset(memory, 1, TOUCHED_BYTES);
	assert_rss_is_right();
	cr_assert_geq(counters_memory().resident_bytes, TOUCHED_BYTES * 9 / 10);
	cr_assert_eq(memory[TOUCHED_BYTES - 1], 1); /* it is used, so the compiler keeps it */
	free(memory);
}
