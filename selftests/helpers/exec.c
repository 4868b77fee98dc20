/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exec HOW PROGRAM [ARG...]: prints "exec PID" and executes PROGRAM by
 *   execve, execveat (by path), fexecve (an empty path), memfd (a copy in memory), deleted (a copy that is
 *   unlinked first), after_execve (execveat after a failed execve), after_execveat (the other way round),
 *   thread (execve by a thread that isn't the leader), int80 (the 32-bit call), fails (both fail: ends with 7),
 *   drop (as uid 65534, gid 65533).
 */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static int execveat_(int fd, const char *path, char **argv, int flags)
{
	return (int)syscall(SYS_execveat, fd, path, argv, environ, flags);
}

static void copy(const char *from, int to)
{
	char buf[65536];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			exit(98);
	close(fd);
}

static void by_execve(char **argv)
{
	execve(argv[0], argv, environ);
}

static void by_execveat(char **argv)
{
	execveat_(AT_FDCWD, argv[0], argv, 0);
}

static void by_fexecve(char **argv)
{
	execveat_(open(argv[0], O_PATH | O_CLOEXEC), "", argv, AT_EMPTY_PATH);
}

static void by_memfd(char **argv)
{
	int fd = memfd_create("hidden", MFD_CLOEXEC);

	copy(argv[0], fd);
	execveat_(fd, "", argv, AT_EMPTY_PATH);
}

static void by_deleted(char **argv)
{
	char path[] = "/tmp/rand-guard-deleted-XXXXXX";
	int fd = mkstemp(path), exec_fd;

	copy(argv[0], fd);
	fchmod(fd, 0700);
	close(fd);
	exec_fd = open(path, O_PATH | O_CLOEXEC);
	unlink(path);
	printf("deleted %s\n", path);
	fflush(stdout);
	execveat_(exec_fd, "", argv, AT_EMPTY_PATH);
}

static void by_after_execve(char **argv)
{
	execve("/nonexistent/program", argv, environ);
	by_execveat(argv);
}

static void by_after_execveat(char **argv)
{
	execveat_(AT_FDCWD, "/nonexistent/program", argv, 0);
	by_execve(argv);
}

static void *thread_main(void *arg)
{
	printf("thread %ld\n", syscall(SYS_gettid));
	fflush(stdout);
	by_execve(arg);
	return NULL;
}

static void by_thread(char **argv)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_main, argv);
	pthread_join(thread, NULL);
}

/* The 32-bit execve, its arguments below 4 GiB. */
static void by_int80(char **argv)
{
#if defined(__x86_64__)
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *low_argv = (uint32_t *)(low + 2048);
	long r;

	strcpy(low, argv[0]);
	low_argv[0] = (uint32_t)(uintptr_t)low;
	low_argv[1] = 0;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(11L), "b"((long)low), "c"((long)low_argv), "d"(0L)
			 : "memory");
#else
	(void)argv;
#endif
	exit(96);
}

static void by_fails(char **argv)
{
	execve("/nonexistent/program", argv, environ);
	execveat_(AT_FDCWD, "/nonexistent/program", argv, 0);
	exit(7);
}

static void by_drop(char **argv)
{
	if (setgroups(0, NULL) || setgid(65533) || setuid(65534))
		exit(95);
	by_execve(argv);
}

static const struct {
	const char *how;
	void (*run)(char **argv);
} ways[] = {
	{ "execve", by_execve },
	{ "execveat", by_execveat },
	{ "fexecve", by_fexecve },
	{ "memfd", by_memfd },
	{ "deleted", by_deleted },
	{ "after_execve", by_after_execve },
	{ "after_execveat", by_after_execveat },
	{ "thread", by_thread },
	{ "int80", by_int80 },
	{ "fails", by_fails },
	{ "drop", by_drop },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].how))
			continue;
		printf("exec %d\n", getpid());
		fflush(stdout);
		ways[i].run(argv + 2);
		return 97;
	}
	return 99;
}
