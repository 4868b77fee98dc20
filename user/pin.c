/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pin directory. Its lock is on the directory itself and goes with the process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "bpffs.h"
#include "pin.h"

/* Of the pin path and "/programs/on_leave_execve". */
#define PIN_PATH_MAX (PATH_MAX + 64)

struct pin_dir {
	char *path;
	int fd; /* holds the lock */
};

enum pin_kind { PIN_MAP, PIN_LINK, PIN_PROG };

#define LINKS "links"
#define PROGRAMS "programs"

/* Where that descriptor is pinned below the directory. The views for people have short names. */
static void pin_name(enum pin_kind kind, size_t i, char *ret, size_t size)
{
	if (kind == PIN_MAP)
		snprintf(ret, size, "%s", kernel_map_names[i]);
	else if (kind == PIN_PROG)
		snprintf(ret, size, PROGRAMS "/%s", kernel_prog_names[i]);
	else if (i == PROG_PROCESSES || i == PROG_STATS)
		snprintf(ret, size, "%s", i == PROG_STATS ? "stats" : "processes");
	else
		snprintf(ret, size, LINKS "/%s", kernel_prog_names[i]);
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

static int new_dir(const char *path, int fd, struct pin_dir **ret)
{
	struct pin_dir *dir = calloc(1, sizeof(*dir));

	if (dir)
		dir->path = strdup(path);
	if (!dir || !dir->path) {
		free(dir);
		close(fd);
		return -ENOMEM;
	}
	dir->fd = fd;
	*ret = dir;
	return 0;
}

static int find(const char *dir, enum pin_kind kind, size_t i)
{
	char name[64], path[PIN_PATH_MAX];
	int fd;

	pin_name(kind, i, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* --- whose a pin is ------------------------------------------------------------------------------ */

/* Kernel ids of the pins that are ours so far; 0: none is there. */
struct ours {
	uint32_t map_ids[NR_KERNEL_MAPS];
	uint32_t prog_ids[NR_KERNEL_PROGS];
};

/* By type and name, not by size: an earlier version's is ours, too. */
static bool is_our_map(struct ours *ours, size_t i, int fd)
{
	static const struct {
		enum bpf_map_type type;
		const char *name; /* as the kernel has it; NULL: the pin's */
	} maps[NR_KERNEL_MAPS] = {
		[MAP_PROC_TABLE] = { BPF_MAP_TYPE_LRU_HASH, NULL },
		[MAP_EXITED_QUEUE] = { BPF_MAP_TYPE_QUEUE, NULL },
		[MAP_THREAD_TABLE] = { BPF_MAP_TYPE_LRU_HASH, NULL },
		[MAP_EXEC_SOURCE] = { BPF_MAP_TYPE_TASK_STORAGE, NULL },
		[MAP_EVENTS] = { BPF_MAP_TYPE_RINGBUF, NULL },
		[MAP_SCRATCH] = { BPF_MAP_TYPE_PERCPU_ARRAY, NULL },
		[MAP_STATE] = { BPF_MAP_TYPE_ARRAY, "rand_gua.bss" },
		[MAP_CONFIG] = { BPF_MAP_TYPE_ARRAY, "rand_gua.rodata" },
	};
	const char *name = maps[i].name ? maps[i].name : kernel_map_names[i];
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != maps[i].type || strcmp(info.name, name))
		return false;
	ours->map_ids[i] = info.id;
	return true;
}

/* The kernel keeps 15 bytes of a name; of some programs there are variants, with more behind it. */
static bool is_our_prog(struct ours *ours, size_t i, int fd)
{
	const char *name = kernel_prog_names[i];
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    (info.type != BPF_PROG_TYPE_TRACING && info.type != BPF_PROG_TYPE_TRACEPOINT) ||
	    strncmp(info.name, name, MIN(strlen(name), sizeof(info.name) - 1)))
		return false;
	ours->prog_ids[i] = info.id;
	return true;
}

static bool has_map(const struct ours *ours, uint32_t id)
{
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++)
		if (ours->map_ids[i] && ours->map_ids[i] == id)
			return true;
	return false;
}

/* It has no name. What it goes with is pinned as long as it is: a hook's program, an iterator's map. */
static bool is_our_link(const struct ours *ours, size_t i, int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	if (info.type == BPF_LINK_TYPE_ITER)
		return has_map(ours, info.iter.map.map_id);
	return ours->prog_ids[i] && ours->prog_ids[i] == info.prog_id;
}

static bool is_ours(struct ours *ours, enum pin_kind kind, size_t i, int fd)
{
	if (kind == PIN_MAP)
		return is_our_map(ours, i, fd);
	return kind == PIN_PROG ? is_our_prog(ours, i, fd) : is_our_link(ours, i, fd);
}

static int say_foreign(const char *dir, const char *name)
{
	log_error("'%s/%s' is not rand-guard's; choose another ebpf.pin_path", dir, name);
	return -EEXIST;
}

static int check_pin(const struct pin_dir *dir, struct ours *ours, enum pin_kind kind, size_t i)
{
	_cleanup_close_ int fd = find(dir->path, kind, i);
	struct stat st;
	char name[64];

	if (fd == -ENOENT || fd == -ENOTDIR || (fd >= 0 && is_ours(ours, kind, i, fd)))
		return 0;
	pin_name(kind, i, name, sizeof(name));
	/* A directory's is the error of one that may not be opened. */
	if (fd >= 0 || (!fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode)))
		return say_foreign(dir->path, name);
	log_error("cannot open '%s/%s': %s", dir->path, name, strerror(-fd));
	return fd;
}

int pin_dir_check(const struct pin_dir *dir)
{
	struct ours ours = { 0 };
	size_t i;
	int r = 0;

	/* Links last: they are known by the others. */
	for (i = 0; i < NR_KERNEL_MAPS && !r; i++)
		r = check_pin(dir, &ours, PIN_MAP, i);
	for (i = 0; i < NR_KERNEL_PROGS && !r; i++)
		r = check_pin(dir, &ours, PIN_PROG, i);
	for (i = 0; i < NR_KERNEL_PROGS && !r; i++)
		r = check_pin(dir, &ours, PIN_LINK, i);
	return r;
}

/* --- the directory -------------------------------------------------------------------------------- */

int pin_dir_open(const char *path, struct pin_dir **ret)
{
	struct pin_dir *dir;
	int r;

	r = bpffs_ensure(path);
	if (r)
		return r;
	r = bpffs_make_dirs(path);
	if (!r)
		r = lock_dir(path);
	if (r == -EBUSY)
		log_error("ebpf.pin_path '%s': another agent is running there; stop it, or give this one "
			  "a pin_path of its own", path);
	else if (r < 0)
		log_error("ebpf.pin_path '%s': %s", path, strerror(-r));
	if (r >= 0)
		r = new_dir(path, r, &dir);
	if (r)
		return r;
	r = pin_dir_check(dir);
	if (r)
		pin_dir_close(dir);
	else
		*ret = dir;
	return r;
}

int pin_dir_open_existing(const char *path, struct pin_dir **ret)
{
	int fd;

	if (access(path, F_OK))
		return -errno;
	/* Names like "config" are files of somebody else's anywhere but there. */
	if (!bpffs_is(path))
		return -EMEDIUMTYPE;
	fd = lock_dir(path);
	return fd < 0 ? fd : new_dir(path, fd, ret);
}

void pin_dir_close(struct pin_dir *dir)
{
	if (!dir)
		return;
	rmdir(dir->path);
	close(dir->fd);
	free(dir->path);
	free(dir);
}

static int pin(const struct pin_dir *dir, enum pin_kind kind, size_t i, int fd)
{
	char name[64], path[PIN_PATH_MAX];

	if (fd < 0)
		return 0;
	pin_name(kind, i, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	if (!bpf_obj_pin(fd, path))
		return 0;
	log_error("ebpf.pin_path '%s': cannot pin %s: %s", dir->path, name, strerror(errno));
	return -errno;
}

static int pin_views(const struct pin_dir *dir, const struct kernel *kernel)
{
	int r = pin(dir, PIN_LINK, PROG_PROCESSES, kernel->link[PROG_PROCESSES]);

	return r ? r : pin(dir, PIN_LINK, PROG_STATS, kernel->link[PROG_STATS]);
}

static int pin_programs(const struct pin_dir *dir, const struct kernel *kernel)
{
	size_t i;
	int r = 0;

	if (mkdirat(dir->fd, LINKS, 0700) || mkdirat(dir->fd, PROGRAMS, 0700)) {
		log_error("ebpf.pin_path '%s': %s", dir->path, strerror(errno));
		return -errno;
	}
	for (i = 0; i < NR_KERNEL_PROGS && !r; i++) {
		r = pin(dir, PIN_PROG, i, kernel->prog[i]);
		if (!r && i != PROG_PROCESSES && i != PROG_STATS)
			r = pin(dir, PIN_LINK, i, kernel->link[i]);
	}
	return r;
}

int pin_dir_save(struct pin_dir *dir, const struct kernel *kernel, bool programs)
{
	size_t i;
	int r = 0;

	for (i = 0; i < NR_KERNEL_MAPS && !r; i++)
		r = pin(dir, PIN_MAP, i, kernel->map[i]);
	if (!r)
		r = pin_views(dir, kernel);
	if (!r && programs)
		r = pin_programs(dir, kernel);
	return r;
}

int pin_open_map(const char *path, enum kernel_map map)
{
	return find(path, PIN_MAP, map);
}

bool pin_has_programs(const char *path)
{
	int fd = find(path, PIN_LINK, PROG_EXIT);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* An agent that was killed half way through saving leaves no whole kernel side behind. */
static bool is_whole(const struct kernel *kernel)
{
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++)
		if (kernel->map[i] < 0)
			return false;
	for (i = 0; i < NR_KERNEL_PROGS; i++)
		if ((kernel->link[i] < 0) != (kernel->prog[i] < 0))
			return false;
	return kernel->link[PROG_EXIT] >= 0 && kernel->link[PROG_STATS] >= 0;
}

/* Likewise; -1: not there. */
static int find_or_none(const struct pin_dir *dir, enum pin_kind kind, size_t i)
{
	int fd = find(dir->path, kind, i);

	return fd < 0 ? -1 : fd;
}

int pin_dir_find(const struct pin_dir *dir, struct kernel *ret)
{
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++)
		ret->map[i] = find_or_none(dir, PIN_MAP, i);
	for (i = 0; i < NR_KERNEL_PROGS; i++) {
		ret->prog[i] = find_or_none(dir, PIN_PROG, i);
		ret->link[i] = find_or_none(dir, PIN_LINK, i);
	}
	if (is_whole(ret))
		return 0;
	kernel_close(ret);
	return -ENOENT;
}

static void clear(const struct pin_dir *dir, enum pin_kind kind, size_t i)
{
	char name[64];

	pin_name(kind, i, name, sizeof(name));
	unlinkat(dir->fd, name, 0);
}

void pin_dir_clear(struct pin_dir *dir)
{
	size_t i;

	/*
	 * The hooks first: no program may run on without those that see its processes end. And links before what
	 * they are known by, should this be killed half way.
	 */
	for (i = 0; i < NR_KERNEL_PROGS; i++)
		clear(dir, PIN_LINK, NR_KERNEL_PROGS - 1 - i);
	for (i = 0; i < NR_KERNEL_PROGS; i++)
		clear(dir, PIN_PROG, i);
	for (i = 0; i < NR_KERNEL_MAPS; i++)
		clear(dir, PIN_MAP, i);
	unlinkat(dir->fd, LINKS, AT_REMOVEDIR);
	unlinkat(dir->fd, PROGRAMS, AT_REMOVEDIR);
}

/* Could pin_dir_save() have made it? */
static bool is_known(const char *name)
{
	char known[64];
	size_t i;

	if (!strcmp(name, LINKS) || !strcmp(name, PROGRAMS))
		return true;
	for (i = 0; i < NR_KERNEL_MAPS; i++)
		if (!strcmp(name, kernel_map_names[i]))
			return true;
	for (i = 0; i < 2 * NR_KERNEL_PROGS; i++) {
		pin_name(i % 2 ? PIN_LINK : PIN_PROG, i / 2, known, sizeof(known));
		if (!strcmp(name, known))
			return true;
	}
	return false;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Is nothing else in that subdirectory ("."; one that isn't there has nothing)? 0; -EEXIST, which is logged. */
static int check_known(int root, const char *path, const char *sub)
{
	_cleanup_close_ int fd = openat(root, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char name[NAME_MAX + 16];
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	TAKE_FD(fd);
	while ((entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", sub, entry->d_name);
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    !is_known(*sub == '.' ? entry->d_name : name))
			return say_foreign(path, *sub == '.' ? entry->d_name : name);
	}
	return 0;
}

int pin_give(const char *path, uid_t uid, gid_t gid)
{
	static const char *const dirs[] = { ".", LINKS, PROGRAMS };
	_cleanup_close_ int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;
	int r = root < 0 ? -errno : 0;

	for (i = 0; i < ARRAY_SIZE(dirs) && !r; i++)
		r = check_known(root, path, dirs[i]);
	for (i = 0; i < ARRAY_SIZE(dirs) && !r; i++)
		if (fchownat(root, dirs[i], uid, gid, AT_SYMLINK_NOFOLLOW) && errno != ENOENT)
			r = -errno;
	return r;
}
