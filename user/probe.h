/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as userspace sees it: checked, sized, loaded, pinned, attached, filled with what
 * already runs. Ends with its owner: nothing stays in the kernel or under the pin path.
 */
#ifndef RG_PROBE_H
#define RG_PROBE_H

#include "config.h"
#include "../shared/stats.h"

#define PROBE_MAX_MAPS 8

struct probe_map {
	const char *name; /* as bpftool shows it */
	uint64_t memory_bytes; /* what the kernel accounts for it */
};

/* What was set up, for agent_start. */
struct probe_info {
	const char *exec_source_hook; /* "prepare", "rename", "syscalls" */
	uint64_t snapshot_rows;
	uint32_t table_max; /* rows as asked for */
	uint32_t table_allocated; /* with the LRU's slack */
	struct probe_map maps[PROBE_MAX_MAPS];
	size_t nr_maps;
};

/* The table's rows and what has become of the others, sampled together. */
struct probe_table {
	uint64_t live;
	uint64_t exited;
	uint64_t evicted; /* rows that the LRU took; never shrinks */
};

struct probe;

/* Everything up to the first record, which waits for probe_start(). Logs why not; 0 or -errno. */
int probe_new(const struct config *config, struct probe **ret);
void probe_free(struct probe *probe);
static inline void probe_freep(struct probe **probe)
{
	probe_free(*probe);
}

/* Which records are sent from here on (bits 1 << enum rg_record_type; 0: none), but not this process's own. */
void probe_start(struct probe *probe, uint32_t records);
/* When the next record wakes the reader: enum rg_wake. */
void probe_set_wake(struct probe *probe, uint32_t wake);

const struct probe_info *probe_info(const struct probe *probe);
/* The kernel's counters, in memory that it writes. */
const volatile struct rg_stats *probe_stats(const struct probe *probe);
/* Walks the table; 0 or -errno with *ret as it was. */
int probe_count(struct probe *probe, struct probe_table *ret);
/* Hook runs that the kernel skipped since one was under way on that CPU. */
uint64_t probe_nr_missed_runs(const struct probe *probe);
/* The ring, for reader_new(); stays the probe's. */
int probe_events_fd(const struct probe *probe);

#endif
