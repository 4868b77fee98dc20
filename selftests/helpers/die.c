/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* die signal N | segv | threads N: prints its pid and ends by a signal, or while N threads still run. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *forever(void *arg)
{
	pthread_barrier_wait(arg);
	for (;;)
		pause();
	return NULL;
}

static void exit_with_threads(int nr_threads)
{
	pthread_barrier_t all_run;
	pthread_t thread;
	int i;

	pthread_barrier_init(&all_run, NULL, (unsigned int)nr_threads + 1);
	for (i = 0; i < nr_threads; i++)
		pthread_create(&thread, NULL, forever, &all_run);
	pthread_barrier_wait(&all_run);
	exit(5);
}

/* An address that the compiler does not know. */
static void raise_segv(void)
{
	volatile int *volatile nowhere = (volatile int *)8;

	*nowhere = 1;
}

int main(int argc, char **argv)
{
	printf("die %d\n", getpid());
	fflush(stdout);
	if (argc == 3 && !strcmp(argv[1], "signal"))
		kill(getpid(), atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "threads"))
		exit_with_threads(atoi(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "segv"))
		raise_segv();
	return 99;
}
