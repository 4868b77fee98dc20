/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names that rules list, told to the programs: an exec that may raise an alert wakes the reader at once. It is
 * a filter, not the match: a name more costs a wake-up, one that is missing max_delay_ms.
 */
#ifndef RG_SHARED_RULE_NAMES_H
#define RG_SHARED_RULE_NAMES_H

#include "proc.h"

/* Names fall into as many slots: of a dozen rules' names, one other name in ten meets one of them. */
#define RG_NAME_SLOTS 256
/* Rules share bits beyond that. */
#define RG_NAME_RULES 32

/* By slot: bits 1 << rule % RG_NAME_RULES; a rule without names on one side has its bit in all of that side's. */
struct rg_rule_names {
	__u32 process[RG_NAME_SLOTS];
	__u32 parent[RG_NAME_SLOTS];
};

/* Eight bytes of a name without what is behind its NUL, where older kernels leave what they find. */
static inline __attribute__((always_inline)) __u64 rg_name_word(__u64 word)
{
	__u64 nul = (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL;

	return word & (((nul & -nul) >> 7) - 1);
}

/* The slot of a name's first RG_COMM_LEN - 1 bytes, NUL behind them, as two little-endian words. */
static inline __attribute__((always_inline)) __u32 rg_name_slot(const __u64 name[RG_COMM_LEN / 8])
{
	__u64 low = rg_name_word(name[0]), high = 0;

	if (low >> 56)
		high = rg_name_word(name[1]);
	return (low * 0x9e3779b97f4a7c15ULL + high) * 0xc2b2ae3d27d4eb4fULL >> 56;
}

#endif
