// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What can't be avoided, each on its own: attached hooks, one row into an LRU hash, one task storage, three
 * records into a ring. What the agent adds is measured against these, in the same run.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../../shared/record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The agent's records with a path of 30 bytes and five ancestors. */
#define FORK_BYTES (sizeof(struct rg_record_fork) + 30)
#define EXEC_BYTES (sizeof(struct rg_record_exec) + 3 * 30 + 5 * sizeof(struct rg_ancestor))
#define EXIT_BYTES (sizeof(struct rg_record_exit) + 30)

const volatile __u64 wakeup = BPF_RB_NO_WAKEUP;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 5272);
	__type(key, struct rg_proc_key);
	__type(value, struct rg_proc);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rg_exec_source);
} source SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct room {
	struct rg_proc row;
	char record[EXEC_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct room);
} room SEC(".maps");

static __always_inline struct room *get_room(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&room, &zero);
}

static __always_inline void insert_row(struct task_struct *child)
{
	struct rg_proc_key key = { .pid = child->tgid, .tid = child->pid };
	struct room *r = get_room();

	if (r)
		bpf_map_update_elem(&rows, &key, &r->row, BPF_NOEXIST);
}

static __always_inline void get_storage(struct task_struct *task)
{
	struct rg_exec_source *s;

	s = bpf_task_storage_get(&source, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (s)
		s->syscall = RG_SYSCALL_EXECVE;
}

static __always_inline void send(__u32 size)
{
	struct room *r = get_room();

	if (r)
		bpf_ringbuf_output(&ring, r->record, size, wakeup);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(empty_fork)
{
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(empty_exec)
{
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(empty_exit)
{
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(row_fork, struct task_struct *parent, struct task_struct *child)
{
	insert_row(child);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(storage_exec, struct task_struct *task)
{
	get_storage(task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(ring_fork)
{
	send(FORK_BYTES);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ring_exec)
{
	send(EXEC_BYTES);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(ring_exit)
{
	send(EXIT_BYTES);
	return 0;
}

/* All of it. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(floor_fork, struct task_struct *parent, struct task_struct *child)
{
	insert_row(child);
	send(FORK_BYTES);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(floor_exec, struct task_struct *task)
{
	get_storage(task);
	send(EXEC_BYTES);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(floor_exit)
{
	send(EXIT_BYTES);
	return 0;
}
