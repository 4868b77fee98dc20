/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events and alerts as lines for people's eyes:
 *
 *	17:55:18.123 exec   pid 4242 uid 33  nginx(812) -> sh  /usr/bin/dash  "sh -c id"
 *
 * A name that isn't one plain word is quoted (text.h), what is unknown is "?", and what is remarkable
 * stands in brackets.
 */
#ifndef RG_EVENT_TEXT_H
#define RG_EVENT_TEXT_H

#include "event.h"
#include "rule.h"
#include "text.h"

/* Time and, in a colour ("32": parameters of SGR), a word; the rest up to the newline follows. */
void text_line_begin(struct json *j, const char *word, const char *colour,
		     const struct line_head *head);
void text_event(struct json *j, const struct event *event, const struct line_head *head,
		const struct event_keys *keys);
/* The event is an exec. */
void text_alert(struct json *j, const struct event *event, const struct rule_match *match,
		const struct line_head *head);

#endif
