/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_process_exec: the process has its new image. Its row takes the new name, file and ids; the start
 * record joins them with where the exec came from, the parent and the ancestors.
 */
#include "collect.bpf.h"
#include "exec_source.bpf.h"
#include "lineage.bpf.h"
#include "thread_table.bpf.h"

/* Pieces of a kernel string that are counted: PATH_MAX in steps of RG_PATH_MAX - 1. */
#define EXEC_STRING_STEPS 17

/* From exec__string(): bytes of the string, and whether it lost some; -1: unreadable. */
#define EXEC_STRING_LEN_MASK 0xff
#define EXEC_STRING_TRUNCATED 0x100

/* Puts the string's last RG_PATH_MAX - 1 bytes behind offset in the record. Verified once. */
__weak __noinline int exec__string(__u32 slot, __u64 string, __u32 offset)
{
	struct scratch *s = scratch__get(slot);
	__u64 start = string;
	long n = 0;
	int i;

	if (!s || !string || offset > RG_RECORD_BASE_MAX - RG_PATH_MAX)
		return -1;
	for (i = 0; i < EXEC_STRING_STEPS; i++) {
		n = bpf_probe_read_kernel_str(&s->record[offset], RG_PATH_MAX, (void *)start);
		if (n <= 0)
			return -1;
		if (n < RG_PATH_MAX)
			break;
		start += n - 1;
	}
	start += n - 1; /* the end */
	if (!i)
		return (start - string) & EXEC_STRING_LEN_MASK;
	/* The steps wrote over each other: the last bytes once more. */
	n = start - string < RG_PATH_MAX ? 0 : EXEC_STRING_TRUNCATED;
	if (bpf_probe_read_kernel(&s->record[offset], RG_PATH_MAX - 1, (void *)(start - RG_PATH_MAX + 1)))
		return -1;
	return (RG_PATH_MAX - 1) | n;
}

/* A whole string of less than RG_PATH_MAX - 1 bytes behind what the record holds: its length, else -1. */
static __always_inline int exec__short_string(struct scratch *s, const char *string)
{
	__u32 offset = record__size(s);
	long n;

	if (offset > RG_RECORD_BASE_MAX - RG_PATH_MAX)
		return -1;
	n = bpf_probe_read_kernel_str(&s->record[offset], RG_PATH_MAX, string);
	return n > 0 && n < RG_PATH_MAX ? n - 1 : -1;
}

/* The row as it is now; what only the fork knew comes from the table, or from the present parent. */
static __always_inline void exec__row(struct task_struct *task, struct linux_binprm *bprm,
				      struct scratch *s, __u32 slot)
{
	struct rg_proc *row = &s->row, *known = &s->other, *in_table;

	task__row(task, s, slot, row);
	if (BPF_CORE_READ_BITFIELD(bprm, secureexec))
		row->flags |= RG_SECURE_EXEC;
	in_table = proc_table__find(row->pid, row->start_time_ns);
	if (!in_table) {
		proc_table__put_rebuilt(row);
		return;
	}
	if (proc_table__copy_head(in_table, known) &&
	    proc_table__is(known, row->pid, row->start_time_ns)) {
		row->ppid = known->ppid;
		row->parent_start_time_ns = known->parent_start_time_ns;
	} else {
		row->flags |= RG_REBUILT;
		RG_STAT_INC(rebuilt);
	}
	if (proc_table__is_creator(in_table->flags))
		row->flags |= RG_HAS_CREATED;
	proc_table__set_sum(row);
	proc_table__write(in_table, row);
}

/* The creator's row, into s->other: from the table, or from the task if it is still the parent. */
static __always_inline bool exec__parent(struct task_struct *task, struct scratch *s, __u32 slot)
{
	struct task_struct *parent = task->real_parent, *leader = parent->group_leader;
	struct rg_proc *row = &s->row;

	if ((__u32)leader->tgid != row->ppid || leader->start_boottime != row->parent_start_time_ns)
		return proc_table__get(row->ppid, row->parent_start_time_ns, &s->other);
	proc_table__get_or_rebuild(parent, s, slot, &s->other);
	return true;
}

/* From the creator in s->other on. */
static __always_inline void exec__ancestors(struct scratch *s)
{
	struct rg_record_exec *rec = (void *)s->record;
	struct rg_lineage *lineage = &s->lineage;

	lineage__get(lineage, &s->other);
	rec->nr_ancestors = lineage->nr;
	record__append(s, lineage->of, lineage->nr * sizeof(lineage->of[0]));
}

static __always_inline void exec__body(struct task_struct *task, struct scratch *s)
{
	struct rg_record_exec *rec = (void *)s->record;
	struct rg_proc *row = &s->row;

	__builtin_memset(rec, 0, sizeof(*rec));
	record__begin(&rec->hdr, RG_RECORD_EXEC, sizeof(*rec));
	rec->start_time_ns = row->start_time_ns;
	rec->cgroup_id = row->cgroup_id;
	rec->pid = row->pid;
	rec->tid = row->tid;
	rec->ppid = row->ppid;
	rec->real_ppid = task->real_parent->tgid;
	rec->uid = row->uid;
	rec->gid = row->gid;
	rec->euid = row->euid;
	rec->egid = row->egid;
	rec->pid_ns = row->pid_ns;
	rec->flags = row->flags & ~RG_HAS_CREATED;
	__builtin_memcpy(rec->comm, row->comm, sizeof(rec->comm));
}

/* filename as the caller gave it, and the interpreter if the kernel chose one. */
static __always_inline void exec__names(struct linux_binprm *bprm, struct scratch *s, __u32 slot)
{
	struct rg_record_exec *rec = (void *)s->record;
	int r = exec__short_string(s, bprm->filename);

	/* Here not by dereference: from 6.17 on that gives a pointer that no function takes as a number. */
	if (r < 0)
		r = exec__string(slot, (__u64)BPF_CORE_READ(bprm, filename), record__size(s));
	if (r < 0) {
		RG_STAT_INC(filename_unreadable);
	} else {
		rec->filename_len = r & EXEC_STRING_LEN_MASK;
		rec->flags |= r & EXEC_STRING_TRUNCATED ? RG_FILENAME_TRUNCATED : 0;
		record__grow(s, r & EXEC_STRING_LEN_MASK);
	}
	if (bprm->interp == bprm->filename)
		return;
	r = exec__string(slot, (__u64)BPF_CORE_READ(bprm, interp), record__size(s));
	if (r < 0) {
		RG_STAT_INC(filename_unreadable);
	} else {
		rec->interp_len = r & EXEC_STRING_LEN_MASK;
		rec->flags |= r & EXEC_STRING_TRUNCATED ? RG_INTERP_TRUNCATED : 0;
		record__grow(s, r & EXEC_STRING_LEN_MASK);
	}
}

static __always_inline void exec__parent_part(struct scratch *s)
{
	struct rg_record_exec *rec = (void *)s->record;

	rec->parent_known = 1;
	rec->parent_exe_len = s->other.exe_len & (RG_PATH_MAX - 1);
	__builtin_memcpy(rec->parent_comm, s->other.comm, sizeof(rec->parent_comm));
	record__append(s, s->other.exe, rec->parent_exe_len);
}

/* The rules whose lists may hold this name. */
static __always_inline __u32 exec__rules_of(const __u32 *slots, const void *name)
{
	return slots[rg_name_slot(name) & (RG_NAME_SLOTS - 1)];
}

/*
 * Of all the names that a rule is matched with, those at hand: comm, the file's and the parent's comm. An alert
 * by another one comes with the next batch.
 */
static __always_inline bool exec__may_alert(struct task_struct *task, const struct rg_record_exec *rec)
{
	const struct rg_rule_names *names = &rg_state.names;
	__u32 rules = exec__rules_of(names->parent, rec->parent_comm);
	__u64 file[RG_COMM_LEN / 8] = {};
	const unsigned char *d_name;

	if (!rules)
		return false;
	if (rules & exec__rules_of(names->process, rec->comm))
		return true;
	d_name = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(file, sizeof(file), d_name);
	return rules & exec__rules_of(names->process, file);
}

static __always_inline void exec__record(struct task_struct *task, struct linux_binprm *bprm,
					 struct scratch *s, __u32 slot, enum rg_exec_syscall source)
{
	struct rg_record_exec *rec = (void *)s->record;
	bool parent_known = exec__parent(task, s, slot);

	exec__body(task, s);
	rec->source = source;
	rec->exe_len = s->row.exe_len & (RG_PATH_MAX - 1);
	record__append(s, s->row.exe, rec->exe_len);
	exec__names(bprm, s, slot);
	if (parent_known) {
		exec__parent_part(s);
		exec__ancestors(s);
	}
	if (rg_config.collect_cwd)
		collect__cwd(task, s, slot);
	if (rg_config.collect_args)
		collect__args(task, s);
	if (rg_config.collect_env)
		collect__env(task, s, slot);
	record__submit(s, RG_RECORD_EXEC, exec__may_alert(task, rec));
}

static __noinline void exec__task(struct task_struct *task, pid_t old_tid, struct linux_binprm *bprm,
				  __u32 slot)
{
	enum rg_exec_syscall source = exec_source__take(task);
	struct scratch *s = scratch__get(slot);

	if (rg_config.max_threads && old_tid != task->pid)
		thread_table__take(task->tgid, old_tid); /* it is the leader now */
	if (!s)
		return;
	exec__row(task, bprm, s, slot);
	if (record__is_wanted(RG_RECORD_EXEC, s->row.pid))
		exec__record(task, bprm, s, slot, source);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_tid, struct linux_binprm *bprm)
{
	exec__task(task, old_tid, bprm, SCRATCH_EXEC);
	return 0;
}

/* The row is of this image; or there is none any more, and the source has been taken. */
static __always_inline bool exec__is_done(struct task_struct *task)
{
	struct rg_proc *row = proc_table__peek(task->tgid, task->start_boottime);

	if (row)
		return row->exec_id == (__u16)task->self_exec_id;
	return !exec_source__is_pending(task);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec_again, struct task_struct *task, pid_t old_tid, struct linux_binprm *bprm)
{
	if (exec__is_done(task))
		return 0;
	RG_STAT_INC(done_again[RG_AGAIN_EXEC]);
	exec__task(task, old_tid, bprm, SCRATCH_EXEC_AGAIN);
	return 0;
}
