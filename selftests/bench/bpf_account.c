// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the kernel accounts for the BPF programs and maps that a process holds open.
 *
 *   bpf_account maps PID               "NAME BYTES" of each map
 *   bpf_account time PID COMMAND...    runs it; "NAME NS RUNS MISSED" of each program that ran meanwhile
 *
 * Run times are counted while a descriptor of BPF_ENABLE_STATS is open, so no sysctl is left changed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define IDS_MAX 256

struct usage {
	char name[BPF_OBJ_NAME_LEN];
	uint64_t ns, runs, missed;
};

/* The number behind a key of a descriptor's fdinfo; 0 if it has none. */
static unsigned long long fdinfo_number(const char *pid, const char *fd, const char *key)
{
	char path[300], line[256], *end;
	unsigned long long number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		end = strchr(line, ':');
		if (!end)
			continue;
		*end = '\0';
		if (!strcmp(line, key))
			number = strtoull(end + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return number;
}

static size_t add_id(uint32_t *ids, size_t n, uint32_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return n;
	if (n < IDS_MAX)
		ids[n++] = id;
	return n;
}

/* The ids under that key ("map_id", "prog_id") of all its descriptors, each once. */
static size_t find_ids(const char *pid, const char *key, uint32_t *ret)
{
	char path[64];
	struct dirent *entry;
	size_t n = 0;
	uint32_t id;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		/* A link's fdinfo names its program, too. */
		id = (uint32_t)fdinfo_number(pid, entry->d_name, key);
		if (id)
			n = add_id(ret, n, id);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void print_maps(const char *pid)
{
	uint32_t ids[IDS_MAX], len;
	size_t i, n = find_ids(pid, "map_id", ids);
	struct bpf_map_info info;
	char own[16];
	int fd;

	for (i = 0; i < n; i++) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			continue;
		snprintf(own, sizeof(own), "%d", fd);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			printf("%s %llu\n", *info.name ? info.name : "-",
			       fdinfo_number("self", own, "memlock"));
		close(fd);
	}
}

static void read_usage(const uint32_t *ids, size_t n, struct usage *ret)
{
	struct bpf_prog_info info;
	uint32_t len;
	size_t i;
	int fd;

	memset(ret, 0, n * sizeof(*ret));
	for (i = 0; i < n; i++) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		fd = bpf_prog_get_fd_by_id(ids[i]);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			memcpy(ret[i].name, info.name, sizeof(info.name));
			ret[i].ns = info.run_time_ns;
			ret[i].runs = info.run_cnt;
			ret[i].missed = info.recursion_misses;
		}
		close(fd);
	}
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

static int print_time(const char *pid, char **command)
{
	struct usage before[IDS_MAX], after[IDS_MAX];
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), r;
	uint32_t ids[IDS_MAX];
	size_t i, n;

	if (stats < 0) {
		perror("bpf_account: BPF_ENABLE_STATS");
		return 1;
	}
	n = find_ids(pid, "prog_id", ids);
	read_usage(ids, n, before);
	r = run(command);
	read_usage(ids, n, after);
	close(stats);
	for (i = 0; i < n; i++)
		if (after[i].runs > before[i].runs)
			printf("%s %llu %llu %llu\n", *after[i].name ? after[i].name : "-",
			       (unsigned long long)(after[i].ns - before[i].ns),
			       (unsigned long long)(after[i].runs - before[i].runs),
			       (unsigned long long)(after[i].missed - before[i].missed));
	return r;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "maps"))
		return print_maps(argv[2]), 0;
	if (argc > 3 && !strcmp(argv[1], "time"))
		return print_time(argv[2], argv + 3);
	fprintf(stderr, "usage: see the top of bpf_account.c\n");
	return 2;
}
