/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_process_exit: a process ends with its last thread. Its row is marked and kept for later look-ups,
 * and the record says how it ended.
 */
#include "exec_source.bpf.h"
#include "record.bpf.h"
#include "thread_table.bpf.h"

/* As wait(2) will report it: of the group if something ended it whole, else the task's own. */
static __always_inline int exit__status(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	if (signal->flags & RG_SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return task->exit_code;
}

enum exit_row {
	EXIT_KNOWN, /* s->row is the row's copy */
	EXIT_UNKNOWN, /* none, none whole, or of an earlier image: s->row has no exe, since the task has none now */
	EXIT_REPORTED, /* somebody reported this end already */
};

/* A row for who looks for this process later, and, where several tasks can be the last, says who is. */
static __always_inline enum exit_row exit__put(struct scratch *s, struct rg_proc *row)
{
	enum put_result r;

	if (rg_config.exit_has_group_dead && proc_table__is_full())
		return EXIT_UNKNOWN; /* not at the cost of a live one */
	row->flags |= RG_REBUILT;
	r = proc_table__put(row);
	if (r == PUT_DONE) {
		RG_STAT_INC(rebuilt);
		proc_table__retire(NULL, row->pid, row->start_time_ns, false);
	}
	return r == PUT_EXISTS ? EXIT_REPORTED : EXIT_UNKNOWN;
}

/*
 * It made no process. Where several tasks can be the last, its row tells the later ones that this end was reported,
 * so it stays until they are done: with the creators.
 */
static __always_inline bool exit__is_leaf(struct task_struct *leader, const struct rg_proc *copy)
{
	return !proc_table__is_creator(copy->flags) &&
	       (rg_config.exit_has_group_dead || leader->signal->nr_threads == 1);
}

/* Of the image that no program saw there is the name; its file is gone from the task. */
static __always_inline void exit__forget_image(struct task_struct *leader, struct rg_proc *row,
					       struct rg_proc *copy)
{
	__builtin_memcpy(copy->comm, leader->comm, sizeof(copy->comm));
	copy->exec_id = leader->self_exec_id;
	copy->exe_len = 0;
	row_sum__set_exe(copy);
	proc_table__set_sum(copy);
	proc_table__write(row, copy);
}

static __always_inline enum exit_row exit__row(struct task_struct *task, struct scratch *s,
					     __u32 slot)
{
	struct task_struct *leader = task->group_leader;
	struct rg_proc *copy = &s->row, *row;
	__u64 now_ns = bpf_ktime_get_boot_ns();
	bool is_known;

	row = proc_table__find(leader->tgid, leader->start_boottime);
	if (row && !proc_table__change(row, leader->tgid, RG_PROC_LIVE, RG_PROC_EXITED)) {
		if (proc_table__is(row, leader->tgid, leader->start_boottime))
			return EXIT_REPORTED;
		row = NULL; /* evicted just now, and another process's already */
	}
	if (row) {
		row->exit_time_ns = now_ns;
		if (proc_table__copy(row, copy)) {
			copy->exit_time_ns = now_ns;
			is_known = proc_table__is_image_of(copy, leader);
			if (!is_known)
				exit__forget_image(leader, row, copy);
			proc_table__retire(row, copy->pid, copy->start_time_ns, exit__is_leaf(leader, copy));
			return is_known ? EXIT_KNOWN : EXIT_UNKNOWN;
		}
	}
	task__row(task, s, slot, copy);
	copy->state = RG_PROC_EXITED;
	copy->exit_time_ns = now_ns;
	if (!row)
		return exit__put(s, copy);
	proc_table__retire(row, copy->pid, copy->start_time_ns, false);
	return EXIT_UNKNOWN;
}

static __always_inline void exit__record(struct task_struct *leader, struct scratch *s, bool known)
{
	struct rg_record_exit *rec = (void *)s->record;
	struct rg_proc *row = &s->row;

	record__begin_at(&rec->hdr, RG_RECORD_EXIT, sizeof(*rec), row->exit_time_ns);
	rec->duration_ns = row->exit_time_ns - row->start_time_ns;
	rec->pid = row->pid;
	rec->tid = row->tid;
	rec->ppid = row->ppid;
	rec->uid = leader->real_cred->uid.val;
	rec->gid = leader->real_cred->gid.val;
	rec->status = exit__status(leader);
	rec->known = known;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	rec->exe_len = row->exe_len;
	__builtin_memcpy(rec->comm, leader->comm, sizeof(rec->comm));
	record__append(s, row->exe, row->exe_len);
	record__submit(s, RG_RECORD_EXIT, false);
}

static __always_inline void exit__process(struct task_struct *task, __u32 slot)
{
	struct scratch *s = scratch__get(slot);
	enum exit_row r;

	if (!s)
		return;
	r = exit__row(task, s, slot);
	if (r != EXIT_REPORTED && record__is_wanted(RG_RECORD_EXIT, s->row.pid))
		exit__record(task->group_leader, s, r == EXIT_KNOWN);
	/* The agent: its number may be another process's next. */
	if (rg_state.control.agent_pid == (__u32)task->tgid)
		rg_state.control.agent_pid = 0;
}

static __always_inline void exit__thread(struct task_struct *task)
{
	struct rg_record_thread_exit rec = {};

	rec.known = thread_table__take(task->tgid, task->pid);
	if (!record__is_wanted(RG_RECORD_THREAD_EXIT, task->tgid))
		return;
	record__begin(&rec.hdr, RG_RECORD_THREAD_EXIT, sizeof(rec));
	rec.duration_ns = rec.hdr.timestamp_ns - task->start_boottime;
	rec.pid = task->tgid;
	rec.tid = task->pid;
	rec.uid = task->real_cred->uid.val;
	rec.gid = task->real_cred->gid.val;
	rec.status = exit__status(task);
	__builtin_memcpy(rec.comm, task->comm, sizeof(rec.comm));
	record__send(&rec.hdr, RG_RECORD_THREAD_EXIT, sizeof(rec), false);
}

static __noinline void exit__task(const __u64 *ctx, struct task_struct *task, __u32 slot)
{
	if (exec_source__is_any())
		exec_source__take(task); /* an exec that was killed half way */
	if (rg_config.max_threads && task->pid != task->tgid)
		exit__thread(task);
	if (compat__is_group_dead(ctx, task))
		exit__process(task, slot);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	exit__task(ctx, task, SCRATCH_EXIT);
	return 0;
}

/* A live row, or a thread's that is there, says that it isn't done; one that is gone says nothing. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_again, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct rg_proc *row = NULL;

	exec_source__take(task);
	if (compat__is_group_dead(ctx, task))
		row = proc_table__peek(leader->tgid, leader->start_boottime);
	if (row && row->state == RG_PROC_LIVE) {
		RG_STAT_INC(done_again[RG_AGAIN_EXIT]);
		exit__task(ctx, task, SCRATCH_EXIT_AGAIN);
	} else if (rg_config.max_threads && task->pid != task->tgid && thread_table__has(task)) {
		RG_STAT_INC(done_again[RG_AGAIN_EXIT]);
		exit__thread(task);
	}
	return 0;
}
