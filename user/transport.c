/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The socket stays connected, since only then poll(2) tells when a receiver's full queue has room again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "transport.h"

/* "daemon" of RFC 5424. */
#define FACILITY 3
/* Of RFC 5424. */
#define HOST_MAX 255

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

struct transport {
	enum transport_kind kind;
	struct address address;
	int fd;
	char host[HOST_MAX + 1]; /* of a syslog header */
};

/* --- addresses --------------------------------------------------------------------------------- */

static int parse_path(const char *path, struct address *ret)
{
	*ret = (struct address){ .un.sun_family = AF_UNIX, .len = sizeof(ret->un) };
	if (strlen(path) >= sizeof(ret->un.sun_path))
		return -EINVAL;
	strcpy(ret->un.sun_path, path);
	return 0;
}

static int parse_v6(const char *text, uint16_t port, struct address *ret)
{
	char address[INET6_ADDRSTRLEN + 2];
	size_t len = strlen(text);

	if (text[len - 1] != ']')
		return -EINVAL;
	*ret = (struct address){
		.in6 = { .sin6_family = AF_INET6, .sin6_port = port },
		.len = sizeof(ret->in6),
	};
	snprintf(address, sizeof(address), "%.*s", (int)len - 2, text + 1);
	return inet_pton(AF_INET6, address, &ret->in6.sin6_addr) == 1 ? 0 : -EINVAL;
}

static int parse_udp(const char *text, struct address *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint16_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (!port)
		return -EINVAL;
	if (*host == '[')
		return parse_v6(host, port, ret);
	*ret = (struct address){
		.in = { .sin_family = AF_INET, .sin_port = port },
		.len = sizeof(ret->in),
	};
	return inet_pton(AF_INET, *host ? host : "127.0.0.1", &ret->in.sin_addr) == 1 ? 0 : -EINVAL;
}

const char *transport_usual_path(enum transport_kind kind)
{
	static const char *const usual[] = {
		[TRANSPORT_SYSLOG] = "/dev/log",
		[TRANSPORT_JOURNALD] = "/run/systemd/journal/socket",
	};

	return kind < ARRAY_SIZE(usual) ? usual[kind] : NULL;
}

static int parse(enum transport_kind kind, const char *text, struct address *ret)
{
	if (!text)
		text = transport_usual_path(kind);
	if (!text)
		return -EINVAL;
	return kind == TRANSPORT_UDP ? parse_udp(text, ret) : parse_path(text, ret);
}

/* --- start and end ----------------------------------------------------------------------------- */

static int connect_again(struct transport *t)
{
	return connect(t->fd, &t->address.any, t->address.len) ? -errno : 0;
}

/* What RFC 5424 doesn't allow in a name becomes '?'. */
static void set_host(struct transport *t)
{
	char *c;

	if (gethostname(t->host, sizeof(t->host) - 1) || !*t->host)
		strcpy(t->host, "-");
	for (c = t->host; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
}

int transport_new(enum transport_kind kind, const char *address, struct transport **ret)
{
	struct address parsed;
	struct transport *t;
	int r = parse(kind, address, &parsed), fd;

	if (r)
		return r;
	fd = socket(parsed.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	t = calloc(1, sizeof(*t));
	if (!t) {
		close(fd);
		return -ENOMEM;
	}
	*t = (struct transport){ .kind = kind, .address = parsed, .fd = fd };
	set_host(t);
	connect_again(t); /* if nobody is there, the first message says so */
	*ret = t;
	return 0;
}

void transport_free(struct transport *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

int transport_set_address(struct transport *t, const char *address)
{
	struct address parsed;
	int r = parse(t->kind, address, &parsed);

	if (r)
		return r;
	if (parsed.any.sa_family != t->address.any.sa_family)
		return -EAFNOSUPPORT;
	t->address = parsed;
	connect_again(t);
	return 0;
}

int transport_fd(const struct transport *t)
{
	return t->fd;
}

/* --- messages ---------------------------------------------------------------------------------- */

static size_t syslog_header(const struct transport *t, const struct line_tag *tag, char *ret)
{
	time_t seconds = (time_t)(tag->realtime_ns / NSEC_PER_SEC);
	char time[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm);
	return (size_t)snprintf(ret, TRANSPORT_HEADER_MAX, "<%u>1 %s.%06uZ %s rand-guard %d %.32s - ",
				FACILITY << 3 | tag->severity, time,
				(unsigned int)(tag->realtime_ns % NSEC_PER_SEC / 1000), t->host,
				(int)getpid(), tag->event_type);
}

/* Fields, each NAME=value and a newline, of which the message's is the line's. */
static size_t journald_header(const struct line_tag *tag, char *ret)
{
	return (size_t)snprintf(ret, TRANSPORT_HEADER_MAX,
				"PRIORITY=%u\nSYSLOG_FACILITY=%u\nSYSLOG_IDENTIFIER=rand-guard\n"
				"RAND_GUARD_EVENT_TYPE=%.32s\nMESSAGE=",
				tag->severity, FACILITY, tag->event_type);
}

size_t transport_header(const struct transport *t, const struct line_tag *tag,
			char ret[TRANSPORT_HEADER_MAX])
{
	if (t->kind == TRANSPORT_SYSLOG)
		return syslog_header(t, tag, ret);
	return t->kind == TRANSPORT_JOURNALD ? journald_header(tag, ret) : 0;
}

static int send_once(const struct transport *t, const char *message, size_t len)
{
	ssize_t n;

	do {
		n = send(t->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == EPIPE ? -ENOTCONN : -errno;
}

/* The receiver has gone, or was never there. */
static bool is_unconnected(int r)
{
	return r == -ENOTCONN || r == -EDESTADDRREQ || r == -ECONNREFUSED || r == -ECONNRESET;
}

int transport_send(struct transport *t, const char *message, size_t len)
{
	int r;

	if (t->kind == TRANSPORT_SYSLOG)
		len--; /* the newline: a message ends where its datagram does */
	r = send_once(t, message, len);
	/* By UDP "refused" is about an earlier message, and all that there is to know. */
	if (!is_unconnected(r) || t->kind == TRANSPORT_UDP)
		return r;
	r = connect_again(t);
	return r ? r : send_once(t, message, len);
}
