/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows that are missing, or another process's: made anew where they are missed, never taken for the wrong one. */
#include "test_table.h"

#include <bpf/bpf.h>

/* Some hosts hide their init from iterators: then a row for it, or each line of ancestors ends in a miss. */
static void know_init(const struct table *table)
{
	struct rg_proc row = { .pid = 1, .tid = 1, .state = RG_PROC_LIVE, .comm = "init" };
	struct rg_proc_key key = { 1, 1 };
	_cleanup_free_ struct rg_proc *rows = NULL;
	size_t i, nr_rows;

	rows = table_rows(table, &nr_rows);
	for (i = 0; i < nr_rows && !row.start_time_ns; i++)
		if (rows[i].ppid == 1)
			row.start_time_ns = rows[i].parent_start_time_ns;
	if (!bpf_map_update_elem(table->map[MAP_PROC_TABLE], &key, &row, BPF_NOEXIST))
		__atomic_fetch_add(&table->state->stats.inserted, 1, __ATOMIC_SEQ_CST);
}

/* With records, in a table large enough that the host's own rows are no trouble; and a crowd to watch. */
static void start_watching(struct agent_test *t, struct table *table, struct crowd *crowd)
{
	table_needs_host();
	agent_start(t, "");
	table_open(table, t->pin_path);
	know_init(table);
	CROWD(crowd, helper("crowd"), helper("nothing"));
}

/* What the test caused, since nothing else on a host does that in this moment. */
#define check_grew(table, before, field, by)                                                      \
	cr_assert_eq((table)->state->stats.field - (before)->field, by, #field " grew by %llu", \
		     (table)->state->stats.field - (before)->field)

Test(table, lost_creator_is_rebuilt_at_fork)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	const cJSON *line;
	struct rg_proc row;
	pid_t child, grandchild;

	start_watching(&t, &table, &crowd);
	child = crowd_ask(&crowd, "child", "child");
	before = table.state->stats;
	table_delete(&table, child);
	grandchild = crowd_ask(&crowd, "grandchild", "act C");
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, rebuilt, 1);
	check_grew(&table, &before, stale_identity, 0);
	cr_assert(table_row(&table, child, &row));
	cr_assert_eq(row.state, RG_PROC_LIVE);
	cr_assert_eq(row.flags, RG_REBUILT);
	cr_assert_eq(row.ppid, (uint32_t)crowd.pid);
	cr_assert_str_eq(row.comm, "crowd");
	cr_assert_str_eq(row.exe, helper("crowd"));
	line = agent_line(&t, "process_relationship", "child_pid", grandchild);
	cr_assert_eq(line_u64(line, "parent_pid"), (uint64_t)child);
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("crowd"));
	/* One that made itself known again is known at its end. */
	crowd_do(&crowd, "end Q");
	line = agent_line(&t, "process_exit", "pid", child);
	cr_assert(line_bool(line, "known"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
}

/* As if no program had seen the last exec: the row is that of before, and is made anew. */
Test(table, unseen_exec_is_found_at_fork_and_exit)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_proc before_exec, row;
	struct rg_proc_key key;
	struct rg_stats before;
	const cJSON *line;
	uint64_t written;
	pid_t child;

	start_watching(&t, &table, &crowd);
	child = crowd_ask(&crowd, "child", "child");
	cr_assert(table_row(&table, child, &before_exec));
	crowd_do(&crowd, "act E");
	cr_assert(table_row(&table, child, &row));
	cr_assert_eq(row.exec_id, (before_exec.exec_id + 1) & 0xffff);
	key = (struct rg_proc_key){ (uint32_t)child, (uint32_t)child };
	before = table.state->stats;
	cr_assert_eq(bpf_map_update_elem(table.map[MAP_PROC_TABLE], &key, &before_exec, BPF_EXIST), 0);
	written = table.state->control.creators_written;
	crowd_ask(&crowd, "grandchild", "act C");
	/* Its name is another one for whoever has it as an ancestor. */
	cr_assert_gt(table.state->control.creators_written, written);
	/* Found once: from then on the row is right. The creator is still the one that the fork knew. */
	check_grew(&table, &before, stale_images, 1);
	check_grew(&table, &before, rebuilt, 0);
	cr_assert(table_row(&table, child, &row));
	cr_assert_eq(row.exec_id, (before_exec.exec_id + 1) & 0xffff);
	cr_assert_str_eq(row.comm, "exe");
	cr_assert_eq(row.ppid, (uint32_t)crowd.pid);
	cr_assert_eq(row.parent_start_time_ns, before_exec.parent_start_time_ns);
	/* At its end there is no file to be found any more, and none is made up. */
	cr_assert_eq(bpf_map_update_elem(table.map[MAP_PROC_TABLE], &key, &before_exec, BPF_EXIST), 0);
	crowd_do(&crowd, "end Q");
	check_grew(&table, &before, stale_images, 2);
	line = agent_line(&t, "process_exit", "pid", child);
	cr_assert_not(line_bool(line, "known"));
	cr_assert_null(line_str(line, "exe_path"));
	cr_assert_str_eq(line_str(line, "comm"), "exe");
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
	cr_assert(table_row(&table, child, &row));
	cr_assert_eq(row.state, RG_PROC_EXITED);
	cr_assert_str_eq(row.comm, "exe");
}

Test(table, lost_row_is_rebuilt_at_exec)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	const cJSON *line;
	struct rg_proc row;
	pid_t child;

	start_watching(&t, &table, &crowd);
	child = crowd_ask(&crowd, "child", "child");
	before = table.state->stats;
	table_delete(&table, child);
	crowd_do(&crowd, "act E");
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, rebuilt, 1);
	cr_assert(table_row(&table, child, &row));
	cr_assert_eq(row.flags, RG_REBUILT);
	cr_assert_eq(row.ppid, (uint32_t)crowd.pid);
	line = agent_line(&t, "process_start", "pid", child);
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("crowd"));
	cr_assert_str_eq(line_str(line, "source"), "execve");
	crowd_do(&crowd, "end Q");
}

/* The row of the parent is asked for at the child's exec. */
Test(table, lost_parent_is_rebuilt_at_exec)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	const cJSON *line;
	struct rg_proc row;
	pid_t child;

	start_watching(&t, &table, &crowd);
	child = crowd_ask(&crowd, "child", "child");
	before = table.state->stats;
	table_delete(&table, crowd.pid);
	crowd_do(&crowd, "act E");
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, rebuilt, 1);
	cr_assert(table_row(&table, crowd.pid, &row));
	cr_assert_eq(row.flags, RG_REBUILT);
	cr_assert_eq(row.ppid, (uint32_t)getpid());
	line = agent_line(&t, "process_start", "pid", child);
	cr_assert_str_eq(line_str(line, "parent_comm"), "crowd");
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("crowd"));
	cr_assert_eq(line_u64(cJSON_GetArrayItem(cJSON_GetObjectItem(line, "ancestors"), 1), "pid"),
		     (uint64_t)getpid());
	crowd_do(&crowd, "end Q");
}

Test(table, lost_row_at_exit)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	const cJSON *line;
	struct rg_proc row;
	pid_t child;

	start_watching(&t, &table, &crowd);
	child = crowd_ask(&crowd, "child", "child");
	before = table.state->stats;
	table_delete(&table, child);
	crowd_do(&crowd, "end Q");
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, rebuilt, 1);
	cr_assert(table_row(&table, child, &row), "for who asks for it later");
	cr_assert_eq(row.state, RG_PROC_EXITED);
	line = agent_line(&t, "process_exit", "pid", child);
	cr_assert_not(line_bool(line, "known"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
	/* From 6.16 on it still has its memory, which knows. */
	if (line_str(line, "exe_path"))
		cr_assert_str_eq(line_str(line, "exe_path"), helper("crowd"));
	cr_assert_str_eq(line_str(line, "comm"), "crowd");
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)child), 1);
}

/* A number that nobody has: a process had it, and has ended. */
static pid_t used_number(struct crowd *crowd)
{
	pid_t pid = crowd_ask(crowd, "child", "child");

	crowd_do(crowd, "act E");
	crowd_do(crowd, "end Q");
	return pid;
}

/* A process with that number. */
static void start_as(struct crowd *crowd, pid_t pid)
{
	cr_assert_eq(crowd_ask(crowd, "as", "as %d", pid), pid, "the kernel does not let choose numbers");
}

/* The number of a process that has ended comes again, while its row is still there: a new one takes its place. */
Test(table, reused_number)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	struct rg_proc old, row;
	const cJSON *line;
	size_t from = 0;
	pid_t pid;

	start_watching(&t, &table, &crowd);
	pid = used_number(&crowd);
	cr_assert(table_row(&table, pid, &old));
	cr_assert_eq(old.state, RG_PROC_EXITED);
	cr_assert_str_eq(old.comm, "exe"); /* of /proc/self/exe */
	before = table.state->stats;
	start_as(&crowd, pid);
	check_grew(&table, &before, stale_identity, 1);
	check_grew(&table, &before, deleted, 1);
	check_grew(&table, &before, insert_failed, 0);
	check_grew(&table, &before, rebuilt, 0);
	cr_assert(table_row(&table, pid, &row));
	cr_assert_eq(row.state, RG_PROC_LIVE);
	cr_assert_gt(row.start_time_ns, old.start_time_ns);
	cr_assert_eq(row.exit_time_ns, 0);
	cr_assert_str_eq(row.comm, "crowd", "its creator's, not its forerunner's");
	cr_assert_str_eq(row.exe, helper("crowd"));
	cr_assert_eq(row.ppid, (uint32_t)crowd.pid);
	crowd_do(&crowd, "end E");
	/* The second process of that number. */
	agent_line_u64(&t, "process_exit", "pid", (uint64_t)pid, &from);
	line = agent_line_u64(&t, "process_start", "pid", (uint64_t)pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("nothing"));
	cr_assert_eq(line_u64(line, "start_time_ns"), row.start_time_ns);
	line = agent_line_u64(&t, "process_exit", "pid", (uint64_t)pid, &from);
	cr_assert(line_bool(line, "known"));
	cr_assert_lt(line_u64(line, "duration_ns"), row.start_time_ns - old.start_time_ns + 60 * NSEC_PER_SEC);
}

/* A child whose dead parent's number has been given to somebody else has no parent, rather than a wrong one. */
Test(table, parent_number_reused)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	const cJSON *line;
	pid_t parent, child;

	start_watching(&t, &table, &crowd);
	crowd_say(&crowd, "orphan");
	parent = crowd_number(&crowd, "parent");
	child = crowd_number(&crowd, "child");
	cr_assert_str_eq(crowd_hear(&crowd), "ok");
	cr_assert_eq(crowd_ask(&crowd, "as", "sit as %d", parent), parent);
	before = table.state->stats;
	crowd_do(&crowd, "act E");
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, stale_identity, 1);
	check_grew(&table, &before, rebuilt, 0);
	line = agent_line(&t, "process_start", "pid", child);
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)parent);
	cr_assert_null(line_str(line, "parent_comm"));
	cr_assert_null(line_str(line, "parent_exe_path"));
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(line, "ancestors")), 0);
}

/*
 * The programs' own inserts fail only where a row is being deleted at the very moment in which its number comes
 * again, which can't be timed: a row that is in that state for good stands for it.
 */
Test(table, failed_insert)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct rg_proc_key key;
	struct rg_stats before;
	const cJSON *line;
	struct rg_proc row;
	size_t from = 0;
	pid_t pid;

	start_watching(&t, &table, &crowd);
	pid = used_number(&crowd);
	cr_assert(table_row(&table, pid, &row));
	row.state = RG_PROC_RECLAIMED;
	key = (struct rg_proc_key){ (uint32_t)pid, (uint32_t)pid };
	cr_assert_eq(bpf_map_update_elem(table.map[MAP_PROC_TABLE], &key, &row, BPF_EXIST), 0);
	before = table.state->stats;
	start_as(&crowd, pid);
	check_grew(&table, &before, insert_failed, 1);
	check_grew(&table, &before, stale_identity, 1);
	check_grew(&table, &before, deleted, 0);
	/* Once it is gone, the process's exec puts it in after all. */
	table_delete(&table, pid);
	crowd_do(&crowd, "end E");
	check_grew(&table, &before, insert_failed, 1);
	check_grew(&table, &before, lookup_misses, 1);
	check_grew(&table, &before, rebuilt, 1);
	agent_line_u64(&t, "process_exit", "pid", (uint64_t)pid, &from);
	line = agent_line_u64(&t, "process_start", "pid", (uint64_t)pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("nothing"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
	line = agent_line_u64(&t, "process_exit", "pid", (uint64_t)pid, &from);
	cr_assert(line_bool(line, "known"));
}
