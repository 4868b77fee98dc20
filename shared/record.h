/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the ring carries: a header, one fixed body per type, then the body's strings, one behind the
 * other in the order of their lengths, without NULs and without gaps. A length of 0 is "none". An
 * exec's ancestors lie behind its parent's exe, and may be unaligned.
 */
#ifndef RG_SHARED_RECORD_H
#define RG_SHARED_RECORD_H

#include "proc.h"

/* Nearest ancestors that a start record names. */
#define RG_MAX_ANCESTORS 8
/* Upper limits of the settings process.max_args_bytes and process.max_env_bytes. */
#define RG_ARGS_MAX 4096
#define RG_ENV_MAX 4096
/* Bytes of one environment variable, name and NUL included; the rest of a longer one is cut. */
#define RG_ENV_VAR_MAX 512

enum rg_record_type {
	RG_RECORD_FORK = 0,
	RG_RECORD_EXEC = 1,
	RG_RECORD_EXIT = 2,
	RG_RECORD_THREAD_START = 3, /* these two with process.track_threads */
	RG_RECORD_THREAD_EXIT = 4,
	RG_NR_RECORD_TYPES = 5,
};

struct rg_record {
	__u64 timestamp_ns; /* CLOCK_BOOTTIME */
	__u16 abi; /* RG_ABI_VERSION */
	__u16 type; /* enum rg_record_type */
	__u32 size_bytes; /* the whole record, this header included */
};

struct rg_record_fork {
	struct rg_record hdr;
	__u64 child_start_time_ns; /* CLOCK_BOOTTIME */
	__u32 parent_pid; /* the creator */
	__u32 child_pid;
	__u32 child_tid;
	__u32 uid; /* the child's */
	__u32 gid;
	__u16 parent_exe_len;
	__u8 parent_known; /* 0: parent_comm and parent_exe are unknown */
	__u8 pad;
	char parent_comm[RG_COMM_LEN];
	char child_comm[RG_COMM_LEN];
	char strings[]; /* parent_exe */
};
RG_STATIC_ASSERT(sizeof(struct rg_record_fork) == 80);
RG_STATIC_ASSERT(__builtin_offsetof(struct rg_record_fork, strings) ==
		 sizeof(struct rg_record_fork));

struct rg_ancestor {
	__u32 pid;
	char comm[RG_COMM_LEN];
};

/* A creator and its ancestors, as the exec's program keeps them (kern/lineage.bpf.h). */
struct rg_lineage {
	__u64 start_time_ns; /* the creator's; 0: nobody's */
	__u64 creators_written; /* rg_control's, when this was made */
	__u32 nr; /* of "of" */
	__u32 pad;
	struct rg_ancestor of[RG_MAX_ANCESTORS]; /* the creator, its creator, ... */
};
RG_STATIC_ASSERT(sizeof(struct rg_lineage) == 184);

struct rg_record_exec {
	struct rg_record hdr;
	__u64 start_time_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup_id;
	__u32 pid;
	__u32 tid;
	__u32 ppid; /* the creator at fork */
	__u32 real_ppid; /* the parent now: another one once the creator died */
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 pid_ns;
	__u32 flags; /* enum rg_proc_flags */
	__u8 source; /* enum rg_exec_syscall */
	__u8 parent_known; /* 0: parent_comm and parent_exe are unknown */
	__u8 nr_ancestors;
	__u8 pad;
	__u16 exe_len; /* from here the strings' lengths, in their order */
	__u16 filename_len;
	__u16 interp_len;
	__u16 parent_exe_len;
	__u16 cwd_len;
	__u16 args_len; /* argv, a NUL behind each element, as in the process's memory */
	__u16 env_len; /* NAME=value, a NUL behind each */
	__u16 pad2[3];
	char comm[RG_COMM_LEN];
	char parent_comm[RG_COMM_LEN];
	char strings[]; /* behind parent_exe: nr_ancestors of struct rg_ancestor, nearest first */
};
RG_STATIC_ASSERT(sizeof(struct rg_record_exec) == 128);
RG_STATIC_ASSERT(__builtin_offsetof(struct rg_record_exec, strings) ==
		 sizeof(struct rg_record_exec));

struct rg_record_exit {
	struct rg_record hdr;
	__u64 duration_ns; /* since the process's start */
	__u32 pid;
	__u32 tid;
	__u32 ppid; /* the creator at fork */
	__u32 uid; /* at the end */
	__u32 gid;
	__s32 status; /* as wait(2) gives it: code << 8, 0x80 core dumped, signal */
	__u16 exe_len;
	__u8 known; /* 0: its row had been lost; ppid is the parent at the end, exe is unknown */
	__u8 pad[5];
	char comm[RG_COMM_LEN];
	char strings[]; /* exe */
};
RG_STATIC_ASSERT(sizeof(struct rg_record_exit) == 72);
RG_STATIC_ASSERT(__builtin_offsetof(struct rg_record_exit, strings) ==
		 sizeof(struct rg_record_exit));

struct rg_record_thread_start {
	struct rg_record hdr;
	__u32 pid;
	__u32 tid;
	__u32 creator_tid;
	__u32 uid;
	__u32 gid;
	__u32 pad;
	char comm[RG_COMM_LEN];
};
RG_STATIC_ASSERT(sizeof(struct rg_record_thread_start) == 56);

struct rg_record_thread_exit {
	struct rg_record hdr;
	__u64 duration_ns; /* since the thread's start */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 gid;
	__s32 status; /* as wait(2) would give it */
	__u8 known; /* 0: its row had been lost */
	__u8 pad[3];
	char comm[RG_COMM_LEN];
};
RG_STATIC_ASSERT(sizeof(struct rg_record_thread_exit) == 64);

/* The largest record there is, with and without what is collected on request. */
#define RG_RECORD_BASE_MAX \
	(sizeof(struct rg_record_exec) + RG_MAX_ANCESTORS * sizeof(struct rg_ancestor) + 5 * RG_PATH_MAX)
#define RG_RECORD_MAX (RG_RECORD_BASE_MAX + RG_ARGS_MAX + RG_ENV_MAX)

#endif
