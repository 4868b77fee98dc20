/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the agent itself counts, beside the kernel's rg_stats, and one moment's view of everything. */
#ifndef RG_COUNTERS_H
#define RG_COUNTERS_H

#include "util.h"
#include "../shared/stats.h"

/* Since the start; they only grow, but for the last reload's. */
struct counters {
	uint64_t events_read[RG_NR_RECORD_TYPES]; /* records taken from the ring */
	uint64_t events_bad; /* records not understood, skipped */
	uint64_t events_output[RG_NR_RECORD_TYPES]; /* lines of them */
	uint64_t alerts_output;
	uint64_t reloads; /* SIGHUPs that took a new file over */
	uint64_t reload_failures; /* SIGHUPs whose file had mistakes, or whose output could not be opened */
	uint64_t count_failures; /* walks of the table that failed: its levels are older then */
	uint64_t last_reload_failed; /* bool */
	uint64_t last_reload_ns; /* CLOCK_REALTIME of the last good one; at first the start's */
	uint64_t textfile_failures; /* metrics.textfile could not be written */
};

/* Of one array with a field a record type. */
uint64_t counters_sum(const uint64_t by_type[RG_NR_RECORD_TYPES]);
/* Of this process; 0 if /proc says nothing. */
struct counters_memory {
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
};
struct counters_memory counters_memory(void);

#endif
