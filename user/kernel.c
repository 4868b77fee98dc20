/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names and lifetime of the kernel side's descriptors. */
#include "kernel.h"

const char *const kernel_map_names[NR_KERNEL_MAPS] = {
	[MAP_PROC_TABLE] = "proc_table",
	[MAP_EXITED_QUEUE] = "exited_queue",
	[MAP_THREAD_TABLE] = "thread_table",
	[MAP_EXEC_SOURCE] = "exec_source",
	[MAP_EVENTS] = "events",
	[MAP_SCRATCH] = "scratch",
	[MAP_STATE] = "state",
	[MAP_CONFIG] = "config",
};

const char *const kernel_prog_names[NR_KERNEL_PROGS] = {
	[PROG_EXIT] = "on_exit",
	[PROG_FORK] = "on_fork",
	[PROG_EXEC] = "on_exec",
	[PROG_PREPARE] = "on_prepare",
	[PROG_RENAME] = "on_rename",
	[PROG_ENTER_EXECVE] = "on_enter_execve",
	[PROG_ENTER_AT] = "on_enter_at",
	[PROG_LEAVE_EXECVE] = "on_leave_execve",
	[PROG_LEAVE_AT] = "on_leave_at",
	[PROG_EXIT_AGAIN] = "on_exit_again",
	[PROG_FORK_AGAIN] = "on_fork_again",
	[PROG_EXEC_AGAIN] = "on_exec_again",
	[PROG_PREPARE_AGAIN] = "on_prepare_again",
	[PROG_CENSUS] = "on_census",
	[PROG_THREADS] = "on_threads",
	[PROG_PROCESSES] = "on_processes",
	[PROG_STATS] = "on_stats",
};

void kernel_init(struct kernel *kernel)
{
	memset(kernel, 0xff, sizeof(*kernel)); /* -1 each */
}

void kernel_close(struct kernel *kernel)
{
	int *fd = (int *)kernel;
	size_t i;

	for (i = 0; i < KERNEL_NR_FDS; i++)
		closep(&fd[i]);
	kernel_init(kernel);
}
