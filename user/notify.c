/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One datagram a state to the socket that the environment names. Own code: libsystemd would bring
 * liblz4, libzstd and libgcrypt into an agent that has to run where there is no systemd.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "notify.h"

/* A queue that is full at boot gets this long to move; then the message is given up. */
#define SEND_TIMEOUT_SECONDS 1

/*
 * There is one service manager a process, known before there is anything else. It is not connected
 * to, since a socket that is made anew under its name shall get the messages too.
 */
static struct {
	int fd;
	struct sockaddr_un address;
	socklen_t len;
} manager = {.fd = -1};

/*
 * "/PATH", or "@NAME" for an abstract one, which begins with a NUL and ends where its length says.
 */
static bool set_address(const char *name)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof(manager.address.sun_path))
		return false;
	manager.address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(manager.address.sun_path, name, len);
	if (*name == '@')
		manager.address.sun_path[0] = '\0';
	manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
	return true;
}

void notify_open(void)
{
	const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_SECONDS};
	const char *name = getenv("NOTIFY_SOCKET");

	if (!name || !set_address(name))
		return;
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager.fd >= 0)
		setsockopt(manager.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

void notify(const char *state)
{
	/* Nobody can be told that nobody can be told. */
	if (manager.fd >= 0)
		(void)!sendto(manager.fd, state, strlen(state), MSG_NOSIGNAL,
			      (const struct sockaddr *)&manager.address, manager.len);
}

void notify_reloading(void)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	notify(state);
}

uint64_t notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t value;

	/* It may be an environment that was inherited from another service. */
	if (!usec || (pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid()))
		return 0;
	value = strtoull(usec, NULL, 10);
	return value ? MAX(value / 2 / 1000, 1) : 0;
}
