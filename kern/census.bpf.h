/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows counted one by one, as a walk over a table finds them. */
#ifndef RG_CENSUS_BPF_H
#define RG_CENSUS_BPF_H

#include "compat.bpf.h"

#define RG_CENSUS_INC(field) __sync_fetch_and_add(&rg_state.census.field, 1)

static __always_inline void census__count(const struct rg_proc *row)
{
	if (row->state == RG_PROC_LIVE)
		RG_CENSUS_INC(live);
	else
		RG_CENSUS_INC(exited);
}

#endif
