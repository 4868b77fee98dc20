/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads, with process.track_threads: a table of their own, so that no number of threads can push
 * out a process. A row goes when its thread ends; the least recently used goes when there is no room.
 */
#ifndef RG_THREAD_TABLE_BPF_H
#define RG_THREAD_TABLE_BPF_H

#include "task.bpf.h"

/* max_entries is set by userspace before loading; 1 if threads are not tracked. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct rg_proc_key);
	__type(value, struct rg_thread);
} thread_table __weak SEC(".maps");

static __always_inline void thread_table__fill(struct task_struct *task, struct rg_thread *row)
{
	row->start_time_ns = task->start_boottime;
	row->pid = task->tgid;
	row->tid = task->pid;
	__builtin_memcpy(row->comm, task->comm, sizeof(row->comm));
}

/* In; over the row of an earlier thread of this number, whose end was missed. */
static __always_inline void thread_table__put(const struct rg_thread *row)
{
	struct rg_proc_key key = { .pid = row->pid, .tid = row->tid };
	long r = bpf_map_update_elem(&thread_table, &key, row, BPF_NOEXIST);

	if (r == -EEXIST) {
		if (!bpf_map_delete_elem(&thread_table, &key))
			RG_STAT_INC(threads_deleted);
		r = bpf_map_update_elem(&thread_table, &key, row, BPF_NOEXIST);
	}
	if (r)
		RG_STAT_INC(threads_insert_failed);
	else
		RG_STAT_INC(threads_inserted);
}

/* Out. False: there was no such row. */
static __always_inline bool thread_table__take(__u32 pid, __u32 tid)
{
	struct rg_proc_key key = { .pid = pid, .tid = tid };

	if (bpf_map_delete_elem(&thread_table, &key))
		return false;
	RG_STAT_INC(threads_deleted);
	return true;
}

#endif
