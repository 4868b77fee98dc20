/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event_ecs.h"
#include "event_json.h"
#include "event_text.h"
#include "format.h"
#include "health_ecs.h"
#include "health_text.h"

const struct format format_json = {
	.event = json_event,
	.alert = json_alert,
	.start = health_start_line,
	.health = health_line,
	.lost = health_lost_line,
};

const struct format format_text = {
	.event = text_event,
	.alert = text_alert,
	.start = health_start_text,
	.health = health_text,
	.lost = health_lost_text,
};

const struct format format_ecs = {
	.event = ecs_event,
	.alert = ecs_alert,
	.start = health_start_ecs,
	.health = health_ecs,
	.lost = health_lost_ecs,
};
