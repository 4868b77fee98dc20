/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any record: a strict parser takes its line, and an alert's, and both fit where the sink has room. */
#include "../../user/json.c"
#include "../../user/rule.c"
#include "../../user/event.c"
#include "../../user/event_json.c"

#include <cjson/cJSON.h>

#include "event_input.h"
#include "../lib/json_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct line_head head = {1, 2, 3, false};

static void check_line(struct json *j)
{
	cJSON *line;

	CHECK(!j->full);
	*j->pos = '\0';
	CHECK(strchr(j->start, '\n') == j->pos - 1);
	CHECK(is_utf8(j->start, json_len(j)));
	line = cJSON_ParseWithOpts(j->start, NULL, true);
	CHECK(line && cJSON_IsObject(line));
	cJSON_Delete(line);
}

static void check_event(const struct event *e, uint8_t flags)
{
	size_t room = JSON_ESCAPE_MAX * (size_t)e->hdr->size_bytes + 4096;
	struct event_keys keys = {flags & 1, flags & 2, flags & 4};
	struct rule rule = {.id = (char[]){"R"}, .name = (char[]){"n"}, .severity = flags >> 6};
	struct rule_match match = {&rule, flags % NR_FIELDS, {0}, {0}};
	char *text = malloc(room + 1);
	struct json j;

	CHECK(text);
	json_init(&j, text, room);
	json_event(&j, e, &head, &keys);
	check_line(&j);
	json_init(&j, text, room);
	if (e->hdr->type == RG_RECORD_EXEC) {
		match.process_name = event_comm(e->exec->comm);
		match.parent_name = event_comm(e->exec->parent_comm);
		json_alert(&j, e, &match, &head);
		check_line(&j);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_event(data, size);
}
