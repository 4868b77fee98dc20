/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A creator and its ancestors, kept from one exec to the next: to look each of them up costs more than anything
 * else in an exec's program, and who starts a process mostly starts many.
 *
 * Identities and creators stay as they are for good, and a name changes only where a row is written. That is
 * counted when the process may have made others (RG_HAS_CREATED), so a lineage holds until somebody in some
 * lineage changed. A row that was evicted meanwhile does not make it wrong.
 */
#ifndef RG_LINEAGE_BPF_H
#define RG_LINEAGE_BPF_H

#include "proc_table.bpf.h"

static __always_inline bool lineage__holds(const struct rg_lineage *lineage, const struct rg_proc *creator)
{
	return lineage->start_time_ns == creator->start_time_ns && lineage->of[0].pid == creator->pid &&
	       lineage->creators_written == *(volatile __u64 *)&rg_state.control.creators_written;
}

/* From the creator in row on, which is overwritten; a row that is there no more ends the line. */
static __always_inline void lineage__make(struct rg_lineage *lineage, struct rg_proc *row)
{
	struct rg_ancestor *ancestor;
	struct rg_proc *in_table;
	__u64 start_time_ns;
	__u32 i, pid;

	/* Before any row is read, in every CPU's eyes. */
	lineage->creators_written = __sync_fetch_and_add(&rg_state.control.creators_written, 0);
	lineage->start_time_ns = row->start_time_ns;
	for (i = 0; i < RG_MAX_ANCESTORS; i++) {
		ancestor = &lineage->of[i];
		ancestor->pid = row->pid;
		__builtin_memcpy(ancestor->comm, row->comm, RG_COMM_LEN);
		lineage->nr = i + 1;
		if (!row->ppid || i + 1 == RG_MAX_ANCESTORS)
			return;
		pid = row->ppid;
		start_time_ns = row->parent_start_time_ns;
		in_table = proc_table__find(pid, start_time_ns);
		if (!in_table)
			return; /* gone; if it lives, it comes back as a row that counts */
		if (!proc_table__copy_head(in_table, row) || !proc_table__is(row, pid, start_time_ns))
			break;
	}
	lineage->start_time_ns = 0; /* nobody's: the next one may read the row whole */
}

/* From the creator in row on, which may be overwritten. */
static __always_inline void lineage__get(struct rg_lineage *lineage, struct rg_proc *row)
{
	if (!lineage__holds(lineage, row))
		lineage__make(lineage, row);
	else /* its own copy may be newer than the count was */
		__builtin_memcpy(lineage->of[0].comm, row->comm, RG_COMM_LEN);
}

#endif
