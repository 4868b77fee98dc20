/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test_agent.h"

/* Lines that a test reads at most; more is a test that has gone wrong. */
#define MAX_LINES 2000000

int test_seconds(void)
{
	const char *seconds = getenv("RAND_GUARD_TEST_SECONDS");

	return seconds ? atoi(seconds) : 60;
}

uint64_t test_now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / NSEC_PER_MSEC;
}

static uint64_t deadline_ms(void)
{
	return test_now_ms() + (uint64_t)test_seconds() * 1000;
}

/* Room for a build directory and what is below it. */
#define BUILD_DIR_MAX 1024
#define TEST_PATH_MAX (BUILD_DIR_MAX + PATH_MAX)

/* What this test binary was built beside. */
static const char *build_dir(void)
{
	static char dir[BUILD_DIR_MAX];
	ssize_t n;

	if (dir[0])
		return dir;
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	cr_assert(n > 0);
	dir[n] = '\0';
	*strrchr(dir, '/') = '\0';
	return dir;
}

static char *path_buffer(void)
{
	static char buffers[4][TEST_PATH_MAX];
	static unsigned int i;

	return buffers[i++ % 4];
}

const char *helper(const char *name)
{
	char *path = path_buffer();

	snprintf(path, TEST_PATH_MAX, "%s/selftests/helpers/%s", build_dir(), name);
	return path;
}

const char *test_path(const struct agent_test *t, const char *name)
{
	char *path = path_buffer();

	snprintf(path, TEST_PATH_MAX, "%s/%s", t->dir, name);
	return path;
}

static const char *agent_binary(void)
{
	static char path[TEST_PATH_MAX];
	const char *other = getenv("RAND_GUARD_TEST_AGENT");

	if (other)
		return other;
	snprintf(path, sizeof(path), "%s/rand-guard", build_dir());
	return path;
}

void agent_needs_root(void)
{
	if (geteuid())
		cr_skip("needs root: it loads programs");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		cr_skip("this kernel has no BTF");
}

void write_file(const char *path, const char *text, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, (mode_t)mode);
	close(fd);
}

/* text with each 'what' replaced; the caller's. */
static char *replace(const char *text, const char *what, const char *with)
{
	size_t size = 0;
	char *ret = NULL;
	FILE *f = open_memstream(&ret, &size);
	const char *at;

	for (; (at = strstr(text, what)); text = at + strlen(what))
		fprintf(f, "%.*s%s", (int)(at - text), text, with);
	fputs(text, f);
	fclose(f);
	return ret;
}

/* A test's settings name @DIR@, its directory, and in their ebpf group @EBPF@: where to pin, and which hook. */
static void write_config(struct agent_test *t, const char *settings)
{
	const char *hook = getenv("RAND_GUARD_TEST_HOOK");
	_cleanup_free_ char *ebpf = NULL, *with_ebpf = NULL, *whole = NULL, *text = NULL;

	cr_assert(asprintf(&ebpf, "pin_path = \"%s\"; exec_source_hook = \"%s\";", t->pin_path,
			   hook ? hook : "auto") > 0);
	cr_assert(asprintf(&text, "%s\n%s\n", strstr(settings, "@EBPF@") ? "" : "ebpf = { @EBPF@ };",
			   settings) > 0);
	with_ebpf = replace(text, "@EBPF@", ebpf);
	whole = replace(with_ebpf, "@DIR@", t->dir);
	write_file(t->config, whole, 0644);
}

static void make_dir(struct agent_test *t)
{
	static unsigned int nr_agents;

	snprintf(t->dir, sizeof(t->dir), "/tmp/rand-guard-test-XXXXXX");
	cr_assert(mkdtemp(t->dir));
	chmod(t->dir, 0755); /* helpers without rights come here, too */
	snprintf(t->config, sizeof(t->config), "%s/agent.cfg", t->dir);
	snprintf(t->log, sizeof(t->log), "%s/agent.log", t->dir);
	snprintf(t->pin_path, sizeof(t->pin_path), "/sys/fs/bpf/rand-guard-test-%d-%u", getpid(),
		 nr_agents++);
}

static void spawn_agent(struct agent_test *t)
{
	int out[2], log = open(t->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	cr_assert(log >= 0 && !pipe2(out, O_CLOEXEC));
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that is killed leaves none behind */
		dup2(out[1], STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execl(agent_binary(), "rand-guard", "-c", t->config, NULL);
		_exit(127);
	}
	cr_assert(t->pid > 0);
	close(out[1]);
	close(log);
	t->out = out[0];
}

void agent_launch(struct agent_test *t, const char *settings)
{
	*t = (struct agent_test){ .out = -1 };
	make_dir(t);
	write_config(t, settings);
	spawn_agent(t);
}

/* Its first line says that it watches. */
static void wait_for_start(struct agent_test *t)
{
	size_t from = t->nr_lines;

	agent_next(t, "agent_start", &from);
}

void agent_start(struct agent_test *t, const char *settings)
{
	agent_launch(t, settings);
	wait_for_start(t);
}

void agent_restart(struct agent_test *t)
{
	cr_assert_eq(t->pid, 0);
	spawn_agent(t);
	wait_for_start(t);
}

const char *agent_log(const struct agent_test *t)
{
	static char text[65536];
	int fd = open(t->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[MAX(n, 0)] = '\0';
	close(fd);
	return text;
}

void agent_wait_log(const struct agent_test *t, const char *text)
{
	uint64_t until = deadline_ms();

	/* The log is a file: nothing tells when it grows, so this looks every 10 ms. */
	while (!strstr(agent_log(t), text)) {
		cr_assert(test_now_ms() < until, "the agent's log never said '%s':\n%s", text, agent_log(t));
		poll(NULL, 0, 10);
	}
}

static void add_line(struct agent_test *t, const char *text, size_t len)
{
	cr_assert(t->nr_lines < MAX_LINES);
	if (!(t->nr_lines & (t->nr_lines - 1))) { /* a power of two: full */
		size_t room = t->nr_lines ? 2 * t->nr_lines : 1;

		t->texts = realloc(t->texts, room * sizeof(*t->texts));
		t->lines = realloc(t->lines, room * sizeof(*t->lines));
		cr_assert(t->texts && t->lines);
	}
	t->texts[t->nr_lines] = strndup(text, len);
	t->lines[t->nr_lines] = cJSON_ParseWithLength(text, len);
	cr_assert(t->lines[t->nr_lines], "not JSON: %.*s", (int)len, text);
	t->nr_lines++;
}

static void split_lines(struct agent_test *t)
{
	char *newline, *start = t->partial;
	size_t left = t->partial_len;

	while ((newline = memchr(start, '\n', left))) {
		add_line(t, start, (size_t)(newline - start));
		left -= (size_t)(newline + 1 - start);
		start = newline + 1;
	}
	memmove(t->partial, start, left);
	t->partial_len = left;
}

/* Reads what there is, after at most timeout_ms; false at the end of the output. */
static bool read_lines(struct agent_test *t, int timeout_ms)
{
	struct pollfd pfd = { .fd = t->out, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return true;
	t->partial = realloc(t->partial, t->partial_len + 65536);
	cr_assert(t->partial);
	n = read(t->out, t->partial + t->partial_len, 65536);
	cr_assert(n >= 0);
	t->partial_len += (size_t)n;
	split_lines(t);
	return n > 0;
}

static bool is_match(const cJSON *line, const char *event_type, const char *key, uint64_t value)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(line, "event_type"), *item;

	if (!cJSON_IsString(type) || strcmp(type->valuestring, event_type))
		return false;
	if (!key)
		return true;
	item = cJSON_GetObjectItemCaseSensitive(line, key);
	return cJSON_IsNumber(item) && (uint64_t)item->valuedouble == value;
}

const cJSON *agent_line_u64(struct agent_test *t, const char *event_type, const char *key, uint64_t value,
			    size_t *from)
{
	size_t i = from ? *from : 0;
	uint64_t until = deadline_ms();
	bool goes_on = true;

	for (;;) {
		for (; i < t->nr_lines; i++) {
			if (!is_match(t->lines[i], event_type, key, value))
				continue;
			if (from)
				*from = i + 1;
			return t->lines[i];
		}
		cr_assert(goes_on && test_now_ms() < until, "no %s with %s %llu came; the agent's log:\n%s",
			  event_type, key ? key : "any", (unsigned long long)value, agent_log(t));
		goes_on = read_lines(t, 100);
	}
}

const cJSON *agent_next(struct agent_test *t, const char *event_type, size_t *from)
{
	return agent_line_u64(t, event_type, NULL, 0, from);
}

/* Its exit's line within a second, or false: a ring that is full takes none. */
static bool sees_exit(struct agent_test *t, pid_t pid, size_t from)
{
	uint64_t until = test_now_ms() + 1000;
	size_t i = from;

	for (;;) {
		for (; i < t->nr_lines; i++)
			if (is_match(t->lines[i], "process_exit", "pid", (uint64_t)pid))
				return true;
		if (test_now_ms() > until || !read_lines(t, 100))
			return false;
	}
}

/* Records leave the ring in the order in which their hooks began: the last of these is behind all else. */
void agent_sync(struct agent_test *t)
{
	uint64_t until = deadline_ms();
	size_t from = t->nr_lines;
	pid_t pid;

	do {
		cr_assert(test_now_ms() < until, "the agent shows no process any more:\n%s", agent_log(t));
		pid = fork();
		if (!pid)
			_exit(0);
		cr_assert(pid > 0);
		waitpid(pid, NULL, 0);
	} while (!sees_exit(t, pid, from));
}

size_t agent_count(const struct agent_test *t, const char *event_type, const char *key, uint64_t value)
{
	size_t i, n = 0;

	for (i = 0; i < t->nr_lines; i++)
		n += is_match(t->lines[i], event_type, key, value);
	return n;
}

const char *agent_text(const struct agent_test *t, const cJSON *line)
{
	size_t i;

	for (i = 0; i < t->nr_lines; i++)
		if (t->lines[i] == line)
			return t->texts[i];
	return NULL;
}

int agent_wait_end(struct agent_test *t)
{
	uint64_t until = deadline_ms();
	int status = -1;

	while (read_lines(t, 100))
		cr_assert(test_now_ms() < until, "the agent does not end:\n%s", agent_log(t));
	cr_assert_eq(waitpid(t->pid, &status, 0), t->pid);
	t->pid = 0;
	close(t->out);
	t->out = -1;
	return status;
}

int agent_stop(struct agent_test *t)
{
	kill(t->pid, SIGTERM);
	return agent_wait_end(t);
}

static void remove_dir(const char *dir)
{
	struct run r;

	RUN(&r, "/bin/rm", "-rf", dir);
}

void agent_clear(struct agent_test *t)
{
	size_t i;

	if (t->pid) {
		kill(t->pid, SIGCONT);
		kill(t->pid, SIGTERM);
		waitpid(t->pid, NULL, 0);
	}
	closep(&t->out);
	for (i = 0; i < t->nr_lines; i++) {
		cJSON_Delete(t->lines[i]);
		free(t->texts[i]);
	}
	free(t->lines);
	free(t->texts);
	free(t->partial);
	remove_dir(t->dir);
}

static const cJSON *item(const cJSON *line, const char *key)
{
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(line, key);

	cr_assert(found, "no key %s", key);
	return found;
}

uint64_t line_u64(const cJSON *line, const char *key)
{
	const cJSON *found = item(line, key);

	cr_assert(cJSON_IsNumber(found), "%s is no number", key);
	return (uint64_t)found->valuedouble;
}

const char *line_str(const cJSON *line, const char *key)
{
	const cJSON *found = item(line, key);

	cr_assert(cJSON_IsString(found) || cJSON_IsNull(found), "%s is no string", key);
	return found->valuestring;
}

bool line_bool(const cJSON *line, const char *key)
{
	const cJSON *found = item(line, key);

	cr_assert(cJSON_IsBool(found), "%s is no bool", key);
	return cJSON_IsTrue(found);
}

void run(struct run *ret, const char *const argv[])
{
	int out[2];
	size_t len = 0;
	ssize_t n;

	cr_assert(!pipe2(out, O_CLOEXEC));
	ret->pid = fork();
	if (!ret->pid) {
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	cr_assert(ret->pid > 0);
	close(out[1]);
	while ((n = read(out[0], ret->out + len, sizeof(ret->out) - 1 - len)) > 0)
		len += (size_t)n;
	ret->out[len] = '\0';
	close(out[0]);
	cr_assert_eq(waitpid(ret->pid, &ret->status, 0), ret->pid);
}

pid_t run_number(const struct run *run, const char *word)
{
	size_t len = strlen(word);
	const char *line = run->out;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, word, len) && line[len] == ' ')
			return atoi(line + len + 1);
	cr_assert_fail("no '%s' in the helper's output: %s", word, run->out);
	return -1;
}

const char *copy_program(const struct agent_test *t, const char *program, const char *name)
{
	const char *to = test_path(t, name);
	struct run r;

	RUN(&r, "/bin/cp", program, to);
	cr_assert_eq(r.status, 0);
	return to;
}
