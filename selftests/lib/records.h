/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records as the ring would carry them, made in memory: begin, strings in their order, end. */
#ifndef RG_TEST_RECORDS_H
#define RG_TEST_RECORDS_H

#include "util.h"
#include "../../shared/record.h"

struct built {
	_Alignas(8) char bytes[RG_RECORD_MAX + 64];
	size_t len;
};

/* The fixed part: size bytes at body, whose header is filled in here. */
static inline void *built_begin(struct built *b, enum rg_record_type type, const void *body,
				size_t size)
{
	struct rg_record *hdr = (struct rg_record *)b->bytes;
	uint64_t timestamp_ns;

	memcpy(b->bytes, body, size);
	timestamp_ns = hdr->timestamp_ns;
	*hdr = (struct rg_record){timestamp_ns, RG_ABI_VERSION, type, (uint32_t)size};
	b->len = size;
	return b->bytes;
}

static inline uint16_t built_add(struct built *b, const void *data, size_t len)
{
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
	((struct rg_record *)b->bytes)->size_bytes = (uint32_t)b->len;
	return (uint16_t)len;
}

static inline struct built built_fork(struct rg_record_fork rec, const char *parent_exe)
{
	struct built b;
	struct rg_record_fork *to = built_begin(&b, RG_RECORD_FORK, &rec, sizeof(rec));

	to->parent_exe_len = built_add(&b, parent_exe, strlen(parent_exe));
	return b;
}

struct exec_strings {
	const char *exe, *filename, *interp, *parent_exe, *cwd; /* NULL: none */
	const struct rg_ancestor *ancestors; /* rec.nr_ancestors */
	struct span args, env;
};

static inline struct span built_span(const char *s)
{
	return (struct span){s ? s : "", s ? strlen(s) : 0};
}

static inline uint16_t built_add_string(struct built *b, const char *s)
{
	return built_add(b, built_span(s).data, built_span(s).len);
}

static inline struct built built_exec(struct rg_record_exec rec, const struct exec_strings *s)
{
	struct built b;
	struct rg_record_exec *to = built_begin(&b, RG_RECORD_EXEC, &rec, sizeof(rec));

	to->exe_len = built_add_string(&b, s->exe);
	to->filename_len = built_add_string(&b, s->filename);
	to->interp_len = built_add_string(&b, s->interp);
	to->parent_exe_len = built_add_string(&b, s->parent_exe);
	if (rec.nr_ancestors)
		built_add(&b, s->ancestors, rec.nr_ancestors * sizeof(*s->ancestors));
	to->cwd_len = built_add_string(&b, s->cwd);
	to->args_len = built_add(&b, s->args.len ? s->args.data : "", s->args.len);
	to->env_len = built_add(&b, s->env.len ? s->env.data : "", s->env.len);
	return b;
}

static inline struct built built_exit(struct rg_record_exit rec, const char *exe)
{
	struct built b;
	struct rg_record_exit *to = built_begin(&b, RG_RECORD_EXIT, &rec, sizeof(rec));

	to->exe_len = built_add(&b, exe, strlen(exe));
	return b;
}

static inline struct built built_thread_start(struct rg_record_thread_start rec)
{
	struct built b;

	built_begin(&b, RG_RECORD_THREAD_START, &rec, sizeof(rec));
	return b;
}

static inline struct built built_thread_exit(struct rg_record_thread_exit rec)
{
	struct built b;

	built_begin(&b, RG_RECORD_THREAD_EXIT, &rec, sizeof(rec));
	return b;
}

#endif
