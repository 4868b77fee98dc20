/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text of faked numbers, each at its place; what etc/ asks for is in it; and the textfile,
 * which no reader may see half written.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "metrics.h"
#include "metrics_text.h"

TestSuite(metrics, .timeout = 30);

/* --- what is faked ---------------------------------------------------------------------------- */

#define NR_NUMBERS(object) (sizeof(object) / sizeof(uint64_t))

/* Numbers that stand nowhere else in the text: first, first + 1, ... */
static void number(void *object, size_t nr, uint64_t first)
{
	uint64_t value;
	size_t i;

	for (i = 0; i < nr; i++) {
		value = first + i;
		memcpy((char *)object + i * sizeof(value), &value, sizeof(value));
	}
}

enum {
	STATS = 1000001,
	COUNTERS = 2000001,
	TABLE = 3000001,
	PROCESS = 4000001,
	PROGS = 5000001,
};

static const struct probe_info info = {
	.exec_source_hook = "prepare",
	.maps = {{"proc_table", 111}, {"events", 222}},
	.nr_maps = 2,
};

static struct metrics_input *input(void)
{
	struct metrics_input *in = calloc(1, sizeof(*in));

	in->kernel = "6.1.0-1-amd64";
	in->info = &info;
	number(&in->stats, NR_NUMBERS(in->stats), STATS);
	number(&in->counters, NR_NUMBERS(in->counters), COUNTERS);
	number(&in->table, NR_NUMBERS(in->table), TABLE);
	number(&in->process, NR_NUMBERS(in->process), PROCESS);
	in->progs[0] = (struct probe_prog){"on_fork", 1500000001, PROGS, PROGS + 1, PROGS + 2};
	in->progs[1] = (struct probe_prog){"on_exec", 2, PROGS + 3, PROGS + 4, PROGS + 5};
	in->nr_progs = 2;
	in->is_watching = 1;
	in->capacity = 5000;
	in->allocated = 5272;
	in->threads_capacity = 777;
	in->max_pending_sources = 500;
	in->nr_rules = 2;
	in->output_lines = 888;
	in->output_failures = 999;
	return in;
}

static struct rule_set *rules(const char *id)
{
	struct rule *list = calloc(2, sizeof(*list));
	struct rule_set *set = NULL;

	list[0] = (struct rule){.id = strdup(id),
				.name = strdup("n"),
				.severity = RULE_CRITICAL,
				.nr_alerts = 18446744073709551615ULL};
	list[1] = (struct rule){.id = strdup("PROC-002"), .name = strdup("n")};
	cr_assert_eq(rule_set_new(list, 2, &set), 0);
	return set;
}

/* The caller frees it. */
static char *text_of(const struct metrics_input *in)
{
	struct text text = {0};

	metrics_text(in, &text);
	metrics_text_process(in, &text);
	cr_assert_not(text.failed);
	cr_assert_eq(strlen(text.data), text.len);
	return text.data;
}

static char *faked_text(void)
{
	_cleanup_free_ struct metrics_input *in = input();
	_cleanup_(rule_set_freep) struct rule_set *set = rules("PROC-001");

	in->rules = set;
	return text_of(in);
}

/* Not two of them, and nothing before or behind. */
static void assert_line(const char *text, const char *line)
{
	size_t len = strlen(line), n = 0;
	const char *at;

	for (at = text; (at = strstr(at, line)); at += len)
		n += (at == text || at[-1] == '\n') && at[len] == '\n';
	cr_assert_eq(n, 1, "%zu times: '%s'", n, line);
}

/* --- values ----------------------------------------------------------------------------------- */

#define ASSERT_VALUE(text, name, value)                                                       \
	do {                                                                                  \
		char _line[256];                                                              \
		snprintf(_line, sizeof(_line), "%s %llu", name, (unsigned long long)(value)); \
		assert_line(text, _line);                                                     \
	} while (0)

#define AT(first, type, member) ((first) + offsetof(type, member) / sizeof(uint64_t))
#define STAT(member) AT(STATS, struct rg_stats, member)
#define COUNTER(member) AT(COUNTERS, struct counters, member)
#define TABLE_AT(member) AT(TABLE, struct probe_table, member)

static const struct {
	const char *name;
	uint64_t value;
} plain[] = {
	{"rand_guard_watching", 1},
	{"rand_guard_process_cache_entries{state=\"live\"}", TABLE_AT(live)},
	{"rand_guard_process_cache_entries{state=\"exited\"}", TABLE_AT(exited)},
	{"rand_guard_process_cache_capacity", 5000},
	{"rand_guard_process_cache_allocated", 5272},
	{"rand_guard_process_cache_inserts_total", STAT(inserted)},
	{"rand_guard_process_cache_deletes_total", STAT(deleted)},
	{"rand_guard_process_cache_reclaims_total", STAT(reclaimed)},
	{"rand_guard_process_cache_evictions_total", TABLE_AT(evicted)},
	{"rand_guard_process_cache_insert_failures_total", STAT(insert_failed)},
	{"rand_guard_process_cache_misses_total", STAT(lookup_misses)},
	{"rand_guard_process_cache_stale_identities_total", STAT(stale_identity)},
	{"rand_guard_process_cache_stale_images_total", STAT(stale_images)},
	{"rand_guard_process_cache_rebuilt_total", STAT(rebuilt)},
	{"rand_guard_process_cache_torn_total", STAT(torn)},
	{"rand_guard_process_cache_unqueued_total", STAT(queue_failed)},
	{"rand_guard_process_cache_walk_failures_total", COUNTER(count_failures)},
	{"rand_guard_thread_cache_entries", TABLE_AT(threads)},
	{"rand_guard_thread_cache_capacity", 777},
	{"rand_guard_thread_cache_inserts_total", STAT(threads_inserted)},
	{"rand_guard_thread_cache_deletes_total", STAT(threads_deleted)},
	{"rand_guard_thread_cache_evictions_total", TABLE_AT(threads_evicted)},
	{"rand_guard_thread_cache_insert_failures_total", STAT(threads_insert_failed)},
	{"rand_guard_pending_exec_sources", STAT(nr_pending_sources)},
	{"rand_guard_pending_exec_sources_capacity", 500},
	{"rand_guard_pending_exec_sources_refused_total", STAT(sources_refused)},
	{"rand_guard_pending_exec_sources_failed_total", STAT(sources_failed)},
	{"rand_guard_records_submitted_total{type=\"process_relationship\"}",
	 STAT(submitted[RG_RECORD_FORK])},
	{"rand_guard_records_submitted_total{type=\"process_start\"}",
	 STAT(submitted[RG_RECORD_EXEC])},
	{"rand_guard_records_lost_total{type=\"process_exit\"}", STAT(ring_lost[RG_RECORD_EXIT])},
	{"rand_guard_records_lost_total{type=\"thread_start\"}",
	 STAT(ring_lost[RG_RECORD_THREAD_START])},
	{"rand_guard_records_read_total{type=\"thread_exit\"}",
	 COUNTER(events_read[RG_RECORD_THREAD_EXIT])},
	{"rand_guard_records_written_total{type=\"process_start\"}",
	 COUNTER(events_output[RG_RECORD_EXEC])},
	{"rand_guard_records_written_total{type=\"alert\"}", COUNTER(alerts_output)},
	{"rand_guard_records_bad_total", COUNTER(events_bad)},
	{"rand_guard_unreadable_total{field=\"args\"}", STAT(args_unreadable)},
	{"rand_guard_unreadable_total{field=\"cwd\"}", STAT(cwd_unreadable)},
	{"rand_guard_unreadable_total{field=\"env\"}", STAT(env_unreadable)},
	{"rand_guard_unreadable_total{field=\"exe_path\"}", STAT(exe_unreadable)},
	{"rand_guard_unreadable_total{field=\"filename\"}", STAT(filename_unreadable)},
	{"rand_guard_alerts_total{rule_id=\"PROC-001\",severity=\"critical\"}", UINT64_MAX},
	{"rand_guard_alerts_total{rule_id=\"PROC-002\",severity=\"low\"}", 0},
	{"rand_guard_map_memory_bytes{map=\"proc_table\"}", 111},
	{"rand_guard_map_memory_bytes{map=\"events\"}", 222},
	{"rand_guard_program_runs_total{program=\"on_fork\"}", PROGS},
	{"rand_guard_program_missed_runs_total{program=\"on_fork\"}", PROGS + 1},
	{"rand_guard_program_verified_instructions{program=\"on_exec\"}", PROGS + 5},
	{"rand_guard_rules", 2},
	{"rand_guard_output_lines_total", 888},
	{"rand_guard_output_failures_total", 999},
	{"rand_guard_reloads_total", COUNTER(reloads)},
	{"rand_guard_reload_failures_total", COUNTER(reload_failures)},
	{"rand_guard_last_reload_failed", COUNTER(last_reload_failed)},
	{"rand_guard_textfile_failures_total", COUNTER(textfile_failures)},
	{"process_resident_memory_bytes", AT(PROCESS, struct metrics_process, resident_bytes)},
	{"process_virtual_memory_bytes", AT(PROCESS, struct metrics_process, virtual_bytes)},
	{"process_open_fds", AT(PROCESS, struct metrics_process, open_fds)},
	{"process_max_fds", AT(PROCESS, struct metrics_process, max_fds)},
};

Test(metrics, each_value)
{
	_cleanup_free_ char *text = faked_text();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		ASSERT_VALUE(text, plain[i].name, plain[i].value);
	assert_line(text,
		    "rand_guard_build_info{version=\"" RG_VERSION "\",kernel=\"6.1.0-1-amd64\","
		    "exec_source_hook=\"prepare\"} 1");
}

Test(metrics, nanoseconds_are_told_in_seconds)
{
	_cleanup_free_ char *text = faked_text();

	assert_line(text,
		    "rand_guard_program_run_time_seconds_total{program=\"on_fork\"} 1.500000001");
	assert_line(text,
		    "rand_guard_program_run_time_seconds_total{program=\"on_exec\"} 0.000000002");
	assert_line(text, "process_cpu_seconds_total 0.004000001");
	assert_line(text, "process_start_time_seconds 0.004000002");
}

/* A counter that is added to a struct and told by no metric is found here. */
static void assert_all_told(const char *text, uint64_t first, size_t nr)
{
	char as_number[64], as_seconds[64];
	uint64_t value;

	for (value = first; value < first + nr; value++) {
		snprintf(as_number, sizeof(as_number), " %llu\n", (unsigned long long)value);
		snprintf(as_seconds, sizeof(as_seconds), " 0.%09llu\n", (unsigned long long)value);
		cr_assert(strstr(text, as_number) || strstr(text, as_seconds),
			  "number %llu of its struct is told nowhere",
			  (unsigned long long)(value - first));
	}
}

Test(metrics, everything_counted_is_told)
{
	_cleanup_free_ char *text = faked_text();

	assert_all_told(text, STATS, NR_NUMBERS(struct rg_stats));
	assert_all_told(text, COUNTERS, NR_NUMBERS(struct counters));
	assert_all_told(text, TABLE, NR_NUMBERS(struct probe_table));
	assert_all_told(text, PROCESS, NR_NUMBERS(struct metrics_process));
	assert_all_told(text, PROGS, 6);
}

Test(metrics, values_of_labels_are_escaped)
{
	_cleanup_free_ struct metrics_input *in = input();
	_cleanup_(rule_set_freep) struct rule_set *set = rules("a\\b\"c\nd\\");
	_cleanup_free_ char *text = NULL;

	in->rules = set;
	in->kernel = "\"";
	text = text_of(in);
	assert_line(
		text,
		"rand_guard_alerts_total{rule_id=\"a\\\\b\\\"c\\nd\\\\\",severity=\"critical\"} "
		"18446744073709551615");
	cr_assert(strstr(text, "kernel=\"\\\"\",exec_source_hook"));
}

/* Without a kernel side there is every metric, but no map and no program. */
Test(metrics, without_kernel_side)
{
	_cleanup_free_ struct metrics_input *in = calloc(1, sizeof(*in));
	_cleanup_free_ char *text = NULL;

	in->kernel = "k";
	text = text_of(in);
	assert_line(text, "rand_guard_watching 0");
	assert_line(text, "rand_guard_process_cache_capacity 0");
	assert_line(text, "rand_guard_process_cache_entries{state=\"live\"} 0");
	assert_line(text, "rand_guard_build_info{version=\"" RG_VERSION
			  "\",kernel=\"k\",exec_source_hook=\"none\"} 1");
	cr_assert_null(strstr(text, "\nrand_guard_map_memory_bytes{"));
	cr_assert_null(strstr(text, "\nrand_guard_program_runs_total{"));
}

/* From nothing, and again into what is there. */
Test(metrics, the_buffer_grows_once)
{
	_cleanup_free_ struct metrics_input *in = input();
	struct text text = {0};
	_cleanup_free_ char *first = NULL;
	size_t size;

	metrics_text(in, &text);
	first = strdup(text.data);
	size = text.size_bytes;
	metrics_text(in, &text);
	cr_assert_str_eq(text.data, first);
	cr_assert_eq(text.size_bytes, size);
	free(text.data);
}

/* --- the format ------------------------------------------------------------------------------- */

static size_t name_len(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

/* HELP, TYPE, then samples of that name only; each name once, its suffix saying its type. */
static void check_block(const char *text, const char *name, size_t len)
{
	bool counter = len > 6 && !strncmp(name + len - 6, "_total", 6);
	char expected[256];

	snprintf(expected, sizeof(expected), "# TYPE %.*s %s", (int)len, name,
		 counter ? "counter" : "gauge");
	assert_line(text, expected);
}

Test(metrics, each_metric_has_help_and_type)
{
	_cleanup_free_ char *text = faked_text();
	const char *line, *name = "";
	size_t len = 0;

	for (line = text; *line; line = strchr(line, '\n') + 1) {
		if (!strncmp(line, "# HELP ", 7)) {
			name = line + 7;
			len = name_len(name);
			cr_assert_gt(strcspn(name + len, "\n"), 10);
			check_block(text, name, len);
		} else if (*line != '#') {
			cr_assert(name_len(line) == len && !strncmp(line, name, len), "'%.60s'",
				  line);
		}
	}
}

/* --- what etc/ asks for ----------------------------------------------------------------------- */

/* make runs from the top, which is what __FILE__ is relative to. */
static char *read_source(const char *path)
{
	char file[] = __FILE__, full[PATH_MAX];
	_cleanup_fclose_ FILE *f = NULL;
	char *text = NULL;
	size_t size = 0;

	snprintf(full, sizeof(full), "%s/../../%s", dirname(file), path);
	f = fopen(full, "re");
	cr_assert(f, "cannot open %s", full);
	cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
	return text;
}

static bool is_ours(const char *name, size_t len)
{
	static const char *const prefixes[] = {
		"rand_guard_",	 "process_cpu_", "process_resident_",  "process_virtual_",
		"process_open_", "process_max_", "process_start_time_"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (len > strlen(prefixes[i]) && !strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static size_t check_names(const char *path, const char *text)
{
	_cleanup_free_ char *source = read_source(path);
	size_t len, n = 0;
	const char *at;

	for (at = source; *at; at += MAX(len, 1)) {
		len = name_len(at);
		if (!is_ours(at, len))
			continue;
		check_block(text, at, len);
		n++;
	}
	return n;
}

Test(metrics, rules_and_dashboard_name_what_there_is)
{
	_cleanup_free_ char *text = faked_text();

	cr_assert_geq(check_names("etc/prometheus/rand-guard.rules.yml", text), 10);
	cr_assert_geq(check_names("etc/grafana/rand-guard.json", text), 20);
}

/* --- from a real agent's parts ---------------------------------------------------------------- */

static char tmp_dir[] = "/tmp/rand-guard-metrics-XXXXXX";
static char textfile[sizeof(tmp_dir) + 16];
static struct config *config;
static struct sink *sink;
static struct counters counters;
static struct health health;
static struct metrics *metrics;

static void set_up(void)
{
	cr_assert(mkdtemp(tmp_dir));
	cr_assert_eq(config_load(NULL, &config), 0);
	snprintf(textfile, sizeof(textfile), "%s/rg.prom", tmp_dir);
	free(config->metrics.textfile);
	config->metrics.textfile = strdup(textfile);
	cr_assert_eq(sink_new_file("/dev/null", &sink), 0);
	health = (struct health){.config = config, .sink = sink, .counters = &counters};
	cr_assert_eq(metrics_new(&health, &metrics), 0);
}

static void tear_down(void)
{
	metrics_free(metrics);
	sink_free(sink);
	config_free(config);
	unlink(textfile);
	rmdir(tmp_dir);
}

TestSuite(metrics_agent, .init = set_up, .fini = tear_down, .timeout = 30);

static double value_of(const char *text, const char *name)
{
	char start[128];
	const char *at;

	snprintf(start, sizeof(start), "\n%s ", name);
	at = strstr(text, start);
	cr_assert(at, "no %s", name);
	return strtod(at + strlen(start), NULL);
}

Test(metrics_agent, the_process)
{
	const char *text = metrics_render(metrics).data;
	double open_fds = value_of(text, "process_open_fds");
	_cleanup_close_ int fd = -1;

	cr_assert_gt(value_of(text, "process_resident_memory_bytes"), 100000);
	cr_assert_gt(value_of(text, "process_virtual_memory_bytes"),
		     value_of(text, "process_resident_memory_bytes"));
	cr_assert_gt(value_of(text, "process_cpu_seconds_total"), 0);
	cr_assert_gt(value_of(text, "process_max_fds"), 100);
	cr_assert_gt(value_of(text, "process_start_time_seconds"), 1.7e9);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(value_of(metrics_render(metrics).data, "process_open_fds"), open_fds + 1);
}

Test(metrics_agent, what_it_counts)
{
	struct span text;

	counters.reloads = 17;
	counters.events_read[RG_RECORD_EXEC] = 18;
	text = metrics_render(metrics);
	cr_assert_eq(text.len, strlen(text.data));
	cr_assert_eq(value_of(text.data, "rand_guard_reloads_total"), 17);
	cr_assert_eq(value_of(text.data, "rand_guard_records_read_total{type=\"process_start\"}"),
		     18);
	cr_assert_eq(value_of(text.data, "rand_guard_watching"), 0);
	counters.reloads = 18;
	cr_assert_eq(metrics_render(metrics).data, text.data, "it is the same buffer");
	cr_assert_eq(value_of(text.data, "rand_guard_reloads_total"), 18);
}

/* --- the textfile ----------------------------------------------------------------------------- */

static const char last_metric[] = "\nrand_guard_textfile_failures_total ";

static char *read_textfile(void)
{
	_cleanup_fclose_ FILE *f = fopen(textfile, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f)
		return NULL;
	return getdelim(&text, &size, '\0', f) < 0 ? TAKE_PTR(text) : text;
}

static bool is_whole(const char *text)
{
	const char *last = strstr(text, last_metric);

	return !strncmp(text, "# HELP rand_guard_build_info ", 29) && last &&
	       text[strlen(text) - 1] == '\n';
}

/* Nothing but the file itself. */
static size_t nr_files(void)
{
	DIR *dir = opendir(tmp_dir);
	struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(dir);
	return n;
}

Test(metrics_agent, textfile)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;

	umask(077);
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	cr_assert_eq(stat(textfile, &st), 0);
	cr_assert_eq(st.st_mode, S_IFREG | 0644);
	text = read_textfile();
	cr_assert(is_whole(text));
	cr_assert_null(strstr(text, "\nprocess_"), "node_exporter has these itself");
	cr_assert_eq(nr_files(), 1);
	cr_assert_eq(counters.textfile_failures, 0);
}

Test(metrics_agent, no_textfile)
{
	free(config->metrics.textfile);
	config->metrics.textfile = NULL;
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	cr_assert_eq(nr_files(), 0);
}

/* Reads until the writer is done; the exit status says whether every file was whole. */
static int read_meanwhile(volatile unsigned int *nr_reads, const volatile bool *done)
{
	while (!*done) {
		_cleanup_free_ char *text = read_textfile();

		if (!text || !is_whole(text))
			return 1;
		++*nr_reads;
	}
	return 0;
}

Test(metrics_agent, a_reader_sees_whole_files_only)
{
	struct {
		volatile unsigned int nr_reads;
		volatile bool done;
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, i;
	pid_t pid;

	cr_assert_neq(shared, MAP_FAILED);
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	pid = fork();
	if (!pid)
		_exit(read_meanwhile(&shared->nr_reads, &shared->done));
	for (i = 0; (i < 200 || shared->nr_reads < 200) && waitpid(pid, &status, WNOHANG) == 0; i++)
		cr_assert_eq(metrics_write_textfile(metrics), 0);
	shared->done = true;
	cr_assert_geq(i, 200, "a file was not whole");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

/* What was said on stderr since catch_stderr(). */
static int catch_stderr(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	return fd;
}

static void assert_said(int fd, const char *format)
{
	char said[1024] = "", expected[1024];

	cr_assert_geq(pread(fd, said, sizeof(said) - 1, 0), 0);
	snprintf(expected, sizeof(expected), format, textfile, textfile);
	cr_assert_str_eq(said, expected);
}

/* A directory in its place: the rename fails. Counted each time, told twice. */
Test(metrics_agent, textfile_that_cannot_be_replaced)
{
	int fd = catch_stderr();

	cr_assert_eq(mkdir(textfile, 0700), 0);
	cr_assert_lt(metrics_write_textfile(metrics), 0);
	cr_assert_lt(metrics_write_textfile(metrics), 0);
	cr_assert_eq(counters.textfile_failures, 2);
	cr_assert_eq(nr_files(), 1, "the new file is left");
	rmdir(textfile);
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	cr_assert_eq(counters.textfile_failures, 2);
	assert_said(
		fd,
		"rand-guard: error: metrics.textfile: cannot write '%s': Is a directory; trying "
		"again with each health record\n"
		"rand-guard: metrics.textfile: '%s' is written again\n");
}

/* What an agent that was killed left, or what somebody put there to be overwritten. */
Test(metrics_agent, the_new_file_is_its_own)
{
	char left[sizeof(textfile) + 8], victim[sizeof(textfile) + 8];
	_cleanup_free_ char *text = NULL;
	struct stat st;

	snprintf(left, sizeof(left), "%s.tmp", textfile);
	snprintf(victim, sizeof(victim), "%s/victim", tmp_dir);
	close(open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	cr_assert_eq(symlink(victim, left), 0);
	cr_assert_eq(metrics_write_textfile(metrics), 0);
	cr_assert_eq(stat(victim, &st), 0);
	cr_assert_eq(st.st_size, 0);
	cr_assert_eq(lstat(textfile, &st), 0);
	cr_assert(S_ISREG(st.st_mode));
	text = read_textfile();
	cr_assert(is_whole(text));
	unlink(victim);
}
