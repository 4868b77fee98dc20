/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's lines: of records, of alerts and of itself, numbered and dated, in the chosen format, into the sink. */
#ifndef RG_LINES_H
#define RG_LINES_H

#include "format.h"
#include "origin.h"

struct lines {
	struct sink *sink; /* the caller's */
	const struct format *format;
	struct event_keys keys; /* which of the settings' keys are written */
	struct origin origin;
	bool colour; /* of lines of text */
	uint64_t seq; /* of the next line */
	uint64_t boot_to_real_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME, as of lines_set_clock() */
};

/* Chooses the format; before privileges are dropped. config and sink stay the caller's. */
void lines_init(struct lines *lines, const struct config *config, struct sink *sink);
/* Lines from here on have the time of day as it is now; before the first one, and once a batch. */
void lines_set_clock(struct lines *lines);

/* One line each; what doesn't fit, the sink drops and counts. */
void lines_event(struct lines *lines, const struct event *event);
/* The event is an exec. */
void lines_alert(struct lines *lines, const struct event *event, const struct rule_match *match);
void lines_start(struct lines *lines, const struct health *health);
void lines_health(struct lines *lines, const struct health *health);
/* Takes note of what it told. */
void lines_lost(struct lines *lines, const struct health *health);

#endif
