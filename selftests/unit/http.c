/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hand-written client scrapes through the loop that also serves it: nothing here waits by itself,
 * and a test that hangs is a failed one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <criterion/criterion.h>

#include "http.h"

/* user/http.c's. */
#define MAX_CONNECTIONS 8

#define MAX_RESPONSE (8 * 1024 * 1024)

static struct loop *loop;
static struct http *http;
/* What is scraped: "text N\n", N times asked for, and filler. */
static char *text;
static size_t text_len;
static unsigned int nr_scrapes;

static struct span render(void *ctx)
{
	int n;

	cr_assert_eq(ctx, &text);
	n = snprintf(text, 32, "text %u", ++nr_scrapes);
	text[n] = '\n';
	return (struct span){text, text_len};
}

static void set_text(size_t len)
{
	free(text);
	text = malloc(len);
	cr_assert(text);
	memset(text, '#', len);
	text_len = len;
}

static void set_up(void)
{
	cr_assert_eq(loop_new(&loop), 0);
	set_text(10000);
}

static void tear_down(void)
{
	http_free(http);
	loop_free(loop);
	free(text);
}

TestSuite(http, .init = set_up, .fini = tear_down, .timeout = 30);

/* The one socket of this process that listens; *ret is where. */
static socklen_t find_listener(struct sockaddr_storage *ret)
{
	socklen_t len, int_len;
	int fd, listens;

	for (fd = 0; fd < 1024; fd++) {
		int_len = sizeof(listens);
		len = sizeof(*ret);
		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) && listens &&
		    !getsockname(fd, (struct sockaddr *)ret, &len))
			return len;
	}
	cr_assert_fail("nothing listens");
	return 0;
}

static void start(const char *listen)
{
	cr_assert_eq(http_new(loop, listen, render, &text, &http), 0);
}

/* --- the client ------------------------------------------------------------------------------- */

struct client {
	struct loop_source source;
	char *response;
	size_t len;
	bool is_closed;
};

static void on_client(void *ctx, uint32_t events __attribute__((unused)))
{
	struct client *c = ctx;
	int fd = c->source.fd;
	ssize_t n;

	do {
		n = recv(fd, c->response + c->len, MAX_RESPONSE - c->len - 1, MSG_DONTWAIT);
		c->len += (size_t)MAX(n, 0);
	} while (n > 0);
	if (n < 0 && errno == EAGAIN)
		return;
	c->response[c->len] = '\0';
	c->is_closed = true;
	loop_remove(loop, &c->source);
	close(fd);
}

static void watch(struct client *c, int fd)
{
	c->source.fn = on_client;
	c->source.ctx = c;
	cr_assert_eq(loop_add(loop, &c->source, fd, EPOLLIN), 0);
}

/* Connected, request sent, and not yet listened to. */
static int client_connect(struct client *c, const char *request)
{
	struct sockaddr_storage address;
	socklen_t len = find_listener(&address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*c = (struct client){.response = malloc(MAX_RESPONSE)};
	cr_assert(c->response);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	return fd;
}

static void client_start(struct client *c, const char *request)
{
	int fd = client_connect(c, request);

	watch(c, fd);
}

static void run_until_closed(const struct client *c)
{
	while (!c->is_closed)
		cr_assert_eq(loop_run_once(loop, -1), 0);
}

/* The caller frees the response. */
static char *ask(const char *request)
{
	struct client c;

	client_start(&c, request);
	run_until_closed(&c);
	return c.response;
}

static const char *body_of(const char *response)
{
	const char *end = strstr(response, "\r\n\r\n");

	cr_assert(end, "no end of the headers in '%.200s'", response);
	return end + 4;
}

static bool has_header(const char *response, const char *header)
{
	const char *at = strcasestr(response, header);

	return at && at < body_of(response) && !strncmp(at - 2, "\r\n", 2) &&
	       !strncmp(at + strlen(header), "\r\n", 2);
}

static void assert_status(const char *response, const char *status)
{
	size_t len = strcspn(response, "\r");

	cr_assert(!strncmp(response, "HTTP/1.1 ", 9) && len == 9 + strlen(status) &&
			  !strncmp(response + 9, status, len - 9),
		  "'%.*s'", (int)len, response);
}

/* The scrape with that number, whole. */
static void assert_scrape(const char *response, unsigned int nr)
{
	char expected[64];
	const char *body = body_of(response);

	assert_status(response, "200 OK");
	snprintf(expected, sizeof(expected), "Content-Length: %zu", text_len);
	cr_assert(has_header(response, expected));
	cr_assert(has_header(response, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	cr_assert(has_header(response, "Connection: close"));
	cr_assert_eq(strlen(body), text_len);
	snprintf(expected, sizeof(expected), "text %u\n#", nr);
	cr_assert_eq(strncmp(body, expected, strlen(expected)), 0, "'%.20s' is not '%s'", body,
		     expected);
}

#define GET_METRICS "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static void check_scrapes(void)
{
	unsigned int nr;

	for (nr = 1; nr <= 3; nr++) {
		_cleanup_free_ char *response = ask(GET_METRICS);

		assert_scrape(response, nr);
	}
}

/* --- requests --------------------------------------------------------------------------------- */

Test(http, scrape)
{
	start(":0");
	check_scrapes();
}

Test(http, scrape_v6)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT};

	if (fd < 0 || bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)))
		cr_skip_test("this host has no IPv6 loopback address");
	close(fd);
	start("[::1]:0");
	check_scrapes();
}

/* As Prometheus asks. */
Test(http, scrape_with_query_and_headers)
{
	_cleanup_free_ char *response = NULL;

	start("127.0.0.1:0");
	response = ask(
		"GET /metrics?collect=all HTTP/1.1\r\nHost: 127.0.0.1:9101\r\n"
		"User-Agent: Prometheus/2.42.0\r\n"
		"Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4\r\n"
		"Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n");
	assert_scrape(response, 1);
}

Test(http, head)
{
	_cleanup_free_ char *response = NULL;

	start(":0");
	response = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_status(response, "200 OK");
	cr_assert(has_header(response, "Content-Length: 10000"));
	cr_assert_str_eq(body_of(response), "");
}

Test(http, other_paths)
{
	static const char *const paths[] = {"/metric",	 "/metrics/",	"/metrics/x",
					    "//metrics", "/%2fmetrics", "/favicon.ico"};
	char request[128];
	size_t i;

	start(":0");
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *response = NULL;

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
		response = ask(request);
		assert_status(response, "404 Not Found");
	}
	cr_assert_eq(nr_scrapes, 0);
}

Test(http, the_root_says_where)
{
	_cleanup_free_ char *response = NULL;

	start(":0");
	response = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_status(response, "200 OK");
	cr_assert_str_eq(body_of(response), "rand-guard's metrics are at /metrics\n");
}

Test(http, other_methods)
{
	static const char *const requests[] = {
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	size_t i;

	start(":0");
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_free_ char *response = ask(requests[i]);

		assert_status(response, "405 Method Not Allowed");
		cr_assert(has_header(response, "Allow: GET, HEAD"));
	}
	cr_assert_eq(nr_scrapes, 0);
}

/* Nonsense ends the connection, and nothing else. */
Test(http, nonsense)
{
	char longest[20000];
	_cleanup_free_ char *nonsense = NULL, *endless = NULL, *response = NULL;

	start(":0");
	nonsense = ask("\x16\x03\x01\x02 nonsense\r\n\r\n");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	endless = ask(longest);
	response = ask(GET_METRICS);
	assert_scrape(response, 1);
}

Test(http, no_text)
{
	_cleanup_free_ char *response = NULL;

	start(":0");
	text_len = 0;
	response = ask(GET_METRICS);
	assert_status(response, "500 Internal Server Error");
}

/* --- several at once -------------------------------------------------------------------------- */

Test(http, two_at_once)
{
	struct client one, two;

	start(":0");
	client_start(&one, GET_METRICS);
	client_start(&two, GET_METRICS);
	run_until_closed(&one);
	run_until_closed(&two);
	assert_scrape(one.response, strncmp(body_of(one.response), "text 1\n", 7) ? 2 : 1);
	assert_scrape(two.response, strncmp(body_of(one.response), "text 1\n", 7) ? 1 : 2);
	cr_assert_eq(nr_scrapes, 2);
	free(one.response);
	free(two.response);
}

/* One says nothing, one half a request. */
Test(http, silent_clients)
{
	struct client silent, half;
	_cleanup_free_ char *response = NULL;

	start(":0");
	client_start(&silent, "");
	client_start(&half, "GET /metr");
	response = ask(GET_METRICS);
	assert_scrape(response, 1);
	cr_assert_not(silent.is_closed || half.is_closed);
	/* They are given up in the end. */
	run_until_closed(&silent);
	run_until_closed(&half);
	cr_assert_eq(silent.len, 0);
	free(silent.response);
	free(half.response);
}

/* All places are taken by clients that say nothing: it takes a while, but it is served. */
Test(http, more_silent_clients_than_places)
{
	struct client silent[MAX_CONNECTIONS + 2];
	_cleanup_free_ char *response = NULL;
	size_t i;

	start(":0");
	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		client_start(&silent[i], "");
		cr_assert_eq(loop_run_once(loop, 0), 0);
	}
	response = ask(GET_METRICS);
	assert_scrape(response, 1);
	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		run_until_closed(&silent[i]);
		free(silent[i].response);
	}
}

/*
 * More than the sockets hold: one that doesn't take it keeps nobody else, and gets what it was
 * promised.
 */
Test(http, a_slow_reader)
{
	struct client slow;
	_cleanup_free_ char *response = NULL;
	int fd;

	set_text(MAX_RESPONSE - 4096);
	start(":0");
	fd = client_connect(&slow, GET_METRICS);
	while (!nr_scrapes)
		cr_assert_eq(loop_run_once(loop, -1), 0);
	response = ask(GET_METRICS);
	assert_scrape(response, 2);
	watch(&slow, fd);
	run_until_closed(&slow);
	assert_scrape(slow.response, 1);
	free(slow.response);
}

static void stay_ready(void *ctx, uint32_t events __attribute__((unused)))
{
	(*(unsigned int *)ctx)++;
}

/* Something else has always work: the scrape has its turn between. */
Test(http, under_load)
{
	unsigned int nr_rounds = 0;
	struct loop_source busy = {.fd = -1, .fn = stay_ready, .ctx = &nr_rounds};
	_cleanup_close_ int fd = eventfd(1, EFD_CLOEXEC);
	_cleanup_free_ char *response = NULL;

	start(":0");
	cr_assert_eq(loop_add(loop, &busy, fd, EPOLLIN), 0);
	response = ask(GET_METRICS);
	assert_scrape(response, 1);
	cr_assert_gt(nr_rounds, 0);
	cr_assert_lt(nr_rounds, 1000);
}

/* Nothing to do is nothing done: no wake-up without a client. */
Test(http, idle)
{
	struct epoll_event event;
	_cleanup_free_ char *response = NULL;
	int i;

	start(":0");
	response = ask(GET_METRICS);
	for (i = 0; i < 10; i++)
		cr_assert_eq(loop_run_once(loop, 0), 0);
	/* The loop's descriptor is the first that was opened. */
	for (i = 3; epoll_wait(i, &event, 1, 0) < 0; i++)
		cr_assert_lt(i, 1024);
	cr_assert_eq(epoll_wait(i, &event, 1, 0), 0);
}

Test(http, free_with_a_client)
{
	struct client silent;

	start(":0");
	client_start(&silent, "GET /metrics");
	cr_assert_eq(loop_run_once(loop, -1), 0);
	http_free(http);
	http = NULL;
	run_until_closed(&silent);
	free(silent.response);
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Default is this host only. */
Test(http, loopback_by_default)
{
	struct sockaddr_storage address;
	const struct sockaddr_in *in = (struct sockaddr_in *)&address;

	start(":0");
	find_listener(&address);
	cr_assert_eq(in->sin_family, AF_INET);
	cr_assert_eq(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

Test(http, address_in_use)
{
	struct sockaddr_storage address;
	struct http *other = NULL;
	char listen[64];

	start(":0");
	find_listener(&address);
	snprintf(listen, sizeof(listen), ":%d", ntohs(((struct sockaddr_in *)&address)->sin_port));
	cr_assert_eq(http_new(loop, listen, render, &text, &other), -EADDRINUSE);
	cr_assert_null(other);
	check_scrapes();
}

/* The port of one that has served is free at once. */
Test(http, again_at_the_same_port)
{
	struct sockaddr_storage address;
	char listen[64];

	start(":0");
	find_listener(&address);
	snprintf(listen, sizeof(listen), ":%d", ntohs(((struct sockaddr_in *)&address)->sin_port));
	check_scrapes();
	http_free(http);
	http = NULL;
	nr_scrapes = 0;
	start(listen);
	check_scrapes();
}

Test(http, impossible_addresses)
{
	static const struct {
		const char *listen;
		int r;
	} cases[] = {
		{"192.0.2.1:0", -EADDRNOTAVAIL}, /* nobody's: RFC 5737 */
		{"", -EINVAL},
		{"host:80", -EINVAL},
		{"[::1:80", -EINVAL},
		{"[:80", -EINVAL},
		{"unix:/no/such/directory/s", -ENOENT},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(http_new(loop, cases[i].listen, render, &text, &http), cases[i].r,
			     "'%s'", cases[i].listen);
	cr_assert_null(http);
}

/* --- unix sockets ----------------------------------------------------------------------------- */

static char tmp_dir[] = "/tmp/rand-guard-http-XXXXXX";
static char socket_path[sizeof(tmp_dir) + 16];
static char socket_listen[sizeof(socket_path) + 8];

static void set_up_unix(void)
{
	set_up();
	cr_assert(mkdtemp(tmp_dir));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", tmp_dir);
	snprintf(socket_listen, sizeof(socket_listen), "unix:%s", socket_path);
}

static void tear_down_unix(void)
{
	tear_down();
	unlink(socket_path);
	rmdir(tmp_dir);
}

TestSuite(http_unix, .init = set_up_unix, .fini = tear_down_unix, .timeout = 30);

static int bind_other(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

Test(http_unix, scrape)
{
	struct stat st;

	umask(0);
	start(socket_listen);
	cr_assert_eq(umask(0), 0);
	cr_assert_eq(stat(socket_path, &st), 0);
	cr_assert_eq(st.st_mode, S_IFSOCK | 0660);
	check_scrapes();
	http_free(http);
	http = NULL;
	cr_assert_eq(stat(socket_path, &st), -1);
	cr_assert_eq(errno, ENOENT);
}

Test(http_unix, mode_in_spite_of_umask)
{
	struct stat st;

	umask(077);
	start(socket_listen);
	cr_assert_eq(umask(077), 077);
	cr_assert_eq(stat(socket_path, &st), 0);
	cr_assert_eq(st.st_mode, S_IFSOCK | 0660);
}

Test(http_unix, stale_socket)
{
	close(bind_other());
	start(socket_listen);
	check_scrapes();
}

Test(http_unix, socket_in_use)
{
	int fd = bind_other();

	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(http_new(loop, socket_listen, render, &text, &http), -EADDRINUSE);
	cr_assert_eq(access(socket_path, F_OK), 0);
	close(fd);
}

/* Neither served nor removed. */
Test(http_unix, a_file_in_the_way)
{
	struct stat st;

	close(open(socket_path, O_WRONLY | O_CREAT, 0600));
	cr_assert_eq(http_new(loop, socket_listen, render, &text, &http), -EEXIST);
	cr_assert_eq(stat(socket_path, &st), 0);
	cr_assert(S_ISREG(st.st_mode));
}

Test(http_unix, silent_client)
{
	struct client silent;
	_cleanup_free_ char *response = NULL;

	start(socket_listen);
	client_start(&silent, "");
	response = ask(GET_METRICS);
	assert_scrape(response, 1);
	run_until_closed(&silent);
	free(silent.response);
}
