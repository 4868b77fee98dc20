/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_process_fork: a new row, with what a fork inherits from its creator's, and a relationship record.
 * Current is the creator, and it may be any of its process's threads.
 */
#include "record.bpf.h"

/* The creator by its leader: its row is brought up to date where the process was renamed. */
static __always_inline void fork__creator(struct task_struct *leader, struct scratch *s)
{
	struct rg_proc *creator = &s->other, *row;
	char comm[RG_COMM_LEN];

	proc_table__get_or_rebuild(leader, s, SCRATCH_FORK, creator);
	bpf_probe_read_kernel(comm, sizeof(comm), leader->comm);
	if (((__u64 *)comm)[0] == ((__u64 *)creator->comm)[0] &&
	    ((__u64 *)comm)[1] == ((__u64 *)creator->comm)[1])
		return;
	__builtin_memcpy(creator->comm, comm, sizeof(comm));
	row = proc_table__find(creator->pid, creator->start_time_ns);
	if (row)
		proc_table__rename(row, creator);
}

static __always_inline void fork__row(struct task_struct *child, struct scratch *s)
{
	struct rg_proc *row = &s->row, *creator = &s->other;

	task__fill(child, row);
	row->ppid = creator->pid;
	row->parent_start_time_ns = creator->start_time_ns;
	row->flags = creator->flags & (RG_EXE_TRUNCATED | RG_EXE_DELETED);
	row->exe_len = creator->exe_len;
	__builtin_memcpy(row->exe, creator->exe, sizeof(row->exe));
}

static __always_inline void fork__record(struct scratch *s)
{
	struct rg_proc *row = &s->row, *creator = &s->other;
	struct rg_record_fork *rec = (void *)s->record;
	__u32 len = creator->exe_len & 0xff;

	record__begin(&rec->hdr, RG_RECORD_FORK);
	rec->parent_pid = creator->pid;
	rec->child_pid = row->pid;
	rec->child_tid = row->tid;
	rec->uid = row->uid;
	rec->gid = row->gid;
	rec->parent_known = 1;
	rec->pad = 0;
	rec->parent_exe_len = len;
	__builtin_memcpy(rec->parent_comm, creator->comm, sizeof(rec->parent_comm));
	__builtin_memcpy(rec->child_comm, row->comm, sizeof(rec->child_comm));
	bpf_probe_read_kernel(s->record + sizeof(*rec), len, creator->exe);
	record__submit(&rec->hdr, RG_RECORD_FORK, sizeof(*rec) + len);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct scratch *s = scratch__get(SCRATCH_FORK);

	if (child->pid != child->tgid || !s)
		return 0;
	fork__creator(parent->group_leader, s);
	fork__row(child, s);
	proc_table__put(&s->row);
	if (record__is_wanted(RG_RECORD_FORK, s->row.ppid))
		fork__record(s);
	return 0;
}
