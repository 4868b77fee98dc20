/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>

#include "counters.h"

uint64_t counters_sum(const uint64_t by_type[RG_NR_RECORD_TYPES])
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < RG_NR_RECORD_TYPES; i++)
		sum += by_type[i];
	return sum;
}

struct counters_memory counters_memory(void)
{
	_cleanup_close_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long pages = 0, resident = 0;
	char buf[128];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	buf[MAX(n, 0)] = '\0';
	if (sscanf(buf, "%lu %lu", &pages, &resident) != 2)
		return (struct counters_memory){ 0 };
	return (struct counters_memory){ .resident_bytes = resident * page_bytes,
					 .virtual_bytes = pages * page_bytes };
}
