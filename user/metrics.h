/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything the agent and its programs count, as Prometheus text: for a scrape or a textfile. */
#ifndef RG_METRICS_H
#define RG_METRICS_H

#include "health.h"

struct metrics;

/* health and all behind it stay the caller's. Before privileges are dropped. 0 or -errno. */
int metrics_new(struct health *health, struct metrics **ret);
void metrics_free(struct metrics *metrics);
/*
 * Counts the table anew; the text is the metrics' own, until the next call. Empty: out of memory.
 * ctx: struct metrics.
 */
struct span metrics_render(void *ctx);
/*
 * To config.metrics.textfile, if there is one, by rename, without process_*. 0 or -errno; a failure
 * is counted, and logged when it begins and when it is over.
 */
int metrics_write_textfile(struct metrics *metrics);

#endif
