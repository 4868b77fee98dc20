/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One moment's numbers as Prometheus text (format 0.0.4). Reads nothing but what it is given. */
#ifndef RG_METRICS_TEXT_H
#define RG_METRICS_TEXT_H

#include "counters.h"
#include "probe.h"
#include "rule.h"

/* The agent as a process. */
struct metrics_process {
	uint64_t cpu_ns; /* user and system */
	uint64_t start_ns; /* since 1970 */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t open_fds;
	uint64_t max_fds;
};

/* Without a kernel side what is the kernel's is 0 and NULL. */
struct metrics_input {
	const char *kernel; /* its release */
	const struct probe_info *info;
	const struct rule_set *rules;
	struct rg_stats stats;
	struct probe_table table;
	struct counters counters;
	struct metrics_process process;
	struct probe_prog progs[NR_KERNEL_HOOKS];
	size_t nr_progs;
	uint64_t is_watching; /* 0: ebpf.enabled is false */
	uint64_t capacity; /* rows of the process table */
	uint64_t allocated; /* with the LRU's slack */
	uint64_t threads_capacity; /* 0: threads are not tracked */
	uint64_t max_pending_sources;
	uint64_t nr_rules;
	uint64_t output_lines;
	uint64_t output_failures;
};

/* Grows by itself; a failure to is kept. */
struct text {
	char *data;
	size_t len, size_bytes;
	bool failed; /* out of memory: the text is not whole */
};

/* Over what is there; text->data is malloc()ed or NULL, and stays the caller's. */
void metrics_text(const struct metrics_input *input, struct text *text);
/* Behind it: process_*, as every exporter has it of itself. */
void metrics_text_process(const struct metrics_input *input, struct text *text);

#endif
