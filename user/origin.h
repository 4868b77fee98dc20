/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who writes, and on which host: what doesn't change while the agent runs. */
#ifndef RG_ORIGIN_H
#define RG_ORIGIN_H

#include <sys/utsname.h>

#include "util.h"

struct origin {
	const char *agent_id; /* the caller's */
	struct utsname host; /* nodename, release */
	char boot_id[64]; /* a UUID; "" if it can't be read */
};

struct origin origin_read(const char *agent_id);

#endif
