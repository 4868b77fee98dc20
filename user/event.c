/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes records apart. */
#include <errno.h>

#include "event.h"

const char *event_type_name(enum rg_record_type type)
{
	static const char *const names[RG_NR_RECORD_TYPES] = {
		[RG_RECORD_FORK] = "process_relationship",
		[RG_RECORD_EXEC] = "process_start",
		[RG_RECORD_EXIT] = "process_exit",
		[RG_RECORD_THREAD_START] = "thread_start",
		[RG_RECORD_THREAD_EXIT] = "thread_exit",
	};

	return names[type];
}

struct span event_comm(const char comm[RG_COMM_LEN])
{
	return (struct span){ comm, strnlen(comm, RG_COMM_LEN) };
}

uint64_t event_exit_start_ns(const struct rg_record_exit *rec)
{
	return rec->hdr.timestamp_ns - rec->duration_ns;
}

struct rg_ancestor event_ancestor(const struct event *event, size_t i)
{
	struct rg_ancestor ancestor;

	memcpy(&ancestor, event->ancestors + i * sizeof(ancestor), sizeof(ancestor));
	return ancestor;
}

static struct span take(const char **pos, size_t len)
{
	struct span taken = { *pos, len };

	*pos += len;
	return taken;
}

static const char *parse_exec(struct event *e)
{
	const struct rg_record_exec *rec = e->exec;
	const char *pos = rec->strings;

	e->exe = take(&pos, rec->exe_len);
	e->filename = take(&pos, rec->filename_len);
	e->interp = take(&pos, rec->interp_len);
	e->parent_exe = take(&pos, rec->parent_exe_len);
	e->ancestors = take(&pos, rec->nr_ancestors * sizeof(struct rg_ancestor)).data;
	e->cwd = take(&pos, rec->cwd_len);
	e->args = take(&pos, rec->args_len);
	e->env = take(&pos, rec->env_len);
	return pos;
}

/* Where the record's strings end, by its own lengths. */
static const char *parse_body(struct event *e)
{
	const char *pos = (const char *)e->hdr;

	switch (e->hdr->type) {
	case RG_RECORD_FORK:
		pos = e->fork->strings;
		e->parent_exe = take(&pos, e->fork->parent_exe_len);
		return pos;
	case RG_RECORD_EXEC:
		return parse_exec(e);
	case RG_RECORD_EXIT:
		pos = e->exit->strings;
		e->exe = take(&pos, e->exit->exe_len);
		return pos;
	case RG_RECORD_THREAD_START:
		return pos + sizeof(*e->thread_start);
	default:
		return pos + sizeof(*e->thread_exit);
	}
}

static size_t min_size(uint16_t type)
{
	static const size_t sizes[RG_NR_RECORD_TYPES] = {
		[RG_RECORD_FORK] = sizeof(struct rg_record_fork),
		[RG_RECORD_EXEC] = sizeof(struct rg_record_exec),
		[RG_RECORD_EXIT] = sizeof(struct rg_record_exit),
		[RG_RECORD_THREAD_START] = sizeof(struct rg_record_thread_start),
		[RG_RECORD_THREAD_EXIT] = sizeof(struct rg_record_thread_exit),
	};

	return type < RG_NR_RECORD_TYPES ? sizes[type] : SIZE_MAX;
}

int event_parse(const void *data, size_t size_bytes, struct event *ret)
{
	struct event e = { .hdr = data };

	if (size_bytes < sizeof(*e.hdr) || e.hdr->abi != RG_ABI_VERSION ||
	    e.hdr->size_bytes > size_bytes || size_bytes < min_size(e.hdr->type))
		return -EPROTO;
	if (parse_body(&e) != (const char *)data + e.hdr->size_bytes)
		return -EPROTO;
	*ret = e;
	return 0;
}
