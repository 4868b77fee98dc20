// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a command and says, at the end of each of its processes, how much memory that one had at most:
 * "PID NAME VmHWM_KB" on stdout. They are stopped, by ptrace, at the moment they end; nothing is polled.
 *
 *   peak COMMAND...
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t command_pid;

/* Ctrl-C and kill are meant for the command. */
static void pass_on(int signal)
{
	kill(command_pid, signal);
}

static void print_peak(pid_t pid)
{
	char path[64], line[256], name[64] = "?";
	unsigned long peak_kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Name: %63s", name);
		sscanf(line, "VmHWM: %lu", &peak_kb);
	}
	if (f)
		fclose(f);
	printf("%d %s %lu\n", pid, name, peak_kb);
	fflush(stdout);
}

/* The signal that the process gets when it goes on. */
static int handle_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXIT)
		print_peak(pid);
	/* SIGSTOP: a new child's first stop, which is ours. */
	return event || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

int main(int argc, char **argv)
{
	long options = PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
	int status, result = 1;
	pid_t pid;

	if (argc < 2)
		return fprintf(stderr, "usage: see the top of peak.c\n"), 2;
	command_pid = fork();
	if (!command_pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	waitpid(command_pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, command_pid, NULL, options);
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	ptrace(PTRACE_CONT, command_pid, NULL, NULL);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, NULL, (long)handle_stop(pid, status));
		else if (pid == command_pid)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	return result;
}
