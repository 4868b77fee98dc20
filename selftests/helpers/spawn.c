/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * spawn HOW PROGRAM [ARG...]: makes a child by fork, vfork, posix_spawn, system, thread, clone_parent or orphan, which
 * executes PROGRAM; prints "spawn PID" and "child PID", and waits for it.
 *
 * clone_parent: the child is its maker's sibling. orphan: the maker has ended before the child executes.
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pid_t run_fork(char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	execv(argv[0], argv);
	_exit(127);
}

static pid_t run_vfork(char **argv)
{
	pid_t pid = vfork();

	if (pid)
		return pid;
	execv(argv[0], argv);
	_exit(127);
}

static pid_t run_posix_spawn(char **argv)
{
	pid_t pid = -1;

	posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	return pid;
}

/* The child of system(3) is a shell; exec makes it the program. */
static pid_t run_system(char **argv)
{
	char command[4096];
	size_t len = (size_t)snprintf(command, sizeof(command), "echo child $$; exec");

	for (; *argv && len < sizeof(command); argv++)
		len += (size_t)snprintf(command + len, sizeof(command) - len, " '%s'", *argv);
	fflush(stdout);
	return system(command) ? -1 : 0;
}

static void *thread_main(void *arg)
{
	static pid_t pid;

	prctl(PR_SET_NAME, "worker");
	pid = run_fork(arg);
	waitpid(pid, NULL, 0);
	return &pid;
}

static pid_t run_thread(char **argv)
{
	pthread_t thread;
	void *pid;

	pthread_create(&thread, NULL, thread_main, argv);
	pthread_join(thread, &pid);
	return *(pid_t *)pid;
}

static pid_t run_clone_parent(char **argv)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid)
		return pid;
	execv(argv[0], argv);
	_exit(127);
}

/* The maker prints "maker PID"; the pipe's end tells the child that it is gone. */
static pid_t run_orphan(char **argv)
{
	pid_t maker, child;
	int gone[2];
	char c;

	if (pipe(gone))
		return -1;
	maker = fork();
	if (!maker) {
		maker = getpid();
		child = fork();
		if (child) {
			printf("maker %d\nchild %d\n", getpid(), child);
			fflush(stdout);
			_exit(0);
		}
		close(gone[1]);
		/* Its parent is another one only once the maker is dead for good. */
		while (read(gone[0], &c, 1) < 0 && errno == EINTR)
			;
		while (getppid() == maker)
			sched_yield();
		execv(argv[0], argv);
		_exit(127);
	}
	close(gone[1]);
	waitpid(maker, NULL, 0);
	return 0;
}

static const struct {
	const char *how;
	pid_t (*run)(char **argv);
} ways[] = {
	{ "fork", run_fork },	   { "vfork", run_vfork },   { "posix_spawn", run_posix_spawn },
	{ "system", run_system },  { "thread", run_thread }, { "clone_parent", run_clone_parent },
	{ "orphan", run_orphan },
};

int main(int argc, char **argv)
{
	size_t i;
	pid_t pid;

	for (i = 0; argc > 2 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].how))
			continue;
		printf("spawn %d\n", getpid());
		fflush(stdout);
		pid = ways[i].run(argv + 2);
		if (pid > 0)
			printf("child %d\n", pid);
		while (waitpid(-1, NULL, 0) > 0)
			;
		return pid < 0;
	}
	return 99;
}
