/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * iter/bpf_map_elem: what is in the maps, for userspace to count and for people to read with cat.
 * Walking doesn't change the LRU's order.
 */
#include "census.bpf.h"
#include "proc_table.bpf.h"
#include "thread_table.bpf.h"

/* Over the process table. */
SEC("iter/bpf_map_elem")
int on_census(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct rg_proc *row = ctx->value;

	if (row)
		census__count(row);
	return 0;
}

/* Over the thread table. */
SEC("iter/bpf_map_elem")
int on_threads(struct bpf_iter__bpf_map_elem *ctx)
{
	if (ctx->value)
		RG_CENSUS_INC(threads);
	return 0;
}

static __always_inline const char *inspect__state(enum rg_proc_state state)
{
	return state == RG_PROC_LIVE ? "live" : "exited";
}

/* Bytes of a name that are looked at together. */
#define INSPECT_PIECE RG_COMM_LEN

/* Names may hold anything: what would drive a terminal, or end the line, is shown as '?'. */
static __always_inline void inspect__read_piece(const char *name, char *ret)
{
	int i;

	bpf_probe_read_kernel(ret, INSPECT_PIECE, name);
	for (i = 0; i < INSPECT_PIECE; i++)
		if ((ret[i] > 0 && ret[i] < 0x20) || ret[i] == 0x7f)
			ret[i] = '?';
}

static __always_inline void inspect__print_exe(struct seq_file *seq, const struct rg_proc *row)
{
	char piece[INSPECT_PIECE];
	__u32 at, len = row->exe_len;

	for (at = 0; at < RG_PATH_MAX && at < len; at += INSPECT_PIECE) {
		inspect__read_piece(row->exe + at, piece);
		bpf_seq_write(seq, piece, len - at < INSPECT_PIECE ? len - at : INSPECT_PIECE);
	}
}

/* Over the process table: "processes". */
SEC("iter/bpf_map_elem")
int on_processes(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct rg_proc *row = ctx->value;
	char comm[RG_COMM_LEN];

	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(seq, "%7s %7s %-6s %9s %12s  %-15s %s\n", "PID", "PPID", "STATE", "UID",
			       "START", "COMM", "EXE");
	if (!row)
		return 0;
	inspect__read_piece(row->comm, comm);
	BPF_SEQ_PRINTF(seq, "%7u %7u %-6s %9u %12llu  %-15s ", row->pid, row->ppid,
		       inspect__state(row->state), row->uid, row->start_time_ns / 1000000000, comm);
	inspect__print_exe(seq, row);
	BPF_SEQ_PRINTF(seq, "\n");
	return 0;
}

#define RG_PRINT(seq, name, value) BPF_SEQ_PRINTF(seq, "%-26s %llu\n", name, value)
#define RG_PRINT_STAT(seq, field) RG_PRINT(seq, #field, rg_state.stats.field)
#define RG_PRINT_TYPE(seq, name, type)                                       \
	RG_PRINT(seq, "submitted_" name, rg_state.stats.submitted[type]); \
	RG_PRINT(seq, "lost_" name, rg_state.stats.ring_lost[type])

static __always_inline void inspect__print_tables(struct seq_file *seq)
{
	RG_PRINT_STAT(seq, inserted);
	RG_PRINT_STAT(seq, deleted);
	RG_PRINT_STAT(seq, reclaimed);
	RG_PRINT(seq, "evicted", rg_state.control.evicted);
	RG_PRINT_STAT(seq, insert_failed);
	RG_PRINT_STAT(seq, lookup_misses);
	RG_PRINT_STAT(seq, stale_identity);
	RG_PRINT_STAT(seq, stale_images);
	RG_PRINT_STAT(seq, rebuilt);
	RG_PRINT_STAT(seq, torn);
	RG_PRINT_STAT(seq, queue_failed);
	RG_PRINT_STAT(seq, threads_inserted);
	RG_PRINT_STAT(seq, threads_deleted);
	RG_PRINT(seq, "threads_evicted", rg_state.control.threads_evicted);
	RG_PRINT_STAT(seq, threads_insert_failed);
}

static __always_inline void inspect__print_records(struct seq_file *seq)
{
	RG_PRINT_STAT(seq, nr_pending_sources);
	RG_PRINT_STAT(seq, sources_refused);
	RG_PRINT_STAT(seq, sources_failed);
	RG_PRINT_TYPE(seq, "process_relationship", RG_RECORD_FORK);
	RG_PRINT_TYPE(seq, "process_start", RG_RECORD_EXEC);
	RG_PRINT_TYPE(seq, "process_exit", RG_RECORD_EXIT);
	RG_PRINT_TYPE(seq, "thread_start", RG_RECORD_THREAD_START);
	RG_PRINT_TYPE(seq, "thread_exit", RG_RECORD_THREAD_EXIT);
	RG_PRINT_STAT(seq, args_unreadable);
	RG_PRINT_STAT(seq, env_unreadable);
	RG_PRINT_STAT(seq, cwd_unreadable);
	RG_PRINT_STAT(seq, exe_unreadable);
	RG_PRINT_STAT(seq, filename_unreadable);
}

/* Over the map of the counters, which has one element: "stats". */
SEC("iter/bpf_map_elem")
int on_stats(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;

	if (!ctx->value)
		return 0;
	inspect__print_tables(seq);
	inspect__print_records(seq);
	return 0;
}
