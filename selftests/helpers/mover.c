/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mover PROGRAM DIR: in a mount namespace of its own and on one CPU, runs a copy of PROGRAM by its name in a mount
 * that lies on "/" ("on_root0 PID", "on_root1 PID"), and again when that mount has been moved to DIR ("moved0 PID",
 * "moved1 PID"). 97: the copy did not run, or failed.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of linux/mount.h, which can't be had beside sys/mount.h everywhere. */
#define CMD_CREATE 6 /* FSCONFIG_CMD_CREATE */
#define EMPTY_PATH 4 /* MOVE_MOUNT_F_EMPTY_PATH */

#define NAME "mover's"

static int check(long r, const char *what)
{
	if (r >= 0)
		return (int)r;
	perror(what);
	exit(98);
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	check(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

/* A file system that is nowhere yet. */
static int make_mount(void)
{
	int fs = check(syscall(SYS_fsopen, "tmpfs", 0), "fsopen");

	check(syscall(SYS_fsconfig, fs, CMD_CREATE, NULL, NULL, 0), "fsconfig");
	return check(syscall(SYS_fsmount, fs, 0, 0), "fsmount");
}

static void copy_into(int mount, const char *program)
{
	int from = check(open(program, O_RDONLY), program);
	int to = check(openat(mount, NAME, O_WRONLY | O_CREAT, 0755), NAME);
	struct stat st;

	check(fstat(from, &st), "fstat");
	while (sendfile(to, from, NULL, (size_t)st.st_size) > 0)
		;
	close(from);
	close(to);
}

static void move_to(int mount_fd, const char *dir)
{
	check(syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, dir, EMPTY_PATH), dir);
}

static void run_twice(int mount, const char *word)
{
	char *argv[] = { NAME, NULL };
	int i, status;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		pid = check(fork(), "fork");
		if (!pid) {
			syscall(SYS_execveat, mount, NAME, argv, NULL, 0);
			_exit(127);
		}
		printf("%s%d %d\n", word, i, pid);
		fflush(stdout);
		if (waitpid(pid, &status, 0) != pid || status)
			exit(97);
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3)
		return 2;
	pin();
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	fd = make_mount();
	copy_into(fd, argv[1]);
	move_to(fd, "/");
	run_twice(fd, "on_root");
	move_to(fd, argv[2]);
	run_twice(fd, "moved");
	return 0;
}
