/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A metric is a row of a table: its name, its help, and where its number is in the input. The name
 * says the rest: with "_total" at its end it is a counter, else a gauge; with "_seconds" in it the
 * number is nanoseconds, told as seconds.
 */
#include <stdarg.h>

#include "event.h"
#include "metrics_text.h"

/* --- text ------------------------------------------------------------------------------------- */

static bool grow(struct text *t, size_t more)
{
	size_t size = MAX(t->size_bytes, 1024);
	char *data;

	while (size - t->len < more)
		size *= 2;
	data = realloc(t->data, size);
	t->failed = !data;
	if (!data)
		return false;
	t->data = data;
	t->size_bytes = size;
	return true;
}

static _printf_(2, 3) void put(struct text *t, const char *fmt, ...)
{
	size_t room = t->size_bytes - t->len;
	va_list args;
	int n;

	if (t->failed)
		return;
	va_start(args, fmt);
	n = vsnprintf(t->data ? t->data + t->len : NULL, room, fmt, args);
	va_end(args);
	if ((size_t)n >= room) {
		if (!grow(t, (size_t)n + 1))
			return;
		va_start(args, fmt);
		vsnprintf(t->data + t->len, t->size_bytes - t->len, fmt, args);
		va_end(args);
	}
	t->len += (size_t)n;
}

/* As the format wants it: a backslash before backslash and quote, \n for a newline. */
static void put_escaped(struct text *t, const char *value)
{
	size_t len;

	for (; *value; value += len) {
		len = strcspn(value, "\\\"\n");
		put(t, "%.*s", (int)len, value);
		if (!value[len])
			return;
		put(t, value[len] == '\n' ? "\\n" : "\\%c", value[len]);
		len++;
	}
}

/* --- metrics ---------------------------------------------------------------------------------- */

/*
 * Numbers are 64 bits, at an offset: of struct metrics_input, of a row, or of an array by record
 * type.
 */
struct metric {
	const char *name;
	const char *help;
	size_t offset;
};

#define INPUT(member) offsetof(struct metrics_input, member)

static const struct metric process_cache[] = {
	{"rand_guard_watching",
	 "1 while the programs are in the kernel, 0 with ebpf.enabled = false.",
	 INPUT(is_watching)},
	{"rand_guard_process_cache_capacity",
	 "Rows that the process table holds before one of a live process can be evicted.", INPUT(capacity)},
	{"rand_guard_process_cache_allocated",
	 "Rows that the process table's map was made with: the capacity and the slack that the "
	 "kernel's LRU needs.",
	 INPUT(allocated)},
	{"rand_guard_process_cache_inserts_total", "Rows put into the process table.",
	 INPUT(stats.inserted)},
	{"rand_guard_process_cache_deletes_total",
	 "Rows taken out since their process number had a new owner.", INPUT(stats.deleted)},
	{"rand_guard_process_cache_reclaims_total", "Rows of exited processes that made room.",
	 INPUT(stats.reclaimed)},
	{"rand_guard_process_cache_evictions_total",
	 "Rows that the kernel's LRU took, of live processes too: the table is too small.",
	 INPUT(table.evicted)},
	{"rand_guard_process_cache_insert_failures_total",
	 "Rows that the process table did not take.", INPUT(stats.insert_failed)},
	{"rand_guard_process_cache_misses_total",
	 "Look-ups of a process or of its parent that found no row.", INPUT(stats.lookup_misses)},
	{"rand_guard_process_cache_stale_identities_total",
	 "Look-ups that found the row of an earlier process with the same number.",
	 INPUT(stats.stale_identity)},
	{"rand_guard_process_cache_stale_images_total",
	 "Look-ups that found the row of what a process ran before an exec that no program saw.",
	 INPUT(stats.stale_images)},
	{"rand_guard_process_cache_rebuilt_total",
	 "Rows made again from the kernel's task after a miss.", INPUT(stats.rebuilt)},
	{"rand_guard_process_cache_torn_total",
	 "Copies of rows thrown away since the row was being written or reused.",
	 INPUT(stats.torn)},
	{"rand_guard_process_cache_unqueued_total",
	 "Rows of exited processes that found no place in the queue of those to reclaim.",
	 INPUT(stats.queue_failed)},
	{"rand_guard_process_cache_walk_failures_total",
	 "Walks of the tables that failed: entries and evictions are those of an earlier one.",
	 INPUT(counters.count_failures)},
	{"rand_guard_thread_cache_entries", "Rows in the thread table.", INPUT(table.threads)},
	{"rand_guard_thread_cache_capacity",
	 "Rows that the thread table is made for; 0 without process.track_threads.",
	 INPUT(threads_capacity)},
	{"rand_guard_thread_cache_inserts_total", "Rows put into the thread table.",
	 INPUT(stats.threads_inserted)},
	{"rand_guard_thread_cache_deletes_total",
	 "Rows of threads that ended or became their process's leader.",
	 INPUT(stats.threads_deleted)},
	{"rand_guard_thread_cache_evictions_total", "Rows of threads that the kernel's LRU took.",
	 INPUT(table.threads_evicted)},
	{"rand_guard_thread_cache_insert_failures_total",
	 "Rows that the thread table did not take.", INPUT(stats.threads_insert_failed)},
	{"rand_guard_pending_exec_sources", "Execs under way whose system call is remembered.",
	 INPUT(stats.nr_pending_sources)},
	{"rand_guard_pending_exec_sources_capacity", "performance.max_pending_exec_sources.",
	 INPUT(max_pending_sources)},
	{"rand_guard_pending_exec_sources_refused_total",
	 "Exec sources not remembered since there were as many as the capacity.",
	 INPUT(stats.sources_refused)},
	{"rand_guard_pending_exec_sources_failed_total",
	 "Exec sources not remembered since the kernel gave no storage.",
	 INPUT(stats.sources_failed)},
};

static const struct metric agent[] = {
	{"rand_guard_records_bad_total", "Records from the ring that were not understood.",
	 INPUT(counters.events_bad)},
	{"rand_guard_rules", "Rules loaded.", INPUT(nr_rules)},
	{"rand_guard_output_lines_total", "Lines of every kind taken for the output.",
	 INPUT(output_lines)},
	{"rand_guard_output_failures_total",
	 "Lines dropped for want of room while the output failed, and writes that failed.",
	 INPUT(output_failures)},
	{"rand_guard_reloads_total", "SIGHUPs that took new settings over.",
	 INPUT(counters.reloads)},
	{"rand_guard_reload_failures_total",
	 "SIGHUPs whose settings had mistakes, or whose output could not be opened.",
	 INPUT(counters.reload_failures)},
	{"rand_guard_last_reload_failed", "1 if the last SIGHUP was one of the failures.",
	 INPUT(counters.last_reload_failed)},
	{"rand_guard_last_reload_success_timestamp_seconds",
	 "When settings were last taken over, the start included.", INPUT(counters.last_reload_ns)},
	{"rand_guard_textfile_failures_total", "Times that metrics.textfile could not be written.",
	 INPUT(counters.textfile_failures)},
};

static const struct metric process[] = {
	{"process_cpu_seconds_total", "User and system CPU time that the agent spent.",
	 INPUT(process.cpu_ns)},
	{"process_resident_memory_bytes", "Resident memory of the agent; maps are the kernel's.",
	 INPUT(process.resident_bytes)},
	{"process_virtual_memory_bytes", "Virtual memory of the agent.",
	 INPUT(process.virtual_bytes)},
	{"process_open_fds", "Descriptors that the agent has open.", INPUT(process.open_fds)},
	{"process_max_fds", "Descriptors that the agent may have open.", INPUT(process.max_fds)},
	{"process_start_time_seconds", "When the agent started, since 1970.",
	 INPUT(process.start_ns)},
};

/* Arrays with a number a record type. */
static const struct metric by_type[] = {
	{"rand_guard_records_submitted_total", "Records put into the ring, by type.",
	 INPUT(stats.submitted)},
	{"rand_guard_records_lost_total", "Records that the ring had no room for, by type.",
	 INPUT(stats.ring_lost)},
	{"rand_guard_records_read_total", "Records read from the ring, by type.",
	 INPUT(counters.events_read)},
	/* Last: alerts, which are no record, are one more type of it. */
	{"rand_guard_records_written_total", "Records that became lines of output, by type.",
	 INPUT(counters.events_output)},
};

static const struct metric of_program[] = {
	{"rand_guard_program_run_time_seconds_total",
	 "Time spent in a program; 0 unless the sysctl kernel.bpf_stats_enabled is 1.",
	 offsetof(struct probe_prog, run_time_ns)},
	{"rand_guard_program_runs_total",
	 "Runs of a program; 0 unless the sysctl kernel.bpf_stats_enabled is 1.",
	 offsetof(struct probe_prog, nr_runs)},
	{"rand_guard_program_missed_runs_total",
	 "Runs of a program that the kernel left out since one was under way on that CPU, not made up for.",
	 offsetof(struct probe_prog, nr_missed)},
	{"rand_guard_program_verified_instructions",
	 "Instructions that the kernel's verifier went through for a program.",
	 offsetof(struct probe_prog, nr_insns)},
};

/* The counters of one metric, each with its label's value. */
struct labelled {
	const char *value;
	size_t offset;
};

static const struct labelled unreadable_fields[] = {
	{"args", INPUT(stats.args_unreadable)},		{"cwd", INPUT(stats.cwd_unreadable)},
	{"env", INPUT(stats.env_unreadable)},		{"exe_path", INPUT(stats.exe_unreadable)},
	{"filename", INPUT(stats.filename_unreadable)},
};

static const struct labelled made_up_programs[] = {
	{"on_fork", INPUT(stats.done_again[RG_AGAIN_FORK])},
	{"on_prepare", INPUT(stats.done_again[RG_AGAIN_PREPARE])},
	{"on_exec", INPUT(stats.done_again[RG_AGAIN_EXEC])},
	{"on_exit", INPUT(stats.done_again[RG_AGAIN_EXIT])},
};

static bool is_counter(const char *name)
{
	const char *end = strrchr(name, '_');

	return end && !strcmp(end, "_total");
}

static void head(struct text *t, const char *name, const char *help)
{
	put(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    is_counter(name) ? "counter" : "gauge");
}

static uint64_t number_at(const void *base, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

static void value(struct text *t, const char *name, uint64_t number)
{
	unsigned long long n = number;

	if (strstr(name, "_seconds"))
		put(t, " %llu.%09llu\n", n / NSEC_PER_SEC, n % NSEC_PER_SEC);
	else
		put(t, " %llu\n", n);
}

static void label(struct text *t, const char *key, const char *label_value)
{
	put(t, "%s=\"", key);
	put_escaped(t, label_value);
	put(t, "\"");
}

static void sample(struct text *t, const char *name, const char *key, const char *label_value)
{
	put(t, "%s{", name);
	label(t, key, label_value);
	put(t, "}");
}

static void plain_metrics(struct text *t, const struct metric *metrics, size_t n,
			  const struct metrics_input *in)
{
	size_t i;

	for (i = 0; i < n; i++) {
		head(t, metrics[i].name, metrics[i].help);
		put(t, "%s", metrics[i].name);
		value(t, metrics[i].name, number_at(in, metrics[i].offset));
	}
}

static void entries(struct text *t, const struct metrics_input *in)
{
	static const char name[] = "rand_guard_process_cache_entries";

	head(t, name, "Rows in the process table, by state.");
	sample(t, name, "state", "live");
	value(t, name, in->table.live);
	sample(t, name, "state", "exited");
	value(t, name, in->table.exited);
}

static void records(struct text *t, const struct metrics_input *in)
{
	const struct metric *m;
	size_t type;

	for (m = by_type; m < by_type + ARRAY_SIZE(by_type); m++) {
		head(t, m->name, m->help);
		for (type = 0; type < RG_NR_RECORD_TYPES; type++) {
			sample(t, m->name, "type", event_type_name((enum rg_record_type)type));
			value(t, m->name, number_at(in, m->offset + type * sizeof(uint64_t)));
		}
	}
	sample(t, m[-1].name, "type", "alert");
	value(t, m[-1].name, in->counters.alerts_output);
}

static void by_label(struct text *t, const struct metrics_input *in, const char *name, const char *help,
		     const char *label, const struct labelled *counters, size_t nr_counters)
{
	size_t i;

	head(t, name, help);
	for (i = 0; i < nr_counters; i++) {
		sample(t, name, label, counters[i].value);
		value(t, name, number_at(in, counters[i].offset));
	}
}

static void labelled(struct text *t, const struct metrics_input *in)
{
	by_label(t, in, "rand_guard_unreadable_total",
		 "Values that could not be read and are null in their record, by field.", "field",
		 unreadable_fields, ARRAY_SIZE(unreadable_fields));
	by_label(t, in, "rand_guard_program_made_up_runs_total",
		 "Runs that the kernel left out and that the hook's second program made up for.", "program",
		 made_up_programs, ARRAY_SIZE(made_up_programs));
}

static void alerts(struct text *t, const struct rule_set *rules)
{
	static const char name[] = "rand_guard_alerts_total";
	size_t i;

	head(t, name, "Alerts, by rule.");
	for (i = 0; rules && i < rule_set_size(rules); i++) {
		const struct rule *rule = rule_set_at(rules, i);

		put(t, "%s{", name);
		label(t, "rule_id", rule->id);
		put(t, ",");
		label(t, "severity", rule_severity_name(rule->severity));
		put(t, "}");
		value(t, name, rule->nr_alerts);
	}
}

static void maps(struct text *t, const struct probe_info *info)
{
	static const char name[] = "rand_guard_map_memory_bytes";
	size_t i;

	head(t, name, "Memory that the kernel accounts for a map.");
	for (i = 0; info && i < info->nr_maps; i++) {
		sample(t, name, "map", info->maps[i].name);
		value(t, name, info->maps[i].memory_bytes);
	}
}

static void programs(struct text *t, const struct metrics_input *in)
{
	const struct metric *m;
	size_t i;

	for (m = of_program; m < of_program + ARRAY_SIZE(of_program); m++) {
		head(t, m->name, m->help);
		for (i = 0; i < in->nr_progs; i++) {
			sample(t, m->name, "program", in->progs[i].name);
			value(t, m->name, number_at(&in->progs[i], m->offset));
		}
	}
}

static void build_info(struct text *t, const struct metrics_input *in)
{
	static const char name[] = "rand_guard_build_info";

	head(t, name, "What runs here, as labels; the value is 1.");
	put(t, "%s{", name);
	label(t, "version", RG_VERSION);
	put(t, ",");
	label(t, "kernel", in->kernel);
	put(t, ",");
	label(t, "exec_source_hook", in->info ? in->info->exec_source_hook : "none");
	put(t, "} 1\n");
}

void metrics_text(const struct metrics_input *in, struct text *t)
{
	t->len = 0;
	t->failed = false;
	build_info(t, in);
	entries(t, in);
	plain_metrics(t, process_cache, ARRAY_SIZE(process_cache), in);
	records(t, in);
	labelled(t, in);
	alerts(t, in->rules);
	maps(t, in->info);
	programs(t, in);
	plain_metrics(t, agent, ARRAY_SIZE(agent), in);
}

void metrics_text_process(const struct metrics_input *in, struct text *t)
{
	plain_metrics(t, process, ARRAY_SIZE(process), in);
}
