/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks with a second program, for what the kernel skips the first one for (7.0): here the first ones are taken
 * away, so that the second ones have all to do.
 */
#include <sys/mman.h>

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

/* Nothing but the second programs: rows, records, exec sources and threads are as ever. */
Test(again, second_programs_alone)
{
	struct ring_buffer *ring;
	struct traits traits = { 0 };
	struct heard heard = { 0 };
	struct kernel kernel;
	struct crowd crowd, threads;
	struct table table;
	struct rg_proc row;
	pid_t creator, *held, tids[3];
	size_t i;

	table_needs_host();
	cr_assert_eq(traits_read(&traits), 0);
	if (!traits.skips)
		cr_skip("this kernel skips no program");
	load(&kernel, &table);
	CROWD(&crowd, helper("crowd"), helper("nothing"));
	creator = crowd.pid;
	held = crowd_hold(&crowd, 2); /* the second one executes a file */
	heard.executed = held[1];
	CROWD(&threads, helper("threads"), "hold", "3");
	heard.threads = crowd_number(&threads, "threads");
	for (i = 0; i < 3; i++)
		tids[i] = crowd_number(&threads, "thread");
	cr_assert_str_eq(crowd_hear(&threads), "ok");

	cr_assert(table_row(&table, held[0], &row));
	cr_assert_eq(row.state, RG_PROC_LIVE);
	cr_assert_str_eq(row.comm, "crowd");
	cr_assert(table_row(&table, held[1], &row));
	cr_assert_eq(row.state, RG_PROC_LIVE);
	cr_assert_str_eq(row.comm, "exe"); /* of /proc/self/exe */
	cr_assert_eq(row.ppid, (uint32_t)creator);
	cr_assert_not(row.flags & RG_REBUILT);
	for (i = 0; i < 3; i++)
		cr_assert(table_has_thread(&table, threads.pid, tids[i]));
	crowd_end(&threads);
	for (i = 0; i < 3; i++)
		cr_assert_not(table_has_thread(&table, heard.threads, tids[i]));
	crowd_do(&crowd, "release");
	crowd_end(&crowd);
	for (i = 0; i < 2; i++) {
		cr_assert(table_row(&table, held[i], &row));
		cr_assert_eq(row.state, RG_PROC_EXITED);
		cr_assert_geq(row.exit_time_ns, row.start_time_ns);
	}

	ring = ring_buffer__new(kernel.map[MAP_EVENTS], on_record, &heard, NULL);
	cr_assert(ring);
	cr_assert_gt(ring_buffer__consume(ring), 0);
	ring_buffer__free(ring);
	cr_assert_eq(heard.nr_forks, 1);
	cr_assert_eq(heard.nr_execs, 1);
	cr_assert_eq(heard.exec_ppid, (uint32_t)creator);
	cr_assert_eq(heard.exec_source, RG_SYSCALL_EXECVE);
	cr_assert_eq(heard.nr_exits, 1);
	cr_assert(heard.exit_known);
	cr_assert_eq(heard.nr_thread_starts, 3);
	cr_assert_eq(heard.nr_thread_exits, 3);
	for (i = 0; i < RG_NR_AGAIN; i++)
		cr_assert_gt(table.state->stats.done_again[i], 0, "%zu", i);
	free(held);
	munmap(table.state, sizeof(*table.state));
	kernel_close(&kernel);
}
