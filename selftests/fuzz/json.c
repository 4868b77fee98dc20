/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any bytes as values: the line is UTF-8, another parser takes it, and the bytes come back.
 * Into a buffer of any smaller size: a prefix of the same line, and nothing behind it (ASan).
 */
#include "../../user/json.c"

#include <cjson/cJSON.h>

#include "../lib/json_decode.h"

#define CHECK(what) ((what) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct span first, second;
};

static void write_line(struct json *j, const struct input *in)
{
	json_object_begin(j, NULL);
	json_string(j, "a", in->first.data, in->first.len);
	json_string(j, "b", in->second.data, in->second.len);
	json_object_end(j);
	json_line_end(j);
}

static const char *check_back(const char *text, const char *value, size_t len)
{
	const char *end = json_string_end(text);
	char *back = malloc((size_t)(end - text) + 1);

	CHECK(back);
	CHECK(json_decode(text, (size_t)(end - text), back) == (ssize_t)len);
	CHECK(!memcmp(back, value, len));
	free(back);
	return end;
}

/* What cJSON read, up to the first NUL, which it doesn't tell from the end. */
static void check_parsed(const char *read, const char *value, size_t len)
{
	size_t n = strlen(read);
	char *back = malloc(n + 1);

	CHECK(back);
	CHECK(bytes_of(read, n, back) == strnlen(value, len));
	CHECK(!memcmp(back, value, strnlen(value, len)));
	free(back);
}

static void check_line(char *text, size_t len, const struct input *in)
{
	const char *p = text + strlen("{\"a\":\"");
	cJSON *line;

	CHECK(is_utf8(text, len));
	p = check_back(p, in->first.data, in->first.len) + strlen("\",\"b\":\"");
	p = check_back(p, in->second.data, in->second.len);
	CHECK(!strcmp(p, "\"}\n"));
	line = cJSON_ParseWithOpts(text, NULL, true);
	CHECK(line && cJSON_GetArraySize(line) == 2);
	check_parsed(line->child->valuestring, in->first.data, in->first.len);
	check_parsed(line->child->next->valuestring, in->second.data, in->second.len);
	cJSON_Delete(line);
}

static void check_smaller(const char *text, size_t len, size_t room, const struct input *in)
{
	char *small = malloc(room); /* not on the stack: every byte behind it is poisoned */
	struct json j;

	CHECK(small || !room);
	json_init(&j, small, room);
	write_line(&j, in);
	CHECK(j.full == (room < len));
	CHECK(!memcmp(small, text, json_len(&j)));
	free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	size_t first_len, room;
	struct json j;
	char *text;

	if (size < 2)
		return 0;
	first_len = MIN(data[0], size - 2);
	in = (struct input){{(const char *)data + 2, first_len},
			    {(const char *)data + 2 + first_len, size - 2 - first_len}};
	text = malloc(2 * JSON_ESCAPE_MAX * size + 64);
	CHECK(text);
	json_init(&j, text, 2 * JSON_ESCAPE_MAX * size + 64);
	write_line(&j, &in);
	CHECK(!j.full);
	*j.pos = '\0';
	room = json_len(&j) * data[1] / 254; /* 254: as long as the line; 255: longer */
	check_smaller(text, json_len(&j), room, &in);
	check_line(text, json_len(&j), &in);
	free(text);
	return 0;
}
