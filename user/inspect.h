/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "rand-guard ps", "status" and "unload": what is pinned, looked at and removed without an agent. Looking
 * disturbs nothing: user space's look-ups don't touch the LRU's order. Each logs why not; 0 or -errno.
 */
#ifndef RG_INSPECT_H
#define RG_INSPECT_H

#include "util.h"

struct inspect_ps {
	bool tree; /* children below their parents */
	bool json; /* an object a line */
	bool exited; /* also those that have ended */
};

int inspect_ps(const char *pin_path, const struct inspect_ps *how, FILE *to);
int inspect_status(const char *pin_path, FILE *to);
/* Removes what keep_running left. -EBUSY: an agent uses it. */
int inspect_unload(const char *pin_path);

#endif
