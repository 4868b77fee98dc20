/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Settings and rules from files: defaults, ranges by the table, and each mistake's very line. A
 * test works in a directory of its own, where the settings file is t.cfg.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "config_table.h"
#include "rule_conf.h"

static char tmp_dir[] = "/tmp/rand-guard-config-XXXXXX";
static char source_dir[PATH_MAX];

/* make runs from the top, which is what __FILE__ is relative to. */
static void enter(void)
{
	char file[] = __FILE__;

	cr_assert(realpath(dirname(file), source_dir), "run it from the top of the sources");
	cr_assert(mkdtemp(tmp_dir));
	cr_assert_eq(chdir(tmp_dir), 0);
}

static void leave(void)
{
	_cleanup_free_ char *command = NULL;

	cr_assert(asprintf(&command, "rm -rf '%s'", tmp_dir) > 0);
	cr_assert_eq(system(command), 0);
}

TestSuite(config, .init = enter, .fini = leave, .timeout = 60);

static void put_file(const char *name, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(name, "we");

	cr_assert_not_null(f);
	cr_assert_neq(fputs(text, f), EOF);
}

/* Takes the agent's prefix off each line, in place. */
static void strip(char *text)
{
	static const char prefix[] = "rand-guard: error: ";
	char *from;

	while ((from = strstr(text, prefix)))
		memmove(from, from + strlen(prefix), strlen(from + strlen(prefix)) + 1);
}

/* What was logged meanwhile, the caller's. */
static int load_file(const char *path, struct config **ret, char **log)
{
	_cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	_cleanup_close_ int fd = open("stderr", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;
	int r;

	cr_assert(saved >= 0 && fd >= 0);
	cr_assert_neq(dup2(fd, STDERR_FILENO), -1);
	r = config_load(path, ret);
	cr_assert_neq(dup2(saved, STDERR_FILENO), -1);
	cr_assert_eq(fstat(fd, &st), 0);
	*log = calloc(1, (size_t)st.st_size + 1);
	cr_assert_eq(pread(fd, *log, (size_t)st.st_size, 0), st.st_size);
	strip(*log);
	return r;
}

/* The text is loaded and says nothing. */
static struct config *load(const char *text)
{
	_cleanup_free_ char *log = NULL;
	struct config *config = NULL;

	put_file("t.cfg", text);
	cr_assert_eq(load_file("t.cfg", &config, &log), 0, "%s\nsays: %s", text, log);
	cr_assert_str_eq(log, "");
	return config;
}

/* The text is refused with just those lines. */
static void refuse(const char *text, const char *lines)
{
	_cleanup_free_ char *log = NULL;
	struct config *config = NULL;

	put_file("t.cfg", text);
	cr_expect_eq(load_file("t.cfg", &config, &log), -EINVAL, "%s", text);
	cr_expect_null(config);
	cr_expect_str_eq(log, lines, "%s\nsays:\n%swanted:\n%s", text, log, lines);
}

static void expect_same(const struct config *a, const struct config *b)
{
	const struct config_option *option;
	size_t i;

	for (i = 0; (option = config_option_at(i)); i++)
		cr_expect(config_is_same(option, a, b), "%s differs", option->name);
}

/* --- defaults --------------------------------------------------------------------------------- */

static void expect_defaults(const struct config *c)
{
	char host[HOST_NAME_MAX + 1] = "";

	cr_assert_eq(gethostname(host, sizeof(host) - 1), 0);
	cr_expect_str_eq(c->agent.id, host);
	cr_expect_eq(c->agent.mode, MODE_MONITOR);
	cr_expect_eq(c->agent.log_level, LOG_LEVEL_INFO);
	cr_expect_eq(c->ebpf.enabled, true);
	cr_expect_eq(c->ebpf.buffer_size, 1048576);
	cr_expect_eq(c->ebpf.exec_source_hook, EXEC_SOURCE_AUTO);
	cr_expect_str_eq(c->ebpf.pin_path, "/sys/fs/bpf/rand-guard");
	cr_expect_eq(c->ebpf.keep_running, false);
	cr_expect_eq(c->process.enabled, true);
	cr_expect_eq(c->process.records,
		     1 << RG_RECORD_FORK | 1 << RG_RECORD_EXEC | 1 << RG_RECORD_EXIT);
	cr_expect_eq(c->process.collect_args, false);
	cr_expect_eq(c->process.collect_env, false);
	cr_expect_eq(c->process.collect_cwd, false);
	cr_expect_eq(c->process.track_threads, false);
	cr_expect_eq(c->process.max_args_bytes, 1024);
	cr_expect_eq(c->process.max_env_bytes, 1024);
	cr_expect_eq(c->process.nr_env_names, 0);
	cr_expect_eq(c->output.type, OUTPUT_STDOUT);
	cr_expect_null(c->output.path);
	cr_expect_eq(c->output.format, FORMAT_AUTO);
	cr_expect_eq(c->health.interval_seconds, 60);
	cr_expect_null(c->metrics.listen);
	cr_expect_null(c->metrics.textfile);
	cr_expect_null(c->security.user);
	cr_expect_eq(c->security.seccomp, true);
	cr_expect_eq(c->security.landlock, true);
	cr_expect_eq(c->performance.max_process_cache_entries, 5000);
	cr_expect_eq(c->performance.max_thread_cache_entries, 5000);
	cr_expect_eq(c->performance.max_pending_exec_sources, 500);
	cr_expect_eq(c->performance.max_delay_ms, 100);
	cr_expect_null(c->rules_dir);
	cr_expect_eq(rule_set_size(c->rules), 0);
	cr_expect_eq(c->nr_rules_disabled, 0);
}

Test(config, no_file_and_an_empty_file_are_the_defaults)
{
	_cleanup_(config_freep) struct config *built_in = NULL, *empty = load(""),
					      *comment = load("# nothing\n/* */ // x");
	_cleanup_free_ char *log = NULL;

	cr_assert_eq(load_file(NULL, &built_in, &log), 0);
	cr_expect_str_eq(log, "");
	expect_defaults(built_in);
	expect_defaults(empty);
	expect_defaults(comment);
}

Test(config, empty_groups_are_the_defaults)
{
	_cleanup_(config_freep) struct config *config =
		load("agent = {}; ebpf : {}; process = {}; output = {}; health = {}; metrics = {};"
		     "performance = {}; rules = (); rules_dir = \"\";");

	expect_defaults(config);
}

Test(config, every_default_can_be_written)
{
	const struct config_option *option;
	size_t i;

	for (i = 0; (option = config_option_at(i)); i++) {
		cr_expect(option->initial >= option->min);
		if (option->kind == OPTION_UINT)
			cr_expect(option->initial <= option->max, "%s", option->name);
		if (option->initial_text)
			cr_expect(option->is_valid(option->initial_text), "%s", option->name);
	}
	cr_expect(i <= 64, "config.c keeps a bit for each");
	cr_expect_null(config_option_at(i));
	cr_expect_null(config_option_find("agent"));
}

/* The shipped files: every setting is in it, at its default, and every rule loads. */
Test(config, shipped_files)
{
	_cleanup_free_ char *path = NULL, *log = NULL;
	_cleanup_(config_freep) struct config *config = NULL, *built_in = NULL;
	_cleanup_(config_destroy) config_t tree;
	const struct config_option *option;
	size_t i;

	config_init(&tree);
	cr_assert(asprintf(&path, "%s/../../etc/rand-guard.cfg", source_dir) > 0);
	cr_assert_eq(load_file(path, &config, &log), 0, "%s", log);
	cr_expect_str_eq(log, "");
	cr_assert_eq(config_load(NULL, &built_in), 0);
	cr_expect_str_eq(config->rules_dir, "rules.d");
	free(TAKE_PTR(config->rules_dir));
	expect_same(config, built_in);
	cr_assert_eq(config_read_file(&tree, path), CONFIG_TRUE);
	for (i = 0; (option = config_option_at(i)); i++)
		cr_expect(config_lookup(&tree, option->name), "%s is not in it", option->name);

	cr_expect_eq(rule_set_size(config->rules), 10);
	cr_expect_eq(config->nr_rules_disabled, 2);
	cr_expect_str_eq(rule_set_at(config->rules, 0)->id, "PROC-001");
	cr_expect_str_eq(rule_set_at(config->rules, 0)->name, "Shell spawned by web server");
	cr_expect_eq(rule_set_at(config->rules, 0)->severity, RULE_HIGH);
}

/* --- values ----------------------------------------------------------------------------------- */

Test(config, every_setting_set)
{
	_cleanup_(config_freep) struct config *c = load(
		"agent = { id = \"router-7\"; mode = \"alert\"; log_level = \"debug\"; };"
		"ebpf = { enabled = false; buffer_size = 65536; exec_source_hook = \"syscalls\";"
		" pin_path = \"/sys/fs/bpf/x\"; keep_running = true; };"
		"process = { enabled = FALSE; hooks = ( \"exit\", \"fork\" ); collect_args = true;"
		" collect_env = true; collect_cwd = true; track_threads = true;"
		" max_args_bytes = 64; max_env_bytes = 4096L; env_names = [\"PATH\", \"x y\"]; };"
		"output = { type = \"file\"; path = \"/var/log/x\"; format = \"text\"; };"
		"health = { interval_seconds = 0; };"
		"metrics = { listen = \":9101\"; textfile = \"/var/lib/x.prom\"; };"
		"security = { user = \"nobody\"; seccomp = false; landlock = false; };"
		"performance = { max_process_cache_entries = 64; max_thread_cache_entries = 65;"
		" max_pending_exec_sources = 0x10; max_delay_ms = 600000; };");

	cr_expect_str_eq(c->agent.id, "router-7");
	cr_expect_eq(c->agent.mode, MODE_ALERT);
	cr_expect_eq(c->agent.log_level, LOG_LEVEL_DEBUG);
	cr_expect_eq(c->ebpf.enabled, false);
	cr_expect_eq(c->ebpf.buffer_size, 65536);
	cr_expect_eq(c->ebpf.exec_source_hook, EXEC_SOURCE_SYSCALLS);
	cr_expect_str_eq(c->ebpf.pin_path, "/sys/fs/bpf/x");
	cr_expect_eq(c->ebpf.keep_running, true);
	cr_expect_eq(c->process.enabled, false);
	cr_expect_eq(c->process.records, 1 << RG_RECORD_FORK | 1 << RG_RECORD_EXIT);
	cr_expect_eq(c->process.collect_args, true);
	cr_expect_eq(c->process.collect_env, true);
	cr_expect_eq(c->process.collect_cwd, true);
	cr_expect_eq(c->process.track_threads, true);
	cr_expect_eq(c->process.max_args_bytes, 64);
	cr_expect_eq(c->process.max_env_bytes, 4096);
	cr_assert_eq(c->process.nr_env_names, 2);
	cr_expect_str_eq(c->process.env_names[0], "PATH");
	cr_expect_str_eq(c->process.env_names[1], "x y");
	cr_expect_eq(c->output.type, OUTPUT_FILE);
	cr_expect_str_eq(c->output.path, "/var/log/x");
	cr_expect_eq(c->output.format, FORMAT_TEXT);
	cr_expect_eq(c->health.interval_seconds, 0);
	cr_expect_str_eq(c->metrics.listen, ":9101");
	cr_expect_str_eq(c->metrics.textfile, "/var/lib/x.prom");
	cr_expect_str_eq(c->security.user, "nobody");
	cr_expect_eq(c->security.seccomp, false);
	cr_expect_eq(c->security.landlock, false);
	cr_expect_eq(c->performance.max_process_cache_entries, 64);
	cr_expect_eq(c->performance.max_thread_cache_entries, 65);
	cr_expect_eq(c->performance.max_pending_exec_sources, 16);
	cr_expect_eq(c->performance.max_delay_ms, 600000);
}

static void set_number(const struct config_option *option, long long value, char **ret)
{
	cr_assert(asprintf(ret, "%s = {\n %s = %lld;\n};", option->group, option->key, value) > 0);
}

static void accept_number(const struct config_option *option, uint32_t value)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(config_freep) struct config *config = NULL;

	set_number(option, value, &text);
	config = load(text);
	cr_expect_eq(*(const uint32_t *)config_value_const(config, option), value, "%s = %u",
		     option->name, value);
}

static void refuse_number(const struct config_option *option, long long value)
{
	_cleanup_free_ char *text = NULL, *lines = NULL;

	set_number(option, value, &text);
	cr_assert(asprintf(&lines, "t.cfg:2: %s: %lld is impossible; write %s%u to %u%s%s\n",
			   option->name, value,
			   option->flags & OPTION_POWER_OF_TWO ? "a power of two, " : "",
			   option->min, option->max, option->unit ? " " : "",
			   option->unit ? option->unit : "") > 0);
	refuse(text, lines);
}

Test(config, boundaries_of_every_number)
{
	const struct config_option *option;
	size_t i, nr = 0;

	for (i = 0; (option = config_option_at(i)); i++) {
		if (option->kind != OPTION_UINT)
			continue;
		nr++;
		refuse_number(option, (long long)option->min - 1);
		accept_number(option, option->min);
		accept_number(option, option->max);
		refuse_number(option, (long long)option->max + 1);
	}
	cr_expect_eq(nr, 8);
}

Test(config, ranges)
{
	static const struct {
		const char *name;
		uint32_t min, max;
	} ranges[] = {
		{ "ebpf.buffer_size", 65536, 67108864 },
		{ "process.max_args_bytes", 64, 4096 },
		{ "process.max_env_bytes", 64, 4096 },
		{ "health.interval_seconds", 0, 86400 },
		{ "performance.max_process_cache_entries", 64, 1000000 },
		{ "performance.max_thread_cache_entries", 64, 1000000 },
		{ "performance.max_pending_exec_sources", 1, 100000 },
		{ "performance.max_delay_ms", 1, 600000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		cr_expect_eq(config_option_find(ranges[i].name)->min, ranges[i].min);
		cr_expect_eq(config_option_find(ranges[i].name)->max, ranges[i].max);
	}
	accept_number(config_option_find("ebpf.buffer_size"), 131072);
	refuse_number(config_option_find("ebpf.buffer_size"), 131073);
	refuse_number(config_option_find("ebpf.buffer_size"), 131072 - 4096);
}

/* Of a text setting: what is taken, and what is refused. */
static void try_texts(const char *name, const char *const *good, const char *const *bad)
{
	const struct config_option *option = config_option_find(name);

	for (; *good; good++)
		cr_expect(option->is_valid(*good), "%s = '%s' is refused", name, *good);
	for (; *bad; bad++)
		cr_expect(!option->is_valid(*bad), "%s = '%s' is taken", name, *bad);
}

#define TEXTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

Test(config, texts)
{
	try_texts("metrics.listen",
		  TEXTS("127.0.0.1:9101", "0.0.0.0:1", "[::1]:9101", "[fe80::1]:65535", ":9101",
			"unix:/run/rand-guard.sock"),
		  TEXTS("", "9101", ":", ":0", ":65536", ":123456", ":-1", ":+1", ": 1", ":1x",
			"localhost:9101", "127.0.0.1", "127.0.0.1:", "127.0.0:9101",
			"127.0.0.1.1:9101", "::1:9101", "[::1:9101", "[::1]", "[]:9101",
			"[127.0.0.1]:9101", "unix:", "unix:x", "unix:/", "unix:/x/"));
	try_texts("metrics.textfile", TEXTS("/x.prom", "/var/lib/node_exporter/x.prom"),
		  TEXTS("", "x.prom", "/x", "/x.prom.tmp", "/.prom", "/a/.prom", "/x\n.prom"));
	try_texts("ebpf.pin_path", TEXTS("", "/sys/fs/bpf/x"), TEXTS("/", "x", "/x\n"));
	try_texts("security.user", TEXTS("nobody", "_rand-guard"), TEXTS("", "a:b", "/x", "a b", "x\n"));
	try_texts("output.path", TEXTS("/x", "/var/log/x y"), TEXTS("", "x", "/", "/x/", "/x\n"));
	try_texts("process.env_names", TEXTS("PATH", "_"), TEXTS("", "A=", "=", "A\n"));
	try_texts("agent.id", TEXTS("a", "a b", "\xc3\xa4"), TEXTS("", "a\n", "a\x7f"));
}

/* A text as long as there may be, and one byte more. */
static void try_length(const char *format, size_t max, const char *write)
{
	_cleanup_free_ char *text = NULL, *lines = NULL, *name = calloc(1, max + 2);
	_cleanup_(config_freep) struct config *config = NULL;

	memset(name, 'x', max);
	cr_assert(asprintf(&text, format, name) > 0);
	config = load(text);
	name[max] = 'x';
	free(TAKE_PTR(text));
	cr_assert(asprintf(&text, format, name) > 0);
	cr_assert(asprintf(&lines, "t.cfg:1: %s\n", write) > 0);
	refuse(text, lines);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
Test(config, lengths)
{
	try_length(
		"agent = { id = \"%s\"; };", 64,
		"agent.id: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is "
		"impossible; write at most 64 bytes without control characters, or \"\" for the "
		"host name");
	try_length(
		"process = { collect_env = true; env_names = ( \"%s\" ); };", 31,
		"process.env_names[0]: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is impossible; write a "
		"variable's name of at most 31 bytes, without '='");
	try_length("rules = ( { id = \"%s\"; name = \"n\"; process_names = [ \"x\" ]; } );", 64,
		   "rules[0].id: "
		   "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is "
		   "no id; write 1 to 64 letters, digits, '.', '_' or '-', like \"PROC-001\"");
	try_length(
		"rules = ( { id = \"i\"; name = \"%s\"; process_names = [ \"x\" ]; } );", 128,
		"rules[0].name: is empty, too long or not one line; write 1 to 128 bytes without "
		"control characters");
	try_length("rules = ( { id = \"i\"; name = \"n\"; process_names = [ \"%s\" ]; } );", 255,
		   "rules[0].process_names[0]: can never match, it has 256 bytes; write 1 to 255");
}
#pragma GCC diagnostic pop

/* --- mistakes --------------------------------------------------------------------------------- */

static const struct {
	const char *text, *lines;
} mistakes[] = {
	/* keys */
	{ "agent = {\n mod = \"x\"; };", "t.cfg:2: agent.mod: is unknown; write mode\n" },
	{ "agent = { modes = \"x\"; };", "t.cfg:1: agent.modes: is unknown; write mode\n" },
	{ "agent = { zzz = 1; };",
	  "t.cfg:1: agent.zzz: is unknown; remove it, or see rand-guard.cfg(5)\n" },
	{ "\n\nagnet = { };", "t.cfg:3: agnet: is unknown; write agent\n" },
	{ "rulez_dir = \"x\";", "t.cfg:1: rulez_dir: is unknown; write rules_dir\n" },
	{ "interval_seconds = 3;",
	  "t.cfg:1: interval_seconds: is unknown; write health.interval_seconds\n" },
	{ "output = { listen = 3; };",
	  "t.cfg:1: output.listen: is unknown; write metrics.listen\n" },
	{ "agent = { x = { y = 1; }; };",
	  "t.cfg:1: agent.x: is unknown; remove it, or see rand-guard.cfg(5)\n" },
	/* types */
	{ "agent = 1;", "t.cfg:1: agent: is an integer; write a group as { NAME = VALUE; }\n" },
	{ "agent = ( );", "t.cfg:1: agent: is a list; write a group as { NAME = VALUE; }\n" },
	{ "agent = { id = 1; };",
	  "t.cfg:1: agent.id: is an integer; write a string in double quotes\n" },
	{ "agent = { mode = true; };",
	  "t.cfg:1: agent.mode: is a boolean; write a string in double quotes\n" },
	{ "ebpf = { enabled = 1; };",
	  "t.cfg:1: ebpf.enabled: is an integer; write true or false\n" },
	{ "ebpf = { enabled = \"true\"; };",
	  "t.cfg:1: ebpf.enabled: is a string; write true or false\n" },
	{ "ebpf = { buffer_size = \"65536\"; };",
	  "t.cfg:1: ebpf.buffer_size: is a string; write a whole number, without quotes\n" },
	{ "ebpf = { buffer_size = 65536.0; };",
	  "t.cfg:1: ebpf.buffer_size: is a fraction; write a whole number, without quotes\n" },
	{ "ebpf = { pin_path = { }; };",
	  "t.cfg:1: ebpf.pin_path: is a group; write a string in double quotes\n" },
	{ "process = { hooks = \"exec\"; };",
	  "t.cfg:1: process.hooks: is a string; write [ \"...\", \"...\" ]\n" },
	{ "process = { hooks = [ 1 ]; };",
	  "t.cfg:1: process.hooks[0]: is an integer; write a string in double quotes\n" },
	{ "rules = [ ];", "t.cfg:1: rules: is an array; write ( { ... }, { ... } )\n" },
	{ "rules = ( 1 );",
	  "t.cfg:1: rules[0]: is an integer; write a rule as { id = \"...\"; ... }\n" },
	{ "rules_dir = 1;",
	  "t.cfg:1: rules_dir: is an integer; write a string in double quotes\n" },
	/* values */
	{ "agent = { id = \"a\\nb\"; };",
	  "t.cfg:1: agent.id: 'a?b' is impossible; write at most 64 bytes without control "
	  "characters, or \"\" for the host name\n" },
	{ "agent = { mode = \"Alert\"; };",
	  "t.cfg:1: agent.mode: 'Alert' is unknown; write \"monitor\" or \"alert\"\n" },
	{ "agent = { log_level = \"\"; };", "t.cfg:1: agent.log_level: '' is unknown; write "
					    "\"error\", \"warning\", \"info\" or \"debug\"\n" },
	{ "ebpf = { exec_source_hook = \"fentry\"; };",
	  "t.cfg:1: ebpf.exec_source_hook: 'fentry' is unknown; write \"auto\", \"prepare\", "
	  "\"rename\" "
	  "or \"syscalls\"\n" },
	{ "ebpf = { pin_path = \"run\"; };",
	  "t.cfg:1: ebpf.pin_path: 'run' is impossible; write the path of a directory of its own "
	  "like \"/sys/fs/bpf/rand-guard\", or \"\" to pin nothing\n" },
	{ "ebpf = {\n pin_path = \"/sys/fs/bpf\"; };",
	  "t.cfg:2: ebpf.pin_path: '/sys/fs/bpf' is impossible; write the path of a directory of its "
	  "own like \"/sys/fs/bpf/rand-guard\", or \"\" to pin nothing\n" },
	{ "ebpf = { pin_path = \"/sys/fs/bpf//\"; };",
	  "t.cfg:1: ebpf.pin_path: '/sys/fs/bpf//' is impossible; write the path of a directory of "
	  "its own like \"/sys/fs/bpf/rand-guard\", or \"\" to pin nothing\n" },
	{ "process = { hooks = [ \"fork\",\n \"fork\",\n \"clone\" ]; };",
	  "t.cfg:2: process.hooks[1]: 'fork' is there twice; write it once\n"
	  "t.cfg:3: process.hooks[2]: 'clone' is unknown; write \"fork\", \"exec\" or \"exit\"\n" },
	{ "process = { collect_env = true; env_names = ( \"A=B\",\n 5,\n \"C\", \"C\" ); };",
	  "t.cfg:1: process.env_names[0]: 'A=B' is impossible; write a variable's name of at most "
	  "31 "
	  "bytes, without '='\n"
	  "t.cfg:2: process.env_names[1]: is an integer; write a string in double quotes\n"
	  "t.cfg:3: process.env_names[3]: 'C' is there twice; write it once\n" },
	{ "process = { env_names = [ \"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\" ]; };",
	  "t.cfg:1: process.env_names: has 9 entries; write at most 8\n" },
	{ "output = { type = \"file\"; path = \"log\"; };",
	  "t.cfg:1: output.path: 'log' is impossible; write an absolute path like "
	  "\"/var/log/rand-guard/records.json\", for udp \"127.0.0.1:514\", or \"\" for none\n" },
	{ "metrics = { listen = \"localhost:9101\"; };",
	  "t.cfg:1: metrics.listen: 'localhost:9101' is impossible; write \"127.0.0.1:9101\", "
	  "\"[::1]:9101\", \":9101\", \"unix:/PATH\", or \"\" for none\n" },
	{ "metrics = { textfile = \"/x\"; };", "t.cfg:1: metrics.textfile: '/x' is impossible; "
					       "write an absolute path ending in .prom, or "
					       "\"\" for none\n" },
	/* numbers that libconfig 1.5 would cut: 4294967396 is 100 to it */
	{ "performance = {\n max_delay_ms = 4294967396; };",
	  "t.cfg:2: a number does not fit in 32 bits; write at most 2147483647\n" },
	{ "performance = {\n max_delay_ms = 4294967396L; };",
	  "t.cfg:2: performance.max_delay_ms: 4294967396 is impossible; write 1 to 600000 "
	  "milliseconds\n" },
	{ "performance = { max_delay_ms = 0x100000064; };",
	  "t.cfg:1: a number does not fit in 32 bits; write at most 2147483647\n" },
	{ "# 4294967396\n/* 4294967396 */ agent = { id = \"4294967396\"; x4294967396 = 1; };",
	  "t.cfg:2: agent.x4294967396: is unknown; remove it, or see rand-guard.cfg(5)\n" },
	{ "agent = { id = \"a\\x00b\"; };", "t.cfg:1: a string can't hold \\x00; leave it out\n" },
	/* what doesn't go together */
	{ "ebpf = { keep_running = true;\n pin_path = \"\"; };",
	  "t.cfg:1: ebpf.keep_running: needs pins; write false, or pin_path = "
	  "\"/sys/fs/bpf/rand-guard\"\n" },
	{ "process = {\n collect_env = true; };",
	  "t.cfg:2: process.collect_env: collects nothing; write false, or env_names = [ "
	  "\"LD_PRELOAD\" ]\n" },
	{ "output = {\n type = \"file\"; };", "t.cfg:2: output.type: \"file\" needs a path; write "
					      "path = \"/var/log/rand-guard/records.json\"\n" },
	{ "output = { type = \"unix\"; };", "t.cfg:1: output.type: \"unix\" needs a path; write "
	  "path = \"/run/shipper.socket\"\n" },
	{ "output = { type = \"udp\"; };", "t.cfg:1: output.type: \"udp\" needs a path; write "
	  "path = \"127.0.0.1:514\"\n" },
	{ "output = { type = \"udp\"; path = \"/x\"; };", "t.cfg:1: output.path: '/x' is impossible "
	  "with that type; write \"127.0.0.1:514\"\n" },
	{ "output = { type = \"syslog\"; path = \":514\"; };", "t.cfg:1: output.path: ':514' is "
	  "impossible with that type; write an absolute path like \"/dev/log\"\n" },
	{ "output = { type = \"file\"; path = \":514\"; };", "t.cfg:1: output.path: ':514' is "
	  "impossible with that type; write an absolute path like \"/var/log/rand-guard/records.json\"\n" },
	{ "output = {\n\n path = \"/x\"; };",
	  "t.cfg:3: output.path: has no effect on stdout; write \"\", or type = \"file\"\n" },
	/* syntax */
	{ "agent = {\n id = = 1; };", "t.cfg:2: syntax error; write settings as NAME = VALUE;\n" },
	{ "health = {};\nhealth = {};",
	  "t.cfg:2: duplicate setting name; write settings as NAME = VALUE;\n" },
	{ "a = [ 1, \"x\" ];",
	  "t.cfg:1: mismatched element type in array; write settings as NAME = VALUE;\n" },
	{ "\nagent = { id = \"x;\n };\n",
	  "t.cfg:2: a string begins here and has no end; write \"\n" },
	{ "\n/* agent = { };\n", "t.cfg:2: a comment begins here and has no end; write */\n" },
	{ "agent = {", "t.cfg:1: syntax error; write settings as NAME = VALUE;\n" },
	{ "agent = {\n", "t.cfg:1: syntax error; write settings as NAME = VALUE;\n" },
	{ "health = {};\nagent = {\n\n", "t.cfg:3: syntax error; write settings as NAME = VALUE;\n" },
	/* rules */
	{ "rules = (\n { } );",
	  "t.cfg:2: rules[0]: has no id; write id = \"PROC-001\" or the like\n"
	  "t.cfg:2: rules[0]: has no name; write name = \"what it finds\"\n"
	  "t.cfg:2: rules[0]: would match everything; write parent_names or process_names with at "
	  "least one name\n" },
	{ "rules = ( { id = \"\"; name = \"a\\tb\";\n parent_names = [ ]; process_names = ( ); } "
	  ");",
	  "t.cfg:1: rules[0].id: '' is no id; write 1 to 64 letters, digits, '.', '_' or '-', like "
	  "\"PROC-001\"\n"
	  "t.cfg:1: rules[0].name: is empty, too long or not one line; write 1 to 128 bytes "
	  "without "
	  "control characters\n"
	  "t.cfg:1: rules[0]: would match everything; write parent_names or process_names with at "
	  "least one name\n" },
	{ "rules = ( { id = \"a b\"; name = 1; process_names = \"sh\"; enabled = \"no\"; severity "
	  "= 3; "
	  "type = \"FILE\"; action = \"kill\"; } );",
	  "t.cfg:1: rules[0].id: 'a b' is no id; write 1 to 64 letters, digits, '.', '_' or '-', "
	  "like "
	  "\"PROC-001\"\n"
	  "t.cfg:1: rules[0].name: is an integer; write a string in double quotes\n"
	  "t.cfg:1: rules[0].process_names: is a string; write [ \"...\", \"...\" ]\n"
	  "t.cfg:1: rules[0].enabled: is a string; write true or false\n"
	  "t.cfg:1: rules[0].severity: is an integer; write a string in double quotes\n"
	  "t.cfg:1: rules[0].type: 'FILE' is unknown; write \"PROC\", which is the only one and the "
	  "default\n"
	  "t.cfg:1: rules[0].action: 'kill' is unknown; write \"alert\", which is the only one and the "
	  "default\n" },
	{ "rules = ( { id = \"a\"; name = \"n\"; process_names = [ \"x\" ]; severity = \"huge\"; } );",
	  "t.cfg:1: rules[0].severity: 'huge' is no severity; write \"low\", \"medium\", \"high\" or "
	  "\"critical\"\n" },
	{ "rules = ( { id = \"a\"; name = \"n\"; proces_names = [ \"x\" ]; wobble = 1;\n"
	  "parent_names = [ \"x\" ]; } );",
	  "t.cfg:1: rules[0].proces_names: is unknown; write process_names\n"
	  "t.cfg:1: rules[0].wobble: is unknown; a rule has id, name, type, severity, action, "
	  "enabled, "
	  "parent_names and process_names\n" },
	{ "rules = ( { id = \"a\"; name = \"n\"; process_names = [ \"/bin/sh\",\n \"\",\n \"sh\",\n"
	  "\"sh\" ]; } );",
	  "t.cfg:1: rules[0].process_names[0]: '/bin/sh' can never match; write the file's name "
	  "without its directory, like \"sh\"\n"
	  "t.cfg:2: rules[0].process_names[1]: can never match, it has 0 bytes; write 1 to 255\n"
	  "t.cfg:4: rules[0].process_names[3]: 'sh' is there twice; write it once\n" },
	{ "rules = ( { id = \"a\"; name = \"n\"; process_names = [ \"x\" ]; enabled = false; },\n"
	  "{ id = \"a\"; name = \"n\"; process_names = [ \"x\" ]; } );",
	  "t.cfg:2: rules[1].id: 'a' is taken by the rule at t.cfg:1; write another id\n" },
	{ "rules_dir = \"missing\";", "t.cfg:1: rules_dir: can't read 'missing': No such file or "
				      "directory; write a directory with "
				      "*.cfg files, or \"\"\n" },
	{ "\nrules_dir = \"t.cfg\";",
	  "t.cfg:2: rules_dir: can't read 't.cfg': Not a directory; write a directory with *.cfg "
	  "files, or \"\"\n" },
};

Test(config, each_mistake_with_its_line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++)
		refuse(mistakes[i].text, mistakes[i].lines);
}

Test(config, all_mistakes_at_once)
{
	refuse("agent = {\n"
	       "  mode = 5;\n"
	       "};\n"
	       "health = { interval_seconds = 86401; };\n"
	       "rules = (\n"
	       "  { id = \"a\"; name = \"n\"; process_names = [ \"a/b\" ]; },\n"
	       "  { id = \"a\"; name = \"n\"; process_names = [ \"b\" ]; }\n"
	       ");\n"
	       "output = { type = \"file\"; };\n"
	       "wrong = 1;\n"
	       "rules_dir = \"missing\";\n",
	       "t.cfg:2: agent.mode: is an integer; write a string in double quotes\n"
	       "t.cfg:4: health.interval_seconds: 86401 is impossible; write 0 to 86400 seconds\n"
	       "t.cfg:6: rules[0].process_names[0]: 'a/b' can never match; write the file's name "
	       "without its directory, like \"b\"\n"
	       "t.cfg:7: rules[1].id: 'a' is taken by the rule at t.cfg:6; write another id\n"
	       "t.cfg:10: wrong: is unknown; remove it, or see rand-guard.cfg(5)\n"
	       "t.cfg:9: output.type: \"file\" needs a path; write path = "
	       "\"/var/log/rand-guard/records.json\"\n"
	       "t.cfg:11: rules_dir: can't read 'missing': No such file or directory; write a "
	       "directory "
	       "with *.cfg files, or \"\"\n");
}

Test(config, env_names_without_collect_env_is_a_warning)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *log = NULL;

	put_file("t.cfg", "process = {\n env_names = [ \"PATH\" ]; };");
	cr_assert_eq(load_file("t.cfg", &config, &log), 0);
	cr_expect_str_eq(log,
			 "rand-guard: warning: t.cfg:2: process.env_names: is set, but collect_env is "
			 "false, ignoring\n");
	cr_expect_eq(config->process.nr_env_names, 1);
}

/* --- files ------------------------------------------------------------------------------------ */

static void refuse_path(const char *path, const char *lines)
{
	_cleanup_free_ char *log = NULL;
	struct config *config = NULL;

	cr_expect_eq(load_file(path, &config, &log), -EINVAL);
	cr_expect_null(config);
	cr_expect_str_eq(log, lines);
}

Test(config, files_that_are_none)
{
	static const char with_nul[] = "agent = { };\0";
	_cleanup_fclose_ FILE *f = fopen("nul.cfg", "we");

	cr_assert_eq(fwrite(with_nul, 1, sizeof(with_nul), f), sizeof(with_nul));
	fclose(TAKE_PTR(f));
	refuse_path("missing.cfg", "can't read 'missing.cfg': No such file or directory\n");
	refuse_path("", "can't read '': No such file or directory\n");
	refuse_path(".", "can't read '.': Is a directory\n");
	cr_assert_eq(mknod("socket", S_IFSOCK | 0600, 0), 0);
	refuse_path("socket", "can't read 'socket': it is no regular file\n");
	refuse_path("nul.cfg", "can't read 'nul.cfg': it holds a NUL byte; write a text\n");
	cr_assert_eq(truncate("nul.cfg", 9 << 20), 0);
	refuse_path("nul.cfg",
		    "can't read 'nul.cfg': it is larger than 8 MiB; write fewer settings\n");
}

/* What -c may name, though it is no regular file: what another program prints, and nothing. */
Test(config, settings_from_a_pipe)
{
	static const char text[] = "health = { interval_seconds = 5; };";
	_cleanup_(config_freep) struct config *config = NULL, *empty = NULL;
	_cleanup_free_ char *log = NULL, *path = NULL;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	cr_assert(asprintf(&path, "/dev/fd/%d", ends[0]) > 0);
	cr_assert_eq(config_load(path, &config), 0);
	cr_expect_eq(config->health.interval_seconds, 5);
	close(ends[0]);
	cr_assert_eq(load_file("/dev/null", &empty, &log), 0, "%s", log);
}

Test(config, includes)
{
	_cleanup_(config_freep) struct config *config = NULL;

	cr_assert_eq(mkdir("d", 0700), 0);
	put_file("d/inc.cfg", "\nagent = { id = \"x\";\n mode = \"y\"; };\nrules = (\n 5 );\n");
	put_file("d/t.cfg", "ebpf = { };\n@include \"inc.cfg\"\noops = 1;\n");
	refuse_path("d/t.cfg",
		    "d/inc.cfg:3: agent.mode: 'y' is unknown; write \"monitor\" or \"alert\"\n"
		    "d/inc.cfg:5: rules[0]: is an integer; write a rule as { id = \"...\"; ... }\n"
		    "d/t.cfg:3: oops: is unknown; remove it, or see rand-guard.cfg(5)\n");
	put_file("d/inc.cfg", "\nagent = = ;\n");
	refuse_path("d/t.cfg", "d/inc.cfg:2: syntax error; write settings as NAME = VALUE;\n");
	put_file("d/inc.cfg", "\n\nhealth = { interval_seconds = 9999999999; };\n");
	refuse_path("d/t.cfg",
		    "d/inc.cfg:3: a number does not fit in 32 bits; write at most 2147483647\n"
		    "d/t.cfg:3: oops: is unknown; remove it, or see rand-guard.cfg(5)\n");
	put_file("inc.cfg", "health = { interval_seconds = 5; };");
	config = load("@include \"inc.cfg\"\n");
	cr_expect_eq(config->health.interval_seconds, 5);
}

/* Each would end or block the process within libconfig 1.5. */
Test(config, includes_that_are_no_files)
{
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(mkfifo("fifo", 0600), 0);
#define RIGHT "; write a file's path relative to the settings file's directory\n"
	refuse("\n@include \"d\"\n", "t.cfg:2: can't include 'd': Not a regular file" RIGHT);
	refuse(" @include  \"fifo\"", "t.cfg:1: can't include 'fifo': Not a regular file" RIGHT);
	refuse("@include \"missing\"",
	       "t.cfg:1: can't include 'missing': No such file or directory" RIGHT);
	refuse("\n@include \"t.cfg\"\n",
	       "t.cfg:2: @include is nested too deep; leave out the file that includes itself\n");
	refuse("@include \"x\n", "t.cfg:1: @include has no end; write @include \"FILE\"\n");
	put_file("open.cfg", "\n/*");
	refuse("@include \"open.cfg\"\n*/",
	       "open.cfg:2: a comment begins here and has no end; write */\n");
}

Test(config, include_in_a_comment_or_string_is_none)
{
	_cleanup_(config_freep) struct config *config =
		load("/*\n@include \"/\"\n*/\n# @include \"/\"\nagent = { id = \"a\"\n\"b\"; };\n");

	cr_expect_str_eq(config->agent.id, "ab");
}

/* --- rules ------------------------------------------------------------------------------------ */

Test(config, rule_with_everything_and_with_little)
{
	_cleanup_(config_freep) struct config *config = load(
		"rules = ( { id = \"A.b_c-1\"; name = \"Name, with \\\"quotes\\\"\"; type = "
		"\"PROC\";"
		" severity = \"critical\"; action = \"alert\"; enabled = true;"
		" parent_names = [ \"nginx\", \"httpd\" ]; process_names = ( \"sh\" ); },"
		" { id = \"off\"; name = \"n\"; enabled = false; parent_names = [ \"x\" ]; },"
		" { id = \"2\"; name = \"n\"; parent_names = [ \"x\" ]; process_names = [ ]; } );");
	const struct rule *rule;

	cr_assert_eq(rule_set_size(config->rules), 2);
	cr_expect_eq(config->nr_rules_disabled, 1);
	rule = rule_set_at(config->rules, 0);
	cr_expect_str_eq(rule->id, "A.b_c-1");
	cr_expect_str_eq(rule->name, "Name, with \"quotes\"");
	cr_expect_eq(rule->severity, RULE_CRITICAL);
	cr_assert_eq(rule->nr_parent_names, 2);
	cr_expect_str_eq(rule->parent_names[0], "nginx");
	cr_expect_str_eq(rule->parent_names[1], "httpd");
	cr_assert_eq(rule->nr_process_names, 1);
	cr_expect_str_eq(rule->process_names[0], "sh");
	rule = rule_set_at(config->rules, 1);
	cr_expect_str_eq(rule->id, "2");
	cr_expect_eq(rule->severity, RULE_MEDIUM);
	cr_expect_eq(rule->nr_process_names, 0);
}

static void put_rule(const char *file, const char *id)
{
	_cleanup_free_ char *text = NULL;

	cr_assert(asprintf(&text,
			   "rules = (\n { id = \"%s\"; name = \"n\"; process_names = [ \"x\" ]; "
			   "} );",
			   id) > 0);
	put_file(file, text);
}

Test(config, rules_dir_in_byte_order)
{
	_cleanup_(config_freep) struct config *config = NULL;
	static const char *const ids[] = { "main", "upper", "ten", "nine", "lower" };
	size_t i;

	cr_assert_eq(mkdir("rules.d", 0700), 0);
	put_rule("rules.d/a.cfg", "lower");
	put_rule("rules.d/10-.cfg", "ten");
	put_rule("rules.d/9-.cfg", "nine");
	put_rule("rules.d/+.cfg", "upper");
	put_file("rules.d/empty.cfg", "# nothing\n");
	put_file("rules.d/.hidden.cfg", "=");
	put_file("rules.d/README", "=");
	put_file("rules.d/a.cfg~", "=");
	put_file("rules.d/.cfg", "=");
	config = load(
		"rules_dir = \"rules.d\"; rules = ( { id = \"main\"; name = \"n\"; process_names = "
		"[ \"x\" ]; } );");
	cr_expect_str_eq(config->rules_dir, "rules.d");
	cr_assert_eq(rule_set_size(config->rules), ARRAY_SIZE(ids));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		cr_expect_str_eq(rule_set_at(config->rules, i)->id, ids[i]);
}

Test(config, rules_dir_mistakes)
{
	cr_assert_eq(mkdir("r", 0700), 0);
	put_rule("r/1.cfg", "same");
	put_rule("r/2.cfg", "same");
	put_file("r/3.cfg", "\nagent = { };\nrules = (\n 1 );");
	put_file("r/4.cfg", "\n\n=");
	cr_assert_eq(mkdir("r/5.cfg", 0700), 0);
	cr_assert_eq(symlink("nowhere", "r/6.cfg"), 0);
	cr_assert_eq(mkfifo("r/7.cfg", 0600), 0);
	refuse("rules_dir = \"r\";",
	       "r/2.cfg:2: rules[0].id: 'same' is taken by the rule at r/1.cfg:2; write another "
	       "id\n"
	       "r/3.cfg:2: agent: does not belong here; a file of rules has rules = ( ... ) only\n"
	       "r/3.cfg:4: rules[0]: is an integer; write a rule as { id = \"...\"; ... }\n"
	       "r/4.cfg:3: syntax error; write settings as NAME = VALUE;\n"
	       "can't read 'r/5.cfg': it is no regular file\n"
	       "can't read 'r/6.cfg': No such file or directory\n"
	       "can't read 'r/7.cfg': it is no regular file\n");
}

Test(config, rules_dir_is_relative_to_the_settings_file)
{
	_cleanup_(config_freep) struct config *config = NULL, *absolute = NULL;
	_cleanup_free_ char *log = NULL, *log2 = NULL, *text = NULL;

	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(mkdir("d/r", 0700), 0);
	put_rule("d/r/1.cfg", "one");
	put_file("d/t.cfg", "rules_dir = \"r\";");
	cr_assert_eq(load_file("d/t.cfg", &config, &log), 0, "%s", log);
	cr_expect_eq(rule_set_size(config->rules), 1);
	cr_assert(asprintf(&text, "rules_dir = \"%s/d/r\";", tmp_dir) > 0);
	put_file("t.cfg", text);
	cr_assert_eq(load_file("t.cfg", &absolute, &log2), 0, "%s", log2);
	cr_expect_eq(rule_set_size(absolute->rules), 1);
}

Test(config, too_many_rules)
{
	_cleanup_fclose_ FILE *f = fopen("many.cfg", "we");
	size_t i;

	fputs("\nrules = (", f);
	for (i = 0; i < 10001; i++)
		fprintf(f, "%s1", i ? "," : "");
	fputs(");", f);
	fclose(TAKE_PTR(f));
	refuse_path("many.cfg", "many.cfg:2: rules: makes more than 10000 rules; write fewer\n");
}

/* --- printing and reloading ------------------------------------------------------------------- */

static char *print(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	cr_assert_not_null(to);
	config_print(config, to);
	cr_assert_eq(fclose(to), 0);
	return text;
}

Test(config, outputs)
{
	static const char *const good[] = {
		"type = \"unix\"; path = \"/run/x\"",   "type = \"udp\"; path = \":514\"",
		"type = \"udp\"; path = \"[::1]:514\"", "type = \"udp\"; path = \"10.0.0.1:5514\"",
		"type = \"syslog\"",			  "type = \"syslog\"; path = \"/run/log\"",
		"type = \"journald\"",		  "type = \"journald\"; path = \"/run/x\"",
	};
	char text[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), "output = { %s; };", good[i]);
		config_free(load(text));
	}
}

Test(config, what_is_printed_loads_as_the_same)
{
	_cleanup_(config_freep) struct config *config = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL, *text_again = NULL;

	config = load(
		"agent = { id = \"a \\\"b\\\" \\\\ \xc3\xa4\"; mode = \"alert\"; log_level = "
		"\"error\"; };"
		"ebpf = { buffer_size = 131072; pin_path = \"\"; };"
		"process = { hooks = [ \"exec\" ]; collect_env = true; env_names = [ \"A\", \"B\" "
		"]; };"
		"output = { type = \"file\"; path = \"/x y\"; };"
		"rules = ( { id = \"i\"; name = \"n \\\"\"; severity = \"low\"; parent_names = "
		"[ \"p\", \"a\\nb\" ]; }, { id = \"j\"; name = \"n\"; process_names = [ \"x\" ]; } "
		");");
	text = print(config);
	again = load(text);
	expect_same(config, again);
	text_again = print(again);
	cr_expect_str_eq(text, text_again);
	cr_expect(strstr(text, "\tbuffer_size = 131072; # bytes\n"));
	cr_expect(strstr(text, "# 2 rules\n"));
	cr_expect_str_eq(rule_set_at(again->rules, 0)->parent_names[1], "a\nb");
}

Test(config, no_hooks_is_printed_and_loaded)
{
	_cleanup_(config_freep) struct config *config = load("process = { hooks = [ ]; };"),
					      *again = NULL;
	_cleanup_free_ char *text = print(config);

	again = load(text);
	cr_expect_eq(again->process.records, 0);
}

/* The names that need a restart, joined. */
static char *restarts(const char *text)
{
	_cleanup_(config_freep) struct config *running = load(""), *new = load(text);
	const struct config_option *option = NULL;
	char *names = NULL;
	size_t size;
	FILE *to = open_memstream(&names, &size);

	while ((option = config_needs_restart(running, new, option)))
		fprintf(to, "%s ", config_option_name(option));
	cr_assert_eq(fclose(to), 0);
	return names;
}

Test(config, what_a_reload_takes_over)
{
	_cleanup_free_ char *none = NULL, *some = NULL, *live = NULL;

	none = restarts("");
	cr_expect_str_eq(none, "");
	cr_assert_eq(mkdir("r", 0700), 0);
	live = restarts("agent = { mode = \"alert\"; log_level = \"error\"; };"
			"health = { interval_seconds = 1; }; metrics = { textfile = \"/x.prom\"; };"
			"rules_dir = \"r\"; rules = ( { id = \"i\"; name = \"n\"; process_names = "
			"[ \"x\" ]; } );");
	cr_expect_str_eq(live, "");
	some = restarts(
		"agent = { id = \"other than the host\"; mode = \"alert\"; };"
		"ebpf = { enabled = false; }; process = { hooks = [ \"exec\" ]; collect_env = true;"
		" env_names = [ \"A\" ]; }; output = { type = \"file\"; path = \"/x\"; };"
		"metrics = { listen = \":1\"; }; performance = { max_delay_ms = 5; };");
	cr_expect_str_eq(some,
			 "agent.id ebpf.enabled process.hooks process.collect_env "
			 "process.env_names output.type metrics.listen performance.max_delay_ms ");
}
