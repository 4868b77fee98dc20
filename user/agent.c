/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When the ring is read. Idle, the agent sleeps without a timer and the next record wakes it. Once there was
 * one, more are likely: from then on a timer of max_delay_ms drains the ring, and the kernel wakes the agent
 * only if the ring fills up before that; a timer that finds nothing makes it idle again. A wake-up
 * a record would cost the processes that are traced more than everything else together.
 *
 * When it isn't read. While whoever takes the lines is slow, the ring waits; what it can't take is
 * counted by the kernel, and a "lost" line tells.
 */
#include <errno.h>
#include <sys/resource.h>

#include "agent.h"
#include "health.h"
#include "http.h"
#include "lines.h"
#include "loop.h"
#include "metrics.h"
#include "notify.h"
#include "output.h"
#include "privilege.h"
#include "reader.h"

/* Records between two looks at signals and timers: less than a millisecond's work. */
#define BATCH_RECORDS 512
/*
 * A crowd of processes is what must not be missed, and they compete for the CPU with the agent, which needs
 * little of it but soon. Where nobody has chosen another.
 */
#define NICE (-10)
/* At the end, for who reads the lines to take the last ones. */
#define FINAL_FLUSH_MS 2000
/* "lost" lines at most this often while records are being lost. */
#define LOST_LINE_MS 1000

struct agent {
	struct settings_file file;
	struct config *config;
	struct loop *loop;
	struct probe *probe; /* NULL with ebpf.enabled = false */
	struct reader *reader;
	struct output output;
	struct lines lines;
	struct http *http;
	struct metrics *metrics;
	struct counters counters;
	struct health health;
	uint32_t written; /* which records become lines: bits 1 << enum rg_record_type */
	uint64_t last_lost_ns; /* CLOCK_BOOTTIME of the last "lost" line */
	bool timer_on; /* the drain timer runs */
	bool has_more; /* the last batch left records in the ring */
	bool stops;
	int result; /* why it stops: 0 or -errno */
	struct loop_source on_ring, on_timer, on_health, on_watchdog, on_signal;
};

static void stop(struct agent *a, int result)
{
	a->stops = true;
	if (result && !a->result)
		a->result = result;
}

static void flush(struct agent *a)
{
	int r = output_flush(&a->output);

	if (r)
		stop(a, r);
}

/* --- records ---------------------------------------------------------------------------------- */

static size_t match_rules(struct agent *a, const struct event *e, const struct rule_match **ret)
{
	struct rule_subject subject = {
		.comm = event_comm(e->exec->comm),
		.filename = e->filename,
		.exe = e->exe,
		.interp = e->interp,
		.parent_exe = e->parent_exe,
	};

	if (e->exec->parent_known)
		subject.parent_comm = event_comm(e->exec->parent_comm);
	return rule_set_match(a->config->rules, &subject, ret);
}

/* Rules come first: a line that doesn't fit mutes no alert. */
static bool on_event(const struct event *event, void *ctx)
{
	const struct rule_match *matches = NULL;
	struct agent *a = ctx;
	size_t i, n = 0;

	a->counters.events_read[event->hdr->type]++;
	if (event->hdr->type == RG_RECORD_EXEC)
		n = match_rules(a, event, &matches);
	if (a->written & (1U << event->hdr->type)) {
		lines_event(&a->lines, event);
		a->counters.events_output[event->hdr->type]++;
	}
	for (i = 0; i < n; i++)
		lines_alert(&a->lines, event, &matches[i]);
	a->counters.alerts_output += n;
	return !sink_is_full(a->output.sink);
}

/* --- the ring --------------------------------------------------------------------------------- */

static void set_timer(struct agent *a, bool on)
{
	uint32_t ms = a->config->performance.max_delay_ms;

	if (on != a->timer_on)
		loop_set_timer(&a->on_timer, on ? ms : 0, ms);
	a->timer_on = on;
}

static void tell_lost(struct agent *a)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	if (!health_has_lost(&a->health) || sink_is_full(a->output.sink) ||
	    (a->last_lost_ns && now - a->last_lost_ns < LOST_LINE_MS * NSEC_PER_MSEC))
		return;
	a->last_lost_ns = now;
	lines_lost(&a->lines, &a->health);
}

/* One batch; the number read. */
static int drain_batch(struct agent *a)
{
	int n;

	a->has_more = false;
	lines_set_clock(&a->lines);
	n = reader_drain(a->reader, BATCH_RECORDS, &a->has_more);
	if (n < 0) {
		log_error("cannot read the ring: %s", strerror(-n));
		stop(a, n);
	}
	a->counters.events_bad = reader_nr_bad(a->reader);
	return n;
}

/* Reads a batch, and says when the next one is read. */
static void drain(struct agent *a)
{
	int n;

	if (!a->reader)
		return;
	if (sink_is_full(a->output.sink))
		flush(a);
	if (sink_is_full(a->output.sink)) {
		a->has_more = false; /* on_sink_ready() goes on */
		return;
	}
	n = drain_batch(a);
	tell_lost(a);
	flush(a);
	if (a->has_more || a->stops)
		return;
	if (n > 0) {
		set_timer(a, true);
		probe_set_wake(a->probe, RG_WAKE_FULL);
		return;
	}
	set_timer(a, false);
	probe_set_wake(a->probe, RG_WAKE_NEXT);
	/* What came before the kernel saw that woke nobody. */
	if (drain_batch(a) > 0)
		set_timer(a, true);
	flush(a);
}

static void on_ring_ready(void *ctx, uint32_t events __attribute__((unused)))
{
	drain(ctx);
}

static void on_sink_ready(void *ctx, uint32_t events __attribute__((unused)))
{
	struct agent *a = ctx;

	flush(a);
	drain(a);
}

/* --- timers and signals ----------------------------------------------------------------------- */

static void on_health(void *ctx, uint32_t events __attribute__((unused)))
{
	struct agent *a = ctx;

	health_count(&a->health);
	tell_lost(a);
	lines_health(&a->lines, &a->health);
	flush(a);
	metrics_write_textfile(a->metrics);
}

static void on_watchdog(void *ctx __attribute__((unused)), uint32_t events __attribute__((unused)))
{
	notify("WATCHDOG=1");
}

static uint32_t wanted_records(const struct config *c)
{
	uint32_t threads = 1U << RG_RECORD_THREAD_START | 1U << RG_RECORD_THREAD_EXIT;
	uint32_t records = c->process.records;

	if (!c->process.enabled)
		return 0;
	return records | (c->process.track_threads ? threads : 0);
}

/* Rules need each exec, whether it is written or not. */
static void apply_records(struct agent *a)
{
	uint32_t wanted = wanted_records(a->config), read = wanted;
	struct rg_rule_names names;

	a->written = a->config->agent.mode == MODE_ALERT ? 0 : wanted;
	if (a->config->agent.mode == MODE_ALERT)
		read = 0;
	if (a->config->process.enabled && rule_set_size(a->config->rules))
		read |= 1U << RG_RECORD_EXEC;
	if (!a->probe)
		return;
	rule_set_names(a->config->rules, &names);
	probe_set_names(a->probe, &names);
	probe_start(a->probe, read);
}

static void apply_interval(struct agent *a)
{
	uint64_t ms = a->config->health.interval_seconds * 1000ULL;

	loop_set_timer(&a->on_health, ms, ms);
}

/* Of the settings those that a reload can change. */
static void apply_settings(struct agent *a)
{
	log_set_level(a->config->agent.log_level);
	apply_records(a);
	apply_interval(a);
}

static void count_reload(struct counters *c, int result)
{
	c->last_reload_failed = result != 0;
	if (result) {
		c->reload_failures++;
		return;
	}
	c->reloads++;
	c->last_reload_ns = clock_ns(CLOCK_REALTIME);
}

static void reload(struct agent *a)
{
	bool settings, output;

	notify_reloading();
	settings = !reload_settings(&a->file, a->config);
	if (settings)
		apply_settings(a);
	output = !output_reopen(&a->output);
	flush(a);
	count_reload(&a->counters, settings && output ? 0 : -EINVAL);
	if (settings)
		log_info("reloaded%s: rules: %zu", output ? "" : ", but for the output",
			 rule_set_size(a->config->rules));
	notify("READY=1");
}

static void on_signal(void *ctx, uint32_t signal)
{
	struct agent *a = ctx;

	if (signal == SIGHUP)
		reload(a);
	else
		stop(a, 0);
}

/* --- start and end ---------------------------------------------------------------------------- */

static int set_up_loop(struct agent *a)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	r = loop_new(&a->loop);
	if (!r)
		r = loop_add_signals(a->loop, &a->on_signal, &signals);
	if (!r)
		r = loop_add_timer(a->loop, &a->on_timer);
	if (!r)
		r = loop_add_timer(a->loop, &a->on_health);
	if (!r)
		r = output_init(&a->output, a->loop, on_sink_ready, a);
	if (!r)
		r = loop_add_timer(a->loop, &a->on_watchdog);
	if (r)
		log_error("cannot set up the event loop: %s", strerror(-r));
	return r;
}

static int set_up_ring(struct agent *a)
{
	int r;

	r = probe_new(a->config, &a->probe);
	if (r)
		return r;
	r = reader_new(probe_events_fd(a->probe), on_event, a, &a->reader);
	/* Edge-triggered: records that wait for the timer are no reason to turn in circles. */
	if (!r)
		r = loop_add(a->loop, &a->on_ring, probe_events_fd(a->probe), EPOLLIN | EPOLLET);
	if (r)
		log_error("cannot map the ring: %s", strerror(-r));
	return r;
}

static int set_up_metrics(struct agent *a)
{
	int r;

	r = metrics_new(&a->health, &a->metrics);
	if (r) {
		log_error("metrics: %s", strerror(-r));
		return r;
	}
	if (!a->config->metrics.listen)
		return 0;
	return http_new(a->loop, a->config->metrics.listen, metrics_render, a->metrics, &a->http);
}

static void watch_for_systemd(struct agent *a)
{
	uint64_t interval_ms = notify_watchdog_ms();

	loop_set_timer(&a->on_watchdog, interval_ms, interval_ms);
	notify("READY=1");
}

static void say_started(const struct agent *a)
{
	const struct probe_info *info = a->probe ? probe_info(a->probe) : NULL;

	if (!info) {
		log_info("ebpf.enabled is false: no process is watched");
		return;
	}
	log_info("watching: %llu processes in the table, %u rows (%u allocated), exec source from %s%s, "
		 "rules: %zu", (unsigned long long)info->snapshot_rows, info->table_max,
		 info->table_allocated, info->exec_source_hook, info->taken_over ? ", taken over" : "",
		 rule_set_size(a->config->rules));
}

/* Where it isn't allowed, the ring has to do. */
static void go_before_others(void)
{
	if (!getpriority(PRIO_PROCESS, 0))
		setpriority(PRIO_PROCESS, 0, NICE);
}

/* Where there isn't even a directory for it, there is none to allow. */
static const char *path_to_allow(const struct agent *a)
{
	return a->file.is_missing && access(CONFIG_DIR_DEFAULT, F_OK) ? NULL : a->file.path;
}

static int start(struct agent *a)
{
	int r;

	a->health = (struct health){
		.config = a->config,
		.sink = a->output.sink,
		.counters = &a->counters,
		.start_ns = clock_ns(CLOCK_BOOTTIME),
	};
	a->counters.last_reload_ns = clock_ns(CLOCK_REALTIME);
	lines_init(&a->lines, a->config, a->output.sink);
	r = a->config->ebpf.enabled ? set_up_ring(a) : 0;
	a->health.probe = a->probe;
	if (!r)
		r = set_up_metrics(a);
	go_before_others();
	if (!r)
		r = privilege_drop(a->config, path_to_allow(a));
	if (r)
		return r;
	lines_set_clock(&a->lines);
	health_count(&a->health);
	/* Who has read the first line may rely on it: what happens from then on is in the ring. */
	apply_records(a);
	lines_start(&a->lines, &a->health);
	flush(a);
	say_started(a);
	apply_interval(a);
	watch_for_systemd(a);
	drain(a);
	return 0;
}

/* What is in the ring still becomes lines; of what comes meanwhile at most a ring more. */
static void drain_last(struct agent *a)
{
	uint64_t until_ns = clock_ns(CLOCK_BOOTTIME) + FINAL_FLUSH_MS * NSEC_PER_MSEC;

	if (a->probe && !a->config->ebpf.keep_running)
		probe_start(a->probe, 0);
	while (a->reader && a->result != -EPIPE && clock_ns(CLOCK_BOOTTIME) < until_ns) {
		if (!sink_is_full(a->output.sink)) {
			if (drain_batch(a) <= 0)
				return;
			continue;
		}
		if (sink_flush(a->output.sink) == -EAGAIN)
			output_wait(&a->output);
	}
}

static void flush_last(struct agent *a)
{
	uint64_t until_ns = clock_ns(CLOCK_BOOTTIME) + FINAL_FLUSH_MS * NSEC_PER_MSEC;

	while (sink_flush(a->output.sink) == -EAGAIN && clock_ns(CLOCK_BOOTTIME) < until_ns)
		output_wait(&a->output);
}

static void finish(struct agent *a)
{
	notify("STOPPING=1");
	drain_last(a);
	a->last_lost_ns = 0;
	health_count(&a->health);
	tell_lost(a);
	lines_health(&a->lines, &a->health);
	metrics_write_textfile(a->metrics);
	flush_last(a);
	log_info("stopped: %llu records read, %llu alerts",
		 (unsigned long long)counters_sum(a->counters.events_read),
		 (unsigned long long)a->counters.alerts_output);
}

static void agent_clear(struct agent *a)
{
	http_free(a->http);
	metrics_free(a->metrics);
	reader_free(a->reader);
	probe_free(a->probe);
	output_close(&a->output);
	loop_free(a->loop);
	config_free(a->config);
}

static struct loop_source source(loop_fn fn, struct agent *a)
{
	return (struct loop_source){ .fd = -1, .fn = fn, .ctx = a };
}

int agent_run(const struct settings_file *file, struct config **config)
{
	_cleanup_(agent_clear) struct agent a = { .file = *file, .config = TAKE_PTR(*config) };
	int r;

	a.on_ring = source(on_ring_ready, &a);
	a.on_timer = source(on_ring_ready, &a);
	a.on_health = source(on_health, &a);
	a.on_watchdog = source(on_watchdog, &a);
	a.on_signal = source(on_signal, &a);
	r = set_up_loop(&a);
	if (!r)
		r = output_open(&a.output, a.config);
	if (!r)
		r = start(&a);
	if (r)
		return r;
	while (!a.stops && !r) {
		r = loop_run_once(a.loop, a.has_more ? 0 : -1);
		if (a.has_more && !a.stops)
			drain(&a);
	}
	if (r)
		log_error("cannot wait for events: %s", strerror(-r));
	finish(&a);
	return r ? r : a.result;
}
