/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is a copy of a row whole?
 *
 * The LRU gives a row's memory to another process without waiting for who still reads or writes it. A
 * checksum over what names the process finds every mix, in whatever order the bytes came: of two
 * processes, since pid and start time are in it, and of two images of one. 64 bits against accidents.
 */
#ifndef RG_ROW_SUM_BPF_H
#define RG_ROW_SUM_BPF_H

#include "compat.bpf.h"

/* An odd constant (2^64 / golden ratio): multiplying by it loses nothing. */
#define ROW_SUM_MULTIPLIER 0x9e3779b97f4a7c15ULL

static __always_inline __u64 row_sum__mix(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * ROW_SUM_MULTIPLIER;
	return sum ^ (sum >> 32);
}

static __always_inline __u64 row_sum__of_exe(const struct rg_proc *row)
{
	const __u64 *word = (const __u64 *)row->exe;
	__u64 sum = row->exe_len;
	__u32 i;

	for (i = 0; i < RG_PATH_MAX / sizeof(__u64) && i * sizeof(__u64) < row->exe_len; i++)
		sum = row_sum__mix(sum, word[i]);
	return sum;
}

/* Powers of it, odd as it is: each word has one of its own, so none waits for another. */
#define ROW_SUM_2 (ROW_SUM_MULTIPLIER * ROW_SUM_MULTIPLIER)
#define ROW_SUM_3 (ROW_SUM_2 * ROW_SUM_MULTIPLIER)
#define ROW_SUM_4 (ROW_SUM_3 * ROW_SUM_MULTIPLIER)
#define ROW_SUM_5 (ROW_SUM_4 * ROW_SUM_MULTIPLIER)
#define ROW_SUM_6 (ROW_SUM_5 * ROW_SUM_MULTIPLIER)
#define ROW_SUM_7 (ROW_SUM_6 * ROW_SUM_MULTIPLIER)

static __always_inline __u64 row_sum__of_head(const struct rg_proc *row)
{
	__u64 lens = (__u64)row->ppid << 32 | (__u32)row->exec_id << 16 | row->exe_len;
	const __u64 *comm = (const __u64 *)row->comm;
	__u64 sum = row->start_time_ns * ROW_SUM_MULTIPLIER + row->pid * ROW_SUM_2 +
		    row->parent_start_time_ns * ROW_SUM_3 + lens * ROW_SUM_4 + comm[0] * ROW_SUM_5 +
		    comm[1] * ROW_SUM_6 + row->exe_sum * ROW_SUM_7;

	return sum ^ (sum >> 32);
}

static __always_inline void row_sum__set_exe(struct rg_proc *row)
{
	row->exe_sum = row_sum__of_exe(row);
}

#endif
