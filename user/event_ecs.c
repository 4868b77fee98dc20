/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fields of ECS 8.11. A line takes no more room than event_json.c's: no string of a record is there twice,
 * and the rest is a constant. scripts/docs reads the fields' names here: an object is begun and ended in
 * the order in which they stand.
 */
#include <inttypes.h>
#include <sys/wait.h>

#include "event_ecs.h"
#include "origin.h"

#define ECS_VERSION "8.11.0"

/* What is empty is left out. */
static void span(struct json *j, const char *key, struct span s)
{
	if (s.len)
		json_string(j, key, s.data, s.len);
}

static void comm(struct json *j, const char *key, const char value[RG_COMM_LEN])
{
	struct span s = event_comm(value);

	json_string(j, key, s.data, s.len);
}

/* Flags that are rarely set: only then. */
static void flag(struct json *j, const char *key, bool value)
{
	if (value)
		json_bool(j, key, true);
}

/* The schema has users' and groups' numbers as strings. */
static void id(struct json *j, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, value);
	json_cstr(j, key, text);
}

static void one(struct json *j, const char *key, const char *value)
{
	json_array_begin(j, key);
	json_cstr(j, NULL, value);
	json_array_end(j);
}

/* --- every line ------------------------------------------------------------------------------- */

static void ecs(struct json *j)
{
	json_object_begin(j, "ecs");
	json_cstr(j, "version", ECS_VERSION);
	json_object_end(j);
}

static void agent(struct json *j, const struct origin *origin)
{
	json_object_begin(j, "agent");
	json_cstr(j, "id", origin->agent_id);
	json_cstr(j, "type", "rand-guard");
	json_cstr(j, "version", RG_VERSION);
	json_object_end(j);
}

static void boot(struct json *j, const char *boot_id)
{
	if (!*boot_id)
		return;
	json_object_begin(j, "boot");
	json_cstr(j, "id", boot_id);
	json_object_end(j);
}

static void host(struct json *j, const struct origin *origin)
{
	json_object_begin(j, "host");
	json_cstr(j, "name", origin->host.nodename);
	boot(j, origin->boot_id);
	json_object_end(j);
}

void ecs_line_begin(struct json *j, const struct ecs_kind *kind, const struct line_head *head)
{
	json_object_begin(j, NULL);
	json_time(j, "@timestamp", head->realtime_ns);
	ecs(j);
	agent(j, head->origin);
	host(j, head->origin);
	json_object_begin(j, "event");
	json_cstr(j, "kind", kind->kind);
	one(j, "category", kind->category);
	one(j, "type", kind->type);
	json_cstr(j, "action", kind->action);
	json_cstr(j, "module", "rand-guard");
	json_u64(j, "sequence", head->seq);
}

void ecs_own_begin(struct json *j, const char *event_type, const struct line_head *head)
{
	json_object_begin(j, "rand_guard");
	json_cstr(j, "event_type", event_type);
	json_u64(j, "timestamp_ns", head->timestamp_ns);
}

void ecs_line_end(struct json *j)
{
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

/* --- records ---------------------------------------------------------------------------------- */

static const struct ecs_kind kinds[RG_NR_RECORD_TYPES] = {
	[RG_RECORD_FORK] = { "event", "process", "start", "fork" },
	[RG_RECORD_EXEC] = { "event", "process", "start", "exec" },
	[RG_RECORD_EXIT] = { "event", "process", "end", "end" },
	[RG_RECORD_THREAD_START] = { "event", "process", "info", "thread_start" },
	[RG_RECORD_THREAD_EXIT] = { "event", "process", "info", "thread_end" },
};

static void thread(struct json *j, uint32_t tid)
{
	json_object_begin(j, "thread");
	json_u64(j, "id", tid);
	json_object_end(j);
}

static void user_and_group(struct json *j, uint32_t uid, uint32_t gid)
{
	json_object_begin(j, "user");
	id(j, "id", uid);
	json_object_end(j);
	json_object_begin(j, "group");
	id(j, "id", gid);
	json_object_end(j);
}

/* Strings with a NUL behind each, of which the last one may have lost its own. */
static void strings(struct json *j, const char *key, struct span s)
{
	const char *pos = s.data, *end = pos + s.len;
	size_t len;

	json_array_begin(j, key);
	for (; pos < end; pos += len + 1) {
		len = strnlen(pos, (size_t)(end - pos));
		json_string(j, NULL, pos, len);
	}
	json_array_end(j);
}

static void known_parent(struct json *j, const char name[RG_COMM_LEN], struct span exe)
{
	comm(j, "name", name);
	span(j, "executable", exe);
}

/* No two processes of one boot have it in common. */
static void identity(struct json *j, uint32_t pid, uint64_t start_time_ns, const struct line_head *head)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu32 "-%" PRIu64, pid, start_time_ns);
	json_u64(j, "pid", pid);
	json_cstr(j, "entity_id", text);
	json_time(j, "start", head->realtime_ns - head->timestamp_ns + start_time_ns);
}

static void collected(struct json *j, const struct event *e, const struct event_keys *keys)
{
	uint32_t flags = e->exec->flags;

	if (keys->args && flags & RG_HAS_ARGS)
		strings(j, "args", e->args);
	if (keys->cwd)
		span(j, "working_directory", e->cwd);
	if (keys->env && flags & RG_HAS_ENV)
		strings(j, "env_vars", e->env);
}

/* The process, its user and its group. */
static void exec_process(struct json *j, const struct event *e, const struct line_head *head,
			 const struct event_keys *keys)
{
	const struct rg_record_exec *rec = e->exec;

	json_object_begin(j, "process");
	identity(j, rec->pid, rec->start_time_ns, head);
	comm(j, "name", rec->comm);
	span(j, "executable", e->exe);
	thread(j, rec->tid);
	collected(j, e, keys);
	json_object_begin(j, "parent");
	json_u64(j, "pid", rec->ppid);
	if (rec->parent_known)
		known_parent(j, rec->parent_comm, e->parent_exe);
	json_object_end(j);
	json_object_end(j);
	user_and_group(j, rec->uid, rec->gid);
}

static void ancestors(struct json *j, const struct event *e)
{
	size_t i;

	json_array_begin(j, "ancestors");
	for (i = 0; i < e->exec->nr_ancestors; i++) {
		struct rg_ancestor ancestor = event_ancestor(e, i);

		json_object_begin(j, NULL);
		json_u64(j, "pid", ancestor.pid);
		comm(j, "comm", ancestor.comm);
		json_object_end(j);
	}
	json_array_end(j);
}

static const char *source_name(uint8_t source)
{
	if (source == RG_SYSCALL_EXECVE)
		return "execve";
	return source == RG_SYSCALL_EXECVEAT ? "execveat" : "unknown";
}

static void flags(struct json *j, const struct event_keys *keys, uint32_t set)
{
	flag(j, "exe_path_truncated", set & RG_EXE_TRUNCATED);
	flag(j, "filename_truncated", set & RG_FILENAME_TRUNCATED);
	flag(j, "interp_truncated", set & RG_INTERP_TRUNCATED);
	flag(j, "exe_deleted", set & RG_EXE_DELETED);
	flag(j, "secure_exec", set & RG_SECURE_EXEC);
	flag(j, "args_truncated", keys->args && set & RG_ARGS_TRUNCATED);
	flag(j, "cwd_truncated", keys->cwd && set & RG_CWD_TRUNCATED);
	flag(j, "env_truncated", keys->env && set & RG_ENV_TRUNCATED);
}

static void process_start(struct json *j, const struct event *e, const struct line_head *head,
			  const struct event_keys *keys)
{
	const struct rg_record_exec *rec = e->exec;

	json_object_end(j);
	exec_process(j, e, head, keys);
	ecs_own_begin(j, "process_start", head);
	span(j, "filename", e->filename);
	span(j, "interp", e->interp);
	json_cstr(j, "source", source_name(rec->source));
	json_u64(j, "euid", rec->euid);
	json_u64(j, "egid", rec->egid);
	json_u64(j, "real_ppid", rec->real_ppid);
	json_u64(j, "start_time_ns", rec->start_time_ns);
	json_u64(j, "cgroup_id", rec->cgroup_id);
	json_u64(j, "pid_ns", rec->pid_ns);
	ancestors(j, e);
	flags(j, keys, rec->flags);
}

static void process_relationship(struct json *j, const struct event *e, const struct line_head *head)
{
	const struct rg_record_fork *rec = e->fork;

	json_object_end(j);
	json_object_begin(j, "process");
	identity(j, rec->child_pid, rec->child_start_time_ns, head);
	comm(j, "name", rec->child_comm);
	thread(j, rec->child_tid);
	json_object_begin(j, "parent");
	json_u64(j, "pid", rec->parent_pid);
	if (rec->parent_known)
		known_parent(j, rec->parent_comm, e->parent_exe);
	json_object_end(j);
	json_object_end(j);
	user_and_group(j, rec->uid, rec->gid);
	ecs_own_begin(j, "process_relationship", head);
}

/* The schema's exit code is one of exit(2) only. */
static void exit_code(struct json *j, int status)
{
	if (WIFEXITED(status))
		json_i64(j, "exit_code", WEXITSTATUS(status));
}

static void exit_signal(struct json *j, int status)
{
	if (!WIFEXITED(status))
		json_i64(j, "exit_signal", WTERMSIG(status));
	flag(j, "core_dumped", !WIFEXITED(status) && WCOREDUMP(status));
}

static void process_exit(struct json *j, const struct event *e, const struct line_head *head)
{
	const struct rg_record_exit *rec = e->exit;

	json_u64(j, "duration", rec->duration_ns);
	json_object_end(j);
	json_object_begin(j, "process");
	identity(j, rec->pid, event_exit_start_ns(rec), head);
	comm(j, "name", rec->comm);
	span(j, "executable", e->exe);
	thread(j, rec->tid);
	json_object_begin(j, "parent");
	json_u64(j, "pid", rec->ppid);
	json_object_end(j);
	exit_code(j, rec->status);
	json_time(j, "end", head->realtime_ns);
	json_object_end(j);
	user_and_group(j, rec->uid, rec->gid);
	ecs_own_begin(j, "process_exit", head);
	exit_signal(j, rec->status);
	json_bool(j, "known", rec->known);
}

static void thread_start(struct json *j, const struct rg_record_thread_start *rec,
			 const struct line_head *head)
{
	json_object_end(j);
	json_object_begin(j, "process");
	json_u64(j, "pid", rec->pid);
	comm(j, "name", rec->comm);
	thread(j, rec->tid);
	json_object_end(j);
	user_and_group(j, rec->uid, rec->gid);
	ecs_own_begin(j, "thread_start", head);
	json_u64(j, "creator_tid", rec->creator_tid);
}

static void thread_exit(struct json *j, const struct rg_record_thread_exit *rec,
			const struct line_head *head)
{
	json_u64(j, "duration", rec->duration_ns);
	json_object_end(j);
	json_object_begin(j, "process");
	json_u64(j, "pid", rec->pid);
	comm(j, "name", rec->comm);
	thread(j, rec->tid);
	exit_code(j, rec->status);
	json_object_end(j);
	user_and_group(j, rec->uid, rec->gid);
	ecs_own_begin(j, "thread_exit", head);
	exit_signal(j, rec->status);
	json_bool(j, "known", rec->known);
}

void ecs_event(struct json *j, const struct event *e, const struct line_head *head,
	       const struct event_keys *keys)
{
	ecs_line_begin(j, &kinds[e->hdr->type], head);
	switch (e->hdr->type) {
	case RG_RECORD_FORK:
		process_relationship(j, e, head);
		break;
	case RG_RECORD_EXEC:
		process_start(j, e, head, keys);
		break;
	case RG_RECORD_EXIT:
		process_exit(j, e, head);
		break;
	case RG_RECORD_THREAD_START:
		thread_start(j, e->thread_start, head);
		break;
	case RG_RECORD_THREAD_EXIT:
		thread_exit(j, e->thread_exit, head);
		break;
	}
	ecs_line_end(j);
}

/* --- alerts ----------------------------------------------------------------------------------- */

/* Where Elastic's own rules have their risk scores. */
static uint64_t severity_number(enum rule_severity severity)
{
	static const uint8_t numbers[] = {
		[RULE_LOW] = 21,
		[RULE_MEDIUM] = 47,
		[RULE_HIGH] = 73,
		[RULE_CRITICAL] = 99,
	};

	return numbers[severity];
}

static void rule_fields(struct json *j, const struct rule *rule)
{
	json_object_begin(j, "rule");
	json_cstr(j, "id", rule->id);
	json_cstr(j, "name", rule->name);
	json_object_end(j);
}

void ecs_alert(struct json *j, const struct event *e, const struct rule_match *match,
	       const struct line_head *head)
{
	static const struct ecs_kind kind = { "alert", "process", "start", "exec" };
	static const struct event_keys no_keys;

	ecs_line_begin(j, &kind, head);
	json_u64(j, "severity", severity_number(match->rule->severity));
	json_object_end(j);
	rule_fields(j, match->rule);
	exec_process(j, e, head, &no_keys);
	ecs_own_begin(j, "alert", head);
	json_cstr(j, "rule_type", "PROC");
	json_cstr(j, "severity", rule_severity_name(match->rule->severity));
	span(j, "process_name", match->process_name);
	span(j, "parent_name", match->parent_name);
	json_cstr(j, "matched_on", rule_field_name(match->matched_on));
	ancestors(j, e);
	ecs_line_end(j);
}
