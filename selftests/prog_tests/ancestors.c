/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A start's ancestors. The programs keep those of one exec for the next one of the same creator on that CPU: what
 * changed in between must be seen, by whichever way it came.
 */
#include <limits.h>

#include "test_agent.h"

/* From the nearest on: those made by the elder's child, or by itself, up to the test. */
static void check_ancestors(struct agent_test *t, const struct run *r, const char *word, const char *elder)
{
	const cJSON *line = agent_line(t, "process_start", "pid", run_number(r, word)), *ancestor;
	const cJSON *ancestors = cJSON_GetObjectItem(line, "ancestors");
	pid_t child = run_number(r, "child");
	int i = 0;

	cr_assert_str_eq(line_str(line, "comm"), "quit", "%s", word);
	if (line_u64(line, "ppid") == (uint64_t)child) {
		ancestor = cJSON_GetArrayItem(ancestors, i++);
		cr_assert_eq(line_u64(ancestor, "pid"), (uint64_t)child, "%s", word);
		cr_assert_str_eq(line_str(ancestor, "comm"), "elder", "%s", word);
	}
	ancestor = cJSON_GetArrayItem(ancestors, i++);
	cr_assert_eq(line_u64(ancestor, "pid"), (uint64_t)r->pid, "%s", word);
	cr_assert_str_eq(line_str(ancestor, "comm"), elder, "%s", word);
	ancestor = cJSON_GetArrayItem(ancestors, i);
	cr_assert_eq(line_u64(ancestor, "pid"), (uint64_t)getpid(), "%s", word);
}

static void check_creator(struct agent_test *t, const struct run *r, const char *word, pid_t creator)
{
	const cJSON *line = agent_line(t, "process_start", "pid", run_number(r, word));

	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)creator, "%s", word);
}

Test(ancestors, a_name_taken_between_two_execs)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("elder"), helper("quit"), "child:first", "child:second", "name:other", "child:third", "child:fourth",
	    "name:yet_another", "child:fifth");
	cr_assert_eq(r.status, 0);
	check_ancestors(&t, &r, "first", "elder");
	check_ancestors(&t, &r, "second", "elder");
	check_ancestors(&t, &r, "third", "other");
	check_ancestors(&t, &r, "fourth", "other");
	check_ancestors(&t, &r, "fifth", "yet_another");
}

/* Twice: the second one's row is of an image that has made no process, and its process has. */
Test(ancestors, an_exec_between_two_execs)
{
	_cleanup_agent_ struct agent_test t;
	char second[PATH_MAX + 8], third[PATH_MAX + 8];
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(second, sizeof(second), "exec:%s", copy_program(&t, helper("elder"), "second"));
	snprintf(third, sizeof(third), "exec:%s", copy_program(&t, helper("elder"), "third"));
	RUN(&r, helper("elder"), helper("quit"), "child:first", second, "child:two", third, "child:three");
	cr_assert_eq(r.status, 0);
	check_ancestors(&t, &r, "first", "elder");
	check_ancestors(&t, &r, "two", "second");
	check_ancestors(&t, &r, "three", "third");
}

Test(ancestors, creators_by_turns)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("elder"), helper("quit"), "child:first", "self:second", "child:third", "self:fourth", "self:fifth");
	cr_assert_eq(r.status, 0);
	check_creator(&t, &r, "first", run_number(&r, "child"));
	check_creator(&t, &r, "second", r.pid);
	check_creator(&t, &r, "third", run_number(&r, "child"));
	check_creator(&t, &r, "fourth", r.pid);
	check_ancestors(&t, &r, "first", "elder");
	check_ancestors(&t, &r, "second", "elder");
	check_ancestors(&t, &r, "third", "elder");
	check_ancestors(&t, &r, "fourth", "elder");
	check_ancestors(&t, &r, "fifth", "elder");
}
