/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * threads many N: makes and joins N threads, prints "threads PID" and each "thread TID".
 * threads leave: the leader ends first; the other thread waits for that and then calls exit(3).
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
