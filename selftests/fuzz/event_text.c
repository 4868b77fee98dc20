/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any record: one line of UTF-8 without control characters, which fits where the sink has room. */
#include "../../user/text.c"
#include "../../user/rule.c"
#include "../../user/event.c"
#include "../../user/event_text.c"

#include "event_input.h"
#include "../lib/json_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct line_head head = {1, 2, 3, false};

static void check_line(struct json *j)
{
	const char *p;

	CHECK(!j->full);
	CHECK(j->pos > j->start && j->pos[-1] == '\n');
	for (p = j->start; p < j->pos - 1; p++) {
		CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
		CHECK(*p != '\xc2' || (unsigned char)p[1] >= 0xa0); /* C1 */
	}
	CHECK(is_utf8(j->start, (size_t)(j->pos - j->start)));
}

static void check_event(const struct event *e, uint8_t flags)
{
	size_t room = JSON_ESCAPE_MAX * (size_t)e->hdr->size_bytes + 4096;
	struct event_keys keys = {flags & 1, flags & 2, flags & 4};
	struct rule rule = {.id = (char[]){"R"}, .name = (char[]){"n"}, .severity = flags >> 6};
	struct rule_match match = {&rule, RULE_FIELD_COMM, {0}, {0}};
	char *text = malloc(room);
	struct json j = {text, text, text + room, false};

	CHECK(text);
	text_event(&j, e, &head, &keys);
	check_line(&j);
	j.pos = j.start;
	if (e->hdr->type == RG_RECORD_EXEC) {
		match.process_name = event_comm(e->exec->comm);
		match.parent_name = event_comm(e->exec->parent_comm);
		text_alert(&j, e, &match, &head);
		check_line(&j);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_event(data, size);
}
