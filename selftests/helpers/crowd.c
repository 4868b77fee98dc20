/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * crowd: makes processes as it is told, a command a line, each answered by "ok".
 *   hold N      N sleepers, each "held PID"; every second one has executed a file
 *   rest N      likewise, none of which executes a file
 *   fork N, exec N, mix N
 *               N short processes one after the other on the first CPU: by fork, by vfork and execve of PROGRAM
 *               (argv[1]), or by turns
 *   pairs N     likewise N short processes, each of which makes one that ends
 *   mix2 N      N/2 on each of the first two CPUs at the same time
 *   child       one process, "child PID", which "act C" lets fork a "grandchild PID" that executes PROGRAM and
 *               ends, and "act E" execute crowd anew
 *   as PID      one process that has that number, "as PID"; "end E" lets it execute PROGRAM, which ends
 *   sit as PID  one that has that number and does nothing
 *   orphan      a child whose creator has ended: "parent PID", "child PID"
 *   end Q       ends the child or the process with a number
 *   release     ends the sleepers
 * Its input's end ends it and all of them.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;
static int held[2]; /* the sleepers read from it */
static int orders[2]; /* for the child */
static pid_t *sleepers;
static int nr_sleepers;

/* Ends when nobody holds the pipe's other end any more. */
static void sleep_on(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
	_exit(0);
}

static void become_sleeper(int executes)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (executes) {
		dup2(held[0], STDIN_FILENO);
		close(held[1]);
		execl("/proc/self/exe", "sleeper", "sleep", NULL);
		_exit(127);
	}
	close(held[1]);
	sleep_on(held[0]);
}

/* "ok" when the last one has executed its file: till then it has the pipe's other end. */
static void hold(int n, int every)
{
	int ready[2], i;
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		exit(98);
	sleepers = realloc(sleepers, (size_t)(nr_sleepers + n) * sizeof(*sleepers));
	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid && !(i % every))
			close(ready[1]);
		if (!pid)
			become_sleeper(i % every);
		sleepers[nr_sleepers++] = pid;
		printf("held %d\n", pid);
	}
	close(ready[1]);
	while (read(ready[0], &c, 1) > 0)
		;
	close(ready[0]);
}

static void release(void)
{
	int i;

	for (i = 0; i < nr_sleepers; i++)
		kill(sleepers[i], SIGKILL);
	for (i = 0; i < nr_sleepers; i++)
		waitpid(sleepers[i], NULL, 0);
	nr_sleepers = 0;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void run_short(int executes)
{
	char *argv[] = { (char *)program, NULL };
	pid_t pid = executes ? vfork() : fork();

	if (!pid) {
		if (executes)
			execve(program, argv, argv + 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

enum { FORK = 1, EXEC = 2 };

static void run_shorts(int n, int how)
{
	int i;

	for (i = 0; i < n; i++)
		run_short(how == EXEC || (how == (FORK | EXEC) && i % 2));
}

static void run_pairs(int n)
{
	pid_t pid;
	int i;

	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid) {
			run_short(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void run_workers(int n)
{
	pid_t pid[2];
	int i;

	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			run_on(i);
			run_shorts(n / 2, FORK | EXEC);
			_exit(0);
		}
	}
	for (i = 0; i < 2; i++)
		waitpid(pid[i], NULL, 0);
}

/* A number can be chosen by who may do everything in the pid namespace. */
static void run_as(pid_t pid, int sits)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t r;
	char c;

	args.set_tid = (uintptr_t)&pid;
	args.set_tid_size = 1;
	r = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (!r) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (sits)
			pause();
		while (read(orders[0], &c, 1) < 1)
			;
		if (c == 'E')
			execl(program, program, NULL);
		_exit(0);
	}
	printf("as %d\n", r);
}

static void obey(void)
{
	pid_t pid;
	char c;

	while (read(orders[0], &c, 1) == 1) {
		if (c == 'Q')
			_exit(0);
		if (c == 'E') {
			dup2(orders[0], STDIN_FILENO);
			execl("/proc/self/exe", "crowd-child", "obey", program, NULL);
			_exit(127);
		}
		if (c != 'C')
			continue;
		pid = fork();
		if (!pid) {
			execl(program, program, NULL);
			_exit(127);
		}
		printf("grandchild %d\n", pid);
		waitpid(pid, NULL, 0);
		printf("ok\n");
		fflush(stdout);
	}
	_exit(0);
}

static void make_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(held[1]);
		close(orders[1]);
		obey();
	}
	printf("child %d\n", pid);
}

static void make_orphan(void)
{
	pid_t child, parent = fork();

	if (parent) {
		waitpid(parent, NULL, 0);
		return;
	}
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, 0);
		close(held[1]);
		close(orders[1]); /* its end is the crowd's */
		obey();
	}
	printf("parent %d\nchild %d\n", getpid(), child);
	fflush(stdout);
	_exit(0);
}

static void act(char order)
{
	if (write(orders[1], &order, 1) != 1)
		exit(98);
}

static void command(const char *line)
{
	int n = strchr(line, ' ') ? atoi(strchr(line, ' ') + 1) : 0;

	if (!strncmp(line, "hold ", 5)) {
		hold(n, 2);
	} else if (!strncmp(line, "rest ", 5)) {
		hold(n, 1);
	} else if (!strncmp(line, "fork ", 5)) {
		run_shorts(n, FORK);
	} else if (!strncmp(line, "exec ", 5)) {
		run_shorts(n, EXEC);
	} else if (!strncmp(line, "mix ", 4)) {
		run_shorts(n, FORK | EXEC);
	} else if (!strncmp(line, "pairs ", 6)) {
		run_pairs(n);
	} else if (!strncmp(line, "mix2 ", 5)) {
		run_workers(n);
	} else if (!strncmp(line, "as ", 3)) {
		run_as(n, 0);
	} else if (!strncmp(line, "sit as ", 7)) {
		run_as(atoi(line + 7), 1);
	} else if (!strcmp(line, "orphan")) {
		make_orphan();
	} else if (!strcmp(line, "child")) {
		make_child();
	} else if (!strncmp(line, "act ", 4)) {
		act(line[4]);
		return; /* the child answers */
	} else if (!strncmp(line, "end ", 4)) {
		act(line[4]);
		wait(NULL);
	} else if (!strcmp(line, "release")) {
		release();
	} else {
		exit(99);
	}
	printf("ok\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[256];

	if (argc == 2 && !strcmp(argv[1], "sleep"))
		sleep_on(STDIN_FILENO);
	if (argc == 3 && !strcmp(argv[1], "obey")) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		program = argv[2];
		orders[0] = STDIN_FILENO;
		printf("ok\n");
		fflush(stdout);
		obey();
	}
	program = argc > 1 ? argv[1] : "/bin/true";
	if (pipe2(held, O_CLOEXEC) || pipe2(orders, O_CLOEXEC))
		return 1;
	run_on(0);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		command(line);
	}
	release();
	return 0;
}
