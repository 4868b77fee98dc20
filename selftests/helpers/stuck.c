/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stuck N PROGRAM: N processes in the middle of an execve of PROGRAM: each has a second thread, which the exec waits
 * for to die, and which is held at that by ptrace. "stuck PID" each, then "ok"; then a command a line, each
 * answered by "ok":
 *   kill N   the first N that are left are killed
 *   go N     the first N that are left go on, and end
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	pid_t pid;
	pid_t tid; /* its second thread */
};

static void *say_tid(void *arg)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);

	if (write(*(int *)arg, &tid, sizeof(tid)) != sizeof(tid))
		_exit(98);
	for (;;)
		pause();
	return NULL;
}

static void execute(int tell, int go, char **argv)
{
	pthread_t thread;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_create(&thread, NULL, say_tid, &tell);
	if (read(go, &c, 1) != 1)
		_exit(98);
	execv(argv[0], argv);
	_exit(127);
}

static void make(struct process *p, char **argv)
{
	int told[2], go[2], status;

	if (pipe(told) || pipe(go))
		exit(97);
	p->pid = fork();
	if (!p->pid)
		execute(told[1], go[0], argv);
	if (read(told[0], &p->tid, sizeof(p->tid)) != sizeof(p->tid) ||
	    ptrace(PTRACE_SEIZE, p->tid, 0, PTRACE_O_TRACEEXIT) || write(go[1], "", 1) != 1)
		exit(96);
	/* Dead but for this last stop: the exec has begun, and waits. */
	if (waitpid(p->tid, &status, __WALL) != p->tid || status >> 16 != PTRACE_EVENT_EXIT)
		exit(95);
	printf("stuck %d\n", p->pid);
	close(told[0]);
	close(told[1]);
	close(go[0]);
	close(go[1]);
}

static void end(struct process *p, int kills)
{
	if (kills)
		kill(p->pid, SIGKILL);
	/* A dead thread that is traced waits for its tracer. */
	if (ptrace(PTRACE_DETACH, p->tid, 0, 0))
		waitpid(p->tid, NULL, __WALL);
	waitpid(p->pid, NULL, 0);
}

int main(int argc, char **argv)
{
	int i, n = argc > 2 ? atoi(argv[1]) : 0, next = 0;
	struct process processes[64];
	char line[64];

	if (n < 1 || n > 64)
		return 99;
	for (i = 0; i < n; i++)
		make(&processes[i], argv + 2);
	printf("ok\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (i = atoi(strchr(line, ' ')); i > 0 && next < n; i--)
			end(&processes[next++], line[0] == 'k');
		printf("ok\n");
		fflush(stdout);
	}
	return 0;
}
