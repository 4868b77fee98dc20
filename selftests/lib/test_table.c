/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <bpf/bpf.h>

#include "pin.h"
#include "test_table.h"

unsigned int test_count(unsigned int n)
{
	const char *scale = getenv("RAND_GUARD_TEST_SCALE");
	double scaled = n * (scale ? atof(scale) : 1);

	return scaled < 1 ? 1 : (unsigned int)scaled;
}

void table_needs_host(void)
{
	int fd;

	agent_needs_root();
	/* Kept open: the lock goes with the process. */
	fd = open("/run/rand-guard-test-table.lock", O_RDWR | O_CREAT, 0600);
	cr_assert(fd >= 0 && !fcntl(fd, F_SETFD, FD_CLOEXEC));
	while (flock(fd, LOCK_EX))
		cr_assert_eq(errno, EINTR);
}

/* --- maps --------------------------------------------------------------------------------------- */

static void map_info(int fd, struct bpf_map_info *ret)
{
	uint32_t len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, ret, &len), 0);
}

void table_open(struct table *t, const char *pin_path)
{
	struct bpf_map_info info;
	struct rg_config *config;
	uint32_t key = 0;
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++) {
		t->map[i] = pin_open_map(pin_path, i);
		cr_assert(t->map[i] >= 0, "%s: %s", kernel_map_names[i], strerror(-t->map[i]));
	}
	t->state = mmap(NULL, sizeof(*t->state), PROT_READ | PROT_WRITE, MAP_SHARED,
			t->map[MAP_STATE], 0);
	cr_assert(t->state != MAP_FAILED);
	map_info(t->map[MAP_CONFIG], &info);
	config = calloc(1, info.value_size);
	cr_assert_eq(bpf_map_lookup_elem(t->map[MAP_CONFIG], &key, config), 0);
	t->max_rows = config->max_rows;
	free(config);
	map_info(t->map[MAP_PROC_TABLE], &info);
	t->allocated = info.max_entries;
}

void table_close(struct table *t)
{
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++)
		closep(&t->map[i]);
	munmap(t->state, sizeof(*t->state));
}

bool table_row(const struct table *t, pid_t pid, struct rg_proc *ret)
{
	struct rg_proc_key key = { (uint32_t)pid, (uint32_t)pid };

	return !bpf_map_lookup_elem(t->map[MAP_PROC_TABLE], &key, ret);
}

bool table_is_live(const struct table *t, pid_t pid)
{
	struct rg_proc row;

	return table_row(t, pid, &row) && row.pid == (uint32_t)pid && row.state == RG_PROC_LIVE;
}

unsigned int table_nr_live(const struct table *t, const pid_t *pids, unsigned int nr_pids)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_pids; i++)
		n += table_is_live(t, pids[i]);
	return n;
}

/* All values of a hash map, by as few calls as can be: the fewer, the less moves meanwhile. */
static size_t read_all(int fd, size_t key_size, size_t value_size, void **ret)
{
	uint32_t batch, count, nr_rows = 0, room;
	struct bpf_map_info info;
	void *keys;
	int r = 0;

	map_info(fd, &info);
	room = info.max_entries + 1024;
	*ret = malloc(room * value_size);
	keys = malloc(room * key_size);
	cr_assert(*ret && keys);
	while (!r && nr_rows < room) {
		count = room - nr_rows;
		r = bpf_map_lookup_batch(fd, nr_rows ? &batch : NULL, &batch, keys,
					 (char *)*ret + nr_rows * value_size, &count, NULL);
		cr_assert(!r || errno == ENOENT, "%s", strerror(errno));
		nr_rows += count;
	}
	free(keys);
	return nr_rows;
}

struct rg_proc *table_rows(const struct table *t, size_t *ret_nr_rows)
{
	void *rows;

	*ret_nr_rows = read_all(t->map[MAP_PROC_TABLE], sizeof(struct rg_proc_key),
				sizeof(struct rg_proc), &rows);
	return rows;
}

void table_delete(const struct table *t, pid_t pid)
{
	struct rg_proc_key key = { (uint32_t)pid, (uint32_t)pid };

	cr_assert_eq(bpf_map_delete_elem(t->map[MAP_PROC_TABLE], &key), 0, "%d: %s", pid,
		     strerror(errno));
}

bool table_has_thread(const struct table *t, pid_t pid, pid_t tid)
{
	struct rg_proc_key key = { (uint32_t)pid, (uint32_t)tid };
	struct rg_thread row;

	return !bpf_map_lookup_elem(t->map[MAP_THREAD_TABLE], &key, &row);
}

size_t table_nr_threads(const struct table *t)
{
	_cleanup_free_ void *rows = NULL;

	return read_all(t->map[MAP_THREAD_TABLE], sizeof(struct rg_proc_key),
			sizeof(struct rg_thread), &rows);
}

unsigned int table_forget_host(const struct table *t)
{
	_cleanup_free_ struct rg_proc *rows = NULL;
	struct rg_proc_key key;
	unsigned int n = 0;
	size_t i, nr_rows;

	rows = table_rows(t, &nr_rows);
	for (i = 0; i < nr_rows; i++) {
		key = (struct rg_proc_key){ rows[i].pid, rows[i].tid };
		if (rows[i].pid != (uint32_t)getpid())
			n += !bpf_map_delete_elem(t->map[MAP_PROC_TABLE], &key);
	}
	return n;
}

static void read_stats(const struct table *t, struct rg_stats *ret)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(ret, &t->state->stats, sizeof(*ret));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool is_same_moment(const struct rg_stats *a, const struct rg_stats *b)
{
	return a->inserted == b->inserted && a->deleted == b->deleted &&
	       a->reclaimed == b->reclaimed;
}

/* Rows come and go with counters that move: where those stood still, so did the table. */
static bool try_books(const struct table *t, struct books *ret)
{
	_cleanup_free_ struct rg_proc *rows = NULL;
	struct rg_stats after;
	size_t i, nr_rows;

	memset(ret, 0, sizeof(*ret));
	read_stats(t, &ret->stats);
	rows = table_rows(t, &nr_rows);
	for (i = 0; i < nr_rows; i++)
		ret->live += rows[i].state == RG_PROC_LIVE;
	ret->exited = nr_rows - ret->live;
	ret->evicted = ret->stats.inserted - ret->stats.deleted - ret->stats.reclaimed - nr_rows;
	ret->evicted_known = t->state->control.evicted;
	read_stats(t, &after);
	return is_same_moment(&ret->stats, &after);
}

/* Keeps every CPU but the caller's busy, so that nothing else runs there; ends with the caller's word. */
struct stillness {
	pthread_t *threads;
	int nr_threads;
	atomic_bool over;
};

static void *keep_busy(void *arg)
{
	struct stillness *s = arg;

	while (!s->over)
		;
	return NULL;
}

static void be_still(struct stillness *s)
{
	struct sched_param first = { .sched_priority = 1 };
	int cpu, nr_cpus = get_nprocs();
	pthread_attr_t attr;
	cpu_set_t set;

	*s = (struct stillness){ .threads = calloc((size_t)nr_cpus, sizeof(pthread_t)) };
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &first);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &first);
	for (cpu = 1; cpu < nr_cpus; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		s->nr_threads += !pthread_create(&s->threads[s->nr_threads], &attr, keep_busy, s);
	}
	pthread_attr_destroy(&attr);
}

static void be_still_no_more(struct stillness *s)
{
	struct sched_param normal = { 0 };
	cpu_set_t all;
	int i;

	s->over = true;
	for (i = 0; i < s->nr_threads; i++)
		pthread_join(s->threads[i], NULL);
	free(s->threads);
	sched_setscheduler(0, SCHED_OTHER, &normal);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
}

/* Where the host never rests, it is made to, for one walk. */
static bool force_books(const struct table *t, struct books *ret)
{
	struct stillness stillness;
	bool r;

	be_still(&stillness);
	r = try_books(t, ret);
	be_still_no_more(&stillness);
	return r;
}

void table_books(const struct table *t, struct books *ret)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		if (try_books(t, ret))
			return;
	wait_until(force_books(t, ret));
}

void table_balance(const struct table *t, struct agent_test *agent, struct books *ret)
{
	uint64_t until = test_now_ms() + (uint64_t)test_seconds() * 1000;
	size_t from = agent->nr_lines;

	for (;;) {
		table_books(t, ret);
		if (ret->evicted == ret->evicted_known)
			return;
		cr_assert(test_now_ms() < until,
			  "the books don't balance: inserted %llu = deleted %llu + reclaimed %llu + evicted "
			  "%llu + live %llu + exited %llu",
			  ret->stats.inserted, ret->stats.deleted, ret->stats.reclaimed,
			  (unsigned long long)ret->evicted_known, (unsigned long long)ret->live,
			  (unsigned long long)ret->exited);
		agent_next(agent, "health", &from);
	}
}

/* --- crowd -------------------------------------------------------------------------------------- */

void crowd_start(struct crowd *c, const char *const argv[])
{
	int in[2], out[2];

	*c = (struct crowd){ 0 };
	cr_assert(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC));
	c->pid = fork();
	if (!c->pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	cr_assert(c->pid > 0);
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
}

void crowd_end(struct crowd *c)
{
	closep(&c->in);
	closep(&c->out);
	free(c->text);
	if (c->pid > 0)
		waitpid(c->pid, NULL, 0);
	*c = (struct crowd){ .in = -1, .out = -1 };
}

static void say(struct crowd *c, const char *fmt, va_list args)
{
	cr_assert(vdprintf(c->in, fmt, args) > 0);
	cr_assert_eq(write(c->in, "\n", 1), 1);
}

void crowd_say(struct crowd *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(c, fmt, args);
	va_end(args);
}

/* A line out of what was read; NULL: not a whole one. */
static const char *take_line(struct crowd *c)
{
	static char line[4096];
	char *newline = c->len ? memchr(c->text, '\n', c->len) : NULL;
	size_t len;

	if (!newline)
		return NULL;
	len = (size_t)(newline - c->text);
	cr_assert(len < sizeof(line));
	memcpy(line, c->text, len);
	line[len] = '\0';
	c->len -= len + 1;
	memmove(c->text, newline + 1, c->len);
	return line;
}

bool crowd_has_line(struct crowd *c)
{
	struct pollfd pfd = { .fd = c->out, .events = POLLIN };

	return c->len || poll(&pfd, 1, 0) > 0;
}

const char *crowd_hear(struct crowd *c)
{
	struct pollfd pfd = { .fd = c->out, .events = POLLIN };
	const char *line;
	ssize_t n;

	while (!(line = take_line(c))) {
		cr_assert_gt(poll(&pfd, 1, test_seconds() * 1000), 0, "the helper says nothing");
		c->text = realloc(c->text, c->len + 4096);
		n = read(c->out, c->text + c->len, 4096);
		cr_assert(n > 0, "the helper has ended");
		c->len += (size_t)n;
	}
	return line;
}

pid_t crowd_number(struct crowd *c, const char *word)
{
	const char *line = crowd_hear(c);
	size_t len = strlen(word);

	cr_assert(!strncmp(line, word, len) && line[len] == ' ', "'%s' instead of '%s'", line, word);
	return atoi(line + len + 1);
}

pid_t crowd_ask(struct crowd *c, const char *word, const char *fmt, ...)
{
	va_list args;
	pid_t number;

	va_start(args, fmt);
	say(c, fmt, args);
	va_end(args);
	number = crowd_number(c, word);
	cr_assert_str_eq(crowd_hear(c), "ok");
	return number;
}

static pid_t *hold(struct crowd *c, const char *how, unsigned int n)
{
	pid_t *pids = calloc(n, sizeof(*pids));
	unsigned int i;

	cr_assert(pids);
	crowd_say(c, "%s %u", how, n);
	for (i = 0; i < n; i++)
		pids[i] = crowd_number(c, "held");
	cr_assert_str_eq(crowd_hear(c), "ok");
	return pids;
}

pid_t *crowd_hold(struct crowd *c, unsigned int n)
{
	return hold(c, "hold", n);
}

pid_t *crowd_rest(struct crowd *c, unsigned int n)
{
	return hold(c, "rest", n);
}
