/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's own words, on stderr, one line a message: "rand-guard: warning: ...". */
#ifndef RG_LOG_H
#define RG_LOG_H

#include "util.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Messages above this level are dropped; LOG_LEVEL_INFO until it is called. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* One message without a trailing newline; never fails, never blocks on more than stderr. */
void log_message(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
