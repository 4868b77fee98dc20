/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>

#include "bpffs.h"
#include "host.h"

static bool is_no_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT || errno == ENOTDIR;
	return !S_ISDIR(st.st_mode);
}

/* The directory of an absolute path. */
static void check_directory(const char *setting, const char *path)
{
	_cleanup_free_ char *dir = strndup(path, (size_t)MAX(strrchr(path, '/') - path, 1));

	if (dir && is_no_directory(dir))
		log_warning("%s: there is no directory '%s'; make it before the start", setting, dir);
}

void host_check(const struct config *c)
{
	if (c->security.user && !getpwnam(c->security.user))
		log_warning("security.user: there is no user '%s'; make one, or write \"\"", c->security.user);
	if (c->output.type == OUTPUT_FILE)
		check_directory("output.path", c->output.path);
	if (c->metrics.textfile)
		check_directory("metrics.textfile", c->metrics.textfile);
	if (c->ebpf.enabled && *c->ebpf.pin_path && !bpffs_is_possible(c->ebpf.pin_path))
		log_warning("ebpf.pin_path: '%s' is not on a bpf filesystem; mount one there, or set "
			    "pin_path = \"\"", c->ebpf.pin_path);
}
