// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loads one set of stand-ins (standins.bpf.c), says "ready", reads the ring until SIGTERM.
 *
 *   standins empty|row|storage|ring|ring_wakeup|floor
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench/standins.skel.h"

/* As performance.max_delay_ms. */
#define DELAY_MS 100

static volatile sig_atomic_t stops;

static void on_signal(int signal)
{
	stops = signal;
}

static int on_record(void *ctx, void *data, size_t size)
{
	*(unsigned long *)ctx += size + *(unsigned char *)data;
	return 0;
}

/* "ring" of "ring_exec". */
static bool is_of(const struct bpf_program *prog, const char *set)
{
	const char *name = bpf_program__name(prog), *end = strrchr(name, '_');

	return strlen(set) == (size_t)(end - name) && !strncmp(name, set, strlen(set));
}

static struct standins *load(const char *set)
{
	bool wakeup = !strcmp(set, "ring_wakeup");
	struct standins *skel = standins__open();
	struct bpf_program *prog;

	if (!skel)
		return NULL;
	if (wakeup)
		skel->rodata->wakeup = BPF_RB_FORCE_WAKEUP;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, is_of(prog, wakeup ? "ring" : set));
	if (standins__load(skel) || standins__attach(skel)) {
		standins__destroy(skel);
		return NULL;
	}
	return skel;
}

static void read_ring(struct ring_buffer *ring, bool wakeup)
{
	const struct timespec delay = { .tv_nsec = DELAY_MS * 1000000L };

	while (!stops) {
		if (wakeup) {
			ring_buffer__poll(ring, DELAY_MS);
		} else {
			nanosleep(&delay, NULL);
			ring_buffer__consume(ring);
		}
	}
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring;
	struct standins *skel;
	unsigned long sum = 0;

	if (argc != 2)
		return fprintf(stderr, "usage: see the top of standins.c\n"), 2;
	signal(SIGTERM, on_signal);
	skel = load(argv[1]);
	if (!skel)
		return fprintf(stderr, "standins: cannot load '%s': %s\n", argv[1], strerror(errno)), 1;
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), on_record, &sum, NULL);
	if (!ring)
		return perror("standins: ring"), 1;
	puts("ready");
	fflush(stdout);
	read_ring(ring, !strcmp(argv[1], "ring_wakeup"));
	ring_buffer__free(ring);
	standins__destroy(skel);
	return 0;
}
