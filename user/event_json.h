/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events and alerts as lines of JSON; rand-guard-records(7) describes each key. */
#ifndef RG_EVENT_JSON_H
#define RG_EVENT_JSON_H

#include "event.h"
#include "json.h"
#include "rule.h"

/* "{" and the keys that every line has; json_line_end() after json_object_end() ends it. */
void json_line_begin(struct json *j, const char *event_type, const struct line_head *head);
void json_event(struct json *j, const struct event *event, const struct line_head *head,
		const struct event_keys *keys);
/* The event is an exec. */
void json_alert(struct json *j, const struct event *event, const struct rule_match *match,
		const struct line_head *head);

#endif
