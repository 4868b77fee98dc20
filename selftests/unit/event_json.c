/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whole lines, byte by byte; and the contract of rand-guard-records(7), key by key with its type, as
 * another parser sees it.
 */
#include <cjson/cJSON.h>

#include "event_json.h"
#include "sink.h"
#include "written.h"

/* Above 2^53, where a double loses the last bit. */
#define BIG 9007199254740993ULL

static const struct line_head head = {
	.seq = 18446744073709551615ULL,
	.timestamp_ns = BIG,
	.realtime_ns = 1795450315000000001ULL,
};
#define HEAD(type)                                                                     \
	"{\"event_type\":\"" type "\",\"time\":\"2026-11-23T16:11:55.000000001Z\"," \
	"\"timestamp_ns\":9007199254740993,\"seq\":18446744073709551615,"


static const char *formatted(const struct built *b, const struct event_keys *keys)
{
	struct event e = parsed(b);
	struct json j = written_begin();

	json_event(&j, &e, &head, keys);
	return written_end(&j);
}

/* --- whole lines -------------------------------------------------------------------------------- */

static const struct rg_ancestor ancestors[] = {{812, "nginx"}, {4294967295, "123456789012345"}};

static const struct rg_record_exec full_exec = {
	.hdr = {.timestamp_ns = 1},
	.start_time_ns = BIG + 2,
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
	.flags = RG_HAS_ARGS | RG_HAS_CWD | RG_HAS_ENV,
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
	.env = {"A=1\0EMPTY=\0\0NOVALUE\0B=x=y", 26},
};

#define EXEC_IDS                                                                           \
	"\"pid\":4242,\"tid\":4243,\"ppid\":812,\"real_ppid\":1,\"uid\":4294967295," \
	"\"gid\":4294967294,\"euid\":33,\"egid\":34,\"comm\":\"sh\","
#define EXEC_FILES                                                                      \
	"\"exe_path\":\"/usr/bin/dash\",\"filename\":\"./run\\\"me\","               \
	"\"interp\":\"/bin/sh\",\"source\":\"execve\",\"parent_comm\":\"nginx\"," \
	"\"parent_exe_path\":\"/usr/sbin/nginx\","
#define EXEC_ANCESTORS                                   \
	"\"ancestors\":[{\"pid\":812,\"comm\":\"nginx\"}," \
	"{\"pid\":4294967295,\"comm\":\"123456789012345\"}]"
#define EXEC_REST                                                                         \
	",\"start_time_ns\":9007199254740995,\"cgroup_id\":18446744073709551614," \
	"\"pid_ns\":4026531836,"
#define EXEC_NO_FLAGS                                                                   \
	"\"exe_path_truncated\":false,\"filename_truncated\":false,\"interp_truncated\":" \
	"false,\"exe_deleted\":false,\"secure_exec\":false"

Test(event_json, start_with_all_that_can_be_collected)
{
	struct built b = built_exec(full_exec, &full_strings);

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("process_start") EXEC_IDS EXEC_FILES EXEC_ANCESTORS EXEC_REST
				 EXEC_NO_FLAGS
			 ",\"args\":[\"sh\",\"-c\",\"\",\"id \\uefff\"],\"args_truncated\":false,"
			 "\"cwd\":\"/tmp\",\"cwd_truncated\":false,"
			 "\"env\":[\"A=1\",\"EMPTY=\",\"\",\"NOVALUE\",\"B=x=y\"],"
			 "\"env_truncated\":false}\n");
}

Test(event_json, start_with_nothing_asked_for)
{
	struct built b = built_exec(full_exec, &full_strings);

	cr_assert_str_eq(formatted(&b, &no_keys), HEAD("process_start") EXEC_IDS EXEC_FILES
			 EXEC_ANCESTORS EXEC_REST EXEC_NO_FLAGS "}\n");
}

Test(event_json, start_of_which_nothing_is_known)
{
	struct built b = built_exec((struct rg_record_exec){.comm = "sh", .parent_comm = "stale"},
				    &(struct exec_strings){0});

	cr_assert_str_eq(
		formatted(&b, &all_keys),
		HEAD("process_start") "\"pid\":0,\"tid\":0,\"ppid\":0,\"real_ppid\":null,\"uid\":0,"
		"\"gid\":0,\"euid\":0,\"egid\":0,\"comm\":\"sh\",\"exe_path\":null,"
		"\"filename\":null,\"interp\":null,\"source\":null,\"parent_comm\":null,"
		"\"parent_exe_path\":null,\"ancestors\":[],\"start_time_ns\":0,"
		"\"cgroup_id\":0,\"pid_ns\":0," EXEC_NO_FLAGS
		",\"args\":null,\"args_truncated\":null,\"cwd\":null,\"cwd_truncated\":null,"
		"\"env\":null,\"env_truncated\":null}\n");
}

/* Collected and empty isn't the same as not read. */
Test(event_json, start_with_empty_args_and_env)
{
	struct rg_record_exec rec = {.flags = RG_HAS_ARGS | RG_HAS_ENV | RG_HAS_CWD};
	struct built b = built_exec(rec, &(struct exec_strings){0});

	cr_assert_not_null(strstr(formatted(&b, &all_keys),
				  ",\"args\":[],\"args_truncated\":false,\"cwd\":null,"
				  "\"cwd_truncated\":false,\"env\":[],\"env_truncated\":false}\n"));
}

Test(event_json, each_key_is_asked_for_alone)
{
	struct built b = built_exec(full_exec, &full_strings);

	formatted(&b, &(struct event_keys){.args = true});
	cr_assert(strstr(text, "\"args\":[") && !strstr(text, "\"cwd\"") && !strstr(text, "\"env\""));
	formatted(&b, &(struct event_keys){.cwd = true});
	cr_assert(!strstr(text, "\"args\"") && strstr(text, "\"cwd\":\"/tmp\"") &&
		  !strstr(text, "\"env\""));
	formatted(&b, &(struct event_keys){.env = true});
	cr_assert(!strstr(text, "\"args\"") && !strstr(text, "\"cwd\"") &&
		  strstr(text, "\"env\":[\"A=1\""));
}

Test(event_json, each_flag_has_its_own_key)
{
	static const struct {
		uint32_t flag;
		const char *key;
	} flags[] = {
		{RG_EXE_TRUNCATED, "exe_path_truncated"},
		{RG_FILENAME_TRUNCATED, "filename_truncated"},
		{RG_INTERP_TRUNCATED, "interp_truncated"},
		{RG_EXE_DELETED, "exe_deleted"},
		{RG_SECURE_EXEC, "secure_exec"},
		{RG_ARGS_TRUNCATED, "args_truncated"},
		{RG_CWD_TRUNCATED, "cwd_truncated"},
		{RG_ENV_TRUNCATED, "env_truncated"},
	};
	struct rg_record_exec rec = full_exec;
	struct built b;
	cJSON *line;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		rec.flags = full_exec.flags | flags[i].flag;
		b = built_exec(rec, &full_strings);
		line = cJSON_Parse(formatted(&b, &all_keys));
		for (k = 0; k < ARRAY_SIZE(flags); k++)
			cr_assert_eq(cJSON_IsTrue(cJSON_GetObjectItem(line, flags[k].key)), k == i,
				     "%s by flag %#x", flags[k].key, flags[i].flag);
		cJSON_Delete(line);
	}
}

Test(event_json, sources)
{
	struct rg_record_exec rec = full_exec;
	struct built b;

	rec.source = RG_SYSCALL_EXECVEAT;
	b = built_exec(rec, &full_strings);
	cr_assert_not_null(strstr(formatted(&b, &no_keys), ",\"source\":\"execveat\","));
	rec.source = RG_SYSCALL_UNKNOWN;
	b = built_exec(rec, &full_strings);
	cr_assert_not_null(strstr(formatted(&b, &no_keys), ",\"source\":null,"));
	rec.source = 3; /* of a kernel side that knows more */
	b = built_exec(rec, &full_strings);
	cr_assert_not_null(strstr(formatted(&b, &no_keys), ",\"source\":null,"));
}

Test(event_json, relationship)
{
	struct built b = built_fork((struct rg_record_fork){.parent_pid = 812,
							    .child_start_time_ns = BIG + 2,
							    .child_pid = 4294967295,
							    .child_tid = 4294967294,
							    .uid = 33,
							    .gid = 34,
							    .parent_known = 1,
							    .parent_comm = "nginx",
							    .child_comm = "0123456789abcde"},
				    "/usr/sbin/nginx");

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("process_relationship") "\"parent_pid\":812,\"parent_comm\":\"nginx\","
			 "\"parent_exe_path\":\"/usr/sbin/nginx\",\"child_pid\":4294967295,"
			 "\"child_tid\":4294967294,\"child_comm\":\"0123456789abcde\","
			 "\"child_start_time_ns\":9007199254740995,"
			 "\"uid\":33,\"gid\":34}\n");
}

Test(event_json, relationship_of_an_unknown_parent)
{
	struct built b = built_fork((struct rg_record_fork){.parent_comm = "stale"}, "");

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("process_relationship") "\"parent_pid\":0,\"parent_comm\":null,"
			 "\"parent_exe_path\":null,\"child_pid\":0,\"child_tid\":0,"
			 "\"child_comm\":\"\",\"child_start_time_ns\":0,\"uid\":0,\"gid\":0}\n");
}

Test(event_json, exit)
{
	struct built b = built_exit((struct rg_record_exit){.hdr.timestamp_ns = BIG + 2,
							    .duration_ns = BIG - 3,
							    .pid = 4242,
							    .tid = 4243,
							    .ppid = 812,
							    .uid = 33,
							    .gid = 34,
							    .status = 0x0700,
							    .known = 1,
							    .comm = "sh"},
				    "/usr/bin/dash");

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("process_exit") "\"pid\":4242,\"tid\":4243,\"ppid\":812,\"uid\":33,"
			 "\"gid\":34,\"comm\":\"sh\",\"exe_path\":\"/usr/bin/dash\","
			 "\"exit_code\":7,\"exit_signal\":null,\"core_dumped\":false,"
			 "\"duration_ns\":9007199254740990,\"start_time_ns\":5,"
			 "\"group_dead\":true,\"known\":true}\n");
}

Test(event_json, exit_statuses)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {
		{0, "\"exit_code\":0,\"exit_signal\":null,\"core_dumped\":false,"},
		{0x0700, "\"exit_code\":7,\"exit_signal\":null,\"core_dumped\":false,"},
		{0xff00, "\"exit_code\":255,\"exit_signal\":null,\"core_dumped\":false,"},
		{9, "\"exit_code\":null,\"exit_signal\":9,\"core_dumped\":false,"},
		{0x8b, "\"exit_code\":null,\"exit_signal\":11,\"core_dumped\":true,"},
		/* no signal, hence no core */
		{0x0180, "\"exit_code\":1,\"exit_signal\":null,\"core_dumped\":false,"},
		{64, "\"exit_code\":null,\"exit_signal\":64,\"core_dumped\":false,"},
	};
	struct built b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		b = built_exit((struct rg_record_exit){.status = cases[i].status}, "");
		cr_assert_not_null(strstr(formatted(&b, &no_keys), cases[i].text), "%#x: %s",
				   cases[i].status, text);
		cr_assert_not_null(strstr(text, ",\"exe_path\":null,"));
		cr_assert_not_null(strstr(text, ",\"known\":false}"));
		b = built_thread_exit((struct rg_record_thread_exit){.status = cases[i].status});
		cr_assert_not_null(strstr(formatted(&b, &no_keys), cases[i].text), "%#x: %s",
				   cases[i].status, text);
	}
}

Test(event_json, threads)
{
	struct built b = built_thread_start((struct rg_record_thread_start){.pid = 4242,
									    .tid = 4243,
									    .creator_tid = 4244,
									    .uid = 33,
									    .gid = 34,
									    .comm = "worker"});

	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("thread_start") "\"pid\":4242,\"tid\":4243,\"creator_tid\":4244,"
			 "\"uid\":33,\"gid\":34,\"comm\":\"worker\"}\n");
	b = built_thread_exit((struct rg_record_thread_exit){.duration_ns = BIG,
							     .pid = 4242,
							     .tid = 4243,
							     .uid = 33,
							     .gid = 34,
							     .status = 0x0100,
							     .known = 1,
							     .comm = "worker"});
	cr_assert_str_eq(formatted(&b, &all_keys),
			 HEAD("thread_exit") "\"pid\":4242,\"tid\":4243,\"uid\":33,\"gid\":34,"
			 "\"comm\":\"worker\",\"exit_code\":1,\"exit_signal\":null,"
			 "\"core_dumped\":false,\"duration_ns\":9007199254740993,\"known\":true}\n");
}

/* --- alerts ------------------------------------------------------------------------------------- */

static struct rule rule = {
	.id = (char[]){"PROC-001"},
	.name = (char[]){"Shell \"spawned\" by web server"},
	.severity = RULE_HIGH,
};

static const char *formatted_alert(const struct built *b, const struct rule_match *match)
{
	struct event e = parsed(b);
	struct json j = written_begin();

	json_alert(&j, &e, match, &head);
	return written_end(&j);
}

static struct rule_match full_match(void)
{
	return (struct rule_match){
		.rule = &rule,
		.matched_on = RULE_FIELD_EXE_PATH,
		.process_name = built_span("dash"),
		.parent_name = built_span("nginx"),
	};
}

#define ALERT_RULE                                                                           \
	"\"rule_id\":\"PROC-001\",\"rule_name\":\"Shell \\\"spawned\\\" by web server\"," \
	"\"rule_type\":\"PROC\","

Test(event_json, alert)
{
	struct built b = built_exec(full_exec, &full_strings);
	struct rule_match match = full_match();

	cr_assert_str_eq(
		formatted_alert(&b, &match),
		HEAD("alert") ALERT_RULE "\"severity\":\"high\",\"action\":\"alert\","
		"\"source_event_type\":\"process_start\",\"pid\":4242,\"tid\":4243,\"ppid\":812,"
		"\"uid\":4294967295,\"gid\":4294967294,\"comm\":\"sh\","
		"\"exe_path\":\"/usr/bin/dash\",\"process_name\":\"dash\",\"parent_name\":\"nginx\","
		"\"parent_pid\":812,\"matched_on\":\"exe_path\"," EXEC_ANCESTORS
		",\"start_time_ns\":9007199254740995}\n");
}

Test(event_json, alert_of_a_rule_about_parents_alone)
{
	struct built b = built_exec((struct rg_record_exec){.comm = "x"}, &(struct exec_strings){0});
	struct rule_match match = {.rule = &rule, .matched_on = RULE_FIELD_NONE};

	cr_assert_str_eq(formatted_alert(&b, &match),
			 HEAD("alert") ALERT_RULE "\"severity\":\"high\",\"action\":\"alert\","
			 "\"source_event_type\":\"process_start\",\"pid\":0,\"tid\":0,\"ppid\":0,"
			 "\"uid\":0,\"gid\":0,\"comm\":\"x\",\"exe_path\":null,"
			 "\"process_name\":null,\"parent_name\":null,\"parent_pid\":0,"
			 "\"matched_on\":null,\"ancestors\":[],\"start_time_ns\":0}\n");
}

Test(event_json, severities_and_fields)
{
	static const char *const severities[] = {"low", "medium", "high", "critical"};
	static const char *const fields[] = {"null", "\"comm\"", "\"filename\"", "\"exe_path\"",
					     "\"interp\""};
	struct built b = built_exec(full_exec, &full_strings);
	struct rule with = rule;
	struct rule_match match = full_match();
	char expected[64];
	size_t i;

	match.rule = &with;
	for (i = 0; i < ARRAY_SIZE(severities); i++) {
		with.severity = (enum rule_severity)i;
		snprintf(expected, sizeof(expected), "\"severity\":\"%s\"", severities[i]);
		cr_assert_not_null(strstr(formatted_alert(&b, &match), expected));
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		match.matched_on = (enum rule_field)i;
		snprintf(expected, sizeof(expected), "\"matched_on\":%s,", fields[i]);
		cr_assert_not_null(strstr(formatted_alert(&b, &match), expected));
	}
}

/* --- the contract -------------------------------------------------------------------------------- */

enum { NUMBER = cJSON_Number, STRING = cJSON_String, ARRAY = cJSON_Array, OBJECT = cJSON_Object,
       BOOL = cJSON_True | cJSON_False, NUL = cJSON_NULL };

struct key {
	const char *name;
	int types;
};

#define EVERY_LINE \
	{"event_type", STRING}, {"time", STRING}, {"timestamp_ns", NUMBER}, {"seq", NUMBER}
#define NR_KEYS_MAX 48

static const struct key start_keys[NR_KEYS_MAX] = {
	EVERY_LINE,
	{"pid", NUMBER},
	{"tid", NUMBER},
	{"ppid", NUMBER},
	{"real_ppid", NUMBER | NUL},
	{"uid", NUMBER},
	{"gid", NUMBER},
	{"euid", NUMBER},
	{"egid", NUMBER},
	{"comm", STRING},
	{"exe_path", STRING | NUL},
	{"filename", STRING | NUL},
	{"interp", STRING | NUL},
	{"source", STRING | NUL},
	{"parent_comm", STRING | NUL},
	{"parent_exe_path", STRING | NUL},
	{"ancestors", ARRAY},
	{"start_time_ns", NUMBER},
	{"cgroup_id", NUMBER},
	{"pid_ns", NUMBER},
	{"exe_path_truncated", BOOL},
	{"filename_truncated", BOOL},
	{"interp_truncated", BOOL},
	{"exe_deleted", BOOL},
	{"secure_exec", BOOL},
	{"args", ARRAY | NUL},
	{"args_truncated", BOOL | NUL},
	{"cwd", STRING | NUL},
	{"cwd_truncated", BOOL | NUL},
	{"env", ARRAY | NUL},
	{"env_truncated", BOOL | NUL},
};

static const struct key relationship_keys[NR_KEYS_MAX] = {
	EVERY_LINE,
	{"parent_pid", NUMBER},
	{"parent_comm", STRING | NUL},
	{"parent_exe_path", STRING | NUL},
	{"child_pid", NUMBER},
	{"child_tid", NUMBER},
	{"child_comm", STRING},
	{"child_start_time_ns", NUMBER},
	{"uid", NUMBER},
	{"gid", NUMBER},
};

static const struct key exit_keys[NR_KEYS_MAX] = {
	EVERY_LINE,
	{"pid", NUMBER},
	{"tid", NUMBER},
	{"ppid", NUMBER},
	{"uid", NUMBER},
	{"gid", NUMBER},
	{"comm", STRING},
	{"exe_path", STRING | NUL},
	{"exit_code", NUMBER | NUL},
	{"exit_signal", NUMBER | NUL},
	{"core_dumped", BOOL},
	{"duration_ns", NUMBER},
	{"start_time_ns", NUMBER},
	{"group_dead", BOOL},
	{"known", BOOL},
};

static const struct key alert_keys[NR_KEYS_MAX] = {
	EVERY_LINE,
	{"rule_id", STRING},
	{"rule_name", STRING},
	{"rule_type", STRING},
	{"severity", STRING},
	{"action", STRING},
	{"source_event_type", STRING},
	{"pid", NUMBER},
	{"tid", NUMBER},
	{"ppid", NUMBER},
	{"uid", NUMBER},
	{"gid", NUMBER},
	{"comm", STRING},
	{"exe_path", STRING | NUL},
	{"process_name", STRING | NUL},
	{"parent_name", STRING | NUL},
	{"parent_pid", NUMBER},
	{"matched_on", STRING | NUL},
	{"ancestors", ARRAY},
	{"start_time_ns", NUMBER},
};

/* Each key of the contract is there once, has one of its types, and there is no other. */
static void assert_keys(const char *line, const struct key *keys)
{
	cJSON *object = cJSON_ParseWithOpts(line, NULL, true), *item;
	int i;

	cr_assert_not_null(object, "%s", line);
	for (i = 0; i < NR_KEYS_MAX && keys[i].name; i++) {
		item = cJSON_GetObjectItemCaseSensitive(object, keys[i].name);
		cr_assert_not_null(item, "%s is missing", keys[i].name);
		cr_assert(item->type & keys[i].types, "%s is of type %d", keys[i].name, item->type);
	}
	cr_assert_eq(cJSON_GetArraySize(object), i, "%s", line);
	cJSON_Delete(object);
}

Test(event_json, contract_where_all_is_known)
{
	struct built b = built_exec(full_exec, &full_strings);
	struct rule_match match = full_match();

	assert_keys(formatted(&b, &all_keys), start_keys);
	assert_keys(formatted_alert(&b, &match), alert_keys);
	b = built_fork((struct rg_record_fork){.parent_known = 1}, "/p");
	assert_keys(formatted(&b, &all_keys), relationship_keys);
	b = built_exit((struct rg_record_exit){.status = 9, .known = 1}, "/p");
	assert_keys(formatted(&b, &all_keys), exit_keys);
}

Test(event_json, contract_where_nothing_is_known)
{
	struct built b = built_exec((struct rg_record_exec){0}, &(struct exec_strings){0});
	struct rule_match match = {.rule = &rule};

	assert_keys(formatted(&b, &all_keys), start_keys);
	assert_keys(formatted_alert(&b, &match), alert_keys);
	b = built_fork((struct rg_record_fork){0}, "");
	assert_keys(formatted(&b, &all_keys), relationship_keys);
	b = built_exit((struct rg_record_exit){0}, "");
	assert_keys(formatted(&b, &all_keys), exit_keys);
}

/* --- the largest line ------------------------------------------------------------------------------ */

/* A record as large as there is one; args and env as the two say, which repeat. */
static struct built largest(struct span args_of, struct span env_of)
{
	static char path[RG_PATH_MAX + 1], args[RG_ARGS_MAX], env[RG_ENV_MAX];
	struct rg_ancestor all[RG_MAX_ANCESTORS];
	struct rg_record_exec rec;
	size_t i;

	memset(path, 0xff, RG_PATH_MAX);
	memset(all, 0xff, sizeof(all));
	memset(&rec, 0xff, sizeof(rec));
	rec.hdr.timestamp_ns = 0;
	rec.real_ppid = 0;
	rec.source = RG_SYSCALL_EXECVEAT;
	rec.nr_ancestors = RG_MAX_ANCESTORS;
	for (i = 0; i < sizeof(args); i++)
		args[i] = args_of.data[i % args_of.len];
	for (i = 0; i < sizeof(env); i++)
		env[i] = env_of.data[i % env_of.len];
	return built_exec(rec, &(struct exec_strings){path, path, path, path, path, all,
						      {args, sizeof(args)}, {env, sizeof(env)}});
}

/* What the sink keeps room for must hold it, whatever args and env are made of. */
Test(event_json, the_largest_lines_fit)
{
	static const struct span args[] = {{"\xff", 1}, {"", 1}, {"\x01", 2}, {"\xff\xff\xff", 4}};
	static const struct span env[] = {{"\xff", 1}, {"", 1},	   {"\x01", 2}, {"=", 2},
					  {"=", 1},    {"A=", 3}, {"\x01=\x01", 4}};
	static char id[RULE_ID_MAX + 1], name[RULE_NAME_MAX + 1];
	struct rule_match match = full_match();
	struct rule longest = {.id = id, .name = name, .severity = RULE_CRITICAL};
	struct sink *sink;
	struct built b;
	struct event e;
	struct json j;
	size_t i, k;

	memset(id, 0xff, RULE_ID_MAX);
	memset(name, 0xff, RULE_NAME_MAX);
	match.rule = &longest;
	match.process_name = match.parent_name = (struct span){name, RULE_NAME_MAX};
	cr_assert_eq(sink_new_file("/dev/null", &sink), 0);
	for (i = 0; i < ARRAY_SIZE(args); i++) {
		for (k = 0; k < ARRAY_SIZE(env); k++) {
			b = largest(args[i], env[k]);
			cr_assert_eq(b.len, RG_RECORD_MAX);
			e = parsed(&b);
			sink_line_begin(sink, NULL, &j);
			json_event(&j, &e, &head, &all_keys);
			cr_assert_not(j.full, "args %zu, env %zu", i, k);
			sink_line_begin(sink, NULL, &j);
			json_alert(&j, &e, &match, &head);
			cr_assert_not(j.full);
		}
	}
	sink_free(sink);
}

