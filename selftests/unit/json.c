/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "json.h"
#include "json_decode.h"

#define GUARD 0x5a

/* What write() makes of a buffer that is large enough. */
#define ASSERT_TEXT(expected, ...)                      \
	do {                                            \
		char text_[512];                        \
		struct json json_, *j = &json_;         \
		json_init(j, text_, sizeof(text_) - 1); \
		__VA_ARGS__;                            \
		text_[json_len(j)] = '\0';              \
		cr_assert_str_eq(text_, expected);      \
		cr_assert_not(j->full);                 \
	} while (0)

Test(json, a_line_of_everything)
{
	ASSERT_TEXT("{\"a\":1,\"b\":-2,\"c\":true,\"d\":false,\"e\":null,\"f\":\"x\",\"g\":[],"
		    "\"h\":[1,\"y\",{},[2],null],\"i\":{\"j\":{}},\"k\":\"\"}\n",
		    json_object_begin(j, NULL), json_u64(j, "a", 1), json_i64(j, "b", -2),
		    json_bool(j, "c", true), json_bool(j, "d", false), json_null(j, "e"),
		    json_cstr(j, "f", "x"), json_array_begin(j, "g"), json_array_end(j),
		    json_array_begin(j, "h"), json_u64(j, NULL, 1), json_cstr(j, NULL, "y"),
		    json_object_begin(j, NULL), json_object_end(j), json_array_begin(j, NULL),
		    json_u64(j, NULL, 2), json_array_end(j), json_null(j, NULL), json_array_end(j),
		    json_object_begin(j, "i"), json_object_begin(j, "j"), json_object_end(j),
		    json_object_end(j), json_string(j, "k", NULL, 0), json_object_end(j),
		    json_line_end(j));
}

/* A comma is decided by the byte before: strings that end in what decides must not confuse it. */
Test(json, commas_behind_deceptive_strings)
{
	ASSERT_TEXT("[\"{\",\"[\",\",\",\"\\n\",\":\"]", json_array_begin(j, NULL),
		    json_cstr(j, NULL, "{"), json_cstr(j, NULL, "["), json_cstr(j, NULL, ","),
		    json_cstr(j, NULL, "\n"), json_cstr(j, NULL, ":"), json_array_end(j));
}

Test(json, several_lines_in_one_buffer)
{
	ASSERT_TEXT("{\"a\":1}\n{\"a\":2}\n", json_object_begin(j, NULL), json_u64(j, "a", 1),
		    json_object_end(j), json_line_end(j), json_object_begin(j, NULL),
		    json_u64(j, "a", 2), json_object_end(j), json_line_end(j));
}

Test(json, null_string_is_null_and_empty_is_not)
{
	ASSERT_TEXT("{\"a\":null,\"b\":\"\"}", json_object_begin(j, NULL), json_cstr(j, "a", NULL),
		    json_cstr(j, "b", ""), json_object_end(j));
}

/*
 * --- numbers
 * --------------------------------------------------------------------------------------
 */

Test(json, extreme_numbers)
{
	ASSERT_TEXT("[0,18446744073709551615,9223372036854775807,-9223372036854775808,-1,0,"
		    "9007199254740993]",
		    json_array_begin(j, NULL), json_u64(j, NULL, 0), json_u64(j, NULL, UINT64_MAX),
		    json_i64(j, NULL, INT64_MAX), json_i64(j, NULL, INT64_MIN),
		    json_i64(j, NULL, -1), json_i64(j, NULL, 0),
		    json_u64(j, NULL, (1ULL << 53) + 1), json_array_end(j));
}

static void assert_number(uint64_t value)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "[%" PRIu64 ",%" PRId64 ",%" PRId64 "]", value,
		 (int64_t)value, (int64_t)-value);
	ASSERT_TEXT(expected, json_array_begin(j, NULL), json_u64(j, NULL, value),
		    json_i64(j, NULL, (int64_t)value), json_i64(j, NULL, (int64_t)-value),
		    json_array_end(j));
}

Test(json, numbers_around_each_count_of_digits)
{
	uint64_t power;
	int i;

	for (i = 0, power = 1; i < 20; i++, power *= 10) {
		assert_number(power - 1);
		assert_number(power);
		assert_number(power + 1);
		assert_number(power * 7 / 3);
	}
	for (power = 0; power < 1000; power++)
		assert_number(power);
}

/*
 * --- strings
 * --------------------------------------------------------------------------------------
 */

Test(json, each_escape)
{
	static const char all[] = "\"\\/\b\f\n\r\t\x01\x0b\x1f\x7f";

	ASSERT_TEXT("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u000b\\u001f\x7f\"",
		    json_string(j, NULL, all, sizeof(all) - 1));
	ASSERT_TEXT("\"a\\u0000b\"", json_string(j, NULL, "a\0b", 3));
	ASSERT_TEXT("\"[\\u001b[31m\"", json_cstr(j, NULL, "[\x1b[31m"));
}

Test(json, each_class_of_invalid_utf8)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"\x80", "\\uef80"}, /* a continuation alone */
		{"a\xbf"
		 "b",
		 "a\\uefbfb"},
		{"\xff", "\\uefff"}, /* never in UTF-8 */
		{"\xfe", "\\ueffe"},
		{"\xc3", "\\uefc3"}, /* cut short, at the end and by another character */
		{"\xc3"
		 "a",
		 "\\uefc3a"},
		{"\xc3\"", "\\uefc3\\\""},
		{"\xe2\x82", "\\uefe2\\uef82"},
		{"\xe2\x82"
		 "a",
		 "\\uefe2\\uef82a"},
		{"\xf0\x9f\x98", "\\ueff0\\uef9f\\uef98"},
		{"\xe2\xc3\xa9", "\\uefe2\xc3\xa9"}, /* the sequence behind a broken one is kept */
		{"\xc0\xaf", "\\uefc0\\uefaf"}, /* overlong */
		{"\xc1\xbf", "\\uefc1\\uefbf"},
		{"\xe0\x80\xaf", "\\uefe0\\uef80\\uefaf"},
		{"\xe0\x9f\xbf", "\\uefe0\\uef9f\\uefbf"},
		{"\xf0\x8f\xbf\xbf", "\\ueff0\\uef8f\\uefbf\\uefbf"},
		{"\xed\xa0\x80", "\\uefed\\uefa0\\uef80"}, /* surrogates */
		{"\xed\xb3\xbf", "\\uefed\\uefb3\\uefbf"},
		{"\xed\xbf\xbf", "\\uefed\\uefbf\\uefbf"},
		{"\xf4\x90\x80\x80", "\\ueff4\\uef90\\uef80\\uef80"}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", "\\ueff5\\uef80\\uef80\\uef80"},
		{"\xf8\x88\x80\x80\x80", "\\ueff8\\uef88\\uef80\\uef80\\uef80"},
		{"\xee\xbe\x80", "\\uefee\\uefbe\\uef80"}, /* what escapes decode to */
		{"\xee\xbe\xbf", "\\uefee\\uefbe\\uefbf"},
		{"\xee\xbf\x80", "\\uefee\\uefbf\\uef80"},
		{"a\xee\xbf\xbfz", "a\\uefee\\uefbf\\uefbfz"},
		/* the valid neighbours */
		{"\xc2\x80", "\xc2\x80"},
		{"\xdf\xbf", "\xdf\xbf"},
		{"\xe0\xa0\x80", "\xe0\xa0\x80"},
		{"\xed\x9f\xbf", "\xed\x9f\xbf"},
		{"\xee\x80\x80", "\xee\x80\x80"},
		{"\xee\xbd\xbf", "\xee\xbd\xbf"},
		{"\xef\x80\x80", "\xef\x80\x80"},
		{"\xef\xbf\xbf", "\xef\xbf\xbf"},
		{"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	};
	char expected[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(expected, sizeof(expected), "\"%s\"", cases[i].text);
		ASSERT_TEXT(expected, json_cstr(j, NULL, cases[i].bytes));
	}
}

/* What json_string() promises, byte by byte, without its shortcuts. */
static void expect_string(const char *value, size_t len, char *ret)
{
	static const char specials[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *special;
	size_t i, n;

	*ret++ = '"';
	for (i = 0; i < len; i += n ? n : 1) {
		n = plain_at(value + i, len - i);
		special = memchr(specials, value[i], sizeof(specials) - 1);
		if (special)
			ret += sprintf(ret, "\\%c", names[special - specials]);
		else if (!n || (unsigned char)value[i] < 0x20)
			ret += sprintf(ret, "\\u%s%02x", n ? "00" : "ef", (unsigned char)value[i]);
		else
			ret = mempcpy(ret, value + i, n);
	}
	strcpy(ret, "\"");
}

static void assert_string(const char *value, size_t len)
{
	char expected[JSON_ESCAPE_MAX * 64 + 3], text[sizeof(expected)];
	struct json j;

	cr_assert_leq(len, 64);
	expect_string(value, len, expected);
	json_init(&j, text, sizeof(text) - 1);
	json_string(&j, NULL, value, len);
	text[json_len(&j)] = '\0';
	/*
	 * Not cr_assert_str_eq() at once: it formats its message each time, and there are many
	 * calls.
	 */
	if (j.full || strcmp(text, expected))
		cr_assert_str_eq(text, expected);
}

/* Eight bytes are looked at in one go: each byte value, at each place, behind each alignment. */
Test(json, each_byte_at_each_place)
{
	char value[24];
	size_t len, at;
	int c;

	for (c = 0; c < 256; c++) {
		for (len = 1; len <= sizeof(value); len++) {
			for (at = 0; at < len; at++) {
				memset(value, 'x', len);
				value[at] = (char)c;
				assert_string(value, len);
			}
		}
	}
}

/* All sequences of four bytes out of those where UTF-8's ranges begin and end. */
Test(json, sequences_of_boundary_bytes)
{
	static const unsigned char edges[] = {0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbd, 0xbe, 0xbf,
					      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
					      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	const size_t n = ARRAY_SIZE(edges);
	size_t i;

	for (i = 0; i < n * n * n * n; i++) {
		char value[] = {(char)edges[i % n], (char)edges[i / n % n],
				(char)edges[i / n / n % n], (char)edges[i / n / n / n]};

		assert_string(value, sizeof(value));
	}
}

/* Every seed's bytes are the same in each run. */
static void random_bytes(uint64_t *state, char *ret, size_t len)
{
	static const char often[] = "aaaa/\"\\\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\xff"
				    "\xee\xbe\x80\xee\xbf\xbf";
	size_t i;

	for (i = 0; i < len; i++) {
		*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
		ret[i] = *state >> 63 ? (char)(*state >> 40)
				      : often[(*state >> 40) % (sizeof(often) - 1)];
	}
}

Test(json, random_bytes_come_back)
{
	char value[64], text[JSON_ESCAPE_MAX * sizeof(value) + 3], back[sizeof(text)];
	uint64_t state = 1;
	struct json j;
	size_t i, len;

	for (i = 0; i < 100000; i++) {
		len = i % (sizeof(value) + 1);
		random_bytes(&state, value, len);
		assert_string(value, len);
		json_init(&j, text, sizeof(text));
		json_string(&j, NULL, value, len);
		if (!is_utf8(text, json_len(&j)))
			cr_assert_fail("not UTF-8 after %zu strings", i);
		if (json_decode(text + 1, json_len(&j) - 2, back) != (ssize_t)len ||
		    memcmp(back, value, len))
			cr_assert_fail("other bytes after %zu strings", i);
	}
}

/* A strict one, which knows nothing of us; what it makes of the escapes leads back to the bytes. */
Test(json, another_parser_reads_it)
{
	static const char value[] =
		"q\" b\\ /\b\f\n\r\t\x1b\x7f \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
	static const char bad[] = "a\xff\\uef80 \xed\xa0\x80 \xee\xbe\x80 \xf0\x9f\x98";
	char text[512], back[64];
	const char *s;
	struct json j;
	cJSON *line;

	json_init(&j, text, sizeof(text) - 1);
	json_object_begin(&j, NULL);
	json_cstr(&j, "s", value);
	json_cstr(&j, "bad", bad);
	json_u64(&j, "n", 1ULL << 53);
	json_time(&j, "t", 0);
	json_array_begin(&j, "e");
	json_bool(&j, NULL, true);
	json_array_end(&j);
	json_object_end(&j);
	json_line_end(&j);
	text[json_len(&j)] = '\0';
	line = cJSON_ParseWithOpts(text, NULL, true);
	cr_assert_not_null(line);
	cr_assert_eq(cJSON_GetArraySize(line), 5);
	cr_assert_str_eq(cJSON_GetObjectItem(line, "s")->valuestring, value);
	s = cJSON_GetObjectItem(line, "bad")->valuestring;
	cr_assert(is_utf8(s, strlen(s)));
	cr_assert_eq(memcmp(s, "a\xee\xbf\xbf\\uef80 ", 11), 0);
	back[bytes_of(s, strlen(s), back)] = '\0';
	cr_assert_str_eq(back, bad);
	cr_assert_eq(cJSON_GetObjectItem(line, "n")->valuedouble, 9007199254740992.0);
	cr_assert_str_eq(cJSON_GetObjectItem(line, "t")->valuestring,
			 "1970-01-01T00:00:00.000000000Z");
	cr_assert(cJSON_IsTrue(cJSON_GetArrayItem(cJSON_GetObjectItem(line, "e"), 0)));
	cJSON_Delete(line);
}

/*
 * --- room
 * -----------------------------------------------------------------------------------------
 */

static void put_comma_u64(struct json *j)
{
	json_u64(j, "k", UINT64_MAX);
}

static void put_i64(struct json *j)
{
	json_i64(j, "k", INT64_MIN);
}

static void put_bool(struct json *j)
{
	json_bool(j, "k", false);
}

static void put_null(struct json *j)
{
	json_null(j, NULL);
}

static void put_time(struct json *j)
{
	json_time(j, "k", 1);
}

static void put_clean(struct json *j)
{
	json_cstr(j, "k", "sixteen and more bytes");
}

static void put_escapes(struct json *j)
{
	json_cstr(j, NULL, "\n\x01\xff\xc3\xa9\"x eight bytes \xe2\x82");
}

static void put_array(struct json *j)
{
	json_array_begin(j, "k");
}

static const struct {
	void (*put)(struct json *j);
	const char *text;
} items[] = {
	{put_comma_u64, ",\"k\":18446744073709551615"},
	{put_i64, ",\"k\":-9223372036854775808"},
	{put_bool, ",\"k\":false"},
	{put_null, ",null"},
	{put_time, ",\"k\":\"1970-01-01T00:00:00.000000001Z\""},
	{put_clean, ",\"k\":\"sixteen and more bytes\""},
	{put_escapes, ",\"\\n\\u0001\\uefff\xc3\xa9\\\"x eight bytes \\uefe2\\uef82\""},
	{put_array, ",\"k\":["},
	{json_object_end, "}"},
	{json_array_end, "]"},
	{json_line_end, "\n"},
};

/* size bytes: of the item all or nothing, and nothing behind them. */
static void assert_room(size_t item, size_t size)
{
	size_t len = 1 + strlen(items[item].text), i;
	char buf[128];
	struct json j;

	memset(buf, GUARD, sizeof(buf));
	json_init(&j, buf, size);
	json_u64(&j, NULL, 1); /* so that a comma is due */
	items[item].put(&j);
	cr_assert_eq(j.full, size < len, "item %zu in %zu bytes", item, size);
	cr_assert_eq(json_len(&j), size < len ? MIN(size, 1) : len, "item %zu in %zu bytes", item,
		     size);
	if (size >= len)
		cr_assert_eq(memcmp(buf + 1, items[item].text, len - 1), 0, "item %zu", item);
	for (i = size; i < sizeof(buf); i++)
		cr_assert_eq(buf[i], GUARD, "item %zu wrote at %zu of %zu", item, i, size);
}

Test(json, an_item_goes_in_whole_or_not_at_all)
{
	size_t item, size;

	for (item = 0; item < ARRAY_SIZE(items); item++)
		for (size = 0; size <= strlen(items[item].text) + 2; size++)
			assert_room(item, size);
}

Test(json, nothing_follows_what_did_not_fit)
{
	char buf[8];
	struct json j;

	json_init(&j, buf, sizeof(buf));
	json_object_begin(&j, NULL);
	json_cstr(&j, "key", "value");
	cr_assert(j.full);
	json_u64(&j, "a", 1);
	json_cstr(&j, "a", "");
	json_string(&j, "", "", 0);
	json_object_end(&j);
	json_line_end(&j);
	cr_assert(j.full);
	cr_assert_eq(json_len(&j), 1);
	cr_assert_eq(buf[0], '{');
}

/* Longer than the buffer in bytes alone: the value isn't even looked at. */
Test(json, a_length_beyond_all_room)
{
	char buf[8];
	struct json j;

	json_init(&j, buf, sizeof(buf));
	json_string(&j, NULL, buf, SIZE_MAX / 2);
	cr_assert(j.full);
	cr_assert_eq(json_len(&j), 0);
}

/*
 * --- time
 * -----------------------------------------------------------------------------------------
 */

Test(json, times_at_boundaries)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "\"1970-01-01T00:00:00.000000000Z\""},
		{999999999, "\"1970-01-01T00:00:00.999999999Z\""},
		{1000000000, "\"1970-01-01T00:00:01.000000000Z\""},
		{951782399999999999, "\"2000-02-28T23:59:59.999999999Z\""},
		{951782400000000000, "\"2000-02-29T00:00:00.000000000Z\""},
		{951868800000000000, "\"2000-03-01T00:00:00.000000000Z\""},
		{1709251199000000000, "\"2024-02-29T23:59:59.000000000Z\""},
		{1795450315000000001, "\"2026-11-23T16:11:55.000000001Z\""},
		{1798761599999999999, "\"2026-12-31T23:59:59.999999999Z\""},
		{1798761600000000000, "\"2027-01-01T00:00:00.000000000Z\""},
		{4107542399000000000, "\"2100-02-28T23:59:59.000000000Z\""},
		{4107542400000000000, "\"2100-03-01T00:00:00.000000000Z\""},
		{UINT64_MAX, "\"2554-07-21T23:34:33.709551615Z\""},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ASSERT_TEXT(cases[i].text, json_time(j, NULL, cases[i].ns));
}

static void assert_time(uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char expected[64], text[64];
	struct json j;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(expected, sizeof(expected), "\"%Y-%m-%dT%H:%M:%S.000000007Z\"", &tm);
	json_init(&j, text, sizeof(text) - 1);
	json_time(&j, NULL, seconds * NSEC_PER_SEC + 7);
	text[json_len(&j)] = '\0';
	if (strcmp(text, expected))
		cr_assert_str_eq(text, expected);
}

/*
 * Every day that a 64-bit count of nanoseconds reaches, at its first, its last and another second.
 */
Test(json, every_day_as_gmtime_has_it)
{
	uint64_t day;

	for (day = 0; day < UINT64_MAX / NSEC_PER_SEC / 86400; day++) {
		assert_time(day * 86400);
		assert_time(day * 86400 + day * 7919 % 86400);
		assert_time(day * 86400 + 86399);
	}
}
