/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What userspace tells the programs: rg_config before they are loaded, rg_control at any time. */
#ifndef RG_SHARED_CONFIG_H
#define RG_SHARED_CONFIG_H

#include "record.h"

/* Environment variables that can be asked for, and bytes of "NAME=" of each. */
#define RG_ENV_NAMES_MAX 8
#define RG_ENV_NAME_LEN 32

/* Slots of scratch, by programs that use one: those always loaded, and with the second ones (kern/compat.bpf.h). */
#define RG_SCRATCH_SLOTS 4
#define RG_SCRATCH_SLOTS_AGAIN 7
/* In a slot: where a walk along a path is, and what one has found (kern/scratch.bpf.h). */
#define RG_WALK_BYTES 56

/* "NAME=" and a mask of its bytes, as words: compared without a loop. */
struct rg_env_name {
	__u64 word[RG_ENV_NAME_LEN / 8];
	__u64 mask[RG_ENV_NAME_LEN / 8]; /* 0xff where word has a byte; all 0: not used */
};

/* Which of prepare.bpf.c's programs are loaded. */
enum rg_exec_source_hook {
	RG_HOOK_NONE = 0,
	RG_HOOK_PREPARE = 1, /* tp_btf/sched_prepare_exec */
	RG_HOOK_RENAME = 2, /* tp_btf/task_rename */
	RG_HOOK_SYSCALLS = 3, /* syscalls:sys_{enter,exit}_execve{,at} */
};

/*
 * Constant once loaded: what is off costs nothing, since the verifier removes it. An agent that takes
 * over programs which run already compares this, byte by byte, with what it would load itself.
 */
struct rg_config {
	__u32 abi; /* RG_ABI_VERSION */
	__u32 max_rows; /* performance.max_process_cache_entries */
	__u32 max_threads; /* performance.max_thread_cache_entries; 0: threads are not tracked */
	__u32 max_pending_sources; /* performance.max_pending_exec_sources */
	__u32 ring_bytes; /* ebpf.buffer_size */
	__u32 wakeup_bytes; /* the reader is woken when the ring holds this much */
	__u32 max_args_bytes; /* at most RG_ARGS_MAX */
	__u32 max_env_bytes; /* at most RG_ENV_MAX */
	__u8 collect_args; /* bool */
	__u8 collect_env; /* bool */
	__u8 collect_cwd; /* bool */
	__u8 exit_has_group_dead; /* bool: sched_process_exit passes it (6.16) */
	enum rg_exec_source_hook hook;
	char version[24]; /* of the agent that loaded the programs, NUL-padded */
	struct rg_env_name env_names[RG_ENV_NAMES_MAX];
};
RG_STATIC_ASSERT(sizeof(struct rg_config) == 576);

/* When the next record wakes the reader. */
enum rg_wake {
	RG_WAKE_NEVER = 0, /* it is awake, or was woken, or is away */
	RG_WAKE_FULL = 1, /* the ring holds wakeup_bytes; else its timer does */
	RG_WAKE_NEXT = 2, /* at once: it sleeps without a timer */
};

struct rg_control {
	__u32 agent_pid; /* tgid whose records are left out; 0: none. Taken back when it ends */
	__u32 wanted; /* bit 1 << enum rg_record_type: records to send; 0 until the snapshot is in */
	__u32 wake; /* enum rg_wake; set by the reader, taken back by the record that wakes it */
	__u32 pad;
	__u64 creators_written; /* by the programs: rows written anew whose process has made others */
	__u64 evicted; /* rows that the LRU took, as userspace last worked it out */
	__u64 threads_evicted; /* rows of threads, likewise */
	__u64 lost_reported[RG_NR_RECORD_TYPES]; /* of stats.ring_lost: what a "lost" line has said */
};

#endif
