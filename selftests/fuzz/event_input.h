/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzer's bytes as a record: as they are, which event_parse() nearly always refuses, or with the
 * header and the lengths put right, so that writers get to see every content.
 */
#ifndef RG_FUZZ_EVENT_INPUT_H
#define RG_FUZZ_EVENT_INPUT_H

#define CHECK(what) ((what) ? (void)0 : __builtin_trap())

struct strings {
	size_t offset; /* of the first length in the body */
	size_t nr;
	size_t body_size;
};

static const struct strings strings_of[RG_NR_RECORD_TYPES] = {
	[RG_RECORD_FORK] = {offsetof(struct rg_record_fork, parent_exe_len), 1,
			    sizeof(struct rg_record_fork)},
	[RG_RECORD_EXEC] = {offsetof(struct rg_record_exec, exe_len), 7,
			    sizeof(struct rg_record_exec)},
	[RG_RECORD_EXIT] = {offsetof(struct rg_record_exit, exe_len), 1,
			    sizeof(struct rg_record_exit)},
	[RG_RECORD_THREAD_START] = {0, 0, sizeof(struct rg_record_thread_start)},
	[RG_RECORD_THREAD_EXIT] = {0, 0, sizeof(struct rg_record_thread_exit)},
};

/* Each length at most what is left; the last takes the rest, or the record ends there. */
static inline size_t fit_lengths(char *record, size_t size, const struct strings *s)
{
	size_t i, left = size - s->body_size;
	uint16_t len;

	if (((struct rg_record *)record)->type == RG_RECORD_EXEC) {
		struct rg_record_exec *exec = (struct rg_record_exec *)record;

		exec->nr_ancestors %= RG_MAX_ANCESTORS + 1;
		exec->nr_ancestors = (uint8_t)MIN(exec->nr_ancestors, left / sizeof(struct rg_ancestor));
		left -= exec->nr_ancestors * sizeof(struct rg_ancestor);
	}
	for (i = 0; i < s->nr; i++) {
		memcpy(&len, record + s->offset + i * sizeof(len), sizeof(len));
		len = (uint16_t)(left ? len % (left + 1) : 0);
		memcpy(record + s->offset + i * sizeof(len), &len, sizeof(len));
		left -= len;
	}
	return size - left;
}

/* The record's size; 0: too few bytes for one. */
static inline size_t make_record(char *record, size_t size, uint8_t how)
{
	struct rg_record *hdr = (struct rg_record *)record;
	uint16_t type = (how >> 1) % RG_NR_RECORD_TYPES;

	if (!(how & 1))
		return size;
	if (size < strings_of[type].body_size)
		return 0;
	hdr->abi = RG_ABI_VERSION;
	hdr->type = type;
	size = fit_lengths(record, size, &strings_of[type]);
	hdr->size_bytes = (uint32_t)size;
	return size;
}

static void check_event(const struct event *e, uint8_t flags);

static inline int fuzz_event(const uint8_t *data, size_t size)
{
	struct event e;
	size_t len;
	char *record;

	if (size < 2 || size > RG_RECORD_MAX)
		return 0;
	record = malloc(size); /* aligned, and poisoned behind its end */
	CHECK(record);
	memcpy(record, data + 2, size - 2);
	len = make_record(record, size - 2, data[0]);
	record = realloc(record, MAX(len, 1U));
	CHECK(record);
	if (!event_parse(record, len, &e))
		check_event(&e, data[1]);
	else
		CHECK(!(data[0] & 1) || !len);
	free(record);
	return 0;
}

#endif
