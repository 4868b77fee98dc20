/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include <bpf/libbpf.h>

#include "footprint.h"
#include "loader.h"
#include "traits.h"
#include "../shared/proc.h"

/* An element of a hash map beside its value: the key's 8 bytes, and the kernel's own, lru_node and all. */
#define ELEMENT_BYTES (8 + 48)
/* A bucket of a hash map; there are as many as entries, rounded up to a power of two. */
#define BUCKET_BYTES 16
/* Of a ring: its own page for each of the two positions, its first one, and a pointer a page. */
#define RING_PAGES_BYTES (3 * 4096)
#define RING_BYTES_PER_POINTER 512
/* Per CPU, as "bpftool map show" has it: rows and a record for each slot; the second is with what is collected. */
#define SCRATCH_BYTES (12 * 1024 / 4)
#define SCRATCH_COLLECT_BYTES (46 * 1024 / 4)
/* state and config: a page of values and one of bookkeeping each. */
#define SMALL_MAPS_BYTES (16 * 1024)

static uint64_t hash_bytes(uint32_t entries, size_t value_size)
{
	uint64_t buckets = 1;

	while (buckets < entries)
		buckets *= 2;
	return entries * (uint64_t)(value_size + ELEMENT_BYTES) + buckets * BUCKET_BYTES;
}

static void compute(const struct config *config, uint32_t nr_cpus, const struct traits *traits,
		    struct footprint *ret)
{
	const uint64_t nr_slots = traits->skips ? RG_SCRATCH_SLOTS_AGAIN : RG_SCRATCH_SLOTS;
	struct footprint f = { .nr_cpus = nr_cpus };
	struct rg_config want;
	uint64_t ring;

	loader_want(config, &want);
	f.table_rows = loader_table_entries(want.max_rows, nr_cpus, traits->lru_adapts);
	f.table_bytes = hash_bytes(f.table_rows, sizeof(struct rg_proc)) +
			(want.max_rows + 1ULL) * sizeof(struct rg_exited);
	if (want.max_threads)
		f.thread_table_bytes =
			hash_bytes(loader_table_entries(want.max_threads, nr_cpus, traits->lru_adapts),
				   sizeof(struct rg_thread));
	ring = want.ring_bytes;
	f.ring_bytes = ring + RING_PAGES_BYTES + ring / RING_BYTES_PER_POINTER * 2;
	f.per_cpu_bytes = nr_cpus * nr_slots * (want.collect_args || want.collect_env ?
							SCRATCH_COLLECT_BYTES : SCRATCH_BYTES);
	f.total_bytes = f.table_bytes + f.thread_table_bytes + f.ring_bytes + f.per_cpu_bytes +
			SMALL_MAPS_BYTES;
	*ret = f;
}

int footprint_predict(const struct config *config, struct footprint *ret)
{
	int nr_cpus = libbpf_num_possible_cpus();
	struct traits traits = { 0 };

	if (nr_cpus < 0)
		return nr_cpus;
	traits_read(&traits); /* without BTF as the older kernels */
	compute(config, (uint32_t)nr_cpus, &traits, ret);
	return 0;
}

void footprint_print(const struct footprint *f, FILE *to)
{
	fprintf(to, "# Kernel memory that these settings take on %u possible CPUs: %llu bytes (%.1f MiB)\n",
		f->nr_cpus, (unsigned long long)f->total_bytes, (double)f->total_bytes / (1 << 20));
	fprintf(to, "#   table %llu (%u rows allocated), threads %llu, ring %llu, per CPU %llu\n",
		(unsigned long long)f->table_bytes, f->table_rows,
		(unsigned long long)f->thread_table_bytes, (unsigned long long)f->ring_bytes,
		(unsigned long long)f->per_cpu_bytes);
	fputs("# The agent itself: about 3 MiB beside the ring, 6 MiB with metrics.listen; for a moment at its start, "
	      "about 14 MiB.\n\n", to);
}
