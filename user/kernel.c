/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names and lifetime of the kernel side's descriptors, and their way from one process to another. */
#include <errno.h>
#include <sys/socket.h>

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

/* What goes with the descriptors: how it went, and which of them are there. */
struct report {
	int result;
	bool sent[KERNEL_NR_FDS];
};

union fd_message {
	struct cmsghdr hdr;
	char buf[CMSG_SPACE(sizeof(struct kernel))];
};

int kernel_send(int to, int result, const struct kernel *kernel)
{
	const int *fds = (const int *)kernel;
	struct report report = { .result = result };
	struct iovec iov = { &report, sizeof(report) };
	union fd_message control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int *sent = (int *)CMSG_DATA(&control.hdr);
	size_t i, nr_sent = 0;

	for (i = 0; i < KERNEL_NR_FDS; i++) {
		report.sent[i] = fds[i] >= 0;
		if (fds[i] >= 0)
			sent[nr_sent++] = fds[i];
	}
	if (nr_sent) {
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		control.hdr.cmsg_len = CMSG_LEN(nr_sent * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_sent * sizeof(int));
	}
	return sendmsg(to, &msg, 0) < 0 ? -errno : 0;
}

int kernel_receive(int from, struct kernel *ret)
{
	struct report report = { 0 };
	struct iovec iov = { &report, sizeof(report) };
	union fd_message control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	const int *received = (const int *)CMSG_DATA(&control.hdr);
	int *fds = (int *)ret;
	size_t i;
	ssize_t n;

	do {
		n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(report))
		return -EPIPE;
	for (i = 0; i < KERNEL_NR_FDS; i++)
		fds[i] = report.sent[i] ? *received++ : -1;
	return report.result;
}
