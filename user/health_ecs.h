/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* health.h's lines in the Elastic Common Schema: the same keys, below rand_guard. */
#ifndef RG_HEALTH_ECS_H
#define RG_HEALTH_ECS_H

#include "health.h"

void health_start_ecs(const struct health *health, struct json *j, const struct line_head *head);
void health_ecs(const struct health *health, struct json *j, const struct line_head *head);
void health_lost_ecs(const struct health *health, struct json *j, const struct line_head *head);

#endif
