/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a path is, or could come to be, on a bpf filesystem; mounts the usual one where nobody has. */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "bpffs.h"
#include "log.h"

#define BPFFS "/sys/fs/bpf"

bool bpffs_is(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

/* The directory that path's last component is in, in place: "/a/b" -> "/a". */
static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == path)
		slash++;
	*slash = '\0';
}

/* What there is of path. */
static void find_parent(const char *path, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s", path);
	while (access(ret, F_OK) && strlen(ret) > 1)
		cut_last(ret);
}

/* Where distributions mount it, and we do if nobody has. */
static bool is_usual(const char *path, const char *parent)
{
	return !strncmp(path, BPFFS "/", strlen(BPFFS "/")) && !strcmp(parent, BPFFS);
}

bool bpffs_is_possible(const char *path)
{
	char parent[PATH_MAX];

	find_parent(path, parent);
	return bpffs_is(parent) || is_usual(path, parent);
}

int bpffs_ensure(const char *path)
{
	char parent[PATH_MAX];

	find_parent(path, parent);
	if (bpffs_is(parent))
		return 0;
	if (is_usual(path, parent) &&
	    !mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700")) {
		log_info("mounted bpffs on " BPFFS);
		return 0;
	}
	log_error("ebpf.pin_path '%s': %s is not on a bpf filesystem; mount one there "
		  "(mount -t bpf bpf " BPFFS ") or set pin_path = \"\"", path, parent);
	return -EINVAL;
}

int bpffs_make_dirs(const char *path)
{
	char part[PATH_MAX];
	char *slash;

	snprintf(part, sizeof(part), "%s", path);
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0700) && errno != EEXIST ? -errno : 0;
}
