/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory in bpffs where the kernel side is pinned: maps and readable views for people, and with
 * keep_running links/ and programs/, which keep it going without an agent. Locked against a second agent;
 * the lock goes with the process.
 */
#ifndef RG_PIN_H
#define RG_PIN_H

#include <sys/types.h>

#include "kernel.h"
#include "log.h"

struct pin_dir;

/*
 * Makes the directory, and mounts bpffs on /sys/fs/bpf if the path lies there and nothing is mounted. -EBUSY:
 * another agent has it; -EEXIST: as pin_dir_check(). Logs why not; 0 or -errno.
 */
int pin_dir_open(const char *path, struct pin_dir **ret);
/* One that is there already: -ENOENT if it isn't, -EMEDIUMTYPE if not on bpffs, -EBUSY as above; none is logged. */
int pin_dir_open_existing(const char *path, struct pin_dir **ret);
/* Removes the directory if nothing is pinned in it. */
void pin_dir_close(struct pin_dir *dir);

/* Pins all descriptors that are there: maps and views, with programs also links and programs. Logs; 0 or -errno. */
int pin_dir_save(struct pin_dir *dir, const struct kernel *kernel, bool programs);
/* A kernel side that runs there: its descriptors, the caller's. -ENOENT: none. */
int pin_dir_find(const struct pin_dir *dir, struct kernel *ret);
/*
 * Is all that pin_dir_clear() would remove what pin_dir_save() made? -EEXIST if not. Logs what isn't, or can't be
 * told. Needs the rights to open pins, which a running agent has given up.
 */
int pin_dir_check(const struct pin_dir *dir);
/* Removes by its name everything that pin_dir_save() could have made, once pin_dir_check() has seen whose it is. */
void pin_dir_clear(struct pin_dir *dir);

/*
 * Makes the directory and those in it another user's, who can then remove what is pinned there; -EEXIST, which is
 * logged, if there is something that pin_dir_save() doesn't make. 0 or -errno.
 */
int pin_give(const char *path, uid_t uid, gid_t gid);

/* One map of a pin directory, for looking only; -errno. Needs no lock. */
int pin_open_map(const char *path, enum kernel_map map);
/* Do programs run on without an agent? One that was killed leaves its maps, which nothing updates any more. */
bool pin_has_programs(const char *path);

#endif
