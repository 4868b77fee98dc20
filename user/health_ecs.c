/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event_ecs.h"
#include "health_ecs.h"

static void line_begin(struct json *j, const char *event_type, const struct ecs_kind *kind,
		       const struct line_head *head)
{
	ecs_line_begin(j, kind, head);
	json_object_end(j);
	ecs_own_begin(j, event_type, head);
}

void health_start_ecs(const struct health *h, struct json *j, const struct line_head *head)
{
	static const struct ecs_kind kind = { "state", "host", "info", "agent_start" };

	line_begin(j, "agent_start", &kind, head);
	health_start_keys(h, j);
	ecs_line_end(j);
}

void health_ecs(const struct health *h, struct json *j, const struct line_head *head)
{
	static const struct ecs_kind kind = { "metric", "host", "info", "health" };

	line_begin(j, "health", &kind, head);
	health_keys(h, j, head->timestamp_ns);
	ecs_line_end(j);
}

void health_lost_ecs(const struct health *h, struct json *j, const struct line_head *head)
{
	static const struct ecs_kind kind = { "event", "host", "info", "lost" };

	line_begin(j, "lost", &kind, head);
	health_lost_keys(h, j);
	ecs_line_end(j);
}
