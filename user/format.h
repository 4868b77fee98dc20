/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How lines are written: output.format is one of these tables. */
#ifndef RG_FORMAT_H
#define RG_FORMAT_H

#include "health.h"

typedef void (*format_health_fn)(const struct health *health, struct json *j,
				 const struct line_head *head);

/* Each writes one whole line, its newline included, or sets json->full. */
struct format {
	void (*event)(struct json *j, const struct event *event, const struct line_head *head,
		      const struct event_keys *keys);
	/* The event is an exec. */
	void (*alert)(struct json *j, const struct event *event, const struct rule_match *match,
		      const struct line_head *head);
	format_health_fn start;
	format_health_fn health;
	/* Takes note of what it told. */
	format_health_fn lost;
};

extern const struct format format_json;
/* Local time, hence after tzset(); line_head.colour says whether with colours. */
extern const struct format format_text;
/* line_head.origin says by whom. */
extern const struct format format_ecs;

#endif
