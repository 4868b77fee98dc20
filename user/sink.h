/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where lines go: stdout or a file, through one buffer, written in whole batches; or a transport, one by one.
 *
 * Never blocks. What a slow reader doesn't take stays in the buffer, and while the buffer can't
 * take another line, sink_is_full() says so: the caller then stops reading the ring, which counts
 * what it loses. A write that *fails* (disk full, I/O error) is retried at every flush; meanwhile
 * lines that find no room are dropped and counted, so that a broken disk mutes no rule. A line that
 * was half written is finished first, or, after a reopen that led to another file, given up and
 * counted: lines are never mixed, also not with the half line that an earlier writer left at a
 * file's end.
 *
 * The caller ignores SIGPIPE and, where a file's size is limited, SIGXFSZ.
 */
#ifndef RG_SINK_H
#define RG_SINK_H

#include "json.h"
#include "transport.h"

struct sink;

/*
 * To descriptor 1; made non-blocking only by a descriptor of our own, never for who shares it.
 * -EBADF: it isn't open for writing.
 */
int sink_new_stdout(struct sink **ret);
/* Appends to path (0640, created). -errno of open(2); -ENXIO: a FIFO that nobody reads. */
int sink_new_file(const char *path, struct sink **ret);
/* -errno as transport_new(). That nobody is there is an error of sink_flush(), and tried again. */
int sink_new_transport(enum transport_kind kind, const char *address, struct sink **ret);
/* Writes nothing: flush before. */
void sink_free(struct sink *sink);
static inline void sink_freep(struct sink **sink)
{
	sink_free(*sink);
}

/*
 * Where a line goes: into the room for one of the largest size, or what is left of it. Flushes by
 * itself where less than that is left, unless the last flush didn't get through. One line at a
 * time: it ends with sink_line_end(). The tag is for a transport; of others it may be NULL.
 */
void sink_line_begin(struct sink *sink, const struct line_tag *tag, struct json *ret);
/*
 * The line is in, its newline included; one that json->full says didn't fit is dropped and counted.
 */
void sink_line_end(struct sink *sink, const struct json *json);

/*
 * Writes what it can. 0: all is out; -EAGAIN: the reader is slow, poll sink_poll_fd() for writing;
 * -EPIPE: the reader is gone, for good unless the path is a FIFO's; other -errno: failed, kept,
 * will be retried.
 */
int sink_flush(struct sink *sink);
/*
 * Less room than one largest line, and nothing failed: flush; if it is still full, wait for the
 * reader.
 */
bool sink_is_full(const struct sink *sink);
/* The last write failed and hasn't been made good: 0 or its -errno. */
int sink_error(const struct sink *sink);
/* Another one after sink_reopen(). Only after -EAGAIN: epoll refuses a regular file's. */
int sink_poll_fd(const struct sink *sink);
/*
 * Opens a file anew (after a rotation), or another one where path differs, the old file getting what
 * it still takes; flushes. On failure, -errno, the old file stays in use. A transport goes on to that address.
 * 0 on stdout.
 */
int sink_reopen(struct sink *sink, const char *path);
/* Lines dropped and writes failed since the start. */
uint64_t sink_nr_failures(const struct sink *sink);
uint64_t sink_nr_lines(const struct sink *sink); /* lines taken into the buffer */

#endif
