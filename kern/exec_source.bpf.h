/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which syscall an exec came through, from where it is known to where the exec has happened.
 *
 * At most one waits per task, since a task is in one syscall at a time. What waits is counted and bounded
 * by rg_config.max_pending_sources. Taking one empties its place, and the place goes with its task: to
 * delete it costs more than all else here, then and when the next task needs one.
 */
#ifndef RG_EXEC_SOURCE_BPF_H
#define RG_EXEC_SOURCE_BPF_H

#include "compat.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rg_exec_source);
} exec_source __weak SEC(".maps");

static __always_inline void exec_source__set(struct task_struct *task, enum rg_exec_syscall syscall)
{
	/* Taken first, so that CPUs which ask at the same time don't get more places than there are. */
	bool is_room = RG_STAT_INC(nr_pending_sources) < rg_config.max_pending_sources;
	struct rg_exec_source *source = bpf_task_storage_get(&exec_source, task, NULL,
							     is_room ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	bool is_first = !source || source->syscall == RG_SYSCALL_UNKNOWN;

	if (!source || !is_room || !is_first)
		RG_STAT_DEC(nr_pending_sources); /* none, or the place of one that was never taken */
	if (is_room && !source)
		RG_STAT_INC(sources_failed);
	else if (!is_room && is_first)
		RG_STAT_INC(sources_refused);
	else
		source->syscall = syscall;
}

static __always_inline bool exec_source__is_pending(struct task_struct *task)
{
	struct rg_exec_source *source = bpf_task_storage_get(&exec_source, task, NULL, 0);

	return source && source->syscall != RG_SYSCALL_UNKNOWN;
}

/* Does any task's wait? If this one's does, it is counted since before. */
static __always_inline bool exec_source__is_any(void)
{
	return *(volatile __u64 *)&rg_state.stats.nr_pending_sources;
}

/* The source that waits for this task, which then waits no more. */
static __always_inline enum rg_exec_syscall exec_source__take(struct task_struct *task)
{
	struct rg_exec_source *source = bpf_task_storage_get(&exec_source, task, NULL, 0);
	enum rg_exec_syscall syscall;

	if (!source)
		return RG_SYSCALL_UNKNOWN;
	syscall = source->syscall;
	if (syscall != RG_SYSCALL_UNKNOWN)
		RG_STAT_DEC(nr_pending_sources);
	source->syscall = RG_SYSCALL_UNKNOWN;
	return syscall;
}

#endif
