/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines through a sink to sockets of the tests' own: the bytes that arrive, and those that don't. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <criterion/criterion.h>

#include "sink.h"

static char dir[] = "/tmp/rand-guard-transport-XXXXXX";
static char path[64]; /* a receiver's */
static char got[128 * 1024];

static void set_up(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

/* A test that blocks is a failed one. */
TestSuite(transport, .init = set_up, .fini = tear_down, .timeout = 20);

static int receive_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, name);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int receive_udp(int family, char *text, size_t size)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bool is_v4 = family == AF_INET;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, address, len)) {
		closep(&fd);
		return -1;
	}
	getsockname(fd, address, &len);
	snprintf(text, size, is_v4 ? ":%u" : "[::1]:%u",
		 ntohs(is_v4 ? v4.sin_port : v6.sin6_port));
	return fd;
}

static struct sink *sink_to(enum transport_kind kind, const char *address)
{
	struct sink *sink = NULL;
	int r = sink_new_transport(kind, address, &sink);

	cr_assert_eq(r, 0, "%s", strerror(-r));
	return sink;
}

static const struct line_tag tag = {"alert", 3, 1795450315123456789ULL};

static void put(struct sink *sink, unsigned int n, size_t pad)
{
	static char spaces[64 * 1024];
	struct json j;

	memset(spaces, 'p', sizeof(spaces));
	sink_line_begin(sink, &tag, &j);
	json_object_begin(&j, NULL);
	json_u64(&j, "n", n);
	if (pad)
		json_string(&j, "pad", spaces, pad);
	json_object_end(&j);
	json_line_end(&j);
	sink_line_end(sink, &j);
}

/* The next datagram is that. */
static void expect(int fd, const char *text)
{
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	cr_assert_geq(n, 0, "nothing came: %s", strerror(errno));
	got[n] = '\0';
	cr_assert_str_eq(got, text);
}

static void expect_no_more(int fd)
{
	cr_assert(recv(fd, got, sizeof(got), 0) < 0 && errno == EAGAIN);
}

static void expect_counts(const struct sink *sink, uint64_t lines, uint64_t failures)
{
	cr_assert_eq(sink_nr_lines(sink), lines);
	cr_assert_eq(sink_nr_failures(sink), failures);
}

/* --- bytes ------------------------------------------------------------------------------------- */

Test(transport, unix_is_the_line)
{
	_cleanup_close_ int fd = receive_at(path);
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UNIX, path);

	put(sink, 1, 0);
	put(sink, 2, 3);
	cr_assert_eq(sink_flush(sink), 0);
	expect(fd, "{\"n\":1}\n");
	expect(fd, "{\"n\":2,\"pad\":\"ppp\"}\n");
	expect_no_more(fd);
	expect_counts(sink, 2, 0);
}

static void try_udp(int family)
{
	char address[32];
	_cleanup_close_ int fd = receive_udp(family, address, sizeof(address));
	_cleanup_(sink_freep) struct sink *sink = NULL;

	if (fd < 0)
		cr_skip("no such loopback address: %s", strerror(errno));
	sink = sink_to(TRANSPORT_UDP, address);
	put(sink, 1, 0);
	put(sink, 2, 0);
	cr_assert_eq(sink_flush(sink), 0);
	expect(fd, "{\"n\":1}\n");
	expect(fd, "{\"n\":2}\n");
	expect_no_more(fd);
}

Test(transport, udp_v4)
{
	try_udp(AF_INET);
}

Test(transport, udp_v6)
{
	try_udp(AF_INET6);
}

Test(transport, syslog_is_rfc_5424)
{
	_cleanup_close_ int fd = receive_at(path);
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_SYSLOG, path);
	char host[256] = "", expected[512];

	gethostname(host, sizeof(host) - 1);
	put(sink, 1, 0);
	cr_assert_eq(sink_flush(sink), 0);
	snprintf(expected, sizeof(expected),
		 "<27>1 2026-11-23T16:11:55.123456Z %s rand-guard %d alert - {\"n\":1}", host, getpid());
	expect(fd, expected);
	expect_no_more(fd);
}

Test(transport, journald_is_fields)
{
	_cleanup_close_ int fd = receive_at(path);
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_JOURNALD, path);

	put(sink, 1, 0);
	cr_assert_eq(sink_flush(sink), 0);
	expect(fd, "PRIORITY=3\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=rand-guard\n"
		   "RAND_GUARD_EVENT_TYPE=alert\nMESSAGE={\"n\":1}\n");
	expect_no_more(fd);
}

/* --- receivers that come and go ----------------------------------------------------------------- */

Test(transport, absent_receiver_gets_the_lines_later)
{
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UNIX, path);
	_cleanup_close_ int fd = -1;

	put(sink, 1, 0);
	cr_assert_eq(sink_flush(sink), -ENOENT);
	cr_assert_eq(sink_error(sink), -ENOENT);
	put(sink, 2, 0);
	fd = receive_at(path);
	cr_assert_eq(sink_flush(sink), 0);
	expect(fd, "{\"n\":1}\n");
	expect(fd, "{\"n\":2}\n");
	expect_counts(sink, 2, 1);
}

Test(transport, receiver_that_is_started_anew)
{
	_cleanup_(sink_freep) struct sink *sink = NULL;
	int fd = receive_at(path);

	sink = sink_to(TRANSPORT_SYSLOG, path);
	put(sink, 1, 0);
	cr_assert_eq(sink_flush(sink), 0);
	close(fd);
	put(sink, 2, 0);
	cr_assert_eq(sink_flush(sink), -ECONNREFUSED); /* its path is still there */
	unlink(path);
	fd = receive_at(path);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_gt(recv(fd, got, sizeof(got), 0), 0);
	cr_assert_not_null(strstr(got, "{\"n\":2}"));
	expect_no_more(fd);
	close(fd);
}

/* Nobody there for long: what finds no room is dropped and counted, and the newest isn't kept for it. */
Test(transport, what_finds_no_room_is_counted)
{
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UNIX, path);
	_cleanup_close_ int fd = -1;
	unsigned int i, came = 0;

	put(sink, 0, 60000);
	cr_assert_eq(sink_flush(sink), -ENOENT);
	for (i = 1; i < 10; i++)
		put(sink, i, 60000);
	cr_assert_not(sink_is_full(sink), "a rule would be muted");
	fd = receive_at(path);
	cr_assert_eq(sink_flush(sink), 0);
	while (recv(fd, got, sizeof(got), 0) > 0)
		came++;
	cr_assert_eq(came, 2);
	expect_counts(sink, 2, 1 + 8);
}

/* Its queue is full: nothing is lost, and poll tells when to go on. */
Test(transport, slow_receiver_gets_all)
{
	_cleanup_close_ int fd = receive_at(path);
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UNIX, path);
	struct pollfd pfd = {.fd = sink_poll_fd(sink), .events = POLLOUT};
	char expected[32];
	unsigned int i, n = 0;

	for (i = 0; i < 1000; i++)
		put(sink, i, 0);
	cr_assert_eq(sink_flush(sink), -EAGAIN);
	cr_assert_eq(sink_error(sink), 0);
	cr_assert_eq(poll(&pfd, 1, 0), 0, "an agent would turn in circles");
	while (n < 1000) {
		snprintf(expected, sizeof(expected), "{\"n\":%u}\n", n++);
		expect(fd, expected);
		/* By the kernel's limits there is room after one of them, or after some. */
		if (poll(&pfd, 1, 0))
			sink_flush(sink);
	}
	cr_assert_eq(sink_flush(sink), 0);
	expect_counts(sink, 1000, 0);
}

Test(transport, too_large_is_dropped_and_counted)
{
	_cleanup_(sink_freep) struct sink *sink = NULL;
	_cleanup_close_ int fd = receive_at(path);
	int size = 4096;

	sink = sink_to(TRANSPORT_UNIX, path);
	setsockopt(sink_poll_fd(sink), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	put(sink, 1, 0);
	put(sink, 2, 60000);
	put(sink, 3, 0);
	cr_assert_eq(sink_flush(sink), 0);
	expect(fd, "{\"n\":1}\n");
	expect(fd, "{\"n\":3}\n");
	expect_counts(sink, 3, 1);
}

Test(transport, udp_that_nobody_takes_is_counted)
{
	char address[32];
	int fd = receive_udp(AF_INET, address, sizeof(address));
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UDP, address);

	close(fd);
	put(sink, 1, 0);
	put(sink, 2, 0);
	put(sink, 3, 0);
	cr_assert_eq(sink_flush(sink), -ECONNREFUSED);
	expect_counts(sink, 3, 1);
}

/* --- addresses ---------------------------------------------------------------------------------- */

Test(transport, reopen_goes_to_another_path)
{
	_cleanup_close_ int first = receive_at(path), second = -1;
	_cleanup_(sink_freep) struct sink *sink = sink_to(TRANSPORT_UNIX, path);
	char other[80];

	snprintf(other, sizeof(other), "%s/other", dir);
	second = receive_at(other);
	put(sink, 1, 0);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(sink_reopen(sink, other), 0);
	put(sink, 2, 0);
	cr_assert_eq(sink_flush(sink), 0);
	expect(first, "{\"n\":1}\n");
	expect(second, "{\"n\":2}\n");
	unlink(other);
}

/* Which messages name. */
Test(transport, usual_paths)
{
	cr_assert_str_eq(transport_usual_path(TRANSPORT_SYSLOG), "/dev/log");
	cr_assert_str_eq(transport_usual_path(TRANSPORT_JOURNALD), "/run/systemd/journal/socket");
	cr_assert_null(transport_usual_path(TRANSPORT_UDP));
	cr_assert_null(transport_usual_path(TRANSPORT_UNIX));
}

Test(transport, impossible_addresses)
{
	static const char *const wrong[] = {"", ":", "127.0.0.1", "host:1", "[::1:1", "[]:1", "[:1",
					    ":0", "1.2.3.4.5:1"};
	_cleanup_(sink_freep) struct sink *sink = NULL;
	char too_long[200];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		cr_expect_eq(sink_new_transport(TRANSPORT_UDP, wrong[i], &sink), -EINVAL, "%s",
			     wrong[i]);
	memset(too_long, '/', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	cr_expect_eq(sink_new_transport(TRANSPORT_UNIX, too_long, &sink), -EINVAL);
	cr_expect_eq(sink_new_transport(TRANSPORT_UNIX, NULL, &sink), -EINVAL);
	sink = sink_to(TRANSPORT_UDP, "127.0.0.1:1");
	cr_expect_eq(sink_reopen(sink, "[::1]:1"), -EAFNOSUPPORT);
}

/* The largest header fits in the room that the sink keeps for it. */
Test(transport, headers_have_a_limit)
{
	static const struct line_tag longest = {"12345678901234567890123456789012345", 7,
						18446744073709551615ULL};
	char header[TRANSPORT_HEADER_MAX];
	struct transport *transport;
	int kind;

	for (kind = TRANSPORT_SYSLOG; kind <= TRANSPORT_JOURNALD; kind++) {
		cr_assert_eq(transport_new((enum transport_kind)kind, path, &transport), 0);
		cr_expect_lt(transport_header(transport, &longest, header), sizeof(header));
		transport_free(transport);
	}
}
