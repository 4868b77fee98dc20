/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the running kernel can do, as its types (BTF) tell; never its version, since distributions backport. */
#ifndef RG_TRAITS_H
#define RG_TRAITS_H

#include "util.h"

struct traits {
	bool has_prepare; /* the tracepoint sched_prepare_exec (6.10) */
	bool has_rename; /* the tracepoint task_rename */
	bool exit_has_group_dead; /* sched_process_exit tells whether the process ends, or a thread of it (6.16) */
	bool sums_elements; /* a map says how many elements it has (6.6) */
	bool lru_adapts; /* the LRU sets less aside in small maps (6.16) */
	bool skips; /* a hook can be preempted, and is then skipped for others, so it has a second program (7.0) */
};

/* Reads them; -EOPNOTSUPP, with *ret as it was, where the kernel has no BTF. */
int traits_read(struct traits *ret);

#endif
