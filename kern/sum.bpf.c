/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * iter/bpf_map_elem, where a map says how many elements it has (6.6): on_census and on_threads that also ask.
 *
 * An object of its own, with the state of the other one: where that function isn't there, libbpf would look for it in
 * all modules, which needs more privileges than the agent has.
 */
#include "census.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct rg_state rg_state = {};

extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym;

/* Over the process table; the last call, behind the last row, has no value. */
SEC("iter/bpf_map_elem")
int on_census_sum(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct rg_proc *row = ctx->value;

	if (row) {
		census__count(row);
		return 0;
	}
	rg_state.census.rows_counted = bpf_map_sum_elem_count(ctx->map);
	rg_state.census.is_counted = 1;
	return 0;
}

/* Over the thread table. */
SEC("iter/bpf_map_elem")
int on_threads_sum(struct bpf_iter__bpf_map_elem *ctx)
{
	if (ctx->value)
		RG_CENSUS_INC(threads);
	else
		rg_state.census.threads_counted = bpf_map_sum_elem_count(ctx->map);
	return 0;
}
