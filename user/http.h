/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Serves one text at /metrics, in the agent's loop. libmicrohttpd is opened only when this is used:
 * with its own libraries it costs more memory than all the rest.
 */
#ifndef RG_HTTP_H
#define RG_HTTP_H

#include "loop.h"

struct http;

/* The text of this moment; valid until the next call. */
typedef struct span (*http_text_fn)(void *ctx);

/* listen as metrics.listen has it. Logs why not; 0 or -errno. */
int http_new(struct loop *loop, const char *listen, http_text_fn fn, void *ctx, struct http **ret);
void http_free(struct http *http);

#endif
