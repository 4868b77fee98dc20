/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything privileged has been done by now: what remains is to read mapped memory, write lines, answer
 * scrapes, and read the settings again. The bpf() calls that are left create an iterator over a link that
 * is already ours, for which the kernel asks no capability, or CAP_BPF before Linux 5.19.
 *
 * The order holds it together: files are named while root still sees them, the bounding set is emptied
 * before its capability goes with the user, and the system call filter comes last, since it allows none
 * of this.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "confine.h"
#include "landlock.h"
#include "pin.h"
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

/* --- system calls ------------------------------------------------------------------------------- */

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

/* PROT_EXEC isn't among the protections that a mapping gets or is changed to. */
static int allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp not_executable = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = add(filter, SCMP_SYS(mmap), 1, &not_executable);

	return r ? r : add(filter, SCMP_SYS(mprotect), 1, &not_executable);
}

/* Only what it has: a socket can't be made any more. */
static int allow_reconnect(scmp_filter_ctx filter, enum output_type type)
{
	bool needs_it = type != OUTPUT_STDOUT && type != OUTPUT_FILE;

	return needs_it ? add(filter, SCMP_SYS(connect), 0, NULL) : 0;
}

static int allow(scmp_filter_ctx filter, const struct config *config)
{
	const struct scmp_arg_cmp iterator = SCMP_CMP64(0, SCMP_CMP_EQ, BPF_ITER_CREATE, 0);
	const struct scmp_arg_cmp own_name = SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_NAME, 0);
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(allowed) && !r; i++)
		r = add(filter, allowed[i], 0, NULL);
	if (!r)
		r = allow_memory(filter);
	if (!r)
		r = add(filter, SCMP_SYS(bpf), 1, &iterator);
	if (!r)
		r = add(filter, SCMP_SYS(prctl), 1, &own_name);
	if (!r)
		r = allow_reconnect(filter, config->output.type);
	return r;
}

/* A call that isn't allowed fails with EPERM, as if it had not the right. */
static int load_filter(const struct config *config)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = allow(filter, config);
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int filter_syscalls(const struct config *config)
{
	int r = load_filter(config);

	/* A kernel without seccomp still runs the agent; it is just less confined. */
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		log_warning("this kernel has no seccomp filters: system calls are not restricted");
		return 0;
	}
	if (r)
		log_error("cannot restrict the system calls: %s", strerror(-r));
	return r;
}

/* --- files ------------------------------------------------------------------------------------ */

/* -1: all files stay as they are; else as confine_new(). */
static int list_files(const struct config *config, const char *config_path)
{
	int r;

	if (!config->security.landlock || IS_SANITIZED)
		return -1;
	r = confine_new(config, config_path);
	if (r == -EOPNOTSUPP)
		log_info("this kernel has no Landlock: which files can be opened is not restricted");
	else if (r < 0)
		log_warning("cannot restrict which files can be opened: %s, ignoring", strerror(-r));
	return MAX(r, -1);
}

static int confine_files(int list)
{
	int r = list < 0 ? 0 : landlock_enforce(list);

	if (r)
		log_error("cannot restrict which files can be opened: %s", strerror(-r));
	return r;
}

/* --- user and capabilities --------------------------------------------------------------------- */

/* So that it can be opened anew. A FIFO or a device is somebody else's. */
static int give_output(const char *path, const struct passwd *user)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	return fchownat(fd, "", user->pw_uid, user->pw_gid, AT_EMPTY_PATH) ? -errno : 0;
}

static int give_files(const struct config *c, const struct passwd *user)
{
	int r = 0;

	if (c->ebpf.enabled && *c->ebpf.pin_path)
		r = pin_give(c->ebpf.pin_path, user->pw_uid, user->pw_gid);
	if (!r && c->output.type == OUTPUT_FILE)
		r = give_output(c->output.path, user);
	return r;
}

static int switch_to(const struct passwd *user)
{
	if (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return -errno;
	return 0;
}

/* keeps: what capabilities it has stays permitted, for drop_capabilities() to choose from. */
static int become_user(const struct config *config, bool keeps)
{
	const char *name = config->security.user;
	const struct passwd *user = name ? getpwnam(name) : NULL;
	int r;

	if (!name)
		return 0;
	if (!user) {
		log_error("security.user: there is no user '%s'; make one, or write \"\"", name);
		return -ENOENT;
	}
	r = give_files(config, user);
	if (!r && keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		r = -errno;
	if (!r)
		r = switch_to(user);
	if (r && r != -EEXIST) /* which is pin_give()'s, and told */
		log_error("security.user: cannot become '%s': %s", name, strerror(-r));
	return r;
}

static bool refuses_bpf(void)
{
	union bpf_attr attr = {.iter_create = {.link_fd = (uint32_t)-1}};

	return syscall(SYS_bpf, BPF_ITER_CREATE, &attr, sizeof(attr)) < 0 && errno == EPERM;
}

/*
 * Before Linux 5.19 (c8644cd0efe7) a kernel whose kernel.unprivileged_bpf_disabled isn't 0 asks it for each
 * bpf() call. Tried without.
 */
static bool needs_cap_bpf(void)
{
	bool refuses;
	void *state;

	capng_get_caps_process();
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF))
		return false;
	state = capng_save_state();
	if (!state)
		return false;
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_BPF, CAP_SYS_ADMIN, -1);
	refuses = !capng_apply(CAPNG_SELECT_CAPS) && refuses_bpf();
	capng_restore_state(&state);
	capng_apply(CAPNG_SELECT_CAPS);
	return refuses;
}

static int apply(capng_select_t what)
{
	if (!capng_apply(what))
		return 0;
	log_error("cannot drop the capabilities: %s", strerror(errno));
	return -EPERM;
}

/* Where that is allowed; no_new_privs makes it a second lock on the same door. */
static int drop_bounding_set(void)
{
	capng_get_caps_process();
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	return apply(CAPNG_SELECT_BOUNDS);
}

static int drop_capabilities(bool keeps_bpf)
{
	capng_get_caps_process();
	capng_clear(CAPNG_SELECT_BOTH);
	if (keeps_bpf)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF);
	return apply(CAPNG_SELECT_CAPS);
}

static int forbid_new_privileges(void)
{
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 0;
	log_error("cannot give up new privileges: %s", strerror(errno));
	return -errno;
}

int privilege_drop(const struct config *config, const char *config_path)
{
	_cleanup_close_ int files = list_files(config, config_path);
	bool keeps_bpf = config->ebpf.enabled && needs_cap_bpf();
	int r;

	if (keeps_bpf)
		log_info("this kernel asks CAP_BPF of whoever counts the table's rows: it is kept");
	r = drop_bounding_set();
	if (!r)
		r = become_user(config, keeps_bpf);
	if (!r)
		r = drop_capabilities(keeps_bpf);
	if (!r)
		r = forbid_new_privileges();
	if (!r)
		r = confine_files(files);
	if (!r && config->security.seccomp && !IS_SANITIZED)
		r = filter_syscalls(config);
	return r;
}

const char *privilege_hint(int r)
{
	return r != -EACCES && r != -EPERM ? "" :
	       "; the running agent has no privileges any more (security.landlock, capabilities): where root may, "
	       "start it anew";
}
