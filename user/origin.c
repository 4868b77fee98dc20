/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>

#include "origin.h"

/* Without the newline. */
static void read_boot_id(char *ret, size_t size)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

	ret[MAX(n, 0)] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

struct origin origin_read(const char *agent_id)
{
	struct origin origin = { .agent_id = agent_id };

	uname(&origin.host);
	read_boot_id(origin.boot_id, sizeof(origin.boot_id));
	return origin;
}
