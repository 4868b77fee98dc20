/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking at the table: bpftool, cat, ps, status. It shows what is there, and changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <bpf/bpf.h>

#include "test_table.h"

/* All that a command writes, the caller's; it ends with 0. */
static char *output_of(const char *const argv[])
{
	size_t len = 0, room = 65536;
	char *text = malloc(room);
	int out[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert(text && !pipe2(out, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], text + len, room - 1 - len)) > 0) {
		len += (size_t)n;
		if (room - len < 4096)
			text = realloc(text, room *= 2);
		cr_assert(text);
	}
	text[len] = '\0';
	close(out[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%s %s: 0x%x", argv[0], argv[1], status);
	return text;
}
#define OUTPUT_OF(...) output_of((const char *const[]){ __VA_ARGS__, NULL })

static char *rand_guard(const struct agent_test *t, const char *command, const char *option)
{
	return OUTPUT_OF(helper("../../rand-guard"), command, "-p", t->pin_path, option);
}

static const char *bpftool(void)
{
	static const char *const paths[] = { "/usr/sbin/bpftool", "/usr/local/sbin/bpftool",
					     "/usr/bin/bpftool" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	cr_skip("bpftool is not installed");
	return NULL;
}

static cJSON *dump(const struct agent_test *t, enum kernel_map map)
{
	_cleanup_free_ char *text = NULL;
	char path[128];
	cJSON *json;

	snprintf(path, sizeof(path), "%s/%s", t->pin_path, kernel_map_names[map]);
	text = OUTPUT_OF(bpftool(), "-j", "map", "dump", "pinned", path);
	json = cJSON_Parse(text);
	cr_assert(cJSON_IsArray(json), "%s: %.200s", kernel_map_names[map], text);
	return json;
}

/* A member of an element's typed value, by its names from outside to inside. */
static const cJSON *member(const cJSON *element, const char *const names[])
{
	const cJSON *at = cJSON_GetObjectItem(element, "formatted");
	size_t i;

	cr_assert(at);
	for (i = 0; names[i]; i++) {
		at = cJSON_GetObjectItem(at, names[i]);
		cr_assert(at, "no %s", names[i]);
	}
	return at;
}
#define MEMBER(element, ...) member(element, (const char *const[]){ __VA_ARGS__, NULL })

static void remove_json(cJSON **json)
{
	cJSON_Delete(*json);
}
#define _cleanup_json_ _cleanup_(remove_json)

/* Each map that can be dumped: rows by name, and words for numbers that stand for words. */
Test(inspect, bpftool_map_dump)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_json_ cJSON *rows = NULL, *config = NULL, *state = NULL, *threads = NULL, *scratch = NULL;
	const cJSON *row, *found = NULL, *value;

	table_needs_host();
	bpftool();
	agent_start(&t, "process = { track_threads = true; };");
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	crowd_do(&crowd, "exec 1");
	rows = dump(&t, MAP_PROC_TABLE);
	cJSON_ArrayForEach(row, rows)
		if (MEMBER(row, "key", "pid")->valueint == crowd.pid)
			found = row;
	cr_assert(found);
	cr_assert_eq(MEMBER(found, "key", "tid")->valueint, crowd.pid);
	cr_assert_str_eq(MEMBER(found, "value", "comm")->valuestring, "crowd");
	cr_assert_str_eq(MEMBER(found, "value", "exe")->valuestring, helper("crowd"));
	cr_assert_str_eq(MEMBER(found, "value", "state")->valuestring, "RG_PROC_LIVE");
	cr_assert_eq(MEMBER(found, "value", "ppid")->valueint, getpid());
	config = dump(&t, MAP_CONFIG);
	value = MEMBER(cJSON_GetArrayItem(config, 0), "value", ".rodata");
	value = cJSON_GetObjectItem(cJSON_GetArrayItem(value, 0), "rg_config");
	cr_assert_eq(cJSON_GetObjectItem(value, "max_rows")->valueint, 5000);
	cr_assert_str_eq(cJSON_GetObjectItem(value, "version")->valuestring, RG_VERSION);
	cr_assert_eq(strncmp(cJSON_GetObjectItem(value, "hook")->valuestring, "RG_HOOK_", 8), 0);
	state = dump(&t, MAP_STATE);
	value = MEMBER(cJSON_GetArrayItem(state, 0), "value", ".bss");
	value = cJSON_GetObjectItem(cJSON_GetArrayItem(value, 0), "rg_state");
	value = cJSON_GetObjectItem(cJSON_GetObjectItem(value, "stats"), "inserted");
	cr_assert_gt(value->valueint, 1);
	threads = dump(&t, MAP_THREAD_TABLE);
	scratch = dump(&t, MAP_SCRATCH);
	cr_assert_gt(cJSON_GetArraySize(scratch), 0);
}

static char *read_view(const struct agent_test *t, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->pin_path, name);
	return OUTPUT_OF("/bin/cat", path);
}

/* The number in the line "NAME   NUMBER". */
static uint64_t number_of(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *line;

	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	cr_assert_fail("no %s in %s", name, text);
	return 0;
}

Test(inspect, stats_view)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_table_ struct table table;
	struct rg_stats before, after;
	bool same = false;

	table_needs_host();
	agent_start(&t, "");
	table_open(&table, t.pin_path);
	__atomic_fetch_add(&table.state->stats.env_unreadable, 18446744073709551615ULL, __ATOMIC_SEQ_CST);
	/* All the counters, as they are: when none moved meanwhile but by "cat" itself, which comes and goes. */
	while (!same) {
		_cleanup_free_ char *text = NULL;

		before = table.state->stats;
		text = read_view(&t, "stats");
		after = table.state->stats;
		same = after.inserted == before.inserted + 1 &&
		       number_of(text, "inserted") == after.inserted;
		if (!same)
			continue;
		cr_assert_eq(number_of(text, "deleted"), after.deleted);
		cr_assert_eq(number_of(text, "reclaimed"), after.reclaimed);
		cr_assert_eq(number_of(text, "evicted"), table.state->control.evicted);
		cr_assert_eq(number_of(text, "submitted_process_relationship"),
			     after.submitted[RG_RECORD_FORK]);
		cr_assert_eq(number_of(text, "submitted_process_start"), after.submitted[RG_RECORD_EXEC]);
		cr_assert_leq(number_of(text, "submitted_process_exit"), after.submitted[RG_RECORD_EXIT]);
		cr_assert_eq(number_of(text, "lost_process_exit"), after.ring_lost[RG_RECORD_EXIT]);
		cr_assert_eq(number_of(text, "sources_refused"), after.sources_refused);
		cr_assert_eq(number_of(text, "env_unreadable"), 18446744073709551615ULL);
	}
}

/* The line of a pid, whose first column it is; static. */
static const char *line_of(const char *text, pid_t pid)
{
	static char found[1024];
	const char *line;

	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (atoi(line) != pid)
			continue;
		snprintf(found, sizeof(found), "%.*s", (int)strcspn(line, "\n"), line);
		return found;
	}
	return NULL;
}

Test(inspect, processes_view)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	_cleanup_free_ pid_t *sleepers = NULL;
	_cleanup_free_ char *text = NULL;
	char state[16], comm[32], exe[512];
	unsigned int pid, ppid, uid, nr_exited = 0, i;
	unsigned long long start;
	struct rg_proc row;
	const char *line;

	table_needs_host();
	agent_start(&t, "");
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	sleepers = crowd_hold(&crowd, 100); /* more than a page of text */
	cr_assert(table_row(&table, crowd.pid, &row));
	text = read_view(&t, "processes");
	cr_assert_eq(strncmp(text, "    PID    PPID STATE", 21), 0, "%.80s", text);
	line = line_of(text, crowd.pid);
	cr_assert(line);
	cr_assert_eq(sscanf(line, "%u %u %15s %u %llu %31s %511s", &pid, &ppid, state, &uid, &start, comm, exe),
		     7);
	cr_assert_eq(ppid, (unsigned int)getpid());
	cr_assert_str_eq(state, "live");
	cr_assert_eq(uid, 0);
	cr_assert_eq(start, row.start_time_ns / NSEC_PER_SEC);
	cr_assert_str_eq(comm, "crowd");
	cr_assert_str_eq(exe, helper("crowd"));
	for (i = 0; i < 100; i++) {
		line = line_of(text, sleepers[i]);
		cr_assert(line && strstr(line, " live "), "%u", i);
		cr_assert(strstr(line, i % 2 ? " exe " : " crowd "), "%s", line);
	}
	crowd_do(&crowd, "release");
	free(text);
	text = read_view(&t, "processes");
	for (i = 0; i < 100; i++) {
		line = line_of(text, sleepers[i]);
		cr_assert(!line || strstr(line, " exited "), "%u", i);
		nr_exited += !!line;
	}
	/* The host's own may be among the latest, too. */
	cr_assert_geq(nr_exited, RG_LEAVES / 2);
	cr_assert_leq(nr_exited, RG_LEAVES + 2);
}

/* What a process calls itself must not steer a terminal, in whatever view. */
Test(inspect, names_with_any_bytes)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_free_ char *view = NULL, *ps = NULL;
	struct run r;

	table_needs_host();
	agent_start(&t, "");
	copy_program(&t, helper("quit"), "e\033[2Jv\ni\tl");
	RUN(&r, test_path(&t, "e\033[2Jv\ni\tl"));
	cr_assert_eq(r.status, 0);
	ps = rand_guard(&t, "ps", "--exited");
	cr_assert(strstr(line_of(ps, r.pid), "e?[2Jv?i?l"), "%s", line_of(ps, r.pid));
	view = read_view(&t, "processes");
	cr_assert_not(strchr(view, '\033'));
	cr_assert(strstr(line_of(view, r.pid), "e?[2Jv?i?l"), "%s", line_of(view, r.pid));
}

Test(inspect, ps)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ char *live = NULL, *all = NULL, *tree = NULL, *json = NULL;
	const char *line, *at;
	struct run r;
	cJSON *row;
	pid_t child;

	table_needs_host();
	agent_start(&t, "");
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	child = crowd_ask(&crowd, "child", "child");
	RUN(&r, helper("quit"));
	live = rand_guard(&t, "ps", NULL);
	cr_assert(line_of(live, crowd.pid) && line_of(live, child));
	cr_assert_null(line_of(live, r.pid), "it has ended");
	all = rand_guard(&t, "ps", "--exited");
	line = line_of(all, r.pid);
	cr_assert(line && strstr(line, " exited ") && strstr(line, helper("quit")), "%s", line);
	/* Parents above children, which stand further right. */
	tree = rand_guard(&t, "ps", "--tree");
	cr_assert(line_of(tree, child));
	at = strstr(tree, line_of(tree, crowd.pid));
	cr_assert(at && strstr(at, line_of(tree, child)));
	cr_assert_eq(strstr(line_of(tree, child), "crowd") - line_of(tree, child),
		     strstr(line_of(tree, crowd.pid), "crowd") - line_of(tree, crowd.pid) + 2);
	/* An object a line. */
	json = rand_guard(&t, "ps", "--json");
	for (line = json; *line; line = strchr(line, '\n') + 1) {
		row = cJSON_ParseWithLength(line, strcspn(line, "\n"));
		cr_assert(row, "%.*s", (int)strcspn(line, "\n"), line);
		if (line_u64(row, "pid") == (uint64_t)child) {
			cr_assert_eq(line_u64(row, "ppid"), (uint64_t)crowd.pid);
			cr_assert_str_eq(line_str(row, "state"), "live");
			cr_assert_str_eq(line_str(row, "comm"), "crowd");
			cr_assert_str_eq(line_str(row, "exe_path"), helper("crowd"));
			cr_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "exit_time_ns")));
			child = 0;
		}
		cJSON_Delete(row);
	}
	cr_assert_eq(child, 0, "it was there");
}

Test(inspect, status)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_table_ struct table table;
	unsigned long long inserted, deleted, reclaimed, evicted;
	char expected[64];
	bool same = false;
	const char *at;
	struct run r;

	table_needs_host();
	agent_start(&t, "ebpf = { @EBPF@ keep_running = true; };");
	table_open(&table, t.pin_path);
	snprintf(expected, sizeof(expected), "agent      running, pid %d\n", t.pid);
	while (!same) {
		struct rg_stats before = table.state->stats;
		_cleanup_free_ char *text = rand_guard(&t, "status", NULL);

		cr_assert(strstr(text, expected), "%s", text);
		at = strstr(text, "books ");
		cr_assert(at);
		cr_assert_eq(sscanf(at, "books inserted %llu = deleted %llu + reclaimed %llu + evicted %llu",
				    &inserted, &deleted, &reclaimed, &evicted), 4);
		same = table.state->stats.inserted == before.inserted + 1;
		if (same)
			cr_assert_eq(inserted, before.inserted + 1); /* the command itself */
		cr_assert_geq(inserted, before.inserted);
		cr_assert(strstr(text, "rows of 5000: "));
	}
	cr_assert_eq(agent_stop(&t), 0);
	{
		_cleanup_free_ char *text = rand_guard(&t, "status", NULL), *ps = NULL;

		cr_assert(strstr(text, "agent      none; its programs run on"), "%s", text);
		ps = rand_guard(&t, "ps", NULL);
		cr_assert(line_of(ps, getpid()));
		free(rand_guard(&t, "unload", NULL));
	}
	RUN(&r, helper("../../rand-guard"), "status", "-p", t.pin_path);
	cr_assert_eq(WEXITSTATUS(r.status), 1);
}

/*
 * Rows are evicted in the order in which the programs used them. One that is looked at from userspace all the time,
 * by every way there is, goes when its turn comes; one that the programs use stays, however old.
 */
Test(inspect, looking_changes_nothing)
{
	_cleanup_agent_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_free_ pid_t *old = NULL, *sleepers = NULL;
	_cleanup_table_ struct table table;
	_cleanup_free_ void *text = NULL;
	unsigned int i, k;
	struct rg_proc row;
	struct books books;

	table_needs_host();
	agent_start(&t, "process = { enabled = false; }; performance = { max_process_cache_entries = 64; }; "
			"health = { interval_seconds = 1; };");
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	old = crowd_hold(&crowd, 10);
	cr_assert_eq(table_nr_live(&table, old, 10), 10);
	for (i = 0; i < 30; i++) {
		_cleanup_free_ char *view = read_view(&t, "processes"), *ps = rand_guard(&t, "ps", NULL);
		size_t nr_rows;

		for (k = 0; k < 200; k++)
			table_nr_live(&table, old, 10);
		free(table_rows(&table, &nr_rows));
		free(crowd_hold(&crowd, 20));
		cr_assert(table_row(&table, crowd.pid, &row) && !(row.flags & RG_REBUILT),
			  "the programs use it");
	}
	cr_assert_eq(table_nr_live(&table, old, 10), 0);
	table_balance(&table, &t, &books);
	cr_assert_gt(books.evicted, 400);
}
