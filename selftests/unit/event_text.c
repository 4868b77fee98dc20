/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <time.h>

#include "event_text.h"
#include "json_decode.h"
#include "written.h"

/* 17:55:18.123 in UTC. */
static struct line_head head = {.realtime_ns = 1795456518123999999ULL};

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void utc(void)
{
	set_zone("UTC0");
}

TestSuite(event_text, .init = utc);

static const char *formatted(const struct built *b, const struct event_keys *keys)
{
	struct event e = parsed(b);
	struct json j = written_begin();

	text_event(&j, &e, &head, keys);
	return written_end(&j);
}

static struct rule rule = {
	.id = (char[]){"PROC-001"},
	.name = (char[]){"Shell spawned by web server"},
	.severity = RULE_HIGH,
};

static const char *formatted_alert(const struct built *b, struct span process_name,
				   struct span parent_name)
{
	struct rule_match match = {&rule, RULE_FIELD_COMM, process_name, parent_name};
	struct event e = parsed(b);
	struct json j = written_begin();

	text_alert(&j, &e, &match, &head);
	return written_end(&j);
}

/* --- pieces --------------------------------------------------------------------------------------- */

static const char *piece(void (*write)(struct json *j, struct span s), const char *bytes, size_t len)
{
	struct json j = written_begin();

	write(&j, (struct span){bytes, len});
	return written_end(&j);
}

Test(event_text, names)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"", "?"},
		{"sh", "sh"},
		{"/usr/lib/x86_64-linux-gnu/ld-2.so.1", "/usr/lib/x86_64-linux-gnu/ld-2.so.1"},
		{"kworker/0:1H-kblockd", "kworker/0:1H-kblockd"},
		{"-bash", "-bash"},
		{"?", "\"?\""},
		{"Web Content", "\"Web Content\""},
		{"(sd-pam)", "\"(sd-pam)\""},
		{"sh(1)", "\"sh(1)\""},
		{"a -> b", "\"a -> b\""},
		{"->", "\"->\""},
		{"[deleted]", "\"[deleted]\""},
		{"a\"b", "\"a\\\"b\""},
		{"a\\b", "\"a\\\\b\""},
		{"\n\t\r\b\x1b\x7f", "\"\\n\\t\\r\\x08\\x1b\\x7f\""},
		{"\xc3\xa9", "\"\xc3\xa9\""},
		{"\xff", "\"\\xff\""},
		{"\xe2\x82", "\"\\xe2\\x82\""},
		{"\xc2\x9b", "\"\\xc2\\x9b\""}, /* CSI */
		{"\xc2\xa0", "\"\xc2\xa0\""}, /* no-break space */
		{"\xe2\x80\xae", "\"\\xe2\\x80\\xae\""}, /* right-to-left override */
		{"\xe2\x81\xa6", "\"\\xe2\\x81\\xa6\""}, /* isolate */
		{"\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\""}, /* line separator */
		{"\xe2\x80\x8b", "\"\\xe2\\x80\\x8b\""}, /* zero width */
		{"\xef\xbb\xbf", "\"\\xef\\xbb\\xbf\""}, /* byte order mark */
		{"\xf3\xa0\x81\x81", "\"\\xf3\\xa0\\x81\\x81\""}, /* a tag */
		{"\xe2\x80\x94\xf0\x9f\x98\x80", "\"\xe2\x80\x94\xf0\x9f\x98\x80\""},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_str_eq(piece(text_name, cases[i].bytes, strlen(cases[i].bytes)),
				 cases[i].text);
	cr_assert_str_eq(piece(text_name, "a\0b", 3), "\"a\\x00b\"");
}

Test(event_text, strings)
{
	cr_assert_str_eq(piece(text_strings, "sh\0-c\0id", 8), "\"sh -c id\"");
	cr_assert_str_eq(piece(text_strings, "sh\0-c\0id\0", 9), "\"sh -c id\"");
	cr_assert_str_eq(piece(text_strings, "\0\0a\0", 4), "\"  a\"");
	cr_assert_str_eq(piece(text_strings, "", 0), "\"\"");
	cr_assert_str_eq(piece(text_strings, "a\"\0\n\0", 5), "\"a\\\" \\n\"");
}

static const char *number(void (*write)(struct json *j, uint64_t value), uint64_t value)
{
	struct json j = written_begin();

	write(&j, value);
	return written_end(&j);
}

Test(event_text, durations)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.0 us"},
		{999999, "999.9 us"},
		{1000000, "1.0 ms"},
		{1249999, "1.2 ms"},
		{999999999, "999.9 ms"},
		{1000000000, "1.0 s"},
		{59999999999, "59.9 s"},
		{60000000000, "1m00s"},
		{3599999999999, "59m59s"},
		{3600000000000, "1h00m"},
		{86399999999999, "23h59m"},
		{86400000000000, "1d00h"},
		{UINT64_MAX, "213503d23h"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_str_eq(number(text_duration, cases[i].ns), cases[i].text);
}

Test(event_text, sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1048575, "1023.9 KiB"},
		{1048576, "1.0 MiB"},
		{4404019, "4.1 MiB"},
		{UINT64_MAX, "16777215.9 TiB"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_str_eq(number(text_size, cases[i].bytes), cases[i].text);
}

Test(event_text, the_clock_is_local)
{
	cr_assert_str_eq(number(text_clock, 1795456518123999999ULL), "17:55:18.123");
	set_zone("XXX-5:30");
	cr_assert_str_eq(number(text_clock, 1795456518123999999ULL), "23:25:18.123");
	set_zone("UTC0");
	cr_assert_str_eq(number(text_clock, 0), "00:00:00.000");
	cr_assert_str_eq(number(text_clock, 86399999999999), "23:59:59.999");
}

/* --- lines ------------------------------------------------------------------------------------------ */

static const struct rg_ancestor ancestors[] = {{812, "nginx"}, {1, "systemd"}};

static const struct rg_record_exec shell = {
	.pid = 4242,
	.tid = 4242,
	.ppid = 812,
	.real_ppid = 812,
	.uid = 33,
	.euid = 33,
	.flags = RG_HAS_ARGS | RG_HAS_CWD | RG_HAS_ENV,
	.source = RG_SYSCALL_EXECVE,
	.parent_known = 1,
	.nr_ancestors = 2,
	.comm = "sh",
	.parent_comm = "nginx",
};

static const struct exec_strings shell_strings = {
	.exe = "/usr/bin/dash",
	.filename = "/bin/sh",
	.parent_exe = "/usr/sbin/nginx",
	.ancestors = ancestors,
	.cwd = "/var/www",
	.args = {"sh\0-c\0id\0", 9},
	.env = {"LD_PRELOAD=/tmp/x.so\0", 21},
};

Test(event_text, exec)
{
	struct built b = built_exec(shell, &shell_strings);

	cr_assert_str_eq(formatted(&b, &no_keys),
			 "17:55:18.123 exec   pid 4242 uid 33  nginx(812) -> sh  /usr/bin/dash\n");
	cr_assert_str_eq(formatted(&b, &(struct event_keys){.args = true}),
			 "17:55:18.123 exec   pid 4242 uid 33  nginx(812) -> sh  /usr/bin/dash"
			 "  \"sh -c id\"\n");
	cr_assert_str_eq(formatted(&b, &all_keys),
			 "17:55:18.123 exec   pid 4242 uid 33  nginx(812) -> sh  /usr/bin/dash"
			 "  \"sh -c id\"  cwd /var/www  env \"LD_PRELOAD=/tmp/x.so\"\n");
}

/* None of the chosen variables is set. */
Test(event_text, exec_without_env)
{
	struct exec_strings strings = shell_strings;
	struct built b;

	strings.env = (struct span){ 0 };
	b = built_exec(shell, &strings);
	cr_assert_str_eq(formatted(&b, &(struct event_keys){.env = true}),
			 "17:55:18.123 exec   pid 4242 uid 33  nginx(812) -> sh  /usr/bin/dash\n");
}

Test(event_text, exec_of_which_nothing_is_known)
{
	struct built b = built_exec((struct rg_record_exec){.parent_comm = "stale"},
				    &(struct exec_strings){0});

	cr_assert_str_eq(formatted(&b, &all_keys),
			 "17:55:18.123 exec   pid 0 uid 0  ?(0) -> ?  ?  args ?  cwd ?  env ?\n");
}

Test(event_text, exec_with_all_that_is_remarkable)
{
	struct exec_strings strings = shell_strings;
	struct rg_record_exec rec = shell;
	struct built b;

	rec.euid = 0;
	rec.source = RG_SYSCALL_EXECVEAT;
	rec.flags |= RG_EXE_TRUNCATED | RG_EXE_DELETED | RG_SECURE_EXEC | RG_FILENAME_TRUNCATED |
		     RG_ARGS_TRUNCATED | RG_ENV_TRUNCATED | RG_CWD_TRUNCATED;
	strings.interp = "/bin/sh";
	strings.filename = "/a script";
	b = built_exec(rec, &strings);
	cr_assert_str_eq(formatted(&b, &all_keys),
			 "17:55:18.123 exec   pid 4242 uid 33 euid 0  nginx(812) -> sh  "
			 ".../usr/bin/dash for ...\"/a script\" [deleted] [secure] [execveat]  "
			 "\"sh -c id\"...  cwd .../var/www  env \"LD_PRELOAD=/tmp/x.so\"...\n");
}

Test(event_text, fork)
{
	struct built b = built_fork((struct rg_record_fork){.parent_pid = 812,
							    .child_pid = 4242,
							    .child_tid = 4242,
							    .uid = 33,
							    .parent_known = 1,
							    .parent_comm = "nginx",
							    .child_comm = "nginx"},
				    "/usr/sbin/nginx");

	cr_assert_str_eq(formatted(&b, &all_keys),
			 "17:55:18.123 fork   pid 4242 uid 33  nginx(812) -> nginx\n");
	b = built_fork((struct rg_record_fork){.parent_comm = "stale", .child_comm = "x"}, "");
	cr_assert_str_eq(formatted(&b, &all_keys), "17:55:18.123 fork   pid 0 uid 0  ?(0) -> x\n");
}

Test(event_text, exits)
{
	static const struct {
		int status;
		uint8_t known;
		const char *text;
	} cases[] = {
		{0, 1, "code 0 in 1.2 ms\n"},
		{0x0700, 1, "code 7 in 1.2 ms\n"},
		{9, 1, "signal 9 in 1.2 ms\n"},
		{0x8b, 1, "signal 11 in 1.2 ms [core dumped]\n"},
		{0x8b, 0, "signal 11 in 1.2 ms [core dumped] [row lost]\n"},
		{0, 0, "code 0 in 1.2 ms [row lost]\n"},
	};
	struct rg_record_exit rec = {.duration_ns = 1234567, .pid = 4242, .uid = 33, .comm = "sh"};
	char expected[128];
	struct built b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		rec.status = cases[i].status;
		rec.known = cases[i].known;
		b = built_exit(rec, "/usr/bin/dash");
		snprintf(expected, sizeof(expected), "17:55:18.123 exit   pid 4242 uid 33  sh  %s",
			 cases[i].text);
		cr_assert_str_eq(formatted(&b, &no_keys), expected);
	}
}

Test(event_text, threads)
{
	struct built b = built_thread_start((struct rg_record_thread_start){
		.pid = 4242, .tid = 4243, .creator_tid = 4244, .uid = 33, .comm = "worker"});

	cr_assert_str_eq(formatted(&b, &no_keys),
			 "17:55:18.123 thread pid 4242 uid 33 tid 4243  worker  by tid 4244\n");
	b = built_thread_exit((struct rg_record_thread_exit){
		.duration_ns = 1, .pid = 4242, .tid = 4243, .status = 0x100, .known = 1});
	cr_assert_str_eq(formatted(&b, &no_keys),
			 "17:55:18.123 t-exit pid 4242 uid 0 tid 4243  ?  code 1 in 1 ns\n");
}

Test(event_text, alert)
{
	struct rg_record_exec rec = shell;
	struct built b = built_exec(rec, &shell_strings);

	cr_assert_str_eq(formatted_alert(&b, built_span("sh"), built_span("nginx")),
			 "17:55:18.123 ALERT  high PROC-001 Shell spawned by web server: "
			 "nginx(812) -> sh(4242) uid 33  /usr/bin/dash  \"sh -c id\""
			 "  below nginx(812) < systemd(1)\n");
	rec.flags = 0;
	rec.nr_ancestors = 0;
	b = built_exec(rec, &shell_strings);
	cr_assert_str_eq(formatted_alert(&b, (struct span){0}, (struct span){0}),
			 "17:55:18.123 ALERT  high PROC-001 Shell spawned by web server: "
			 "?(812) -> ?(4242) uid 33  /usr/bin/dash\n");
}

/* --- colours ------------------------------------------------------------------------------------------ */

static void assert_word(const char *line, const char *word)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "17:55:18.123 %s", word);
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
	cr_assert_null(strchr(line + strlen(expected), '\x1b'), "%s", line);
}

Test(event_text, colours_where_asked_for)
{
	struct built b = built_exec(shell, &shell_strings);

	head.colour = true;
	assert_word(formatted(&b, &all_keys), "\x1b[32mexec  \x1b[0m pid 4242 ");
	assert_word(formatted_alert(&b, built_span("sh"), built_span("nginx")),
		    "\x1b[1;7;31mALERT \x1b[0m high ");
	rule.severity = RULE_MEDIUM;
	assert_word(formatted_alert(&b, built_span("sh"), built_span("nginx")),
		    "\x1b[1;31mALERT \x1b[0m medium ");
	b = built_fork((struct rg_record_fork){0}, "");
	assert_word(formatted(&b, &all_keys), "\x1b[36mfork  \x1b[0m pid ");
	b = built_exit((struct rg_record_exit){0}, "");
	assert_word(formatted(&b, &all_keys), "\x1b[33mexit  \x1b[0m pid ");
	b = built_exit((struct rg_record_exit){.status = 9}, "");
	assert_word(formatted(&b, &all_keys), "\x1b[31mexit  \x1b[0m pid ");
	b = built_thread_start((struct rg_record_thread_start){0});
	assert_word(formatted(&b, &all_keys), "\x1b[36mthread\x1b[0m pid ");
	b = built_thread_exit((struct rg_record_thread_exit){.status = 0x100});
	assert_word(formatted(&b, &all_keys), "\x1b[31mt-exit\x1b[0m pid ");
}

/* --- hostile names --------------------------------------------------------------------------------------- */

/* One line, UTF-8, and nothing in it that a terminal would act upon. */
static void assert_harmless(const char *line, const char *what)
{
	size_t i, len = strlen(line);
	const char *c1;

	cr_assert_eq(strchr(line, '\n'), line + len - 1, "%s: %s", what, line);
	cr_assert(is_utf8(line, len), "%s: %s", what, line);
	for (i = 0; i < len - 1; i++)
		cr_assert((unsigned char)line[i] >= ' ' && line[i] != 0x7f, "%s: %s", what, line);
	for (c1 = strchr(line, '\xc2'); c1; c1 = strchr(c1 + 1, '\xc2'))
		cr_assert((unsigned char)c1[1] >= 0xa0, "%s: %s", what, line);
}

static void fill(char *comm, const char *bytes, size_t len)
{
	memset(comm, 0, RG_COMM_LEN);
	memcpy(comm, bytes, MIN(len, (size_t)RG_COMM_LEN - 1));
}

/* The bytes wherever a process can put its own. */
static void assert_tamed(const char *bytes, size_t len)
{
	struct rg_ancestor above[2] = {0};
	struct rg_record_exec rec = shell;
	struct exec_strings strings = {bytes, bytes, bytes, bytes, bytes,
				       above, {bytes, len}, {bytes, len}};
	struct rg_record_exit ended = {0};
	struct rg_record_fork forked = {.parent_known = 1};
	struct span name = {bytes, len};
	struct built b;

	fill(rec.comm, bytes, len);
	fill(rec.parent_comm, bytes, len);
	fill(above[0].comm, bytes, len);
	fill(above[1].comm, bytes, len);
	fill(ended.comm, bytes, len);
	fill(forked.parent_comm, bytes, len);
	fill(forked.child_comm, bytes, len);
	b = built_exec(rec, &strings);
	assert_harmless(formatted(&b, &all_keys), "exec");
	assert_harmless(formatted_alert(&b, name, name), "alert");
	b = built_exit(ended, bytes);
	assert_harmless(formatted(&b, &all_keys), "exit");
	b = built_fork(forked, bytes);
	assert_harmless(formatted(&b, &all_keys), "fork");
}

Test(event_text, no_byte_steers_a_terminal)
{
	char bytes[] = "a?b";
	int c;

	for (c = 1; c < 256; c++) {
		bytes[1] = (char)c;
		assert_tamed(bytes, 3);
	}
	assert_tamed("a\0b", 3);
	for (c = 0x80; c < 0xc0; c++) /* U+0080..U+00BF */
		assert_tamed((char[]){'\xc2', (char)c, '\0'}, 2);
	assert_tamed("\x1b[2J\x1b]0;t\x07", 9);
}

Test(event_text, a_rule_s_name_is_no_exception)
{
	struct built b = built_exec(shell, &shell_strings);

	rule.name = (char[]){"\x1b[2J\xc2\x9b\n"};
	rule.id = (char[]){"a b\n"};
	assert_harmless(formatted_alert(&b, built_span("sh"), built_span("nginx")), "rule");
}

/* --- room ---------------------------------------------------------------------------------------------- */

Test(event_text, what_does_not_fit_is_told)
{
	struct built b = built_exec(shell, &shell_strings);
	size_t len = strlen(formatted(&b, &all_keys)), room;
	struct event e = parsed(&b);
	struct json j;
	char *small;

	for (room = 0; room <= len; room++) {
		small = malloc(room); /* ASan sees a byte beyond */
		json_init(&j, small, room);
		text_event(&j, &e, &head, &all_keys);
		cr_assert_eq(j.full, room < len, "%zu of %zu", room, len);
		cr_assert_leq(json_len(&j), room);
		cr_assert_eq(memcmp(small, text, json_len(&j)), 0);
		free(small);
	}
}
