/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* rand-guard as its user meets it: command line, mistakes, signals, and outputs that don't take it all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test_agent.h"

/* The program's path; static. */
static const char *program(void)
{
	static char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", helper("x"));
	slash = strstr(path, "/selftests/helpers/x");
	cr_assert(slash);
	strcpy(slash, "/rand-guard");
	return path;
}

/* Like run(), with stderr in the same output. */
#define RUN_ALL(ret, command) RUN(ret, "/bin/sh", "-c", command, program())

Test(program, help_and_version)
{
	struct run r;

	RUN(&r, program(), "--help");
	cr_assert_eq(r.status, 0);
	cr_assert(strstr(r.out, "Usage: rand-guard") && strstr(r.out, "Exit status"));
	RUN(&r, program(), "--version");
	cr_assert_eq(r.status, 0);
	cr_assert(strstr(r.out, "rand-guard ") && strstr(r.out, "libbpf") && strstr(r.out, "ABI "));
}

Test(program, wrong_usage_is_status_2)
{
	struct run r;

	RUN_ALL(&r, "exec \"$0\" --nonsense 2>&1");
	cr_assert_eq(WEXITSTATUS(r.status), 2);
	cr_assert(!strncmp(r.out, "rand-guard: unrecognized option", 31), "%s", r.out);
	RUN_ALL(&r, "exec \"$0\" nonsense 2>&1");
	cr_assert_eq(WEXITSTATUS(r.status), 2);
	cr_assert(strstr(r.out, "unknown command 'nonsense'"), "%s", r.out);
	RUN_ALL(&r, "exec \"$0\" check -c /nonexistent.cfg 2>&1");
	cr_assert_eq(WEXITSTATUS(r.status), 2);
	cr_assert(strstr(r.out, "/nonexistent.cfg"), "%s", r.out);
}

/* Likewise, with a settings file of that text as $1. */
static void run_with_settings(struct run *ret, const char *command, const char *text)
{
	char file[] = "/tmp/rand-guard-test-cfg-XXXXXX";
	int fd = mkstemp(file);

	cr_assert(fd >= 0);
	close(fd);
	write_file(file, text, 0644);
	RUN(ret, "/bin/sh", "-c", command, program(), file);
	unlink(file);
}

/* All mistakes at once, each with its place, and nothing is loaded. */
Test(program, mistakes_are_reported_at_once)
{
	struct run r;

	run_with_settings(&r, "exec \"$0\" -c \"$1\" 2>&1",
			  "agent = { log_levle = \"info\"; };\n"
		   "ebpf = { buffer_size = 1000; };\n"
		   "health = { interval_seconds = \"often\"; };\n"
		   "rules = ( { id = \"A\"; name = \"a\"; },\n"
		   "          { id = \"B\"; name = \"b\"; process_names = [\"x\"]; },\n"
		   "          { id = \"B\"; name = \"b\"; process_names = [\"/bin/x\"]; } );\n");
	cr_assert_eq(WEXITSTATUS(r.status), 2);
	cr_assert(strstr(r.out, ":1: ") && strstr(r.out, "log_level"), "%s", r.out);
	cr_assert(strstr(r.out, ":2: ") && strstr(r.out, "power of two"), "%s", r.out);
	cr_assert(strstr(r.out, ":3: "), "%s", r.out);
	cr_assert(strstr(r.out, ":4: "), "both lists are empty: %s", r.out);
	cr_assert(strstr(r.out, ":6: ") && strstr(r.out, "/bin/x"), "%s", r.out);
	cr_assert_null(strstr(r.out, "agent_start"));
}

Test(program, check_prints_what_it_understood)
{
	struct run r;

	RUN(&r, program(), "check", "-c", "etc/rand-guard.cfg");
	cr_assert_eq(r.status, 0);
	cr_assert(strstr(r.out, "max_process_cache_entries"), "%s", r.out);
	cr_assert(strstr(r.out, "PROC-001"), "%s", r.out);
}

/* It is another host that it may be for. */
Test(program, check_warns_of_what_the_host_lacks)
{
	static const char command[] = "exec \"$0\" check -c \"$1\" 2>&1 >/dev/null";
	struct run r;

	run_with_settings(&r, command,
			  "security = { user = \"rg-no-such-user\"; };\n"
		   "output = { type = \"file\"; path = \"/no/such/dir/x\"; };\n"
		   "metrics = { textfile = \"/no/dir/x.prom\"; };\n"
		   "ebpf = { pin_path = \"/tmp/x\"; };\n");
	cr_assert_eq(r.status, 0);
	cr_assert(strstr(r.out, "warning: security.user: there is no user 'rg-no-such-user'"), "%s", r.out);
	cr_assert(strstr(r.out, "warning: output.path: there is no directory '/no/such/dir'"), "%s", r.out);
	cr_assert(strstr(r.out, "warning: metrics.textfile: there is no directory '/no/dir'"), "%s", r.out);
	cr_assert(strstr(r.out, "warning: ebpf.pin_path: '/tmp/x' is not on a bpf filesystem"), "%s", r.out);
	run_with_settings(&r, command, "output = { type = \"file\"; path = \"/tmp/x\"; };\n");
	cr_assert(r.status == 0 && !*r.out, "%s", r.out);
}

/* Without rights: one line that names what is missing, and status 1. */
Test(program, says_which_capability_is_missing)
{
	_cleanup_agent_ struct agent_test t;
	char command[512];
	struct run r;

	agent_needs_root();
	agent_start(&t, ""); /* for its directory and settings */
	agent_stop(&t);
	write_file(t.config, "ebpf = { pin_path = \"\"; };\n", 0644);
	chmod(copy_program(&t, program(), "rand-guard"), 0755);
	snprintf(command, sizeof(command),
		 "exec setpriv --reuid 65534 --regid 65534 --clear-groups %s/rand-guard -c %s 2>&1", t.dir,
		 t.config);
	RUN_ALL(&r, command);
	cr_assert_eq(WEXITSTATUS(r.status), 1, "%s", r.out);
	cr_assert(strstr(r.out, "missing CAP_BPF and CAP_PERFMON"), "%s", r.out);
	cr_assert_eq(strchr(r.out, '\n') + 1, r.out + strlen(r.out), "one line: %s", r.out);
}

Test(program, second_agent_on_the_same_pin_path)
{
	_cleanup_agent_ struct agent_test t;
	char command[256];
	struct run r;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(command, sizeof(command), "exec \"$0\" -c %s 2>&1", t.config);
	RUN_ALL(&r, command);
	cr_assert_eq(WEXITSTATUS(r.status), 1);
	cr_assert(strstr(r.out, "another agent is running there"), "%s", r.out);
	agent_sync(&t); /* and the first goes on */
}

Test(program, leaves_nothing_behind)
{
	_cleanup_agent_ struct agent_test t;
	char stats[128];
	size_t from = 0;

	agent_needs_root();
	agent_start(&t, "");
	snprintf(stats, sizeof(stats), "%s/stats", t.pin_path);
	cr_assert_eq(access(stats, F_OK), 0);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(access(t.pin_path, F_OK), -1);
	agent_next(&t, "health", &from); /* the last line of a good end */
	cr_assert(strstr(agent_log(&t), "stopped"), "%s", agent_log(&t));
}

Test(program, pins_nothing_if_told)
{
	_cleanup_agent_ struct agent_test t;

	agent_needs_root();
	agent_launch(&t, "ebpf = { pin_path = \"\"; }; # no @EBPF@");
	agent_next(&t, "agent_start", &(size_t){ 0 });
	agent_sync(&t);
	cr_assert_eq(access(t.pin_path, F_OK), -1);
}

Test(program, sigint_ends_it_too)
{
	_cleanup_agent_ struct agent_test t;

	agent_needs_root();
	agent_start(&t, "");
	kill(t.pid, SIGINT);
	cr_assert_eq(agent_wait_end(&t), 0);
}

/* What was seen before the signal is written before the end. */
Test(program, drains_at_the_end)
{
	_cleanup_agent_ struct agent_test t;
	struct run r[20];
	size_t i;

	agent_needs_root();
	agent_start(&t, "performance = { max_delay_ms = 10000; };");
	agent_sync(&t);
	for (i = 0; i < ARRAY_SIZE(r); i++)
		RUN(&r[i], helper("quit"));
	cr_assert_eq(agent_stop(&t), 0);
	for (i = 0; i < ARRAY_SIZE(r); i++)
		cr_assert_eq(agent_count(&t, "process_exit", "pid", (uint64_t)r[i].pid), 1);
}

/* Nobody reads: it ends by itself, with a message. */
Test(program, closed_stdout_ends_it)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;
	int status;

	agent_needs_root();
	agent_start(&t, "");
	close(t.out);
	t.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	RUN(&r, helper("quit"));
	cr_assert_eq(waitpid(t.pid, &status, 0), t.pid);
	t.pid = 0;
	cr_assert_eq(WEXITSTATUS(status), 1);
	cr_assert(strstr(agent_log(&t), "nobody reads it any more"), "%s", agent_log(&t));
}

static size_t lines_with(const char *file, const char *text)
{
	char *line = NULL;
	size_t size = 0, n = 0;
	FILE *f = fopen(file, "r");

	while (f && getline(&line, &size, f) > 0)
		n += strstr(line, text) != NULL;
	free(line);
	if (f)
		fclose(f);
	return n;
}

static void wait_for_lines(const char *file, const char *text, size_t nr_lines)
{
	int i;

	for (i = 0; lines_with(file, text) < nr_lines; i++) {
		cr_assert(i < test_seconds() * 100, "%s never had %s", file, text);
		poll(NULL, 0, 10);
	}
}

static void wait_for_text(const char *file, const char *text)
{
	wait_for_lines(file, text, 1);
}

/* To a file, and after a rotation to the new one: every line whole, none twice. */
Test(program, file_is_reopened_on_sighup)
{
	_cleanup_agent_ struct agent_test t;
	char file[128], old[128], pid[64];
	struct run before, after;

	agent_needs_root();
	agent_launch(&t, "output = { type = \"file\"; path = \"@DIR@/out.json\"; };");
	snprintf(file, sizeof(file), "%s/out.json", t.dir);
	snprintf(old, sizeof(old), "%s/old.json", t.dir);
	wait_for_text(file, "agent_start");
	RUN(&before, helper("quit"));
	/* Its exit is the last line about it; others' may come before. */
	snprintf(pid, sizeof(pid), "\"pid\":%d,", before.pid);
	wait_for_lines(file, pid, 2);
	cr_assert_eq(rename(file, old), 0);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reloaded");
	RUN(&after, helper("quit"));
	kill(t.pid, SIGTERM);
	cr_assert_eq(agent_wait_end(&t), 0);
	snprintf(pid, sizeof(pid), "\"pid\":%d,", before.pid);
	cr_assert_eq(lines_with(old, pid), 2, "start and exit");
	cr_assert_eq(lines_with(file, pid), 0);
	snprintf(pid, sizeof(pid), "\"pid\":%d,", after.pid);
	cr_assert_eq(lines_with(file, pid), 2);
	cr_assert_eq(lines_with(file, "\"event_type\":\"health\""), 1);
}

Test(program, reload_takes_rules_and_keeps_them_on_mistakes)
{
	_cleanup_agent_ struct agent_test t;
	struct run r;
	char text[512];
	size_t from = 0;

	agent_needs_root();
	agent_start(&t, "rules = ( { id = \"T-1\"; name = \"t\"; process_names = [\"quit\"]; } );");
	RUN(&r, helper("quit"));
	cr_assert_str_eq(line_str(agent_line(&t, "alert", "pid", r.pid), "rule_id"), "T-1");

	write_file(t.config, "rules = ( { id = \"T-2\"; } );\n", 0644);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "the old ones stay");
	RUN(&r, helper("quit"));
	cr_assert_str_eq(line_str(agent_line(&t, "alert", "pid", r.pid), "rule_id"), "T-1");

	snprintf(text, sizeof(text),
		 "ebpf = { pin_path = \"%s\"; };\nperformance = { max_process_cache_entries = 64; };\n"
		 "rules = ( { id = \"T-2\"; name = \"t\"; process_names = [\"quit\"]; } );\n", t.pin_path);
	write_file(t.config, text, 0644);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reloaded: rules: 1");
	cr_assert(strstr(agent_log(&t), "performance.max_process_cache_entries has changed"), "%s",
		  agent_log(&t));
	RUN(&r, helper("quit"));
	cr_assert_str_eq(line_str(agent_line(&t, "alert", "pid", r.pid), "rule_id"), "T-2");
	agent_stop(&t);
	cr_assert_eq(line_u64(agent_next(&t, "health", &from), "reloads"), 1);
	cr_assert_eq(line_u64(t.lines[t.nr_lines - 1], "reload_failures"), 1);
}

/* What the agent could do at its start it can't any more; it says so, and what stays. */
Test(program, reload_without_rights)
{
	_cleanup_agent_ struct agent_test t;
	char elsewhere[] = "/tmp/rand-guard-test-out-XXXXXX", text[512];

	agent_needs_root();
	cr_assert(mkdtemp(elsewhere) && !chown(elsewhere, 65534, 65534) && !chmod(elsewhere, 0755));
	agent_launch(&t, "output = { type = \"file\"; path = \"@DIR@/out.json\"; };");
	agent_wait_log(&t, "watching");
	snprintf(text, sizeof(text), "ebpf = { pin_path = \"%s\"; };\noutput = { type = \"file\"; path = \"%s/x\"; };"
		 "rules = ( { id = \"T\"; name = \"t\"; process_names = [\"x\"]; } );", t.pin_path, elsewhere);
	write_file(t.config, text, 0644);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reloaded, but for the output: rules: 1");
	cr_assert(strstr(agent_log(&t), "/x': Permission denied; what was open stays in use; the running agent "
					"has no privileges any more"), "%s", agent_log(&t));
	cr_assert(!chown(t.config, 65534, 65534) && !chmod(t.config, 0600));
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reload: the settings may not be read; the old ones stay; the running agent has no");
	kill(t.pid, SIGTERM);
	cr_assert_eq(agent_wait_end(&t), 0);
	cr_assert(!rmdir(elsewhere));
}

/* It would be waited for, among the rules and in place of the settings. */
Test(program, reload_does_not_wait_for_a_fifo)
{
	_cleanup_agent_ struct agent_test t;
	char dir[128], fifo[160];

	agent_needs_root();
	agent_start(&t, "");
	snprintf(dir, sizeof(dir), "%s/r", t.dir);
	snprintf(fifo, sizeof(fifo), "%s/1.cfg", dir);
	cr_assert(!mkdir(dir, 0755) && !mkfifo(fifo, 0644));
	write_file(t.config, "rules_dir = \"r\";", 0644);
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "/r/1.cfg': it is no regular file");
	agent_wait_log(&t, "the old ones stay");
	cr_assert(!unlink(t.config) && !mkfifo(t.config, 0644));
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "is no regular file and can't be read again; the old settings stay");
	agent_sync(&t);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert(!unlink(fifo) && !rmdir(dir));
}

/* Settings that come later are found; in a mount namespace, since it is the host's /etc. */
Test(program, default_settings_that_come_later)
{
	struct run r;

	agent_needs_root();
	RUN_ALL(&r, "unshare -m sh -c '"
		    "wait_for() { n=0; until grep -q \"$1\" /etc/log; do sleep 0.05; n=$((n + 1)); "
		    "[ $n -lt 600 ] || { cat /etc/log; exit 1; }; done; };"
		    "mount -t tmpfs none /etc && mount -t bpf none /sys/fs/bpf && mkdir /etc/rand-guard || exit 1;"
		    "\"$0\" </dev/null >/dev/null 2>/etc/log & agent=$!; "
		    "wait_for watching; kill -HUP $agent; wait_for \"reloaded: rules: 0\";"
		    "echo \"rules = ( { id = \\\"A\\\"; name = \\\"a\\\"; process_names = [\\\"x\\\"]; } );\" "
		    ">/etc/rand-guard/rand-guard.cfg; kill -HUP $agent; wait_for \"reloaded: rules: 1\";"
		    "rm /etc/rand-guard/rand-guard.cfg; kill -HUP $agent; wait_for \"the old ones stay\";"
		    "kill $agent; wait $agent' \"$0\" 2>&1");
	cr_assert_eq(r.status, 0, "%s", r.out);
}

/* Nobody takes the lines: records are counted as lost, the count is told, and the agent still answers. */
Test(program, slow_reader_loses_and_counts)
{
	_cleanup_agent_ struct agent_test t;
	uint64_t lost = 0, happened = 0, told = 0;
	const cJSON *health;
	size_t i, from = 0;
	struct run r;

	agent_needs_root();
	agent_start(&t, "ebpf = { buffer_size = 65536; @EBPF@ };");
	/* The pipe, the agent's buffer and the ring are full after about 600 records. */
	for (i = 0; i < 400; i++)
		RUN(&r, helper("quit"));
	/* Reading goes on: the loss is told, and what comes now isn't lost any more. */
	agent_next(&t, "lost", &from);
	agent_sync(&t);
	cr_assert_eq(agent_stop(&t), 0);
	health = t.lines[t.nr_lines - 1];
	for (i = 0; i < t.nr_lines; i++) {
		happened += !strncmp(line_str(t.lines[i], "event_type"), "process_", 8);
		if (!strcmp(line_str(t.lines[i], "event_type"), "lost"))
			told += line_u64(t.lines[i], "process_start") + line_u64(t.lines[i], "process_exit") +
				line_u64(t.lines[i], "process_relationship");
	}
	lost = line_u64(health, "ring_lost");
	cr_assert_gt(lost, 0, "the ring was never full");
	cr_assert_eq(told, lost);
	cr_assert_eq(happened, line_u64(health, "raw_events_read"));
	cr_assert_eq(line_u64(health, "process_records_evicted"), 0, "the table needs no reader");
}

/* A full disk: said once, tried again, and good when there is room: lines are whole, what is missing is counted. */
Test(program, full_disk_is_survived)
{
	_cleanup_agent_ struct agent_test t;
	char file[128], filler[128], small[64], pid[64], settings[256];
	struct run r;
	int fd;

	agent_needs_root();
	snprintf(small, sizeof(small), "/tmp/rand-guard-test-small-%d", getpid());
	cr_assert_eq(mkdir(small, 0755), 0);
	if (mount("tmpfs", small, "tmpfs", 0, "size=16m"))
		cr_skip("no tmpfs: %s", strerror(errno));
	snprintf(file, sizeof(file), "%s/out.json", small);
	snprintf(filler, sizeof(filler), "%s/filler", small);
	fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, (char[65536]){ 0 }, 65536) > 0)
		;
	close(fd);
	snprintf(settings, sizeof(settings), "output = { type = \"file\"; path = \"%s\"; };", file);
	agent_launch(&t, settings);
	agent_wait_log(&t, "cannot write: No space left on device");
	RUN(&r, helper("quit"));
	cr_assert_eq(unlink(filler), 0);
	agent_wait_log(&t, "writing again");
	RUN(&r, helper("quit"));
	snprintf(pid, sizeof(pid), "\"pid\":%d,", r.pid);
	wait_for_text(file, pid);
	kill(t.pid, SIGTERM);
	cr_assert_eq(agent_wait_end(&t), 0);
	cr_assert_eq(lines_with(file, "{\"event_type\":\"agent_start\""), 1);
	umount2(small, MNT_DETACH);
	rmdir(small);
}
