/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running kernel side: one of an earlier agent's if it fits, else a new one from the loader. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "loader.h"
#include "pin.h"
#include "probe.h"

struct probe {
	struct kernel kernel;
	struct pin_dir *pins; /* NULL: nothing is pinned */
	bool keep;
	struct rg_state *state; /* mapped */
	struct probe_info info;
	struct probe_table table;
	int prog_info[NR_KERNEL_HOOKS]; /* /proc/self/fdinfo of each hook's program, or -1 */
};

static const char *hook_name(enum rg_exec_source_hook hook)
{
	static const char *const names[] = {
		[RG_HOOK_NONE] = "none",
		[RG_HOOK_PREPARE] = "prepare",
		[RG_HOOK_RENAME] = "rename",
		[RG_HOOK_SYSCALLS] = "syscalls",
	};

	return (unsigned int)hook < ARRAY_SIZE(names) ? names[hook] : "unknown";
}

static int read_config(const struct kernel *kernel, struct rg_config *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), key = 0;
	_cleanup_free_ char *value = NULL;

	if (bpf_obj_get_info_by_fd(kernel->map[MAP_CONFIG], &info, &len))
		return -errno;
	if (info.value_size < sizeof(*ret))
		return -EINVAL;
	value = malloc(info.value_size);
	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(kernel->map[MAP_CONFIG], &key, value))
		return -errno;
	memcpy(ret, value, sizeof(*ret));
	return 0;
}

/* Why programs that run with those settings can't serve an agent that wants these; NULL: they can. */
static const char *misfit(const struct rg_config *have, const struct rg_config *want)
{
	struct rg_config same = *have;

	if (have->abi != want->abi || strncmp(have->version, want->version, sizeof(want->version)))
		return "they are of another version";
	/* These are the kernel's, and "auto" is any. */
	same.exit_has_group_dead = want->exit_has_group_dead;
	if (want->hook == RG_HOOK_NONE)
		same.hook = RG_HOOK_NONE;
	return memcmp(&same, want, sizeof(same)) ? "they were loaded with other settings" : NULL;
}

/* 0: *ret runs already and fits; -ENOENT: nothing does, any more. */
static int take_over(struct pin_dir *pins, const struct rg_config *want, bool keep, struct kernel *ret)
{
	struct rg_config have;
	const char *why;

	if (pin_dir_find(pins, ret)) {
		pin_dir_clear(pins);
		return -ENOENT;
	}
	if (!keep)
		why = "keep_running is off now";
	else if (read_config(ret, &have))
		why = "their settings can't be read";
	else
		why = misfit(&have, want);
	if (!why)
		return 0;
	log_warning("the programs that an earlier agent left running are replaced: %s", why);
	kernel_close(ret);
	pin_dir_clear(pins);
	return -ENOENT;
}

static int find_or_load(struct probe *p, const struct config *config)
{
	struct rg_config want;
	int r;

	r = loader_check_rights();
	if (r)
		return r;
	loader_want(config, &want);
	if (*config->ebpf.pin_path) {
		r = pin_dir_open(config->ebpf.pin_path, &p->pins);
		if (r)
			return r;
		r = take_over(p->pins, &want, p->keep, &p->kernel);
		p->info.taken_over = !r;
		if (!r)
			return 0;
	}
	r = loader_run(&want, &p->kernel);
	if (!r && p->pins)
		r = pin_dir_save(p->pins, &p->kernel, p->keep);
	return r;
}

static int map_state(struct probe *p)
{
	void *mapped = mmap(NULL, sizeof(struct rg_state), PROT_READ | PROT_WRITE, MAP_SHARED,
			    p->kernel.map[MAP_STATE], 0);

	if (mapped == MAP_FAILED) {
		log_error("cannot map the counters: %s", strerror(errno));
		return -errno;
	}
	p->state = mapped;
	return 0;
}

static int open_fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The number behind "key:" in an open fdinfo, read anew; 0 if there is none. */
static uint64_t fdinfo_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void read_fdinfo(int fd, char *buf, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);

	buf[MAX(n, 0)] = '\0';
}

/* fdinfo of a map or program: about 300 bytes. */
#define FDINFO_MAX 1024

static void note_maps(struct probe *p)
{
	char text[FDINFO_MAX];
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++) {
		_cleanup_close_ int fd = open_fdinfo(p->kernel.map[i]);

		read_fdinfo(fd, text, sizeof(text));
		p->info.maps[p->info.nr_maps++] = (struct probe_map){
			.name = kernel_map_names[i],
			.memory_bytes = fdinfo_number(text, "memlock:"),
		};
		if (i == MAP_PROC_TABLE)
			p->info.table_allocated = (uint32_t)fdinfo_number(text, "max_entries:");
	}
}

static int note_info(struct probe *p)
{
	struct probe_table table;
	struct rg_config have;
	size_t i;
	int r;

	r = read_config(&p->kernel, &have);
	if (!r)
		r = probe_count(p, &table);
	if (r) {
		log_error("cannot read what was loaded: %s", strerror(-r));
		return r;
	}
	p->info.exec_source_hook = hook_name(have.hook);
	p->info.table_max = have.max_rows;
	p->info.snapshot_rows = table.live;
	note_maps(p);
	for (i = 0; i < NR_KERNEL_HOOKS; i++)
		p->prog_info[i] = p->kernel.prog[i] < 0 ? -1 : open_fdinfo(p->kernel.prog[i]);
	return 0;
}

int probe_new(const struct config *config, struct probe **ret)
{
	_cleanup_(probe_freep) struct probe *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	kernel_init(&p->kernel);
	memset(p->prog_info, 0xff, sizeof(p->prog_info));
	p->keep = config->ebpf.keep_running;
	r = find_or_load(p, config);
	if (!r)
		r = map_state(p);
	if (!r)
		r = note_info(p);
	if (r) {
		p->keep = false;
		return r;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

/* Nobody reads now: records stay in the ring until it is full, then they are counted. */
static void leave_running(struct probe *p)
{
	probe_set_wake(p, RG_WAKE_NEVER);
	p->state->control.agent_pid = 0;
}

void probe_free(struct probe *p)
{
	size_t i;

	if (!p)
		return;
	if (p->keep && p->state)
		leave_running(p);
	else if (p->pins)
		pin_dir_clear(p->pins);
	if (p->state)
		munmap(p->state, sizeof(*p->state));
	for (i = 0; i < NR_KERNEL_HOOKS; i++)
		closep(&p->prog_info[i]);
	kernel_close(&p->kernel);
	pin_dir_close(p->pins);
	free(p);
}

void probe_start(struct probe *p, uint32_t records)
{
	p->state->control.agent_pid = (uint32_t)getpid();
	__atomic_store_n(&p->state->control.wanted, records, __ATOMIC_SEQ_CST);
}

/* An exec that sees only a part of it wakes too soon or too late, once. */
void probe_set_names(struct probe *p, const struct rg_rule_names *names)
{
	p->state->names = *names;
}

void probe_set_wake(struct probe *p, enum rg_wake wake)
{
	__atomic_store_n(&p->state->control.wake, wake, __ATOMIC_SEQ_CST);
}

const struct probe_info *probe_info(const struct probe *p)
{
	return &p->info;
}

struct rg_state *probe_state(const struct probe *p)
{
	return p->state;
}

/* Runs an iterator to its end. */
static int run_iterator(int link)
{
	_cleanup_close_ int fd = bpf_iter_create(link);
	char buf[256];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? -errno : 0;
}

static uint64_t load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

/* A table's books: rows that went in, and those that the programs took out. */
struct books {
	uint64_t inserted;
	uint64_t gone;
};

static struct books read_books(const struct rg_stats *stats)
{
	return (struct books){ load(&stats->inserted), load(&stats->deleted) + load(&stats->reclaimed) };
}

static struct books read_thread_books(const struct rg_stats *stats)
{
	return (struct books){ load(&stats->threads_inserted), load(&stats->threads_deleted) };
}

static bool has_moved(const struct books *before, const struct books *after)
{
	return before->inserted != after->inserted || before->gone != after->gone;
}

/*
 * Rows come and go meanwhile. The programs count what goes in behind it, and what they take out before it: so
 * what had gone in before the rows were counted, less what has left since, less the rows, is at most what was
 * evicted; at rest it is exactly that. It may never be more: the programs would think that there is room, and
 * leave it to the LRU to make some.
 */
static uint64_t evicted(const struct books *before, const struct books *after, uint64_t rows,
			uint64_t last)
{
	uint64_t known = after->gone + rows;

	return before->inserted > known ? MAX(before->inserted - known, last) : last;
}

/* *ret_exact: whether evictions could be worked out. */
static int count(struct probe *p, bool *ret_exact)
{
	struct rg_control *control = &p->state->control;
	struct rg_census *census = &p->state->census;
	struct books rows, threads, rows_after, threads_after;
	bool counted;
	int r;

	memset(census, 0, sizeof(*census));
	rows = read_books(&p->state->stats);
	threads = read_thread_books(&p->state->stats);
	r = run_iterator(p->kernel.link[PROG_CENSUS]);
	if (!r)
		r = run_iterator(p->kernel.link[PROG_THREADS]);
	if (r)
		return r;
	rows_after = read_books(&p->state->stats);
	threads_after = read_thread_books(&p->state->stats);
	counted = load(&census->is_counted);
	*ret_exact = counted || (!has_moved(&rows, &rows_after) && !has_moved(&threads, &threads_after));
	if (!*ret_exact)
		return 0;
	control->evicted = evicted(&rows, &rows_after,
				   counted ? census->rows_counted : census->live + census->exited,
				   control->evicted);
	control->threads_evicted = evicted(&threads, &threads_after,
					   counted ? census->threads_counted : census->threads,
					   control->threads_evicted);
	return 0;
}

/* Walks before 6.6, for one of them to find that nothing moved. */
#define COUNT_TRIES 4

int probe_count(struct probe *p, struct probe_table *ret)
{
	const struct rg_control *control = &p->state->control;
	const struct rg_census *census = &p->state->census;
	bool exact = false;
	int i, r = 0;

	for (i = 0; i < COUNT_TRIES && !exact && !r; i++)
		r = count(p, &exact);
	if (r)
		return r;
	*ret = (struct probe_table){
		.live = census->live,
		.exited = census->exited,
		.evicted = control->evicted,
		.threads = census->threads,
		.threads_evicted = control->threads_evicted,
	};
	return 0;
}

/* What a hook's second program has done for its first one; the second itself misses nothing more. */
static uint64_t nr_missed(const struct probe *p, size_t prog, uint64_t nr_skipped)
{
	static const int firsts[NR_KERNEL_HOOKS] = {
		[PROG_FORK] = 1 + RG_AGAIN_FORK,
		[PROG_PREPARE] = 1 + RG_AGAIN_PREPARE,
		[PROG_EXEC] = 1 + RG_AGAIN_EXEC,
		[PROG_EXIT] = 1 + RG_AGAIN_EXIT,
	};
	uint64_t done;

	if (prog >= PROG_EXIT_AGAIN)
		return 0;
	done = firsts[prog] ? p->state->stats.done_again[firsts[prog] - 1] : 0;
	return nr_skipped - MIN(done, nr_skipped);
}

size_t probe_progs(const struct probe *p, struct probe_prog *ret)
{
	char text[FDINFO_MAX];
	size_t i, n = 0;

	for (i = 0; i < NR_KERNEL_HOOKS; i++) {
		if (p->kernel.prog[i] < 0)
			continue;
		read_fdinfo(p->prog_info[i], text, sizeof(text));
		ret[n++] = (struct probe_prog){
			.name = kernel_prog_names[i],
			.run_time_ns = fdinfo_number(text, "run_time_ns:"),
			.nr_runs = fdinfo_number(text, "run_cnt:"),
			.nr_missed = nr_missed(p, i, fdinfo_number(text, "recursion_misses:")),
			.nr_insns = fdinfo_number(text, "verified_insns:"),
		};
	}
	return n;
}

int probe_events_fd(const struct probe *p)
{
	return p->kernel.map[MAP_EVENTS];
}
