/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an exec came from, kept while it is under way: how many at most, and none for good. */
#include <sched.h>
#include <sys/mount.h>

#include "test_table.h"

/* A host need not have it mounted; this mount ends with the test. */
static bool mount_tracefs(void)
{
	if (!access("/sys/kernel/tracing/events/syscalls", R_OK))
		return true;
	return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) &&
	       !access("/sys/kernel/tracing/events/syscalls", R_OK);
}

/*
 * An exec that is stuck waits for its other threads to be dead. Of the hooks, "rename" comes behind that, and sees
 * nothing of it; so these tests run with the kernel's best one and with "syscalls".
 */
static void start_sources(struct agent_test *t, struct table *table, unsigned int max_pending,
			  const char *hook)
{
	char settings[128];

	if (!strcmp(hook, "syscalls") && !mount_tracefs())
		cr_skip("this kernel has no tracepoints of system calls");
	setenv("RAND_GUARD_TEST_HOOK", hook, true);
	snprintf(settings, sizeof(settings), "performance = { max_pending_exec_sources = %u; };",
		 max_pending);
	agent_start(t, settings);
	table_open(table, t->pin_path);
	if (!strcmp(line_str(t->lines[0], "exec_source_hook"), "rename"))
		cr_skip("the hook of this kernel, \"rename\", comes behind the wait");
}

static void check_none_pending(const struct table *table)
{
	wait_until(table->state->stats.nr_pending_sources == 0);
}

static void pending_sources_are_bounded(const char *hook)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd stuck;
	_cleanup_table_ struct table table;
	unsigned int i, nr_known = 0;
	struct rg_stats before;
	const char *source;
	size_t from = 0;
	pid_t pids[4];

	table_needs_host();
	start_sources(&t, &table, 1, hook);
	check_none_pending(&table);
	before = table.state->stats;
	CROWD(&stuck, helper("stuck"), "4", helper("nothing"));
	for (i = 0; i < 4; i++)
		pids[i] = crowd_number(&stuck, "stuck");
	cr_assert_str_eq(crowd_hear(&stuck), "ok");
	wait_until(table.state->stats.nr_pending_sources == 1);
	/* At least these; each exec on the host is refused meanwhile. */
	cr_assert_geq(table.state->stats.sources_refused - before.sources_refused, 3);
	crowd_do(&stuck, "go 4");
	check_none_pending(&table);
	for (i = 0; i < 4; i++) {
		from = 0;
		source = line_str(agent_line_u64(&t, "process_start", "pid", (uint64_t)pids[i], &from),
				  "source");
		cr_assert(!source || !strcmp(source, "execve"));
		nr_known += !!source;
	}
	cr_assert_leq(nr_known, 1);
}

Test(table, pending_sources_are_bounded)
{
	pending_sources_are_bounded("auto");
}

Test(table, pending_sources_are_bounded_with_syscalls)
{
	pending_sources_are_bounded("syscalls");
}

static void sources_of_killed_and_failed_execs(const char *hook)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd stuck, crowd;
	_cleanup_table_ struct table table;
	struct rg_stats before;
	unsigned int i;
	pid_t pids[8];
	struct run r;

	table_needs_host();
	start_sources(&t, &table, 500, hook);
	check_none_pending(&table);
	before = table.state->stats;
	CROWD(&stuck, helper("stuck"), "8", helper("nothing"));
	for (i = 0; i < 8; i++)
		pids[i] = crowd_number(&stuck, "stuck");
	cr_assert_str_eq(crowd_hear(&stuck), "ok");
	cr_assert_geq(table.state->stats.nr_pending_sources, 8);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_do(&crowd, "exec %u", test_count(500));
	for (i = 0; i < 10; i++) {
		RUN(&r, helper("exec"), "fails", helper("quit"));
		RUN(&r, helper("exec"), "after_execve", helper("quit"));
	}
	wait_until(table.state->stats.nr_pending_sources == 8);
	crowd_do(&stuck, "kill 5");
	wait_until(table.state->stats.nr_pending_sources == 3);
	crowd_do(&stuck, "go 3");
	check_none_pending(&table);
	cr_assert_eq(table.state->stats.sources_refused, before.sources_refused);
	cr_assert_eq(table.state->stats.sources_failed, before.sources_failed);
	agent_sync(&t);
	for (i = 0; i < 8; i++) {
		cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)pids[i]), i >= 5);
		cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)pids[i]), 1);
	}
	for (i = 5; i < 8; i++)
		cr_assert_str_eq(line_str(agent_line(&t, "process_start", "pid", pids[i]), "source"),
				 "execve");
}

Test(table, sources_of_killed_and_failed_execs)
{
	sources_of_killed_and_failed_execs("auto");
}

Test(table, sources_of_killed_and_failed_execs_with_syscalls)
{
	sources_of_killed_and_failed_execs("syscalls");
}
