/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A look at a settings text before libconfig reads it, since libconfig 1.5 (Debian 12)
 *  - ends the process where an @include names a directory, and waits forever on a FIFO,
 *  - takes 4294967297 for 1 and 0x100000040 for 0x40,
 *  - drops a "\x00" within a string,
 *  - takes a comment that isn't closed for the rest of the file,
 *  - refuses a "# comment" at the end that no newline follows.
 */
#ifndef RG_CONF_SCAN_H
#define RG_CONF_SCAN_H

#include "util.h"

/* A settings file with all that it includes: a thousand rules are some 300 KiB. */
#define CONF_MAX_BYTES (8u << 20)

struct conf_scan {
	const char *main_file; /* @include is relative to its directory, */
	int dir_len; /* which ends with the slash at this offset; 0: none */
	/* One mistake; message is one line. */
	void (*report)(void *context, const char *file, unsigned int line, const char *message);
	void *context;
	size_t total_bytes; /* read so far; starts 0 */
	unsigned int depth; /* of @include; starts 0 */
	bool is_fatal; /* set: libconfig must not see it */
};

/* Checks the text, which is file's, and what it includes. */
void conf_scan_text(struct conf_scan *scan, const char *file, const char *text);
/*
 * The whole file as a string, and a newline behind it. -errno; -EINVAL: it is no regular file, -EFBIG above
 * CONF_MAX_BYTES, -EILSEQ with a NUL in it.
 */
int conf_slurp(const char *path, char **ret);
/* Likewise of what somebody named: also a pipe, a terminal or /dev/null, whose end it waits for. */
int conf_slurp_stream(const char *path, char **ret);

#endif
