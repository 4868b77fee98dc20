/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lines about the agent itself: agent_start, lost, health. */
#ifndef RG_HEALTH_H
#define RG_HEALTH_H

#include "config.h"
#include "counters.h"
#include "event_json.h"
#include "probe.h"
#include "sink.h"

/* What the lines are made of; probe is NULL with ebpf.enabled = false. */
struct health {
	const struct config *config;
	struct probe *probe;
	const struct sink *sink;
	struct counters *counters;
	uint64_t start_ns; /* CLOCK_BOOTTIME */
	struct probe_table table; /* the last good count */
};

/* Walks the table again; a failure is counted and leaves the last levels. */
void health_count(struct health *health);
void health_start_line(const struct health *health, struct json *j, const struct line_head *head);
void health_line(const struct health *health, struct json *j, const struct line_head *head);
/* Records lost that no line has told yet? */
bool health_has_lost(const struct health *health);
/* Tells them, and takes note of it where an agent that takes over finds it. */
void health_lost_line(const struct health *health, struct json *j, const struct line_head *head);

/* What the lines are made of, for who writes them otherwise. */
void health_start_keys(const struct health *health, struct json *j);
void health_keys(const struct health *health, struct json *j, uint64_t now_ns);
void health_lost_keys(const struct health *health, struct json *j);
/* Without a kernel side all 0. */
const struct rg_state *health_state(const struct health *health);
uint64_t health_ring_lost(const struct health *health); /* records of all types */
uint64_t health_map_memory_bytes(const struct health *health);
/* How many of each type no line has told yet; takes note of it like health_lost_line(). */
void health_take_lost(const struct health *health, uint64_t ret[RG_NR_RECORD_TYPES]);

#endif
