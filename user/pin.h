/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory in bpffs where maps are pinned for bpftool: made, locked against a second agent, and
 * emptied of our names at the end and of what a killed agent left.
 */
#ifndef RG_PIN_H
#define RG_PIN_H

#include "log.h"

struct pin_dir;

/*
 * Mounts bpffs on /sys/fs/bpf if the path lies there and nothing is mounted. names: all that will ever be pinned,
 * NULL-terminated, static. -EBUSY: another agent has it. Logs why not; 0 or -errno.
 */
int pin_dir_open(const char *path, const char *const *names, struct pin_dir **ret);
/* Removes our pins, and the directory if it is empty then. */
void pin_dir_close(struct pin_dir *dir);
/* Pins an object (a map, a link) by its descriptor; 0 or -errno. */
int pin_dir_pin(struct pin_dir *dir, const char *name, int fd);

#endif
