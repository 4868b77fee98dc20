/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JSON lines into a caller's buffer: no allocation, 64-bit numbers exact, bytes that aren't UTF-8
 * kept reversibly.
 *
 * A string is escaped so that the line is valid UTF-8 JSON and the bytes can be had back: quote,
 * backslash and control characters as JSON says; a byte 0x80 to 0xff that is not part of valid UTF-8
 * becomes a private-use character, \uef80 to \uefff (MirBSD's OPTU-8). Bytes that spell one of those
 * themselves are taken for three such bytes: hence a reader that turns U+EF80..U+EFFF into bytes
 * gets back exactly what was there. Lone surrogates, as Python has them, would do too, but strict
 * parsers refuse them: a byte in a name would hide its record. DEL is legal in JSON and stays.
 *
 * An item (comma, key, value) goes in whole or not at all.
 */
#ifndef RG_JSON_H
#define RG_JSON_H

#include "util.h"

/* What one byte of a string takes at most: an escape like \u001b. */
#define JSON_ESCAPE_MAX 6

/* Grows towards end; full says that something did not fit, and then nothing more is added. */
struct json {
	char *start;
	char *pos;
	char *end;
	bool full;
};

void json_init(struct json *j, char *buf, size_t size_bytes);
/* Bytes written so far; of a full one: up to the first item that did not fit. */
size_t json_len(const struct json *j);

/*
 * "{" and "}"; commas come by themselves. A key is a constant that needs no escaping; NULL: an
 * element of an array, or the line itself.
 */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
/* A newline: the line is complete. */
void json_line_end(struct json *j);

void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* len bytes, any bytes. */
void json_string(struct json *j, const char *key, const char *value, size_t len);
/* NUL-terminated; NULL gives null. */
void json_cstr(struct json *j, const char *key, const char *value);
/* Nanoseconds since 1970 as RFC 3339, UTC, 9 digits: "2026-11-23T16:11:55.000000001Z". */
void json_time(struct json *j, const char *key, uint64_t realtime_ns);

#endif
