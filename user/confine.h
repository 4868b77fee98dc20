/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which files the running agent needs, out of its settings, as a list for landlock_enforce(). */
#ifndef RG_CONFINE_H
#define RG_CONFINE_H

#include "config.h"

/*
 * config_path NULL: there is no settings file. Logs what it can't allow; the list's descriptor, which is the
 * caller's, or -errno, -EOPNOTSUPP as landlock_new().
 */
int confine_new(const struct config *config, const char *config_path);

#endif
