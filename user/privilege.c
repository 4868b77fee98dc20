/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything privileged has been done by now: what remains is to read mapped memory, write lines, answer
 * scrapes, and read the settings again. The bpf() calls that are left create an iterator over a link that
 * is already ours, for which the kernel asks no capability.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <sys/prctl.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "privilege.h"

/* The leak checker of a sanitized build stops and traces its own process: no filter can allow that. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* By what they are for; libc may choose either of several for the same call. */
static const int allowed[] = {
	/* the loop */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_settime), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	/* lines, settings, /proc/self */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwrite64), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(lseek),
	SCMP_SYS(_llseek), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
	SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(fchmod), SCMP_SYS(umask), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrandom), SCMP_SYS(sched_getaffinity),
	/* scrapes and systemd */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(sendfile), SCMP_SYS(shutdown), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
	/* the end */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(tgkill),
};

static int add(scmp_filter_ctx filter, int nr, unsigned int nr_args, const struct scmp_arg_cmp *args)
{
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, nr_args, args);

	/* -EDOM: this architecture has no such call. */
	return r == -EDOM ? 0 : r;
}

static int allow(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp not_executable = SCMP_CMP(2, SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0);
	const struct scmp_arg_cmp iterator = SCMP_CMP(0, SCMP_CMP_EQ, BPF_ITER_CREATE, 0);
	const struct scmp_arg_cmp own_name = SCMP_CMP(0, SCMP_CMP_EQ, PR_SET_NAME, 0);
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(allowed) && !r; i++)
		r = add(filter, allowed[i], 0, NULL);
	if (!r)
		r = add(filter, SCMP_SYS(mmap), 1, &not_executable);
	if (!r)
		r = add(filter, SCMP_SYS(mprotect), 1, &not_executable);
	if (!r)
		r = add(filter, SCMP_SYS(bpf), 1, &iterator);
	if (!r)
		r = add(filter, SCMP_SYS(prctl), 1, &own_name);
	return r;
}

/* A call that isn't allowed fails with EPERM, as if it had not the right. */
static int filter_syscalls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = allow(filter);
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* The bounding set, too, where that is allowed; no_new_privs makes it a second lock on the same door. */
static int drop_capabilities(void)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	if (!capng_apply(what))
		return 0;
	log_error("cannot drop the capabilities: %s", strerror(errno));
	return -EPERM;
}

int privilege_drop(const struct config *config __attribute__((unused)))
{
	int r;

	r = drop_capabilities();
	if (r)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		log_error("cannot give up new privileges: %s", strerror(errno));
		return -errno;
	}
	if (IS_SANITIZED)
		return 0;
	r = filter_syscalls();
	/* A kernel without seccomp still runs the agent; it is just less confined. */
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		log_warning("this kernel has no seccomp filters: system calls are not restricted");
		return 0;
	}
	if (r)
		log_error("cannot restrict the system calls: %s", strerror(-r));
	return r;
}
