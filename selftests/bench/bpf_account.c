// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the kernel accounts for BPF programs and maps, whoever loaded them. Ids only grow, so what a
 * subject has loaded lies between two marks.
 *
 *   bpf_account mark                     "PROG MAP": the highest ids there are
 *   bpf_account maps MARK MARK           "NAME BYTES" of each map between the marks
 *   bpf_account time MARK MARK COMMAND...  runs it; "NAME NS RUNS MISSED" of each program meanwhile
 *
 * Run times are counted while a descriptor of BPF_ENABLE_STATS is open, so no sysctl is left changed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define PROGS_MAX 256

struct mark {
	uint32_t prog;
	uint32_t map;
};

struct usage {
	uint32_t id;
	char name[BPF_OBJ_NAME_LEN];
	uint64_t ns, runs, missed;
};

static struct mark mark_now(void)
{
	struct mark mark = { 0 };
	uint32_t id;

	for (id = 0; !bpf_prog_get_next_id(id, &id);)
		mark.prog = id;
	for (id = 0; !bpf_map_get_next_id(id, &id);)
		mark.map = id;
	return mark;
}

static struct mark parse_mark(const char *text)
{
	struct mark mark = { 0 };

	if (sscanf(text, "%u:%u", &mark.prog, &mark.map) != 2) {
		fprintf(stderr, "bpf_account: not a mark: '%s'\n", text);
		exit(2);
	}
	return mark;
}

static unsigned long long fdinfo_memlock(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes;
}

static void print_maps(struct mark from, struct mark to)
{
	struct bpf_map_info info;
	uint32_t id = from.map, len;
	int fd;

	while (!bpf_map_get_next_id(id, &id) && id <= to.map) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			printf("%s %llu\n", *info.name ? info.name : "-", fdinfo_memlock(fd));
		close(fd);
	}
}

static size_t read_usage(struct mark from, struct mark to, struct usage *ret)
{
	struct bpf_prog_info info;
	uint32_t id = from.prog, len;
	size_t n = 0;
	int fd;

	while (n < PROGS_MAX && !bpf_prog_get_next_id(id, &id) && id <= to.prog) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			ret[n].id = id;
			memcpy(ret[n].name, info.name, sizeof(info.name));
			ret[n].ns = info.run_time_ns;
			ret[n].runs = info.run_cnt;
			ret[n].missed = info.recursion_misses;
			n++;
		}
		close(fd);
	}
	return n;
}

static int run(char **command)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is ours */
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

static int print_time(struct mark from, struct mark to, char **command)
{
	struct usage before[PROGS_MAX], after[PROGS_MAX];
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), r;
	size_t nr_before, nr_after, i, k;

	if (stats < 0) {
		perror("bpf_account: BPF_ENABLE_STATS");
		return 1;
	}
	nr_before = read_usage(from, to, before);
	r = run(command);
	nr_after = read_usage(from, to, after);
	close(stats);
	for (i = 0; i < nr_after; i++) {
		for (k = 0; k < nr_before && before[k].id != after[i].id; k++)
			;
		if (k == nr_before || after[i].runs == before[k].runs)
			continue;
		printf("%s %llu %llu %llu\n", *after[i].name ? after[i].name : "-",
		       (unsigned long long)(after[i].ns - before[k].ns),
		       (unsigned long long)(after[i].runs - before[k].runs),
		       (unsigned long long)(after[i].missed - before[k].missed));
	}
	return r;
}

int main(int argc, char **argv)
{
	struct mark mark;

	if (argc == 2 && !strcmp(argv[1], "mark")) {
		mark = mark_now();
		printf("%u:%u\n", mark.prog, mark.map);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "maps"))
		return print_maps(parse_mark(argv[2]), parse_mark(argv[3])), 0;
	if (argc > 4 && !strcmp(argv[1], "time"))
		return print_time(parse_mark(argv[2]), parse_mark(argv[3]), argv + 4);
	fprintf(stderr, "usage: see the top of bpf_account.c\n");
	return 2;
}
