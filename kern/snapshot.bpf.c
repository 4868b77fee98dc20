/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/task: a row for each process that ran before the hooks were attached. They are attached already. */
#include "proc_table.bpf.h"
#include "thread_table.bpf.h"

static __always_inline bool snapshot__is_alive(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter);
}

static __always_inline void snapshot__process(struct task_struct *task, struct scratch *s)
{
	struct rg_proc *row = &s->row, *in_table;

	task__row(task, s, SCRATCH_SNAPSHOT, row);
	row->flags |= RG_SNAPSHOT;
	if (proc_table__put(row) != PUT_DONE || snapshot__is_alive(task))
		return;
	/* It ended just now: its exit either found this row, or came before it. */
	in_table = proc_table__find(row->pid, row->start_time_ns);
	if (!in_table || !proc_table__change(in_table, row->pid, RG_PROC_LIVE, RG_PROC_EXITED))
		return;
	in_table->exit_time_ns = bpf_ktime_get_boot_ns();
	proc_table__retire(in_table, row->pid, row->start_time_ns, false);
}

static __always_inline void snapshot__thread(struct task_struct *task)
{
	struct rg_thread row = {};

	thread_table__fill(task, &row);
	thread_table__put(&row);
	if (BPF_CORE_READ(task, exit_state))
		thread_table__take(row.pid, row.tid);
}

SEC("iter/task")
int on_snapshot(struct bpf_iter__task *ctx)
{
	struct scratch *s = scratch__get(SCRATCH_SNAPSHOT);
	struct task_struct *task = ctx->task;
	bool has_image;

	if (!task || !s || !snapshot__is_alive(task))
		return 0;
	/* A leader that left its threads behind has no image: any of them stands for it. */
	has_image = task->mm || task->flags & RG_PF_KTHREAD;
	if (has_image && (task->pid == task->tgid || !BPF_CORE_READ(task, group_leader, mm)))
		snapshot__process(task, s);
	if (rg_config.max_threads && task->pid != task->tgid && !BPF_CORE_READ(task, exit_state))
		snapshot__thread(task);
	return 0;
}
