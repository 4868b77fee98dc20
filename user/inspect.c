/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include <bpf/bpf.h>

#include "event.h"
#include "inspect.h"
#include "json.h"
#include "pin.h"
#include "../shared/stats.h"

/* Rows as they were read, by pid. */
struct rows {
	struct rg_proc *rows;
	size_t nr_rows;
};

static void rows_clear(struct rows *rows)
{
	free(rows->rows);
}

static int open_map(const char *pin_path, enum kernel_map map)
{
	int fd = pin_open_map(pin_path, map);

	if (fd == -ENOENT)
		log_error("nothing is pinned under '%s': no agent runs there, and none left its programs "
			  "running (ebpf.keep_running)", pin_path);
	else if (fd < 0)
		log_error("cannot open '%s/%s': %s", pin_path, kernel_map_names[map], strerror(-fd));
	return fd;
}

/* The value of a map with one element, whose size may have grown to what the map's alignment needs. */
static int read_single(const char *pin_path, enum kernel_map map, void *ret, size_t size)
{
	_cleanup_close_ int fd = open_map(pin_path, map);
	struct bpf_map_info info = { 0 };
	_cleanup_free_ char *value = NULL;
	uint32_t len = sizeof(info), key = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.value_size < size) {
		log_error("'%s/%s' is another version's", pin_path, kernel_map_names[map]);
		return -EPROTO;
	}
	value = malloc(info.value_size);
	if (!value)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, value))
		return -errno;
	memcpy(ret, value, size);
	return 0;
}

static int read_config(const char *pin_path, struct rg_config *ret)
{
	int r = read_single(pin_path, MAP_CONFIG, ret, sizeof(*ret));

	if (r)
		return r;
	if (ret->abi == RG_ABI_VERSION)
		return 0;
	log_error("'%s' is of a version with other rows (ABI %u, this is %u)", pin_path, ret->abi,
		  RG_ABI_VERSION);
	return -EPROTO;
}

static int by_pid(const void *a, const void *b)
{
	uint32_t x = ((const struct rg_proc *)a)->pid, y = ((const struct rg_proc *)b)->pid;

	return x < y ? -1 : x > y;
}

/* Rows come and go meanwhile; at most max of them are read. */
static size_t read_rows(int fd, struct rg_proc *ret, size_t max)
{
	struct rg_proc_key key, *last = NULL;
	size_t n = 0, steps = 0;

	/* A key that is deleted under the walk starts it anew: bounded by steps. */
	while (n < max && steps++ < 2 * max && !bpf_map_get_next_key(fd, last, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &ret[n]))
			n++;
		last = &key;
	}
	return n;
}

/* A restarted walk reads rows twice: one of each stays. */
static size_t unique(struct rg_proc *rows, size_t nr_rows)
{
	size_t i, n = 0;

	qsort(rows, nr_rows, sizeof(*rows), by_pid);
	for (i = 0; i < nr_rows; i++)
		if (!n || rows[n - 1].pid != rows[i].pid)
			rows[n++] = rows[i];
	return n;
}

static int rows_read(const char *pin_path, struct rows *ret)
{
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	struct rg_config config;
	int r;

	r = read_config(pin_path, &config);
	if (r)
		return r;
	fd = open_map(pin_path, MAP_PROC_TABLE);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	ret->rows = calloc(info.max_entries, sizeof(*ret->rows));
	if (!ret->rows)
		return -ENOMEM;
	ret->nr_rows = unique(ret->rows, read_rows(fd, ret->rows, info.max_entries));
	return 0;
}

/* How long it has run, or ran. */
static uint64_t age_secs(const struct rg_proc *row, uint64_t now_ns)
{
	uint64_t until_ns = row->exit_time_ns ? row->exit_time_ns : now_ns;

	return until_ns > row->start_time_ns ? (until_ns - row->start_time_ns) / NSEC_PER_SEC : 0;
}

static const char *state_name(const struct rg_proc *row)
{
	return row->state == RG_PROC_LIVE ? "live" : "exited";
}

/* Names may hold anything: what would drive a terminal is shown as '?'. */
static void print_name(FILE *to, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fputc((unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i], to);
}

static void print_row(FILE *to, const struct rg_proc *row, unsigned int depth, uint64_t now_ns)
{
	struct span comm = event_comm(row->comm);

	fprintf(to, "%7u %7u %7u %-6s %9llu  %*s", row->pid, row->ppid, row->uid, state_name(row),
		(unsigned long long)age_secs(row, now_ns), (int)(2 * depth), "");
	print_name(to, comm.data, comm.len);
	fprintf(to, "%*s", MAX(1, 16 - (int)comm.len), "");
	print_name(to, row->exe, MIN(row->exe_len, RG_PATH_MAX - 1));
	fputs(row->flags & RG_EXE_DELETED ? " (deleted)\n" : "\n", to);
}

/* Room for an escaped exe and everything else of a row. */
#define ROW_LINE_MAX (JSON_ESCAPE_MAX * (RG_PATH_MAX + RG_COMM_LEN) + 1024)

static void print_json(FILE *to, const struct rg_proc *row)
{
	struct span comm = event_comm(row->comm);
	char line[ROW_LINE_MAX];
	struct json j;

	json_init(&j, line, sizeof(line));
	json_object_begin(&j, NULL);
	json_u64(&j, "pid", row->pid);
	json_u64(&j, "ppid", row->ppid);
	json_cstr(&j, "state", state_name(row));
	json_string(&j, "comm", comm.data, comm.len);
	if (row->exe_len)
		json_string(&j, "exe_path", row->exe, MIN(row->exe_len, RG_PATH_MAX - 1));
	else
		json_null(&j, "exe_path");
	json_bool(&j, "exe_path_truncated", row->flags & RG_EXE_TRUNCATED);
	json_bool(&j, "exe_deleted", row->flags & RG_EXE_DELETED);
	json_u64(&j, "start_time_ns", row->start_time_ns);
	json_u64(&j, "parent_start_time_ns", row->parent_start_time_ns);
	if (row->exit_time_ns)
		json_u64(&j, "exit_time_ns", row->exit_time_ns);
	else
		json_null(&j, "exit_time_ns");
	json_u64(&j, "uid", row->uid);
	json_u64(&j, "gid", row->gid);
	json_u64(&j, "euid", row->euid);
	json_u64(&j, "egid", row->egid);
	json_u64(&j, "cgroup_id", row->cgroup_id);
	json_u64(&j, "pid_ns", row->pid_ns);
	json_object_end(&j);
	json_line_end(&j);
	fwrite(line, 1, json_len(&j), to);
}

static const struct rg_proc *find_parent(const struct rows *rows, const struct rg_proc *row)
{
	struct rg_proc key = { .pid = row->ppid };
	const struct rg_proc *parent = bsearch(&key, rows->rows, rows->nr_rows, sizeof(key), by_pid);

	return parent && parent->start_time_ns == row->parent_start_time_ns ? parent : NULL;
}

static bool is_shown(const struct inspect_ps *how, const struct rg_proc *row)
{
	return how->exited || row->state == RG_PROC_LIVE;
}

/* The nearest ancestor that is shown: the children of a hidden one move up. */
static const struct rg_proc *shown_parent(const struct rows *rows, const struct rg_proc *row,
					  const struct inspect_ps *how)
{
	const struct rg_proc *parent = find_parent(rows, row);
	size_t i;

	for (i = 0; parent && !is_shown(how, parent) && i < rows->nr_rows; i++)
		parent = find_parent(rows, parent);
	return parent;
}

/* A shown row and where it hangs; sorted by parent, its children are one run. */
struct node {
	const struct rg_proc *row;
	uint32_t parent_pid; /* 0: at the top */
};

static int by_parent(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->parent_pid != y->parent_pid)
		return x->parent_pid < y->parent_pid ? -1 : 1;
	return by_pid(x->row, y->row);
}

static const struct node *first_child(const struct node *nodes, size_t nr_nodes, uint32_t pid)
{
	size_t low = 0, high = nr_nodes, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (nodes[mid].parent_pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < nr_nodes && nodes[low].parent_pid == pid ? &nodes[low] : NULL;
}

/* Deeper than people nest processes; whatever the rows say, it ends. */
#define TREE_MAX_DEPTH 64

static void print_children(FILE *to, const struct node *nodes, size_t nr_nodes, uint32_t pid,
			   unsigned int depth, uint64_t now_ns)
{
	const struct node *node = first_child(nodes, nr_nodes, pid);

	for (; node && node < nodes + nr_nodes && node->parent_pid == pid; node++) {
		print_row(to, node->row, depth, now_ns);
		if (depth < TREE_MAX_DEPTH && node->row->pid != pid)
			print_children(to, nodes, nr_nodes, node->row->pid, depth + 1, now_ns);
	}
}

static int print_tree(FILE *to, const struct rows *rows, const struct inspect_ps *how, uint64_t now_ns)
{
	_cleanup_free_ struct node *nodes = calloc(rows->nr_rows + 1, sizeof(*nodes));
	const struct rg_proc *parent;
	size_t i, n = 0;

	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < rows->nr_rows; i++) {
		if (!is_shown(how, &rows->rows[i]))
			continue;
		parent = shown_parent(rows, &rows->rows[i], how);
		nodes[n++] = (struct node){ &rows->rows[i], parent ? parent->pid : 0 };
	}
	qsort(nodes, n, sizeof(*nodes), by_parent);
	print_children(to, nodes, n, 0, 0, now_ns);
	return 0;
}

/* What a killed agent leaves looks like the table of one that runs. */
static int warn_of_old(const char *pin_path)
{
	struct rg_state state;
	int r = read_single(pin_path, MAP_STATE, &state, sizeof(state));

	if (!r && !state.control.agent_pid && !pin_has_programs(pin_path))
		log_warning("no agent runs on '%s', and no programs: these are the processes that were there "
			    "when it was killed", pin_path);
	return r;
}

int inspect_ps(const char *pin_path, const struct inspect_ps *how, FILE *to)
{
	_cleanup_(rows_clear) struct rows rows = { 0 };
	uint64_t now_ns = clock_ns(CLOCK_BOOTTIME);
	size_t i;
	int r;

	r = rows_read(pin_path, &rows);
	if (!r)
		r = warn_of_old(pin_path);
	if (r)
		return r;
	if (!how->json)
		fprintf(to, "%7s %7s %7s %-6s %9s  %-15s %s\n", "PID", "PPID", "UID", "STATE", "SECONDS",
			"COMM", "EXE");
	if (how->tree && !how->json)
		return print_tree(to, &rows, how, now_ns);
	for (i = 0; i < rows.nr_rows; i++) {
		if (!is_shown(how, &rows.rows[i]))
			continue;
		if (how->json)
			print_json(to, &rows.rows[i]);
		else
			print_row(to, &rows.rows[i], 0, now_ns);
	}
	return 0;
}

static void print_table(FILE *to, const struct rows *rows, const struct rg_state *s,
			const struct rg_config *c)
{
	size_t i, live = 0;

	for (i = 0; i < rows->nr_rows; i++)
		live += rows->rows[i].state == RG_PROC_LIVE;
	fprintf(to, "table      %zu rows of %u: %zu live, %zu exited\n", rows->nr_rows, c->max_rows, live,
		rows->nr_rows - live);
	fprintf(to, "books      inserted %llu = deleted %llu + reclaimed %llu + evicted %llu + present\n",
		s->stats.inserted, s->stats.deleted, s->stats.reclaimed, s->control.evicted);
	fprintf(to, "misses     %llu, rebuilt %llu, stale identities %llu, stale images %llu, torn %llu, "
		"failed inserts %llu\n", s->stats.lookup_misses, s->stats.rebuilt, s->stats.stale_identity,
		s->stats.stale_images, s->stats.torn, s->stats.insert_failed);
	if (c->max_threads)
		fprintf(to, "threads    inserted %llu = deleted %llu + evicted %llu + present, of %u\n",
			s->stats.threads_inserted, s->stats.threads_deleted, s->control.threads_evicted,
			c->max_threads);
}

static void print_records(FILE *to, const struct rg_state *s)
{
	size_t i;

	for (i = 0; i < RG_NR_RECORD_TYPES; i++)
		if (s->stats.submitted[i] || s->stats.ring_lost[i])
			fprintf(to, "records    %s: %llu submitted, %llu lost\n",
				event_type_name((enum rg_record_type)i), s->stats.submitted[i],
				s->stats.ring_lost[i]);
	fprintf(to, "sources    %llu pending, %llu refused, %llu failed\n", s->stats.nr_pending_sources,
		s->stats.sources_refused, s->stats.sources_failed);
}

int inspect_status(const char *pin_path, FILE *to)
{
	_cleanup_(rows_clear) struct rows rows = { 0 };
	struct rg_config config;
	struct rg_state state;
	int r;

	r = read_config(pin_path, &config);
	if (!r)
		r = read_single(pin_path, MAP_STATE, &state, sizeof(state));
	if (!r)
		r = rows_read(pin_path, &rows);
	if (r)
		return r;
	if (state.control.agent_pid)
		fprintf(to, "agent      running, pid %u\n", state.control.agent_pid);
	else
		fprintf(to, "agent      none; its programs %s\n", pin_has_programs(pin_path) ?
			"run on (ebpf.keep_running)" : "have ended with it: all of this is from then");
	fprintf(to, "programs   version %s, ABI %u, ring of %u bytes\n", config.version, config.abi,
		config.ring_bytes);
	print_table(to, &rows, &state, &config);
	print_records(to, &state);
	return 0;
}

int inspect_unload(const char *pin_path)
{
	struct pin_dir *dir;
	int r = pin_dir_open_existing(pin_path, &dir);

	if (r == -EBUSY)
		log_error("an agent runs on '%s': stop it first", pin_path);
	else if (r == -ENOENT)
		log_info("nothing is pinned under '%s'", pin_path);
	else if (r == -EMEDIUMTYPE)
		log_error("'%s' is not on a bpf filesystem: nothing can be pinned there", pin_path);
	else if (r)
		log_error("cannot open '%s': %s", pin_path, strerror(-r));
	if (r)
		return r == -ENOENT ? 0 : r;
	r = pin_dir_check(dir);
	if (!r)
		pin_dir_clear(dir);
	pin_dir_close(dir);
	if (r)
		return r;
	log_info("unloaded what was pinned under '%s'", pin_path);
	return 0;
}
