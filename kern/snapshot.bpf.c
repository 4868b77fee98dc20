/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/task: a row for each process that ran before the hooks were attached. They are attached already. */
#include "proc_table.bpf.h"

SEC("iter/task")
int on_snapshot(struct bpf_iter__task *ctx)
{
	struct scratch *s = scratch__get(SCRATCH_SNAPSHOT);
	struct task_struct *task = ctx->task;
	struct rg_proc *row;

	if (!task || !s || task->pid != task->tgid || BPF_CORE_READ(task, signal, live.counter) == 0)
		return 0;
	task__row(task, s, SCRATCH_SNAPSHOT, &s->row);
	s->row.flags |= RG_SNAPSHOT;
	if (!proc_table__put(&s->row))
		return 0;
	/* If it ended just now, its exit either found this row, or came before it. */
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	row = proc_table__find(s->row.pid, s->row.start_time_ns);
	s->row.exit_time_ns = bpf_ktime_get_boot_ns();
	if (row && proc_table__mark_exited(row, &s->row))
		proc_table__retire(row, s->row.pid, s->row.start_time_ns);
	return 0;
}
