/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's maps as a test sees them, through an agent's pins, and a crowd of processes for them to hold.
 *
 * The host has processes of its own, which come and go: what is looked at are rows of processes that the test
 * started, and the books, which hold for all.
 */
#ifndef RG_TEST_TABLE_H
#define RG_TEST_TABLE_H

#include "test_agent.h"
#include "kernel.h"
#include "../../shared/stats.h"

/* n, scaled by RAND_GUARD_TEST_SCALE (default 1; slow machines take less); at least 1. */
unsigned int test_count(unsigned int n);

/*
 * First in each of these tests, which fill the table, reuse numbers and count what happens on the whole host:
 * one at a time. Skips like agent_needs_root().
 */
void table_needs_host(void);

/* --- maps --- */

struct table {
	int map[NR_KERNEL_MAPS];
	struct rg_state *state; /* mapped: it stays readable when the agent has gone */
	uint32_t max_rows;
	uint32_t allocated; /* of proc_table */
};

void table_open(struct table *table, const char *pin_path);
void table_close(struct table *table);
#define _cleanup_table_ _cleanup_(table_close)

/* A process's row; false: there is none. */
bool table_row(const struct table *table, pid_t pid, struct rg_proc *ret);
bool table_is_live(const struct table *table, pid_t pid);
/* Those of pids that have a live row. */
unsigned int table_nr_live(const struct table *table, const pid_t *pids, unsigned int nr_pids);
/* All rows, the caller's. */
struct rg_proc *table_rows(const struct table *table, size_t *ret_nr_rows);
void table_delete(const struct table *table, pid_t pid);
bool table_has_thread(const struct table *table, pid_t pid, pid_t tid);
size_t table_nr_threads(const struct table *table);
/* Deletes the rows of everything but this process; how many. What still acts is rebuilt. */
unsigned int table_forget_host(const struct table *table);

/* One moment in which nothing moved. */
struct books {
	struct rg_stats stats;
	uint64_t live, exited; /* as walked */
	uint64_t evicted; /* what is missing in the books: worked out here */
	uint64_t evicted_known; /* what the agent says */
};

void table_books(const struct table *table, struct books *ret);
/* Waits for a count of the agent's that agrees with the walk: then the books balance. It writes health lines. */
void table_balance(const struct table *table, struct agent_test *t, struct books *ret);

/* --- a helper that is spoken to: a line each way --- */

struct crowd {
	pid_t pid;
	int in, out;
	char *text; /* of out, not yet taken */
	size_t len;
};

/* Runs "HELPER ARG..." and speaks to it. */
void crowd_start(struct crowd *crowd, const char *const argv[]);
#define CROWD(crowd, ...) crowd_start(crowd, (const char *const[]){ __VA_ARGS__, NULL })
/* Closes its input, and waits for its end. */
void crowd_end(struct crowd *crowd);
#define _cleanup_crowd_ _cleanup_(crowd_end)

/* Sends a line. */
void crowd_say(struct crowd *crowd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Has it written a line that was not heard yet? */
bool crowd_has_line(struct crowd *crowd);
/* The next line it writes; static. */
const char *crowd_hear(struct crowd *crowd);
/* Its next line is "WORD NUMBER": the number. */
pid_t crowd_number(struct crowd *crowd, const char *word);
/* Sends a line and waits until it says "ok". */
#define crowd_do(crowd, ...)                                     \
	do {                                                     \
		crowd_say(crowd, __VA_ARGS__);                   \
		cr_assert_str_eq(crowd_hear(crowd), "ok");       \
	} while (0)
/* Sends a line, which is answered by "WORD NUMBER" and "ok": the number. */
pid_t crowd_ask(struct crowd *crowd, const char *word, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* n sleepers; their pids, the caller's. */
pid_t *crowd_hold(struct crowd *crowd, unsigned int n);
/* Likewise, whose rows nobody has looked up since their fork. */
pid_t *crowd_rest(struct crowd *crowd, unsigned int n);

/* Looks every millisecond until it holds, for as long as a wait may take. */
#define wait_until(condition)                                                            \
	do {                                                                             \
		uint64_t _until = test_now_ms() + (uint64_t)test_seconds() * 1000;       \
		while (!(condition)) {                                                   \
			cr_assert(test_now_ms() < _until, "never came: %s", #condition); \
			usleep(1000);                                                    \
		}                                                                        \
	} while (0)

#endif
