/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a record costs in userspace: taken apart, matched, formatted, written. The records lie in memory as
 * in the ring, of a fork, an exec and an exit by turns, of many processes with different names.
 *
 *   replay             "RULES SINK NS_PER_RECORD BYTES_PER_RECORD" lines; a file in the present directory
 *   replay check       fails if a record allocates memory
 *
 * malloc() and its kin are ours here, and counted, also where libc calls them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "event_json.h"
#include "records.h"
#include "sink.h"

#define NR_SPAWNS 1000
#define RECORDS_A_SPAWN 3
#define NR_RECORDS (NR_SPAWNS * RECORDS_A_SPAWN)
/* A batch of the agent's: between two flushes. */
#define BATCH_RECORDS 512
#define CHECK_RECORDS 100000
#define TIMED_RECORDS 600000
#define ROUNDS 7
#define FILE_NAME "replay.out"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static unsigned long nr_allocations;

void *malloc(size_t size)
{
	nr_allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	nr_allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	nr_allocations++;
	return __libc_realloc(p, size);
}

struct replay {
	char *records; /* one behind the other, each at a multiple of 8 */
	size_t offset[NR_RECORDS];
	uint32_t size[NR_RECORDS];
	struct rule_set *rules;
	struct sink *sink;
	uint64_t seq;
	uint64_t nr_alerts;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* --- records ------------------------------------------------------------------------------------ */

static struct built fork_of(uint32_t i)
{
	return built_fork((struct rg_record_fork){
				  .hdr.timestamp_ns = 5775893867882 + i * 40000ULL,
				  .child_start_time_ns = 5775893867882 + i * 40000ULL,
				  .parent_pid = 1200 + i % 7, .child_pid = 20000 + i,
				  .child_tid = 20000 + i, .uid = 33, .gid = 33, .parent_known = 1,
				  .parent_comm = "nginx", .child_comm = "nginx" },
			  "/usr/sbin/nginx");
}

static struct built exec_of(uint32_t i)
{
	static const struct rg_ancestor ancestors[] = {
		{ 1200, "nginx" }, { 1199, "nginx" }, { 1, "systemd" } };
	static const char *const names[] = { "date", "sed", "grep", "awk", "sort", "head", "env", "stat" };
	struct rg_record_exec rec = {
		.hdr.timestamp_ns = 5775893887882 + i * 40000ULL,
		.start_time_ns = 5775893867882 + i * 40000ULL, .cgroup_id = 4711,
		.pid = 20000 + i, .tid = 20000 + i, .ppid = 1200 + i % 7, .real_ppid = 1200 + i % 7,
		.uid = 33, .gid = 33, .euid = 33, .egid = 33, .pid_ns = 4026531836,
		.source = RG_SYSCALL_EXECVE, .parent_known = 1, .nr_ancestors = 3,
		.parent_comm = "nginx" };
	char exe[64];

	snprintf(rec.comm, sizeof(rec.comm), "%s", names[i % 8]);
	snprintf(exe, sizeof(exe), "/usr/bin/%s", names[i % 8]);
	return built_exec(rec, &(struct exec_strings){ .exe = exe, .filename = exe,
						       .parent_exe = "/usr/sbin/nginx",
						       .ancestors = ancestors });
}

static struct built exit_of(uint32_t i)
{
	return built_exit((struct rg_record_exit){
				  .hdr.timestamp_ns = 5775893907882 + i * 40000ULL,
				  .duration_ns = 1234567 + i, .pid = 20000 + i, .tid = 20000 + i,
				  .ppid = 1200 + i % 7, .uid = 33, .gid = 33,
				  .status = (int)(i % 5 ? 0 : 256), .known = 1, .comm = "date" },
			  "/usr/bin/date");
}

static void build_records(struct replay *r)
{
	struct built (*const make[RECORDS_A_SPAWN])(uint32_t) = { fork_of, exec_of, exit_of };
	size_t i, used = 0;
	struct built b;

	r->records = malloc(NR_RECORDS * (size_t)RG_RECORD_BASE_MAX);
	if (!r->records)
		die("malloc");
	for (i = 0; i < NR_RECORDS; i++) {
		b = make[i % RECORDS_A_SPAWN]((uint32_t)(i / RECORDS_A_SPAWN));
		memcpy(r->records + used, b.bytes, b.len);
		r->offset[i] = used;
		r->size[i] = (uint32_t)b.len;
		used += (b.len + 7) & ~7UL;
	}
}

/* --- rules -------------------------------------------------------------------------------------- */

static char *format(const char *fmt, unsigned int i)
{
	char *text = NULL;

	if (asprintf(&text, fmt, i) < 0)
		die("asprintf");
	return text;
}

static char **one_name(char *name)
{
	char **names = malloc(sizeof(*names));

	if (!names)
		die("malloc");
	names[0] = name;
	return names;
}

/* "nginx spawned shellN": their parent is there, their process isn't. */
static struct rule_set *build_rules(unsigned int n)
{
	struct rule *rules = calloc(n, sizeof(*rules));
	struct rule_set *set;
	unsigned int i;

	for (i = 0; rules && i < n; i++)
		rules[i] = (struct rule){
			.id = format("PROC-%04u", i),
			.name = format("a web server spawned shell %u", i),
			.severity = RULE_HIGH,
			.parent_names = one_name(strdup("nginx")),
			.process_names = one_name(format("shell%u", i)),
			.nr_parent_names = 1,
			.nr_process_names = 1,
		};
	if (!rules || rule_set_new(rules, n, &set))
		die("rules");
	return set;
}

/* --- the record path, as in agent.c and lines.c ------------------------------------------------- */

static void match(struct replay *r, const struct event *e)
{
	const struct rule_match *matches;
	struct rule_subject subject = {
		.comm = event_comm(e->exec->comm),
		.filename = e->filename,
		.exe = e->exe,
		.interp = e->interp,
		.parent_comm = event_comm(e->exec->parent_comm),
		.parent_exe = e->parent_exe,
	};

	r->nr_alerts += rule_set_match(r->rules, &subject, &matches);
}

static void take(struct replay *r, const char *data, size_t size)
{
	static const struct event_keys keys;
	struct line_head head = { .realtime_ns = 1795543232463390059 };
	struct event event;
	struct json j;

	if (event_parse(data, size, &event)) {
		fputs("replay: a record is not understood\n", stderr);
		exit(1);
	}
	if (event.hdr->type == RG_RECORD_EXEC)
		match(r, &event);
	head.seq = r->seq++;
	head.timestamp_ns = event.hdr->timestamp_ns;
	head.realtime_ns += event.hdr->timestamp_ns;
	sink_line_begin(r->sink, NULL, &j);
	json_event(&j, &event, &head, &keys);
	sink_line_end(r->sink, &j);
}

static void replay(struct replay *r, size_t nr_records)
{
	size_t i, at;

	for (i = 0; i < nr_records; i++) {
		at = i % NR_RECORDS;
		take(r, r->records + r->offset[at], r->size[at]);
		if (i % BATCH_RECORDS == BATCH_RECORDS - 1)
			sink_flush(r->sink);
	}
	sink_flush(r->sink);
}

/* --- what is asked ------------------------------------------------------------------------------ */

static void open_sink(struct replay *r, const char *path)
{
	int error = sink_new_file(path, &r->sink);

	if (error) {
		errno = -error;
		die(path);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The file is emptied between the rounds. */
static void measure(struct replay *r, unsigned int nr_rules, const char *path)
{
	uint64_t ns[ROUNDS], start, bytes = 0;
	off_t size;
	int i, fd;

	r->rules = build_rules(nr_rules);
	open_sink(r, path);
	for (i = 0; i < ROUNDS; i++) {
		start = cpu_ns();
		replay(r, TIMED_RECORDS);
		ns[i] = cpu_ns() - start;
		fd = open(path, O_RDWR);
		size = lseek(fd, 0, SEEK_END);
		if (size > 0)
			bytes = (uint64_t)size;
		if (size > 0 && ftruncate(fd, 0))
			die(path);
		close(fd);
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("%u %s %.0f %.0f\n", nr_rules, path, (double)ns[ROUNDS / 2] / TIMED_RECORDS,
	       (double)bytes / TIMED_RECORDS);
	sink_free(r->sink);
	rule_set_free(r->rules);
}

static int check(struct replay *r)
{
	unsigned long before;

	r->rules = build_rules(1000);
	open_sink(r, "/dev/null");
	before = nr_allocations;
	replay(r, CHECK_RECORDS);
	before = nr_allocations - before;
	printf("%d records: %lu allocations\n", CHECK_RECORDS, before);
	sink_free(r->sink);
	rule_set_free(r->rules);
	return before ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct replay r;
	int result = 0;

	build_records(&r);
	if (argc > 1 && !strcmp(argv[1], "check")) {
		result = check(&r);
	} else {
		measure(&r, 10, "/dev/null");
		measure(&r, 1000, "/dev/null");
		measure(&r, 10, FILE_NAME);
		unlink(FILE_NAME);
	}
	free(r.records);
	return result;
}
