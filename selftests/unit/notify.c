/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket of the test's own stands for systemd. Each test is a process with its own environment.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <criterion/criterion.h>

#include "notify.h"

static char tmp_dir[] = "/tmp/rand-guard-notify-XXXXXX";

static void clear_environment(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

TestSuite(notify, .init = clear_environment, .timeout = 20);

static int listen_at(const char *path, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, len);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		     0);
	return fd;
}

/* Sent is there: a datagram between two sockets of one host isn't on its way. */
static void assert_received(int fd, const char *expected)
{
	char message[256];
	ssize_t n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	cr_assert_geq(n, 0, "nothing came instead of '%s'", expected);
	message[n] = '\0';
	cr_assert_str_eq(message, expected);
}

static void assert_nothing(int fd)
{
	char byte;

	cr_assert_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void assert_reloading(int fd)
{
	uint64_t before = now_us(), after;
	unsigned long long told = 0;
	char message[256];
	ssize_t n;
	int end = 0;

	notify_reloading();
	after = now_us();
	n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);
	cr_assert_gt(n, 0);
	message[n] = '\0';
	cr_assert_eq(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%llu%n", &told, &end), 1, "'%s'",
		     message);
	cr_assert_eq(end, n);
	cr_assert(before <= told && told <= after);
}

static void check_messages(int fd)
{
	notify_open();
	notify("READY=1");
	assert_received(fd, "READY=1");
	assert_reloading(fd);
	notify("WATCHDOG=1");
	notify("STOPPING=1");
	assert_received(fd, "WATCHDOG=1");
	assert_received(fd, "STOPPING=1");
	assert_nothing(fd);
}

/* Also one that is made anew, as when systemd executes itself again. */
Test(notify, a_path)
{
	char path[sizeof(tmp_dir) + 8];
	int fd;

	cr_assert(mkdtemp(tmp_dir));
	snprintf(path, sizeof(path), "%s/socket", tmp_dir);
	fd = listen_at(path, strlen(path) + 1);
	setenv("NOTIFY_SOCKET", path, 1);
	check_messages(fd);
	close(fd);
	unlink(path);
	notify("WATCHDOG=1"); /* to nobody: no harm */
	fd = listen_at(path, strlen(path) + 1);
	notify("READY=1");
	assert_received(fd, "READY=1");
	unlink(path);
	rmdir(tmp_dir);
}

static int listen_abstract(const char *id)
{
	char name[64];

	snprintf(name, sizeof(name), "@rand-guard-%s-%d", id, getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	return listen_at(name, 1 + strlen(name + 1));
}

Test(notify, an_abstract_socket)
{
	check_messages(listen_abstract("notify"));
}

Test(notify, nobody_asked)
{
	notify_open();
	notify("READY=1");
	notify_reloading();
}

Test(notify, a_name_that_is_no_address)
{
	static const char *const names[] = {"", "@", "/", "relative", "vsock:2:1234"};
	char longest[200];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_open();
		notify("READY=1");
	}
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	notify_open();
	notify("READY=1");
}

/* Until it would have to wait. */
static void fill(const struct sockaddr_un *address, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), i;

	for (i = 0; i < 100000; i++)
		if (sendto(fd, "x", 1, 0, (const struct sockaddr *)address, len) < 0)
			return;
	cr_assert_fail("a queue without end");
}

/* A manager that doesn't read holds the agent up for a second, not for ever. */
Test(notify, a_full_queue)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);
	int fd = listen_abstract("notify-full");

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	notify_open();
	fill(&address, len);
	notify("READY=1");
	assert_received(fd, "x");
	notify("READY=1");
}

Test(notify, watchdog)
{
	char pid[32];

	cr_assert_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	cr_assert_eq(notify_watchdog_ms(), 15000);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	cr_assert_eq(notify_watchdog_ms(), 15000);
	snprintf(pid, sizeof(pid), "%d", getppid());
	setenv("WATCHDOG_PID", pid, 1);
	cr_assert_eq(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "500", 1);
	cr_assert_eq(notify_watchdog_ms(), 1);
	setenv("WATCHDOG_USEC", "0", 1);
	cr_assert_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "soon", 1);
	cr_assert_eq(notify_watchdog_ms(), 0);
}
