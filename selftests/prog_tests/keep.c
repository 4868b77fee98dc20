/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ebpf.keep_running and the pins: what goes on without an agent, who takes it over, and what is left behind. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <bpf/bpf.h>

#include "test_table.h"

#define KEEP "ebpf = { @EBPF@ keep_running = true; }; health = { interval_seconds = 1; }; "

/* --- what an agent has in the kernel ------------------------------------------------------------- */

enum { MAPS, LINKS, PROGS, NR_KINDS };

struct objects {
	uint32_t ids[NR_KINDS][64];
	size_t nr_ids[NR_KINDS];
};

/* An id of the kind that a descriptor of the agent's shows in its fdinfo; 0: it doesn't. */
static uint32_t fdinfo_id(pid_t pid, const char *fd, const char *key)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[512], line[256];
	size_t len = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len))
			return (uint32_t)atoi(line + len);
	return 0;
}

/* Once, since a link also shows its program and its map. */
static void add_id(struct objects *o, size_t kind, uint32_t id)
{
	size_t i;

	for (i = 0; id && i < o->nr_ids[kind]; i++)
		if (o->ids[kind][i] == id)
			return;
	if (id && i < ARRAY_SIZE(o->ids[kind]))
		o->ids[kind][o->nr_ids[kind]++] = id;
}

static void list_objects(pid_t pid, struct objects *ret)
{
	static const char *const keys[] = { "map_id:", "link_id:", "prog_id:" };
	struct dirent *entry;
	char path[64];
	size_t i;
	DIR *dir;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	cr_assert(dir);
	while ((entry = readdir(dir)))
		for (i = 0; i < NR_KINDS; i++)
			add_id(ret, i, fdinfo_id(pid, entry->d_name, keys[i]));
	closedir(dir);
	cr_assert_eq(ret->nr_ids[MAPS], NR_KERNEL_MAPS);
	cr_assert_gt(ret->nr_ids[LINKS], 4);
	cr_assert_gt(ret->nr_ids[PROGS], 4);
}

/* How many of those are still there. */
static size_t nr_alive(const struct objects *o)
{
	int (*const get[])(uint32_t) = { bpf_map_get_fd_by_id, bpf_link_get_fd_by_id,
					 bpf_prog_get_fd_by_id };
	size_t i, kind, n = 0;
	int fd;

	for (kind = 0; kind < NR_KINDS; kind++)
		for (i = 0; i < o->nr_ids[kind]; i++) {
			fd = get[kind](o->ids[kind][i]);
			n += fd >= 0;
			closep(&fd);
		}
	return n;
}

static void check_nothing_left(const struct agent_test *t, const struct objects *objects)
{
	cr_assert(access(t->pin_path, F_OK) && errno == ENOENT, "%s is still there", t->pin_path);
	/* The kernel frees them when it comes to it. */
	wait_until(nr_alive(objects) == 0);
}

/* --- rand-guard COMMAND -p DIR --------------------------------------------------------------------- */

static int command(const struct agent_test *t, const char *name, struct run *r)
{
	RUN(r, helper("../../rand-guard"), name, "-p", t->pin_path);
	cr_assert(WIFEXITED(r->status));
	return WEXITSTATUS(r->status);
}

/* Takes away what a failed test would leave running. */
static void unload(struct agent_test *t)
{
	struct run r;

	agent_clear(t);
	if (!access(t->pin_path, F_OK))
		command(t, "unload", &r);
}
#define _cleanup_unload_ _cleanup_(unload)

/* The path of a pin; static. */
static const char *test_pin(const struct agent_test *t, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->pin_path, name);
	return path;
}

/* The next one, which doesn't come far. */
static void start_in_vain(const struct agent_test *t, const char *why)
{
	struct run r;

	RUN(&r, "/bin/sh", "-c", "exec \"$0\" -c \"$1\" 2>&1", helper("../../rand-guard"), t->config);
	cr_assert(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 1);
	cr_assert(strstr(r.out, why), "%s", r.out);
}

static void kill_agent(struct agent_test *t)
{
	kill(t->pid, SIGKILL);
	cr_assert(WIFSIGNALED(agent_wait_end(t)));
}

/* The next one, and its first line. */
static const cJSON *restart(struct agent_test *t)
{
	size_t from = t->nr_lines;

	agent_restart(t);
	return agent_next(t, "agent_start", &from);
}

/* And it has read what the ring kept: from then on nothing is lost for want of room. */
static const cJSON *restart_and_read(struct agent_test *t)
{
	const cJSON *line = restart(t);
	size_t from = t->nr_lines;

	agent_next(t, "health", &from);
	return line;
}

/* --- tests ------------------------------------------------------------------------------------------ */

Test(keep, nothing_is_left_without_it)
{
	_cleanup_agent_ struct agent_test t;
	struct objects objects;
	struct run r;

	table_needs_host();
	agent_start(&t, "");
	list_objects(t.pid, &objects);
	cr_assert_eq(nr_alive(&objects),
		     objects.nr_ids[MAPS] + objects.nr_ids[LINKS] + objects.nr_ids[PROGS]);
	cr_assert_eq(agent_stop(&t), 0);
	check_nothing_left(&t, &objects);
	cr_assert_eq(command(&t, "status", &r), 1, "there is nothing to look at");
	cr_assert_eq(command(&t, "unload", &r), 0, "and nothing to do");
}

/* A killed agent can't take its pins away, but nothing runs on; the next one finds its way. */
Test(keep, killed_without_it)
{
	_cleanup_unload_ struct agent_test t;
	struct objects objects;

	table_needs_host();
	agent_start(&t, "");
	list_objects(t.pid, &objects);
	kill_agent(&t);
	cr_assert_not(line_bool(restart(&t), "taken_over"));
	cr_assert_eq(agent_stop(&t), 0);
	check_nothing_left(&t, &objects);
}

/* What is seen of a process that a later agent hears of: it was forked by FORMER, whose name is known. */
static void check_start(struct agent_test *t, pid_t pid, pid_t parent, size_t *from)
{
	const cJSON *line = agent_line_u64(t, "process_start", "pid", (uint64_t)pid, from);

	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)parent);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("nothing"));
	cr_assert_str_eq(line_str(line, "parent_exe_path"), helper("crowd"));
	cr_assert_str_eq(line_str(line, "source"), "execve");
}

/* As the programs counted them, and as lines say, over both agents. */
static void check_delivered(struct agent_test *t, const struct table *table)
{
	static const char *const names[] = { "process_relationship", "process_start", "process_exit" };
	const struct rg_stats *stats = &table->state->stats;
	uint64_t lines, lost;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		lines = agent_count(t, names[i], NULL, 0);
		for (k = 0, lost = 0; k < t->nr_lines; k++)
			if (!strcmp(line_str(t->lines[k], "event_type"), "lost"))
				lost += line_u64(t->lines[k], names[i]);
		cr_assert_eq(lost, stats->ring_lost[i], "%s", names[i]);
		/* An agent that is killed between reading and writing takes a batch along. */
		cr_assert_leq(lines, stats->submitted[i]);
		cr_assert_leq(stats->submitted[i], lines + 512);
	}
}

static void kill_and_restart(const char *ring, bool loses)
{
	_cleanup_unload_ struct agent_test t;
	_cleanup_crowd_ struct crowd before, during;
	_cleanup_table_ struct table table;
	struct objects objects;
	pid_t old_child, child, pids[3];
	struct books books;
	char settings[256];
	size_t from, mine;
	struct run r;

	table_needs_host();
	snprintf(settings, sizeof(settings), "ebpf = { @EBPF@ keep_running = true; buffer_size = %s; }; "
		 "health = { interval_seconds = 1; };", ring);
	agent_start(&t, settings);
	table_open(&table, t.pin_path);
	list_objects(t.pid, &objects);
	CROWD(&before, helper("crowd"), helper("nothing"));
	old_child = crowd_ask(&before, "child", "child");
	agent_sync(&t);
	kill_agent(&t);
	cr_assert_eq(nr_alive(&objects),
		     objects.nr_ids[MAPS] + objects.nr_ids[LINKS] + objects.nr_ids[PROGS]);
	cr_assert_eq(table.state->control.agent_pid, 0, "its end was seen");
	cr_assert_eq(command(&t, "status", &r), 0);
	cr_assert(strstr(r.out, "agent      none"), "%s", r.out);
	/* Meanwhile. */
	from = t.nr_lines;
	CROWD(&during, helper("crowd"), helper("nothing"));
	child = crowd_ask(&during, "child", "child");
	pids[0] = crowd_ask(&during, "grandchild", "act C");
	crowd_do(&during, "mix 1000");
	cr_assert(line_bool(restart_and_read(&t), "taken_over"));
	/* After: by processes from before and from meanwhile. */
	pids[1] = crowd_ask(&before, "grandchild", "act C");
	pids[2] = crowd_ask(&during, "grandchild", "act C");
	agent_sync(&t);
	check_start(&t, pids[0], child, &from);
	check_start(&t, pids[1], old_child, &from);
	check_start(&t, pids[2], child, &from);
	cr_assert(table_is_live(&table, old_child) && table_is_live(&table, child));
	mine = agent_count(&t, "process_relationship", "parent_pid", (uint64_t)during.pid);
	if (loses) {
		cr_assert_lt(mine, 1001);
		cr_assert_gt(table.state->stats.ring_lost[RG_RECORD_FORK], 0);
	} else {
		cr_assert_eq(mine, 1001, "%zu", mine);
		cr_assert_eq(table.state->stats.ring_lost[RG_RECORD_FORK], 0);
	}
	table_balance(&table, &t, &books);
	cr_assert_eq(books.evicted, 0);
	/* It leaves once more, and this time of its own will; what it leaves is unloaded. */
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(nr_alive(&objects),
		     objects.nr_ids[MAPS] + objects.nr_ids[LINKS] + objects.nr_ids[PROGS]);
	cr_assert_eq(command(&t, "unload", &r), 0);
	table_close(&table);
	table.state = NULL;
	memset(table.map, 0xff, sizeof(table.map));
	check_nothing_left(&t, &objects);
}

/* Everything that happened meanwhile is in the ring. */
Test(keep, kill_and_restart)
{
	kill_and_restart("4194304", false);
}

/* The ring keeps the first of it, and the rest is counted. */
Test(keep, kill_and_restart_with_a_small_ring)
{
	kill_and_restart("65536", true);
}

/* All of it, of each type, and of both agents. */
Test(keep, lost_while_away)
{
	_cleanup_unload_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	struct run r;

	table_needs_host();
	agent_start(&t, "ebpf = { @EBPF@ keep_running = true; buffer_size = 65536; }; "
			"health = { interval_seconds = 1; };");
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	agent_sync(&t);
	kill_agent(&t);
	crowd_do(&crowd, "mix 1000");
	restart_and_read(&t);
	agent_sync(&t);
	/* Nobody but the ring's reader may wait for the last ones, so none may come any more. */
	__atomic_store_n(&table.state->control.wanted, 0, __ATOMIC_SEQ_CST);
	cr_assert_eq(agent_stop(&t), 0);
	check_delivered(&t, &table);
	command(&t, "unload", &r);
}

/* --- pins of others -------------------------------------------------------------------------------- */

/* At the start, and by unload; and it is still there. */
static void check_refused(struct agent_test *t, const char *name)
{
	_cleanup_free_ char *path = NULL, *said = NULL;
	struct run r;

	cr_assert(asprintf(&path, "%s/%s", t->pin_path, name) > 0);
	cr_assert(asprintf(&said, "error: '%s' is not rand-guard's; choose another ebpf.pin_path", path) > 0);
	start_in_vain(t, said);
	cr_assert_eq(command(t, "unload", &r), 1, "%s", name);
	cr_assert_not(access(path, F_OK), "%s", name);
}

/* Each name is looked at, whatever is pinned there. */
Test(keep, pins_of_others_are_left_alone)
{
	static const char *const names[] = { "config", "state", "proc_table", "events", "processes", "stats",
					     "links/on_exit", "programs/on_exit" };
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "theirs", 4, 4, 1, NULL);
	_cleanup_unload_ struct agent_test t;
	char path[128];
	size_t i;

	table_needs_host();
	cr_assert_geq(fd, 0);
	agent_start(&t, "");
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(mkdir(t.pin_path, 0700), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", t.pin_path, names[i]);
		if (strchr(names[i], '/')) {
			*strrchr(path, '/') = '\0';
			cr_assert_eq(mkdir(path, 0700), 0);
			path[strlen(path)] = '/';
		}
		cr_assert_eq(bpf_obj_pin(fd, path), 0);
		check_refused(&t, names[i]);
		cr_assert_eq(unlink(path), 0);
	}
	cr_assert_eq(mkdir(test_pin(&t, "config"), 0700), 0);
	check_refused(&t, "config");
	cr_assert_eq(rmdir(test_pin(&t, "config")), 0);
	close(fd);
}

/* A name that isn't ours is nobody's business, but a directory with it in it isn't given away. */
Test(keep, a_directory_with_more_in_it)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "theirs", 4, 4, 1, NULL);
	_cleanup_unload_ struct agent_test t;
	_cleanup_free_ char *text = NULL;
	struct stat st;

	table_needs_host();
	if (!getpwnam("nobody"))
		cr_skip("there is no user 'nobody'");
	agent_start(&t, "");
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(mkdir(t.pin_path, 0700), 0);
	cr_assert_eq(bpf_obj_pin(fd, test_pin(&t, "theirs")), 0);
	restart(&t);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_not(access(test_pin(&t, "theirs"), F_OK));
	cr_assert(asprintf(&text, "security = { user = \"nobody\"; }; ebpf = { pin_path = \"%s\"; };",
			   t.pin_path) > 0);
	write_file(t.config, text, 0644);
	start_in_vain(&t, "/theirs' is not rand-guard's; choose another ebpf.pin_path");
	cr_assert(!stat(t.pin_path, &st) && st.st_uid == 0);
	cr_assert_eq(unlink(test_pin(&t, "theirs")), 0);
	close(fd);
}

static void check_clean_start(const char *first, const char *second, const char *why)
{
	_cleanup_unload_ struct agent_test t;
	_cleanup_free_ char *text = NULL;
	struct objects objects;
	struct run r;

	table_needs_host();
	agent_start(&t, first);
	list_objects(t.pid, &objects);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_gt(nr_alive(&objects), 0);
	cr_assert(asprintf(&text, "ebpf = { pin_path = \"%s\"; %s", t.pin_path, second) > 0);
	write_file(t.config, text, 0644);
	cr_assert_not(line_bool(restart(&t), "taken_over"));
	cr_assert(strstr(agent_log(&t), why), "%s", agent_log(&t));
	wait_until(nr_alive(&objects) == 0);
	cr_assert_eq(agent_stop(&t), 0);
	command(&t, "unload", &r);
}

Test(keep, other_settings_start_clean)
{
	check_clean_start(KEEP, "keep_running = true; }; performance = { max_process_cache_entries = 777; };",
			  "they were loaded with other settings");
}

Test(keep, turned_off_starts_clean)
{
	check_clean_start(KEEP, "keep_running = false; };", "keep_running is off now");
}

/* What doesn't concern the programs is no reason to start anew. */
Test(keep, settings_that_do_not_matter)
{
	_cleanup_unload_ struct agent_test t;
	_cleanup_free_ char *text = NULL;
	const char *hook = getenv("RAND_GUARD_TEST_HOOK");
	struct run r;

	table_needs_host();
	agent_start(&t, KEEP);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert(asprintf(&text, "agent = { id = \"another\"; }; health = { interval_seconds = 7; }; ebpf = { "
			   "pin_path = \"%s\"; keep_running = true; exec_source_hook = \"%s\"; };",
			   t.pin_path, hook ? hook : "auto") > 0);
	write_file(t.config, text, 0644);
	cr_assert(line_bool(restart(&t), "taken_over"));
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(command(&t, "unload", &r), 0);
}

Test(keep, one_agent_at_a_time)
{
	_cleanup_unload_ struct agent_test t;
	struct objects objects;
	struct run r;

	table_needs_host();
	agent_start(&t, KEEP);
	list_objects(t.pid, &objects);
	RUN(&r, helper("../../rand-guard"), "-c", t.config);
	cr_assert(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 1);
	cr_assert_eq(command(&t, "unload", &r), 1);
	/* Neither has done any harm. */
	agent_sync(&t);
	cr_assert_eq(nr_alive(&objects),
		     objects.nr_ids[MAPS] + objects.nr_ids[LINKS] + objects.nr_ids[PROGS]);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(command(&t, "unload", &r), 0);
	check_nothing_left(&t, &objects);
}

/* The agent's own number means nothing once it is dead: who has it next is seen. */
Test(keep, agent_number_reused)
{
	_cleanup_unload_ struct agent_test t;
	_cleanup_crowd_ struct crowd crowd;
	_cleanup_table_ struct table table;
	const cJSON *line;
	size_t from;
	pid_t pid;
	struct run r;

	table_needs_host();
	agent_start(&t, KEEP);
	table_open(&table, t.pin_path);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	pid = t.pid;
	cr_assert_eq(table.state->control.agent_pid, (uint32_t)pid);
	kill_agent(&t);
	cr_assert_eq(table.state->control.agent_pid, 0);
	cr_assert_eq(crowd_ask(&crowd, "as", "as %d", pid), pid);
	crowd_do(&crowd, "end E");
	from = t.nr_lines;
	restart(&t);
	line = agent_line_u64(&t, "process_start", "pid", (uint64_t)pid, &from);
	cr_assert_str_eq(line_str(line, "exe_path"), helper("nothing"));
	cr_assert_eq(line_u64(line, "ppid"), (uint64_t)crowd.pid);
	agent_line_u64(&t, "process_exit", "pid", (uint64_t)pid, &from);
	cr_assert_eq(agent_stop(&t), 0);
	cr_assert_eq(command(&t, "unload", &r), 0);
}
