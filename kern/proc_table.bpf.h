/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process table: an LRU hash of rows, and a queue of those that have ended.
 *
 * Room. max_rows is what the user asked for; the map has 128 more for each possible CPU, the most that
 * the LRU sets aside for one (LOCAL_FREE_TARGET), so it never evicts below max_rows. At max_rows an insert
 * first deletes the longest ended row; if none is left, rows go into the slack, and what ends then is
 * deleted at once. So: above max_rows no ended row is kept, and the LRU can only take a live one when
 * nothing else is there.
 *
 * Readers. A node can be written, freed and reused while a program reads it. So nobody uses a row in place: it is
 * copied, and the copy holds if the row's identity and seq are the same before and after, and seq is even.
 *
 * Writers. A process's row is written by its own tasks only, and by who replaces the row of a dead one after
 * having won its state by compare-and-swap.
 */
#ifndef RG_PROC_TABLE_BPF_H
#define RG_PROC_TABLE_BPF_H

#include "task.bpf.h"

/* Rows and entries of both are set by userspace before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct rg_proc_key);
	__type(value, struct rg_proc);
} proc_table __weak SEC(".maps");

/* Oldest first. Holds each exited row of the table, and some that are there no more. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct rg_exited);
} exited_queue __weak SEC(".maps");

/* Entries of the queue that one insert may look at; more than two are rarely stale in a row. */
#define PROC_TABLE_MAX_POPS 8

/* Rows now, as far as the kernel can know: userspace tells what the LRU has evicted. */
static __always_inline __s64 proc_table__nr_rows(void)
{
	return rg_stats.inserted - rg_stats.deleted - rg_stats.reclaimed - rg_control.evicted;
}

static __always_inline bool proc_table__is(const struct rg_proc *row, __u32 pid, __u64 start_time_ns)
{
	return *(const volatile __u32 *)&row->pid == pid &&
	       *(const volatile __u64 *)&row->start_time_ns == start_time_ns;
}

/* The row of that process, to be copied or written at once; NULL and counted if it isn't there. */
static __always_inline struct rg_proc *proc_table__find(__u32 pid, __u64 start_time_ns)
{
	struct rg_proc_key key = { .pid = pid, .tid = pid };
	struct rg_proc *row = bpf_map_lookup_elem(&proc_table, &key);

	if (row && proc_table__is(row, pid, start_time_ns))
		return row;
	RG_STAT_INC(lookup_misses);
	if (row)
		RG_STAT_INC(stale_identity);
	return NULL;
}

/* A copy of a row that may be written or reused meanwhile: true if it is whole and that process's. */
static __always_inline bool proc_table__copy(struct rg_proc *row, __u32 pid, __u64 start_time_ns,
					     struct rg_proc *ret)
{
	__u32 seq;
	int i;

	for (i = 0; i < 3; i++) {
		seq = __sync_fetch_and_add(&row->seq, 0); /* ordered before what follows */
		bpf_probe_read_kernel(ret, sizeof(*ret), row);
		if (seq == __sync_fetch_and_add(&row->seq, 0) && !(seq & 1) &&
		    proc_table__is(ret, pid, start_time_ns) &&
		    proc_table__is(row, pid, start_time_ns))
			return true;
	}
	RG_STAT_INC(torn);
	return false;
}

static __always_inline bool proc_table__get(__u32 pid, __u64 start_time_ns, struct rg_proc *ret)
{
	struct rg_proc *row = proc_table__find(pid, start_time_ns);

	return row && proc_table__copy(row, pid, start_time_ns, ret);
}

/* The writer's ticket, odd; 0 if another writer was faster. */
static __always_inline __u32 proc_table__write_begin(struct rg_proc *row)
{
	__u32 seq;
	int i;

	for (i = 0; i < 3; i++) {
		seq = *(volatile __u32 *)&row->seq & ~1;
		if (__sync_val_compare_and_swap(&row->seq, seq, seq + 1) == seq)
			return seq + 1;
	}
	RG_STAT_INC(torn);
	return 0;
}

/* A node that was reused under the writer is made nobody's: its owner's next look-up rebuilds it. */
static __always_inline void proc_table__write_end(struct rg_proc *row, __u32 ticket, __u32 pid,
						  __u64 start_time_ns)
{
	if (!proc_table__is(row, pid, start_time_ns)) {
		RG_STAT_INC(torn);
		row->start_time_ns = 0;
	}
	__sync_val_compare_and_swap(&row->seq, ticket, ticket + 1);
}

/* What an exec changes. */
static __always_inline void proc_table__write_image(struct rg_proc *row, const struct rg_proc *from)
{
	row->flags = from->flags;
	row->cgroup_id = from->cgroup_id;
	row->pid_ns = from->pid_ns;
	row->uid = from->uid;
	row->gid = from->gid;
	row->euid = from->euid;
	row->egid = from->egid;
	row->exe_len = from->exe_len;
	__builtin_memcpy(row->comm, from->comm, sizeof(row->comm));
	__builtin_memcpy(row->exe, from->exe, sizeof(row->exe));
}

/* The row of a process that has executed another file, in place. */
static __always_inline void proc_table__update(struct rg_proc *row, const struct rg_proc *from)
{
	__u32 ticket = proc_table__write_begin(row);

	if (!ticket)
		return;
	if (proc_table__is(row, from->pid, from->start_time_ns))
		proc_table__write_image(row, from);
	proc_table__write_end(row, ticket, from->pid, from->start_time_ns);
}

/* The name a process took since its last exec, e.g. by prctl(PR_SET_NAME) of its leader. */
static __always_inline void proc_table__rename(struct rg_proc *row, const struct rg_proc *from)
{
	__u32 ticket = proc_table__write_begin(row);

	if (!ticket)
		return;
	if (proc_table__is(row, from->pid, from->start_time_ns))
		__builtin_memcpy(row->comm, from->comm, sizeof(row->comm));
	proc_table__write_end(row, ticket, from->pid, from->start_time_ns);
}

/* Live -> exited; false if somebody did it before, and the process has ended already. */
static __always_inline bool proc_table__mark_exited(struct rg_proc *row, const struct rg_proc *from)
{
	if (__sync_val_compare_and_swap(&row->state, RG_PROC_LIVE, RG_PROC_EXITED) != RG_PROC_LIVE)
		return false;
	row->exit_time_ns = from->exit_time_ns;
	return true;
}

/* Deletes a row whose end of life the caller has won by marking it RG_PROC_RECLAIMED. */
static __always_inline void proc_table__reclaim(struct rg_proc_key *key)
{
	if (!bpf_map_delete_elem(&proc_table, key))
		RG_STAT_INC(reclaimed);
}

/* One entry of the queue: its row goes if it is still the exited one. False: the queue is empty. */
static __always_inline bool proc_table__pop(bool *ret_reclaimed)
{
	struct rg_exited exited;
	struct rg_proc *row;

	*ret_reclaimed = false;
	if (bpf_map_pop_elem(&exited_queue, &exited))
		return false;
	row = bpf_map_lookup_elem(&proc_table, &exited.key);
	if (!row || !proc_table__is(row, exited.key.pid, exited.start_time_ns))
		return true;
	if (__sync_val_compare_and_swap(&row->state, RG_PROC_EXITED, RG_PROC_RECLAIMED) != RG_PROC_EXITED)
		return true;
	proc_table__reclaim(&exited.key);
	*ret_reclaimed = true;
	return true;
}

static __always_inline void proc_table__make_room(void)
{
	bool reclaimed;
	int i;

	for (i = 0; i < PROC_TABLE_MAX_POPS; i++) {
		if (proc_table__nr_rows() < rg_config.max_rows || !proc_table__pop(&reclaimed))
			return;
	}
}

/* An exited row: it waits in the queue, or goes at once where the table is over its size. */
static __always_inline void proc_table__retire(struct rg_proc *row, __u32 pid, __u64 start_time_ns)
{
	struct rg_exited exited = { .start_time_ns = start_time_ns, .key = { pid, pid } };
	bool reclaimed;

	if (proc_table__nr_rows() > rg_config.max_rows) {
		if (row && __sync_val_compare_and_swap(&row->state, RG_PROC_EXITED,
						       RG_PROC_RECLAIMED) == RG_PROC_EXITED)
			proc_table__reclaim(&exited.key);
		return;
	}
	if (!bpf_map_push_elem(&exited_queue, &exited, 0))
		return;
	/* Full of entries that have outlived their rows: the oldest makes room. */
	proc_table__pop(&reclaimed);
	if (bpf_map_push_elem(&exited_queue, &exited, 0))
		RG_STAT_INC(queue_failed);
}

/* The row of a dead process under a number that has a new owner: overwritten in place. */
static __always_inline bool proc_table__replace(struct rg_proc *row, const struct rg_proc *with)
{
	__u32 state = row->state, ticket;

	if (state == RG_PROC_RECLAIMED ||
	    __sync_val_compare_and_swap(&row->state, state, RG_PROC_LIVE) != state)
		return false;
	ticket = proc_table__write_begin(row);
	if (!ticket)
		return false;
	row->start_time_ns = with->start_time_ns;
	row->ppid = with->ppid;
	row->parent_start_time_ns = with->parent_start_time_ns;
	row->exit_time_ns = with->exit_time_ns;
	proc_table__write_image(row, with);
	row->state = with->state;
	proc_table__write_end(row, ticket, with->pid, with->start_time_ns);
	RG_STAT_INC(deleted);
	RG_STAT_INC(inserted);
	return true;
}

/* In: a new row. False: it is already there, or it could not be taken, which is counted. */
static __always_inline bool proc_table__put(const struct rg_proc *row)
{
	struct rg_proc_key key = { .pid = row->pid, .tid = row->tid };
	struct rg_proc *old;
	long r;

	proc_table__make_room();
	r = bpf_map_update_elem(&proc_table, &key, row, BPF_NOEXIST);
	if (!r) {
		RG_STAT_INC(inserted);
		return true;
	}
	old = r == -EEXIST ? bpf_map_lookup_elem(&proc_table, &key) : NULL;
	if (old && proc_table__is(old, row->pid, row->start_time_ns))
		return false;
	if (old) {
		RG_STAT_INC(stale_identity);
		if (proc_table__replace(old, row))
			return true;
	}
	RG_STAT_INC(insert_failed);
	return false;
}

/*
 * The process of a leader that is alive, from the table or, if it was lost, made again from the task; a
 * leader that isn't the process asked for any more gives false.
 */
static __always_inline bool proc_table__get_or_rebuild(struct task_struct *leader, struct scratch *s,
						       __u32 slot, struct rg_proc *ret)
{
	if (proc_table__get(leader->tgid, leader->start_boottime, ret))
		return true;
	task__row(leader, s, slot, ret);
	ret->flags |= RG_REBUILT;
	if (proc_table__put(ret))
		RG_STAT_INC(rebuilt);
	return true;
}

#endif
