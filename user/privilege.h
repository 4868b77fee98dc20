/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the running agent may still do, once everything is loaded and open: little. */
#ifndef RG_PRIVILEGE_H
#define RG_PRIVILEGE_H

#include "config.h"

/*
 * No capability, no new privileges, and by security's settings another user, only the files that the settings
 * name, and only the system calls that the loop makes. For good. Before Linux 5.19 CAP_BPF stays, where the kernel
 * asks it for each bpf() call. config_path: the settings file, or NULL. Logs; 0 or -errno.
 */
int privilege_drop(const struct config *config, const char *config_path);
/* Behind a message of a running agent: what denied it -EACCES or -EPERM, and what to do; of other errors "". Static. */
const char *privilege_hint(int r);

#endif
