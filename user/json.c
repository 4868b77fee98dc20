/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values in, JSON text out, each item (comma, key, value) whole or not at all.
 *
 * No state beside the text: the byte before pos says whether a comma is due, since a string's own
 * bytes always have a quote behind them.
 */
#include "json.h"
#include "utf8.h"

#define NSEC_DIGITS 9
#define SECONDS_PER_DAY 86400
/* "2026-11-23T16:11:55.000000001Z", quotes included. */
#define TIME_LEN 32

#define EVERY_BYTE(c) (0x0101010101010101ULL * (c))

static const char digit_pairs[] = "00010203040506070809"
				  "10111213141516171819"
				  "20212223242526272829"
				  "30313233343536373839"
				  "40414243444546474849"
				  "50515253545556575859"
				  "60616263646566676869"
				  "70717273747576777879"
				  "80818283848586878889"
				  "90919293949596979899";

/*
 * What stands behind the backslash. 0: nothing to escape; NOT_ASCII: look at the sequence. DEL is
 * legal in JSON and stays.
 */
enum { NOT_ASCII = 1 };
static const char escapes[256] = {
	[0x00 ... 0x07] = 'u',
	['\b'] = 'b',
	['\t'] = 't',
	['\n'] = 'n',
	[0x0b] = 'u',
	['\f'] = 'f',
	['\r'] = 'r',
	[0x0e ... 0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
	[0x80 ... 0xff] = NOT_ASCII,
};

void json_init(struct json *j, char *buf, size_t size_bytes)
{
	*j = (struct json){.start = buf, .pos = buf, .end = buf + size_bytes};
}

size_t json_len(const struct json *j)
{
	return (size_t)(j->pos - j->start);
}

static bool wants_comma(const struct json *j)
{
	char last;

	if (j->pos == j->start)
		return false;
	last = j->pos[-1];
	return last != '{' && last != '[' && last != '\n';
}

/* What stands before a value: comma, key and colon; len is all of it. */
struct prefix {
	const char *key;
	size_t key_len;
	size_t len;
};

static struct prefix prefix_of(const struct json *j, const char *key)
{
	size_t key_len = key ? strlen(key) : 0;

	return (struct prefix){key, key_len, wants_comma(j) + (key ? key_len + 3 : 0)};
}

static bool has_room(struct json *j, size_t len)
{
	j->full = j->full || len > (size_t)(j->end - j->pos);
	return !j->full;
}

/* Where the value goes. There must be room. */
static char *put_prefix(const struct json *j, const struct prefix *prefix)
{
	char *p = j->pos;

	if (wants_comma(j))
		*p++ = ',';
	if (!prefix->key)
		return p;
	*p++ = '"';
	memcpy(p, prefix->key, prefix->key_len);
	p += prefix->key_len;
	*p++ = '"';
	*p++ = ':';
	return p;
}

/* Where a value of value_len bytes goes, its prefix being there; NULL: there is no room. */
static char *item_begin(struct json *j, const char *key, size_t value_len)
{
	struct prefix prefix = prefix_of(j, key);

	if (!has_room(j, prefix.len + value_len))
		return NULL;
	return put_prefix(j, &prefix);
}

static void put_literal(struct json *j, const char *key, const char *text, size_t len)
{
	char *p = item_begin(j, key, len);

	if (!p)
		return;
	memcpy(p, text, len);
	j->pos = p + len;
}

static void put_end(struct json *j, char c)
{
	if (has_room(j, 1))
		*j->pos++ = c;
}

void json_object_begin(struct json *j, const char *key)
{
	put_literal(j, key, "{", 1);
}

void json_object_end(struct json *j)
{
	put_end(j, '}');
}

void json_array_begin(struct json *j, const char *key)
{
	put_literal(j, key, "[", 1);
}

void json_array_end(struct json *j)
{
	put_end(j, ']');
}

void json_line_end(struct json *j)
{
	put_end(j, '\n');
}

void json_bool(struct json *j, const char *key, bool value)
{
	if (value)
		put_literal(j, key, "true", 4);
	else
		put_literal(j, key, "false", 5);
}

void json_null(struct json *j, const char *key)
{
	put_literal(j, key, "null", 4);
}

static size_t nr_digits(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* The last n decimal digits of v, zeros in front. */
static char *put_digits(char *p, uint64_t v, size_t n)
{
	char *end = p + n;

	for (p = end; n >= 2; n -= 2, v /= 100)
		memcpy(p -= 2, digit_pairs + v % 100 * 2, 2);
	if (n)
		p[-1] = (char)('0' + v % 10);
	return end;
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	size_t n = nr_digits(value);
	char *p = item_begin(j, key, n);

	if (p)
		j->pos = put_digits(p, value, n);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	bool negative = value < 0;
	/* Negated as unsigned: INT64_MIN has no positive int64_t. */
	uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;
	size_t n = nr_digits(magnitude);
	char *p = item_begin(j, key, negative + n);

	if (!p)
		return;
	if (negative)
		*p++ = '-';
	j->pos = put_digits(p, magnitude, n);
}

/* Is one of the eight bytes a control character, a quote, a backslash or not ASCII? */
static bool needs_care(uint64_t bytes)
{
	uint64_t quotes = bytes ^ EVERY_BYTE('"'), backslashes = bytes ^ EVERY_BYTE('\\');
	uint64_t low = (bytes - EVERY_BYTE(0x20)) & ~bytes;

	low |= (quotes - EVERY_BYTE(1)) & ~quotes;
	low |= (backslashes - EVERY_BYTE(1)) & ~backslashes;
	return (low | bytes) & EVERY_BYTE(0x80);
}

/* Copies up to the first byte that needs care; its index. Stores no byte beyond. */
static size_t copy_clean(char *out, const unsigned char *p, size_t len)
{
	uint64_t word;
	size_t i = 0;

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (needs_care(word))
			break;
		memcpy(out + i, &word, sizeof(word));
	}
	for (; i < len && !escapes[p[i]]; i++)
		out[i] = (char)p[i];
	return i;
}

/*
 * Bytes of the sequence at p that stand for themselves; 0: its first byte is escaped. U+EF80 to
 * U+EFFF (ee be 80 to ee bf bf) are what escapes decode to, so bytes that spell one are escaped too.
 */
static size_t plain_len(const unsigned char *p, size_t len)
{
	size_t n = utf8_len(p, len);

	return n && p[0] == 0xee && p[1] >= 0xbe ? 0 : n;
}

/* "\uXXcc": high is the first two digits. */
static char *put_unicode(char *out, const char *high, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'u';
	*out++ = high[0];
	*out++ = high[1];
	*out++ = hex[c >> 4];
	*out++ = hex[c & 0xf];
	return out;
}

static char *put_escape(char *out, unsigned char c)
{
	if (escapes[c] == 'u')
		return put_unicode(out, "00", c);
	*out++ = '\\';
	*out++ = escapes[c];
	return out;
}

/* One sequence that is not ASCII, or its first byte as an escape; the bytes taken from p. */
static size_t put_sequence(char **out, const unsigned char *p, size_t len)
{
	size_t n = plain_len(p, len);

	if (!n) {
		*out = put_unicode(*out, "ef", *p);
		return 1;
	}
	memcpy(*out, p, n);
	*out += n;
	return n;
}

/* Stores exactly escaped_len() bytes. */
static char *put_escaped(char *out, const char *value, size_t len)
{
	const unsigned char *p = (const unsigned char *)value, *end = p + len;
	size_t n;

	while (p < end) {
		n = copy_clean(out, p, (size_t)(end - p));
		out += n;
		p += n;
		if (p == end)
			break;
		if (escapes[*p] == NOT_ASCII)
			p += put_sequence(&out, p, (size_t)(end - p));
		else
			out = put_escape(out, *p++);
	}
	return out;
}

static size_t escaped_len(const char *value, size_t len)
{
	const unsigned char *p = (const unsigned char *)value, *end = p + len;
	size_t n, sum = 0;

	while (p < end) {
		n = escapes[*p] == NOT_ASCII ? plain_len(p, (size_t)(end - p)) : 0;
		if (n)
			sum += n;
		else if (!escapes[*p])
			sum++;
		else
			sum += escapes[*p] == 'u' || escapes[*p] == NOT_ASCII ? JSON_ESCAPE_MAX : 2;
		p += n ? n : 1;
	}
	return sum;
}

static char *put_quoted(char *p, const char *value, size_t len)
{
	*p++ = '"';
	p = put_escaped(p, value, len);
	*p++ = '"';
	return p;
}

/*
 * Does a string of len bytes fit behind before_len others? Measured only where the buffer's end is
 * so near that the worst case wouldn't fit; the first test also keeps the product from overflowing.
 */
static bool has_room_for_string(struct json *j, size_t before_len, const char *value, size_t len)
{
	size_t room = (size_t)(j->end - j->pos);

	before_len += 2;
	if (j->full || len > room || before_len > room)
		return has_room(j, room + 1);
	if (before_len + JSON_ESCAPE_MAX * len <= room)
		return true;
	return has_room(j, before_len + escaped_len(value, len));
}

void json_string(struct json *j, const char *key, const char *value, size_t len)
{
	struct prefix prefix = prefix_of(j, key);

	if (has_room_for_string(j, prefix.len, value, len))
		j->pos = put_quoted(put_prefix(j, &prefix), value, len);
}

void json_cstr(struct json *j, const char *key, const char *value)
{
	if (value)
		json_string(j, key, value, strlen(value));
	else
		json_null(j, key);
}

/*
 * "2026-11-23" of a day since 1970, by arithmetic, since gmtime_r() costs more than the rest of a
 * record's numbers. Counted from 0000-03-01, so that a leap day is the last of its year: an era is
 * 400 years, and five months from March on are always 153 days (H. Hinnant, "chrono-compatible
 * low-level date algorithms").
 */
static char *put_date(char *p, uint64_t days)
{
	uint64_t since_march = days + 719468, era = since_march / 146097,
		 day_of_era = since_march % 146097;
	uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t month_from_march = (5 * day_of_year + 2) / 153;
	uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

	p = put_digits(p, era * 400 + year_of_era + (month <= 2), 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	return put_digits(p, day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

/* "16:11:55" */
static char *put_clock(char *p, uint64_t second_of_day)
{
	p = put_digits(p, second_of_day / 3600, 2);
	*p++ = ':';
	p = put_digits(p, second_of_day / 60 % 60, 2);
	*p++ = ':';
	return put_digits(p, second_of_day % 60, 2);
}

void json_time(struct json *j, const char *key, uint64_t realtime_ns)
{
	uint64_t seconds = realtime_ns / NSEC_PER_SEC;
	char *p = item_begin(j, key, TIME_LEN);

	if (!p)
		return;
	*p++ = '"';
	p = put_date(p, seconds / SECONDS_PER_DAY);
	*p++ = 'T';
	p = put_clock(p, seconds % SECONDS_PER_DAY);
	*p++ = '.';
	p = put_digits(p, realtime_ns % NSEC_PER_SEC, NSEC_DIGITS);
	*p++ = 'Z';
	*p++ = '"';
	j->pos = p;
}
