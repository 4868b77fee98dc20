/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The loader process. The only file that sees the skeleton. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "loader.h"
#include "traits.h"
#include "../shared/stats.h"
#include "rand_guard.skel.h"
#include "sum.skel.h"

/* Free nodes that the kernel's LRU sets aside for one CPU: LOCAL_FREE_TARGET in bpf_lru_list.c. */
#define LRU_RESERVE_PER_CPU 128
/* Inserts under way at once on one CPU, each of which can overshoot by one; programs can be preempted. */
#define INSERTS_PER_CPU 8

/* The part of struct scratch in kern/ that is used when neither arguments nor environment are collected. */
#define SCRATCH_BASE_SIZE \
	(2 * sizeof(struct rg_proc) + sizeof(struct rg_lineage) + 2 * RG_PATH_MAX + RG_WALK_BYTES + \
	 RG_RECORD_BASE_MAX)

/* What is found out about the kernel, and what comes of it. */
struct loader {
	struct rand_guard *skel;
	struct sum *sum; /* NULL where a map doesn't say how many elements it has (6.6) */
	struct bpf_link *links[NR_KERNEL_PROGS];
	struct traits traits;
};

/* The verifier's log comes as one message of many lines. */
static int on_libbpf_message(enum libbpf_print_level level __attribute__((unused)), const char *fmt,
			     va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (!log_is_on(LOG_LEVEL_DEBUG) || vasprintf(&text, fmt, args) < 0)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			log_debug("%s", line);
	return 0;
}

/* The effective capabilities of this process; 0 if they can't be read. */
static uint64_t effective_capabilities(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	return caps;
}

int loader_check_rights(void)
{
	uint64_t caps = effective_capabilities();
	bool bpf = caps & (1ULL << CAP_BPF), perfmon = caps & (1ULL << CAP_PERFMON);

	if (caps & (1ULL << CAP_SYS_ADMIN) || (bpf && perfmon))
		return 0;
	log_error("cannot load programs: missing %s%s%s; run as root, or give the agent both "
		  "(systemd: AmbientCapabilities=CAP_BPF CAP_PERFMON)",
		  bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "",
		  perfmon ? "" : "CAP_PERFMON");
	return -EPERM;
}

static const char *kernel_release(struct utsname *name)
{
	return uname(name) ? "unknown" : name->release;
}

/* Whether bpf(2) can be called at all: a container's filter may refuse it to root, too. */
static int check_bpf_call(void)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rg_try", 4, 4, 1, NULL);

	if (fd >= 0 || errno != EPERM)
		return 0;
	log_error("cannot load programs: bpf() is refused though the capabilities are there; a container's "
		  "seccomp profile or kernel lockdown forbids it");
	return -EPERM;
}

static int check_kernel(void)
{
	struct utsname name;
	int r = check_bpf_call();

	if (r)
		return r;
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1 &&
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACEPOINT, BPF_FUNC_get_current_task_btf, NULL) == 1)
		return 0;
	log_error("cannot load programs: kernel %s has no task storage for tracing programs; "
		  "5.15 or later is needed", kernel_release(&name));
	return -EOPNOTSUPP;
}

static enum rg_exec_source_hook best_hook(const struct traits *traits)
{
	if (traits->has_prepare)
		return RG_HOOK_PREPARE;
	return traits->has_rename ? RG_HOOK_RENAME : RG_HOOK_SYSCALLS;
}

static int choose_hook(struct loader *l)
{
	struct rg_config *c = (struct rg_config *)&l->skel->rodata->rg_config;

	if (c->hook == RG_HOOK_NONE)
		c->hook = best_hook(&l->traits);
	if (c->hook != RG_HOOK_PREPARE || l->traits.has_prepare)
		return 0;
	log_error("ebpf.exec_source_hook 'prepare': this kernel has no tracepoint "
		  "sched_prepare_exec (6.10 or later); use \"auto\"");
	return -EOPNOTSUPP;
}

/* Is this a program that this kernel, or the exec source's hook, does without? */
static bool is_unused(const struct loader *l, enum kernel_prog prog)
{
	enum rg_exec_source_hook hook = l->skel->rodata->rg_config.hook;

	switch (prog) {
	case PROG_EXIT_AGAIN:
	case PROG_FORK_AGAIN:
	case PROG_EXEC_AGAIN:
		return !l->traits.skips;
	case PROG_PREPARE_AGAIN:
		return !l->traits.skips || hook != RG_HOOK_PREPARE;
	case PROG_PREPARE:
		return hook != RG_HOOK_PREPARE;
	case PROG_RENAME:
		return hook != RG_HOOK_RENAME;
	case PROG_ENTER_EXECVE:
	case PROG_ENTER_AT:
	case PROG_LEAVE_EXECVE:
	case PROG_LEAVE_AT:
		return hook != RG_HOOK_SYSCALLS;
	default:
		return false;
	}
}

/* The program behind a name that is pinned; some have a second form for what a kernel can do. */
static struct bpf_program *find_program(const struct loader *l, enum kernel_prog prog)
{
	const struct rand_guard *s = l->skel;

	switch (prog) {
	case PROG_CENSUS:
		return l->sum ? l->sum->progs.on_census_sum : s->progs.on_census;
	case PROG_THREADS:
		return l->sum ? l->sum->progs.on_threads_sum : s->progs.on_threads;
	default:
		return bpf_object__find_program_by_name(s->obj, kernel_prog_names[prog]);
	}
}

/* Of two forms the one, and of the hooks those that are used; the snapshot is always. */
static void choose_programs(struct loader *l)
{
	const struct rand_guard *s = l->skel;
	struct bpf_program *prog;
	enum kernel_prog i;

	bpf_object__for_each_program(prog, s->obj)
		bpf_program__set_autoload(prog, prog == s->progs.on_snapshot);
	for (i = 0; i < NR_KERNEL_PROGS; i++)
		bpf_program__set_autoload(find_program(l, i), !is_unused(l, i));
}

static int open_sum(struct loader *l)
{
	int r;

	l->sum = sum__open();
	if (l->sum)
		return 0;
	r = -errno;
	log_error("cannot open the programs: %s", strerror(-r));
	return r;
}

static int adapt_to_kernel(struct loader *l)
{
	struct rg_config *c = (struct rg_config *)&l->skel->rodata->rg_config;
	struct utsname name;
	int r;

	r = traits_read(&l->traits);
	if (r) {
		log_error("cannot load programs: kernel %s has no BTF (/sys/kernel/btf/vmlinux); a kernel "
			  "built with CONFIG_DEBUG_INFO_BTF=y is needed", kernel_release(&name));
		return r;
	}
	c->exit_has_group_dead = l->traits.exit_has_group_dead;
	r = choose_hook(l);
	if (!r && l->traits.sums_elements)
		r = open_sum(l);
	if (!r)
		choose_programs(l);
	return r;
}

static void set_env_name(struct rg_env_name *to, const char *name)
{
	size_t len = strlen(name);

	memcpy(to->word, name, len);
	((char *)to->word)[len] = '=';
	memset(to->mask, 0xff, len + 1);
}

static enum rg_exec_source_hook wanted_hook(enum exec_source_hook setting)
{
	switch (setting) {
	case EXEC_SOURCE_PREPARE:
		return RG_HOOK_PREPARE;
	case EXEC_SOURCE_RENAME:
		return RG_HOOK_RENAME;
	case EXEC_SOURCE_SYSCALLS:
		return RG_HOOK_SYSCALLS;
	default:
		return RG_HOOK_NONE;
	}
}

void loader_want(const struct config *config, struct rg_config *ret)
{
	size_t i;

	*ret = (struct rg_config){
		.abi = RG_ABI_VERSION,
		.max_rows = config->performance.max_process_cache_entries,
		.max_threads = config->process.track_threads ?
				       config->performance.max_thread_cache_entries : 0,
		.max_pending_sources = config->performance.max_pending_exec_sources,
		.ring_bytes = config->ebpf.buffer_size,
		/* Leaves most of it for what comes while the reader wakes. */
		.wakeup_bytes = config->ebpf.buffer_size / 4,
		.max_args_bytes = config->process.max_args_bytes,
		.max_env_bytes = config->process.max_env_bytes,
		.collect_args = config->process.collect_args,
		.collect_env = config->process.collect_env,
		.collect_cwd = config->process.collect_cwd,
		.hook = wanted_hook(config->ebpf.exec_source_hook),
		.version = RG_VERSION,
	};
	for (i = 0; i < config->process.nr_env_names; i++)
		set_env_name(&ret->env_names[i], config->process.env_names[i]);
}

/*
 * A CPU without a free node takes LRU_RESERVE_PER_CPU of them from the global list, and evicts what is short of
 * that. With so many more for each possible CPU it never is while there are at most max_rows rows. From
 * d4adf1c9ee77 (6.16) on the reserves together take at most half of a small map.
 */
uint32_t loader_table_entries(uint32_t max_rows, uint32_t nr_cpus, bool lru_adapts)
{
	uint32_t reserve = nr_cpus * LRU_RESERVE_PER_CPU;

	if (lru_adapts)
		reserve = MIN(reserve, max_rows);
	return max_rows + reserve + nr_cpus * INSERTS_PER_CPU;
}

static int size_maps(struct loader *l)
{
	const struct rg_config *c = (const struct rg_config *)&l->skel->rodata->rg_config;
	int nr_cpus = libbpf_num_possible_cpus();
	int r;

	if (nr_cpus < 0)
		return nr_cpus;
	r = bpf_map__set_max_entries(l->skel->maps.proc_table,
				     loader_table_entries(c->max_rows, (uint32_t)nr_cpus, l->traits.lru_adapts));
	if (!r)
		r = bpf_map__set_max_entries(l->skel->maps.exited_queue, c->max_rows);
	if (!r && c->max_threads)
		r = bpf_map__set_max_entries(l->skel->maps.thread_table,
					     loader_table_entries(c->max_threads, (uint32_t)nr_cpus,
								  l->traits.lru_adapts));
	if (!r)
		r = bpf_map__set_max_entries(l->skel->maps.events, c->ring_bytes);
	if (!r && !l->traits.skips)
		r = bpf_map__set_max_entries(l->skel->maps.scratch, RG_SCRATCH_SLOTS);
	if (!r && !c->collect_args && !c->collect_env)
		r = bpf_map__set_value_size(l->skel->maps.scratch, SCRATCH_BASE_SIZE);
	return r;
}

/* It counts into the state of the others. */
static int load_sum(struct loader *l)
{
	int r = bpf_map__reuse_fd(l->sum->maps.bss, bpf_map__fd(l->skel->maps.bss));

	return r ? r : sum__load(l->sum);
}

static int load(struct loader *l)
{
	struct utsname name;
	int r = rand_guard__load(l->skel);

	if (!r && l->sum)
		r = load_sum(l);
	if (r)
		log_error("cannot load programs into kernel %s: %s; log_level = \"debug\" shows libbpf's "
			  "words", kernel_release(&name), strerror(-r));
	return r;
}

static void say_attach_failed(const struct loader *l, int r)
{
	if (l->skel->rodata->rg_config.hook == RG_HOOK_SYSCALLS && (r == -ENOENT || r == -EACCES))
		log_error("cannot attach the hooks: %s; ebpf.exec_source_hook \"syscalls\" needs to read "
			  "tracefs (mount -t tracefs tracefs /sys/kernel/tracing), or use \"auto\"",
			  strerror(-r));
	else
		log_error("cannot attach the hooks: %s; log_level = \"debug\" shows which", strerror(-r));
}

/*
 * The exit hook comes first: a process that another hook has put into the table must not end
 * unseen. Before the snapshot, so that nothing falls between the two.
 */
static int attach(struct loader *l)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	enum kernel_prog i;
	int r;

	for (i = 0; i < NR_KERNEL_HOOKS; i++) {
		prog = find_program(l, i);
		if (!bpf_program__autoload(prog))
			continue;
		link = bpf_program__attach(prog);
		r = libbpf_get_error(link);
		if (r) {
			say_attach_failed(l, r);
			return r;
		}
		l->links[i] = link;
	}
	return 0;
}

static int take_snapshot(struct rand_guard *skel)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.on_snapshot, NULL);
	_cleanup_close_ int fd = -1;
	int r = libbpf_get_error(link);
	char buf[64];

	if (!r) {
		fd = bpf_iter_create(bpf_link__fd(link));
		r = fd < 0 ? -errno : 0;
		while (!r && (read(fd, buf, sizeof(buf)) > 0 || errno == EINTR || errno == EAGAIN))
			errno = 0;
		bpf_link__destroy(link);
	}
	if (r)
		log_error("cannot walk the running processes: %s", strerror(-r));
	return r;
}

/* An iterator over one map's elements. */
static int attach_iterator(struct loader *l, enum kernel_prog prog, const struct bpf_program *program,
			   const struct bpf_map *map)
{
	union bpf_iter_link_info info = { .map.map_fd = (uint32_t)bpf_map__fd(map) };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(program, &opts);
	int r = libbpf_get_error(link);

	if (r) {
		log_error("cannot attach the iterator %s: %s", bpf_program__name(program), strerror(-r));
		return r;
	}
	l->links[prog] = link;
	return 0;
}

static int attach_iterators(struct loader *l)
{
	const struct rand_guard *s = l->skel;
	const struct bpf_map *over[NR_KERNEL_PROGS] = {
		[PROG_CENSUS] = s->maps.proc_table,
		[PROG_THREADS] = s->maps.thread_table,
		[PROG_PROCESSES] = s->maps.proc_table,
		[PROG_STATS] = s->maps.bss,
	};
	enum kernel_prog i;
	int r = 0;

	for (i = NR_KERNEL_HOOKS; i < NR_KERNEL_PROGS && !r; i++)
		r = attach_iterator(l, i, find_program(l, i), over[i]);
	return r;
}

static int set_up(struct loader *l, const struct rg_config *want)
{
	int r;

	r = check_kernel();
	if (r)
		return r;
	l->skel = rand_guard__open();
	if (!l->skel) {
		log_error("cannot open the programs: %s", strerror(errno));
		return -errno;
	}
	memcpy((void *)&l->skel->rodata->rg_config, want, sizeof(*want));
	r = adapt_to_kernel(l);
	if (r)
		return r;
	r = size_maps(l);
	if (r) {
		log_error("cannot size the maps: %s", strerror(-r));
		return r;
	}
	r = load(l);
	if (!r)
		r = attach_iterators(l);
	if (!r)
		r = attach(l);
	if (!r)
		r = take_snapshot(l->skel);
	return r;
}

static int link_fd(const struct bpf_link *link)
{
	return link ? bpf_link__fd(link) : -1;
}

/* The skeleton's descriptors, which stay its own. */
static void list_descriptors(const struct loader *l, struct kernel *ret)
{
	const struct rand_guard *s = l->skel;
	const struct bpf_map *maps[NR_KERNEL_MAPS] = {
		s->maps.proc_table, s->maps.exited_queue, s->maps.thread_table, s->maps.exec_source,
		s->maps.events,	    s->maps.scratch,	  s->maps.bss,		s->maps.rodata,
	};
	size_t i;

	for (i = 0; i < NR_KERNEL_MAPS; i++)
		ret->map[i] = bpf_map__fd(maps[i]);
	for (i = 0; i < NR_KERNEL_PROGS; i++) {
		ret->prog[i] = MAX(bpf_program__fd(find_program(l, i)), -1);
		ret->link[i] = link_fd(l->links[i]);
	}
}

static int loader_main(const struct rg_config *want, int to)
{
	struct loader l = { 0 };
	struct kernel kernel;
	int r, send_error;

	kernel_init(&kernel);
	libbpf_set_print(on_libbpf_message);
	r = set_up(&l, want);
	if (!r)
		list_descriptors(&l, &kernel);
	send_error = kernel_send(to, r, &kernel);
	if (send_error)
		log_error("cannot hand over the loaded programs: %s", strerror(-send_error));
	return r ? 1 : 0;
}

int loader_run(const struct rg_config *want, struct kernel *ret)
{
	int ends[2], status = 0, r;
	pid_t pid;

	kernel_init(ret);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = fork();
	if (!pid)
		_exit(loader_main(want, ends[1]));
	close(ends[1]);
	r = pid < 0 ? -errno : kernel_receive(ends[0], ret);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == -EPIPE)
		log_error("the loader process ended before it was done%s",
			  WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ?
				  " (killed: out of memory?)" : "");
	else if (pid < 0)
		log_error("cannot start the loader process: %s", strerror(-r));
	return r;
}
