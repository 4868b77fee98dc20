/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filesystem that pins lie on. */
#ifndef RG_BPFFS_H
#define RG_BPFFS_H

#include "util.h"

/* Is that path there, on a bpf filesystem? */
bool bpffs_is(const char *path);
/* Would bpffs_ensure() be content? What there is of the path decides. */
bool bpffs_is_possible(const char *path);
/* Mounts one on /sys/fs/bpf if the path lies there and nothing is mounted. Logs; 0, or -EINVAL: it lies elsewhere. */
int bpffs_ensure(const char *path);
/* The directory and those above it, 0700. 0 or -errno. */
int bpffs_make_dirs(const char *path);

#endif
