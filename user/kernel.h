/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as a set of descriptors: what the loader hands over, what is pinned, and what an
 * agent finds again that takes over programs which already run. Names are those of the pins.
 */
#ifndef RG_KERNEL_H
#define RG_KERNEL_H

#include "util.h"

enum kernel_map {
	MAP_PROC_TABLE,
	MAP_EXITED_QUEUE,
	MAP_THREAD_TABLE,
	MAP_EXEC_SOURCE,
	MAP_EVENTS,
	MAP_SCRATCH,
	MAP_STATE, /* struct rg_state */
	MAP_CONFIG, /* struct rg_config */
	NR_KERNEL_MAPS,
};

enum kernel_prog {
	PROG_EXIT, /* attached first: see loader.c */
	PROG_FORK,
	PROG_EXEC,
	PROG_PREPARE, /* of these, what the exec source's hook needs */
	PROG_RENAME,
	PROG_ENTER_EXECVE,
	PROG_ENTER_AT,
	PROG_LEAVE_EXECVE,
	PROG_LEAVE_AT,
	PROG_EXIT_AGAIN, /* where the first ones can be skipped; attached behind them */
	PROG_FORK_AGAIN,
	PROG_EXEC_AGAIN,
	PROG_PREPARE_AGAIN,
	NR_KERNEL_HOOKS,
	PROG_CENSUS = NR_KERNEL_HOOKS, /* iterators */
	PROG_THREADS,
	PROG_PROCESSES,
	PROG_STATS,
	NR_KERNEL_PROGS,
};

extern const char *const kernel_map_names[NR_KERNEL_MAPS];
extern const char *const kernel_prog_names[NR_KERNEL_PROGS];

/* Descriptors, -1: not there. link[i] is what attaches prog[i]. */
struct kernel {
	int map[NR_KERNEL_MAPS];
	int prog[NR_KERNEL_PROGS];
	int link[NR_KERNEL_PROGS];
};

#define KERNEL_NR_FDS (sizeof(struct kernel) / sizeof(int))

void kernel_init(struct kernel *kernel);
void kernel_close(struct kernel *kernel);

/* Over a socket: a result, and the descriptors that are there, which stay the sender's. 0 or -errno of sendmsg(2). */
int kernel_send(int to, int result, const struct kernel *kernel);
/* The result that was sent, and the descriptors, the caller's. -EPIPE, with *ret as it was: nothing came. */
int kernel_receive(int from, struct kernel *ret);

#endif
