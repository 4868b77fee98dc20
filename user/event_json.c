/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One function a record type; keys in the order of rand-guard-records(7).
 *
 * No line takes more than JSON_ESCAPE_MAX bytes for one of the record's, and a constant, which is
 * what the sink keeps room for. That holds for what isn't escaped too, since everything a record can
 * have many of costs a byte of it: an argument's NUL pays for its comma and quotes (3 bytes of 6), a
 * variable's NUL and "=" for comma, quotes and colon (6 of 12; without "=" 6 of 6), and an ancestor's
 * 20 bytes for {"pid":4294967295,"comm":"..."} and a comma, 119 of 120.
 */
#include <sys/wait.h>

#include "event_json.h"

/* Empty is null. */
static void span_or_null(struct json *j, const char *key, struct span s)
{
	if (s.len)
		json_string(j, key, s.data, s.len);
	else
		json_null(j, key);
}

static void comm(struct json *j, const char *key, const char value[RG_COMM_LEN])
{
	struct span s = event_comm(value);

	json_string(j, key, s.data, s.len);
}

void json_line_begin(struct json *j, const char *event_type, const struct line_head *head)
{
	json_object_begin(j, NULL);
	json_cstr(j, "event_type", event_type);
	json_time(j, "time", head->realtime_ns);
	json_u64(j, "timestamp_ns", head->timestamp_ns);
	json_u64(j, "seq", head->seq);
}

static void line_end(struct json *j)
{
	json_object_end(j);
	json_line_end(j);
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

static void parent(struct json *j, uint8_t known, const char parent_comm[RG_COMM_LEN],
		   struct span parent_exe)
{
	if (known)
		comm(j, "parent_comm", parent_comm);
	else
		json_null(j, "parent_comm");
	span_or_null(j, "parent_exe_path", parent_exe);
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

static void args(struct json *j, const struct event *e)
{
	if (!(e->exec->flags & RG_HAS_ARGS)) {
		json_null(j, "args");
		json_null(j, "args_truncated");
		return;
	}
	strings(j, "args", e->args);
	json_bool(j, "args_truncated", e->exec->flags & RG_ARGS_TRUNCATED);
}

/* "NAME=value" as they lie there: a name that comes twice is told twice, since programs differ in which they take. */
static void env(struct json *j, const struct event *e)
{
	if (!(e->exec->flags & RG_HAS_ENV)) {
		json_null(j, "env");
		json_null(j, "env_truncated");
		return;
	}
	strings(j, "env", e->env);
	json_bool(j, "env_truncated", e->exec->flags & RG_ENV_TRUNCATED);
}

static void cwd(struct json *j, const struct event *e)
{
	span_or_null(j, "cwd", e->cwd);
	if (e->exec->flags & RG_HAS_CWD)
		json_bool(j, "cwd_truncated", e->exec->flags & RG_CWD_TRUNCATED);
	else
		json_null(j, "cwd_truncated");
}

static void source(struct json *j, const struct rg_record_exec *rec)
{
	static const char *const names[] = {
		[RG_SYSCALL_UNKNOWN] = NULL,
		[RG_SYSCALL_EXECVE] = "execve",
		[RG_SYSCALL_EXECVEAT] = "execveat",
	};

	json_cstr(j, "source", rec->source < ARRAY_SIZE(names) ? names[rec->source] : NULL);
}

static void exec_ids(struct json *j, const struct rg_record_exec *rec)
{
	json_u64(j, "pid", rec->pid);
	json_u64(j, "tid", rec->tid);
	json_u64(j, "ppid", rec->ppid);
	if (rec->real_ppid != rec->ppid)
		json_u64(j, "real_ppid", rec->real_ppid);
	else
		json_null(j, "real_ppid");
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
	json_u64(j, "euid", rec->euid);
	json_u64(j, "egid", rec->egid);
}

static void exec_flags(struct json *j, uint32_t flags)
{
	json_bool(j, "exe_path_truncated", flags & RG_EXE_TRUNCATED);
	json_bool(j, "filename_truncated", flags & RG_FILENAME_TRUNCATED);
	json_bool(j, "interp_truncated", flags & RG_INTERP_TRUNCATED);
	json_bool(j, "exe_deleted", flags & RG_EXE_DELETED);
	json_bool(j, "secure_exec", flags & RG_SECURE_EXEC);
}

static void process_start(struct json *j, const struct event *e, const struct event_keys *keys)
{
	const struct rg_record_exec *rec = e->exec;

	exec_ids(j, rec);
	comm(j, "comm", rec->comm);
	span_or_null(j, "exe_path", e->exe);
	span_or_null(j, "filename", e->filename);
	span_or_null(j, "interp", e->interp);
	source(j, rec);
	parent(j, rec->parent_known, rec->parent_comm, e->parent_exe);
	ancestors(j, e);
	json_u64(j, "start_time_ns", rec->start_time_ns);
	json_u64(j, "cgroup_id", rec->cgroup_id);
	json_u64(j, "pid_ns", rec->pid_ns);
	exec_flags(j, rec->flags);
	if (keys->args)
		args(j, e);
	if (keys->cwd)
		cwd(j, e);
	if (keys->env)
		env(j, e);
}

static void process_relationship(struct json *j, const struct event *e)
{
	const struct rg_record_fork *rec = e->fork;

	json_u64(j, "parent_pid", rec->parent_pid);
	parent(j, rec->parent_known, rec->parent_comm, e->parent_exe);
	json_u64(j, "child_pid", rec->child_pid);
	json_u64(j, "child_tid", rec->child_tid);
	comm(j, "child_comm", rec->child_comm);
	json_u64(j, "child_start_time_ns", rec->child_start_time_ns);
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
}

static void exit_status(struct json *j, int status)
{
	if (WIFEXITED(status)) {
		json_i64(j, "exit_code", WEXITSTATUS(status));
		json_null(j, "exit_signal");
	} else {
		json_null(j, "exit_code");
		json_i64(j, "exit_signal", WTERMSIG(status));
	}
	json_bool(j, "core_dumped", !WIFEXITED(status) && WCOREDUMP(status));
}

static void process_exit(struct json *j, const struct event *e)
{
	const struct rg_record_exit *rec = e->exit;

	json_u64(j, "pid", rec->pid);
	json_u64(j, "tid", rec->tid);
	json_u64(j, "ppid", rec->ppid);
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
	comm(j, "comm", rec->comm);
	span_or_null(j, "exe_path", e->exe);
	exit_status(j, rec->status);
	json_u64(j, "duration_ns", rec->duration_ns);
	json_u64(j, "start_time_ns", event_exit_start_ns(rec));
	json_bool(j, "group_dead", true);
	json_bool(j, "known", rec->known);
}

static void thread_start(struct json *j, const struct rg_record_thread_start *rec)
{
	json_u64(j, "pid", rec->pid);
	json_u64(j, "tid", rec->tid);
	json_u64(j, "creator_tid", rec->creator_tid);
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
	comm(j, "comm", rec->comm);
}

static void thread_exit(struct json *j, const struct rg_record_thread_exit *rec)
{
	json_u64(j, "pid", rec->pid);
	json_u64(j, "tid", rec->tid);
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
	comm(j, "comm", rec->comm);
	exit_status(j, rec->status);
	json_u64(j, "duration_ns", rec->duration_ns);
	json_bool(j, "known", rec->known);
}

void json_event(struct json *j, const struct event *e, const struct line_head *head,
		const struct event_keys *keys)
{
	json_line_begin(j, event_type_name(e->hdr->type), head);
	switch (e->hdr->type) {
	case RG_RECORD_FORK:
		process_relationship(j, e);
		break;
	case RG_RECORD_EXEC:
		process_start(j, e, keys);
		break;
	case RG_RECORD_EXIT:
		process_exit(j, e);
		break;
	case RG_RECORD_THREAD_START:
		thread_start(j, e->thread_start);
		break;
	case RG_RECORD_THREAD_EXIT:
		thread_exit(j, e->thread_exit);
		break;
	}
	line_end(j);
}

void json_alert(struct json *j, const struct event *e, const struct rule_match *match,
		const struct line_head *head)
{
	const struct rg_record_exec *rec = e->exec;

	json_line_begin(j, "alert", head);
	json_cstr(j, "rule_id", match->rule->id);
	json_cstr(j, "rule_name", match->rule->name);
	json_cstr(j, "rule_type", "PROC");
	json_cstr(j, "severity", rule_severity_name(match->rule->severity));
	json_cstr(j, "action", "alert");
	json_cstr(j, "source_event_type", event_type_name(RG_RECORD_EXEC));
	json_u64(j, "pid", rec->pid);
	json_u64(j, "tid", rec->tid);
	json_u64(j, "ppid", rec->ppid);
	json_u64(j, "uid", rec->uid);
	json_u64(j, "gid", rec->gid);
	comm(j, "comm", rec->comm);
	span_or_null(j, "exe_path", e->exe);
	span_or_null(j, "process_name", match->process_name);
	span_or_null(j, "parent_name", match->parent_name);
	json_u64(j, "parent_pid", rec->ppid);
	json_cstr(j, "matched_on", rule_field_name(match->matched_on));
	ancestors(j, e);
	json_u64(j, "start_time_ns", rec->start_time_ns);
	line_end(j);
}
