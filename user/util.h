/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ownership by attribute, and the few helpers that every file needs. */
#ifndef RG_UTIL_H
#define RG_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Of values: an argument is evaluated twice. */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/* The value of a pointer or descriptor that is given away: the owner's copy is emptied. */
#define TAKE_PTR(p)                    \
	({                             \
		typeof(p) _taken = (p); \
		(p) = NULL;            \
		_taken;                \
	})
#define TAKE_FD(fd)            \
	({                     \
		int _taken = (fd); \
		(fd) = -1;     \
		_taken;        \
	})

/* What that clock says now. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Bytes that need no NUL; len 0 is "none" or "unknown". */
struct span {
	const char *data;
	size_t len;
};

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
