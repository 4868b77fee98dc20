/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks with a second program, for what the kernel skips the first one for (7.0): here the first ones are taken
 * away, so that the second ones have all to do.
 */
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "config_table.h"
#include "loader.h"
#include "test_table.h"
#include "traits.h"

/* Of the processes below: records by type, and what they say. */
struct heard {
	pid_t executed, threads;
	unsigned int nr_forks, nr_execs, nr_exits, nr_thread_starts, nr_thread_exits;
	uint32_t exec_ppid;
	uint8_t exec_source, exit_known;
};

static int on_record(void *ctx, void *data, size_t size __attribute__((unused)))
{
	struct heard *h = ctx;
	const struct rg_record *hdr = data;
	const struct rg_record_fork *fork = data;
	const struct rg_record_exec *exec = data;
	const struct rg_record_exit *end = data;
	const struct rg_record_thread_start *thread = data;
	const struct rg_record_thread_exit *thread_end = data;

	if (hdr->type == RG_RECORD_FORK) {
		h->nr_forks += fork->child_pid == (uint32_t)h->executed;
	} else if (hdr->type == RG_RECORD_EXEC && exec->pid == (uint32_t)h->executed) {
		h->nr_execs++;
		h->exec_ppid = exec->ppid;
		h->exec_source = exec->source;
	} else if (hdr->type == RG_RECORD_EXIT && end->pid == (uint32_t)h->executed) {
		h->nr_exits++;
		h->exit_known = end->known;
	} else if (hdr->type == RG_RECORD_THREAD_START) {
		h->nr_thread_starts += thread->pid == (uint32_t)h->threads;
	} else if (hdr->type == RG_RECORD_THREAD_EXIT) {
		h->nr_thread_exits += thread_end->pid == (uint32_t)h->threads;
	}
	return 0;
}

static void load(struct kernel *kernel, struct table *table)
{
	struct config *config = config_new_default();
	struct rg_config want;
	size_t i;

	config->process.track_threads = true;
	loader_want(config, &want);
	config_free(config);
	cr_assert_eq(loader_run(&want, kernel), 0);
	memcpy(table->map, kernel->map, sizeof(table->map));
	table->state = mmap(NULL, sizeof(*table->state), PROT_READ | PROT_WRITE, MAP_SHARED,
			    kernel->map[MAP_STATE], 0);
	cr_assert(table->state != MAP_FAILED);
	for (i = PROG_EXIT; i < PROG_EXIT_AGAIN; i++)
		closep(&kernel->link[i]);
	table->state->control.wanted = UINT32_MAX;
}

/* What one try saw: while all were there, and once they had ended. */
struct seen {
	pid_t creator;
	struct rg_proc held[2], ended[2];
	unsigned int nr_held, nr_ended, nr_threads, nr_threads_left;
	uint64_t done_again[RG_NR_AGAIN];
	struct heard heard;
};

/* The second programs can be skipped like the first ones, when one preempts another: then nobody makes up for it. */
static uint64_t nr_skipped(const struct kernel *kernel)
{
	uint64_t sum = 0;
	size_t i;

	for (i = PROG_EXIT_AGAIN; i < NR_KERNEL_PROGS; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (kernel->prog[i] >= 0 && !bpf_obj_get_info_by_fd(kernel->prog[i], &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

static unsigned int count_threads(const struct table *table, pid_t pid, const pid_t tids[3])
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		n += table_has_thread(table, pid, tids[i]);
	return n;
}

static void act(const struct table *table, struct seen *ret)
{
	struct crowd crowd, threads;
	pid_t *held, tids[3];
	size_t i;

	CROWD(&crowd, helper("crowd"), helper("nothing"));
	ret->creator = crowd.pid;
	held = crowd_hold(&crowd, 2); /* the second one executes a file */
	ret->heard.executed = held[1];
	CROWD(&threads, helper("threads"), "hold", "3");
	ret->heard.threads = crowd_number(&threads, "threads");
	for (i = 0; i < 3; i++)
		tids[i] = crowd_number(&threads, "thread");
	cr_assert_str_eq(crowd_hear(&threads), "ok");

	for (i = 0; i < 2; i++)
		ret->nr_held += table_row(table, held[i], &ret->held[i]);
	ret->nr_threads = count_threads(table, ret->heard.threads, tids);
	crowd_end(&threads);
	ret->nr_threads_left = count_threads(table, ret->heard.threads, tids);
	crowd_do(&crowd, "release");
	crowd_end(&crowd);
	for (i = 0; i < 2; i++)
		ret->nr_ended += table_row(table, held[i], &ret->ended[i]);
	memcpy(ret->done_again, (const void *)table->state->stats.done_again, sizeof(ret->done_again));
	free(held);
}

/* False: one was skipped. */
static bool try_second_programs(struct seen *ret)
{
	struct ring_buffer *ring;
	struct kernel kernel;
	struct table table;
	uint64_t skipped;

	*ret = (struct seen){ 0 };
	load(&kernel, &table);
	act(&table, ret);
	ring = ring_buffer__new(kernel.map[MAP_EVENTS], on_record, &ret->heard, NULL);
	cr_assert(ring);
	cr_assert_gt(ring_buffer__consume(ring), 0);
	ring_buffer__free(ring);
	skipped = nr_skipped(&kernel);
	munmap(table.state, sizeof(*table.state));
	kernel_close(&kernel);
	return !skipped;
}

/* Nothing but the second programs: rows, records, exec sources and threads are as ever. */
Test(again, second_programs_alone)
{
	struct traits traits = { 0 };
	unsigned int tries = 0;
	struct seen s;
	size_t i;

	table_needs_host();
	cr_assert_eq(traits_read(&traits), 0);
	if (!traits.skips)
		cr_skip("this kernel skips no program");
	while (!try_second_programs(&s))
		cr_assert_lt(++tries, 10, "one is skipped each time");

	cr_assert_eq(s.nr_held, 2);
	cr_assert_eq(s.held[0].state, RG_PROC_LIVE);
	cr_assert_str_eq(s.held[0].comm, "crowd");
	cr_assert_eq(s.held[1].state, RG_PROC_LIVE);
	cr_assert_str_eq(s.held[1].comm, "exe"); /* of /proc/self/exe */
	cr_assert_eq(s.held[1].ppid, (uint32_t)s.creator);
	cr_assert_not(s.held[1].flags & RG_REBUILT);
	cr_assert_eq(s.nr_threads, 3);
	cr_assert_eq(s.nr_threads_left, 0);
	cr_assert_eq(s.nr_ended, 2);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(s.ended[i].state, RG_PROC_EXITED);
		cr_assert_geq(s.ended[i].exit_time_ns, s.ended[i].start_time_ns);
	}
	cr_assert_eq(s.heard.nr_forks, 1);
	cr_assert_eq(s.heard.nr_execs, 1);
	cr_assert_eq(s.heard.exec_ppid, (uint32_t)s.creator);
	cr_assert_eq(s.heard.exec_source, RG_SYSCALL_EXECVE);
	cr_assert_eq(s.heard.nr_exits, 1);
	cr_assert(s.heard.exit_known);
	cr_assert_eq(s.heard.nr_thread_starts, 3);
	cr_assert_eq(s.heard.nr_thread_exits, 3);
	for (i = 0; i < RG_NR_AGAIN; i++)
		cr_assert_gt(s.done_again[i], 0, "%zu", i);
}
