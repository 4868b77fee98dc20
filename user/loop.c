/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* epoll, timerfd and signalfd. */
#include <errno.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "loop.h"

/* Sources called per round; the agent has fewer than ten. */
#define LOOP_MAX_EVENTS 16

struct loop {
	int epoll_fd;
	struct epoll_event events[LOOP_MAX_EVENTS];
	int nr_events; /* of this round, not yet called */
};

int loop_new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return -errno;
	}
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll_fd);
	free(loop);
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	source->fd = fd;
	source->kind = LOOP_FD;
	return 0;
}

static int add_own(struct loop *loop, struct loop_source *source, int fd, int kind)
{
	int r = fd < 0 ? -errno : loop_add(loop, source, fd, EPOLLIN);

	if (r && fd >= 0)
		close(fd);
	if (!r)
		source->kind = kind;
	return r;
}

int loop_add_timer(struct loop *loop, struct loop_source *source)
{
	return add_own(loop, source, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		       LOOP_TIMER);
}

int loop_add_signals(struct loop *loop, struct loop_source *source, const sigset_t *signals)
{
	if (sigprocmask(SIG_BLOCK, signals, NULL))
		return -errno;
	return add_own(loop, source, signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK), LOOP_SIGNALS);
}

/* An event of this round for a source that is gone must not be called. */
static void forget_events(struct loop *loop, const struct loop_source *source)
{
	int i;

	for (i = 0; i < loop->nr_events; i++)
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	forget_events(loop, source);
	if (source->kind != LOOP_FD)
		close(source->fd);
	source->fd = -1;
}

static struct timespec from_ms(uint64_t ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000),
				  .tv_nsec = (long)(ms % 1000 * NSEC_PER_MSEC) };
}

void loop_set_timer(struct loop_source *source, uint64_t first_ms, uint64_t interval_ms)
{
	struct itimerspec spec = { .it_value = from_ms(first_ms), .it_interval = from_ms(interval_ms) };

	timerfd_settime(source->fd, 0, &spec, NULL);
}

static void call_signals(const struct loop_source *source)
{
	struct signalfd_siginfo info;

	while (read(source->fd, &info, sizeof(info)) == sizeof(info))
		source->fn(source->ctx, info.ssi_signo);
}

static void call(const struct loop_source *source, uint32_t events)
{
	uint64_t expired;

	if (source->kind == LOOP_SIGNALS)
		call_signals(source);
	else if (source->kind == LOOP_FD)
		source->fn(source->ctx, events);
	else if (read(source->fd, &expired, sizeof(expired)) == sizeof(expired))
		source->fn(source->ctx, (uint32_t)MIN(expired, UINT32_MAX));
}

int loop_run_once(struct loop *loop, int timeout_ms)
{
	int i, n = epoll_wait(loop->epoll_fd, loop->events, LOOP_MAX_EVENTS, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->nr_events = n;
	for (i = 0; i < n; i++)
		if (loop->events[i].data.ptr)
			call(loop->events[i].data.ptr, loop->events[i].events);
	loop->nr_events = 0;
	return 0;
}
