/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* process.track_threads: rows and records of threads, beside the processes' and never at their cost. */
#include <sys/wait.h>

#include "test_table.h"

#define TRACKING "process = { track_threads = true; }; "

/* A process that holds n threads; their numbers, the caller's. */
static pid_t *hold_threads(struct crowd *c, unsigned int n, const char *program)
{
	pid_t *tids = calloc(n, sizeof(*tids));
	char number[16];
	unsigned int i;

	snprintf(number, sizeof(number), "%u", n);
	CROWD(c, helper("threads"), "hold", number, program);
	cr_assert_eq(crowd_number(c, "threads"), c->pid);
	for (i = 0; i < n; i++)
		tids[i] = crowd_number(c, "thread");
	cr_assert_str_eq(crowd_hear(c), "ok");
	return tids;
}

/* The host's threads come and go, too: true in a moment in which none did. */
static bool books_balance(const struct table *table)
{
	const volatile struct rg_stats *s = &table->state->stats;
	uint64_t inserted = s->threads_inserted, deleted = s->threads_deleted;
	size_t present = table_nr_threads(table);

	return inserted == s->threads_inserted && deleted == s->threads_deleted &&
	       inserted == deleted + table->state->control.threads_evicted + present;
}

/* Evictions are worked out with each health line. */
static void check_books(const struct table *table, struct agent_test *t)
{
	uint64_t until = test_now_ms() + (uint64_t)test_seconds() * 1000;
	size_t from = t->nr_lines;

	while (!books_balance(table)) {
		cr_assert_lt(test_now_ms(), until);
		agent_next(t, "health", &from);
	}
}

Test(threads, rows_and_records)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_free_ pid_t *tids = NULL;
	_cleanup_table_ struct table table;
	struct rg_proc row;
	struct crowd crowd;
	const cJSON *line;
	unsigned int i;
	pid_t pid;

	table_needs_host();
	agent_start(&t, TRACKING "health = { interval_seconds = 1; };");
	table_open(&table, t.pin_path);
	tids = hold_threads(&crowd, 10, NULL);
	pid = crowd.pid;
	for (i = 0; i < 10; i++) {
		cr_assert(table_has_thread(&table, pid, tids[i]));
		cr_assert_not(table_row(&table, tids[i], &row), "a thread is no process");
		line = agent_line(&t, "thread_start", "tid", tids[i]);
		cr_assert_eq(line_u64(line, "pid"), (uint64_t)pid);
		cr_assert_eq(line_u64(line, "creator_tid"), (uint64_t)pid);
		cr_assert_str_eq(line_str(line, "comm"), "threads");
	}
	cr_assert_not(table_has_thread(&table, pid, pid), "the leader is the process");
	crowd_end(&crowd);
	for (i = 0; i < 10; i++) {
		line = agent_line(&t, "thread_exit", "tid", tids[i]);
		cr_assert_eq(line_u64(line, "pid"), (uint64_t)pid);
		cr_assert(line_bool(line, "known"));
		cr_assert_not(table_has_thread(&table, pid, tids[i]));
	}
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "thread_start", "pid", (uint64_t)pid), 10);
	cr_assert_eq(agent_count(&t, "thread_exit", "pid", (uint64_t)pid), 10);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)pid), 1);
	cr_assert_eq(agent_count(&t, "process_relationship", "child_pid", (uint64_t)tids[0]), 0);
	check_books(&table, &t);
	cr_assert_eq(table.state->stats.threads_insert_failed, 0);
}

/* The least recently used thread goes for a new one, and no process ever does. */
Test(threads, push_out_no_process)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_free_ pid_t *tids = NULL, *sleepers = NULL;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	unsigned int n = test_count(2000), i;
	struct crowd threads;
	struct books books;
	size_t from = 0;
	const cJSON *line;

	table_needs_host();
	agent_start(&t, TRACKING "health = { interval_seconds = 1; }; performance = { "
				 "max_thread_cache_entries = 64; max_process_cache_entries = 1024; };");
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	sleepers = crowd_hold(&crowd, 200);
	tids = hold_threads(&threads, n, NULL);
	cr_assert_eq(table_nr_live(&table, sleepers, 200), 200);
	cr_assert(table_is_live(&table, threads.pid));
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, 0, "of processes");
	check_books(&table, &t);
	if (n > 1000)
		cr_assert_gt(table.state->control.threads_evicted, 0);
	from = t.nr_lines;
	line = agent_next(&t, "health", &from);
	cr_assert_leq(line_u64(line, "thread_table_size"), 64 + 64 + 16 * (unsigned int)sysconf(_SC_NPROCESSORS_CONF));
	crowd_end(&threads);
	for (i = 0; i < n; i += 100)
		agent_line(&t, "thread_exit", "tid", tids[i]);
	check_books(&table, &t);
}

/* It is the leader then: its row as a thread is gone, and so are the others'. */
Test(threads, exec_by_a_thread)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_free_ pid_t *tids = NULL;
	_cleanup_table_ struct table table;
	struct crowd crowd;
	unsigned int i;
	pid_t pid;

	table_needs_host();
	agent_start(&t, TRACKING "health = { interval_seconds = 1; };");
	table_open(&table, t.pin_path);
	tids = hold_threads(&crowd, 3, helper("nothing"));
	pid = crowd.pid;
	crowd_end(&crowd);
	agent_sync(&t);
	for (i = 0; i < 3; i++)
		cr_assert_not(table_has_thread(&table, pid, tids[i]), "%u", i);
	cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)pid), 2);
	/* The one that execs takes the leader's number, and has no end of its own. */
	cr_assert_eq(agent_count(&t, "thread_start", "pid", (uint64_t)pid), 3);
	cr_assert_eq(agent_count(&t, "thread_exit", "pid", (uint64_t)pid), 2);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)pid), 1);
	check_books(&table, &t);
}

Test(threads, off_by_default)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_free_ pid_t *tids = NULL;
	_cleanup_table_ struct table table;
	struct crowd crowd;

	table_needs_host();
	agent_start(&t, "");
	table_open(&table, t.pin_path);
	tids = hold_threads(&crowd, 50, NULL);
	cr_assert_eq(table_nr_threads(&table), 0);
	crowd_end(&crowd);
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "thread_start", NULL, 0), 0);
	cr_assert_eq(agent_count(&t, "thread_exit", NULL, 0), 0);
	cr_assert_eq(table.state->stats.threads_inserted, 0);
	cr_assert_eq(table_nr_threads(&table), 0);
}
