/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ring's reading end: records in order, in bounded batches, straight from its memory. */
#ifndef RG_READER_H
#define RG_READER_H

#include "event.h"

struct reader;

/* Takes one record; false: it took this one, but has no room for another. */
typedef bool (*reader_fn)(const struct event *event, void *ctx);

/* events_fd: the ring's map, stays the caller's. 0 or -errno. */
int reader_new(int events_fd, reader_fn fn, void *ctx, struct reader **ret);
void reader_free(struct reader *reader);
static inline void reader_freep(struct reader **reader)
{
	reader_free(*reader);
}

/*
 * At most max_records; *ret_more says whether it ended for that, or since the taker had no room. The
 * number read, or -errno.
 */
int reader_drain(struct reader *reader, unsigned int max_records, bool *ret_more);
/* Records that were not ours to understand, skipped. */
uint64_t reader_nr_bad(const struct reader *reader);

#endif
