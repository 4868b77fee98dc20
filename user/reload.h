/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The settings anew while the agent runs (SIGHUP): what can change is taken over, the rest is told. */
#ifndef RG_RELOAD_H
#define RG_RELOAD_H

#include "config.h"

struct settings_file {
	const char *path; /* NULL: none, built-in defaults */
	bool is_missing; /* it wasn't there at the start, and needn't be; until it is */
};

/*
 * Reads the file and its rules again, and takes over into *running what needs no restart; putting it into effect is
 * the caller's. 0; -errno, which has been logged, with everything as it was.
 */
int reload_settings(struct settings_file *file, struct config *running);

#endif
