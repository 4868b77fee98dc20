/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines collect in buf[head, tail) and leave at its front, as many a write as there are. When the
 * last one is out, writing starts again at the buffer's beginning, so that only as much of it is
 * ever resident as one batch needs. For a transport each line has its length and a header in front.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../shared/record.h"
#include "sink.h"

/*
 * The largest line: an exec record of which each byte takes an escape. 4 KiB are for what the
 * record doesn't have: about 60 keys, numbers of 20 digits, the rule of an alert.
 */
#define LINE_MAX_BYTES \
	(JSON_ESCAPE_MAX * RG_RECORD_MAX + 4096 + sizeof(uint32_t) + TRANSPORT_HEADER_MAX)

/*
 * Two of the largest lines (63,172 bytes each), so that one fits while the other waits; of usual
 * ones, of 900 bytes, about 140.
 */
#define BUF_BYTES (128 * 1024)
_Static_assert(BUF_BYTES >= 2 * LINE_MAX_BYTES, "one line fits while another waits");

/* How not to block. */
enum sink_mode {
	MODE_WRITE, /* the description is our own and non-blocking, or a regular file's */
	MODE_SEND, /* a socket: it can't be reopened, but MSG_DONTWAIT is per call */
	MODE_POLL, /* the description is shared and may block: ask first, write little */
};

struct sink {
	int fd;
	enum sink_mode mode;
	struct transport *transport; /* NULL: stdout or a file; fd is its */
	char *path; /* NULL: stdout, or a transport */
	size_t prefix_len; /* of the line that is being written: length and header */
	size_t head;
	size_t tail;
	int error; /* 0, or the -errno of the last write */
	bool is_blocked; /* the last write said EAGAIN */
	bool is_tty;
	bool is_mid_line; /* what was written last is the beginning of the line at head */
	bool owes_newline; /* the file ends in the half line of an earlier writer */
	uint64_t nr_failures;
	uint64_t nr_lines;
	char buf[BUF_BYTES];
};

/*
 * --- opening
 * ----------------------------------------------------------------------------------------
 */

static int reopen_fd(int fd, int flags)
{
	char path[sizeof("/proc/self/fd/") + 11];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Opening a pseudo terminal's master anew makes another terminal. */
static bool is_pty_master(int fd)
{
	unsigned int number;

	return !ioctl(fd, TIOCGPTN, &number);
}

/*
 * O_NONBLOCK belongs to the open file description, which stdout shares with the shell and whoever
 * else writes there: they must not find it set. Pipes, terminals and other devices are therefore
 * opened anew. A regular file is not, since its offset is in the description too: it never blocks.
 */
static int open_stdout(struct sink *sink, const struct stat *st)
{
	int fd = -1;

	sink->mode = MODE_WRITE;
	if (S_ISSOCK(st->st_mode))
		sink->mode = MODE_SEND;
	else if ((S_ISFIFO(st->st_mode) || S_ISCHR(st->st_mode)) && !is_pty_master(STDOUT_FILENO))
		fd = reopen_fd(STDOUT_FILENO, O_WRONLY);
	if (fd >= 0)
		return fd;
	/* Another user's pipe or terminal, or no /proc: shared, after all. */
	if (!S_ISSOCK(st->st_mode) && !S_ISREG(st->st_mode))
		sink->mode = MODE_POLL;
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd < 0 ? -errno : fd;
}

static struct sink *sink_alloc(void)
{
	struct sink *sink = malloc(sizeof(*sink));

	/* Not calloc(): the buffer stays untouched until it is used. */
	if (!sink)
		return NULL;
	memset(sink, 0, offsetof(struct sink, buf));
	sink->fd = -1;
	return sink;
}

int sink_new_stdout(struct sink **ret)
{
	_cleanup_(sink_freep) struct sink *sink = NULL;
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(STDOUT_FILENO, &st))
		return -errno;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	sink = sink_alloc();
	if (!sink)
		return -ENOMEM;
	sink->is_tty = isatty(STDOUT_FILENO);
	sink->fd = open_stdout(sink, &st);
	if (sink->fd < 0)
		return sink->fd;
	*ret = TAKE_PTR(sink);
	return 0;
}

/* O_NONBLOCK: the path may be a FIFO's. */
static int open_path(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : fd;
}

/* Did a writer before us end within a line, on a full disk or when it was killed? */
static bool ends_within_line(int fd)
{
	_cleanup_close_ int reader = -1;
	struct stat st;
	char last;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	reader = reopen_fd(fd, O_RDONLY);
	return reader >= 0 && pread(reader, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

int sink_new_file(const char *path, struct sink **ret)
{
	_cleanup_(sink_freep) struct sink *sink = sink_alloc();

	if (!sink)
		return -ENOMEM;
	sink->fd = open_path(path);
	if (sink->fd < 0)
		return sink->fd;
	sink->path = strdup(path);
	if (!sink->path)
		return -ENOMEM;
	sink->owes_newline = ends_within_line(sink->fd);
	*ret = TAKE_PTR(sink);
	return 0;
}

int sink_new_transport(enum transport_kind kind, const char *address, struct sink **ret)
{
	_cleanup_(sink_freep) struct sink *sink = sink_alloc();
	int r;

	if (!sink)
		return -ENOMEM;
	r = transport_new(kind, address, &sink->transport);
	if (r)
		return r;
	sink->fd = transport_fd(sink->transport);
	*ret = TAKE_PTR(sink);
	return 0;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->transport)
		transport_free(sink->transport);
	else
		closep(&sink->fd);
	free(sink->path);
	free(sink);
}

/*
 * --- writing
 * ----------------------------------------------------------------------------------------
 */

/* write(2), but never blocking; bytes or -errno. */
static ssize_t write_mode(const struct sink *sink, const char *data, size_t len)
{
	struct pollfd pfd = {.fd = sink->fd, .events = POLLOUT};
	ssize_t n;

	switch (sink->mode) {
	case MODE_SEND:
		n = send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case MODE_POLL:
		/*
		 * A pipe that polls writable has room for PIPE_BUF bytes; a hang-up is write's to
		 * tell.
		 */
		n = poll(&pfd, 1, 0);
		if (!n)
			return -EAGAIN;
		if (n > 0)
			n = write(sink->fd, data, MIN(len, PIPE_BUF));
		break;
	default:
		n = write(sink->fd, data, len);
	}
	return n < 0 ? -errno : n;
}

/* Bytes written, at least 1, or -errno. */
static ssize_t write_some(const struct sink *sink, const char *data, size_t len)
{
	ssize_t n;

	do {
		n = write_mode(sink, data, len);
	} while (n == -EINTR);
	/* A terminal that hung up and a peer that reset: as gone as a pipe without readers. */
	if (n == -ECONNRESET || (n == -EIO && sink->is_tty))
		return -EPIPE;
	return n ? n : -EIO;
}

static int finish_foreign_line(struct sink *sink)
{
	ssize_t n = write_some(sink, "\n", 1);

	if (n < 0)
		return (int)n;
	sink->owes_newline = false;
	return 0;
}

static int write_lines(struct sink *sink)
{
	ssize_t n;

	while (sink->head < sink->tail) {
		n = write_some(sink, sink->buf + sink->head, sink->tail - sink->head);
		if (n < 0)
			return (int)n;
		sink->head += (size_t)n;
		sink->is_mid_line = sink->buf[sink->head - 1] != '\n';
	}
	sink->head = sink->tail = 0;
	return 0;
}

/* What can never be sent is dropped. */
static int send_lines(struct sink *sink)
{
	uint32_t len;
	int r;

	while (sink->head < sink->tail) {
		memcpy(&len, sink->buf + sink->head, sizeof(len));
		r = transport_send(sink->transport, sink->buf + sink->head + sizeof(len), len);
		if (r && r != -EMSGSIZE)
			return r;
		sink->nr_failures += r != 0;
		sink->head += sizeof(len) + len;
	}
	sink->head = sink->tail = 0;
	return 0;
}

int sink_flush(struct sink *sink)
{
	int r = 0;

	if (sink->owes_newline && sink->head < sink->tail)
		r = finish_foreign_line(sink);
	if (!r)
		r = sink->transport ? send_lines(sink) : write_lines(sink);
	sink->is_blocked = r == -EAGAIN;
	sink->error = sink->is_blocked ? 0 : r;
	sink->nr_failures += sink->error != 0;
	return r;
}

/*
 * --- lines
 * ------------------------------------------------------------------------------------------
 */

static size_t room(const struct sink *sink)
{
	return BUF_BYTES - (sink->tail - sink->head);
}

/*
 * What is left of a batch goes to the front: rarely, since it is done only when the room behind is
 * used up.
 */
static void move_to_front(struct sink *sink)
{
	memmove(sink->buf, sink->buf + sink->head, sink->tail - sink->head);
	sink->tail -= sink->head;
	sink->head = 0;
}

/* Its length is known at its end. */
static size_t begin_message(const struct sink *sink, const struct line_tag *tag, char *to)
{
	return sizeof(uint32_t) + transport_header(sink->transport, tag, to + sizeof(uint32_t));
}

void sink_line_begin(struct sink *sink, const struct line_tag *tag, struct json *ret)
{
	size_t size;

	/* What didn't work a moment ago is the caller's to try again, not each line's. */
	if (room(sink) < LINE_MAX_BYTES && !sink->is_blocked && !sink->error)
		sink_flush(sink);
	if (BUF_BYTES - sink->tail < LINE_MAX_BYTES && sink->head)
		move_to_front(sink);
	size = MIN(BUF_BYTES - sink->tail, LINE_MAX_BYTES);
	sink->prefix_len = 0;
	if (sink->transport && size >= sizeof(uint32_t) + TRANSPORT_HEADER_MAX)
		sink->prefix_len = begin_message(sink, tag, sink->buf + sink->tail);
	else if (sink->transport)
		size = 0;
	json_init(ret, sink->buf + sink->tail + sink->prefix_len, size - sink->prefix_len);
}

static void end_message(struct sink *sink, const struct json *json)
{
	uint32_t len = (uint32_t)(sink->prefix_len - sizeof(len) + json_len(json));

	memcpy(sink->buf + sink->tail, &len, sizeof(len));
}

void sink_line_end(struct sink *sink, const struct json *json)
{
	assert(json->start == sink->buf + sink->tail + sink->prefix_len);
	if (json->full) {
		sink->nr_failures++;
		return;
	}
	/* A raw newline ends a line and is nowhere else: is_mid_line rests on it. */
	assert(json->pos > json->start && json->pos[-1] == '\n');
	if (sink->transport)
		end_message(sink, json);
	sink->tail += sink->prefix_len + json_len(json);
	sink->nr_lines++;
}

bool sink_is_full(const struct sink *sink)
{
	return room(sink) < LINE_MAX_BYTES && !sink->error;
}

int sink_error(const struct sink *sink)
{
	return sink->error;
}

int sink_poll_fd(const struct sink *sink)
{
	return sink->fd;
}

uint64_t sink_nr_failures(const struct sink *sink)
{
	return sink->nr_failures;
}

uint64_t sink_nr_lines(const struct sink *sink)
{
	return sink->nr_lines;
}

/*
 * --- rotation
 * ---------------------------------------------------------------------------------------
 */

static bool is_same_file(int a, int b)
{
	struct stat st_a, st_b;

	return !fstat(a, &st_a) && !fstat(b, &st_b) && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

/* The rest of a line whose beginning is in another file. */
static void drop_half_line(struct sink *sink)
{
	const char *newline;

	if (!sink->is_mid_line)
		return;
	newline = memchr(sink->buf + sink->head, '\n', sink->tail - sink->head);
	assert(newline);
	sink->head = (size_t)(newline + 1 - sink->buf);
	sink->is_mid_line = false;
	sink->nr_failures++;
}

int sink_reopen(struct sink *sink, const char *path)
{
	_cleanup_free_ char *new_path = NULL;
	_cleanup_close_ int fd = -1;

	if (sink->transport)
		return transport_set_address(sink->transport, path);
	if (!sink->path || !path)
		return 0;
	new_path = strdup(path);
	if (!new_path)
		return -ENOMEM;
	fd = open_path(path);
	if (fd < 0)
		return fd;
	/* To the old file first: as far as it takes them, lines are where their time says. */
	sink_flush(sink);
	if (!is_same_file(fd, sink->fd)) {
		drop_half_line(sink);
		sink->owes_newline = ends_within_line(fd);
	}
	close(sink->fd);
	sink->fd = TAKE_FD(fd);
	free(sink->path);
	sink->path = TAKE_PTR(new_path);
	sink_flush(sink);
	return 0;
}
