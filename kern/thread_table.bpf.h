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

static __always_inline bool thread_table__has(struct task_struct *task)
{
	struct rg_proc_key key = { .pid = task->tgid, .tid = task->pid };
	struct rg_thread *row = bpf_map_lookup_elem(&thread_table, &key);

	return row && row->start_time_ns == task->start_boottime;
}

/* pid and tid as they lie in the row; tid 0: somebody deletes it. */
union thread_table__ids {
	struct {
		__u32 pid;
		__u32 tid;
	};
	__u64 word;
};

/*
 * Out. False: there was no such row, or another one takes it out. Counted first, for who adds up meanwhile (see
 * proc_table__reclaim()).
 */
static __always_inline bool thread_table__take(__u32 pid, __u32 tid)
{
	union thread_table__ids old = { { pid, tid } }, new = { { pid, 0 } };
	struct rg_proc_key key = { .pid = pid, .tid = tid };
	struct rg_thread *row = bpf_map_lookup_elem(&thread_table, &key);

	if (!row || __sync_val_compare_and_swap((__u64 *)&row->pid, old.word, new.word) != old.word)
		return false;
	RG_STAT_INC(threads_deleted);
	bpf_map_delete_elem(&thread_table, &key);
	return true;
}

/* In; over the row of an earlier thread of this number, whose end was missed. */
static __always_inline void thread_table__put(const struct rg_thread *row)
{
	struct rg_proc_key key = { .pid = row->pid, .tid = row->tid };
	int r = (int)bpf_map_update_elem(&thread_table, &key, row, BPF_NOEXIST); /* as in proc_table__put() */

	if (r == -EEXIST && thread_table__take(row->pid, row->tid))
		r = (int)bpf_map_update_elem(&thread_table, &key, row, BPF_NOEXIST);
	if (r)
		RG_STAT_INC(threads_insert_failed);
	else
		RG_STAT_INC(threads_inserted);
}

#endif
