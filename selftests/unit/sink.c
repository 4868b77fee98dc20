/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Real descriptors of every kind. Each test is a process of its own, so descriptor 1 is free to be
 * replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "../../shared/record.h"
#include "sink.h"

/* A test that blocks is a failed one. */
TestSuite(sink, .timeout = 20);

/* What the tests read back: more than any of them writes. */
static char output[1024 * 1024];
static size_t output_len;

/* Lines of different lengths, so that a write ends within them at every place. */
static size_t pad_len(uint64_t n)
{
	return n * 37 % 900;
}

static void put_line(struct sink *sink, uint64_t n)
{
	char pad[900];
	struct json j;

	memset(pad, 'p', sizeof(pad));
	sink_line_begin(sink, NULL, &j);
	json_object_begin(&j, NULL);
	json_u64(&j, "n", n);
	json_string(&j, "pad", pad, pad_len(n));
	json_object_end(&j);
	json_line_end(&j);
	sink_line_end(sink, &j);
}

static size_t line_text(uint64_t n, char *ret)
{
	char pad[901] = {0};

	memset(pad, 'p', pad_len(n));
	return (size_t)sprintf(ret, "{\"n\":%llu,\"pad\":\"%s\"}\n", (unsigned long long)n, pad);
}

/* How many bytes lines [0, end) have. */
static size_t lines_len(uint64_t end)
{
	char line[1024];
	size_t len = 0;

	while (end--)
		len += line_text(end, line);
	return len;
}

/* The output is lines first, first + 1, ..., end - 1, whole, and nothing else. */
static void assert_lines(uint64_t first, uint64_t end)
{
	char line[1024];
	size_t len, at = 0;

	for (; first < end; first++) {
		len = line_text(first, line);
		cr_assert_leq(at + len, output_len, "line %llu is missing",
			      (unsigned long long)first);
		cr_assert_eq(memcmp(output + at, line, len), 0, "line %llu is not there but '%.*s'",
			     (unsigned long long)first, (int)len, output + at);
		at += len;
	}
	cr_assert_eq(at, output_len);
}

/* Takes what is there, without waiting; bytes. */
static size_t drain(int fd)
{
	size_t before = output_len;
	ssize_t n;

	do {
		n = read(fd, output + output_len, sizeof(output) - output_len);
		if (n > 0)
			output_len += (size_t)n;
	} while (n > 0);
	return output_len - before;
}

/*
 * Until events are there on fd or, if it isn't -1, other can be written: terminals and connections
 * hand bytes over in a thread of the kernel's.
 */
static void wait_for(int fd, short events, int other)
{
	struct pollfd pfds[] = {{.fd = fd, .events = events}, {.fd = other, .events = POLLOUT}};

	cr_assert_gt(poll(pfds, ARRAY_SIZE(pfds), 10000), 0);
}

static void read_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	output_len = 0;
	drain(fd);
}

static void assert_file(const char *path, const char *text)
{
	read_file(path);
	output[output_len] = '\0';
	cr_assert_str_eq(output, text);
}

static struct sink *stdout_sink(int fd)
{
	struct sink *sink = NULL;

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	cr_assert_eq(sink_new_stdout(&sink), 0);
	return sink;
}

static struct sink *file_sink(const char *path)
{
	struct sink *sink = NULL;

	cr_assert_eq(sink_new_file(path, &sink), 0);
	return sink;
}

/* An empty directory of this test's, which is the current one then. */
static void enter_tmp(void)
{
	char dir[] = "/tmp/rand-guard-sink-XXXXXX";

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
}

static void leave_tmp(void)
{
	char command[] = "rm -rf -- \"$PWD\"";

	cr_assert_eq(system(command), 0);
}

/*
 * --- a reader that doesn't read
 * ---------------------------------------------------------------------
 */

/*
 * Writes to an fd that shares its description with the sink until there is no room, then reads at
 * the other end: everything comes, in order, and the description is as it was.
 */
static void check_slow_reader(int writer, int reader)
{
	struct sink *sink = stdout_sink(writer);
	uint64_t n = 0;
	int r;

	cr_assert_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	while (!sink_is_full(sink) || sink_flush(sink) != -EAGAIN || !sink_is_full(sink))
		put_line(sink, n++);
	cr_assert_eq(sink_error(sink), 0);
	cr_assert_eq(sink_nr_lines(sink), n);
	cr_assert_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0, "others' stdout became non-blocking");
	for (r = -EAGAIN; r == -EAGAIN; r = sink_flush(sink)) {
		wait_for(reader, POLLIN, sink_poll_fd(sink));
		drain(reader);
	}
	cr_assert_eq(r, 0);
	cr_assert_not(sink_is_full(sink));
	/* Again from the start: neither order nor room may have suffered. */
	put_line(sink, n++);
	while (sink_flush(sink) == -EAGAIN || output_len < lines_len(n)) {
		wait_for(reader, POLLIN, -1);
		drain(reader);
	}
	assert_lines(0, n);
	cr_assert_eq(sink_nr_failures(sink), 0);
	sink_free(sink);
}

static void make_pipe(int fds[2])
{
	cr_assert_eq(pipe(fds), 0);
	cr_assert_geq(fcntl(fds[1], F_SETPIPE_SZ, 8192), 8192);
}

Test(sink, slow_reader_of_a_pipe)
{
	int fds[2];

	make_pipe(fds);
	check_slow_reader(fds[1], fds[0]);
}

/* As another user's pipe is: it can't be opened anew. */
static void make_unopenable(int fd)
{
	char path[64];

	cr_assert_eq(fchmod(fd, 0), 0);
	if (!geteuid())
		cr_assert_eq(seteuid(65534), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_lt(open(path, O_WRONLY), 0);
}

/* A process that changed its ids can't be traced, and the leak checker does that. */
static void be_root_again(void)
{
	cr_assert_eq(seteuid(getuid()), 0);
	cr_assert_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

Test(sink, slow_reader_of_a_pipe_that_cannot_be_reopened, .fini = be_root_again)
{
	int fds[2];

	make_pipe(fds);
	make_unopenable(fds[1]);
	check_slow_reader(fds[1], fds[0]);
}

Test(sink, slow_reader_of_a_socket)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_slow_reader(fds[1], fds[0]);
}

static void make_tty(int *master, int *slave)
{
	struct termios raw = {0};

	cfmakeraw(&raw); /* a newline stays one byte */
	cr_assert_eq(openpty(master, slave, NULL, &raw, NULL), 0);
}

Test(sink, slow_reader_of_a_tty)
{
	int master, slave;

	make_tty(&master, &slave);
	check_slow_reader(slave, master);
}

/* Opening the master anew would make another terminal. */
Test(sink, tty_master)
{
	int master, slave;
	struct sink *sink;

	make_tty(&master, &slave);
	sink = stdout_sink(master);
	put_line(sink, 0);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	while (output_len < lines_len(1)) {
		wait_for(slave, POLLIN, -1);
		drain(slave);
	}
	assert_lines(0, 1);
	sink_free(sink);
}

/*
 * --- a reader that is gone
 * --------------------------------------------------------------------------
 */

static void check_reader_gone(int writer, int reader)
{
	struct sink *sink = stdout_sink(writer);

	put_line(sink, 0);
	cr_assert_eq(sink_flush(sink), 0);
	wait_for(reader, POLLIN, -1);
	close(reader);
	wait_for(writer, 0, -1); /* for the error or hang-up that is always told */
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), -EPIPE);
	cr_assert_eq(sink_error(sink), -EPIPE);
	cr_assert_eq(sink_flush(sink), -EPIPE);
	cr_assert_eq(sink_nr_failures(sink), 2);
	sink_free(sink);
}

Test(sink, pipe_without_reader)
{
	int fds[2];

	make_pipe(fds);
	check_reader_gone(fds[1], fds[0]);
}

Test(sink, shared_pipe_without_reader, .fini = be_root_again)
{
	int fds[2];

	make_pipe(fds);
	make_unopenable(fds[1]);
	check_reader_gone(fds[1], fds[0]);
}

Test(sink, socket_without_reader)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_reader_gone(fds[1], fds[0]);
}

/* TCP's peer, closed with bytes unread, resets: ECONNRESET. */
Test(sink, connection_that_was_reset)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);

	cr_assert_eq(bind(listener, (struct sockaddr *)&addr, len), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&addr, len), 0);
	check_reader_gone(client, accept(listener, NULL, NULL));
}

Test(sink, tty_that_hung_up)
{
	int master, slave;

	make_tty(&master, &slave);
	check_reader_gone(slave, master);
}

Test(sink, stdout_that_cannot_be_written)
{
	struct sink *sink = NULL;
	int fd = open("/dev/null", O_RDONLY);

	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	cr_assert_eq(sink_new_stdout(&sink), -EBADF);
	close(STDOUT_FILENO);
	cr_assert_eq(sink_new_stdout(&sink), -EBADF);
	cr_assert_null(sink);
}

/*
 * --- stdout that is a file or device
 * ----------------------------------------------------------------
 */

/* Its offset is shared too: what others write before and after stays before and after. */
Test(sink, stdout_is_a_file, .init = enter_tmp, .fini = leave_tmp)
{
	int fd = open("out", O_WRONLY | O_CREAT, 0600);
	struct sink *sink = stdout_sink(fd);
	char expected[4096] = "before\n";

	cr_assert_eq(write(fd, "before\n", 7), 7);
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(write(fd, "after\n", 6), 6);
	line_text(1, expected + 7);
	strcat(expected, "after\n");
	assert_file("out", expected);
	cr_assert_eq(sink_reopen(sink, "out"), 0);
	sink_free(sink);
}

Test(sink, dev_null_takes_all)
{
	struct sink *sink = stdout_sink(open("/dev/null", O_WRONLY));
	uint64_t n;

	for (n = 0; n < 5000; n++)
		put_line(sink, n);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(sink_nr_lines(sink), 5000);
	cr_assert_eq(sink_nr_failures(sink), 0);
	sink_free(sink);
}

Test(sink, dev_full_is_an_error_and_not_full)
{
	struct sink *sink = stdout_sink(open("/dev/full", O_WRONLY));
	uint64_t n;

	put_line(sink, 0);
	cr_assert_eq(sink_error(sink), 0);
	cr_assert_eq(sink_flush(sink), -ENOSPC);
	cr_assert_eq(sink_error(sink), -ENOSPC);
	cr_assert_eq(sink_nr_failures(sink), 1);
	for (n = 1; n < 5000; n++)
		put_line(sink, n);
	cr_assert_not(sink_is_full(sink));
	/* Each line is either kept or counted, and a broken disk is not tried for each. */
	cr_assert_eq(sink_nr_lines(sink) + sink_nr_failures(sink), 5000 + 1);
	cr_assert_gt(sink_nr_failures(sink), 4000);
	cr_assert_eq(sink_flush(sink), -ENOSPC);
	sink_free(sink);
}

/*
 * --- files
 * ------------------------------------------------------------------------------------------
 */

Test(sink, file_is_created_and_appended_to, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink;
	struct stat st;

	umask(0);
	sink = file_sink("out");
	put_line(sink, 0);
	cr_assert_eq(sink_flush(sink), 0);
	sink_free(sink);
	cr_assert_eq(stat("out", &st), 0);
	cr_assert_eq(st.st_mode, S_IFREG | 0640);
	sink = file_sink("out");
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	sink_free(sink);
	read_file("out");
	assert_lines(0, 2);
}

Test(sink, file_that_cannot_be_opened, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = NULL;

	cr_assert_eq(sink_new_file("missing/out", &sink), -ENOENT);
	cr_assert_eq(sink_new_file(".", &sink), -EISDIR);
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(sink_new_file("fifo", &sink), -ENXIO); /* no reader: an error, not a wait */
	cr_assert_null(sink);
}

/* Nobody flushes: a batch of any size finds room all the same. */
Test(sink, a_batch_larger_than_the_buffer, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = file_sink("out");
	uint64_t n;

	for (n = 0; n < 1000; n++)
		put_line(sink, n);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(sink_nr_failures(sink), 0);
	read_file("out");
	assert_lines(0, 1000);
	sink_free(sink);
}

Test(sink, a_drained_buffer_is_used_from_its_start, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = file_sink("out");
	struct json first, second;

	sink_line_begin(sink, NULL, &first);
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	sink_line_begin(sink, NULL, &second);
	cr_assert_eq(first.start, second.start);
	sink_free(sink);
}

static void put_string_line(struct sink *sink, const char *bytes, size_t len)
{
	struct json j;

	sink_line_begin(sink, NULL, &j);
	json_object_begin(&j, NULL);
	json_string(&j, "s", bytes, len);
	json_object_end(&j);
	json_line_end(&j);
	sink_line_end(sink, &j);
}

Test(sink, largest_lines)
{
	static char bytes[RG_RECORD_MAX]; /* zeros: six bytes each */
	struct sink *sink;
	int fds[2];

	make_pipe(fds);
	sink = stdout_sink(fds[1]);
	put_string_line(sink, bytes, sizeof(bytes));
	cr_assert_eq(sink_nr_lines(sink), 1);
	cr_assert_not(sink_is_full(sink));
	put_string_line(sink, bytes, sizeof(bytes));
	cr_assert_eq(sink_nr_lines(sink), 2);
	cr_assert_eq(sink_flush(sink), -EAGAIN);
	cr_assert(sink_is_full(sink));
	/* What the pipe took leaves room for 22 KB, and for no line of 29. */
	put_string_line(sink, bytes, sizeof(bytes) / 2);
	cr_assert_eq(sink_nr_lines(sink), 2);
	cr_assert_eq(sink_nr_failures(sink), 1);
	put_string_line(sink, bytes, sizeof(bytes) / 4);
	cr_assert_eq(sink_nr_lines(sink), 3);
	sink_free(sink);
}

/* It would fit in an empty buffer: but what fits must not depend on what waits. */
Test(sink, a_line_beyond_the_largest_is_dropped, .init = enter_tmp, .fini = leave_tmp)
{
	static char bytes[70000];
	struct sink *sink = file_sink("out");

	memset(bytes, 'x', sizeof(bytes));
	put_line(sink, 0);
	put_string_line(sink, bytes, sizeof(bytes));
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(sink_nr_failures(sink), 1);
	cr_assert_eq(sink_nr_lines(sink), 2);
	read_file("out");
	assert_lines(0, 2);
	sink_free(sink);
}

/*
 * --- a full disk
 * ------------------------------------------------------------------------------------
 */

/* No file grows beyond: a write ends half way, the next one fails with EFBIG. */
static void set_disk_size(rlim_t size_bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size_bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Eight lines on a disk that has room for six and a bit; the last one fits in a file of its own. */
static struct sink *half_written_sink(void)
{
	struct sink *sink = file_sink("out");
	uint64_t n;

	set_disk_size(lines_len(6) + 10);
	for (n = 0; n < 8; n++)
		put_line(sink, n);
	cr_assert_eq(sink_flush(sink), -EFBIG);
	cr_assert_eq(sink_nr_failures(sink), 1);
	read_file("out");
	cr_assert_eq(output_len, lines_len(6) + 10);
	return sink;
}

Test(sink, a_half_written_line_is_finished, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = half_written_sink();

	cr_assert_eq(sink_flush(sink), -EFBIG);
	cr_assert_eq(sink_error(sink), -EFBIG);
	cr_assert_eq(sink_nr_failures(sink), 2);
	set_disk_size(RLIM_INFINITY);
	put_line(sink, 8);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(sink_error(sink), 0);
	cr_assert_eq(sink_nr_failures(sink), 2);
	read_file("out");
	assert_lines(0, 9);
	sink_free(sink);
}

/* The buffer fills while the disk is full: a gap, but no line that isn't whole. */
Test(sink, kept_lines_are_whole_after_a_full_disk, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = half_written_sink();
	uint64_t n;

	for (n = 8; sink_nr_failures(sink) == 1; n++)
		put_line(sink, n);
	cr_assert_eq(sink_nr_lines(sink), n - 1); /* the last one found no room */
	set_disk_size(RLIM_INFINITY);
	cr_assert_eq(sink_flush(sink), 0);
	read_file("out");
	assert_lines(0, n - 1);
	sink_free(sink);
}

Test(sink, half_a_line_is_given_up_at_another_file, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = half_written_sink();

	cr_assert_eq(rename("out", "out.1"), 0);
	cr_assert_eq(sink_reopen(sink, "out"), 0);
	cr_assert_eq(sink_error(sink), 0);
	/* The old file was tried once more, and line 6 is lost. */
	cr_assert_eq(sink_nr_failures(sink), 1 + 1 + 1);
	read_file("out");
	assert_lines(7, 8);
	read_file("out.1");
	cr_assert_eq(output_len, lines_len(6) + 10);
	sink_free(sink);
}

Test(sink, half_a_line_goes_on_in_the_same_file, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = half_written_sink();

	cr_assert_eq(sink_reopen(sink, "out"), 0);
	set_disk_size(RLIM_INFINITY);
	cr_assert_eq(sink_flush(sink), 0);
	read_file("out");
	assert_lines(0, 8);
	sink_free(sink);
}

/* A writer before us was killed on a full disk: its line must not run into ours. */
Test(sink, half_a_line_of_an_earlier_writer, .init = enter_tmp, .fini = leave_tmp)
{
	char expected[1024] = "{\"hal\n";
	int fd = open("out", O_WRONLY | O_CREAT, 0600);
	struct sink *sink;

	cr_assert_eq(write(fd, "{\"hal", 5), 5);
	close(fd);
	sink = file_sink("out");
	cr_assert_eq(sink_flush(sink), 0);
	assert_file("out", "{\"hal"); /* nothing is written without a line */
	put_line(sink, 0);
	cr_assert_eq(sink_flush(sink), 0);
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	line_text(1, expected + 6 + line_text(0, expected + 6));
	assert_file("out", expected);
	/* The same when it is opened by a reopen. */
	fd = open("next", O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(fd, "{\"hal", 5), 5);
	close(fd);
	cr_assert_eq(rename("next", "out"), 0);
	put_line(sink, 1); /* to the old file */
	cr_assert_eq(sink_reopen(sink, "out"), 0);
	put_line(sink, 0);
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	assert_file("out", expected);
	sink_free(sink);
}

/*
 * --- rotation
 * ---------------------------------------------------------------------------------------
 */

Test(sink, reopen_after_rename, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink = file_sink("out");

	put_line(sink, 0);
	cr_assert_eq(sink_flush(sink), 0);
	cr_assert_eq(rename("out", "out.1"), 0);
	put_line(sink, 1);
	cr_assert_eq(sink_reopen(sink, "out"), 0);
	put_line(sink, 2);
	cr_assert_eq(sink_flush(sink), 0);
	read_file("out.1");
	assert_lines(0, 2);
	read_file("out");
	assert_lines(2, 3);
	cr_assert_eq(sink_nr_failures(sink), 0);
	sink_free(sink);
}

Test(sink, failed_reopen_keeps_the_old_file, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink;

	cr_assert_eq(mkdir("logs", 0700), 0);
	sink = file_sink("logs/out");
	put_line(sink, 0);
	cr_assert_eq(rename("logs", "moved"), 0);
	cr_assert_eq(sink_reopen(sink, "logs/out"), -ENOENT);
	put_line(sink, 1);
	cr_assert_eq(sink_flush(sink), 0);
	read_file("moved/out");
	assert_lines(0, 2);
	sink_free(sink);
}

/* Nothing of what a full device kept is lost once the path leads elsewhere. */
Test(sink, from_a_full_device_to_a_file, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *sink;
	uint64_t n;

	cr_assert_eq(symlink("/dev/full", "out"), 0);
	sink = file_sink("out");
	for (n = 0; n < 50; n++)
		put_line(sink, n);
	cr_assert_eq(sink_flush(sink), -ENOSPC);
	cr_assert_eq(sink_flush(sink), -ENOSPC);
	cr_assert_eq(sink_nr_failures(sink), 2);
	cr_assert_eq(unlink("out"), 0);
	cr_assert_eq(sink_reopen(sink, "out"), 0);
	cr_assert_eq(sink_error(sink), 0);
	read_file("out");
	assert_lines(0, 50);
	sink_free(sink);
}

Test(sink, descriptors_are_close_on_exec, .init = enter_tmp, .fini = leave_tmp)
{
	struct sink *file = file_sink("out");
	struct sink *opened = stdout_sink(open("/dev/null", O_WRONLY));
	struct sink *copied = stdout_sink(open("out", O_WRONLY));

	cr_assert_eq(fcntl(sink_poll_fd(file), F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(sink_poll_fd(opened), F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(sink_poll_fd(copied), F_GETFD), FD_CLOEXEC);
	sink_free(file);
	sink_free(opened);
	sink_free(copied);
}
