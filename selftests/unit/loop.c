/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include <criterion/criterion.h>

#include "loop.h"

/* Longer than anything here takes: what hasn't come by then doesn't. */
#define LONG_MS 5000

static struct loop *loop;

static void set_up(void)
{
	cr_assert_eq(loop_new(&loop), 0);
}

static void tear_down(void)
{
	loop_free(loop);
}

TestSuite(loop, .init = set_up, .fini = tear_down, .timeout = 30);

/* What a callback has seen. */
struct seen {
	int nr_calls;
	uint32_t events[8];
};

static void note(void *ctx, uint32_t events)
{
	struct seen *seen = ctx;

	cr_assert_lt(seen->nr_calls, (int)ARRAY_SIZE(seen->events));
	seen->events[seen->nr_calls++] = events;
}

static struct loop_source source(loop_fn fn, void *ctx)
{
	struct loop_source s = LOOP_SOURCE_NULL;

	s.fn = fn;
	s.ctx = ctx;
	return s;
}

static void run(void)
{
	cr_assert_eq(loop_run_once(loop, LONG_MS), 0);
}

/* Looks, without waiting. */
static void look(void)
{
	cr_assert_eq(loop_run_once(loop, 0), 0);
}

static uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / NSEC_PER_MSEC;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* --- descriptors ---------------------------------------------------------------------------------- */

struct ends {
	int read, write;
};

static struct ends pipe_ends(void)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	return (struct ends){fds[0], fds[1]};
}

static void put_byte(struct ends p)
{
	cr_assert_eq(write(p.write, "x", 1), 1);
}

static void take_byte(struct ends p)
{
	char c;

	cr_assert_eq(read(p.read, &c, 1), 1);
}

Test(loop, descriptors)
{
	struct ends a = pipe_ends(), b = pipe_ends();
	struct seen seen_a = {0}, seen_b = {0};
	struct loop_source on_a = source(note, &seen_a), on_b = source(note, &seen_b);

	cr_assert_eq(loop_add(loop, &on_a, a.read, EPOLLIN), 0);
	cr_assert_eq(loop_add(loop, &on_b, b.write, EPOLLOUT), 0);
	cr_assert_eq(on_a.fd, a.read);
	run();
	cr_assert_eq(seen_a.nr_calls, 0);
	cr_assert_eq(seen_b.nr_calls, 1);
	cr_assert_eq(seen_b.events[0], EPOLLOUT);
	loop_remove(loop, &on_b);
	put_byte(a);
	run();
	cr_assert_eq(seen_a.nr_calls, 1);
	cr_assert_eq(seen_a.events[0], EPOLLIN);
	cr_assert_eq(seen_b.nr_calls, 1);
	take_byte(a);
	close(a.write);
	run();
	cr_assert_eq(seen_a.events[1], EPOLLHUP);
	loop_remove(loop, &on_a);
	cr_assert_eq(on_a.fd, -1);
	cr_assert(is_open(a.read), "the caller's");
	look();
	cr_assert_eq(seen_a.nr_calls, 2);
}

Test(loop, descriptors_that_it_cannot_take)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct ends p = pipe_ends();
	struct seen seen = {0};
	struct loop_source s = source(note, &seen), twice = source(note, &seen);

	cr_assert_eq(loop_add(loop, &s, -1, EPOLLIN), -EBADF);
	cr_assert_eq(loop_add(loop, &s, file, EPOLLIN), -EPERM);
	cr_assert_eq(s.fd, -1);
	loop_remove(loop, &s); /* nothing */
	cr_assert_eq(loop_add(loop, &s, p.read, EPOLLIN), 0);
	cr_assert_eq(loop_add(loop, &twice, p.read, EPOLLIN), -EEXIST);
	cr_assert_eq(twice.fd, -1);
	loop_remove(loop, &twice);
	put_byte(p);
	run();
	cr_assert_eq(seen.nr_calls, 1);
}

Test(loop, the_timeout)
{
	uint64_t start = now_ms();

	cr_assert_eq(loop_run_once(loop, 0), 0);
	cr_assert_lt(now_ms() - start, LONG_MS);
	start = now_ms();
	cr_assert_eq(loop_run_once(loop, 20), 0);
	cr_assert_geq(now_ms() - start, 19);
}

/* --- removal while others wait to be called ----------------------------------------------------------- */

/* Whoever is called first removes the other one, and puts it back under another descriptor if asked to. */
struct rival {
	struct loop_source source, *other;
	int nr_calls, new_fd;
};

static void remove_other(void *ctx, uint32_t events __attribute__((unused)))
{
	struct rival *rival = ctx;

	rival->nr_calls++;
	loop_remove(loop, rival->other);
	if (rival->new_fd >= 0)
		cr_assert_eq(loop_add(loop, rival->other, rival->new_fd, EPOLLIN), 0);
}

static void add_rivals(struct rival *a, struct rival *b, int new_fd)
{
	struct ends p = pipe_ends(), q = pipe_ends();

	*a = (struct rival){source(remove_other, a), &b->source, 0, new_fd};
	*b = (struct rival){source(remove_other, b), &a->source, 0, new_fd};
	cr_assert_eq(loop_add(loop, &a->source, p.read, EPOLLIN), 0);
	cr_assert_eq(loop_add(loop, &b->source, q.read, EPOLLIN), 0);
	put_byte(p);
	put_byte(q);
}

/* Both are ready in one round; the one that is removed must not be called, in that round or later. */
Test(loop, removed_by_another_callback_of_the_round)
{
	struct rival a, b;

	add_rivals(&a, &b, -1);
	run();
	cr_assert_eq(a.nr_calls + b.nr_calls, 1);
	cr_assert_eq(a.source.fd == -1, b.nr_calls == 1);
	cr_assert_eq(b.source.fd == -1, a.nr_calls == 1);
	run();
	cr_assert_eq(a.nr_calls + b.nr_calls, 2, "the other one is still in");
	cr_assert(a.nr_calls == 2 || b.nr_calls == 2);
}

/* The event that waited was of the old descriptor; the new one has none. */
Test(loop, removed_and_put_back_in_the_round)
{
	struct ends quiet = pipe_ends();
	struct rival a, b;

	add_rivals(&a, &b, quiet.read);
	run();
	cr_assert_eq(a.nr_calls + b.nr_calls, 1);
	cr_assert(a.source.fd == quiet.read || b.source.fd == quiet.read);
}

static void remove_self(void *ctx, uint32_t events __attribute__((unused)))
{
	struct rival *rival = ctx;

	rival->nr_calls++;
	loop_remove(loop, &rival->source);
}

Test(loop, removed_by_its_own_callback)
{
	struct rival a = {source(remove_self, &a), NULL, 0, -1};
	struct ends p = pipe_ends();

	cr_assert_eq(loop_add(loop, &a.source, p.read, EPOLLIN), 0);
	put_byte(p);
	run();
	look();
	cr_assert_eq(a.nr_calls, 1);
	cr_assert(is_open(p.read));
	loop_remove(loop, &a.source); /* once more: nothing */
}

/* More than fit in a round: none is forgotten, none called twice a round. */
Test(loop, more_sources_than_a_round_takes)
{
	enum { NR = 40 };
	struct seen seen[NR] = {0};
	struct loop_source sources[NR];
	struct ends pipes[NR];
	int i, round;

	for (i = 0; i < NR; i++) {
		pipes[i] = pipe_ends();
		sources[i] = source(note, &seen[i]);
		cr_assert_eq(loop_add(loop, &sources[i], pipes[i].read, EPOLLIN), 0);
		put_byte(pipes[i]);
	}
	for (round = 0; round < 3; round++)
		run();
	for (i = 0; i < NR; i++)
		cr_assert(seen[i].nr_calls >= 1 && seen[i].nr_calls <= 3, "source %d: %d", i,
			  seen[i].nr_calls);
}

/* --- timers ----------------------------------------------------------------------------------------- */

Test(loop, a_timer_is_off_at_first_and_fires_once)
{
	struct seen seen = {0};
	struct loop_source timer = source(note, &seen);
	uint64_t start;

	cr_assert_eq(loop_add_timer(loop, &timer), 0);
	cr_assert_eq(loop_run_once(loop, 20), 0);
	cr_assert_eq(seen.nr_calls, 0);
	start = now_ms();
	loop_set_timer(&timer, 30, 0);
	run();
	cr_assert_geq(now_ms() - start, 29);
	cr_assert_eq(seen.nr_calls, 1);
	cr_assert_eq(seen.events[0], 1);
	cr_assert_eq(loop_run_once(loop, 60), 0);
	cr_assert_eq(seen.nr_calls, 1);
	loop_remove(loop, &timer);
}

Test(loop, a_timer_repeats_and_says_how_often)
{
	struct seen seen = {0};
	struct loop_source timer = source(note, &seen);
	struct itimerspec spec;

	cr_assert_eq(loop_add_timer(loop, &timer), 0);
	loop_set_timer(&timer, 1500, 2500);
	cr_assert_eq(timerfd_gettime(timer.fd, &spec), 0);
	cr_assert_eq(spec.it_interval.tv_sec, 2);
	cr_assert_eq(spec.it_interval.tv_nsec, 500000000);
	cr_assert_eq(spec.it_value.tv_sec, 1);
	loop_set_timer(&timer, 1, 1);
	run();
	run();
	cr_assert_eq(seen.nr_calls, 2);
	cr_assert(seen.events[0] >= 1 && seen.events[1] >= 1);
	/* Nobody looks for a while: told once, with the number. */
	cr_assert_eq(nanosleep(&(struct timespec){.tv_nsec = 20 * (long)NSEC_PER_MSEC}, NULL), 0);
	run();
	cr_assert_eq(seen.nr_calls, 3);
	cr_assert_geq(seen.events[2], 19);
	loop_set_timer(&timer, 0, 1); /* off, also what has come already */
	cr_assert_eq(loop_run_once(loop, 20), 0);
	cr_assert_eq(seen.nr_calls, 3);
	loop_remove(loop, &timer);
}

static void turn_off_other(void *ctx, uint32_t events __attribute__((unused)))
{
	struct rival *rival = ctx;

	rival->nr_calls++;
	loop_set_timer(rival->other, 0, 0);
}

/* Its descriptor is ready in the round, but there is nothing to read any more: that doesn't block. */
Test(loop, a_timer_turned_off_in_the_round)
{
	struct rival a = {source(turn_off_other, &a), NULL, 0, -1};
	struct rival b = {source(turn_off_other, &b), &a.source, 0, -1};

	a.other = &b.source;
	cr_assert_eq(loop_add_timer(loop, &a.source), 0);
	cr_assert_eq(loop_add_timer(loop, &b.source), 0);
	loop_set_timer(&a.source, 1, 0);
	loop_set_timer(&b.source, 1, 0);
	cr_assert_eq(nanosleep(&(struct timespec){.tv_nsec = 20 * (long)NSEC_PER_MSEC}, NULL), 0);
	run();
	cr_assert_eq(a.nr_calls + b.nr_calls, 1);
	look();
	cr_assert_eq(a.nr_calls + b.nr_calls, 1);
	loop_remove(loop, &a.source);
	loop_remove(loop, &b.source);
}

Test(loop, a_timer_s_descriptor_is_closed)
{
	struct seen seen = {0};
	struct loop_source timer = source(note, &seen);
	int fd;

	cr_assert_eq(loop_add_timer(loop, &timer), 0);
	fd = timer.fd;
	cr_assert(is_open(fd));
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	loop_remove(loop, &timer);
	cr_assert_not(is_open(fd));
	cr_assert_eq(timer.fd, -1);
}

/* --- signals ------------------------------------------------------------------------------------------ */

static void add_signals(struct loop_source *s)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	cr_assert_eq(loop_add_signals(loop, s, &signals), 0);
}

Test(loop, signals_come_to_the_callback)
{
	struct seen seen = {0};
	struct loop_source s = source(note, &seen);
	int fd;

	add_signals(&s);
	raise(SIGTERM); /* blocked, or the test ends here */
	run();
	cr_assert_eq(seen.nr_calls, 1);
	cr_assert_eq(seen.events[0], SIGTERM);
	raise(SIGTERM);
	raise(SIGHUP);
	run();
	cr_assert_eq(seen.nr_calls, 3, "both in one round");
	cr_assert_eq(seen.events[1] + seen.events[2], SIGTERM + SIGHUP);
	look();
	cr_assert_eq(seen.nr_calls, 3);
	fd = s.fd;
	loop_remove(loop, &s);
	cr_assert_not(is_open(fd));
}

/* The first of two signals takes the source out: the second stays pending. */
Test(loop, signals_removed_by_their_own_callback)
{
	struct rival a = {source(remove_self, &a), NULL, 0, -1};
	sigset_t pending;

	add_signals(&a.source);
	raise(SIGHUP);
	raise(SIGTERM);
	run();
	cr_assert_eq(a.nr_calls, 1);
	cr_assert_eq(sigpending(&pending), 0);
	cr_assert_eq(sigismember(&pending, SIGHUP) + sigismember(&pending, SIGTERM), 1);
}

static void ignore(int signo __attribute__((unused)))
{
}

/* A handler that runs meanwhile ends the wait, which is no error. Repeated: it may not wait yet. */
Test(loop, an_interrupted_wait_is_no_error)
{
	struct itimerval every_10ms = {{.tv_usec = 10000}, {.tv_usec = 10000}};
	struct sigaction action = {.sa_handler = ignore};
	uint64_t start = now_ms();

	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &every_10ms, NULL), 0);
	cr_assert_eq(loop_run_once(loop, LONG_MS), 0);
	cr_assert_lt(now_ms() - start, LONG_MS);
}
