/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_process_fork: a new row, with what a fork inherits from its creator's, and a relationship record.
 * Current is the creator, and it may be any of its process's threads.
 */
#include "record.bpf.h"
#include "thread_table.bpf.h"

/* The creator's row, brought up to date where the process was renamed or makes its first. */
static __always_inline void fork__creator(struct task_struct *task, struct scratch *s, __u32 slot,
					  struct rg_proc *creator)
{
	struct task_struct *leader = task->group_leader;
	__u64 comm[RG_COMM_LEN / sizeof(__u64)];
	__u64 *known = (__u64 *)creator->comm;
	struct rg_proc *row;
	bool is_renamed;

	proc_table__get_or_rebuild(task, s, slot, creator);
	__builtin_memcpy(comm, leader->comm, sizeof(comm));
	is_renamed = comm[0] != known[0] || comm[1] != known[1];
	if (!is_renamed && proc_table__is_creator(creator->flags))
		return;
	row = proc_table__find(creator->pid, creator->start_time_ns);
	if (row)
		proc_table__set_creator(row);
	if (!is_renamed)
		return;
	__builtin_memcpy(creator->comm, comm, sizeof(comm));
	proc_table__set_sum(creator);
	if (row)
		proc_table__rename(row, creator);
}

/* The creator's row becomes the child's: what a fork inherits stays as it is. */
static __always_inline void fork__row(struct task_struct *child, struct rg_proc *row)
{
	__u32 flags = row->flags & (RG_EXE_TRUNCATED | RG_EXE_DELETED);
	__u64 parent_start_time_ns = row->start_time_ns;
	__u32 ppid = row->pid;

	task__fill(child, row);
	row->ppid = ppid;
	row->parent_start_time_ns = parent_start_time_ns;
	row->flags = flags;
}

/* s->row still is the creator's. */
static __always_inline void fork__record_parent(struct scratch *s)
{
	struct rg_record_fork *rec = (void *)s->record;
	struct rg_proc *creator = &s->row;

	rec->parent_pid = creator->pid;
	rec->parent_known = 1;
	rec->pad = 0;
	rec->parent_exe_len = creator->exe_len;
	__builtin_memcpy(rec->parent_comm, creator->comm, sizeof(rec->parent_comm));
}

static __always_inline void fork__record(struct scratch *s)
{
	struct rg_record_fork *rec = (void *)s->record;
	struct rg_proc *row = &s->row;

	record__begin_at(&rec->hdr, RG_RECORD_FORK, sizeof(*rec), row->start_time_ns);
	rec->child_start_time_ns = row->start_time_ns;
	rec->child_pid = row->pid;
	rec->child_tid = row->tid;
	rec->uid = row->uid;
	rec->gid = row->gid;
	__builtin_memcpy(rec->child_comm, row->comm, sizeof(rec->child_comm));
	record__append(s, row->exe, row->exe_len); /* inherited: the parent's */
	record__submit(s, RG_RECORD_FORK, false);
}

static __always_inline void fork__process(struct task_struct *parent, struct task_struct *child, __u32 slot)
{
	struct scratch *s = scratch__get(slot);
	struct rg_proc *row;

	if (!s)
		return;
	fork__creator(parent, s, slot, &s->row);
	fork__record_parent(s);
	fork__row(child, &s->row);
	if (proc_table__put(&s->row) == PUT_EXISTS) {
		/* The snapshot was faster, but it knew the present parent only. */
		row = proc_table__find(s->row.pid, s->row.start_time_ns);
		if (row)
			proc_table__write(row, &s->row);
	}
	if (record__is_wanted(RG_RECORD_FORK, s->row.ppid))
		fork__record(s);
}

static __always_inline void fork__thread(struct task_struct *creator, struct task_struct *task)
{
	struct rg_record_thread_start rec = {};
	struct rg_thread row = {};

	thread_table__fill(task, &row);
	row.creator_tid = creator->pid;
	thread_table__put(&row);
	if (!record__is_wanted(RG_RECORD_THREAD_START, row.pid))
		return;
	record__begin(&rec.hdr, RG_RECORD_THREAD_START, sizeof(rec));
	rec.pid = row.pid;
	rec.tid = row.tid;
	rec.creator_tid = row.creator_tid;
	rec.uid = task->real_cred->uid.val;
	rec.gid = task->real_cred->gid.val;
	__builtin_memcpy(rec.comm, row.comm, sizeof(rec.comm));
	record__send(&rec.hdr, RG_RECORD_THREAD_START, sizeof(rec), false);
}

static __noinline void fork__task(struct task_struct *parent, struct task_struct *child, __u32 slot)
{
	if (child->pid == child->tgid)
		fork__process(parent, child, slot);
	else if (rg_config.max_threads)
		fork__thread(parent, child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	fork__task(parent, child, SCRATCH_FORK);
	return 0;
}

/* It has its row; or the map took none, and the first program's scratch tells of it (of a process). */
static __always_inline bool fork__is_done(struct task_struct *child)
{
	const struct scratch *s = scratch__get(SCRATCH_FORK);

	if (child->pid != child->tgid)
		return !rg_config.max_threads || thread_table__has(child);
	return proc_table__peek(child->tgid, child->start_boottime) ||
	       (s && proc_table__is(&s->row, child->tgid, child->start_boottime));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_again, struct task_struct *parent, struct task_struct *child)
{
	if (fork__is_done(child))
		return 0;
	RG_STAT_INC(done_again[RG_AGAIN_FORK]);
	fork__task(parent, child, SCRATCH_FORK_AGAIN);
	return 0;
}
