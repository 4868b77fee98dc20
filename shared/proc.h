/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process as the kernel-side table keeps it.
 *
 * The key says which numbers a task has, (pid, start_time_ns) says which process it is: the numbers
 * are reused, that pair isn't. All pids are those of the initial pid namespace.
 */
#ifndef RG_SHARED_PROC_H
#define RG_SHARED_PROC_H

#include "types.h"

/* comm's size in the kernel, terminating NUL included. */
#define RG_COMM_LEN 16

/*
 * Bytes of a path, terminating NUL included. Real executables stay far below it (README has the
 * histogram); with it a row is 368 bytes, and 5000 rows and the ring fit in 3.5 MiB. Of a longer
 * path the last 255 bytes are kept, since its end is what rules compare.
 */
#define RG_PATH_MAX 256

/* A process row has tid == pid. */
struct rg_proc_key {
	__u32 pid; /* tgid */
	__u32 tid; /* the task's own id */
};

enum rg_proc_state {
	RG_PROC_NONE = 0,
	RG_PROC_LIVE = 1,
	RG_PROC_EXITED = 2, /* ended, kept for look-ups, first to make room */
	RG_PROC_RECLAIMED = 3, /* being deleted to make room; still true while it can be read */
};

/* What is known about a row; a bit set. */
enum rg_proc_flags {
	RG_EXE_TRUNCATED = 1 << 0, /* exe lost bytes at its start */
	RG_EXE_DELETED = 1 << 1, /* the file had no name left when it was executed */
	RG_SECURE_EXEC = 1 << 2, /* AT_SECURE: set-uid, set-gid or file capabilities */
	RG_SNAPSHOT = 1 << 3, /* ran before the agent */
	RG_REBUILT = 1 << 4, /* made from the task after its row had been lost */
	RG_FILENAME_TRUNCATED = 1 << 5, /* of a record: filename lost bytes at its start */
	RG_INTERP_TRUNCATED = 1 << 6, /* of a record: interp lost bytes at its start */
	RG_CWD_TRUNCATED = 1 << 7, /* of a record: cwd lost bytes at its start */
	RG_ARGS_TRUNCATED = 1 << 8, /* of a record: args lost bytes at their end */
	RG_ENV_TRUNCATED = 1 << 9, /* of a record: a variable or a part of one is missing */
	RG_HAS_ARGS = 1 << 10, /* of a record: args were read */
	RG_HAS_CWD = 1 << 11, /* of a record: cwd was read */
	RG_HAS_ENV = 1 << 12, /* of a record: env was read */
	RG_HAS_CREATED = 1 << 13, /* of a row: the process has made others */
};

/*
 * Every field that names the process is covered by a checksum, since a row's memory can be written,
 * or be given to another process, while somebody copies it: a copy whose sums don't match is none.
 */
struct rg_proc {
	__u64 start_time_ns; /* CLOCK_BOOTTIME at the leader's start: with pid, the identity */
	__u32 pid; /* the key's, so that a copy says whose it is; one word with state: swapped together */
	enum rg_proc_state state;
	__u64 parent_start_time_ns; /* the creator's identity; 0 = unknown */
	__u32 ppid; /* the creator's tgid at fork, for good */
	__u16 exe_len; /* bytes of exe without the NUL; 0 = none (kernel thread) or unknown */
	__u16 exec_id; /* the task's count of execs, its low bits: another one is another image's row */
	char comm[RG_COMM_LEN]; /* the process's name: its leader's */
	__u64 exe_sum; /* checksum of exe, up to exe_len */
	__u64 sum; /* checksum of start_time_ns, pid, ppid, its start, exec_id, exe_len, comm, exe_sum */
	__u32 writing; /* 1 while a program rewrites the row */
	enum rg_proc_flags flags; /* bit set */
	__u64 exit_time_ns; /* CLOCK_BOOTTIME; 0 while it lives */
	__u64 cgroup_id; /* in the unified hierarchy, at the last fork or exec */
	__u32 tid; /* the key's: pid */
	__u32 pid_ns; /* inode number of its pid namespace */
	__u32 uid; /* ids at the last fork or exec, in the initial user namespace */
	__u32 gid;
	__u32 euid;
	__u32 egid;
	char exe[RG_PATH_MAX]; /* resolved absolute path of the file that runs; zeros behind it */
};
RG_STATIC_ASSERT(sizeof(struct rg_proc) == 368);

/* A thread, with process.track_threads; it goes when it ends. */
struct rg_thread {
	__u64 start_time_ns; /* CLOCK_BOOTTIME */
	__u32 pid; /* the key's */
	__u32 tid; /* 0 for the moment in which the row is deleted; one word with pid: swapped together */
	__u32 creator_tid; /* the thread that made it */
	__u32 pad;
	char comm[RG_COMM_LEN]; /* at its start */
};
RG_STATIC_ASSERT(sizeof(struct rg_thread) == 40);

/* Which syscall an exec came through; waits in task storage until the exec has happened. */
enum rg_exec_syscall {
	RG_SYSCALL_UNKNOWN = 0,
	RG_SYSCALL_EXECVE = 1,
	RG_SYSCALL_EXECVEAT = 2,
};

struct rg_exec_source {
	enum rg_exec_syscall syscall;
};

/* An exited row that waits its turn to make room. */
struct rg_exited {
	__u64 start_time_ns; /* the row's: another one under this key is another process's */
	struct rg_proc_key key;
};

#endif
