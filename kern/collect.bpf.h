/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is collected on request: argv, chosen environment variables, the working directory.
 *
 * Read at exec from the new image's memory, which the kernel has just written, so it is resident. What
 * can't be read leaves its flag unset and is counted.
 */
#ifndef RG_COLLECT_BPF_H
#define RG_COLLECT_BPF_H

#include "record.bpf.h"

/* Variables looked at per exec, or pieces of long ones; what comes later is cut, and flagged. */
#define COLLECT_ENV_STEPS 256

/* argv from arg_start on, at most max_args_bytes. */
static __always_inline void collect__args(struct task_struct *task, struct scratch *s)
{
	struct rg_record_exec *rec = (void *)s->record;
	__u64 start = BPF_CORE_READ(task, mm, arg_start);
	__u64 len = BPF_CORE_READ(task, mm, arg_end) - start;
	__u32 offset = record__size(s), flags = RG_HAS_ARGS;

	if (len > rg_config.max_args_bytes) {
		len = rg_config.max_args_bytes;
		flags |= RG_ARGS_TRUNCATED;
	}
	if (offset > RG_RECORD_BASE_MAX || len > RG_ARGS_MAX ||
	    bpf_probe_read_user(&s->record[offset], len, (void *)start)) {
		RG_STAT_INC(args_unreadable);
		return;
	}
	rec->flags |= flags;
	rec->args_len = len;
	record__grow(s, len);
}

/* Is this "NAME=..." one of those asked for? Compared word by word: no loop for the verifier. */
static __always_inline bool collect__is_wanted(const __u64 *var)
{
	const volatile struct rg_env_name *name;
	bool found = false;
	__u64 diff;
	int i;

#pragma unroll
	for (i = 0; i < RG_ENV_NAMES_MAX; i++) {
		name = &rg_config.env_names[i];
		diff = ((var[0] & name->mask[0]) ^ name->word[0]) |
		       ((var[1] & name->mask[1]) ^ name->word[1]) |
		       ((var[2] & name->mask[2]) ^ name->word[2]) |
		       ((var[3] & name->mask[3]) ^ name->word[3]);
		if (name->mask[0] && !diff)
			found = true;
	}
	return found;
}

/* From collect__env_var(): bytes read, its NUL included, and whether it is one of those asked for. */
#define COLLECT_VAR_LEN_MASK 0xffff
#define COLLECT_VAR_WANTED 0x10000

/*
 * One variable, or what is left of a long one: put at offset in the record if it is asked for. Global, so
 * it is verified once and not for each step of the walk. -1: unreadable, or no room.
 */
__weak __noinline int collect__env_var(__u32 slot, __u64 start, __u32 offset)
{
	struct scratch *s = scratch__get(slot);
	long n;

	/* Not called then; but before 6.8 it is verified all the same, and scratch is shorter. */
	if (!rg_config.collect_env || !s)
		return -1;
	n = bpf_probe_read_user_str(s->env.var, RG_ENV_VAR_MAX, (void *)start);
	if (n < 0 || n > RG_ENV_VAR_MAX)
		return -1;
	if (!n) /* an empty string, as 6.1 counts it */
		n = 1;
	if (!collect__is_wanted((__u64 *)s->env.var))
		return n;
	if (offset > RG_RECORD_MAX - RG_ENV_VAR_MAX)
		return -1;
	bpf_probe_read_kernel(&s->record[offset], n, s->env.var);
	return n | COLLECT_VAR_WANTED;
}

/* scratch_env.state */
#define COLLECT_INSIDE 1 /* pos is within a variable that is longer than the buffer */
#define COLLECT_WANTED 2 /* the last one was asked for */
#define COLLECT_TRUNCATED 4

/* What a step found: true, and the walk goes on behind it; false: no room for it. */
static __always_inline bool collect__env_step(volatile struct scratch_env *env, __u32 n, bool wanted)
{
	__u32 state = env->state;

	if (state & COLLECT_INSIDE) {
		/* The rest of one; its NUL alone is no loss. */
		if (state & COLLECT_WANTED && n > 1)
			state |= COLLECT_TRUNCATED;
	} else {
		state &= ~COLLECT_WANTED;
		if (wanted && env->used + n > rg_config.max_env_bytes)
			return false;
		if (wanted) {
			state |= COLLECT_WANTED;
			env->used += n;
		}
	}
	/* A full buffer holds a NUL of the helper's: the variable goes on one byte earlier. */
	state &= ~COLLECT_INSIDE;
	if (n == RG_ENV_VAR_MAX) {
		state |= COLLECT_INSIDE;
		n--;
	}
	env->state = state;
	env->pos += n;
	return true;
}

/* From collect__walk_env(): bytes, and whether something is missing; -1: unreadable. */
#define COLLECT_ENV_LEN_MASK 0xffff
#define COLLECT_ENV_TRUNCATED 0x10000

/*
 * The chosen ones of the variables from start to end, put behind offset in the record; of a longer one
 * the first RG_ENV_VAR_MAX bytes. Where it is, is kept in memory: see record__size().
 */
__weak __noinline int collect__walk_env(__u32 slot, __u64 start, __u64 end, __u32 offset)
{
	struct scratch *s = scratch__get(slot);
	volatile struct scratch_env *env;
	int i, r;

	if (!rg_config.collect_env || !s)
		return -1;
	env = &s->env;
	env->pos = start;
	env->used = 0;
	env->state = 0;
	for (i = 0; i < COLLECT_ENV_STEPS && env->pos < end; i++) {
		r = collect__env_var(slot, env->pos, offset + env->used);
		if (r < 0)
			return -1;
		if (!collect__env_step(env, r & COLLECT_VAR_LEN_MASK, r & COLLECT_VAR_WANTED))
			return env->used | COLLECT_ENV_TRUNCATED;
	}
	if (env->pos < end || env->state & COLLECT_TRUNCATED)
		return env->used | COLLECT_ENV_TRUNCATED;
	return env->used;
}

static __always_inline void collect__env(struct task_struct *task, struct scratch *s, __u32 slot)
{
	struct rg_record_exec *rec = (void *)s->record;
	__u64 start = BPF_CORE_READ(task, mm, env_start), end = BPF_CORE_READ(task, mm, env_end);
	int r = collect__walk_env(slot, start, end, record__size(s));

	if (r < 0) {
		RG_STAT_INC(env_unreadable);
		return;
	}
	rec->flags |= RG_HAS_ENV;
	if (r & COLLECT_ENV_TRUNCATED)
		rec->flags |= RG_ENV_TRUNCATED;
	rec->env_len = r & COLLECT_ENV_LEN_MASK;
	record__grow(s, r & COLLECT_ENV_LEN_MASK);
}

static __always_inline void collect__cwd(struct task_struct *task, struct scratch *s, __u32 slot)
{
	struct rg_record_exec *rec = (void *)s->record;
	__u64 dentry = (__u64)BPF_CORE_READ(task, fs, pwd.dentry);
	__u64 mnt = (__u64)BPF_CORE_READ(task, fs, pwd.mnt);
	__u32 at, offset;

	at = path__walk_on(slot, SCRATCH_PATH_END, dentry, mnt);
	if (at & PATH_UNREADABLE) {
		RG_STAT_INC(cwd_unreadable);
		return;
	}
	offset = at & 0xff;
	rec->flags |= RG_HAS_CWD;
	if (at & PATH_TRUNCATED)
		rec->flags |= RG_CWD_TRUNCATED;
	rec->cwd_len = SCRATCH_PATH_END - offset;
	record__append(s, &s->path[offset], rec->cwd_len);
}

#endif
