/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What config and rule_conf share: a libconfig file read safely, and mistakes in it told as
 * "FILE:LINE: SETTING: what is wrong; what would be right". The only file that includes libconfig.
 */
#ifndef RG_CONF_H
#define RG_CONF_H

#include <libconfig.h>

#include "log.h"

/* Lines kept whose value libconfig alters, which has been told; a later one is told twice. */
#define CONF_MAX_TOLD 16

/* The mistakes of one file; starts zeroed but for file. */
struct conf_report {
	const char *file; /* as it was named to us; @include is relative to its directory */
	unsigned int nr_errors;
	bool is_denied; /* one of them: it may not be read */
	unsigned int told_lines[CONF_MAX_TOLD]; /* nr_told */
	size_t nr_told;
};

/*
 * Reads report->file into tree, which is initialized and stays the caller's. 0, or -EINVAL with
 * the mistakes told.
 */
int conf_read(struct conf_report *report, config_t *tree);
/* Likewise a file that need not be a regular one; see conf_slurp_stream(). */
int conf_read_stream(struct conf_report *report, config_t *tree);

/* A mistake at a setting, logged and counted. */
void conf_error(struct conf_report *report, const config_setting_t *at, const char *fmt, ...)
	_printf_(3, 4);

/* True if the setting's value isn't the one in the file, which has been told. */
bool conf_is_told(const struct conf_report *report, const config_setting_t *setting);

/* "FILE:LINE" of a setting, the caller's; NULL without memory. */
char *conf_place(const struct conf_report *report, const config_setting_t *at);

/* Someone else's text in a message: what isn't printable becomes '?', and a long one is cut. */
struct conf_quoted {
	char text[72]; /* a line's worth */
};
struct conf_quoted conf_quote(const char *text);

/* Bytes of a text without control characters, 1..max. */
bool conf_is_printable(const char *text, size_t max);

/* True if the setting is of that CONFIG_TYPE_; else an error that tells what to write. */
bool conf_expect(struct conf_report *report, const config_setting_t *setting, int type,
		 const char *write);
/* Elements of a group, list or array; 0 of anything else. */
size_t conf_length(const config_setting_t *setting);
const config_setting_t *conf_at(const config_setting_t *setting, size_t i);

/* True if it is a list or an array of at most max elements; else an error. */
bool conf_expect_strings(struct conf_report *report, const config_setting_t *setting, size_t max);
/* The element if it is a string that isn't there before; else NULL and an error. */
const char *conf_string_at(struct conf_report *report, const config_setting_t *strings, size_t i);

/* A copy; NULL, told and counted, without memory. */
char *conf_strdup(struct conf_report *report, const config_setting_t *at, const char *text);

/* Of the NULL-terminated array, the one that was probably meant; NULL if none is near. */
const char *conf_nearest(const char *text, const char *const *known);

#endif
