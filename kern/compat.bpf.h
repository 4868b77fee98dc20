/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs' common ground: headers in their order, and one getter for what moved between kernels. */
#ifndef RG_COMPAT_BPF_H
#define RG_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../shared/stats.h"

/* Constants that BTF doesn't carry. */
#define EEXIST 17
#define RG_SIGNAL_GROUP_EXIT 0x00000004 /* signal_struct.flags: group_exit_code holds */

#define RG_PF_KTHREAD 0x00200000 /* task_struct.flags: a kernel thread */

/* Set before loading; one object for all hooks. */
extern const volatile struct rg_config rg_config;
extern struct rg_state rg_state;

#define RG_STAT_INC(field) __sync_fetch_and_add(&rg_state.stats.field, 1)
#define RG_STAT_DEC(field) __sync_fetch_and_add(&rg_state.stats.field, -1)

/*
 * From 7.0 on a task can be preempted within a tracepoint's program, and until it goes on the kernel skips that
 * program for every other task on that CPU: it counts a recursion miss, and the host has a process that nobody
 * saw. So there each hook has a second program, NAME_again, attached behind the first: it does what the first
 * has not done, and is skipped only where somebody was preempted in it, too.
 */

/*
 * The group_dead argument came in 6.16 and takes its place from the context, where an older kernel has
 * nothing to read; rg_config is constant to the verifier, which then drops the read. Before, several
 * last threads can each see live == 0: whoever marks the row is the one.
 */
static __always_inline bool compat__is_group_dead(const __u64 *ctx, struct task_struct *task)
{
	if (rg_config.exit_has_group_dead)
		return ctx[1];
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/*
 * A name that is shorter than this lies in its dentry (DNAME_INLINE_LEN, 32 or 40 on 64 bits), in a member that
 * has another name from 6.14 on.
 */
#define RG_INLINE_NAME_LEN 32
union shortname_store___rg {
	unsigned long words[RG_INLINE_NAME_LEN / sizeof(long)];
};
struct dentry___since_6_14 {
	union shortname_store___rg d_shortname;
} __attribute__((preserve_access_index));
struct dentry___before_6_14 {
	unsigned char d_iname[RG_INLINE_NAME_LEN];
} __attribute__((preserve_access_index));

static __always_inline const __u64 *compat__inline_name(struct dentry *dentry)
{
	struct dentry___since_6_14 *new = (void *)dentry;
	struct dentry___before_6_14 *old = (void *)dentry;

	if (bpf_core_field_exists(new->d_shortname))
		return (const __u64 *)new->d_shortname.words;
	return (const __u64 *)old->d_iname;
}

/* The number of the syscall that the task is in, as it was entered; -1 on other architectures. */
static __always_inline long compat__syscall_nr(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

#if defined(__TARGET_ARCH_x86)
	return regs->orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	return regs->syscallno;
#else
	return -1;
#endif
}

#endif
