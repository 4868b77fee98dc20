/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* process_start: what was executed, by which call, by whom. */
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test_agent.h"

/* Runs "exec HOW quit" and gives the start line of quit, which is the second of its pid. */
static const cJSON *exec_quit(struct agent_test *t, const char *how, struct run *r)
{
	size_t from = 0;
	const cJSON *line;

	RUN(r, helper("exec"), how, helper("quit"));
	cr_assert(WIFEXITED(r->status) && !WEXITSTATUS(r->status), "%s ended with 0x%x", how, r->status);
	cr_assert_eq(run_number(r, "exec"), r->pid);
	line = agent_line_u64(t, "process_start", "pid", (uint64_t)r->pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("exec"));
	return agent_line_u64(t, "process_start", "pid", (uint64_t)r->pid, &from);
}

Test(exec, execve_of_a_binary)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "execve", &r);
	cr_assert_str_eq(line_str(line, "comm"), "quit");
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	cr_assert_str_eq(line_str(line, "filename"), helper("quit"));
	cr_assert_null(line_str(line, "interp"));
	cr_assert_str_eq(line_str(line, "source"), "execve");
	cr_assert_eq(line_u64(line, "tid"), (uint64_t)r.pid);
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)getpid());
	cr_assert(cJSON_IsNull(cJSON_GetObjectItem(line, "real_ppid")));
	cr_assert_eq(line_u64(line, "uid"), 0);
	cr_assert_eq(line_u64(line, "egid"), 0);
	cr_assert_not(line_bool(line, "exe_deleted"));
	cr_assert_not(line_bool(line, "secure_exec"));
	cr_assert_null(cJSON_GetObjectItem(line, "args"), "not asked for");
}

Test(exec, execveat_by_path)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "execveat", &r);
	cr_assert_str_eq(line_str(line, "source"), "execveat");
	cr_assert_str_eq(line_str(line, "filename"), helper("quit"));
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
}

/* The caller gave a descriptor, which the kernel names /dev/fd/N; the file that runs is still known. */
Test(exec, execveat_of_a_descriptor)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "fexecve", &r);
	cr_assert_str_eq(line_str(line, "source"), "execveat");
	cr_assert_eq(strncmp(line_str(line, "filename"), "/dev/fd/", 8), 0);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	cr_assert_not(line_bool(line, "exe_deleted"));
}

Test(exec, memfd_is_flagged)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "memfd", &r);
	cr_assert_str_eq(line_str(line, "exe_path"), "/memfd:hidden");
	cr_assert(line_bool(line, "exe_deleted"));
	cr_assert_str_eq(line_str(line, "source"), "execveat");
}

Test(exec, deleted_file_is_flagged)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	const char *path;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "deleted", &r);
	path = strstr(r.out, "deleted ") + strlen("deleted ");
	cr_assert_eq(strncmp(line_str(line, "exe_path"), path, strcspn(path, "\n")), 0);
	cr_assert_eq(strlen(line_str(line, "exe_path")), strcspn(path, "\n"));
	cr_assert(line_bool(line, "exe_deleted"));
}

/* What a failed call left must not be said of the next one. */
Test(exec, source_after_failed_calls)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "after_execve", &r);
	cr_assert_str_eq(line_str(line, "source"), "execveat");
	line = exec_quit(&t, "after_execveat", &r);
	cr_assert_str_eq(line_str(line, "source"), "execve");
}

Test(exec, failed_calls_leave_nothing)
{
	_cleanup_agent_ struct agent_test t;
	size_t from = 0;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("exec"), "fails", helper("quit"));
	cr_assert_eq(WEXITSTATUS(r.status), 7);
	agent_line(&t, "process_exit", "pid", r.pid);
	cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)r.pid), 1, "only its own start");
	agent_stop(&t);
	cr_assert_eq(line_u64(agent_next(&t, "health", &from), "pending_exec_source_size"), 0);
}

/* The kernel reports 32-bit calls to no classic tracepoint: null there, and never an older source. */
Test(exec, int80)
{
	_cleanup_agent_ struct agent_test t;
	const char *hook = getenv("RAND_GUARD_TEST_HOOK");
	const cJSON *line;
	size_t from = 0;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	RUN(&r, helper("exec"), "int80", helper("quit"));
	if (WIFSIGNALED(r.status) || WEXITSTATUS(r.status) == 96)
		cr_skip("this kernel has no 32-bit system calls");
	agent_line_u64(&t, "process_start", "pid", (uint64_t)r.pid, &from);
	line = agent_line_u64(&t, "process_start", "pid", (uint64_t)r.pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	if (hook && !strcmp(hook, "syscalls"))
		cr_assert_null(line_str(line, "source"));
	else
		cr_assert_str_eq(line_str(line, "source"), "execve");
}

/* The thread takes the leader's number: one start, no exit before it, and the source that it came by. */
Test(exec, by_a_thread)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;
	size_t from = 0;

	agent_needs_root();
	agent_start(&t, "");
	line = exec_quit(&t, "thread", &r);
	cr_assert_neq(run_number(&r, "thread"), r.pid);
	cr_assert_str_eq(line_str(line, "source"), "execve");
	cr_assert_eq(line_u64(line, "tid"), (uint64_t)r.pid);
	agent_sync(&t);
	cr_assert_eq(agent_count(&t, "process_start", "pid", (uint64_t)r.pid), 2);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)r.pid), 1);
	cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)run_number(&r, "thread")), 0);
	line = agent_line_u64(&t, "process_exit", "pid", (uint64_t)r.pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"), "it ended behind its second start");
}

Test(exec, script_has_an_interpreter)
{
	_cleanup_agent_ struct agent_test t;
	char script[PATH_MAX], first_line[PATH_MAX];
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(script, sizeof(script), "%s", test_path(&t, "a-script-with-a-long-name"));
	snprintf(first_line, sizeof(first_line), "#!%s 3\n", helper("quit"));
	write_file(script, first_line, 0755);
	RUN(&r, script);
	line = agent_line(&t, "process_start", "pid", r.pid);
	cr_assert_str_eq(line_str(line, "filename"), script);
	cr_assert_str_eq(line_str(line, "interp"), helper("quit"));
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	cr_assert_str_eq(line_str(line, "comm"), "a-script-with-a", "15 bytes of the script's name");
}

Test(exec, symlink_and_relative_path)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	cr_assert_eq(symlink(helper("quit"), test_path(&t, "link")), 0);
	RUN(&r, test_path(&t, "link"));
	line = agent_line(&t, "process_start", "pid", r.pid);
	cr_assert_str_eq(line_str(line, "filename"), test_path(&t, "link"));
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	cr_assert_str_eq(line_str(line, "comm"), "link");
	cr_assert_eq(chdir(t.dir), 0);
	RUN(&r, "./link");
	line = agent_line(&t, "process_start", "pid", r.pid);
	cr_assert_str_eq(line_str(line, "filename"), "./link");
	cr_assert_str_eq(line_str(line, "exe_path"), helper("quit"));
	cr_assert_eq(chdir("/"), 0);
}

Test(exec, ids_that_were_dropped)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	copy_program(&t, helper("quit"), "quit");
	RUN(&r, helper("exec"), "drop", test_path(&t, "quit"));
	cr_assert_eq(r.status, 0, "0x%x", r.status);
	line = agent_line(&t, "process_exit", "pid", r.pid);
	cr_assert_eq(line_u64(line, "uid"), 65534);
	cr_assert_eq(line_u64(line, "gid"), 65533);
	line = agent_line(&t, "process_start", "uid", 65534);
	cr_assert_eq(line_u64(line, "pid"), (uint64_t)r.pid);
	cr_assert_eq(line_u64(line, "euid"), 65534);
	cr_assert_eq(line_u64(line, "egid"), 65533);
}

Test(exec, set_uid_program_is_secure)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	chmod(copy_program(&t, helper("quit"), "quit"), 04755);
	RUN(&r, helper("exec"), "drop", test_path(&t, "quit"));
	line = agent_line(&t, "process_start", "uid", 65534);
	cr_assert_eq(line_u64(line, "pid"), (uint64_t)r.pid);
	cr_assert_eq(line_u64(line, "euid"), 0);
	cr_assert(line_bool(line, "secure_exec"));
}

/* A directory chain so that "chain/quit" is exactly len bytes. */
static void make_path(const struct agent_test *t, size_t len, char *ret)
{
	size_t pos = (size_t)snprintf(ret, PATH_MAX, "%s", t->dir), name;

	while (len - pos > strlen("/quit")) {
		name = MIN(len - pos - strlen("/quit"), 101) - 1;
		if (len - pos - strlen("/quit") - name - 1 == 1)
			name--; /* a lone slash would be left */
		ret[pos] = '/';
		memset(ret + pos + 1, 'd', name);
		pos += name + 1;
		ret[pos] = '\0';
		mkdir(ret, 0755);
	}
	strcpy(ret + pos, "/quit");
	cr_assert_eq(strlen(ret), len);
}

/* 255 bytes are kept: flagged exactly when one is lost, and then the end is there. */
Test(exec, path_limits)
{
	_cleanup_agent_ struct agent_test t;
	const size_t limit = 255;
	char path[PATH_MAX];
	const cJSON *line;
	size_t len;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	for (len = limit - 1; len <= limit + 1; len++) {
		make_path(&t, len, path);
		RUN(&r, "/bin/cp", helper("quit"), path);
		RUN(&r, path);
		cr_assert_eq(r.status, 0);
		line = agent_line(&t, "process_start", "pid", r.pid);
		cr_assert_eq(line_bool(line, "exe_path_truncated"), len > limit, "%zu", len);
		cr_assert_eq(line_bool(line, "filename_truncated"), len > limit, "%zu", len);
		cr_assert_str_eq(line_str(line, "exe_path"), path + (len > limit));
		cr_assert_str_eq(line_str(line, "filename"), path + (len > limit));
	}
	/* Far beyond, too. */
	make_path(&t, 2000, path);
	RUN(&r, "/bin/cp", helper("quit"), path);
	RUN(&r, path);
	line = agent_line(&t, "process_start", "pid", r.pid);
	cr_assert(line_bool(line, "exe_path_truncated") && line_bool(line, "filename_truncated"));
	cr_assert_str_eq(line_str(line, "exe_path"), path + 2000 - limit);
	cr_assert_str_eq(line_str(line, "filename"), path + 2000 - limit);
}

/*
 * A dentry keeps a short name in itself and a long one elsewhere, and a rename goes from one to the other. Names are
 * written by words: none may touch the one behind it.
 */
Test(exec, names_of_each_length)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32, 33, 39, 40, 41, 100, 2, 36, 31 };
	_cleanup_agent_ struct agent_test t;
	char name[128], path[512], old_path[512];
	const cJSON *line;
	struct run r;
	size_t i;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(old_path, sizeof(old_path), "%s", copy_program(&t, helper("quit"), "start"));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(name, 'a' + (int)i, lengths[i]);
		name[lengths[i]] = '\0';
		cr_assert_eq(mkdir(test_path(&t, name), 0755), 0);
		snprintf(path, sizeof(path), "%s/%s", test_path(&t, name), name);
		cr_assert_eq(rename(old_path, path), 0);
		RUN(&r, path);
		line = agent_line(&t, "process_start", "pid", r.pid);
		cr_assert_str_eq(line_str(line, "exe_path"), path);
		cr_assert_str_eq(line_str(line, "filename"), path);
		strcpy(old_path, path);
	}
}

/* Deeper than the programs walk without a call, with a long name on the way or without one. */
Test(exec, a_file_that_lies_deep)
{
	static const char *const roots[] = { "short", "a_name_that_does_not_lie_in_its_dentry_itself" };
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	char path[512];
	struct run r;
	size_t i;
	int depth;

	agent_needs_root();
	agent_start(&t, "");
	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s", test_path(&t, roots[i]));
		for (depth = 0; depth < 60; depth++) {
			cr_assert_eq(mkdir(path, 0755), 0);
			strcat(path, depth % 2 ? "/x" : "/y");
		}
		RUN(&r, "/bin/cp", helper("quit"), path);
		RUN(&r, path);
		line = agent_line(&t, "process_start", "pid", r.pid);
		cr_assert_str_eq(line_str(line, "exe_path"), path);
		cr_assert_not(line_bool(line, "exe_path_truncated"));
	}
}

/* That nothing but a root lies above a mount is kept for the next exec: not when the mount has been moved. */
Test(exec, a_mount_that_moves)
{
	_cleanup_agent_ struct agent_test t;
	char dir[256], path[300];
	const cJSON *line;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(dir, sizeof(dir), "%s", test_path(&t, "dir"));
	cr_assert_eq(mkdir(dir, 0755), 0);
	RUN(&r, helper("mover"), helper("nothing"), dir);
	cr_assert_eq(r.status, 0, "%s", r.out);
	line = agent_line(&t, "process_start", "pid", run_number(&r, "on_root0"));
	cr_assert_str_eq(line_str(line, "exe_path"), "/mover's");
	line = agent_line(&t, "process_start", "pid", run_number(&r, "on_root1"));
	cr_assert_str_eq(line_str(line, "exe_path"), "/mover's");
	snprintf(path, sizeof(path), "%s/mover's", dir);
	line = agent_line(&t, "process_start", "pid", run_number(&r, "moved0"));
	cr_assert_str_eq(line_str(line, "exe_path"), path);
	line = agent_line(&t, "process_start", "pid", run_number(&r, "moved1"));
	cr_assert_str_eq(line_str(line, "exe_path"), path);
}

Test(exec, names_with_any_bytes)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line;
	const char *text;
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	copy_program(&t, helper("quit"), "a\"b\\c\n\t\x01\xff z");
	RUN(&r, test_path(&t, "a\"b\\c\n\t\x01\xff z"));
	cr_assert_eq(r.status, 0);
	line = agent_line(&t, "process_start", "pid", r.pid);
	text = agent_text(&t, line);
	cr_assert(strstr(text, "\"comm\":\"a\\\"b\\\\c\\n\\t\\u0001\\uefff z\""), "%s", text);
	cr_assert(strstr(text, "/a\\\"b\\\\c\\n\\t\\u0001\\uefff z\",\"filename\""), "%s", text);
}

Test(exec, collects_args_and_cwd)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line, *args;
	struct run r;

	agent_needs_root();
	agent_start(&t, "process = { collect_args = true; collect_cwd = true; };");
	cr_assert_eq(chdir(t.dir), 0);
	RUN(&r, helper("quit"), "0", "", "two words", "\xfe");
	cr_assert_eq(chdir("/"), 0);
	line = agent_line(&t, "process_start", "pid", r.pid);
	args = cJSON_GetObjectItem(line, "args");
	cr_assert_eq(cJSON_GetArraySize(args), 5);
	cr_assert_str_eq(cJSON_GetArrayItem(args, 0)->valuestring, helper("quit"));
	cr_assert_str_eq(cJSON_GetArrayItem(args, 2)->valuestring, "");
	cr_assert_str_eq(cJSON_GetArrayItem(args, 3)->valuestring, "two words");
	cr_assert(strstr(agent_text(&t, line), "\"\\ueffe\"]"));
	cr_assert_not(line_bool(line, "args_truncated"));
	cr_assert_str_eq(line_str(line, "cwd"), t.dir);
	cr_assert_not(line_bool(line, "cwd_truncated"));
	cr_assert_null(cJSON_GetObjectItem(line, "env"), "not asked for");
}

/* The bound counts bytes of argv with its NULs: exactly at it nothing is missing. */
Test(exec, args_limits)
{
	_cleanup_agent_ struct agent_test t;
	const size_t limit = 100;
	size_t own = strlen(helper("quit")) + 1, len;
	const cJSON *line, *args;
	char arg[256];
	struct run r;

	agent_needs_root();
	cr_assert(own < limit);
	agent_start(&t, "process = { collect_args = true; max_args_bytes = 100; };");
	for (len = limit - 1; len <= limit + 1; len++) {
		memset(arg, 'x', sizeof(arg));
		arg[len - own - 1] = '\0';
		RUN(&r, helper("quit"), arg);
		line = agent_line(&t, "process_start", "pid", r.pid);
		args = cJSON_GetObjectItem(line, "args");
		cr_assert_eq(cJSON_GetArraySize(args), 2);
		cr_assert_eq(line_bool(line, "args_truncated"), len > limit, "%zu", len);
		cr_assert_eq(strlen(cJSON_GetArrayItem(args, 1)->valuestring),
			     MIN(len - own - 1, limit - own), "%zu", len);
	}
}

/* Only the variables that were named, whole. */
Test(exec, collects_named_env)
{
	_cleanup_agent_ struct agent_test t;
	const cJSON *line, *env;
	struct run r;

	agent_needs_root();
	agent_start(&t, "process = { collect_env = true; env_names = [\"RG_ONE\", \"RG_EMPTY\"]; };");
	setenv("RG_ONE", "first value", 1);
	setenv("RG_EMPTY", "", 1);
	setenv("RG_ONE_MORE", "must not show", 1);
	RUN(&r, helper("quit"));
	line = agent_line(&t, "process_start", "pid", r.pid);
	env = cJSON_GetObjectItem(line, "env");
	cr_assert_eq(cJSON_GetArraySize(env), 2);
	cr_assert_str_eq(cJSON_GetArrayItem(env, 0)->valuestring, "RG_ONE=first value");
	cr_assert_str_eq(cJSON_GetArrayItem(env, 1)->valuestring, "RG_EMPTY=");
	cr_assert_not(line_bool(line, "env_truncated"));
	cr_assert_null(strstr(agent_text(&t, line), "must not show"));
}

/* One variable has at most 511 bytes: flagged exactly when one is lost. */
Test(exec, env_variable_limits)
{
	_cleanup_agent_ struct agent_test t;
	const size_t limit = 511, name_len = strlen("RG_LONG=");
	const cJSON *line, *env;
	char value[1024];
	struct run r;
	size_t len;

	agent_needs_root();
	agent_start(&t, "process = { collect_env = true; env_names = [\"RG_LONG\", \"RG_AFTER\"]; };");
	for (len = limit - 1; len <= limit + 1; len++) {
		memset(value, 'v', sizeof(value));
		value[len - name_len] = '\0';
		clearenv();
		setenv("RG_LONG", value, 1);
		setenv("RG_AFTER", "here", 1);
		RUN(&r, helper("quit"));
		line = agent_line(&t, "process_start", "pid", r.pid);
		env = cJSON_GetObjectItem(line, "env");
		cr_assert_eq(cJSON_GetArraySize(env), 2, "%zu", len);
		cr_assert_eq(strlen(cJSON_GetArrayItem(env, 0)->valuestring), MIN(len, limit), "%zu", len);
		cr_assert_str_eq(cJSON_GetArrayItem(env, 1)->valuestring, "RG_AFTER=here", "%zu", len);
		cr_assert_eq(line_bool(line, "env_truncated"), len > limit, "%zu", len);
	}
}
