/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* PROC rules over real processes: the shipped PROC-001 by every way of spawning, and silence elsewhere. */
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "test_table.h"

/* The shipped rules, wherever the tests run from. */
static void settings_with_shipped_rules(char *ret, size_t size)
{
	char rules_dir[PATH_MAX];

	cr_assert(realpath("etc/rules.d", rules_dir), "run from the source tree");
	snprintf(ret, size, "rules_dir = \"%s\";", rules_dir);
}

/* Alerts of one rule about one process. */
static size_t nr_alerts(const struct agent_test *t, const char *rule_id, pid_t pid)
{
	size_t i, n = 0;

	for (i = 0; i < t->nr_lines; i++)
		if (!strcmp(line_str(t->lines[i], "event_type"), "alert") &&
		    !strcmp(line_str(t->lines[i], "rule_id"), rule_id))
			n += line_u64(t->lines[i], "pid") == (uint64_t)pid;
	return n;
}

/* A program under the name of a web server, which spawns a shell by 'how'. */
static pid_t spawn_shell(struct agent_test *t, const char *server, const char *how, const char *shell)
{
	struct run r;

	copy_program(t, helper("spawn"), server);
	RUN(&r, test_path(t, server), how, shell, "-c", ":");
	cr_assert_eq(r.status, 0, "%s", how);
	return run_number(&r, "child");
}

Test(rules, web_server_spawns_a_shell)
{
	static const char *const ways[] = { "fork",   "vfork",	      "posix_spawn", "system",
					    "thread", "clone_parent", "orphan" };
	_cleanup_agent_ struct agent_test t;
	char settings[PATH_MAX + 64];
	const cJSON *alert;
	size_t i;
	pid_t pid;

	agent_needs_root();
	settings_with_shipped_rules(settings, sizeof(settings));
	agent_start(&t, settings);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		pid = spawn_shell(&t, "nginx", ways[i], "/bin/sh");
		alert = agent_line(&t, "alert", "pid", pid);
		cr_assert_str_eq(line_str(alert, "rule_id"), "PROC-001");
		cr_assert_str_eq(line_str(alert, "rule_name"), "Shell spawned by web server");
		cr_assert_str_eq(line_str(alert, "rule_type"), "PROC");
		cr_assert_str_eq(line_str(alert, "action"), "alert");
		cr_assert_str_eq(line_str(alert, "source_event_type"), "process_start");
		cr_assert_str_eq(line_str(alert, "parent_name"), "nginx", "%s", ways[i]);
		cr_assert_str_eq(line_str(alert, "process_name"), "sh", "%s", ways[i]);
		cr_assert_str_eq(line_str(alert, "matched_on"), "comm");
		cr_assert_eq(line_u64(alert, "parent_pid"), line_u64(alert, "ppid"));
		agent_sync(&t);
		/* system(3) executes a shell that executes the shell: one alert each. */
		cr_assert_eq(nr_alerts(&t, "PROC-001", pid), strcmp(ways[i], "system") ? 1 : 2, "%s",
			     ways[i]);
	}
}

/* Its line comes right behind its record's. */
Test(rules, alert_follows_its_record)
{
	_cleanup_agent_ struct agent_test t;
	size_t i;
	pid_t pid;

	agent_needs_root();
	agent_start(&t, "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; } );");
	pid = spawn_shell(&t, "anything", "fork", helper("quit"));
	agent_line(&t, "alert", "pid", pid);
	for (i = 1; i < t.nr_lines; i++)
		if (!strcmp(line_str(t.lines[i], "event_type"), "alert"))
			cr_assert(line_u64(t.lines[i - 1], "pid") == line_u64(t.lines[i], "pid") &&
				  line_u64(t.lines[i - 1], "start_time_ns") ==
					  line_u64(t.lines[i], "start_time_ns"));
}

Test(rules, silent_on_everything_else)
{
	_cleanup_agent_ struct agent_test t;
	char settings[PATH_MAX + 64];
	pid_t other_parent, no_shell, upper_case;

	agent_needs_root();
	settings_with_shipped_rules(settings, sizeof(settings));
	agent_start(&t, settings);
	other_parent = spawn_shell(&t, "nginx-helper", "fork", "/bin/sh");
	no_shell = spawn_shell(&t, "nginx", "fork", helper("quit"));
	upper_case = spawn_shell(&t, "Nginx", "fork", "/bin/sh");
	agent_sync(&t);
	cr_assert_eq(nr_alerts(&t, "PROC-001", other_parent), 0);
	cr_assert_eq(nr_alerts(&t, "PROC-001", no_shell), 0);
	cr_assert_eq(nr_alerts(&t, "PROC-001", upper_case), 0);
}

/* Names that a process can't choose by its comm: file, caller's path, script's interpreter. */
Test(rules, what_the_name_was_found_in)
{
	_cleanup_agent_ struct agent_test t;
	char first_line[PATH_MAX];
	const cJSON *alert;
	struct run r;

	agent_needs_root();
	agent_start(&t, "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; },"
			"          { id = \"T-2\"; name = \"t\"; process_names = [\"a-name-beyond-15-bytes\"]; } );");
	RUN(&r, helper("quit"));
	alert = agent_line(&t, "alert", "pid", r.pid);
	cr_assert_str_eq(line_str(alert, "matched_on"), "comm");

	cr_assert_eq(symlink(helper("quit"), test_path(&t, "innocent")), 0);
	RUN(&r, test_path(&t, "innocent"));
	alert = agent_line(&t, "alert", "pid", r.pid);
	cr_assert_str_eq(line_str(alert, "matched_on"), "exe_path");
	cr_assert_str_eq(line_str(alert, "comm"), "innocent");

	copy_program(&t, helper("quit"), "a-name-beyond-15-bytes");
	RUN(&r, test_path(&t, "a-name-beyond-15-bytes"));
	alert = agent_line(&t, "alert", "pid", r.pid);
	cr_assert_str_eq(line_str(alert, "rule_id"), "T-2");
	cr_assert_str_eq(line_str(alert, "matched_on"), "filename");

	/* A link as interpreter: only interp has the name. */
	copy_program(&t, helper("die"), "real-program");
	cr_assert_eq(symlink(test_path(&t, "real-program"), test_path(&t, "quit")), 0);
	snprintf(first_line, sizeof(first_line), "#!%s\n", test_path(&t, "quit"));
	write_file(test_path(&t, "script"), first_line, 0755);
	RUN(&r, test_path(&t, "script"));
	alert = agent_line(&t, "alert", "pid", r.pid);
	cr_assert_str_eq(line_str(alert, "matched_on"), "interp");
}

/* A rule that names only processes: once an exec, and never at the fork, where the name is the parent's. */
Test(rules, name_only_rule_fires_on_exec_alone)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;
	pid_t child;

	agent_needs_root();
	agent_start(&t, "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"spawn\"]; } );");
	RUN(&r, helper("spawn"), "fork", helper("quit"));
	child = run_number(&r, "child");
	agent_sync(&t);
	cr_assert_eq(nr_alerts(&t, "T-1", r.pid), 1);
	cr_assert_eq(nr_alerts(&t, "T-1", child), 0, "it was forked by spawn, and executed quit");
}

/* Every rule that holds, and none twice. */
Test(rules, one_alert_a_rule)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;

	agent_needs_root();
	agent_start(&t, "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\", \"die\"]; },"
			"          { id = \"T-2\"; name = \"t\"; parent_names = [\"prog_tests\"]; },"
			"          { id = \"T-3\"; name = \"t\"; process_names = [\"quit\"]; enabled = false; } );");
	RUN(&r, helper("quit"));
	agent_sync(&t);
	cr_assert_eq(nr_alerts(&t, "T-1", r.pid), 1);
	cr_assert_eq(nr_alerts(&t, "T-2", r.pid), 1);
	cr_assert_eq(agent_count(&t, "alert", "pid", (uint64_t)r.pid), 2);
}

/* mode "alert" and hooks without exec: rules hold all the same. */
Test(rules, rules_need_no_records)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;

	agent_needs_root();
	agent_start(&t, "process = { hooks = [\"exit\"]; };"
			"rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; } );");
	RUN(&r, helper("quit"));
	agent_sync(&t);
	cr_assert_eq(nr_alerts(&t, "T-1", r.pid), 1);
	cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)r.pid), 0);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)r.pid), 1);
	cr_assert_eq(agent_count(&t, "process_relationship", "child_pid", (uint64_t)r.pid), 0);
}

static bool waits_for_timer(const struct table *table)
{
	return *(volatile __u32 *)&table->state->control.wake == RG_WAKE_FULL;
}

/* The agent reads again before long: never as far as this test can wait. An alert comes all the same. */
Test(rules, alerts_do_not_wait)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_table_ struct table table;
	bool was_left_alone, was_woken;
	struct run r;
	pid_t pid;

	table_needs_host();
	agent_start(&t, "performance = { max_delay_ms = 600000; };"
			"rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; },"
			"          { id = \"T-2\"; name = \"t\"; parent_names = [\"nginx\"]; process_names = [\"sh\"]; } );");
	table_open(&table, t.pin_path);
	RUN(&r, helper("nothing"));
	wait_until(waits_for_timer(&table));
	/* By comm, below a parent that is named. */
	pid = spawn_shell(&t, "nginx", "fork", "/bin/sh");
	agent_line(&t, "alert", "pid", pid);
	/* By the file's name alone. */
	wait_until(waits_for_timer(&table));
	cr_assert_eq(symlink(helper("quit"), test_path(&t, "other")), 0);
	RUN(&r, test_path(&t, "other"));
	cr_assert_str_eq(line_str(agent_line(&t, "alert", "pid", r.pid), "matched_on"), "exe_path");
	/* One side alone is not enough: an agent that stands still can't ask anew, so a wake-up would show. */
	wait_until(waits_for_timer(&table));
	kill(t.pid, SIGSTOP);
	cr_assert_eq(waitpid(t.pid, NULL, WUNTRACED), t.pid);
	spawn_shell(&t, "apache", "fork", "/bin/sh");
	was_left_alone = waits_for_timer(&table);
	spawn_shell(&t, "nginx", "fork", "/bin/sh");
	was_woken = !waits_for_timer(&table);
	kill(t.pid, SIGCONT); /* before a test that fails leaves it behind */
	cr_assert(was_left_alone);
	cr_assert(was_woken);
}

/* Names that come by a reload are looked for. */
Test(rules, alerts_do_not_wait_after_a_reload)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_table_ struct table table;
	char text[512];
	struct run r;

	table_needs_host();
	agent_start(&t, "performance = { max_delay_ms = 600000; };");
	table_open(&table, t.pin_path);
	snprintf(text, sizeof(text), "ebpf = { pin_path = \"%s\"; };\nperformance = { max_delay_ms = 600000; };\n"
		 "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; } );\n", t.pin_path);
	write_file(t.config, text, 0644);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reloaded: rules: 1");
	RUN(&r, helper("nothing"));
	wait_until(waits_for_timer(&table));
	RUN(&r, helper("quit"));
	agent_line(&t, "alert", "pid", r.pid);
}
