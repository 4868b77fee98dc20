/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the kernel side. The only file that sees the skeleton. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "pin.h"
#include "probe.h"
#include "rand_guard.skel.h"

/* Free nodes that the kernel's LRU may set aside for one CPU: LOCAL_FREE_TARGET in bpf_lru_list.c. */
#define LRU_SLACK_PER_CPU 128

/* The part of struct scratch in kern/ that is used when nothing is collected. */
#define SCRATCH_BASE_SIZE \
	(2 * sizeof(struct rg_proc) + 2 * RG_PATH_MAX + RG_RECORD_BASE_MAX)

struct probe {
	struct rand_guard *skel;
	struct pin_dir *pins;
	struct bpf_link *census;
	struct probe_info info;
	struct probe_table table;
};

static const char *const hook_names[] = {
	[EXEC_SOURCE_PREPARE] = "prepare",
	[EXEC_SOURCE_RENAME] = "rename",
	[EXEC_SOURCE_SYSCALLS] = "syscalls",
};

static int on_libbpf_message(enum libbpf_print_level level __attribute__((unused)), const char *fmt, va_list args)
{
	char line[1024];
	size_t len;

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	len = strlen(line);
	while (len && line[len - 1] == '\n')
		line[--len] = '\0';
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

static int check_capabilities(void)
{
	uint64_t caps = effective_capabilities();
	bool bpf = caps & (1ULL << CAP_BPF), perfmon = caps & (1ULL << CAP_PERFMON);

	if (caps & (1ULL << CAP_SYS_ADMIN) || (bpf && perfmon))
		return 0;
	log_error("cannot load programs: missing %s%s%s; run as root, or give the program both",
		  bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "",
		  perfmon ? "" : "CAP_PERFMON");
	return -EPERM;
}

static const char *kernel_release(struct utsname *name)
{
	return uname(name) ? "unknown" : name->release;
}

static int check_kernel(void)
{
	struct utsname name;

	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) != 1 ||
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACING, BPF_FUNC_task_pt_regs, NULL) == 0) {
		log_error("cannot load programs: kernel %s has no task storage for tracing programs; "
			  "5.15 or later is needed", kernel_release(&name));
		return -EOPNOTSUPP;
	}
	return 0;
}

static bool has_tracepoint(const struct btf *btf, const char *typedef_name)
{
	return btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF) > 0;
}

/* Arguments of a BTF-typed tracepoint, its context pointer included; 0 if there is none. */
static unsigned int tracepoint_nr_args(const struct btf *btf, const char *typedef_name)
{
	int id = btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF);
	const struct btf_type *t;

	if (id <= 0)
		return 0;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type); /* the pointer */
	t = btf__type_by_id(btf, t->type);
	return btf_is_func_proto(t) ? btf_vlen(t) : 0;
}

static enum exec_source_hook choose_hook(const struct btf *btf, enum exec_source_hook wanted)
{
	if (wanted != EXEC_SOURCE_AUTO)
		return wanted;
	if (has_tracepoint(btf, "btf_trace_sched_prepare_exec"))
		return EXEC_SOURCE_PREPARE;
	if (has_tracepoint(btf, "btf_trace_task_rename"))
		return EXEC_SOURCE_RENAME;
	return EXEC_SOURCE_SYSCALLS;
}

static int set_hook(struct probe *p, const struct btf *btf, enum exec_source_hook wanted)
{
	enum exec_source_hook hook = choose_hook(btf, wanted);
	struct rand_guard *skel = p->skel;
	bool syscalls = hook == EXEC_SOURCE_SYSCALLS;

	if (hook == EXEC_SOURCE_PREPARE && !has_tracepoint(btf, "btf_trace_sched_prepare_exec")) {
		log_error("ebpf.exec_source_hook 'prepare': this kernel has no tracepoint "
			  "sched_prepare_exec (6.10 or later); use \"auto\"");
		return -EOPNOTSUPP;
	}
	bpf_program__set_autoload(skel->progs.on_prepare, hook == EXEC_SOURCE_PREPARE);
	bpf_program__set_autoload(skel->progs.on_rename, hook == EXEC_SOURCE_RENAME);
	bpf_program__set_autoload(skel->progs.on_enter_execve, syscalls);
	bpf_program__set_autoload(skel->progs.on_enter_at, syscalls);
	bpf_program__set_autoload(skel->progs.on_leave_execve, syscalls);
	bpf_program__set_autoload(skel->progs.on_leave_at, syscalls);
	p->info.exec_source_hook = hook_names[hook];
	return 0;
}

/* What depends on the kernel's types. Its BTF is large, and freed before libbpf reads its own copy. */
static int adapt_to_kernel(struct probe *p, const struct config *config)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct utsname name;
	int r;

	if (!btf) {
		log_error("cannot load programs: kernel %s has no BTF (/sys/kernel/btf/vmlinux); a kernel "
			  "built with CONFIG_DEBUG_INFO_BTF=y is needed", kernel_release(&name));
		return -EOPNOTSUPP;
	}
	/* The context pointer, the task, and group_dead. */
	p->skel->rodata->rg_config.exit_has_group_dead =
		tracepoint_nr_args(btf, "btf_trace_sched_process_exit") >= 3;
	r = set_hook(p, btf, config->ebpf.exec_source_hook);
	btf__free(btf);
	return r;
}

static void set_env_name(struct rg_env_name *to, const char *name)
{
	size_t len = strlen(name);

	memcpy(to->word, name, len);
	((char *)to->word)[len] = '=';
	memset(to->mask, 0xff, len + 1);
}

static void set_config(struct probe *p, const struct config *config)
{
	struct rg_config *c = (struct rg_config *)&p->skel->rodata->rg_config;
	size_t i;

	c->max_rows = config->performance.max_process_cache_entries;
	c->max_pending_sources = config->performance.max_pending_exec_sources;
	c->wakeup_bytes = config->ebpf.buffer_size / 4; /* leaves most of it for what comes while the reader wakes */
	c->max_args_bytes = config->process.max_args_bytes;
	c->max_env_bytes = config->process.max_env_bytes;
	c->collect_args = config->process.collect_args;
	c->collect_env = config->process.collect_env;
	c->collect_cwd = config->process.collect_cwd;
	for (i = 0; i < config->process.nr_env_names; i++)
		set_env_name(&c->env_names[i], config->process.env_names[i]);
}

static int size_maps(struct probe *p, const struct config *config)
{
	uint32_t max_rows = config->performance.max_process_cache_entries;
	int nr_cpus = libbpf_num_possible_cpus();
	int r;

	if (nr_cpus < 0)
		return nr_cpus;
	p->info.table_max = max_rows;
	p->info.table_allocated = max_rows + LRU_SLACK_PER_CPU * (uint32_t)nr_cpus;
	r = bpf_map__set_max_entries(p->skel->maps.proc_table, p->info.table_allocated);
	if (r)
		return r;
	r = bpf_map__set_max_entries(p->skel->maps.exited_queue, max_rows);
	if (r)
		return r;
	r = bpf_map__set_max_entries(p->skel->maps.events, config->ebpf.buffer_size);
	if (r || config->process.collect_args || config->process.collect_env)
		return r;
	return bpf_map__set_value_size(p->skel->maps.scratch, SCRATCH_BASE_SIZE);
}

static int load(struct probe *p)
{
	struct utsname name;
	int r = rand_guard__load(p->skel);

	if (!r)
		return 0;
	log_error("cannot load programs into kernel %s: %s; log_level = \"debug\" shows libbpf's words",
		  kernel_release(&name), strerror(-r));
	return r;
}

/*
 * The exit hook comes first: a process that another hook has put into the table must not end
 * unseen. Before the snapshot, so that nothing falls between the two.
 */
static int attach(struct probe *p)
{
	struct rand_guard *skel = p->skel;
	int r;

	bpf_program__set_autoattach(skel->progs.on_snapshot, false);
	bpf_program__set_autoattach(skel->progs.on_census, false);
	skel->links.on_exit = bpf_program__attach(skel->progs.on_exit);
	r = libbpf_get_error(skel->links.on_exit);
	if (r)
		skel->links.on_exit = NULL;
	else
		r = rand_guard__attach(skel);
	if (r)
		log_error("cannot attach the hooks: %s; log_level = \"debug\" shows which", strerror(-r));
	return r;
}

/* Runs an iterator program to its end. */
static int run_iterator(const struct bpf_link *link)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	char buf[256];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? -errno : 0;
}

static int take_snapshot(struct probe *p)
{
	struct bpf_link *link = bpf_program__attach_iter(p->skel->progs.on_snapshot, NULL);
	int r = libbpf_get_error(link);

	if (!r) {
		r = run_iterator(link);
		bpf_link__destroy(link);
	}
	if (r)
		log_error("cannot walk the running processes: %s", strerror(-r));
	return r;
}

static int attach_census(struct probe *p)
{
	union bpf_iter_link_info info = { .map.map_fd = bpf_map__fd(p->skel->maps.proc_table) };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	int r;

	p->census = bpf_program__attach_iter(p->skel->progs.on_census, &opts);
	r = libbpf_get_error(p->census);
	if (!r)
		return 0;
	p->census = NULL;
	log_error("cannot attach the table's census: %s", strerror(-r));
	return r;
}

/* "memlock:" of a map's fdinfo: what the kernel accounts for it. */
static uint64_t map_memory_bytes(int fd)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long bytes = 0;
	char line[128];

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	return bytes;
}

static void note_maps(struct probe *p)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, p->skel->obj) {
		if (p->info.nr_maps == PROBE_MAX_MAPS)
			break;
		p->info.maps[p->info.nr_maps++] = (struct probe_map){
			.name = bpf_map__name(map),
			.memory_bytes = map_memory_bytes(bpf_map__fd(map)),
		};
	}
}

/* What is pinned, and under which name. */
static const char *const pin_names[] = { "proc_table", "exited_queue", "exec_source",
					 "events", "stats", NULL };

static int pin_maps(struct probe *p, const char *path)
{
	const struct bpf_map *maps[] = { p->skel->maps.proc_table, p->skel->maps.exited_queue,
					 p->skel->maps.exec_source, p->skel->maps.events,
					 p->skel->maps.bss };
	size_t i;
	int r;

	if (!p->pins)
		return 0;
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		r = pin_dir_pin(p->pins, pin_names[i], bpf_map__fd(maps[i]));
		if (r) {
			log_error("ebpf.pin_path '%s': cannot pin %s: %s", path, pin_names[i], strerror(-r));
			return r;
		}
	}
	return 0;
}

static int set_up(struct probe *p, const struct config *config)
{
	const char *pin_path = config->ebpf.pin_path;
	struct probe_table table;
	int r;

	r = check_capabilities();
	if (!r)
		r = check_kernel();
	if (!r && *pin_path)
		r = pin_dir_open(pin_path, pin_names, &p->pins);
	if (r)
		return r;
	p->skel = rand_guard__open();
	if (!p->skel)
		return log_error("cannot open the programs: %s", strerror(errno)), -errno;
	r = adapt_to_kernel(p, config);
	if (r)
		return r;
	set_config(p, config);
	r = size_maps(p, config);
	if (r)
		return log_error("cannot size the maps: %s", strerror(-r)), r;
	r = load(p);
	if (!r)
		r = pin_maps(p, pin_path);
	if (!r)
		r = attach_census(p);
	if (!r)
		r = attach(p);
	if (!r)
		r = take_snapshot(p);
	if (!r)
		r = probe_count(p, &table);
	if (r)
		return r;
	p->info.snapshot_rows = table.live;
	note_maps(p);
	return 0;
}

int probe_new(const struct config *config, struct probe **ret)
{
	struct probe *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	libbpf_set_print(on_libbpf_message);
	r = set_up(p, config);
	if (r) {
		probe_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->census);
	rand_guard__destroy(p->skel);
	pin_dir_close(p->pins);
	free(p);
}

void probe_start(struct probe *p, uint32_t records)
{
	p->skel->bss->rg_control.agent_pid = getpid();
	__atomic_store_n(&p->skel->bss->rg_control.wanted, records, __ATOMIC_SEQ_CST);
}

void probe_set_wake(struct probe *p, uint32_t wake)
{
	__atomic_store_n(&p->skel->bss->rg_control.wake, wake, __ATOMIC_SEQ_CST);
}

const struct probe_info *probe_info(const struct probe *p)
{
	return &p->info;
}

const volatile struct rg_stats *probe_stats(const struct probe *p)
{
	return &p->skel->bss->rg_stats;
}

/*
 * Rows appear and go while the walk is under way. Rows at the end <= rows seen + inserted during the
 * walk, so what was inserted before it, less what left until its end, less the rows seen, is at most what was
 * evicted; at rest it is exactly that.
 */
int probe_count(struct probe *p, struct probe_table *ret)
{
	const volatile struct rg_stats *stats = probe_stats(p);
	struct rg_census *census = &p->skel->bss->rg_census;
	uint64_t inserted, left, seen;
	int r;

	*census = (struct rg_census){ 0 };
	inserted = stats->inserted;
	r = run_iterator(p->census);
	if (r)
		return r;
	left = stats->deleted + stats->reclaimed;
	seen = census->live + census->exited;
	if (inserted > left + seen && inserted - left - seen > p->table.evicted) {
		p->table.evicted = inserted - left - seen;
		p->skel->bss->rg_control.evicted = p->table.evicted;
	}
	p->table.live = census->live;
	p->table.exited = census->exited;
	*ret = p->table;
	return 0;
}

uint64_t probe_nr_missed_runs(const struct probe *p)
{
	struct bpf_program *prog;
	uint64_t missed = 0;

	bpf_object__for_each_program(prog, p->skel->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

int probe_events_fd(const struct probe *p)
{
	return bpf_map__fd(p->skel->maps.events);
}
