/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* health.h's lines for people's eyes; of health the numbers that tell whether all is well. */
#ifndef RG_HEALTH_TEXT_H
#define RG_HEALTH_TEXT_H

#include "health.h"

void health_start_text(const struct health *health, struct json *j, const struct line_head *head);
void health_text(const struct health *health, struct json *j, const struct line_head *head);
void health_lost_text(const struct health *health, struct json *j, const struct line_head *head);
/* The line of these losses. */
void text_lost(struct json *j, const uint64_t lost[RG_NR_RECORD_TYPES], const struct line_head *head);

#endif
