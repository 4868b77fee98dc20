/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pin directory. Its lock is on the directory itself and goes with the process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>

#include "pin.h"

#define BPFFS "/sys/fs/bpf"

struct pin_dir {
	char *path;
	const char *const *names;
	int fd; /* holds the lock */
};

static bool is_bpffs(const char *path)
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

static int ensure_bpffs(const char *path)
{
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%s", path);
	while (access(parent, F_OK) && strlen(parent) > 1)
		cut_last(parent);
	if (is_bpffs(parent))
		return 0;
	if (!strncmp(path, BPFFS "/", strlen(BPFFS "/")) && !strcmp(parent, BPFFS) &&
	    !mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700")) {
		log_info("mounted bpffs on " BPFFS);
		return 0;
	}
	log_error("ebpf.pin_path '%s': %s is not on a bpf filesystem; mount one there "
		  "(mount -t bpf bpf " BPFFS ") or set pin_path = \"\"", path, parent);
	return -EINVAL;
}

static int make_dirs(const char *path)
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

static int lock_dir(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

static void remove_pins(struct pin_dir *dir)
{
	const char *const *name;

	for (name = dir->names; *name; name++)
		unlinkat(dir->fd, *name, 0);
}

int pin_dir_open(const char *path, const char *const *names, struct pin_dir **ret)
{
	struct pin_dir *dir;
	int r;

	r = ensure_bpffs(path);
	if (r)
		return r;
	r = make_dirs(path);
	if (!r)
		r = lock_dir(path);
	if (r == -EBUSY) {
		log_error("ebpf.pin_path '%s': another agent is running there; stop it, or give this one "
			  "a pin_path of its own", path);
		return r;
	}
	if (r < 0) {
		log_error("ebpf.pin_path '%s': %s", path, strerror(-r));
		return r;
	}
	dir = calloc(1, sizeof(*dir));
	if (!dir) {
		close(r);
		return -ENOMEM;
	}
	*dir = (struct pin_dir){ .path = strdup(path), .names = names, .fd = r };
	remove_pins(dir);
	*ret = dir;
	return 0;
}

void pin_dir_close(struct pin_dir *dir)
{
	if (!dir)
		return;
	remove_pins(dir);
	if (dir->path)
		rmdir(dir->path);
	close(dir->fd);
	free(dir->path);
	free(dir);
}

int pin_dir_pin(struct pin_dir *dir, const char *name, int fd)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}
