/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files this process may still open: a list of directories and files, each with rights, and from
 * landlock_enforce() on nothing else, for good. What is open already isn't concerned.
 */
#ifndef RG_LANDLOCK_H
#define RG_LANDLOCK_H

#include "util.h"

enum landlock_right {
	MAY_READ = 1 << 0, /* files and directories */
	MAY_WRITE = 1 << 1, /* files, also new ones */
	MAY_REMOVE = 1 << 2, /* what is no directory; renaming needs it, and MAY_WRITE */
	MAY_REMOVE_DIR = 1 << 3,
};

/* An empty list: its descriptor, the caller's. -EOPNOTSUPP: this kernel has no Landlock, or it is off. */
int landlock_new(void);
/* Adds what is at path now, and all below it; rights: bits of enum landlock_right. 0 or -errno. */
int landlock_allow(int list, const char *path, unsigned int rights);
/* Needs no_new_privs. 0 or -errno. */
int landlock_enforce(int list);

#endif
