/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole lines in the Elastic Common Schema, byte by byte, each read by another parser too. */
#include <cjson/cJSON.h>

#include "event_ecs.h"
#include "health_ecs.h"
#include "format.h"
#include "origin.h"
#include "written.h"

/* Above 2^53, where a double loses the last bit. */
#define BIG 9007199254740993ULL

static const struct origin origin = {
	.agent_id = "router-7",
	.host = {.nodename = "router\"7"},
	.boot_id = "00000000-1111-2222-3333-444444444444",
};

static const struct line_head head = {
	.seq = 18446744073709551615ULL,
	.timestamp_ns = BIG,
	.realtime_ns = 1795450315000000001ULL,
	.origin = &origin,
};

#define HEAD(kind, category, type, action)                                                      \
	"{\"@timestamp\":\"2026-11-23T16:11:55.000000001Z\",\"ecs\":{\"version\":\"8.11.0\"}," \
	"\"agent\":{\"id\":\"router-7\",\"type\":\"rand-guard\",\"version\":\"" RG_VERSION      \
	"\"},\"host\":{\"name\":\"router\\\"7\",\"boot\":{\"id\":"                            \
	"\"00000000-1111-2222-3333-444444444444\"}},\"event\":{\"kind\":\"" kind                \
	"\",\"category\":[\"" category "\"],\"type\":[\"" type "\"],\"action\":\"" action        \
	"\",\"module\":\"rand-guard\",\"sequence\":18446744073709551615"
#define OWN(type) "\"rand_guard\":{\"event_type\":\"" type "\",\"timestamp_ns\":9007199254740993"


static void end_line(const struct json *j)
{
	cJSON *line;

	line = cJSON_ParseWithOpts(written_end(j), NULL, true);
	cr_assert(cJSON_IsObject(line), "%s", text);
	cJSON_Delete(line);
}

static const char *formatted(const struct built *b, const struct event_keys *keys)
{
	struct json j = written_begin();
	struct event e = parsed(b);

	ecs_event(&j, &e, &head, keys);
	end_line(&j);
	return text;
}

/* --- whole lines -------------------------------------------------------------------------------- */

static const struct rg_ancestor ancestors[] = {{812, "nginx"}, {1, "systemd"}};

static const struct rg_record_exec full_exec = {
	.hdr = {.timestamp_ns = 1},
	.start_time_ns = BIG - 3,
	.cgroup_id = 18446744073709551614ULL,
	.pid = 4242,
	.tid = 4243,
	.ppid = 812,
	.real_ppid = 1,
	.uid = 4294967295,
	.gid = 4294967294,
	.euid = 33,
	.egid = 34,
	.pid_ns = 4026531836,
	.flags = RG_HAS_ARGS | RG_HAS_CWD | RG_HAS_ENV | RG_EXE_DELETED | RG_ARGS_TRUNCATED,
	.source = RG_SYSCALL_EXECVE,
	.parent_known = 1,
	.nr_ancestors = 2,
	.comm = "sh",
	.parent_comm = "nginx",
};

static const struct exec_strings full_strings = {
	.exe = "/usr/bin/dash",
	.filename = "./run\"me",
	.interp = "/bin/sh",
	.parent_exe = "/usr/sbin/nginx",
	.cwd = "/tmp",
	.ancestors = ancestors,
	.args = {"sh\0-c\0\0id \xff", 11},
	.env = {"A=1\0B=x=y", 9},
};

#define PROCESS                                                                           \
	"\"process\":{\"pid\":4242,\"entity_id\":\"4242-9007199254740990\","             \
	"\"start\":\"2026-11-23T16:11:54.999999998Z\",\"name\":\"sh\","                  \
	"\"executable\":\"/usr/bin/dash\",\"thread\":{\"id\":4243},"
#define PARENT                                                                         \
	"\"parent\":{\"pid\":812,\"name\":\"nginx\",\"executable\":\"/usr/sbin/nginx\"}}," \
	"\"user\":{\"id\":\"4294967295\"},\"group\":{\"id\":\"4294967294\"},"
#define ANCESTORS \
	"\"ancestors\":[{\"pid\":812,\"comm\":\"nginx\"},{\"pid\":1,\"comm\":\"systemd\"}]"
#define OWN_EXEC                                                                             \
	OWN("process_start") ",\"filename\":\"./run\\\"me\",\"interp\":\"/bin/sh\","         \
	"\"source\":\"execve\",\"euid\":33,\"egid\":34,\"real_ppid\":1,"                    \
	"\"start_time_ns\":9007199254740990,\"cgroup_id\":18446744073709551614,"            \
	"\"pid_ns\":4026531836," ANCESTORS ",\"exe_deleted\":true"

Test(event_ecs, exec_with_all_that_can_be_collected)
{
	struct built b = built_exec(full_exec, &full_strings);

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("event", "process", "start", "exec") "}," PROCESS
			 "\"args\":[\"sh\",\"-c\",\"\",\"id \\uefff\"],"
			 "\"working_directory\":\"/tmp\",\"env_vars\":[\"A=1\",\"B=x=y\"]," PARENT
			 OWN_EXEC ",\"args_truncated\":true}}\n");
}

Test(event_ecs, exec_with_nothing_asked_for)
{
	struct built b = built_exec(full_exec, &full_strings);

	cr_assert_str_eq(formatted(&b, &no_keys), HEAD("event", "process", "start", "exec") "},"
			 PROCESS PARENT OWN_EXEC "}}\n");
}

/* What is unknown is left out. */
Test(event_ecs, exec_of_which_nothing_is_known)
{
	struct built b = built_exec((struct rg_record_exec){.comm = "sh", .parent_comm = "stale",
							    .start_time_ns = BIG},
				    &(struct exec_strings){0});

	cr_assert_str_eq(
		formatted(&b, &all_keys),
		HEAD("event", "process", "start", "exec") "},\"process\":{\"pid\":0,"
		"\"entity_id\":\"0-9007199254740993\",\"start\":\"2026-11-23T16:11:55.000000001Z\","
		"\"name\":\"sh\",\"thread\":{\"id\":0},\"parent\":{\"pid\":0}},"
		"\"user\":{\"id\":\"0\"},\"group\":{\"id\":\"0\"}," OWN("process_start")
		",\"source\":\"unknown\",\"euid\":0,\"egid\":0,\"real_ppid\":0,"
		"\"start_time_ns\":9007199254740993,\"cgroup_id\":0,\"pid_ns\":0,"
		"\"ancestors\":[]}}\n");
}

Test(event_ecs, fork)
{
	struct built b = built_fork((struct rg_record_fork){.parent_pid = 812,
							    .child_start_time_ns = BIG - 3,
							    .child_pid = 4294967295,
							    .child_tid = 4294967294,
							    .uid = 33,
							    .gid = 34,
							    .parent_known = 1,
							    .parent_comm = "nginx",
							    .child_comm = "0123456789abcde"},
				    "/usr/sbin/nginx");

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("event", "process", "start", "fork") "},\"process\":"
			 "{\"pid\":4294967295,\"entity_id\":\"4294967295-9007199254740990\","
			 "\"start\":\"2026-11-23T16:11:54.999999998Z\",\"name\":\"0123456789abcde\","
			 "\"thread\":{\"id\":4294967294},\"parent\":{\"pid\":812,\"name\":\"nginx\","
			 "\"executable\":\"/usr/sbin/nginx\"}},\"user\":{\"id\":\"33\"},"
			 "\"group\":{\"id\":\"34\"}," OWN("process_relationship") "}}\n");
}

static struct built exit_with(int status)
{
	return built_exit((struct rg_record_exit){.hdr.timestamp_ns = BIG,
						  .duration_ns = 3,
						  .pid = 4242,
						  .tid = 4243,
						  .ppid = 812,
						  .uid = 33,
						  .gid = 34,
						  .status = status,
						  .known = 1,
						  .comm = "sh"},
			  "/usr/bin/dash");
}

#define EXIT_PROCESS                                                                         \
	",\"duration\":3},\"process\":{\"pid\":4242,\"entity_id\":"                       \
	"\"4242-9007199254740990\",\"start\":\"2026-11-23T16:11:54.999999998Z\",\"name\":\"sh\"," \
	"\"executable\":\"/usr/bin/dash\",\"thread\":{\"id\":4243},\"parent\":{\"pid\":812},"

Test(event_ecs, exit_by_code)
{
	struct built b = exit_with(0x0700);

	cr_assert_str_eq(formatted(&b, &no_keys),
			 HEAD("event", "process", "end", "end") EXIT_PROCESS "\"exit_code\":7,"
			 "\"end\":\"2026-11-23T16:11:55.000000001Z\"},\"user\":{\"id\":\"33\"},"
			 "\"group\":{\"id\":\"34\"}," OWN("process_exit") ",\"known\":true}}\n");
}

Test(event_ecs, exit_by_signal)
{
	struct built b = exit_with(0x8b);

	cr_assert_str_eq(formatted(&b, &no_keys),
			 HEAD("event", "process", "end", "end") EXIT_PROCESS
			 "\"end\":\"2026-11-23T16:11:55.000000001Z\"},\"user\":{\"id\":\"33\"},"
			 "\"group\":{\"id\":\"34\"}," OWN("process_exit")
			 ",\"exit_signal\":11,\"core_dumped\":true,\"known\":true}}\n");
}

Test(event_ecs, threads)
{
	struct built b = built_thread_start((struct rg_record_thread_start){
		.pid = 1, .tid = 2, .creator_tid = 3, .uid = 4, .gid = 5, .comm = "worker"});

	cr_assert_str_eq(formatted(&b, &no_keys),
			 HEAD("event", "process", "info", "thread_start") "},\"process\":{\"pid\":1,"
			 "\"name\":\"worker\",\"thread\":{\"id\":2}},\"user\":{\"id\":\"4\"},"
			 "\"group\":{\"id\":\"5\"}," OWN("thread_start") ",\"creator_tid\":3}}\n");
	b = built_thread_exit((struct rg_record_thread_exit){
		.duration_ns = 6, .pid = 1, .tid = 2, .uid = 4, .gid = 5, .comm = "worker"});
	cr_assert_str_eq(formatted(&b, &no_keys),
			 HEAD("event", "process", "info", "thread_end") ",\"duration\":6},"
			 "\"process\":{\"pid\":1,\"name\":\"worker\",\"thread\":{\"id\":2},"
			 "\"exit_code\":0},\"user\":{\"id\":\"4\"},\"group\":{\"id\":\"5\"},"
			 OWN("thread_exit") ",\"known\":false}}\n");
}

static void format_alert(const struct built *b, struct rule_match *match)
{
	struct json j = written_begin();
	struct event e = parsed(b);

	ecs_alert(&j, &e, match, &head);
	end_line(&j);
}

Test(event_ecs, alert)
{
	struct rule rule = {.id = (char[]){"PROC-001"},
			    .name = (char[]){"Shell \"spawned\""},
			    .severity = RULE_HIGH};
	struct rule_match match = {.rule = &rule,
				   .matched_on = RULE_FIELD_EXE_PATH,
				   .process_name = built_span("dash"),
				   .parent_name = built_span("nginx")};
	struct built b = built_exec(full_exec, &full_strings);

	format_alert(&b, &match);
	cr_assert_str_eq(text, HEAD("alert", "process", "start", "exec") ",\"severity\":73},\"rule\":"
			 "{\"id\":\"PROC-001\",\"name\":\"Shell \\\"spawned\\\"\"}," PROCESS PARENT
			 OWN("alert") ",\"rule_type\":\"PROC\",\"severity\":\"high\","
			 "\"process_name\":\"dash\",\"parent_name\":\"nginx\","
			 "\"matched_on\":\"exe_path\"," ANCESTORS "}}\n");
}

Test(event_ecs, severities)
{
	static const char *const numbers[] = {"\"severity\":21}", "\"severity\":47}",
					      "\"severity\":73}", "\"severity\":99}"};
	struct rule rule = {.id = (char[]){"x"}, .name = (char[]){"x"}};
	struct rule_match match = {.rule = &rule};
	struct built b = built_exec(full_exec, &full_strings);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		rule.severity = (enum rule_severity)i;
		format_alert(&b, &match);
		cr_assert_not_null(strstr(text, numbers[i]), "%s", text);
	}
}

/* --- the agent's own lines ------------------------------------------------------------------------ */

/* The same keys as in JSON, but those that each line has. */
static void assert_same_keys(format_health_fn json, format_health_fn ecs)
{
	static struct counters counters;
	struct config *config;
	struct sink *sink;
	struct json j;
	cJSON *plain, *line, *item;

	cr_assert_eq(config_load(NULL, &config), 0);
	cr_assert_eq(sink_new_file("/dev/null", &sink), 0);
	struct health h = {.config = config, .sink = sink, .counters = &counters};

	j = written_begin();
	json(&h, &j, &head);
	plain = cJSON_Parse(written_end(&j));
	j = written_begin();
	ecs(&h, &j, &head);
	end_line(&j);
	line = cJSON_Parse(text);
	cJSON_ArrayForEach(item, plain)
		if (strcmp(item->string, "time") && strcmp(item->string, "seq"))
			cr_expect(cJSON_Compare(item, cJSON_GetObjectItem(
					cJSON_GetObjectItem(line, "rand_guard"), item->string), true) ||
				  !strcmp(item->string, "rss_kb"), "%s", item->string);
	cJSON_Delete(plain);
	cJSON_Delete(line);
	sink_free(sink);
	config_free(config);
}

Test(event_ecs, health_and_start_have_all_keys)
{
	assert_same_keys(health_line, health_ecs);
	cr_assert(!strncmp(text, HEAD("metric", "host", "info", "health") "}," OWN("health"),
			   strlen(HEAD("metric", "host", "info", "health") "}," OWN("health"))));
	assert_same_keys(health_start_line, health_start_ecs);
	cr_assert_not_null(strstr(text, "\"kind\":\"state\""));
}

/* --- the largest line ------------------------------------------------------------------------------ */

/* What the sink keeps room for holds it, also where each byte is escaped and each argument is empty. */
Test(event_ecs, the_largest_line_fits)
{
	static const char fills[] = {'\xff', '\0'};
	static char path[RG_PATH_MAX + 1], args[RG_ARGS_MAX], env[RG_ENV_MAX];
	struct rg_ancestor all[RG_MAX_ANCESTORS];
	struct origin longest;
	struct line_head long_head = head;
	struct rg_record_exec rec;
	struct sink *sink;
	struct built b;
	struct event e;
	struct json j;
	size_t i;

	memset(path, 0xff, RG_PATH_MAX);
	memset(all, 0xff, sizeof(all));
	memset(&rec, 0xff, sizeof(rec));
	memset(&longest, 0xff, sizeof(longest));
	longest.host.nodename[sizeof(longest.host.nodename) - 1] = '\0';
	longest.boot_id[36] = '\0';
	longest.agent_id = longest.host.nodename;
	long_head.origin = &longest;
	rec.hdr.timestamp_ns = 0;
	rec.nr_ancestors = RG_MAX_ANCESTORS;
	cr_assert_eq(sink_new_file("/dev/null", &sink), 0);
	for (i = 0; i < sizeof(fills); i++) {
		memset(args, fills[i], sizeof(args));
		memset(env, fills[i], sizeof(env));
		b = built_exec(rec, &(struct exec_strings){path, path, path, path, path, all,
							   {args, sizeof(args)}, {env, sizeof(env)}});
		cr_assert_eq(b.len, RG_RECORD_MAX);
		e = parsed(&b);
		sink_line_begin(sink, NULL, &j);
		ecs_event(&j, &e, &long_head, &all_keys);
		cr_assert_not(j.full);
	}
	sink_free(sink);
}
