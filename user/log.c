/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's own words: one write(2) a message, so that lines of several processes don't mix. */
#include <stdarg.h>

#include "log.h"

static enum log_level max_level = LOG_LEVEL_INFO;

static const char *const prefixes[] = {
	[LOG_LEVEL_ERROR] = "rand-guard: error: ",
	[LOG_LEVEL_WARNING] = "rand-guard: warning: ",
	[LOG_LEVEL_INFO] = "rand-guard: ",
	[LOG_LEVEL_DEBUG] = "rand-guard: debug: ",
};

void log_set_level(enum log_level level)
{
	max_level = level;
}

bool log_is_on(enum log_level level)
{
	return level <= max_level;
}

void log_message(enum log_level level, const char *fmt, ...)
{
	char line[2048]; /* longer messages are cut; paths have at most 4096 bytes, but few are long */
	va_list args;
	size_t len;
	int n;

	if (!log_is_on(level))
		return;
	len = (size_t)snprintf(line, sizeof(line), "%s", prefixes[level]);
	va_start(args, fmt);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	len = MIN(len + (size_t)n, sizeof(line) - 2);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* stderr is gone: nobody is left to tell */
}
