/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "health.h"
#include "origin.h"

static void line_end(struct json *j)
{
	json_object_end(j);
	json_line_end(j);
}

void health_count(struct health *h)
{
	if (h->probe && probe_count(h->probe, &h->table))
		h->counters->count_failures++;
}

static void maps(struct json *j, const struct probe *probe)
{
	const struct probe_info *info = probe_info(probe);
	size_t i;

	json_object_begin(j, "maps");
	for (i = 0; i < info->nr_maps; i++)
		json_u64(j, info->maps[i].name, info->maps[i].memory_bytes);
	json_object_end(j);
}

static void kernel_side(struct json *j, const struct probe *probe)
{
	const struct probe_info *info = probe_info(probe);

	json_cstr(j, "exec_source_hook", info->exec_source_hook);
	json_u64(j, "snapshot_rows", info->snapshot_rows);
	json_u64(j, "process_table_max", info->table_max);
	json_u64(j, "process_table_allocated", info->table_allocated);
	json_bool(j, "taken_over", info->taken_over);
	maps(j, probe);
}

static void no_kernel_side(struct json *j)
{
	json_null(j, "exec_source_hook");
	json_null(j, "snapshot_rows");
	json_null(j, "process_table_max");
	json_null(j, "process_table_allocated");
	json_bool(j, "taken_over", false);
	json_object_begin(j, "maps");
	json_object_end(j);
}

void health_start_keys(const struct health *h, struct json *j)
{
	struct origin origin = origin_read(h->config->agent.id);

	json_cstr(j, "version", RG_VERSION);
	json_cstr(j, "agent_id", origin.agent_id);
	json_cstr(j, "hostname", origin.host.nodename);
	json_cstr(j, "kernel", origin.host.release);
	json_cstr(j, "boot_id", origin.boot_id);
	if (h->probe)
		kernel_side(j, h->probe);
	else
		no_kernel_side(j);
}

void health_start_line(const struct health *h, struct json *j, const struct line_head *head)
{
	json_line_begin(j, "agent_start", head);
	health_start_keys(h, j);
	line_end(j);
}

const struct rg_state *health_state(const struct health *h)
{
	static const struct rg_state none;

	return h->probe ? probe_state(h->probe) : &none;
}

static void table(const struct health *h, struct json *j)
{
	const struct rg_stats *stats = &health_state(h)->stats;

	json_u64(j, "process_table_size", h->table.live + h->table.exited);
	json_u64(j, "process_table_live", h->table.live);
	json_u64(j, "process_table_exited", h->table.exited);
	json_u64(j, "process_table_max", h->probe ? probe_info(h->probe)->table_max : 0);
	json_u64(j, "process_records_inserted", stats->inserted);
	json_u64(j, "process_records_deleted", stats->deleted);
	json_u64(j, "process_records_evicted", h->table.evicted);
	json_u64(j, "process_records_reclaimed", stats->reclaimed);
	json_u64(j, "process_records_insert_failed", stats->insert_failed);
	json_u64(j, "process_records_rebuilt", stats->rebuilt);
	json_u64(j, "process_records_torn", stats->torn);
	json_u64(j, "process_records_unqueued", stats->queue_failed);
	json_u64(j, "process_lookup_misses", stats->lookup_misses);
	json_u64(j, "process_stale_identities", stats->stale_identity);
	json_u64(j, "process_stale_images", stats->stale_images);
}

static void threads(const struct health *h, struct json *j)
{
	const struct rg_stats *stats = &health_state(h)->stats;

	json_u64(j, "thread_table_size", h->table.threads);
	json_u64(j, "thread_records_inserted", stats->threads_inserted);
	json_u64(j, "thread_records_deleted", stats->threads_deleted);
	json_u64(j, "thread_records_evicted", h->table.threads_evicted);
	json_u64(j, "thread_records_insert_failed", stats->threads_insert_failed);
}

static uint64_t nr_missed_runs(const struct health *h)
{
	struct probe_prog progs[NR_KERNEL_HOOKS];
	size_t i, n = h->probe ? probe_progs(h->probe, progs) : 0;
	uint64_t missed = 0;

	for (i = 0; i < n; i++)
		missed += progs[i].nr_missed;
	return missed;
}

uint64_t health_map_memory_bytes(const struct health *h)
{
	const struct probe_info *info = h->probe ? probe_info(h->probe) : NULL;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; info && i < info->nr_maps; i++)
		bytes += info->maps[i].memory_bytes;
	return bytes;
}

uint64_t health_ring_lost(const struct health *h)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < RG_NR_RECORD_TYPES; i++)
		lost += health_state(h)->stats.ring_lost[i];
	return lost;
}

static void kernel_counters(const struct health *h, struct json *j)
{
	const struct rg_stats *stats = &health_state(h)->stats;

	json_u64(j, "pending_exec_source_size", stats->nr_pending_sources);
	json_u64(j, "pending_sources_refused", stats->sources_refused);
	json_u64(j, "pending_sources_failed", stats->sources_failed);
	json_u64(j, "ring_lost", health_ring_lost(h));
	json_u64(j, "program_runs_missed", nr_missed_runs(h));
	json_u64(j, "args_unreadable", stats->args_unreadable);
	json_u64(j, "env_unreadable", stats->env_unreadable);
	json_u64(j, "cwd_unreadable", stats->cwd_unreadable);
	json_u64(j, "exe_path_unreadable", stats->exe_unreadable);
	json_u64(j, "filename_unreadable", stats->filename_unreadable);
	json_u64(j, "map_memory_bytes", health_map_memory_bytes(h));
}

void health_keys(const struct health *h, struct json *j, uint64_t now_ns)
{
	const struct counters *c = h->counters;

	json_u64(j, "uptime_secs", (now_ns - h->start_ns) / NSEC_PER_SEC);
	json_u64(j, "rss_kb", counters_memory().resident_bytes / 1024);
	json_u64(j, "raw_events_read", counters_sum(c->events_read));
	json_u64(j, "raw_events_bad", c->events_bad);
	json_u64(j, "normalized_events_output", counters_sum(c->events_output));
	json_u64(j, "alerts_output", c->alerts_output);
	json_u64(j, "userspace_output_failures", sink_nr_failures(h->sink));
	table(h, j);
	threads(h, j);
	kernel_counters(h, j);
	json_u64(j, "process_count_failures", c->count_failures);
	json_u64(j, "reloads", c->reloads);
	json_u64(j, "reload_failures", c->reload_failures);
	json_u64(j, "textfile_failures", c->textfile_failures);
}

void health_line(const struct health *h, struct json *j, const struct line_head *head)
{
	json_line_begin(j, "health", head);
	health_keys(h, j, head->timestamp_ns);
	line_end(j);
}

bool health_has_lost(const struct health *h)
{
	const struct rg_state *s = health_state(h);

	return memcmp(s->stats.ring_lost, s->control.lost_reported, sizeof(s->control.lost_reported));
}

void health_take_lost(const struct health *h, uint64_t ret[RG_NR_RECORD_TYPES])
{
	struct rg_state *s = probe_state(h->probe);
	uint64_t lost;
	size_t i;

	for (i = 0; i < RG_NR_RECORD_TYPES; i++) {
		lost = s->stats.ring_lost[i];
		ret[i] = lost - s->control.lost_reported[i];
		s->control.lost_reported[i] = lost;
	}
}

void health_lost_keys(const struct health *h, struct json *j)
{
	uint64_t lost[RG_NR_RECORD_TYPES];
	size_t i;

	health_take_lost(h, lost);
	for (i = 0; i < RG_NR_RECORD_TYPES; i++)
		json_u64(j, event_type_name((enum rg_record_type)i), lost[i]);
}

void health_lost_line(const struct health *h, struct json *j, const struct line_head *head)
{
	json_line_begin(j, "lost", head);
	health_lost_keys(h, j);
	line_end(j);
}
