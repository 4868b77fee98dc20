/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* task_struct -> row: who a process is, read from the task itself. */
#ifndef RG_TASK_BPF_H
#define RG_TASK_BPF_H

#include "path.bpf.h"
#include "row_sum.bpf.h"

/* Of the initial pid namespace, on every host: PROC_PID_INIT_INO in the kernel. */
#define TASK_INIT_PID_NS 0xeffffffcU

static __always_inline __u32 task__pid_ns(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	struct pid_namespace *ns = NULL;
	unsigned int level;

	if (!pid)
		return 0;
	level = pid->level;
	if (!level)
		return TASK_INIT_PID_NS;
	bpf_core_read(&ns, sizeof(ns), &pid->numbers[level].ns);
	return BPF_CORE_READ(ns, ns.inum);
}

static __always_inline __u64 task__cgroup_id(struct task_struct *task)
{
	struct css_set *cgroups = task->cgroups;
	struct cgroup *cgroup = cgroups ? cgroups->dfl_cgrp : NULL;
	struct kernfs_node *node = cgroup ? cgroup->kn : NULL;

	return node ? node->id : 0;
}

static __always_inline void task__ids(struct task_struct *task, struct rg_proc *row)
{
	const struct cred *cred = task->real_cred;

	row->uid = cred->uid.val;
	row->gid = cred->gid.val;
	row->euid = cred->euid.val;
	row->egid = cred->egid.val;
}

/* Everything of a leader's row but its parent and its exe; the row is live and has no flags. */
static __always_inline void task__fill(struct task_struct *leader, struct rg_proc *row)
{
	row->start_time_ns = leader->start_boottime;
	row->pid = leader->tgid;
	row->tid = leader->tgid;
	row->state = RG_PROC_LIVE;
	row->exec_id = leader->self_exec_id;
	row->writing = 0;
	row->flags = 0;
	row->exit_time_ns = 0;
	row->cgroup_id = task__cgroup_id(leader);
	row->pid_ns = task__pid_ns(leader);
	task__ids(leader, row);
	__builtin_memcpy(row->comm, leader->comm, sizeof(row->comm));
}

/* Unlinked, or never had a name, as a memfd. */
static __always_inline bool task__is_deleted(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	if (!inode || !inode->i_nlink)
		return true;
	return !dentry->d_hash.pprev && dentry->d_parent != dentry;
}

static __always_inline __u32 task__walk_exe(struct task_struct *task, __u32 slot)
{
	__u64 dentry, mnt;

	if ((__u64)task == bpf_get_current_task())
		return path__walk_own_exe(slot);
	dentry = (__u64)BPF_CORE_READ(task, mm, exe_file, f_path.dentry);
	mnt = (__u64)BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	return path__walk_on(slot, SCRATCH_PATH_END, dentry, mnt);
}

/* The file that runs, resolved; a kernel thread has none. The slot's path buffer is overwritten. */
static __always_inline void task__exe(struct task_struct *task, struct scratch *s, __u32 slot,
				      struct rg_proc *row)
{
	struct mm_struct *mm = task->mm;
	struct file *file = mm ? mm->exe_file : NULL;
	__u32 at = 0, offset = SCRATCH_PATH_END, i;

	if (file) {
		at = task__walk_exe(task, slot);
		if (task__is_deleted(file->f_path.dentry))
			row->flags |= RG_EXE_DELETED;
		if (at & PATH_UNREADABLE)
			RG_STAT_INC(exe_unreadable);
		else
			offset = at & 0xff;
		if (at & PATH_TRUNCATED)
			row->flags |= RG_EXE_TRUNCATED;
	}
	row->exe_len = SCRATCH_PATH_END - offset;
	for (i = 0; i < RG_PATH_MAX / sizeof(__u64); i++) {
		((__u64 *)row->exe)[i] = *(__u64 *)&s->path[offset + i * sizeof(__u64)];
		barrier(); /* or clang makes one copy of it, by bytes */
	}
}

/* A process made from nothing but one of its tasks: its parent is the present one. */
static __always_inline void task__row(struct task_struct *task, struct scratch *s, __u32 slot,
				      struct rg_proc *row)
{
	struct task_struct *leader = task->group_leader;
	struct task_struct *parent = leader->real_parent;

	task__fill(leader, row);
	task__exe(task, s, slot, row); /* a leader that has left its threads has no memory any more */
	row->ppid = parent->tgid;
	row->parent_start_time_ns = parent->group_leader->start_boottime;
	row_sum__set_exe(row);
}

#endif
