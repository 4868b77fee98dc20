/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elder PROGRAM STEP...: has one child from the start, and takes steps, on the first CPU:
 *   child:WORD  the child makes one that executes PROGRAM and ends: "WORD PID"
 *   self:WORD   likewise, by itself
 *   name:NAME   takes a name, and makes one that ends at once
 *   exec:FILE   on the last CPU, executes a copy of itself, which takes the other steps with the same child
 * It prints "child PID". After an execve its first argument is the socket to the child, "@FD".
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_one(const char *program, const char *word)
{
	pid_t pid = fork();

	if (!pid) {
		if (!program)
			_exit(0);
		execl(program, program, NULL);
		_exit(127);
	}
	if (word) {
		printf("%s %d\n", word, pid);
		fflush(stdout);
	}
	waitpid(pid, NULL, 0);
}

/* An order is a word; it is sent back when it is done. */
static void be_child(int orders, const char *program)
{
	char word[64];
	ssize_t n;

	while ((n = recv(orders, word, sizeof(word) - 1, 0)) > 0) {
		word[n] = '\0';
		make_one(program, word);
		if (send(orders, word, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	}
	_exit(0);
}

static void order(int child, const char *word)
{
	char done[64];

	if (send(child, word, strlen(word), MSG_NOSIGNAL) < 0 || recv(child, done, sizeof(done), 0) <= 0)
		exit(98);
}

static int start_child(const char *program)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		exit(98);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		be_child(ends[1], program);
	}
	close(ends[1]);
	printf("child %d\n", pid);
	fflush(stdout);
	return ends[0];
}

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* argv: PROGRAM and the steps that are left, with room for two words before it. */
static void execute(char *file, int child, char **argv)
{
	char socket[16];

	snprintf(socket, sizeof(socket), "@%d", child);
	argv[-1] = socket;
	argv[-2] = file;
	pin(sysconf(_SC_NPROCESSORS_ONLN) - 1);
	execv(file, argv - 2);
	exit(99);
}

int main(int argc, char **argv)
{
	const char *program;
	int child;

	if (argc < 3)
		return 2;
	pin(0);
	argv++;
	child = **argv == '@' ? atoi(*argv++ + 1) : -1;
	program = *argv++;
	if (child < 0)
		child = start_child(program);
	for (; *argv; argv++) {
		if (!strncmp(*argv, "child:", 6)) {
			order(child, *argv + 6);
		} else if (!strncmp(*argv, "self:", 5)) {
			make_one(program, *argv + 5);
		} else if (!strncmp(*argv, "name:", 5)) {
			prctl(PR_SET_NAME, *argv + 5);
			make_one(NULL, NULL);
		} else if (!strncmp(*argv, "exec:", 5)) {
			char *file = *argv + 5;

			*argv = (char *)program;
			execute(file, child, argv);
		} else {
			return 2;
		}
	}
	return 0;
}
