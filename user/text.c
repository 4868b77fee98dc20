/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "text.h"
#include "utf8.h"

/*
 * Characters that a terminal acts on or that can't be seen: C1 controls, marks and overrides of the
 * direction of writing, separators of lines, zero widths, tags.
 */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{ 0x80, 0x9f },	    { 0xad, 0xad },	{ 0x61c, 0x61c },   { 0x115f, 0x1160 },
	{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
};

static void put(struct json *j, const char *text, size_t len)
{
	j->full = j->full || len > (size_t)(j->end - j->pos);
	if (j->full)
		return;
	memcpy(j->pos, text, len);
	j->pos += len;
}

void text_printf(struct json *j, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		j->full = true;
	else
		put(j, text, (size_t)len);
}

void text_u64(struct json *j, const char *before, uint64_t value)
{
	text_printf(j, "%s%" PRIu64, before, value);
}

static bool is_invisible(const unsigned char *p, size_t len)
{
	uint32_t code = p[0] & (0xff >> (len + 1));
	size_t i;

	for (i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	for (i = 0; i < ARRAY_SIZE(invisible); i++)
		if (code >= invisible[i].first && code <= invisible[i].last)
			return true;
	return false;
}

/* Bytes of the character at p if it can be shown as it is, else 0. */
static size_t visible_len(const unsigned char *p, size_t len)
{
	size_t n;

	if (*p < 0x80)
		return *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\';
	n = utf8_len(p, len);
	return n && !is_invisible(p, n) ? n : 0;
}

static void put_escape(struct json *j, unsigned char c)
{
	static const char specials[] = "\"\\\n\t\r", names[] = "\"\\ntr";
	const char *special = c ? strchr(specials, c) : NULL;

	if (special)
		text_printf(j, "\\%c", names[special - specials]);
	else
		text_printf(j, "\\x%02x", c);
}

void text_escaped(struct json *j, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.data, *end = p + s.len;
	size_t n;

	while (p < end) {
		n = visible_len(p, (size_t)(end - p));
		if (n)
			put(j, (const char *)p, n);
		else
			put_escape(j, *p);
		p += n ? n : 1;
	}
}

void text_quoted(struct json *j, struct span s)
{
	put(j, "\"", 1);
	text_escaped(j, s);
	put(j, "\"", 1);
}

/* One word that no part of a line looks like. */
static bool is_plain(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] >= 0x7f || strchr("\"\\()<>[]?", s.data[i]))
			return false;
	return s.len > 0;
}

void text_name(struct json *j, struct span s)
{
	if (!s.len)
		put(j, "?", 1);
	else if (is_plain(s))
		put(j, s.data, s.len);
	else
		text_quoted(j, s);
}

void text_strings(struct json *j, struct span strings)
{
	const char *pos = strings.data, *end = pos + strings.len;
	size_t len;

	put(j, "\"", 1);
	for (; pos < end; pos += len + 1) {
		len = strnlen(pos, (size_t)(end - pos));
		if (pos > strings.data)
			put(j, " ", 1);
		text_escaped(j, (struct span){ pos, len });
	}
	put(j, "\"", 1);
}

/* A whole and its first decimal. */
static void put_tenths(struct json *j, uint64_t value, uint64_t unit, const char *name)
{
	uint64_t whole = value / unit, tenth = value % unit * 10 / unit;

	text_printf(j, "%" PRIu64 ".%" PRIu64 " %s", whole, tenth, name);
}

void text_duration(struct json *j, uint64_t ns)
{
	uint64_t seconds = ns / NSEC_PER_SEC, minutes = seconds / 60, hours = minutes / 60;

	if (ns < 1000)
		text_printf(j, "%" PRIu64 " ns", ns);
	else if (ns < NSEC_PER_MSEC)
		put_tenths(j, ns, 1000, "us");
	else if (ns < NSEC_PER_SEC)
		put_tenths(j, ns, NSEC_PER_MSEC, "ms");
	else if (!minutes)
		put_tenths(j, ns, NSEC_PER_SEC, "s");
	else if (!hours)
		text_printf(j, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
	else if (hours < 24)
		text_printf(j, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes % 60);
	else
		text_printf(j, "%" PRIu64 "d%02" PRIu64 "h", hours / 24, hours % 24);
}

void text_size(struct json *j, uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	uint64_t unit = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) - 1 && bytes / unit >= 1024; i++)
		unit *= 1024;
	if (i)
		put_tenths(j, bytes, unit, names[i]);
	else
		text_printf(j, "%" PRIu64 " B", bytes);
}

void text_clock(struct json *j, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NSEC_PER_SEC);
	unsigned int ms = (unsigned int)(realtime_ns % NSEC_PER_SEC / NSEC_PER_MSEC);
	struct tm tm = { 0 };

	localtime_r(&seconds, &tm);
	text_printf(j, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
}
