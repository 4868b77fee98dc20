/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One line, one datagram, to whoever carries lines on: a shipper's socket, syslog, the journal.
 *
 * Never blocks. That nobody is there is no error when it starts: each message tries again to reach
 * the receiver, which may have been started anew. Nothing but connect(2) is needed for that.
 */
#ifndef RG_TRANSPORT_H
#define RG_TRANSPORT_H

#include "util.h"

enum transport_kind {
	TRANSPORT_UNIX, /* the line, to a datagram socket's path */
	TRANSPORT_UDP, /* the line, to "ADDRESS:PORT", "[V6]:PORT" or ":PORT" (loopback) */
	TRANSPORT_SYSLOG, /* RFC 5424, to a path; NULL: the usual one */
	TRANSPORT_JOURNALD, /* the journal's native protocol, likewise */
};

/* Where the host's is; NULL for a kind that has no usual path. Static. */
const char *transport_usual_path(enum transport_kind kind);

/* What a header may hold besides the line. */
struct line_tag {
	const char *event_type; /* at most 32 characters of a word */
	unsigned int severity; /* syslog's: 0 (emergency) to 7 (debug) */
	uint64_t realtime_ns; /* CLOCK_REALTIME */
};

/* No header is longer. */
#define TRANSPORT_HEADER_MAX 512

struct transport;

/* -EINVAL: not such an address, or too long; else -errno of socket(2). */
int transport_new(enum transport_kind kind, const char *address, struct transport **ret);
void transport_free(struct transport *transport);
/* Another address, of the same family, or the same once more; what fails leaves the old one. */
int transport_set_address(struct transport *transport, const char *address);
int transport_fd(const struct transport *transport);
/* What stands in front of the line; bytes. */
size_t transport_header(const struct transport *transport, const struct line_tag *tag,
			char ret[TRANSPORT_HEADER_MAX]);
/*
 * Header and line, its newline included. 0: on its way; -EAGAIN: poll for writing; -EMSGSIZE: will never do;
 * other -errno: nobody takes it now. Never -EPIPE.
 */
int transport_send(struct transport *transport, const char *message, size_t len);

#endif
