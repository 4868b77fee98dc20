/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records into the ring: appended to in scratch, sent whole, what doesn't fit is counted by type. */
#ifndef RG_RECORD_BPF_H
#define RG_RECORD_BPF_H

#include "proc_table.bpf.h"

/* Its size is set by userspace before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events __weak SEC(".maps");

/* The agent's own processes' records are left out: they would be about writing records. */
static __always_inline bool record__is_wanted(enum rg_record_type type, __u32 pid)
{
	return (rg_state.control.wanted & (1 << type)) && pid != rg_state.control.agent_pid;
}

static __always_inline void record__begin_at(struct rg_record *hdr, enum rg_record_type type,
					     __u32 size, __u64 timestamp_ns)
{
	hdr->size_bytes = size;
	hdr->timestamp_ns = timestamp_ns;
	hdr->abi = RG_ABI_VERSION;
	hdr->type = type;
}

static __always_inline void record__begin(struct rg_record *hdr, enum rg_record_type type,
					  __u32 size)
{
	record__begin_at(hdr, type, size, bpf_ktime_get_boot_ns());
}

/*
 * How long the record in scratch is so far. It is kept there and read anew each time: in a register the
 * verifier would follow each value it can have through all that comes, up to its limit.
 */
static __always_inline __u32 record__size(const struct scratch *s)
{
	return *(const volatile __u32 *)&((const struct rg_record *)s->record)->size_bytes;
}

static __always_inline void record__grow(struct scratch *s, __u32 len)
{
	*(volatile __u32 *)&((struct rg_record *)s->record)->size_bytes = record__size(s) + len;
}

/*
 * A string, from scratch, behind what the record holds; at most RG_PATH_MAX - 1 bytes. By words, which takes no
 * call; what comes with them from behind its end is written over by the next string, or isn't sent.
 */
static __always_inline void record__append(struct scratch *s, const void *string, __u32 len)
{
	const __u64 *word = string;
	__u32 offset = record__size(s), i;

	len &= RG_PATH_MAX - 1;
	if (offset > RG_RECORD_BASE_MAX - RG_PATH_MAX)
		return;
_Pragma("clang loop unroll(disable)") /* most strings have six words, not 32 */
	for (i = 0; i < RG_PATH_MAX / sizeof(*word) && i * sizeof(*word) < len; i++)
		*(__u64 *)&s->record[offset + i * sizeof(*word)] = word[i];
	record__grow(s, len);
}

/* What scratch has room for; its size follows what is collected. */
static __always_inline __u32 record__max(void)
{
	return rg_config.collect_args || rg_config.collect_env ? RG_RECORD_MAX : RG_RECORD_BASE_MAX;
}

static __always_inline bool record__is_wakeup_due(__u32 wake, bool urgent)
{
	if (wake != RG_WAKE_FULL)
		return wake == RG_WAKE_NEXT;
	return urgent || bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= rg_config.wakeup_bytes;
}

/*
 * A wake-up costs more than all else here, so there is one when the reader has asked for the very next
 * record, or for the one that fills the ring to wakeup_bytes or is urgent; then it is awake, and asks anew before
 * it sleeps.
 *
 * Whether it asked is looked at when the record can be seen, and the reader looks for records when it has asked:
 * so one of the two sees the other. An empty record that is dropped carries the wake-up.
 */
static __always_inline void record__wake_up(bool urgent)
{
	__u32 wake = *(volatile __u32 *)&rg_state.control.wake;
	void *empty;

	if (!record__is_wakeup_due(wake, urgent) ||
	    __sync_val_compare_and_swap(&rg_state.control.wake, wake, RG_WAKE_NEVER) != wake)
		return;
	empty = bpf_ringbuf_reserve(&events, sizeof(__u64), 0);
	if (empty)
		bpf_ringbuf_discard(empty, BPF_RB_FORCE_WAKEUP);
	else
		rg_state.control.wake = wake; /* for the next record */
}

static __always_inline void record__send(struct rg_record *hdr, enum rg_record_type type, __u32 size,
					 bool urgent)
{
	/* The first can't be; the verifier wants to see it. */
	if (size > record__max() || bpf_ringbuf_output(&events, hdr, size, BPF_RB_NO_WAKEUP))
		RG_STAT_INC(ring_lost[type]);
	else
		RG_STAT_INC(submitted[type]);
	record__wake_up(urgent);
}

/* The one in scratch. */
static __always_inline void record__submit(struct scratch *s, enum rg_record_type type, bool urgent)
{
	record__send((struct rg_record *)s->record, type, record__size(s), urgent);
}

#endif
