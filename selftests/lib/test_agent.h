/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A real agent for a test: its settings, its lines as they come, and helper programs for it to see.
 *
 * Every wait is for a line or an end of output and is bounded (RAND_GUARD_TEST_SECONDS, default 60). Only
 * processes that the test started are looked at.
 */
#ifndef RG_TEST_AGENT_H
#define RG_TEST_AGENT_H

#include <sys/types.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "util.h"

struct agent_test {
	pid_t pid; /* 0: ended */
	int out; /* its stdout */
	char dir[64]; /* a directory of the test's own, removed at the end */
	char config[128]; /* the settings file in it */
	char log[128]; /* its stderr */
	char pin_path[64];
	char *partial; /* a line that hasn't ended */
	size_t partial_len;
	char **texts; /* lines as they came */
	cJSON **lines; /* and parsed */
	size_t nr_lines;
};

/* Ends the test as skipped, with its reason, unless programs can be loaded. First in every test. */
void agent_needs_root(void);

/*
 * Starts one with these settings (libconfig text, may be ""; pin_path is added) and waits until it
 * watches. RAND_GUARD_TEST_HOOK is the exec source hook, RAND_GUARD_TEST_AGENT
 * the program, where they are set.
 */
void agent_start(struct agent_test *t, const char *settings);
/* Likewise, but doesn't wait for a line. */
void agent_launch(struct agent_test *t, const char *settings);
/* Again with the same settings file and directory, after it has ended. */
void agent_restart(struct agent_test *t);
/* SIGTERM, then its exit status and all that it still wrote. */
int agent_stop(struct agent_test *t);
/* Waits for it to end. */
int agent_wait_end(struct agent_test *t);
void agent_clear(struct agent_test *t);
#define _cleanup_agent_ _cleanup_(agent_clear)

/* What it said on stderr so far; static. */
const char *agent_log(const struct agent_test *t);
/* Waits until its log holds that. */
void agent_wait_log(const struct agent_test *t, const char *text);

/* The first line from index *from (NULL: 0) on that has key == value; waits for it. *from is then behind it. */
const cJSON *agent_line_u64(struct agent_test *t, const char *event_type, const char *key, uint64_t value,
			    size_t *from);
#define agent_line(t, event_type, key, value) agent_line_u64(t, event_type, key, (uint64_t)(value), NULL)
/* The next line of that type from *from on. */
const cJSON *agent_next(struct agent_test *t, const char *event_type, size_t *from);
/* Everything that happened before the call has its line when it returns. */
void agent_sync(struct agent_test *t);
/* Lines of that type with key == value among those that have come. */
size_t agent_count(const struct agent_test *t, const char *event_type, const char *key, uint64_t value);
/* The text of a line that agent_line() gave. */
const char *agent_text(const struct agent_test *t, const cJSON *line);

/* Values of a line; a missing key or another type fails the test. */
uint64_t line_u64(const cJSON *line, const char *key);
const char *line_str(const cJSON *line, const char *key); /* NULL for null */
bool line_bool(const cJSON *line, const char *key);

/* --- programs --- */

struct run {
	pid_t pid;
	int status; /* as waitpid gives it */
	char out[16384];
};

/* The path of a helper; static buffers, four at a time. */
const char *helper(const char *name);
/* A path of the test's own directory; static buffers, four at a time. */
const char *test_path(const struct agent_test *t, const char *name);
/* Runs argv (NULL-terminated) to its end, its output kept. */
void run(struct run *ret, const char *const argv[]);
#define RUN(ret, ...) run(ret, (const char *const[]){ __VA_ARGS__, NULL })
/* The number behind "WORD " at a line's beginning of the output; fails the test if it isn't there. */
pid_t run_number(const struct run *run, const char *word);
/* A copy of a program under another name, in the test's directory; the path is static. */
const char *copy_program(const struct agent_test *t, const char *program, const char *name);
void write_file(const char *path, const char *text, int mode);
/* Seconds that a wait may take. */
int test_seconds(void);
uint64_t test_now_ms(void); /* CLOCK_MONOTONIC */

#endif
