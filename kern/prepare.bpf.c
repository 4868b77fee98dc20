/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where an exec comes from, by one of three hooks; userspace loads the first that the kernel has.
 *
 * After the point of no return and before the ELF loader has reset the registers, they still hold the
 * number of the syscall. That costs other syscalls nothing, while attaching any sys_enter_*
 * tracepoint sends every syscall of every process on the host through the slow path.
 */
#include "exec_source.bpf.h"

/*
 * execve and execveat as 64-bit, x32 and ia32 numbers. ia32's 11 and x86-64's munmap are the same number, but
 * here the task is known to be in an exec, or (task_rename) in a call that changes a name.
 */
static __always_inline enum rg_exec_syscall prepare__syscall(long nr)
{
	switch (nr) {
#if defined(__TARGET_ARCH_x86)
	case 59:
	case 11:
	case 520:
	case 0x40000000 | 520:
		return RG_SYSCALL_EXECVE;
	case 322:
	case 358:
	case 545:
	case 0x40000000 | 545:
		return RG_SYSCALL_EXECVEAT;
#elif defined(__TARGET_ARCH_arm64)
	case 221:
	case 11: /* 32-bit */
		return RG_SYSCALL_EXECVE;
	case 281:
	case 387: /* 32-bit */
		return RG_SYSCALL_EXECVEAT;
#endif
	default:
		return RG_SYSCALL_UNKNOWN;
	}
}

static __always_inline void prepare__from_registers(struct task_struct *task)
{
	enum rg_exec_syscall syscall = prepare__syscall(compat__syscall_nr(task));

	if (syscall != RG_SYSCALL_UNKNOWN)
		exec_source__set(task, syscall);
}

/* 5c5fad46e48c ("exec: Add new 'prepare' tracepoint"), 6.10 */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare)
{
	prepare__from_registers(bpf_get_current_task_btf());
	return 0;
}

SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare_again)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (exec_source__is_pending(task))
		return 0;
	prepare__from_registers(task);
	if (exec_source__is_pending(task))
		RG_STAT_INC(done_again[RG_AGAIN_PREPARE]);
	return 0;
}

/* Also fires for prctl(PR_SET_NAME) and /proc/PID/comm, which the number tells apart. */
SEC("tp_btf/task_rename")
int BPF_PROG(on_rename)
{
	prepare__from_registers(bpf_get_current_task_btf());
	return 0;
}

SEC("tp/syscalls/sys_enter_execve")
int on_enter_execve(void *ctx)
{
	exec_source__set(bpf_get_current_task_btf(), RG_SYSCALL_EXECVE);
	return 0;
}

SEC("tp/syscalls/sys_enter_execveat")
int on_enter_at(void *ctx)
{
	exec_source__set(bpf_get_current_task_btf(), RG_SYSCALL_EXECVEAT);
	return 0;
}

/* A failed call's source must not wait for the task's next exec. */
SEC("tp/syscalls/sys_exit_execve")
int on_leave_execve(void *ctx)
{
	exec_source__take(bpf_get_current_task_btf());
	return 0;
}

SEC("tp/syscalls/sys_exit_execveat")
int on_leave_at(void *ctx)
{
	exec_source__take(bpf_get_current_task_btf());
	return 0;
}
