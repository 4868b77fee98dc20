/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A record from the ring, checked, and its strings found: what rules and writers look at. Everything
 * points into the ring and holds until the record is given back.
 */
#ifndef RG_EVENT_H
#define RG_EVENT_H

#include "util.h"
#include "../shared/record.h"

struct event {
	union {
		const struct rg_record *hdr;
		const struct rg_record_fork *fork;
		const struct rg_record_exec *exec;
		const struct rg_record_exit *exit;
		const struct rg_record_thread_start *thread_start;
		const struct rg_record_thread_exit *thread_exit;
	};
	/* Of a fork the parent's exe is in parent_exe; empty is "none" or "unknown". */
	struct span exe, filename, interp, parent_exe, cwd, args, env;
	const char *ancestors; /* exec->nr_ancestors of struct rg_ancestor, unaligned */
};

struct origin;

/* What every line begins with. */
struct line_head {
	uint64_t seq;
	uint64_t timestamp_ns; /* CLOCK_BOOTTIME */
	uint64_t realtime_ns; /* the same moment in CLOCK_REALTIME */
	const struct origin *origin; /* of a line in the Elastic Common Schema */
	bool colour; /* of a line of text: with colours, for a terminal */
};

/* Which keys a start line has; "off" is no key, "on" without a value is null. */
struct event_keys {
	bool args, cwd, env;
};

/* 0; -EPROTO: not a record of this version, or its lengths don't add up. */
int event_parse(const void *data, size_t size_bytes, struct event *ret);
/* As "event_type" has it: "process_start" ...; static. */
const char *event_type_name(enum rg_record_type type);
/* A comm as a string: up to its NUL. */
struct span event_comm(const char comm[RG_COMM_LEN]);
/* When a process that ended was made, by CLOCK_BOOTTIME: exactly what its start has. */
uint64_t event_exit_start_ns(const struct rg_record_exit *rec);
/* The i-th ancestor, copied out. */
struct rg_ancestor event_ancestor(const struct event *event, size_t i);

#endif
