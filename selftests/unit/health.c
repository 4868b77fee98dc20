/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's own lines, without a kernel side: prog_tests look at the others. */
#include <sys/utsname.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "format.h"
#include "health_text.h"

static char text[8192];
static struct config *config;
static struct sink *sink;
static struct counters counters = {
	.events_read = {1, 2, 3, 4, 5},
	.events_bad = 16,
	.events_output = {1, 1, 1, 1, 1},
	.alerts_output = 17,
	.reloads = 18,
	.reload_failures = 19,
	.count_failures = 20,
	.textfile_failures = 21,
};
/* 17:55:18.123 in UTC; an hour and 2 minutes after the start. */
static const struct line_head head = {
	.seq = 9,
	.timestamp_ns = 3725000000000,
	.realtime_ns = 1795456518123999999ULL,
};

static void set_up(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	cr_assert_eq(config_load(NULL, &config), 0);
	cr_assert_eq(sink_new_file("/dev/null", &sink), 0);
}

static void tear_down(void)
{
	config_free(config);
	sink_free(sink);
}

TestSuite(health, .init = set_up, .fini = tear_down);

static const char *formatted(format_health_fn fn)
{
	struct health h = {
		.config = config,
		.sink = sink,
		.counters = &counters,
		.start_ns = 1000000000,
		.table = {.live = 3, .exited = 4, .evicted = 5, .threads = 6, .threads_evicted = 7},
	};
	struct json j;

	json_init(&j, text, sizeof(text) - 1);
	fn(&h, &j, &head);
	cr_assert_not(j.full);
	*j.pos = '\0';
	return text;
}

static cJSON *parsed(format_health_fn fn)
{
	cJSON *line = cJSON_ParseWithOpts(formatted(fn), NULL, true);

	cr_assert_not_null(line, "%s", text);
	return line;
}

static void assert_number(const cJSON *line, const char *key, double expected)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);

	cr_assert(cJSON_IsNumber(item), "%s", key);
	cr_assert_eq(item->valuedouble, expected, "%s is %f", key, item->valuedouble);
}

static void assert_string(const cJSON *line, const char *key, const char *expected)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);

	cr_assert(cJSON_IsString(item), "%s", key);
	cr_assert_str_eq(item->valuestring, expected);
}

static void read_boot_id(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	cr_assert_not_null(f);
	cr_assert_not_null(fgets(ret, (int)size, f));
	ret[strcspn(ret, "\n")] = '\0';
}

Test(health, start)
{
	static const char *const nulls[] = {"exec_source_hook", "snapshot_rows", "process_table_max",
					    "process_table_allocated"};
	cJSON *line = parsed(format_json.start);
	struct utsname name;
	char boot_id[64];
	size_t i;

	uname(&name);
	read_boot_id(boot_id, sizeof(boot_id));
	assert_string(line, "event_type", "agent_start");
	assert_string(line, "version", RG_VERSION);
	assert_string(line, "agent_id", config->agent.id);
	assert_string(line, "hostname", name.nodename);
	assert_string(line, "kernel", name.release);
	assert_string(line, "boot_id", boot_id);
	for (i = 0; i < ARRAY_SIZE(nulls); i++)
		cr_assert(cJSON_IsNull(cJSON_GetObjectItem(line, nulls[i])), "%s", nulls[i]);
	cr_assert(cJSON_IsFalse(cJSON_GetObjectItem(line, "taken_over")));
	cr_assert(cJSON_IsObject(cJSON_GetObjectItem(line, "maps")));
	cr_assert_eq(cJSON_GetArraySize(line), 4 + 5 + ARRAY_SIZE(nulls) + 2);
	cJSON_Delete(line);
}

Test(health, counters_and_levels)
{
	static const struct {
		const char *key;
		double value;
	} numbers[] = {
		{"seq", 9},
		{"uptime_secs", 3724},
		{"raw_events_read", 15},
		{"raw_events_bad", 16},
		{"normalized_events_output", 5},
		{"alerts_output", 17},
		{"userspace_output_failures", 0},
		{"process_table_size", 7},
		{"process_table_live", 3},
		{"process_table_exited", 4},
		{"process_table_max", 0},
		{"process_records_inserted", 0},
		{"process_records_deleted", 0},
		{"process_records_evicted", 5},
		{"process_records_reclaimed", 0},
		{"process_lookup_misses", 0},
		{"thread_table_size", 6},
		{"thread_records_evicted", 7},
		{"pending_exec_source_size", 0},
		{"pending_sources_refused", 0},
		{"ring_lost", 0},
		{"map_memory_bytes", 0},
		{"reloads", 18},
		{"reload_failures", 19},
		{"process_count_failures", 20},
		{"textfile_failures", 21},
	};
	cJSON *line = parsed(format_json.health);
	size_t i;

	assert_string(line, "event_type", "health");
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_number(line, numbers[i].key, numbers[i].value);
	cr_assert_gt(cJSON_GetObjectItem(line, "rss_kb")->valuedouble, 500);
	cJSON_Delete(line);
}

Test(health, nothing_is_lost_without_a_kernel_side)
{
	cr_assert_not(health_has_lost(&(struct health){.counters = &counters}));
}

Test(health, start_as_text)
{
	char expected[1024];
	struct utsname name;

	uname(&name);
	free(config->agent.id);
	config->agent.id = strdup("a \x1b[2J");
	snprintf(expected, sizeof(expected),
		 "17:55:18.123 start  rand-guard %s  \"a \\x1b[2J\" on %s Linux %s  no kernel side\n",
		 RG_VERSION, name.nodename, name.release);
	cr_assert_str_eq(formatted(format_text.start), expected);
}

/* How much memory this process has is all that isn't known beforehand. */
Test(health, health_as_text)
{
	static const char before[] = "17:55:18.123 health up 1h02m rss ";
	static const char behind[] = " MiB maps 0 B  read 15 written 5 alerts 17  table 7/0 (3 live) "
				     "misses 0 evicted 5  lost 0 bad 16 failures 0\n";
	const char *rss;

	formatted(format_text.health);
	cr_assert_eq(strncmp(text, before, strlen(before)), 0, "%s", text);
	rss = text + strlen(before);
	cr_assert_str_eq(rss + strspn(rss, "0123456789."), behind);
}

Test(health, lost_as_text)
{
	static const uint64_t lost[RG_NR_RECORD_TYPES] = {[RG_RECORD_EXEC] = 10,
							  [RG_RECORD_EXIT] = 18446744073709551604ULL};
	struct line_head coloured = head;
	struct json j;

	json_init(&j, text, sizeof(text) - 1);
	text_lost(&j, lost, &head);
	coloured.colour = true;
	text_lost(&j, (uint64_t[RG_NR_RECORD_TYPES]){1, 0, 0, 0, 2}, &coloured);
	*j.pos = '\0';
	cr_assert_str_eq(text,
			 "17:55:18.123 LOST   records 18446744073709551614  process_start 10"
			 "  process_exit 18446744073709551604\n"
			 "17:55:18.123 \x1b[1;7;31mLOST  \x1b[0m records 3  process_relationship 1"
			 "  thread_exit 2\n");
}

Test(health, the_tables_are_whole)
{
	const struct format *formats[] = {&format_json, &format_text, &format_ecs};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		cr_assert(formats[i]->event && formats[i]->alert && formats[i]->start &&
			  formats[i]->health && formats[i]->lost);
	cr_assert_neq((const void *)format_json.event, (const void *)format_text.event);
}
