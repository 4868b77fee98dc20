/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What userspace tells the programs: rg_config before they are loaded, rg_control at any time. */
#ifndef RG_SHARED_CONFIG_H
#define RG_SHARED_CONFIG_H

#include "record.h"

/* Environment variables that can be asked for, and bytes of "NAME=" of each. */
#define RG_ENV_NAMES_MAX 8
#define RG_ENV_NAME_LEN 32

/* "NAME=" and a mask of its bytes, as words: compared without a loop. */
struct rg_env_name {
	__u64 word[RG_ENV_NAME_LEN / 8];
	__u64 mask[RG_ENV_NAME_LEN / 8]; /* 0xff where word has a byte; all 0: not used */
};

/* Constant once loaded: what is off costs nothing, since the verifier removes it. */
struct rg_config {
	__u32 max_rows; /* performance.max_process_cache_entries */
	__u32 max_pending_sources; /* performance.max_pending_exec_sources */
	__u32 wakeup_bytes; /* the reader is woken when the ring holds this much */
	__u32 max_args_bytes; /* at most RG_ARGS_MAX */
	__u32 max_env_bytes; /* at most RG_ENV_MAX */
	__u8 collect_args; /* bool */
	__u8 collect_env; /* bool */
	__u8 collect_cwd; /* bool */
	__u8 exit_has_group_dead; /* bool: sched_process_exit passes it (6.16) */
	struct rg_env_name env_names[RG_ENV_NAMES_MAX];
};
RG_STATIC_ASSERT(sizeof(struct rg_config) == 536);

/* When the next record wakes the reader. */
enum rg_wake {
	RG_WAKE_NEVER = 0, /* it is awake, or was woken */
	RG_WAKE_FULL = 1, /* the ring holds wakeup_bytes; else its timer does */
	RG_WAKE_NEXT = 2, /* at once: it sleeps without a timer */
};

struct rg_control {
	__u32 agent_pid; /* tgid whose records are left out; 0: none */
	__u32 wanted; /* bit 1 << enum rg_record_type: records to send; 0 until the snapshot is in */
	__u32 wake; /* enum rg_wake; set by the reader, taken back by the record that wakes it */
	__u32 pad;
	__u64 evicted; /* rows that the LRU took, as userspace last worked it out */
};

#endif
