/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libc has no wrappers, and headers of Linux 6.1 lack what later kernels can restrict. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "landlock.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* Linux 6.2 */
#endif

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
/* What a rule about something that is no directory may hold. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* All that Linux 5.13 can restrict: the lowest 13 rights, of which the last is to make a symbolic link. */
#define ALL_OF_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static uint64_t restrictable(long abi)
{
	uint64_t all = ALL_OF_ABI_1;

	/* Moving between directories: always denied by version 1, and by later ones if it is listed. */
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

int landlock_new(void)
{
	struct landlock_ruleset_attr attr = { 0 };
	long abi, fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return -EOPNOTSUPP;
	attr.handled_access_fs = restrictable(abi);
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	return fd < 0 ? -errno : (int)fd;
}

static uint64_t access_of(unsigned int rights)
{
	uint64_t access = 0;

	if (rights & MAY_READ)
		access |= READ;
	if (rights & MAY_WRITE)
		access |= WRITE;
	if (rights & MAY_REMOVE)
		access |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (rights & MAY_REMOVE_DIR)
		access |= LANDLOCK_ACCESS_FS_REMOVE_DIR;
	return access;
}

int landlock_allow(int list, const char *path, unsigned int rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access_of(rights) };
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	rule.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, list, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ? -errno : 0;
}

int landlock_enforce(int list)
{
	return syscall(SYS_landlock_restrict_self, list, 0) ? -errno : 0;
}
