/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sink of a running agent: opened as the settings say, and when it is flushed again; says what fails, once. */
#ifndef RG_OUTPUT_H
#define RG_OUTPUT_H

#include "config.h"
#include "loop.h"
#include "sink.h"

struct output {
	const struct config *config;
	struct loop *loop;
	struct sink *sink; /* NULL: not open; what is written into it goes out with output_flush() */
	struct loop_source on_ready; /* in the loop while a slow reader is waited for */
	struct loop_source on_retry; /* a timer */
	bool waits; /* on_ready is in the loop */
};

/* fn: called when a flush is worth another try. Opens nothing. 0 or -errno. */
int output_init(struct output *output, struct loop *loop, loop_fn fn, void *ctx);
/* config stays the caller's. Logs; 0 or -errno. */
int output_open(struct output *output, const struct config *config);
void output_close(struct output *output);

/*
 * Writes what it can; for the rest fn is called later, once the reader takes more, or a second after a failure. 0;
 * -EPIPE: nobody will ever read it. Logs.
 */
int output_flush(struct output *output);
/* Anew, and at another path if the settings have one; flush then. Logs; 0, or -errno with the old one in use. */
int output_reopen(struct output *output);
/* Waits a moment for a slow reader, where no loop runs any more. */
void output_wait(const struct output *output);

#endif
