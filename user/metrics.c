/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers one moment's numbers from everywhere, for metrics_text. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "metrics.h"
#include "metrics_text.h"

/*
 * The text has 12 KB and 60 to 120 bytes a rule: up to 150 rules it is never made larger. What
 * isn't used of it is never touched, so it costs nothing.
 */
#define TEXT_BYTES (32 * 1024)
/* node_exporter reads what ends in .prom. */
#define TEXTFILE_SUFFIX ".tmp"

struct metrics {
	struct health *health;
	struct metrics_input input;
	struct text text;
	struct utsname host;
	DIR *fds; /* /proc/self/fd; open, since it is easier to keep than to be allowed again */
	bool textfile_fails;
};

static uint64_t count_fds(DIR *fds)
{
	const struct dirent *entry;
	uint64_t n = 0;

	if (!fds)
		return 0;
	rewinddir(fds);
	while ((entry = readdir(fds)))
		n += entry->d_name[0] != '.';
	return n;
}

static void gather_process(struct metrics *m)
{
	struct metrics_process *p = &m->input.process;
	struct counters_memory memory = counters_memory();
	struct rlimit fds = {0};

	getrlimit(RLIMIT_NOFILE, &fds);
	p->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	p->resident_bytes = memory.resident_bytes;
	p->virtual_bytes = memory.virtual_bytes;
	p->open_fds = count_fds(m->fds);
	p->max_fds = fds.rlim_cur;
}

static void gather_kernel(struct metrics_input *in, const struct probe *probe)
{
	if (!probe)
		return;
	in->stats = probe_state(probe)->stats;
	in->nr_progs = probe_progs(probe, in->progs);
}

static void gather(struct metrics *m)
{
	const struct health *h = m->health;
	struct metrics_input *in = &m->input;

	health_count(m->health);
	gather_kernel(in, h->probe);
	gather_process(m);
	in->rules = h->config->rules;
	in->nr_rules = rule_set_size(h->config->rules);
	in->table = h->table;
	in->counters = *h->counters;
	in->output_lines = sink_nr_lines(h->sink);
	in->output_failures = sink_nr_failures(h->sink);
}

/* What doesn't change while the agent runs. */
static void gather_once(struct metrics *m)
{
	const struct config *c = m->health->config;
	struct metrics_input *in = &m->input;

	in->kernel = m->host.release;
	/* The clock may be set later; when it started is told as it was known then. */
	in->process.start_ns =
		clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_BOOTTIME) - m->health->start_ns);
	if (!m->health->probe)
		return;
	in->info = probe_info(m->health->probe);
	in->is_watching = 1;
	in->capacity = in->info->table_max;
	in->allocated = in->info->table_allocated;
	in->threads_capacity = c->process.track_threads ? c->performance.max_thread_cache_entries
							: 0;
	in->max_pending_sources = c->performance.max_pending_exec_sources;
}

static void metrics_freep(struct metrics **metrics)
{
	metrics_free(*metrics);
}

int metrics_new(struct health *health, struct metrics **ret)
{
	_cleanup_(metrics_freep) struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->health = health;
	m->text.data = malloc(TEXT_BYTES);
	if (!m->text.data)
		return -ENOMEM;
	m->text.size_bytes = TEXT_BYTES;
	m->fds = opendir("/proc/self/fd");
	uname(&m->host);
	gather_once(m);
	*ret = TAKE_PTR(m);
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	if (m->fds)
		closedir(m->fds);
	free(m->text.data);
	free(m);
}

static struct span span_of(const struct text *text)
{
	return (struct span){text->data, text->failed ? 0 : text->len};
}

struct span metrics_render(void *ctx)
{
	struct metrics *m = ctx;

	gather(m);
	metrics_text(&m->input, &m->text);
	metrics_text_process(&m->input, &m->text);
	return span_of(&m->text);
}

/* node_exporter tells process_* of itself, and two of a name would cost the scrape. */
static struct span render_textfile(struct metrics *m)
{
	gather(m);
	metrics_text(&m->input, &m->text);
	return span_of(&m->text);
}

static int write_all(int fd, struct span text)
{
	ssize_t n;

	for (; text.len; text.data += n, text.len -= (size_t)n) {
		n = write(fd, text.data, text.len);
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* A file that is new and nobody else's, whatever was there. */
static int write_new(const char *path, struct span text)
{
	_cleanup_close_ int fd = -1;

	if (!text.len)
		return -ENOMEM;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	/* Whatever the umask is: who reads it is somebody else. */
	if (fchmod(fd, 0644))
		return -errno;
	return write_all(fd, text);
}

/* Not synced: after a crash of the host the numbers are of no use. */
static int replace(const char *path, struct span text)
{
	char new_path[PATH_MAX + sizeof(TEXTFILE_SUFFIX)];
	int r;

	snprintf(new_path, sizeof(new_path), "%s" TEXTFILE_SUFFIX, path);
	r = write_new(new_path, text);
	if (!r && rename(new_path, path))
		r = -errno;
	if (r)
		unlink(new_path);
	return r;
}

int metrics_write_textfile(struct metrics *m)
{
	const char *path = m->health->config->metrics.textfile;
	int r;

	if (!path)
		return 0;
	r = replace(path, render_textfile(m));
	if (r)
		m->health->counters->textfile_failures++;
	if (r && !m->textfile_fails)
		log_error("metrics.textfile: cannot write '%s': %s; trying again with each health "
			  "record",
			  path, strerror(-r));
	else if (!r && m->textfile_fails)
		log_info("metrics.textfile: '%s' is written again", path);
	m->textfile_fails = r;
	return r;
}
