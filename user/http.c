/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libmicrohttpd without a thread of its own: what it waits for is behind one epoll descriptor,
 * which the loop waits for, and it is run when that has something or its next timeout is due.
 * Measured on Debian 12 (0.9.75, which brings GnuTLS and seven more libraries): 2.8 MiB resident,
 * 2.6 MiB of them this process's alone.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http.h"
#include "log.h"

#define LIBRARY "libmicrohttpd.so.12"
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * A scrape is one connection, closed behind the answer, and takes milliseconds; a Prometheus asks
 * one at a time. So these serve a few of them and a person, and a client that says or takes nothing
 * has its place for five seconds, half of what a Prometheus waits by default.
 */
#define MAX_CONNECTIONS 8
#define TIMEOUT_SECONDS 5
/* Of each; a Prometheus's request has 300 bytes, the answer isn't in it. */
#define CONNECTION_MEMORY_BYTES 8192
/* When it wants to be run again at once, it is, this often; then others have their turn. */
#define MAX_RUNS 8

/* What is called of it, as its header has them. */
struct mhd {
	typeof(MHD_start_daemon) *start_daemon;
	typeof(MHD_stop_daemon) *stop_daemon;
	typeof(MHD_get_daemon_info) *get_daemon_info;
	typeof(MHD_run) *run;
	typeof(MHD_get_timeout) *get_timeout;
	typeof(MHD_create_response_from_buffer) *create_response_from_buffer;
	typeof(MHD_add_response_header) *add_response_header;
	typeof(MHD_queue_response) *queue_response;
	typeof(MHD_destroy_response) *destroy_response;
};

#define FUNCTION(name)                                   \
	{                                                \
		"MHD_" #name, offsetof(struct mhd, name) \
	}
static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(start_daemon),	       FUNCTION(stop_daemon),
	FUNCTION(get_daemon_info),     FUNCTION(run),
	FUNCTION(get_timeout),	       FUNCTION(create_response_from_buffer),
	FUNCTION(add_response_header), FUNCTION(queue_response),
	FUNCTION(destroy_response),
};

struct http {
	struct loop *loop;
	struct loop_source on_ready, on_timeout;
	struct mhd mhd;
	struct MHD_Daemon *daemon;
	unsigned int nr_connections; /* after the last run */
	char *socket_path; /* NULL: not a unix socket, or not ours yet */
	http_text_fn fn;
	void *ctx;
};

/* --- answers ---------------------------------------------------------------------------------- */

struct answer {
	unsigned int status;
	struct span body;
	const char *allow; /* NULL: not told */
};

static struct answer plain(unsigned int status, const char *body)
{
	return (struct answer){.status = status, .body = {body, strlen(body)}};
}

static struct answer metrics(const struct http *http)
{
	struct span text = http->fn(http->ctx);

	if (!text.len)
		return plain(MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return (struct answer){.status = MHD_HTTP_OK, .body = text};
}

static struct answer find_answer(const struct http *http, const char *url, const char *method)
{
	struct answer not_allowed = plain(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");

	not_allowed.allow = "GET, HEAD";
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return not_allowed;
	if (!strcmp(url, "/metrics"))
		return metrics(http);
	if (!strcmp(url, "/"))
		return plain(MHD_HTTP_OK, "rand-guard's metrics are at /metrics\n");
	return plain(MHD_HTTP_NOT_FOUND, "not found: rand-guard's metrics are at /metrics\n");
}

/* Without waiting for a body; that of a HEAD's answer is left out by the library. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version __attribute__((unused)),
				  const char *upload __attribute__((unused)),
				  size_t *upload_len __attribute__((unused)),
				  void **request __attribute__((unused)))
{
	struct http *http = ctx;
	struct answer answer = find_answer(http, url, method);
	struct MHD_Response *response;
	enum MHD_Result r;

	/* Copied: the next scrape may begin before a slow client has taken this one. */
	response = http->mhd.create_response_from_buffer(answer.body.len, (void *)answer.body.data,
							 MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	http->mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE);
	http->mhd.add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (answer.allow)
		http->mhd.add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer.allow);
	r = http->mhd.queue_response(connection, answer.status, response);
	http->mhd.destroy_response(response);
	return r;
}

/* --- the socket ------------------------------------------------------------------------------- */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* What is before the last colon, without brackets; config has checked it. */
static int parse_host(const char *host, in_port_t port, struct address *ret)
{
	if (inet_pton(AF_INET, *host ? host : "127.0.0.1", &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = port;
		ret->len = sizeof(ret->v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) != 1)
		return -EINVAL;
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = port;
	ret->len = sizeof(ret->v6);
	return 0;
}

static int parse_listen(const char *listen, struct address *ret)
{
	const char *colon = strrchr(listen, ':');
	bool brackets = *listen == '[';
	char host[INET6_ADDRSTRLEN];
	size_t len;

	*ret = (struct address){0};
	if (!strncmp(listen, "unix:", strlen("unix:"))) {
		ret->un.sun_family = AF_UNIX;
		ret->len = sizeof(ret->un);
		len = (size_t)snprintf(ret->un.sun_path, sizeof(ret->un.sun_path), "%s",
				       listen + strlen("unix:"));
		return len < sizeof(ret->un.sun_path) ? 0 : -ENAMETOOLONG;
	}
	len = colon ? (size_t)(colon - listen) : sizeof(host);
	if (len >= sizeof(host) || (brackets && (len < 2 || colon[-1] != ']')))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(len - 2 * brackets), listen + brackets);
	return parse_host(host, htons((uint16_t)strtoul(colon + 1, NULL, 10)), ret);
}

/*
 * A socket's file outlives its listener: one that nobody listens at is removed, everything else
 * stays. 0: there is nothing there now.
 */
static int remove_stale(const struct address *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->un.sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, &address->any, address->len) || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->un.sun_path) ? -errno : 0;
}

/* The file is made with its mode, so that there is no moment in which others may use it. */
static int bind_unix(struct http *http, int fd, const struct address *address)
{
	mode_t old;
	int r;

	r = remove_stale(address);
	if (r)
		return r;
	old = umask(0117);
	r = bind(fd, &address->any, address->len) ? -errno : 0;
	umask(old);
	if (r)
		return r;
	http->socket_path = strdup(address->un.sun_path);
	return http->socket_path ? 0 : -ENOMEM;
}

/* The port of an agent that has just ended is free. */
static int bind_inet(int fd, const struct address *address)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, &address->any, address->len) ? -errno : 0;
}

static int open_socket(struct http *http, const char *where, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct address address;
	int r;

	r = parse_listen(where, &address);
	if (r)
		return r;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = address.any.sa_family == AF_UNIX ? bind_unix(http, fd, &address)
					     : bind_inet(fd, &address);
	if (r)
		return r;
	if (listen(fd, MAX_CONNECTIONS))
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

/* --- in the loop ------------------------------------------------------------------------------ */

static unsigned int count_connections(struct http *http)
{
	const union MHD_DaemonInfo *info =
		http->mhd.get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

/*
 * In how many ms it is to be run again, if nothing comes before that; 0: at once, -1: it needn't.
 */
static int64_t run_once(struct http *http)
{
	unsigned int before = http->nr_connections;
	MHD_UNSIGNED_LONG_LONG ms;

	http->mhd.run(http->daemon);
	http->nr_connections = count_connections(http);
	/*
	 * It stops listening while all places are taken, and begins again in the run after the one
	 * that freed a place, for which it doesn't ask.
	 */
	if (http->nr_connections != before)
		return 0;
	return http->mhd.get_timeout(http->daemon, &ms) == MHD_YES ? (int64_t)ms : -1;
}

static void run(void *ctx, uint32_t events __attribute__((unused)))
{
	struct http *http = ctx;
	int64_t ms = 0;
	int i;

	for (i = 0; i < MAX_RUNS && !ms; i++)
		ms = run_once(http);
	loop_set_timer(&http->on_timeout, ms < 0 ? 0 : (uint64_t)MAX(ms, 1), 0);
}

static int join_loop(struct http *http)
{
	const union MHD_DaemonInfo *info =
		http->mhd.get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -EOPNOTSUPP;
	r = loop_add_timer(http->loop, &http->on_timeout);
	if (r)
		return r;
	return loop_add(http->loop, &http->on_ready, info->epoll_fd, EPOLLIN);
}

/* The socket is the library's from here on, also if it fails. */
static int start_daemon(struct http *http, int fd)
{
	errno = 0;
	http->daemon = http->mhd.start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
		MHD_OPTION_END);
	if (!http->daemon)
		return errno ? -errno : -EOPNOTSUPP;
	return join_loop(http);
}

/* --- start and end ---------------------------------------------------------------------------- */

/*
 * Never closed: the agent ends when it would be, and the leak checker of a sanitized build crashes
 * over thread-local storage that is gone with GnuTLS.
 */
static int open_library(struct mhd *ret)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	size_t i;

	if (!library) {
		log_error("metrics.listen: %s; install libmicrohttpd12 or turn metrics.listen off",
			  dlerror());
		return -ENOENT;
	}
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function) {
			log_error("metrics.listen: " LIBRARY " has no %s", functions[i].name);
			return -ENOENT;
		}
		memcpy((char *)ret + functions[i].offset, &function, sizeof(function));
	}
	return 0;
}

static void http_freep(struct http **http)
{
	http_free(*http);
}

int http_new(struct loop *loop, const char *listen, http_text_fn fn, void *ctx, struct http **ret)
{
	_cleanup_(http_freep) struct http *http = malloc(sizeof(*http));
	int fd = -1, r;

	if (!http)
		return -ENOMEM;
	*http = (struct http){
		.loop = loop,
		.on_ready = {.fd = -1, .fn = run, .ctx = http},
		.on_timeout = {.fd = -1, .fn = run, .ctx = http},
		.fn = fn,
		.ctx = ctx,
	};
	r = open_library(&http->mhd);
	if (r)
		return r;
	r = open_socket(http, listen, &fd);
	if (!r)
		r = start_daemon(http, fd);
	if (r) {
		log_error("metrics.listen: cannot listen at '%s': %s", listen, strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(http);
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	loop_remove(http->loop, &http->on_ready);
	loop_remove(http->loop, &http->on_timeout);
	if (http->socket_path)
		unlink(http->socket_path);
	if (http->daemon)
		http->mhd.stop_daemon(http->daemon);
	free(http->socket_path);
	free(http);
}
