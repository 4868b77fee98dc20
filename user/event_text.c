/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One function a record type. What repeats in every line (ids that are equal) is left out. */
#include <sys/wait.h>

#include "event_text.h"

#define GREEN "32"
#define YELLOW "33"
#define CYAN "36"
#define RED "31"
#define BOLD_RED "1;31"
#define REVERSE_RED "1;7;31"

void text_line_begin(struct json *j, const char *word, const char *colour,
		     const struct line_head *head)
{
	text_clock(j, head->realtime_ns);
	if (head->colour)
		text_printf(j, " \x1b[%sm%-6s\x1b[0m ", colour, word);
	else
		text_printf(j, " %-6s ", word);
}

static void comm(struct json *j, const char value[RG_COMM_LEN])
{
	text_name(j, event_comm(value));
}

/* "nginx(812)" */
static void process(struct json *j, struct span name, uint32_t pid)
{
	text_name(j, name);
	text_printf(j, "(%u)", pid);
}

static void parent(struct json *j, uint8_t known, const char parent_comm[RG_COMM_LEN], uint32_t pid)
{
	process(j, known ? event_comm(parent_comm) : (struct span){ 0 }, pid);
	text_printf(j, " -> ");
}

static void ids(struct json *j, uint32_t pid, uint32_t uid)
{
	text_printf(j, "pid %u uid %u", pid, uid);
}

/* A path that lost its start, or not. */
static void path(struct json *j, const char *what, struct span s, bool truncated)
{
	text_printf(j, truncated ? "%s..." : "%s", what);
	text_name(j, s);
}

static void strings(struct json *j, const char *what, struct span s, bool truncated)
{
	text_printf(j, "%s", what);
	text_strings(j, s);
	if (truncated)
		text_printf(j, "...");
}

static void args(struct json *j, const struct event *e)
{
	if (e->exec->flags & RG_HAS_ARGS)
		strings(j, "  ", e->args, e->exec->flags & RG_ARGS_TRUNCATED);
	else
		text_printf(j, "  args ?");
}

static void env(struct json *j, const struct event *e)
{
	if (!(e->exec->flags & RG_HAS_ENV))
		text_printf(j, "  env ?");
	else if (e->env.len) /* most processes have none of those that are chosen */
		strings(j, "  env ", e->env, e->exec->flags & RG_ENV_TRUNCATED);
}

/* An interpreter is there if the kernel chose one: then filename is the script. */
static void files(struct json *j, const struct event *e)
{
	path(j, "  ", e->exe, e->exec->flags & RG_EXE_TRUNCATED);
	if (e->interp.len)
		path(j, " for ", e->filename, e->exec->flags & RG_FILENAME_TRUNCATED);
}

static void remarks(struct json *j, const struct rg_record_exec *rec)
{
	if (rec->flags & RG_EXE_DELETED)
		text_printf(j, " [deleted]");
	if (rec->flags & RG_SECURE_EXEC)
		text_printf(j, " [secure]");
	if (rec->source == RG_SYSCALL_EXECVEAT)
		text_printf(j, " [execveat]");
}

static void exec(struct json *j, const struct event *e, const struct event_keys *keys)
{
	const struct rg_record_exec *rec = e->exec;

	ids(j, rec->pid, rec->uid);
	if (rec->euid != rec->uid)
		text_printf(j, " euid %u", rec->euid);
	text_printf(j, "  ");
	parent(j, rec->parent_known, rec->parent_comm, rec->ppid);
	comm(j, rec->comm);
	files(j, e);
	remarks(j, rec);
	if (keys->args)
		args(j, e);
	if (keys->cwd)
		path(j, "  cwd ", e->cwd, rec->flags & RG_CWD_TRUNCATED);
	if (keys->env)
		env(j, e);
}

static void fork_(struct json *j, const struct rg_record_fork *rec)
{
	ids(j, rec->child_pid, rec->uid);
	text_printf(j, "  ");
	parent(j, rec->parent_known, rec->parent_comm, rec->parent_pid);
	comm(j, rec->child_comm);
}

static void end(struct json *j, int status, uint64_t duration_ns, uint8_t known)
{
	if (WIFEXITED(status))
		text_printf(j, "  code %d", WEXITSTATUS(status));
	else
		text_printf(j, "  signal %d", WTERMSIG(status));
	text_printf(j, " in ");
	text_duration(j, duration_ns);
	if (!WIFEXITED(status) && WCOREDUMP(status))
		text_printf(j, " [core dumped]");
	if (!known)
		text_printf(j, " [row lost]");
}

static void exit_(struct json *j, const struct rg_record_exit *rec)
{
	ids(j, rec->pid, rec->uid);
	text_printf(j, "  ");
	comm(j, rec->comm);
	end(j, rec->status, rec->duration_ns, rec->known);
}

static void thread_start(struct json *j, const struct rg_record_thread_start *rec)
{
	ids(j, rec->pid, rec->uid);
	text_printf(j, " tid %u  ", rec->tid);
	comm(j, rec->comm);
	text_printf(j, "  by tid %u", rec->creator_tid);
}

static void thread_exit(struct json *j, const struct rg_record_thread_exit *rec)
{
	ids(j, rec->pid, rec->uid);
	text_printf(j, " tid %u  ", rec->tid);
	comm(j, rec->comm);
	end(j, rec->status, rec->duration_ns, rec->known);
}

static const char *exit_colour(int status)
{
	return status ? RED : YELLOW;
}

static void begin(struct json *j, const struct event *e, const struct line_head *head)
{
	switch (e->hdr->type) {
	case RG_RECORD_FORK:
		text_line_begin(j, "fork", CYAN, head);
		break;
	case RG_RECORD_EXEC:
		text_line_begin(j, "exec", GREEN, head);
		break;
	case RG_RECORD_EXIT:
		text_line_begin(j, "exit", exit_colour(e->exit->status), head);
		break;
	case RG_RECORD_THREAD_START:
		text_line_begin(j, "thread", CYAN, head);
		break;
	case RG_RECORD_THREAD_EXIT:
		text_line_begin(j, "t-exit", exit_colour(e->thread_exit->status), head);
		break;
	}
}

void text_event(struct json *j, const struct event *e, const struct line_head *head,
		const struct event_keys *keys)
{
	begin(j, e, head);
	switch (e->hdr->type) {
	case RG_RECORD_FORK:
		fork_(j, e->fork);
		break;
	case RG_RECORD_EXEC:
		exec(j, e, keys);
		break;
	case RG_RECORD_EXIT:
		exit_(j, e->exit);
		break;
	case RG_RECORD_THREAD_START:
		thread_start(j, e->thread_start);
		break;
	case RG_RECORD_THREAD_EXIT:
		thread_exit(j, e->thread_exit);
		break;
	}
	text_printf(j, "\n");
}

/* The processes above, nearest first. */
static void ancestors(struct json *j, const struct event *e)
{
	size_t i;

	for (i = 0; i < e->exec->nr_ancestors; i++) {
		struct rg_ancestor ancestor = event_ancestor(e, i);

		text_printf(j, i ? " < " : "  below ");
		process(j, event_comm(ancestor.comm), ancestor.pid);
	}
}

static void rule(struct json *j, const struct rule *rule)
{
	text_printf(j, "%s ", rule_severity_name(rule->severity));
	text_name(j, (struct span){ rule->id, strlen(rule->id) });
	text_printf(j, " ");
	text_escaped(j, (struct span){ rule->name, strlen(rule->name) });
	text_printf(j, ": ");
}

void text_alert(struct json *j, const struct event *e, const struct rule_match *match,
		const struct line_head *head)
{
	const struct rg_record_exec *rec = e->exec;

	text_line_begin(j, "ALERT", match->rule->severity >= RULE_HIGH ? REVERSE_RED : BOLD_RED, head);
	rule(j, match->rule);
	process(j, match->parent_name, rec->ppid);
	text_printf(j, " -> ");
	process(j, match->process_name, rec->pid);
	text_printf(j, " uid %u", rec->uid);
	files(j, e);
	remarks(j, rec);
	if (rec->flags & RG_HAS_ARGS)
		args(j, e);
	ancestors(j, e);
	text_printf(j, "\n");
}
