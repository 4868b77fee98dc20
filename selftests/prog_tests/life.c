/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* process_relationship and process_exit: who made whom, what is a process, and how it ended. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test_agent.h"

static const char *binary(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	cr_assert(n > 0);
	path[n] = '\0';
	return path;
}

/* From its fork to its end a process has one start time: in each line, and nobody else of its number has it. */
static void check_identity(struct agent_test *t, pid_t child)
{
	const cJSON *line = agent_line(t, "process_relationship", "child_pid", child);
	uint64_t start_ns = line_u64(line, "child_start_time_ns");

	cr_assert_gt(start_ns, 0);
	cr_assert_eq(line_u64(line, "timestamp_ns"), start_ns);
	line = agent_line(t, "process_start", "pid", child);
	cr_assert_eq(line_u64(line, "start_time_ns"), start_ns);
	line = agent_line(t, "process_exit", "pid", child);
	cr_assert_eq(line_u64(line, "start_time_ns"), start_ns);
	cr_assert_eq(line_u64(line, "timestamp_ns") - line_u64(line, "duration_ns"), start_ns);
}

/* Runs "spawn HOW quit": the child's one start line, its parent the helper. */
static void check_spawn(struct agent_test *t, const char *how)
{
	const cJSON *line, *ancestor;
	pid_t child;
	struct run r;

	RUN(&r, helper("spawn"), how, helper("quit"));
	cr_assert_eq(r.status, 0, "%s", how);
	child = run_number(&r, "child");
	line = agent_line(t, "process_relationship", "child_pid", child);
	cr_assert_eq(line_u64(line, "parent_pid"), (uint64_t)r.pid, "%s", how);
	cr_assert_eq(line_u64(line, "child_tid"), (uint64_t)child);
	cr_assert_str_eq(line_str(line, "parent_comm"), "spawn", "%s", how);
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("spawn"), "%s", how);
	agent_sync(t);
	cr_assert_eq(agent_count(t, "process_relationship", "child_pid", (uint64_t)child), 1);
	cr_assert_eq(agent_count(t, "process_exit", "pid", (uint64_t)child), 1);
	check_identity(t, child);
	/* system(3)'s child is a shell first. */
	cr_assert_eq(agent_count(t, "process_start", "pid", (uint64_t)child),
		     strcmp(how, "system") ? 1 : 2, "%s", how);
	line = t->lines[0];
	for (size_t i = 0; i < t->nr_lines; i++) /* the last one */
		if (!strcmp(line_str(t->lines[i], "event_type"), "process_start") &&
		    line_u64(t->lines[i], "pid") == (uint64_t)child)
			line = t->lines[i];
	cr_assert_str_eq(line_str(line, "comm"), "quit", "%s", how);
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)r.pid, "%s", how);
	cr_assert_str_eq(line_str(line, "parent_comm"), "spawn", "%s", how);
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("spawn"), "%s", how);
	ancestor = cJSON_GetArrayItem(cJSON_GetObjectItem(line, "ancestors"), 0);
	cr_assert_eq(line_u64(ancestor, "pid"), (uint64_t)r.pid);
	cr_assert_str_eq(line_str(ancestor, "comm"), "spawn");
	ancestor = cJSON_GetArrayItem(cJSON_GetObjectItem(line, "ancestors"), 1);
	cr_assert_eq(line_u64(ancestor, "pid"), (uint64_t)getpid());
}

Test(life, every_way_to_make_a_child)
{
	static const char *const ways[] = { "fork",	   "vfork",  "posix_spawn",
					    "system",	   "thread", "clone_parent" };
	_cleanup_agent_ struct agent_test t;
	size_t i;

	agent_needs_root();
	agent_start(&t, "");
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		check_spawn(&t, ways[i]);
}

/* ppid is who made it; the present parent, where it is another one, has its own key. */
Test(life, clone_parent_has_two_parents)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("spawn"), "clone_parent", helper("quit"));
	line = agent_line(&t, "process_start", "pid", run_number(&r, "child"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)r.pid);
	cr_assert_eq(line_u64(line, "real_ppid"), (uint64_t)getpid());
	cr_assert_str_eq(line_str(line, "parent_comm"), "spawn");
}

/* Its maker is gone when it executes: the table still knows its name, and who made that one. */
Test(life, orphan_keeps_its_creator)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line, *ancestors;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("spawn"), "orphan", helper("quit"));
	line = agent_line(&t, "process_start", "pid", run_number(&r, "child"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)run_number(&r, "maker"));
	cr_assert_neq(line_u64(line, "real_ppid"), (uint64_t)run_number(&r, "maker"));
	cr_assert_str_eq(line_str(line, "parent_comm"), "spawn");
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("spawn"));
	ancestors = cJSON_GetObjectItem(line, "ancestors");
	cr_assert_eq(line_u64(cJSON_GetArrayItem(ancestors, 1), "pid"), (uint64_t)r.pid);
	cr_assert_eq(line_u64(cJSON_GetArrayItem(ancestors, 2), "pid"), (uint64_t)getpid());
}

Test(life, threads_are_no_processes)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("threads"), "many", "100");
	cr_assert_eq(r.status, 0);
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "process_relationship", "parent_pid", (uint64_t)r.pid), 0);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)r.pid), 1);
	cr_assert_eq(agent_count(&t, "thread_start", "pid", (uint64_t)r.pid), 0, "not asked for");
	line = agent_line(&t, "process_exit", "pid", r.pid);
	cr_assert_eq(line_u64(line, "tid"), (uint64_t)r.pid);
	cr_assert(line_bool(line, "group_dead"));
	cr_assert(line_bool(line, "known"));
}

/* A process ends with its last thread, not with its leader. */
Test(life, leader_that_leaves_first)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("threads"), "leave");
	cr_assert_eq(WEXITSTATUS(r.status), 3);
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)r.pid), 1);
	line = agent_line(&t, "process_exit", "pid", r.pid);
	cr_assert_eq(line_u64(line, "exit_code"), 3);
	cr_assert_eq(line_u64(line, "tid"), (uint64_t)r.pid);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("threads"));
}

/* The parent's name is the process's, not that of the thread which forked. */
Test(life, fork_from_a_renamed_thread)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("threads"), "rename", "other-name", helper("quit"));
	line = agent_line(&t, "process_relationship", "child_pid", run_number(&r, "child"));
	cr_assert_str_eq(line_str(line, "parent_comm"), "threads");
	cr_assert_str_eq(line_str(line, "child_comm"), "other-name", "a child has its maker's name");
	line = agent_line(&t, "process_start", "pid", run_number(&r, "child"));
	cr_assert_str_eq(line_str(line, "parent_comm"), "threads");
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)r.pid);
}

static void check_end(struct agent_test *t, struct run *r)
{
	const cJSON *line = agent_line(t, "process_exit", "pid", r->pid);

	cr_assert_eq(agent_count(t, "process_exit", "pid", (uint64_t)r->pid), 1);
	if (WIFEXITED(r->status)) {
		cr_assert_eq(line_u64(line, "exit_code"), (uint64_t)WEXITSTATUS(r->status));
		cr_assert(cJSON_IsNull(cJSON_GetObjectItem(line, "exit_signal")));
	} else {
		cr_assert_eq(line_u64(line, "exit_signal"), (uint64_t)WTERMSIG(r->status));
		cr_assert(cJSON_IsNull(cJSON_GetObjectItem(line, "exit_code")));
	}
	cr_assert_eq(line_bool(line, "core_dumped"), WIFSIGNALED(r->status) && WCOREDUMP(r->status));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)getpid());
	cr_assert_gt(line_u64(line, "duration_ns"), 0);
	cr_assert_lt(line_u64(line, "duration_ns"), 600 * NSEC_PER_SEC);
}

/* As wait(2) told this process, the core flag included. */
Test(life, how_it_ended)
{
	_cleanup_agent_ struct agent_test t;
	struct rlimit core = { 1 << 20, 1 << 20 };
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("quit"), "7");
	cr_assert_eq(WEXITSTATUS(r.status), 7);
	check_end(&t, &r);
	RUN(&r, helper("quit"), "255");
	check_end(&t, &r);
	RUN(&r, helper("die"), "signal", "9");
	cr_assert_eq(WTERMSIG(r.status), SIGKILL);
	check_end(&t, &r);
	RUN(&r, helper("die"), "threads", "20");
	cr_assert_eq(WEXITSTATUS(r.status), 5);
	check_end(&t, &r);
	cr_assert_eq(chdir(t.dir), 0); /* a core goes where it is removed */
	setrlimit(RLIMIT_CORE, &core);
	RUN(&r, helper("die"), "segv");
	cr_assert_eq(WTERMSIG(r.status), SIGSEGV);
	check_end(&t, &r);
	cr_assert_eq(chdir("/"), 0);
}

/* What ran before the agent has a row: its children know their parent, and its end is known. */
Test(life, parent_from_before_the_agent)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	pid_t pid;
	int go[2];
	char c;

	agent_needs_root();
	cr_assert_eq(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) < 0 || fork() == 0)
			_exit(0);
		wait(NULL);
		_exit(4);
	}
	agent_start(&t, "");
	close(go[1]);
	close(go[0]);
	waitpid(pid, NULL, 0);
	line = agent_line(&t, "process_relationship", "parent_pid", pid);
	cr_assert_str_eq(line_str(line, "parent_comm"), "prog_tests");
	cr_assert_str_eq(line_str(line, "parent_exe_path"), binary());
	line = agent_line(&t, "process_exit", "pid", pid);
	cr_assert_eq(line_u64(line, "exit_code"), 4);
	cr_assert(line_bool(line, "known"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)getpid());
}

/* The first line says what was set up, each line has its number, and times are in order per line. */
Test(life, lines_are_numbered_without_a_hole)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *first;
	struct run r;
	size_t i;

	agent_needs_root();
	agent_start(&t, "agent = { id = \"test-agent\"; };");
	for (i = 0; i < 50; i++)
		RUN(&r, helper("quit"));
	cr_assert_eq(agent_stop(&t), 0);
	first = t.lines[0];
	cr_assert_str_eq(line_str(first, "event_type"), "agent_start");
	cr_assert_str_eq(line_str(first, "agent_id"), "test-agent");
	cr_assert_eq(line_u64(first, "process_table_max"), 5000);
	cr_assert_geq(line_u64(first, "process_table_allocated"), 5000);
	cr_assert_gt(line_u64(first, "snapshot_rows"), 1);
	cr_assert_not(line_bool(first, "taken_over"));
	cr_assert_gt(line_u64(cJSON_GetObjectItem(first, "maps"), "proc_table"), 5000 * 368);
	for (i = 0; i < t.nr_lines; i++)
		cr_assert_eq(line_u64(t.lines[i], "seq"), i);
	cr_assert_str_eq(line_str(t.lines[t.nr_lines - 1], "event_type"), "health");
}

/* The agent itself is left out: writing records must make none. */
Test(life, agent_does_not_see_itself)
{
	_cleanup_agent_ struct agent_test t;
	pid_t agent;

	agent_needs_root();
	agent_start(&t, "");
	agent = t.pid;
	agent_sync(&t);
	agent_stop(&t);
	cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)agent), 0);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)agent), 0);
}
