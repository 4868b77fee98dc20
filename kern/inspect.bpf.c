/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/bpf_map_elem over the table: a census of its rows. Walking doesn't change the LRU's order. */
#include "proc_table.bpf.h"

extern struct rg_census rg_census;

SEC("iter/bpf_map_elem")
int on_census(struct bpf_iter__bpf_map_elem *ctx)
{
	struct rg_proc *row = ctx->value;

	if (!row)
		return 0;
	if (row->state == RG_PROC_LIVE)
		__sync_fetch_and_add(&rg_census.live, 1);
	else
		__sync_fetch_and_add(&rg_census.exited, 1);
	return 0;
}
