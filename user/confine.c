/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files are replaced, by editors and by logrotate, so it is their directories that are allowed; both the
 * one that the path names and, behind a symbolic link, the one where the file is.
 */
#include <errno.h>
#include <limits.h>

#include "confine.h"
#include "landlock.h"

/* The directory that path is in, in ret. */
static void dir_of(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(ret, ".");
	else
		snprintf(ret, PATH_MAX, "%.*s", (int)MAX(slash - path, 1), path);
}

/* What isn't there can't be allowed; whoever needs it will say that it can't be opened. */
static void allow(int list, const char *path, unsigned int rights)
{
	int r = landlock_allow(list, path, rights);

	if (r)
		log_warning("security.landlock: '%s' cannot be opened while the agent runs: %s", path,
			    strerror(-r));
}

static void allow_dir_of(int list, const char *path, unsigned int rights)
{
	char real[PATH_MAX], dir[PATH_MAX];

	dir_of(path, dir);
	allow(list, dir, rights);
	if (!realpath(path, real))
		return;
	dir_of(real, dir);
	allow(list, dir, rights);
}

static void allow_settings(int list, const struct config *c, const char *config_path)
{
	char dir[PATH_MAX], path[2 * PATH_MAX];

	allow_dir_of(list, config_path, MAY_READ);
	if (!c->rules_dir)
		return;
	dir_of(config_path, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, c->rules_dir);
	allow(list, *c->rules_dir == '/' ? c->rules_dir : path, MAY_READ);
}

/* A file that ends within a line is read, too. */
static void allow_output(int list, const struct config *c)
{
	if (c->output.type == OUTPUT_FILE)
		allow_dir_of(list, c->output.path, MAY_READ | MAY_WRITE);
	if (c->metrics.textfile)
		allow_dir_of(list, c->metrics.textfile, MAY_WRITE | MAY_REMOVE);
}

/* At the end: pins, and the socket for scrapes. */
static void allow_clean_up(int list, const struct config *c)
{
	const char *socket_path = c->metrics.listen;
	char parent[PATH_MAX];

	if (socket_path && !strncmp(socket_path, "unix:", strlen("unix:")))
		allow_dir_of(list, socket_path + strlen("unix:"), MAY_REMOVE);
	if (!*c->ebpf.pin_path || !c->ebpf.enabled)
		return;
	dir_of(c->ebpf.pin_path, parent);
	allow(list, parent, MAY_REMOVE_DIR);
	allow(list, c->ebpf.pin_path, MAY_REMOVE | MAY_REMOVE_DIR);
}

/*
 * /proc makes another inode once nobody uses the directory; metrics keep /proc/self/fd open, and so it stays
 * the one that is allowed.
 */
static void allow_system(int list)
{
	allow(list, "/proc/self", MAY_READ);
	allow(list, "/proc/sys/kernel/random/boot_id", MAY_READ);
	/* libc looks whether it has changed; it isn't everywhere. */
	if (!access("/etc/localtime", R_OK))
		allow(list, "/etc/localtime", MAY_READ);
}

int confine_new(const struct config *config, const char *config_path)
{
	int list = landlock_new();

	if (list < 0)
		return list;
	if (config_path)
		allow_settings(list, config, config_path);
	allow_output(list, config);
	allow_clean_up(list, config);
	allow_system(list);
	return list;
}
