/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <sys/utsname.h>

#include "event_text.h"
#include "health_text.h"

#define BLUE "34"
#define REVERSE_RED "1;7;31"

static struct span span(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

static void kernel_side(const struct health *h, struct json *j)
{
	const struct probe_info *info = probe_info(h->probe);

	text_printf(j, "hook %s", info->exec_source_hook);
	text_u64(j, "  processes ", info->snapshot_rows);
	text_printf(j, " rows %u (%u allocated) maps ", info->table_max, info->table_allocated);
	text_size(j, health_map_memory_bytes(h));
	if (info->taken_over)
		text_printf(j, " [taken over]");
}

void health_start_text(const struct health *h, struct json *j, const struct line_head *head)
{
	struct utsname name = { 0 };

	uname(&name);
	text_line_begin(j, "start", BLUE, head);
	text_printf(j, "rand-guard %s  ", RG_VERSION);
	text_name(j, span(h->config->agent.id));
	text_printf(j, " on ");
	text_name(j, span(name.nodename));
	text_printf(j, " Linux ");
	text_name(j, span(name.release));
	text_printf(j, "  ");
	if (h->probe)
		kernel_side(h, j);
	else
		text_printf(j, "no kernel side");
	text_printf(j, "\n");
}

static void resources(const struct health *h, struct json *j, uint64_t now_ns)
{
	text_printf(j, "up ");
	text_duration(j, now_ns - h->start_ns);
	text_printf(j, " rss ");
	text_size(j, counters_memory().resident_bytes);
	text_printf(j, " maps ");
	text_size(j, health_map_memory_bytes(h));
}

static void table(const struct health *h, struct json *j)
{
	text_u64(j, "  table ", h->table.live + h->table.exited);
	text_u64(j, "/", h->probe ? probe_info(h->probe)->table_max : 0);
	text_u64(j, " (", h->table.live);
	text_u64(j, " live) misses ", health_state(h)->stats.lookup_misses);
	text_u64(j, " evicted ", h->table.evicted);
}

void health_text(const struct health *h, struct json *j, const struct line_head *head)
{
	const struct counters *c = h->counters;

	text_line_begin(j, "health", BLUE, head);
	resources(h, j, head->timestamp_ns);
	text_u64(j, "  read ", counters_sum(c->events_read));
	text_u64(j, " written ", counters_sum(c->events_output));
	text_u64(j, " alerts ", c->alerts_output);
	table(h, j);
	text_u64(j, "  lost ", health_ring_lost(h));
	text_u64(j, " bad ", c->events_bad);
	text_u64(j, " failures ", sink_nr_failures(h->sink));
	text_printf(j, "\n");
}

void text_lost(struct json *j, const uint64_t lost[RG_NR_RECORD_TYPES], const struct line_head *head)
{
	size_t i;

	text_line_begin(j, "LOST", REVERSE_RED, head);
	text_u64(j, "records ", counters_sum(lost));
	for (i = 0; i < RG_NR_RECORD_TYPES; i++) {
		if (!lost[i])
			continue;
		text_printf(j, "  %s", event_type_name((enum rg_record_type)i));
		text_u64(j, " ", lost[i]);
	}
	text_printf(j, "\n");
}

void health_lost_text(const struct health *h, struct json *j, const struct line_head *head)
{
	uint64_t lost[RG_NR_RECORD_TYPES];

	health_take_lost(h, lost);
	text_lost(j, lost, head);
}
