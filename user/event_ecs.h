/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events and alerts as lines of JSON in the Elastic Common Schema, for fleets that have it already;
 * rand-guard-records(7) describes each field. What is unknown is left out. line_head.origin is needed.
 */
#ifndef RG_EVENT_ECS_H
#define RG_EVENT_ECS_H

#include "event.h"
#include "json.h"
#include "rule.h"

/* What "event" says of a line, as the schema's allowed values. */
struct ecs_kind {
	const char *kind;
	const char *category;
	const char *type;
	const char *action;
};

/* "{" and the fields of every line; "event" is left open for more of them. */
void ecs_line_begin(struct json *j, const struct ecs_kind *kind, const struct line_head *head);
/* Opens "rand_guard", for what the schema has no field for; ecs_line_end() ends it, and the line. */
void ecs_own_begin(struct json *j, const char *event_type, const struct line_head *head);
void ecs_line_end(struct json *j);

void ecs_event(struct json *j, const struct event *event, const struct line_head *head,
	       const struct event_keys *keys);
/* The event is an exec. */
void ecs_alert(struct json *j, const struct event *event, const struct rule_match *match,
	       const struct line_head *head);

#endif
