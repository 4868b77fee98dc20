// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The load: processes that do nothing but begin and end (vfork, exec of the tiniest program, exit, wait), or a
 * loop of the cheapest syscall. Prints "key value" lines.
 *
 *   spawn single SECONDS PROGRAM         cycles one after the other, each timed
 *   spawn full SECONDS PROGRAM [CPUS]    as many as there can be, a loop on each CPU
 *   spawn paced SECONDS PROGRAM RATE     RATE a second, by absolute sleeps
 *   spawn count NUMBER PROGRAM           that many, unpaced, on one CPU
 *   spawn getppid SECONDS
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000ULL
/* Of 30 us each: four minutes. */
#define SAMPLES_MAX (8 << 20)
/* The first ones fill caches. */
#define WARM_UP 200
#define GETPPID_BATCH 20000

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void spawn(const char *program)
{
	char *const argv[] = { (char *)program, NULL }, *const env[] = { NULL };
	int status;
	pid_t pid = vfork();

	if (!pid) {
		execve(program, argv, env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die("spawn");
	if (status) {
		fprintf(stderr, "spawn: %s ended with status %#x\n", program, status);
		exit(1);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_quantiles(uint32_t *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), compare);
	printf("cycles %zu\np10_ns %u\np50_ns %u\np90_ns %u\n", n, samples[n / 10], samples[n / 2],
	       samples[n - n / 10 - 1]);
}

static void single(double seconds, const char *program)
{
	uint32_t *samples = malloc(SAMPLES_MAX * sizeof(*samples));
	uint64_t start, end, until;
	size_t n = 0;
	int i;

	if (!samples)
		die("malloc");
	for (i = 0; i < WARM_UP; i++)
		spawn(program);
	start = now_ns();
	until = start + (uint64_t)(seconds * NSEC_PER_SEC);
	do {
		spawn(program);
		end = now_ns();
		samples[n++] = (uint32_t)(end - start);
		start = end;
	} while (end < until && n < SAMPLES_MAX);
	print_quantiles(samples, n);
	free(samples);
}

static uint64_t loop_until(uint64_t until, const char *program)
{
	uint64_t n;

	for (n = 0; now_ns() < until; n++)
		spawn(program);
	return n;
}

static void full(double seconds, const char *program, long nr_cpus)
{
	uint64_t *counts = mmap(NULL, (size_t)nr_cpus * sizeof(*counts), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start = now_ns(), until = start + (uint64_t)(seconds * NSEC_PER_SEC), sum = 0;
	long i;

	if (counts == MAP_FAILED)
		die("mmap");
	for (i = 0; i < nr_cpus; i++) {
		if (fork())
			continue;
		pin((int)i);
		counts[i] = loop_until(until, program);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (i = 0; i < nr_cpus; i++)
		sum += counts[i];
	printf("spawns %llu\nper_second %.0f\n", (unsigned long long)sum,
	       (double)sum * NSEC_PER_SEC / (double)(now_ns() - start));
}

/* A sleep that ended late is made good by the next ones being short. */
static void paced(double seconds, const char *program, double rate)
{
	uint64_t n = (uint64_t)(seconds * rate), start = now_ns(), at, i;
	struct timespec ts;

	for (i = 0; i < n; i++) {
		at = start + (uint64_t)((double)i * NSEC_PER_SEC / rate);
		ts.tv_sec = (time_t)(at / NSEC_PER_SEC);
		ts.tv_nsec = (long)(at % NSEC_PER_SEC);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		spawn(program);
	}
	printf("spawns %llu\nper_second %.0f\n", (unsigned long long)n,
	       (double)n * NSEC_PER_SEC / (double)(now_ns() - start));
}

static void count(uint64_t n, const char *program)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		spawn(program);
	printf("spawns %llu\n", (unsigned long long)n);
}

/* In picoseconds: a call takes about 50 ns. */
static void measure_getppid(double seconds)
{
	uint32_t *samples = malloc(SAMPLES_MAX * sizeof(*samples));
	uint64_t start = now_ns(), until = start + (uint64_t)(seconds * NSEC_PER_SEC), end;
	size_t n = 0;
	int i;

	if (!samples)
		die("malloc");
	do {
		for (i = 0; i < GETPPID_BATCH; i++)
			syscall(SYS_getppid);
		end = now_ns();
		samples[n++] = (uint32_t)((end - start) * 1000 / GETPPID_BATCH);
		start = end;
	} while (end < until && n < SAMPLES_MAX);
	qsort(samples, n, sizeof(*samples), compare);
	printf("batches %zu\np10_ps %u\np50_ps %u\n", n, samples[n / 10], samples[n / 2]);
	free(samples);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	if (!strcmp(mode, "getppid") && argc == 3)
		measure_getppid(atof(argv[2]));
	else if (!strcmp(mode, "single") && argc == 4)
		single(atof(argv[2]), argv[3]);
	else if (!strcmp(mode, "full") && argc >= 4)
		full(atof(argv[2]), argv[3], argc > 4 ? atol(argv[4]) : sysconf(_SC_NPROCESSORS_ONLN));
	else if (!strcmp(mode, "paced") && argc == 5)
		paced(atof(argv[2]), argv[3], atof(argv[4]));
	else if (!strcmp(mode, "count") && argc == 4)
		count(strtoull(argv[2], NULL, 10), argv[3]);
	else
		return fprintf(stderr, "usage: see the top of spawn.c\n"), 2;
	return 0;
}
