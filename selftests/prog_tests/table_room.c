/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process table under pressure: who stays, how many fit, and what is counted as evicted. */
#include "config_table.h"
#include "loader.h"
#include "probe.h"
#include "test_table.h"
#include "traits.h"

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

static int64_t nr_rows(const struct table *table)
{
	const struct rg_stats *s = &table->state->stats;

	return (int64_t)(s->inserted - s->deleted - s->reclaimed - table->state->control.evicted);
}

#define FAKE_PID 1000000000U /* beyond any pid_max */
/* Rows that are left to the host, which goes on meanwhile: fewer than ended leaves fill. */
#define FILL_LEAVES (RG_LEAVES / 2)

/* Rows of creators that never were, all ended, as if the programs had inserted them. */
static void fill_with_exited(const struct table *table)
{
	struct rg_proc row = {
		.state = RG_PROC_EXITED, .flags = RG_HAS_CREATED, .exit_time_ns = 1, .comm = "never was"
	};
	struct rg_exited exited;
	struct rg_proc_key key = { FAKE_PID, FAKE_PID };

	for (; nr_rows(table) < table->max_rows - FILL_LEAVES; key.pid++, key.tid++) {
		row.pid = row.tid = key.pid;
		row.start_time_ns = key.pid;
		exited = (struct rg_exited){ row.start_time_ns, key };
		if (bpf_map_update_elem(table->map[MAP_EXITED_QUEUE], NULL, &exited, 0))
			break; /* full of rows that gave their number to another process */
		cr_assert_eq(bpf_map_update_elem(table->map[MAP_PROC_TABLE], &key, &row, BPF_NOEXIST), 0);
		__atomic_fetch_add(&table->state->stats.inserted, 1, __ATOMIC_SEQ_CST);
	}
}

static bool is_leaf(const struct rg_proc *row)
{
	return row->state == RG_PROC_EXITED &&
	       !(row->flags & (RG_HAS_CREATED | RG_SNAPSHOT | RG_REBUILT));
}

static bool is_ours(const struct rg_proc *row)
{
	return !strcmp(row->comm, "crowd") || !strcmp(row->comm, "nothing");
}

/* A crowd's leaves among the rows: not more than are kept, and the latest. */
static void check_leaves(const struct table *table, uint64_t since_ns)
{
	_cleanup_free_ struct rg_proc *rows = NULL;
	unsigned int n = 0;
	size_t nr, i;

	rows = table_rows(table, &nr);
	for (i = 0; i < nr; i++) {
		if (!is_leaf(&rows[i]) || !is_ours(&rows[i]))
			continue;
		n++;
		cr_assert_geq(rows[i].exit_time_ns, since_ns);
	}
	cr_assert_leq(n, RG_LEAVES + (unsigned int)libbpf_num_possible_cpus() /* under way */);
}

/* Whatever of the crowd's has ended and is still there waits somewhere to make room. Empties the queue. */
static void check_all_wait(const struct table *table)
{
	_cleanup_free_ struct rg_exited *queue = calloc(table->max_rows, sizeof(*queue));
	_cleanup_free_ struct rg_proc *rows = NULL;
	const struct rg_leaves *leaves = &table->state->leaves;
	size_t nr_rows, nr_queue = 0, i, j;
	bool waits;

	rows = table_rows(table, &nr_rows);
	while (nr_queue < table->max_rows &&
	       !bpf_map_lookup_and_delete_elem(table->map[MAP_EXITED_QUEUE], NULL, &queue[nr_queue]))
		nr_queue++;
	for (i = 0; i < nr_rows; i++) {
		if (rows[i].state != RG_PROC_EXITED || !is_ours(&rows[i]))
			continue;
		waits = false;
		for (j = 0; j < RG_LEAVES; j++)
			waits = waits || leaves->pid[j] == rows[i].pid;
		for (j = 0; j < nr_queue; j++)
			waits = waits || (queue[j].key.pid == rows[i].pid &&
					  queue[j].start_time_ns == rows[i].start_time_ns);
		cr_assert(waits, "'%s', flags %#x", rows[i].comm, rows[i].flags);
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
	uint64_t evicted = 0, since_ns;

	table_needs_host();
	start_quiet(&t, &table, max_rows);
	if (small)
		evicted = make_room(&table, &t);
	else
		table_balance(&table, &t, &books);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	sleepers = crowd_hold(&crowd, nr_sleepers);
	if (!small)
		fill_with_exited(&table);
	table_books(&table, &before);
	crowd_do(&crowd, "mix %u", nr_short);
	since_ns = clock_ns(CLOCK_BOOTTIME);
	crowd_do(&crowd, "mix2 %u", nr_short);
	check_leaves(&table, since_ns);
	cr_assert_eq(table_nr_live(&table, sleepers, nr_sleepers), nr_sleepers);
	cr_assert(table_is_live(&table, crowd.pid));
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, evicted, "%llu rows evicted of %llu + %llu",
		     (unsigned long long)(books.evicted - evicted), (unsigned long long)books.live,
		     (unsigned long long)books.exited);
	cr_assert_geq(books.stats.inserted - before.stats.inserted, 2ULL * nr_short);
	/* All but those that fit have made room again, or given their number to another one. */
	cr_assert_geq(books.stats.reclaimed + books.stats.deleted + max_rows,
		      before.stats.reclaimed + before.stats.deleted + before.live + before.exited +
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

Test(table, exited_first_of_100000)
{
	exited_first(100000, test_count(500), test_count(5000), false);
}

/* Beside leaves a creator that has ended stays, however many end after it: others descend from it. */
Test(table, ended_creator_outlives_leaves)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	_cleanup_free_ struct rg_proc *rows = NULL;
	unsigned int nr_leaves = 0;
	struct rg_proc row;
	uint64_t since_ns;
	size_t nr, i;
	pid_t pid;

	table_needs_host();
	start_quiet(&t, &table, 1024);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_say(&crowd, "orphan");
	pid = crowd_number(&crowd, "parent");
	crowd_number(&crowd, "child");
	cr_assert_str_eq(crowd_hear(&crowd), "ok");
	crowd_do(&crowd, "mix2 1024");
	since_ns = clock_ns(CLOCK_BOOTTIME);
	crowd_do(&crowd, "mix2 1024");
	check_leaves(&table, since_ns);
	cr_assert(table_row(&table, pid, &row));
	cr_assert_eq(row.state, RG_PROC_EXITED);
	cr_assert(row.flags & RG_HAS_CREATED);
	cr_assert_eq(row.ppid, (uint32_t)crowd.pid);
	/* And of leaves as many as are kept are there: no less, while there is room. */
	rows = table_rows(&table, &nr);
	for (i = 0; i < nr; i++)
		nr_leaves += is_leaf(&rows[i]);
	cr_assert_geq(nr_leaves + (unsigned int)libbpf_num_possible_cpus(), RG_LEAVES);
	crowd_do(&crowd, "end Q");
}

/* In a full table leaves go first, then the longest ended creator; and no more than are in the way. */
Test(table, ended_creators_go_in_order)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	_cleanup_free_ struct rg_proc *rows = NULL;
	uint32_t first = UINT32_MAX, last = 0;
	unsigned int nr_fakes = 0, nr_leaves = 0;
	uint64_t since_ns;
	struct books books;
	size_t nr, i;

	table_needs_host();
	start_quiet(&t, &table, 1024);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	/* The ring has gone round; so many pairs need the room of all these leaves. */
	crowd_do(&crowd, "exec %u", 2 * RG_LEAVES);
	since_ns = clock_ns(CLOCK_BOOTTIME);
	fill_with_exited(&table);
	crowd_do(&crowd, "pairs %u", RG_LEAVES - 8);
	check_leaves(&table, since_ns);
	crowd_do(&crowd, "pairs %u", 4 * RG_LEAVES);
	rows = table_rows(&table, &nr);
	for (i = 0; i < nr; i++) {
		nr_leaves += is_leaf(&rows[i]);
		if (rows[i].pid < FAKE_PID)
			continue;
		first = MIN(first, rows[i].pid);
		last = MAX(last, rows[i].pid);
		nr_fakes++;
	}
	cr_assert_lt(nr_leaves, RG_LEAVES / 2, "they go before creators");
	cr_assert_gt(first, FAKE_PID, "the first has gone");
	cr_assert_eq(last - first + 1, nr_fakes, "but none behind one that stays");
	cr_assert_geq(nr + 8 * (unsigned int)libbpf_num_possible_cpus(), table.max_rows);
	table_balance(&table, &t, &books);
	check_size(&table, &books);
	check_all_wait(&table);
}

/* Whose numbers have been used again is in the queue for nothing, and may fill it: the oldest entries make room. */
Test(table, queue_of_the_ended_is_full)
{
	struct rg_exited stale = { .key = { FAKE_PID, FAKE_PID } };
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct books books;

	table_needs_host();
	start_quiet(&t, &table, 1024);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_do(&crowd, "exec %u", RG_LEAVES);
	while (!bpf_map_update_elem(table.map[MAP_EXITED_QUEUE], NULL, &stale, 0))
		;
	crowd_do(&crowd, "pairs 40");
	table_balance(&table, &t, &books);
	check_size(&table, &books);
	check_all_wait(&table);
}

/* Where two threads can each seem to be the last, the row tells the second of the first: it stays. */
Test(table, end_that_two_may_report)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct traits traits = { 0 };
	struct rg_proc row;
	struct run r;

	table_needs_host();
	start_quiet(&t, &table, 1024);
	cr_assert_eq(traits_read(&traits), 0);
	RUN(&r, helper("threads"), "leave");
	cr_assert_eq(WEXITSTATUS(r.status), 3);
	cr_assert(table_row(&table, r.pid, &row));
	cr_assert_eq(row.state, RG_PROC_EXITED);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_do(&crowd, "mix2 %u", 4 * RG_LEAVES);
	cr_assert_eq(table_row(&table, r.pid, &row), !traits.exit_has_group_dead);
}

/* More live processes than rows: the least recently used go, and no ended one is kept. */
Test(table, all_live_overflow)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *sleepers = NULL;
	_cleanup_table_ struct table table;
	const unsigned int n = 600;
	struct books books;
	struct rg_proc row;

	table_needs_host();
	start_quiet(&t, &table, 64);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	/* Had each row been used, the LRU would take the oldest one, used or not: it forgets order then. */
	sleepers = crowd_rest(&crowd, n);
	cr_assert(table_row(&table, crowd.pid, &row), "used all the time");
	cr_assert_not(row.flags & RG_REBUILT);
	cr_assert_not(table_is_live(&table, sleepers[0]), "the oldest");
	table_balance(&table, &t, &books);
	cr_assert_geq(books.evicted, n - table.allocated);
	cr_assert_leq(books.live + books.exited, table.allocated);
	cr_assert_gt(books.live, 64);
	/* What ends now goes at once. */
	crowd_do(&crowd, "mix %u", test_count(1000));
	table_balance(&table, &t, &books);
	cr_assert_leq(books.exited, (unsigned int)libbpf_num_possible_cpus());
	cr_assert(table_row(&table, crowd.pid, &row));
	cr_assert_not(row.flags & RG_REBUILT);
	/* Few again: the table is as before, and keeps ended rows. */
	crowd_do(&crowd, "release");
	make_room(&table, &t);
	crowd_do(&crowd, "mix 40");
	table_balance(&table, &t, &books);
	cr_assert_gt(books.exited, 0);
}

/* Live rows up to the very size that was asked for, made on both CPUs: nothing is evicted. */
static void fill_with_live(unsigned int max_rows)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *sleepers = NULL;
	_cleanup_table_ struct table table;
	struct books books;
	const cJSON *line;
	unsigned int n;
	uint64_t evicted;

	table_needs_host();
	start_quiet(&t, &table, max_rows);
	line = agent_line(&t, "agent_start", "process_table_max", max_rows);
	cr_assert_eq(line_u64(line, "process_table_allocated"), table.allocated);
	n = (unsigned int)libbpf_num_possible_cpus();
	cr_assert(table.allocated == loader_table_entries(max_rows, n, true) ||
		  table.allocated == loader_table_entries(max_rows, n, false));
	evicted = make_room(&table, &t);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_do(&crowd, "mix2 200"); /* free nodes lie with both CPUs */
	table_books(&table, &books);
	/* The host's own processes may want a few. */
	n = max_rows - (unsigned int)books.live - 20;
	sleepers = crowd_hold(&crowd, n);
	table_balance(&table, &t, &books);
	cr_assert_geq(books.live, n);
	if (books.live <= max_rows)
		cr_assert_eq(books.evicted, evicted);
	cr_assert_eq(table_nr_live(&table, sleepers, n), n);
	/* And it stays so beside short ones, for which there is hardly room. */
	crowd_do(&crowd, "mix2 2000");
	cr_assert_eq(table_nr_live(&table, sleepers, n), n);
	table_balance(&table, &t, &books);
	if (books.live <= max_rows)
		cr_assert_eq(books.evicted, evicted);
}

Test(table, capacity_of_64)
{
	fill_with_live(64);
}

Test(table, capacity_of_128)
{
	fill_with_live(128);
}

Test(table, capacity_of_1024)
{
	fill_with_live(1024);
}

static void check_growth(const struct rg_stats *now, const struct rg_stats *last)
{
	cr_assert_geq(now->inserted, last->inserted);
	cr_assert_geq(now->deleted, last->deleted);
	cr_assert_geq(now->reclaimed, last->reclaimed);
	cr_assert_geq(now->lookup_misses, last->lookup_misses);
	cr_assert_geq(now->stale_identity, last->stale_identity);
	cr_assert_geq(now->rebuilt, last->rebuilt);
	/* Rows by the books: what was read later can only be more. */
	cr_assert_geq(now->inserted, last->deleted + last->reclaimed);
	cr_assert_lt(now->nr_pending_sources, 1000);
}

/*
 * Counted as often as it can be while rows come, end, and are evicted: what it says never shrinks, is never
 * more than has happened, and in the end it is right to the row.
 */
Test(table, books_under_load)
{
	_cleanup_(probe_freep) struct probe *probe = NULL;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *sleepers = NULL;
	struct config *config = config_new_default();
	struct rg_stats last = { 0 }, now;
	struct probe_table table = { 0 }, before;
	unsigned int nr_counts = 0;
	uint64_t until;

	table_needs_host();
	config->performance.max_process_cache_entries = 64;
	free(config->ebpf.pin_path);
	config->ebpf.pin_path = strdup("");
	cr_assert_eq(probe_new(config, &probe), 0);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	sleepers = crowd_hold(&crowd, 200);
	crowd_say(&crowd, "mix2 %u", test_count(20000));
	crowd_say(&crowd, "release");
	until = test_now_ms() + 1000ULL * (unsigned int)test_seconds();
	while (!crowd_has_line(&crowd) || !nr_counts) {
		before = table;
		cr_assert_eq(probe_count(probe, &table), 0);
		now = probe_state(probe)->stats;
		check_growth(&now, &last);
		cr_assert_geq(table.evicted, before.evicted);
		cr_assert_geq(now.inserted, now.deleted + now.reclaimed);
		last = now;
		nr_counts++;
		cr_assert_lt(test_now_ms(), until);
	}
	cr_assert_str_eq(crowd_hear(&crowd), "ok");
	cr_assert_str_eq(crowd_hear(&crowd), "ok");
	cr_log_info("%u counts, %llu evicted", nr_counts, (unsigned long long)table.evicted);
	cr_assert_gt(table.evicted, 0);
	/* At rest: nothing moves while it counts. */
	wait_until(({
		now = probe_state(probe)->stats;
		cr_assert_eq(probe_count(probe, &table), 0);
		now.inserted == probe_state(probe)->stats.inserted &&
			now.deleted == probe_state(probe)->stats.deleted &&
			now.reclaimed == probe_state(probe)->stats.reclaimed;
	}));
	cr_assert_eq(now.inserted, now.deleted + now.reclaimed + table.evicted + table.live + table.exited,
		     "inserted %llu deleted %llu reclaimed %llu evicted %llu live %llu exited %llu",
		     now.inserted, now.deleted, now.reclaimed, (unsigned long long)table.evicted,
		     (unsigned long long)table.live, (unsigned long long)table.exited);
	config_free(config);
}
