/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as the agent sees it: loaded anew, or taken over from an agent that left it running;
 * counters, levels, and what it costs. Ends with its owner unless it is to be kept.
 */
#ifndef RG_PROBE_H
#define RG_PROBE_H

#include "config.h"
#include "kernel.h"
#include "../shared/stats.h"

struct probe_map {
	const char *name;
	uint64_t memory_bytes; /* what the kernel accounts for it */
};

/* What was set up, for agent_start. */
struct probe_info {
	const char *exec_source_hook; /* "prepare", "rename", "syscalls" */
	uint64_t snapshot_rows; /* in the table when the first record may come */
	uint32_t table_max; /* rows as asked for */
	uint32_t table_allocated; /* with the LRU's slack */
	bool taken_over; /* an earlier agent left it running */
	struct probe_map maps[NR_KERNEL_MAPS];
	size_t nr_maps;
};

/* The tables' rows and what has become of the others, sampled together. */
struct probe_table {
	uint64_t live;
	uint64_t exited;
	uint64_t evicted; /* rows that the LRU took; never shrinks */
	uint64_t threads;
	uint64_t threads_evicted;
};

/* A hook's program, as the kernel counts it; times are 0 unless kernel.bpf_stats_enabled is 1. */
struct probe_prog {
	const char *name;
	uint64_t run_time_ns;
	uint64_t nr_runs;
	uint64_t nr_missed; /* runs skipped since one was under way on that CPU, and not made up for */
	uint64_t nr_insns; /* instructions that the verifier went through */
};

struct probe;

/* Everything up to the first record, which waits for probe_start(). Logs why not; 0 or -errno. */
int probe_new(const struct config *config, struct probe **ret);
/* Takes everything out of the kernel, unless ebpf.keep_running says that it stays. */
void probe_free(struct probe *probe);
static inline void probe_freep(struct probe **probe)
{
	probe_free(*probe);
}

/* Which records are sent from here on (bits 1 << enum rg_record_type; 0: none), but not this process's own. */
void probe_start(struct probe *probe, uint32_t records);
/* Which execs wake the reader at once, where it asked for RG_WAKE_FULL. */
void probe_set_names(struct probe *probe, const struct rg_rule_names *names);
/* When the next record wakes the reader. */
void probe_set_wake(struct probe *probe, enum rg_wake wake);

const struct probe_info *probe_info(const struct probe *probe);
/* Counters, settings at run time and levels, in memory that the kernel writes too. */
struct rg_state *probe_state(const struct probe *probe);
/* Walks the tables; 0 or -errno with *ret as it was. */
int probe_count(struct probe *probe, struct probe_table *ret);
/* The hooks' programs; at most NR_KERNEL_HOOKS. */
size_t probe_progs(const struct probe *probe, struct probe_prog *ret);
/* The ring, for reader_new(); stays the probe's. */
int probe_events_fd(const struct probe *probe);

#endif
