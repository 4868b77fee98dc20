/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table depends on nothing in userspace: an agent that stands still, and a ring that is full. */
#include <dirent.h>
#include <signal.h>

#include "test_table.h"

/* Does /proc have this very process, and does it live? */
static bool runs(const struct rg_proc *row)
{
	unsigned long long start = 0;
	char path[64], line[1024];
	const char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", row->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!rest || rest[2] == 'Z' || rest[2] == 'X')
		return false;
	sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	       &start);
	return start == row->start_time_ns / (NSEC_PER_SEC / (unsigned int)sysconf(_SC_CLK_TCK));
}

/* The live rows are what runs; a process that ends between both looks is looked at again. */
static void check_live_rows(const struct table *table)
{
	_cleanup_free_ struct rg_proc *rows = NULL;
	struct rg_proc again;
	size_t i, nr_rows;

	rows = table_rows(table, &nr_rows);
	for (i = 0; i < nr_rows; i++) {
		if (rows[i].state != RG_PROC_LIVE || runs(&rows[i]) || rows[i].pid == 1)
			continue;
		/* A zombie has its threads' end before it, and its row's. */
		wait_until(!table_row(table, (pid_t)rows[i].pid, &again) || again.state != RG_PROC_LIVE ||
			   again.start_time_ns != rows[i].start_time_ns);
	}
}

/* And what runs has live rows. */
static void check_running(const struct table *table)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64];
	pid_t pid;

	while ((entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid < 2) /* not every host shows its init */
			continue;
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		if (table_is_live(table, pid))
			continue;
		/* Ended meanwhile, or a zombie, which has no memory any more. */
		cr_assert(readlink(path, (char[8]){ 0 }, 8) < 0, "%d runs and has no live row", pid);
	}
	closedir(dir);
}

static uint64_t sum_of(struct agent_test *t, const char *event_type, const char *key)
{
	const cJSON *item;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < t->nr_lines; i++) {
		item = cJSON_GetObjectItem(t->lines[i], "event_type");
		if (!strcmp(item->valuestring, event_type))
			sum += line_u64(t->lines[i], key);
	}
	return sum;
}

static size_t nr_lines(const struct agent_test *t, const char *event_type)
{
	return agent_count(t, event_type, NULL, 0);
}

/* Each record that the programs made is a line, or was counted as lost and said to be. */
static void check_delivered(struct agent_test *t, const struct rg_stats *stats)
{
	static const char *const names[] = { "process_relationship", "process_start", "process_exit" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		cr_assert_eq(nr_lines(t, names[i]), stats->submitted[i], "%s: %zu lines of %llu", names[i],
			     nr_lines(t, names[i]), stats->submitted[i]);
		cr_assert_eq(sum_of(t, "lost", names[i]), stats->ring_lost[i], "%s: %llu lost of %llu",
			     names[i], (unsigned long long)sum_of(t, "lost", names[i]),
			     stats->ring_lost[i]);
	}
}

/* Nobody reads: the ring is full at once, and the table goes on without. */
Test(table, agent_is_stopped)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *sleepers = NULL;
	_cleanup_table_ struct table table;
	unsigned int n = test_count(10000) & ~1U, nr_sleepers = 100;
	struct rg_stats before, after;
	struct books books;
	uint64_t made;

	table_needs_host();
	agent_start(&t, "ebpf = { @EBPF@ buffer_size = 65536; }; health = { interval_seconds = 1; };");
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	before = table.state->stats;
	kill(t.pid, SIGSTOP);
	sleepers = crowd_hold(&crowd, nr_sleepers);
	crowd_do(&crowd, "mix %u", n);
	after = table.state->stats;
	cr_assert_eq(table_nr_live(&table, sleepers, nr_sleepers), nr_sleepers);
	check_live_rows(&table);
	check_running(&table);
	cr_assert_gt(after.ring_lost[RG_RECORD_FORK], 0);
	made = after.submitted[RG_RECORD_FORK] + after.ring_lost[RG_RECORD_FORK] -
	       before.submitted[RG_RECORD_FORK] - before.ring_lost[RG_RECORD_FORK];
	cr_assert_geq(made, n + nr_sleepers);
	made = after.submitted[RG_RECORD_EXEC] + after.ring_lost[RG_RECORD_EXEC] -
	       before.submitted[RG_RECORD_EXEC] - before.ring_lost[RG_RECORD_EXEC];
	cr_assert_geq(made, (n + nr_sleepers) / 2);
	made = after.submitted[RG_RECORD_EXIT] + after.ring_lost[RG_RECORD_EXIT] -
	       before.submitted[RG_RECORD_EXIT] - before.ring_lost[RG_RECORD_EXIT];
	cr_assert_geq(made, n);
	kill(t.pid, SIGCONT);
	agent_sync(&t);
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, 0);
	cr_assert_eq(agent_stop(&t), 0);
	check_delivered(&t, &table.state->stats);
	cr_assert_leq(agent_count(&t, "process_relationship", "parent_pid", (uint64_t)crowd.pid),
		      n + nr_sleepers);
}
