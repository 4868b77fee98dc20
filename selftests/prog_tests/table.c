/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process table under pressure: who stays, what is counted, and what each counter means. */
#include <errno.h>
#include <sys/wait.h>

#include "loader.h"
#include "probe.h"
#include "test_table.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Table and health only; what is read is the map. */
#define QUIET "process = { enabled = false; }; health = { interval_seconds = 1; }; "

static void start_quiet(struct agent_test *t, struct table *table, unsigned int max_rows)
{
	char settings[256];

	snprintf(settings, sizeof(settings), QUIET "performance = { max_process_cache_entries = %u; };",
		 max_rows);
	agent_start(t, settings);
	table_open(table, t->pin_path);
	cr_assert_eq(table->max_rows, max_rows);
}

/* Rows in use leave no room for tests at small sizes: this makes some, and the agent counts it as evicted. */
static uint64_t make_room(struct table *table, struct agent_test *t)
{
	struct books books;
	uint64_t before;

	table_balance(table, t, &books);
	before = books.evicted;
	cr_assert_gt(table_forget_host(table), 0);
	table_balance(table, t, &books);
	cr_assert_gt(books.evicted, before);
	return books.evicted;
}

static void check_size(const struct table *table, const struct books *books)
{
	/* One insert a CPU can be under way. */
	cr_assert_leq(books->live + books->exited,
		      MAX(books->live, table->max_rows) + (unsigned int)libbpf_num_possible_cpus());
	cr_assert_eq(books->stats.insert_failed, 0);
	cr_assert_eq(books->stats.queue_failed, 0);
}

/* Rows of processes that never were, all ended, as if they had been inserted by the programs. */
static void fill_with_exited(const struct table *table, unsigned int n)
{
	struct rg_proc row = { .state = RG_PROC_EXITED, .exit_time_ns = 1, .comm = "never was" };
	struct rg_exited exited;
	struct rg_proc_key key;
	unsigned int i;

	for (i = 0; i < n; i++) {
		key.pid = key.tid = 1000000000 + i; /* beyond any pid_max */
		row.pid = row.tid = key.pid;
		row.start_time_ns = 1 + i;
		exited = (struct rg_exited){ row.start_time_ns, key };
		cr_assert_eq(bpf_map_update_elem(table->map[MAP_PROC_TABLE], &key, &row, BPF_NOEXIST), 0);
		__atomic_fetch_add(&table->state->stats.inserted, 1, __ATOMIC_SEQ_CST);
		cr_assert_eq(bpf_map_update_elem(table->map[MAP_EXITED_QUEUE], NULL, &exited, 0), 0);
	}
}

/*
 * Sleepers beside short processes, first on one CPU, then on two: all sleepers keep their rows, nothing
 * is evicted, and the room was made by the longest ended.
 */
static void exited_first(unsigned int max_rows, unsigned int nr_sleepers, unsigned int nr_short,
			 bool small)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *sleepers = NULL;
	_cleanup_table_ struct table table;
	struct books books, before;
	uint64_t evicted = 0;

	table_needs_host();
	start_quiet(&t, &table, max_rows);
	if (small)
		evicted = make_room(&table, &t);
	else
		table_balance(&table, &t, &books);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	sleepers = crowd_hold(&crowd, nr_sleepers);
	table_books(&table, &before);
	if (max_rows > 50000)
		fill_with_exited(&table, max_rows - (unsigned int)(before.live + before.exited));
	crowd_do(&crowd, "mix %u", nr_short);
	crowd_do(&crowd, "mix2 %u", nr_short);
	cr_assert_eq(table_nr_live(&table, sleepers, nr_sleepers), nr_sleepers);
	cr_assert(table_is_live(&table, crowd.pid));
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, evicted);
	cr_assert_geq(books.stats.inserted - before.stats.inserted, 2ULL * nr_short);
	if (2 * nr_short > max_rows || max_rows > 50000)
		cr_assert_geq(books.stats.reclaimed - before.stats.reclaimed + max_rows,
			      2ULL * nr_short);
	check_size(&table, &books);
	crowd_do(&crowd, "release");
	cr_assert_eq(table_nr_live(&table, sleepers, nr_sleepers), 0);
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, evicted);
}

Test(table, exited_first_of_64)
{
	exited_first(64, 12, test_count(10000), true);
}

Test(table, exited_first_of_1024)
{
	exited_first(1024, test_count(400), test_count(10000), false);
}

Test(table, exited_first_of_5000)
{
	exited_first(5000, test_count(500), test_count(10000), false);
}

/* Not as many processes as rows: ended ones that the test writes fill the rest. */
Test(table, exited_first_of_100000)
{
	exited_first(100000, test_count(500), test_count(5000), false);
}
