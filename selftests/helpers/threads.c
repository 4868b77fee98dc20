/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * threads many N: makes and joins N threads, prints "threads PID" and each "thread TID".
 * threads leave: the leader ends first; the other thread waits for that and then calls exit(3).
 * threads hold N [PROGRAM]: N threads at once, "threads PID", each "thread TID", "ok"; when its input ends, the first
 *   of them executes PROGRAM, or the process ends.
 * threads rename NAME PROGRAM: a worker thread that calls itself NAME forks; the child executes PROGRAM.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *say_tid(void *arg)
{
	printf("thread %ld\n", syscall(SYS_gettid));
	return arg;
}

static void many(int n)
{
	pthread_t thread;
	int i;

	for (i = 0; i < n; i++) {
		pthread_create(&thread, NULL, say_tid, NULL);
		pthread_join(thread, NULL);
	}
}

/* The leader is a zombie once its state says so: no event tells. */
static void *outlive(void *arg)
{
	char path[64], line[512], *paren = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	do {
		f = fopen(path, "r");
		if (!f)
			break;
		paren = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		fclose(f);
		sched_yield();
	} while (paren && paren[2] != 'Z');
	exit(3);
	return arg;
}

static char **to_execute; /* by whom input's end finds */
static pthread_barrier_t said;

static void *stay(void *arg)
{
	char c;

	say_tid(NULL);
	pthread_barrier_wait(&said);
	if (!arg) {
		for (;;)
			pause();
	}
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	if (*to_execute)
		execv(*to_execute, to_execute);
	exit(0);
}

static void hold(int n, char **argv)
{
	pthread_t thread;
	int i;

	to_execute = argv;
	pthread_barrier_init(&said, NULL, (unsigned int)n + 1);
	for (i = 0; i < n; i++)
		pthread_create(&thread, NULL, stay, i ? NULL : "first");
	pthread_barrier_wait(&said);
	printf("ok\n");
	pthread_join(thread, NULL);
}

static void *fork_renamed(void *arg)
{
	char **argv = arg;
	pid_t pid;

	prctl(PR_SET_NAME, argv[2]);
	pid = fork();
	if (!pid) {
		execv(argv[3], argv + 3);
		_exit(127);
	}
	printf("child %d\n", pid);
	waitpid(pid, NULL, 0);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("threads %d\n", getpid());
	if (argc == 3 && !strcmp(argv[1], "many")) {
		many(atoi(argv[2]));
	} else if (argc >= 3 && !strcmp(argv[1], "hold")) {
		hold(atoi(argv[2]), argv + 3);
	} else if (argc == 2 && !strcmp(argv[1], "leave")) {
		pthread_create(&thread, NULL, outlive, NULL);
		pthread_exit(NULL);
	} else if (argc == 4 && !strcmp(argv[1], "rename")) {
		pthread_create(&thread, NULL, fork_renamed, argv);
		pthread_join(thread, NULL);
	} else {
		return 99;
	}
	return 0;
}
