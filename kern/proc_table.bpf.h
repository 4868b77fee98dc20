/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process table: an LRU hash of rows, and who of them has ended: creators, which others descend from, in a
 * queue, and leaves, which never made a process, in a ring (struct rg_leaves).
 *
 * Room. max_rows is what the user asked for; the map has more, by what the LRU sets aside for each CPU (see
 * loader.c), so it never evicts below max_rows. At max_rows an insert first deletes the longest ended
 * row, leaves before creators; if none is left, rows go into the slack, and what ends then is deleted at
 * once. So: above max_rows no ended row is kept, and the LRU can only take a live one when nothing else is
 * there.
 *
 * Readers. A node can be written, freed and reused while a program reads it. So nobody uses a row in
 * place: it is copied, and the copy holds if its checksum does (row_sum.bpf.h).
 *
 * Writers. A row is written by its own process's tasks only: at exec, when there is one task, and at fork to
 * take over a new name, when "writing" keeps a second task out. A writer whose row was evicted under
 * it may spoil another process's: that one's readers see it, and put it right from its task.
 *
 * States. pid and state are one word, changed by compare-and-swap: a node that was given to another
 * process meanwhile has another pid, so nobody ends the wrong one.
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

/* Oldest first. Holds each exited creator of the table, and some that are there no more. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct rg_exited);
} exited_queue __weak SEC(".maps");

/* How many one insert takes to find one that is not stale; few are. */
#define PROC_TABLE_TRIES 2

/* Rows now, as far as the kernel can know: userspace tells what the LRU has evicted. */
static __always_inline __s64 proc_table__nr_rows(void)
{
	const struct rg_stats *stats = &rg_state.stats;

	return stats->inserted - stats->deleted - stats->reclaimed - rg_state.control.evicted;
}

static __always_inline bool proc_table__is_full(void)
{
	return proc_table__nr_rows() >= rg_config.max_rows;
}

static __always_inline bool proc_table__is(const struct rg_proc *row, __u32 pid, __u64 start_time_ns)
{
	return *(const volatile __u32 *)&row->pid == pid &&
	       *(const volatile __u64 *)&row->start_time_ns == start_time_ns;
}

/* The row of that process, for a look at one word of it. */
static __always_inline struct rg_proc *proc_table__peek(__u32 pid, __u64 start_time_ns)
{
	struct rg_proc_key key = { .pid = pid, .tid = pid };
	struct rg_proc *row = bpf_map_lookup_elem(&proc_table, &key);

	return row && proc_table__is(row, pid, start_time_ns) ? row : NULL;
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

/* How often a copy is tried again when somebody writes the row. */
#define PROC_TABLE_COPIES 3

/* What names a process but its exe: enough for an ancestor. */
static __always_inline bool proc_table__copy_head(const struct rg_proc *row, struct rg_proc *ret)
{
	int i;

	for (i = 0; i < PROC_TABLE_COPIES; i++) {
		__builtin_memcpy(ret, row, offsetof(struct rg_proc, writing));
		barrier();
		if (row_sum__of_head(ret) == ret->sum)
			return true;
	}
	RG_STAT_INC(torn);
	return false;
}

static __always_inline bool proc_table__copy(const struct rg_proc *row, struct rg_proc *ret)
{
	int i;

	for (i = 0; i < PROC_TABLE_COPIES; i++) {
		__builtin_memcpy(ret, row, sizeof(*ret));
		barrier();
		if (row_sum__of_head(ret) == ret->sum && row_sum__of_exe(ret) == ret->exe_sum)
			return true;
	}
	RG_STAT_INC(torn);
	return false;
}

static __always_inline bool proc_table__get(__u32 pid, __u64 start_time_ns, struct rg_proc *ret)
{
	struct rg_proc *row = proc_table__find(pid, start_time_ns);

	return row && proc_table__copy(row, ret) && proc_table__is(ret, pid, start_time_ns);
}

static __always_inline void proc_table__set_sum(struct rg_proc *row)
{
	row->sum = row_sum__of_head(row);
}

/* It has children, or had, or may have had some before this row. */
static __always_inline bool proc_table__is_creator(__u32 flags)
{
	return flags & (RG_HAS_CREATED | RG_SNAPSHOT | RG_REBUILT);
}

/* All of a row but its identity, state and lock, from a row whose sums are set. */
static __always_inline void proc_table__write(struct rg_proc *row, const struct rg_proc *from)
{
	row->parent_start_time_ns = from->parent_start_time_ns;
	row->ppid = from->ppid;
	row->exe_len = from->exe_len;
	row->exec_id = from->exec_id;
	__builtin_memcpy(row->comm, from->comm, sizeof(row->comm));
	row->exe_sum = from->exe_sum;
	row->sum = from->sum;
	row->flags = from->flags;
	row->exit_time_ns = from->exit_time_ns;
	row->cgroup_id = from->cgroup_id;
	row->tid = from->tid;
	row->pid_ns = from->pid_ns;
	row->uid = from->uid;
	row->gid = from->gid;
	row->euid = from->euid;
	row->egid = from->egid;
	__builtin_memcpy(row->exe, from->exe, sizeof(row->exe));
	if (proc_table__is_creator(from->flags))
		__sync_fetch_and_add(&rg_state.control.creators_written, 1);
}

/* Before the process that it has made can be seen. */
static __always_inline void proc_table__set_creator(struct rg_proc *row)
{
	__sync_fetch_and_or((__u32 *)&row->flags, RG_HAS_CREATED);
}

/* The name a process took since its last exec, e.g. by prctl(PR_SET_NAME) of its leader. */
static __always_inline void proc_table__rename(struct rg_proc *row, const struct rg_proc *from)
{
	if (__sync_val_compare_and_swap(&row->writing, 0, 1))
		return; /* another thread sees to it */
	__builtin_memcpy(row->comm, from->comm, sizeof(row->comm));
	row->sum = from->sum;
	row->writing = 0;
	__sync_fetch_and_add(&rg_state.control.creators_written, 1);
}

/* pid and state as they lie in the row. */
union proc_table__life {
	struct {
		__u32 pid;
		enum rg_proc_state state;
	};
	__u64 word;
};

/* From one state to another, if it is this pid's row and in the first. */
static __always_inline bool proc_table__change(struct rg_proc *row, __u32 pid, enum rg_proc_state from,
					       enum rg_proc_state to)
{
	union proc_table__life old = { { pid, from } }, new = { { pid, to } };

	return __sync_val_compare_and_swap((__u64 *)&row->pid, old.word, new.word) == old.word;
}

/*
 * Deletes a row whose end of life the caller has won by marking it RG_PROC_RECLAIMED. Counted first, so that whoever
 * adds up rows and counters meanwhile finds a row too many, never one that seems to have been evicted. If the
 * LRU is faster, the row is gone all the same.
 */
static __always_inline void proc_table__reclaim(struct rg_proc_key *key)
{
	RG_STAT_INC(reclaimed);
	bpf_map_delete_elem(&proc_table, key);
}

/* The ring tells only a number: if it is another leaf's by now that has ended, too, that one goes early. */
static __always_inline void proc_table__reclaim_leaf(__u32 pid)
{
	struct rg_proc_key key = { .pid = pid, .tid = pid };
	struct rg_proc *row = bpf_map_lookup_elem(&proc_table, &key);

	if (row && !proc_table__is_creator(row->flags) &&
	    proc_table__change(row, pid, RG_PROC_EXITED, RG_PROC_RECLAIMED))
		proc_table__reclaim(&key);
}

/* The longest ended leaf's pid; 0: there is none, or another CPU has it. */
static __always_inline __u32 proc_table__take_leaf(void)
{
	struct rg_leaves *leaves = &rg_state.leaves;
	__u32 taken = *(volatile __u32 *)&leaves->taken, next = *(volatile __u32 *)&leaves->next;
	__u32 oldest = next - taken > RG_LEAVES ? next - RG_LEAVES : taken;

	if (oldest == next || __sync_val_compare_and_swap(&leaves->taken, taken, oldest + 1) != taken)
		return 0;
	return __sync_lock_test_and_set(&leaves->pid[oldest % RG_LEAVES], 0);
}

/* Into the place of the longest ended one, which goes. */
static __always_inline void proc_table__put_leaf(__u32 pid)
{
	struct rg_leaves *leaves = &rg_state.leaves;
	__u32 next = __sync_fetch_and_add(&leaves->next, 1);
	__u32 oldest = __sync_lock_test_and_set(&leaves->pid[next % RG_LEAVES], pid);

	if (oldest)
		proc_table__reclaim_leaf(oldest);
}

/* The longest ended one, if its row is still the exited one. 0: the queue was empty. Global: verified once. */
__weak __noinline int proc_table__reclaim_creator(void)
{
	struct rg_exited oldest;
	struct rg_proc *row;

	if (bpf_map_pop_elem(&exited_queue, &oldest))
		return 0;
	row = proc_table__peek(oldest.key.pid, oldest.start_time_ns);
	if (row && proc_table__change(row, oldest.key.pid, RG_PROC_EXITED, RG_PROC_RECLAIMED))
		proc_table__reclaim(&oldest.key);
	return 1;
}

/* 0: nothing that has ended is left. Global, so it is verified once, and not wherever a row is put. */
__weak __noinline int proc_table__reclaim_oldest(void)
{
	__u32 leaf = proc_table__take_leaf();

	if (!leaf)
		return proc_table__reclaim_creator();
	proc_table__reclaim_leaf(leaf);
	return 1;
}

static __always_inline void proc_table__make_room(void)
{
	int i;

	for (i = 0; i < PROC_TABLE_TRIES; i++) {
		if (!proc_table__is_full() || !proc_table__reclaim_oldest())
			return;
	}
}

/*
 * An exited row (NULL: the one under this key): it waits with its like, or goes at once where the table is over
 * its size.
 */
static __always_inline void proc_table__retire(struct rg_proc *row, __u32 pid, __u64 start_time_ns, bool is_leaf)
{
	struct rg_exited exited = { .start_time_ns = start_time_ns, .key = { pid, pid } };
	int i;

	if (proc_table__nr_rows() > rg_config.max_rows) {
		if (!row)
			row = bpf_map_lookup_elem(&proc_table, &exited.key);
		if (row && proc_table__change(row, pid, RG_PROC_EXITED, RG_PROC_RECLAIMED))
			proc_table__reclaim(&exited.key);
		return;
	}
	if (is_leaf) {
		proc_table__put_leaf(pid);
		return;
	}
	/* Full of entries that have outlived their rows: the oldest make room, for which CPUs race. */
	for (i = 0; bpf_map_push_elem(&exited_queue, &exited, 0); i++) {
		if (i == PROC_TABLE_TRIES) {
			RG_STAT_INC(queue_failed);
			return;
		}
		proc_table__reclaim_creator();
	}
}

/* The row of a dead process under a number that has a new owner: overwritten in place. */
static __always_inline bool proc_table__replace(struct rg_proc *row, const struct rg_proc *with)
{
	__u32 pid = with->pid;

	/* A live one, too: its end was missed. One that is being reclaimed is about to be gone. */
	if (!proc_table__change(row, pid, RG_PROC_EXITED, RG_PROC_NONE) &&
	    !proc_table__change(row, pid, RG_PROC_LIVE, RG_PROC_NONE))
		return false;
	row->start_time_ns = with->start_time_ns;
	proc_table__write(row, with);
	proc_table__change(row, pid, RG_PROC_NONE, with->state);
	RG_STAT_INC(deleted);
	RG_STAT_INC(inserted);
	return true;
}

enum put_result {
	PUT_DONE,
	PUT_EXISTS, /* the same process has a row, which stays as it is */
	PUT_FAILED, /* the map took none: counted */
};

/* In: a new row, with its exe's sum set. */
static __always_inline enum put_result proc_table__put(struct rg_proc *row)
{
	struct rg_proc_key key = { .pid = row->pid, .tid = row->tid };
	struct rg_proc *old;
	int r;

	proc_table__set_sum(row);
	proc_table__make_room();
	/* An int: before 6.4 its upper half is not what a long would have. */
	r = (int)bpf_map_update_elem(&proc_table, &key, row, BPF_NOEXIST);
	if (!r) {
		RG_STAT_INC(inserted);
		if (proc_table__is_creator(row->flags))
			__sync_fetch_and_add(&rg_state.control.creators_written, 1);
		return PUT_DONE;
	}
	old = r == -EEXIST ? bpf_map_lookup_elem(&proc_table, &key) : NULL;
	if (old && proc_table__is(old, row->pid, row->start_time_ns))
		return PUT_EXISTS;
	if (old) {
		RG_STAT_INC(stale_identity);
		if (proc_table__replace(old, row))
			return PUT_DONE;
	}
	RG_STAT_INC(insert_failed);
	return PUT_FAILED;
}

/* In, or over what is there of the same process: made from the task, so at least as true. */
static __always_inline enum put_result proc_table__put_rebuilt(struct rg_proc *row)
{
	enum put_result r;
	struct rg_proc *old;

	row->flags |= RG_REBUILT;
	r = proc_table__put(row);
	if (r == PUT_EXISTS) {
		old = proc_table__find(row->pid, row->start_time_ns);
		if (old)
			proc_table__write(old, row);
	}
	if (r != PUT_FAILED)
		RG_STAT_INC(rebuilt);
	return r;
}

/* Is this copy of a row of the image that the task runs? Not if no program saw its last exec. */
static __always_inline bool proc_table__is_image_of(const struct rg_proc *row, struct task_struct *leader)
{
	if (row->exec_id == (__u16)leader->self_exec_id)
		return true;
	RG_STAT_INC(stale_images);
	return false;
}

/* The row's copy and the row are made anew from the task, but for the creator, whom only the row knows. */
static __always_inline void proc_table__renew(struct task_struct *task, struct scratch *s, __u32 slot,
					      struct rg_proc *copy)
{
	__u64 parent_start_time_ns = copy->parent_start_time_ns;
	__u32 ppid = copy->ppid;
	struct rg_proc *row;

	task__row(task, s, slot, copy);
	copy->ppid = ppid;
	copy->parent_start_time_ns = parent_start_time_ns;
	copy->flags |= RG_HAS_CREATED; /* it may have, before that exec */
	proc_table__set_sum(copy);
	row = proc_table__find(copy->pid, copy->start_time_ns);
	if (row)
		proc_table__write(row, copy);
}

/*
 * The process of a task that is alive, from the table or, if it was lost, made again from the task.
 */
static __always_inline void proc_table__get_or_rebuild(struct task_struct *task, struct scratch *s,
						       __u32 slot, struct rg_proc *ret)
{
	struct task_struct *leader = task->group_leader;

	if (proc_table__get(leader->tgid, leader->start_boottime, ret)) {
		if (!proc_table__is_image_of(ret, leader))
			proc_table__renew(task, s, slot, ret);
		return;
	}
	task__row(task, s, slot, ret);
	proc_table__put_rebuilt(ret);
}

#endif
