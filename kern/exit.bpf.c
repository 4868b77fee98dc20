/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_process_exit: a process ends with its last thread. Its row is marked and kept for later look-ups,
 * and the record says how it ended.
 */
#include "exec_source.bpf.h"
#include "record.bpf.h"

/* As wait(2) will report it: of the group if something ended it whole, else the leader's own. */
static __always_inline int exit__status(struct task_struct *leader)
{
	struct signal_struct *signal = leader->signal;

	if (signal->flags & RG_SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return leader->exit_code;
}

/*
 * The table's row becomes the exited one, s->row its copy. 1: done; 0: there was none, so that s->row is made
 * from the task, whose memory is gone by now; -1: somebody reported this end already.
 */
static __always_inline int exit__row(struct task_struct *leader, struct scratch *s)
{
	struct rg_proc *copy = &s->row, *row;

	row = proc_table__find(leader->tgid, leader->start_boottime);
	if (row && proc_table__copy(row, leader->tgid, leader->start_boottime, copy)) {
		copy->exit_time_ns = bpf_ktime_get_boot_ns();
		if (!proc_table__mark_exited(row, copy))
			return -1;
		proc_table__retire(row, copy->pid, copy->start_time_ns);
		return 1;
	}
	task__row(leader, s, SCRATCH_EXIT, copy);
	copy->flags |= RG_REBUILT;
	copy->state = RG_PROC_EXITED;
	copy->exit_time_ns = bpf_ktime_get_boot_ns();
	if (!proc_table__put(copy))
		return row ? 0 : -1;
	RG_STAT_INC(rebuilt);
	proc_table__retire(NULL, copy->pid, copy->start_time_ns);
	return 0;
}

static __always_inline void exit__record(struct task_struct *leader, struct scratch *s, bool known)
{
	struct rg_record_exit *rec = (void *)s->record;
	struct rg_proc *row = &s->row;
	__u32 len = row->exe_len & 0xff;

	record__begin(&rec->hdr, RG_RECORD_EXIT);
	rec->duration_ns = row->exit_time_ns - row->start_time_ns;
	rec->pid = row->pid;
	rec->tid = row->tid;
	rec->ppid = row->ppid;
	rec->uid = leader->real_cred->uid.val;
	rec->gid = leader->real_cred->gid.val;
	rec->status = exit__status(leader);
	rec->known = known;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	rec->exe_len = len;
	bpf_probe_read_kernel(rec->comm, sizeof(rec->comm), leader->comm);
	bpf_probe_read_kernel(s->record + sizeof(*rec), len, row->exe);
	record__submit(&rec->hdr, RG_RECORD_EXIT, sizeof(*rec) + len);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct scratch *s = scratch__get(SCRATCH_EXIT);
	struct task_struct *leader;
	int known;

	exec_source__take(task); /* an exec that was killed half way */
	if (!s || !compat__is_group_dead(ctx, task))
		return 0;
	leader = task->group_leader;
	known = exit__row(leader, s);
	if (known >= 0 && record__is_wanted(RG_RECORD_EXIT, s->row.pid))
		exit__record(leader, s, known);
	return 0;
}
