/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libbpf's ring buffer, which knows no batches: its callback ends one by failing. */
#include <errno.h>

#include <bpf/libbpf.h>

#include "reader.h"

/* No errno: the batch is full, or the taker is. */
#define BATCH_END (-4096)

struct reader {
	struct ring_buffer *ring;
	reader_fn fn;
	void *ctx;
	unsigned int nr_left; /* of this batch */
	uint64_t nr_bad;
};

static int on_sample(void *ctx, void *data, size_t size)
{
	struct reader *r = ctx;
	struct event event;
	bool goes_on = true;

	r->nr_left--;
	if (event_parse(data, size, &event))
		r->nr_bad++;
	else
		goes_on = r->fn(&event, r->ctx);
	return goes_on && r->nr_left ? 0 : BATCH_END;
}

int reader_new(int events_fd, reader_fn fn, void *ctx, struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct reader){ .fn = fn, .ctx = ctx };
	r->ring = ring_buffer__new(events_fd, on_sample, r, NULL);
	if (!r->ring) {
		free(r);
		return -errno;
	}
	*ret = r;
	return 0;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	ring_buffer__free(r->ring);
	free(r);
}

int reader_drain(struct reader *r, unsigned int max_records, bool *ret_more)
{
	int n;

	r->nr_left = max_records;
	n = ring_buffer__consume(r->ring);
	if (n < 0 && n != BATCH_END)
		return n;
	*ret_more = n == BATCH_END;
	return (int)(max_records - r->nr_left);
}

uint64_t reader_nr_bad(const struct reader *r)
{
	return r->nr_bad;
}
