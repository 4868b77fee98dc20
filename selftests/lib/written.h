/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a format writes of a record, as a string: for tests of event_json, event_text and event_ecs. */
#ifndef RG_TEST_WRITTEN_H
#define RG_TEST_WRITTEN_H

#include <criterion/criterion.h>

#include "event.h"
#include "json.h"
#include "records.h"

static const struct event_keys no_keys;
static const struct event_keys all_keys = { true, true, true };

/* Holds any line. */
static char text[RG_RECORD_MAX * JSON_ESCAPE_MAX + 4096];

static inline struct event parsed(const struct built *b)
{
	struct event e;

	cr_assert_eq(event_parse(b->bytes, b->len, &e), 0);
	return e;
}

/* Where a line is written. */
static inline struct json written_begin(void)
{
	struct json j;

	json_init(&j, text, sizeof(text) - 1);
	return j;
}

/* The line, all of it: text. */
static inline const char *written_end(const struct json *j)
{
	cr_assert_not(j->full);
	*j->pos = '\0';
	return text;
}

#endif
