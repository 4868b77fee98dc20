/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room to put a row and a record together, since the stack has 512 bytes.
 *
 * One slot a program and CPU: the kernel never runs a tracing program inside itself on one CPU, but
 * another one of ours can preempt it (compat.bpf.h).
 */
#ifndef RG_SCRATCH_BPF_H
#define RG_SCRATCH_BPF_H

#include "compat.bpf.h"

enum scratch_slot {
	SCRATCH_FORK,
	SCRATCH_EXEC,
	SCRATCH_EXIT,
	SCRATCH_SNAPSHOT,
	NR_SCRATCH_SLOTS, /* of programs that are always loaded */
	SCRATCH_FORK_AGAIN = NR_SCRATCH_SLOTS,
	SCRATCH_EXEC_AGAIN,
	SCRATCH_EXIT_AGAIN,
	NR_SCRATCH_SLOTS_AGAIN,
};
_Static_assert(NR_SCRATCH_SLOTS == RG_SCRATCH_SLOTS && NR_SCRATCH_SLOTS_AGAIN == RG_SCRATCH_SLOTS_AGAIN, "");

struct scratch_walk {
	struct mount *mnt;
	struct dentry *mnt_root;
	struct dentry *dentry; /* the next name's */
	__u64 pos; /* in the path; and flags at its end */
};
/* A mount above which a walk has met no name, as of that count of its namespace's changes. */
struct scratch_top {
	__u64 vfsmount;
	__u64 mnt_ns;
	__u64 event;
};
_Static_assert(sizeof(struct scratch_walk) + sizeof(struct scratch_top) == RG_WALK_BYTES, "");

/* A path grows from the middle to the front; what is behind the middle stays zero. */
#define SCRATCH_PATH_END (RG_PATH_MAX - 1)

struct scratch {
	struct rg_proc row; /* the program's process */
	struct rg_proc other; /* its creator or an ancestor */
	struct rg_lineage lineage; /* of the last exec's creator */
	char path[2 * RG_PATH_MAX]; /* where a walk writes */
	struct scratch_walk walk;
	struct scratch_top top;
	char record[RG_RECORD_BASE_MAX];
	/* Only when something is collected: userspace shortens the value to SCRATCH_BASE_SIZE else. */
	char collected[RG_ARGS_MAX + RG_ENV_MAX]; /* where the record goes on */
	struct scratch_env {
		__u64 pos; /* the next variable, or piece of one, in the process's memory */
		__u32 used; /* bytes in the record */
		__u32 state; /* COLLECT_* */
		char var[RG_ENV_VAR_MAX];
	} env;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RG_SCRATCH_SLOTS_AGAIN); /* or less, as userspace sets it */
	__type(key, __u32);
	__type(value, struct scratch);
} scratch __weak SEC(".maps");

static __always_inline struct scratch *scratch__get(__u32 slot)
{
	return bpf_map_lookup_elem(&scratch, &slot);
}

#endif
