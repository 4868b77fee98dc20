/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tokens DIR WORKERS ROUNDS DEPTH: a tree of processes, each of which executes DIR/nXXX, where XXX are its pid's last
 * 12 bits: what it is called says who it is. WORKERS of the first generation run at once, ROUNDS times;
 * each has DEPTH generations below it, of two each. Every process prints "n PID".
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char **args;

static pid_t start(int depth)
{
	char path[256], depth_text[16];
	char *argv[] = { "token", args[1], "0", "0", depth_text, NULL };
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "%s/n%03x", args[1], (unsigned int)getpid() & 0xfff);
	snprintf(depth_text, sizeof(depth_text), "%d", depth);
	execv(path, argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	int i, round, workers, rounds, depth;
	char line[32];

	if (argc != 5)
		return 99;
	args = argv;
	workers = atoi(argv[2]);
	rounds = atoi(argv[3]);
	depth = atoi(argv[4]);
	if (workers) {
		for (round = 0; round < rounds; round++) {
			for (i = 0; i < workers; i++)
				start(depth);
			while (wait(NULL) > 0)
				;
		}
		printf("ok\n");
		return 0;
	}
	i = snprintf(line, sizeof(line), "n %d\n", getpid());
	if (write(STDOUT_FILENO, line, (size_t)i) != i)
		return 98;
	if (depth) {
		start(depth - 1);
		start(depth - 1);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
