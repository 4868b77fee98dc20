/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines for people's eyes, into the same buffer as lines of JSON, piece by piece; one that doesn't fit
 * sets json->full, and nothing more is added.
 *
 * What processes choose themselves (names, paths, arguments) goes through text_name() or
 * text_quoted(), after which it can neither steer a terminal nor pretend to be another part of the
 * line: no control character, no character that is invisible or turns the text's direction, and
 * quotes around everything that isn't one plain word.
 */
#ifndef RG_TEXT_H
#define RG_TEXT_H

#include "json.h"

/* Our own words and numbers; never for what somebody else chose. */
void text_printf(struct json *j, const char *fmt, ...) _printf_(2, 3);
/* A number behind our own words. */
void text_u64(struct json *j, const char *before, uint64_t value);
/* Any bytes, made visible as in a C string: \n, \\, \", \x1b. */
void text_escaped(struct json *j, struct span s);
/* The same in quotes. */
void text_quoted(struct json *j, struct span s);
/* In quotes where it is more than a plain word; "?" where there is none. */
void text_name(struct json *j, struct span s);
/* Strings with a NUL behind each, as one in quotes, a space between them. */
void text_strings(struct json *j, struct span strings);

/* "850 ns", "1.2 ms", "3.4 s", "2m05s", "3h02m", "4d03h": cut, not rounded. */
void text_duration(struct json *j, uint64_t ns);
/* "512 B", "4.1 MiB": cut, not rounded. */
void text_size(struct json *j, uint64_t bytes);
/* Nanoseconds since 1970 as local time, "17:55:18.123"; the caller has called tzset(). */
void text_clock(struct json *j, uint64_t realtime_ns);

#endif
