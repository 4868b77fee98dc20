/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sink never blocks: what it couldn't write is tried again when its reader, if that is slow, takes more, and else
 * after RETRY_MS.
 */
#include <errno.h>
#include <poll.h>

#include "output.h"
#include "privilege.h"

/* Between two tries to write to what failed, e.g. a full disk. */
#define RETRY_MS 1000
/* Of output_wait(), for who has a deadline. */
#define WAIT_MS 100

/* For messages. */
static const char *output_name(const struct config *c)
{
	if (c->output.path)
		return c->output.path;
	if (c->output.type == OUTPUT_SYSLOG)
		return transport_usual_path(TRANSPORT_SYSLOG);
	return c->output.type == OUTPUT_JOURNALD ? transport_usual_path(TRANSPORT_JOURNALD) : "stdout";
}

static int new_sink(const struct config *config, struct sink **ret)
{
	const char *path = config->output.path;

	switch (config->output.type) {
	case OUTPUT_FILE:
		return sink_new_file(path, ret);
	case OUTPUT_UNIX:
		return sink_new_transport(TRANSPORT_UNIX, path, ret);
	case OUTPUT_UDP:
		return sink_new_transport(TRANSPORT_UDP, path, ret);
	case OUTPUT_SYSLOG:
		return sink_new_transport(TRANSPORT_SYSLOG, path, ret);
	case OUTPUT_JOURNALD:
		return sink_new_transport(TRANSPORT_JOURNALD, path, ret);
	default:
		return sink_new_stdout(ret);
	}
}

int output_init(struct output *o, struct loop *loop, loop_fn fn, void *ctx)
{
	struct loop_source source = { .fd = -1, .fn = fn, .ctx = ctx };

	*o = (struct output){ .loop = loop, .on_ready = source, .on_retry = source };
	return loop_add_timer(loop, &o->on_retry);
}

int output_open(struct output *o, const struct config *config)
{
	int r = new_sink(config, &o->sink);

	o->config = config;
	if (r)
		log_error("output: cannot open '%s': %s", output_name(config), strerror(-r));
	return r;
}

void output_close(struct output *o)
{
	sink_free(o->sink);
	o->sink = NULL;
}

/* Waits for a slow reader, or stops waiting. */
static void watch(struct output *o, bool waits)
{
	int r;

	if (waits == o->waits)
		return;
	if (!waits) {
		loop_remove(o->loop, &o->on_ready);
	} else {
		r = loop_add(o->loop, &o->on_ready, sink_poll_fd(o->sink), EPOLLOUT);
		if (r) /* it can't be waited for, so it is tried again */
			loop_set_timer(&o->on_retry, RETRY_MS, 0);
		waits = !r;
	}
	o->waits = waits;
}

static void say_write_failed(const struct output *o, int r)
{
	log_error("output: cannot write: %s ('%s'); lines that find no room are counted, trying again every "
		  "second", strerror(-r), output_name(o->config));
}

int output_flush(struct output *o)
{
	int before = sink_error(o->sink), r = sink_flush(o->sink);

	watch(o, r == -EAGAIN);
	if (r == -EPIPE) {
		log_error("output: nobody reads it any more; stopping");
		return r;
	}
	if (r && r != -EAGAIN) {
		if (r != before)
			say_write_failed(o, r);
		loop_set_timer(&o->on_retry, RETRY_MS, 0);
	} else if (before) { /* also where the reader is already slow again */
		log_info("output: writing again");
	}
	return 0;
}

int output_reopen(struct output *o)
{
	int r;

	watch(o, false); /* its descriptor changes */
	r = sink_reopen(o->sink, o->config->output.path);
	if (r)
		log_error("reload: cannot open '%s': %s; what was open stays in use%s", output_name(o->config),
			  strerror(-r), privilege_hint(r));
	return r;
}

void output_wait(const struct output *o)
{
	struct pollfd pfd = { .fd = sink_poll_fd(o->sink), .events = POLLOUT };

	poll(&pfd, 1, WAIT_MS);
}
