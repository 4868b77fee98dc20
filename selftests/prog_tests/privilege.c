/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the running agent may still do: as /proc/PID/status has it, and by trying. The second is done in a
 * process that loads the kernel side and gives its rights up as the agent does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "privilege.h"
#include "probe.h"
#include "test_agent.h"

/* --- what /proc says ---------------------------------------------------------------------------- */

/* The rest of the line "KEY:\t" of a process's status; static. */
static const char *status_of(pid_t pid, const char *key)
{
	static char line[256];
	char path[64];
	_cleanup_fclose_ FILE *f = NULL;
	size_t len = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	cr_assert(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		return line + len + 2;
	}
	cr_assert(false, "%s has no %s", path, key);
	return NULL;
}

static void assert_status(pid_t pid, const char *key, const char *value)
{
	const char *is = status_of(pid, key);

	cr_assert_str_eq(is, value, "%s is '%s', not '%s'", key, is, value);
}

/* Before 5.19 each bpf() call asked it, unless the host's sysctl says else. */
static bool keeps_cap_bpf(void)
{
	int fd = open("/proc/sys/kernel/unprivileged_bpf_disabled", O_RDONLY | O_CLOEXEC);
	unsigned int major = 0, minor = 0;
	struct utsname name;
	char value = '0';

	if (fd >= 0) {
		cr_assert_eq(read(fd, &value, 1), 1);
		close(fd);
	}
	cr_assert(!uname(&name) && sscanf(name.release, "%u.%u", &major, &minor) == 2);
	return value != '0' && (major < 5 || (major == 5 && minor < 19));
}

static void assert_no_capability(pid_t pid)
{
	const char *kept = keeps_cap_bpf() ? "0000008000000000" : "0000000000000000";

	assert_status(pid, "CapPrm", kept);
	assert_status(pid, "CapEff", kept);
	assert_status(pid, "CapInh", "0000000000000000");
	assert_status(pid, "CapBnd", "0000000000000000");
	assert_status(pid, "CapAmb", "0000000000000000");
	assert_status(pid, "NoNewPrivs", "1");
}

Test(privilege, has_no_capability_and_a_filter)
{
	_cleanup_agent_ struct agent_test t;

	agent_needs_root();
	agent_start(&t, "");
	assert_no_capability(t.pid);
	assert_status(t.pid, "Seccomp", "2");
	assert_status(t.pid, "Uid", "0\t0\t0\t0");
	cr_assert_eq(agent_stop(&t), 0);
}

Test(privilege, what_is_off_is_off)
{
	_cleanup_agent_ struct agent_test t;

	agent_needs_root();
	agent_start(&t, "security = { seccomp = false; landlock = false; };");
	assert_no_capability(t.pid);
	assert_status(t.pid, "Seccomp", "0");
	cr_assert_eq(agent_stop(&t), 0);
}

static bool has_pins(const char *path)
{
	_cleanup_free_ struct dirent **names = NULL;
	int i, n = scandir(path, &names, NULL, NULL);

	for (i = 0; i < n; i++)
		free(names[i]);
	return n > 2;
}

static bool has_line(const char *path, const char *what)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	bool found = false;
	size_t size = 0;

	while (f && !found && getline(&line, &size, f) > 0)
		found = strstr(line, what);
	free(line);
	if (f)
		fclose(f);
	return found;
}

static void wait_for_line(const char *path, const char *what)
{
	int tries;

	/* A file: nothing tells when it grows, so this looks every 10 ms. */
	for (tries = test_seconds() * 100; tries && !has_line(path, what); tries--)
		usleep(10000);
	cr_assert(tries, "%s never had '%s'", path, what);
}

static void wait_for_file(const char *path)
{
	int tries = test_seconds() * 100;

	while (access(path, F_OK) && tries--)
		usleep(10000);
	cr_assert_geq(tries, 0, "%s never came", path);
}

static void start_as_nobody(struct agent_test *t, const char *file)
{
	char settings[512];

	snprintf(settings, sizeof(settings),
		 "security = { user = \"nobody\"; };\nprocess = { hooks = [ \"exec\" ]; };\n"
		 "output = { type = \"file\"; path = \"%s\"; };", file);
	agent_launch(t, settings);
	wait_for_line(file, "agent_start");
}

/* It still takes its pins away, reads its settings, and opens its output anew. */
Test(privilege, another_user_can_end_and_reload)
{
	char dir[] = "/tmp/rand-guard-test-out-XXXXXX", file[64], old[64], ids[64];
	const struct passwd *nobody = getpwnam("nobody");
	_cleanup_agent_ struct agent_test t;
	struct run r;

	agent_needs_root();
	if (!nobody)
		cr_skip("there is no user 'nobody'");
	cr_assert(mkdtemp(dir) && !chown(dir, nobody->pw_uid, nobody->pw_gid));
	snprintf(file, sizeof(file), "%s/out", dir);
	snprintf(old, sizeof(old), "%s/old", dir);
	start_as_nobody(&t, file);
	cr_assert(has_pins(t.pin_path));
	assert_no_capability(t.pid);
	assert_status(t.pid, "Seccomp", "2");
	assert_status(t.pid, "Groups", " ");
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", nobody->pw_uid, nobody->pw_uid, nobody->pw_uid,
		 nobody->pw_uid);
	assert_status(t.pid, "Uid", ids);
	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", nobody->pw_gid, nobody->pw_gid, nobody->pw_gid,
		 nobody->pw_gid);
	assert_status(t.pid, "Gid", ids);

	/* The same file, which was made by root; then a new one. */
	kill(t.pid, SIGHUP);
	agent_wait_log(&t, "reloaded");
	cr_assert(!strstr(agent_log(&t), "cannot open"), "%s", agent_log(&t));
	cr_assert_eq(rename(file, old), 0);
	kill(t.pid, SIGHUP);
	wait_for_file(file);
	RUN(&r, helper("quit"));
	wait_for_line(file, "/quit\"");
	kill(t.pid, SIGTERM);
	cr_assert_eq(agent_wait_end(&t), 0);
	cr_assert_not(has_pins(t.pin_path));
	rmdir(t.pin_path); /* the directory above isn't that user's */
	cr_assert(!unlink(file) && !unlink(old) && !rmdir(dir));
}

Test(privilege, unknown_user_is_told)
{
	_cleanup_agent_ struct agent_test t;

	agent_needs_root();
	agent_launch(&t, "security = { user = \"rg-no-such-user\"; };");
	cr_assert_eq(WEXITSTATUS(agent_wait_end(&t)), 1);
	cr_assert(strstr(agent_log(&t), "security.user: there is no user 'rg-no-such-user'"), "%s",
		  agent_log(&t));
	cr_assert(access(t.pin_path, F_OK));
}

/* --- by trying ----------------------------------------------------------------------------------- */

/* What a process has before it gives its rights up. */
struct tried {
	char dir[64]; /* settings and rules.d */
	char out[96]; /* output and textfile */
	struct config *config;
	struct probe *probe;
	int timer;
	int listener;
};

/* Each gives 0 or errno. */
static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int try_open(const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC, 0600);

	return result(fd);
}

static const char *below(const char *dir, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int try_settings(struct tried *t)
{
	return try_open(below(t->dir, "agent.cfg"), O_RDONLY);
}

static int try_rule_file(struct tried *t)
{
	return try_open(below(t->dir, "rules.d/x.cfg"), O_RDONLY);
}

static int try_load(struct tried *t)
{
	_cleanup_(config_freep) struct config *config = NULL;

	return -config_load(below(t->dir, "agent.cfg"), &config);
}

static int try_output(struct tried *t)
{
	return try_open(below(t->out, "out.json"), O_WRONLY | O_APPEND | O_CREAT);
}

static int try_new_output(struct tried *t)
{
	return try_open(below(t->out, "other.json"), O_WRONLY | O_APPEND | O_CREAT);
}

static int try_textfile(struct tried *t)
{
	char new[256];
	int r = try_open(below(t->out, "x.prom.new"), O_WRONLY | O_CREAT | O_EXCL);

	if (r)
		return r;
	strcpy(new, below(t->out, "x.prom.new"));
	r = result(rename(new, below(t->out, "x.prom")));
	return r ? r : result(unlink(below(t->out, "x.prom")));
}

static int try_statm(struct tried *t __attribute__((unused)))
{
	return try_open("/proc/self/statm", O_RDONLY);
}

/* bpf(BPF_ITER_CREATE) over links that are its own. */
static int try_count(struct tried *t)
{
	struct probe_table table;

	return -probe_count(t->probe, &table);
}

static int try_timer(struct tried *t)
{
	const struct itimerspec never = { 0 };

	return result(timerfd_settime(t->timer, 0, &never, NULL));
}

/* Nobody calls: EAGAIN is from beyond the filter. */
static int try_accept(struct tried *t)
{
	return result(accept4(t->listener, NULL, NULL, SOCK_CLOEXEC));
}

static int try_password(struct tried *t __attribute__((unused)))
{
	return try_open("/etc/passwd", O_RDONLY);
}

static int try_other_process(struct tried *t __attribute__((unused)))
{
	return try_open("/proc/1/status", O_RDONLY);
}

static int try_write_settings(struct tried *t)
{
	return try_open(below(t->dir, "agent.cfg"), O_WRONLY);
}

static int try_new_in_tmp(struct tried *t __attribute__((unused)))
{
	static const char path[] = "/tmp/rand-guard-test-not-to-be";
	int r = try_open(path, O_WRONLY | O_CREAT);

	unlink(path);
	return r;
}

static int try_map(struct tried *t __attribute__((unused)))
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int try_exec(struct tried *t __attribute__((unused)))
{
	return result(execl("/bin/true", "true", NULL));
}

static int try_fork(struct tried *t __attribute__((unused)))
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return result(pid);
}

static int try_ptrace(struct tried *t __attribute__((unused)))
{
	return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_kill(struct tried *t __attribute__((unused)))
{
	return result(kill(getppid(), 0));
}

static int try_socket(struct tried *t __attribute__((unused)))
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_executable_memory(struct tried *t __attribute__((unused)))
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int try_mount(struct tried *t __attribute__((unused)))
{
	return result(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int try_setuid(struct tried *t __attribute__((unused)))
{
	return result(setresuid(0, 0, 0));
}

static int try_dumpable(struct tried *t __attribute__((unused)))
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static const struct attempt {
	const char *name;
	int (*fn)(struct tried *t);
	int all; /* what comes of it with every restriction */
	int no_landlock; /* without security.landlock */
	int no_seccomp; /* without security.seccomp; -1: not tried */
} attempts[] = {
	{ "open the settings file", try_settings, 0, 0, 0 },
	{ "open a file of rules_dir", try_rule_file, 0, 0, 0 },
	{ "load all settings", try_load, 0, 0, 0 },
	{ "open the output", try_output, 0, 0, 0 },
	{ "make a new output", try_new_output, 0, 0, 0 },
	{ "replace the textfile", try_textfile, 0, 0, 0 },
	{ "open /proc/self/statm", try_statm, 0, 0, 0 },
	{ "count the table's rows", try_count, 0, 0, 0 },
	{ "set a timer", try_timer, 0, 0, 0 },
	{ "accept", try_accept, EAGAIN, EAGAIN, EAGAIN },

	{ "open /etc/passwd", try_password, EACCES, 0, EACCES },
	{ "open another process's status", try_other_process, EACCES, 0, EACCES },
	{ "write the settings file", try_write_settings, EACCES, 0, EACCES },
	{ "make a file in /tmp", try_new_in_tmp, EACCES, 0, EACCES },
	{ "make a map", try_map, EPERM, EPERM, -1 }, /* sysctl kernel.unprivileged_bpf_disabled */
	{ "exec", try_exec, EPERM, EPERM, EACCES },
	{ "fork", try_fork, EPERM, EPERM, 0 },
	{ "trace a process", try_ptrace, EPERM, EPERM, EPERM },
	{ "signal a process", try_kill, EPERM, EPERM, 0 },
	{ "make an internet socket", try_socket, EPERM, EPERM, 0 },
	{ "map executable memory", try_executable_memory, EPERM, EPERM, 0 },
	{ "mount", try_mount, EPERM, EPERM, EPERM },
	{ "become root", try_setuid, EPERM, EPERM, 0 },
	{ "make itself dumpable", try_dumpable, EPERM, EPERM, 0 },
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	cr_assert(!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 1));
	return fd;
}

static void set_up(struct tried *t, const char *security)
{
	char text[1024];

	agent_needs_root();
	*t = (struct tried){ .dir = "/tmp/rand-guard-test-XXXXXX" };
	cr_assert(mkdtemp(t->dir));
	snprintf(t->out, sizeof(t->out), "%s-out", t->dir);
	cr_assert(!mkdir(t->out, 0755) && !mkdir(below(t->dir, "rules.d"), 0755));
	write_file(below(t->dir, "rules.d/x.cfg"), "rules = ();\n", 0644);
	snprintf(text, sizeof(text),
		 "ebpf = { pin_path = \"/sys/fs/bpf/rand-guard-test-%d\"; };\n"
		 "output = { type = \"file\"; path = \"%s/out.json\"; };\n"
		 "metrics = { textfile = \"%s/x.prom\"; };\nrules_dir = \"rules.d\";\n"
		 "security = { %s };\n", getpid(), t->out, t->out, security);
	write_file(below(t->dir, "agent.cfg"), text, 0644);
	write_file(below(t->out, "out.json"), "", 0644);
	cr_assert_eq(config_load(below(t->dir, "agent.cfg"), &t->config), 0);
	t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	t->listener = listen_at(below(t->dir, "socket"));
}

static void clean_up(struct tried *t)
{
	static const char *const names[] = { "agent.cfg", "rules.d/x.cfg", "socket" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		cr_assert_eq(unlink(below(t->dir, names[i])), 0);
	unlink(below(t->out, "out.json"));
	unlink(below(t->out, "other.json"));
	cr_assert(!rmdir(t->out) && !rmdir(below(t->dir, "rules.d")) && !rmdir(t->dir));
	config_free(t->config);
}

/* In a process of its own; ret is shared with who started it. The pins go at the end, by probe_free(). */
static void try_all(struct tried *t, int (*wanted)(const struct attempt *a), int *ret)
{
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (probe_new(t->config, &t->probe) || privilege_drop(t->config, below(t->dir, "agent.cfg")))
		_exit(1);
	for (i = 0; i < ARRAY_SIZE(attempts); i++)
		if (wanted(&attempts[i]) >= 0)
			ret[i] = attempts[i].fn(t);
	probe_free(t->probe);
	_exit(0);
}

static void assert_all(const char *security, int (*wanted)(const struct attempt *a))
{
	int *results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char pin_path[64];
	struct tried t;
	int status;
	size_t i;
	pid_t pid;

	set_up(&t, security);
	pid = fork();
	if (!pid)
		try_all(&t, wanted, results);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	for (i = 0; i < ARRAY_SIZE(attempts); i++)
		cr_expect(wanted(&attempts[i]) < 0 || results[i] == wanted(&attempts[i]), "%s: %s",
			  attempts[i].name, strerror(results[i]));
	snprintf(pin_path, sizeof(pin_path), "/sys/fs/bpf/rand-guard-test-%d", getpid());
	cr_expect(access(pin_path, F_OK), "its pins are left");
	clean_up(&t);
}

static int with_all(const struct attempt *a)
{
	return a->all;
}

static int without_landlock(const struct attempt *a)
{
	return a->no_landlock;
}

static int without_seccomp(const struct attempt *a)
{
	return a->no_seccomp;
}

static void needs_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* _VERSION */) < 1)
		cr_skip("this kernel has no Landlock, or it is off");
}

Test(privilege, tries_with_every_restriction)
{
	needs_landlock();
	assert_all("", with_all);
}

Test(privilege, tries_without_landlock)
{
	assert_all("landlock = false;", without_landlock);
}

Test(privilege, tries_without_seccomp)
{
	needs_landlock();
	assert_all("seccomp = false;", without_seccomp);
}

/* --- sockets ------------------------------------------------------------------------------------- */

static int receive_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	cr_assert(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void wait_for_datagram(int fd, const char *what)
{
	const struct timeval timeout = { .tv_sec = test_seconds() };
	char text[65536];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	do {
		n = recv(fd, text, sizeof(text) - 1, 0);
		cr_assert_gt(n, 0, "no '%s' came", what);
		text[n] = '\0';
	} while (!strstr(text, what));
}

/* With every restriction it finds a receiver that came late, and one that was started anew. */
Test(privilege, reaches_a_receiver_again)
{
	char path[] = "/tmp/rand-guard-test-receiver-XXXXXX", settings[256];
	_cleanup_agent_ struct agent_test t;
	int fd;

	agent_needs_root();
	cr_assert(mkdtemp(path) && !rmdir(path));
	snprintf(settings, sizeof(settings),
		 "output = { type = \"syslog\"; path = \"%s\"; };\nprocess = { enabled = false; };\n"
		 "health = { interval_seconds = 1; };", path);
	agent_launch(&t, settings);
	agent_wait_log(&t, "cannot write: No such file or directory");
	fd = receive_at(path);
	wait_for_datagram(fd, " agent_start - {");
	wait_for_datagram(fd, " health - {");
	close(fd);
	unlink(path);
	fd = receive_at(path);
	wait_for_datagram(fd, " health - {");
	assert_status(t.pid, "Seccomp", "2");
	kill(t.pid, SIGTERM);
	cr_assert_eq(agent_wait_end(&t), 0);
	close(fd);
	unlink(path);
}
