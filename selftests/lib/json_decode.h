/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The inverse of json.c's strings, for tests, and UTF-8's definition in its plainest form: they are
 * slow and share no idea with json.c.
 */
#ifndef RG_TEST_JSON_DECODE_H
#define RG_TEST_JSON_DECODE_H

#include "util.h"

/* Bytes of the code point at p, the same as encoding it again would give; 0: not UTF-8. */
static inline size_t utf8_at(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t i, n = p[0] < 0x80	? 1
		      : p[0] >> 5 == 6	? 2
		      : p[0] >> 4 == 14 ? 3
		      : p[0] >> 3 == 30 ? 4
					: 0;
	uint32_t code;

	if (n < 2 || n > len)
		return n == 1;
	code = p[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static inline bool is_utf8(const char *text, size_t len)
{
	size_t n, i;

	for (i = 0; i < len; i += n) {
		n = utf8_at((const unsigned char *)text + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

/* Does U+EF80..U+EFFF stand at p, which escaped bytes decode to? */
static inline bool is_byte_escape(const char *p, size_t len)
{
	return len >= 3 && !memcmp(p, "\xee", 1) && (p[1] == '\xbe' || p[1] == '\xbf') &&
	       utf8_at((const unsigned char *)p, len);
}

/* Bytes of the character at p that json.c leaves as they are; 0: it escapes the first one. */
static inline size_t plain_at(const char *p, size_t len)
{
	return is_byte_escape(p, len) ? 0 : utf8_at((const unsigned char *)p, len);
}

/* The bytes that a decoded string stood for, in out (len bytes); how many. */
static inline size_t bytes_of(const char *s, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (is_byte_escape(s + i, len - i)) {
			/* xx of U+EFxx: bit 6 is in the second byte, and bit 7 is always set. */
			out[n++] = (char)(0x80 | (s[i + 1] & 1) << 6 | (s[i + 2] & 0x3f));
			i += 2;
		} else {
			out[n++] = s[i];
		}
	}
	return n;
}

/*
 * The byte that the escape at p (behind its backslash) stands for, or -1; *taken: the escape's
 * bytes.
 */
static inline int decode_escape(const char *p, size_t len, size_t *taken)
{
	static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t",
			  hex[] = "0123456789abcdef";
	const char *name = len ? memchr(names, *p, sizeof(names) - 1) : NULL, *digit;
	int i, code = 0;

	*taken = 1;
	if (name)
		return bytes[name - names];
	if (len < 5 || *p != 'u')
		return -1;
	*taken = 5;
	for (i = 1; i <= 4; i++) {
		digit = memchr(hex, p[i], sizeof(hex) - 1);
		if (!digit)
			return -1;
		code = code << 4 | (int)(digit - hex);
	}
	if (code < 0x20)
		return code;
	return code >= 0xef80 && code <= 0xefff ? code - 0xef00 : -1;
}

/*
 * The bytes behind text, which stood between quotes, in out (len bytes); how many, or -1: not from
 * json.c.
 */
static inline ssize_t json_decode(const char *text, size_t len, char *out)
{
	size_t i, n = 0, taken;
	int c;

	for (i = 0; i < len; i += taken) {
		taken = 1;
		c = (unsigned char)text[i];
		if (c == '"' || c < 0x20 || is_byte_escape(text + i, len - i))
			return -1;
		if (c == '\\') {
			c = decode_escape(text + i + 1, len - i - 1, &taken);
			taken++;
		}
		if (c < 0)
			return -1;
		out[n++] = (char)c;
	}
	return (ssize_t)n;
}

/* The closing quote of the string whose first byte is at p. */
static inline const char *json_string_end(const char *p)
{
	for (; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p;
}

#endif
