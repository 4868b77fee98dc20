/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is the table as large as it must be? A model of the kernel's LRU (bpf_lru_list.c) says: CPUs take free nodes in
 * batches, keep what they don't need, and evict what a batch lacks.
 */
#include <criterion/criterion.h>

#include "loader.h"

/* LOCAL_FREE_TARGET */
#define BATCH 128

#define MAX_CPUS 512

struct lru {
	uint32_t nr_free; /* in the global list */
	uint32_t nr_own[MAX_CPUS]; /* free nodes that a CPU has to itself */
	uint32_t target_free;
	uint32_t nr_cpus;
	uint32_t nr_evicted;
};

/* d4adf1c9ee77 (6.16): half of the map is for such reserves. */
static struct lru lru_new(uint32_t nr_entries, uint32_t nr_cpus, bool adapts)
{
	uint32_t target = adapts ? nr_entries / nr_cpus / 2 : BATCH;

	return (struct lru){
		.nr_free = nr_entries,
		.nr_cpus = nr_cpus,
		.target_free = MAX(1U, MIN(target, (uint32_t)BATCH)),
	};
}

static void insert(struct lru *l, uint32_t cpu)
{
	uint32_t taken;

	if (!l->nr_own[cpu]) {
		taken = MIN(l->target_free, l->nr_free);
		l->nr_free -= taken;
		l->nr_evicted += l->target_free - taken;
		l->nr_own[cpu] = l->target_free;
	}
	l->nr_own[cpu]--;
}

/* From the list of those in use, where it got by the CPU's next batch. */
static void delete(struct lru *l)
{
	l->nr_free++;
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

static void check(uint32_t max_rows, uint32_t nr_cpus, bool adapts)
{
	uint32_t entries = loader_table_entries(max_rows, nr_cpus, adapts), i, rows = 0;
	struct lru l = lru_new(entries, nr_cpus, adapts);
	uint64_t random = max_rows * 31ULL + nr_cpus;

	cr_assert_gt(entries, max_rows);
	/* Every CPU takes a batch for the sake of one row, as far as there are rows. */
	for (i = 0; i < nr_cpus && rows < max_rows; i++, rows++)
		insert(&l, i);
	/* The rest from anywhere, then rows that go for others that come. */
	for (; rows < max_rows; rows++)
		insert(&l, next_random(&random) % nr_cpus);
	cr_assert_eq(l.nr_evicted, 0, "%u rows, %u CPUs, %d", max_rows, nr_cpus, adapts);
	for (i = 0; i < 20 * max_rows && i < 200000; i++) {
		delete(&l);
		insert(&l, next_random(&random) % nr_cpus);
	}
	cr_assert_eq(l.nr_evicted, 0, "%u rows, %u CPUs, %d, some time on", max_rows, nr_cpus, adapts);
}

Test(loader, table_holds_what_was_asked_for)
{
	static const uint32_t rows[] = { 64, 65, 128, 1000, 1024, 5000, 100000, 1000000 };
	static const uint32_t cpus[] = { 1, 2, 3, 8, 64, 128, MAX_CPUS };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (k = 0; k < ARRAY_SIZE(cpus); k++) {
			check(rows[i], cpus[k], true);
			check(rows[i], cpus[k], false);
		}
	}
}

/* The model knows a table that is too small. */
Test(loader, model_evicts)
{
	struct lru old = lru_new(5000, 2, false), new = lru_new(64, 64, true);
	uint32_t i;

	for (i = 0; i < 5000; i++)
		insert(&old, i % 2);
	cr_assert_gt(old.nr_evicted, 0);
	cr_assert_eq(new.target_free, 1);
}

/* What it costs. */
Test(loader, table_entries)
{
	cr_assert_eq(loader_table_entries(5000, 2, false), 5000 + 2 * 128 + 2 * 8);
	cr_assert_eq(loader_table_entries(5000, 2, true), 5000 + 2 * 128 + 2 * 8);
	cr_assert_eq(loader_table_entries(64, 2, true), 64 + 64 + 2 * 8);
	cr_assert_eq(loader_table_entries(64, 128, true), 64 + 64 + 128 * 8);
	cr_assert_eq(loader_table_entries(64, 128, false), 64 + 128 * 128 + 128 * 8);
}
