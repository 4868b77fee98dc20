/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one event loop: descriptors, timers and signals, one callback each, no threads. */
#ifndef RG_LOOP_H
#define RG_LOOP_H

#include <signal.h>
#include <sys/epoll.h>

#include "util.h"

struct loop;

/* events: EPOLL* as they came; of a timer how often it has expired, of a signal its number. */
typedef void (*loop_fn)(void *ctx, uint32_t events);

/* One thing to wait for; the caller's memory, as long as it is in the loop. */
struct loop_source {
	int fd; /* of a timer or of signals the loop's own, closed by loop_remove() */
	loop_fn fn;
	void *ctx;
	enum { LOOP_FD, LOOP_TIMER, LOOP_SIGNALS } kind;
};

#define LOOP_SOURCE_NULL ((struct loop_source){ .fd = -1 })

int loop_new(struct loop **ret);
void loop_free(struct loop *loop);
static inline void loop_freep(struct loop **loop)
{
	loop_free(*loop);
}

/* Watches a descriptor of the caller's for EPOLL* events; fn and ctx are set in source. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events);
/* A timer, off at first. */
int loop_add_timer(struct loop *loop, struct loop_source *source);
/* Signals, which are blocked from here on and come to the callback instead. */
int loop_add_signals(struct loop *loop, struct loop_source *source, const sigset_t *signals);
/* Nothing if it isn't in. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* In first_ms, then every interval_ms (0: just once); first_ms 0 turns it off. */
void loop_set_timer(struct loop_source *source, uint64_t first_ms, uint64_t interval_ms);

/* Waits, at most timeout_ms (-1: as long as it takes), and calls back for what has come. 0 or -errno. */
int loop_run_once(struct loop *loop, int timeout_ms);

#endif
