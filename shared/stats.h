/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every kernel-side counter. They only grow, except nr_pending_sources, which is a level. All are 64
 * bits, written with atomic adds, and read by userspace from mapped memory.
 *
 * The books: inserted = deleted + reclaimed + evicted + rows in the map. Evictions are the one term
 * that the kernel's LRU keeps to itself; userspace counts the rows and works it out.
 */
#ifndef RG_SHARED_STATS_H
#define RG_SHARED_STATS_H

#include "config.h"
#include "rule_names.h"

/* Hooks with a second program, where a first one can be skipped (compat.bpf.h). */
enum rg_again {
	RG_AGAIN_FORK,
	RG_AGAIN_PREPARE,
	RG_AGAIN_EXEC,
	RG_AGAIN_EXIT,
	RG_NR_AGAIN,
};

struct rg_stats {
	/* the table */
	__u64 inserted; /* rows that went in */
	__u64 deleted; /* rows taken out because their number had a new owner */
	__u64 reclaimed; /* exited rows deleted to make room */
	__u64 insert_failed; /* rows that the map did not take */
	__u64 lookup_misses; /* own or parent row asked for and not there */
	__u64 stale_identity; /* a row was there, but of an earlier owner of the number */
	__u64 stale_images; /* a row was there, but of what the process ran before its last exec */
	__u64 rebuilt; /* rows made again from the task after a miss */
	__u64 torn; /* copies whose checksum did not hold: the row was being written or reused */
	__u64 queue_failed; /* exited rows that found no place in the queue of the exited */
	/* threads, with process.track_threads; a table and books of their own */
	__u64 threads_inserted;
	__u64 threads_deleted; /* ended, or become the leader by an exec */
	__u64 threads_insert_failed;
	/* exec sources */
	__u64 nr_pending_sources; /* level: stored and not yet consumed */
	__u64 sources_refused; /* not stored: over performance.max_pending_exec_sources */
	__u64 sources_failed; /* not stored: the kernel gave no storage */
	/* records */
	__u64 submitted[RG_NR_RECORD_TYPES];
	__u64 ring_lost[RG_NR_RECORD_TYPES]; /* the ring was full */
	/* by hook: what the first program was skipped for, and the second one did */
	__u64 done_again[RG_NR_AGAIN];
	/* reads that failed: the value is null in its record */
	__u64 args_unreadable;
	__u64 env_unreadable;
	__u64 cwd_unreadable;
	__u64 exe_unreadable; /* a path that could not be walked to its root */
	__u64 filename_unreadable;
};

/*
 * Of ended processes that never made another one, nobody's ancestors, the table keeps the latest so many: at 256
 * a spawn takes 5 % longer, since the CPU's cache and its own list of free rows hold less than that.
 */
#define RG_LEAVES 64

/* Their ring: both positions only grow, modulo 2^32; a round behind next, entries are written over. */
struct rg_leaves {
	__u32 next; /* the next one goes to pid[next % RG_LEAVES] */
	__u32 taken; /* those before it made room */
	__u32 pid[RG_LEAVES]; /* 0: none */
};

/*
 * The tables' rows, as one walk found them. Nodes are reused under a walk, which then misses rows or sees some
 * twice: exact while nothing moves. What a map counts itself (6.6) is exact at any time.
 */
struct rg_census {
	__u64 live;
	__u64 exited;
	__u64 threads;
	__u64 rows_counted; /* by the map; read behind the walk */
	__u64 threads_counted;
	__u64 is_counted; /* bool: the kernel has those two */
};

/* All that the programs and userspace both write, in one map that userspace maps: "stats". */
struct rg_state {
	struct rg_stats stats;
	struct rg_control control;
	struct rg_census census;
	struct rg_rule_names names;
	struct rg_leaves leaves;
};

#endif
