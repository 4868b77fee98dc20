/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "event.h"
#include "records.h"

static const struct rg_ancestor three[] = {
	{812, "nginx"}, {4294967295, "123456789012345"}, {1, "systemd"}};

static struct built fork_record(void)
{
	return built_fork((struct rg_record_fork){.parent_pid = 1, .child_pid = 2}, "/usr/sbin/nginx");
}

/* exe has an odd length: the ancestors are unaligned. */
static struct built exec_record(void)
{
	static const struct exec_strings strings = {
		.exe = "/bin/sh",
		.filename = "./a",
		.interp = "/bin/sh",
		.parent_exe = "/p",
		.ancestors = three,
		.cwd = "/tmp",
		.args = {"a\0b\0", 4},
		.env = {"A=1\0", 4},
	};

	return built_exec((struct rg_record_exec){.pid = 7, .nr_ancestors = 3}, &strings);
}

static struct built exit_record(void)
{
	return built_exit((struct rg_record_exit){.pid = 7}, "/bin/true");
}

static struct built thread_start_record(void)
{
	return built_thread_start((struct rg_record_thread_start){.pid = 7, .tid = 8});
}

static struct built thread_exit_record(void)
{
	return built_thread_exit((struct rg_record_thread_exit){.pid = 7, .tid = 8});
}

static struct built (*const records[RG_NR_RECORD_TYPES])(void) = {
	[RG_RECORD_FORK] = fork_record,
	[RG_RECORD_EXEC] = exec_record,
	[RG_RECORD_EXIT] = exit_record,
	[RG_RECORD_THREAD_START] = thread_start_record,
	[RG_RECORD_THREAD_EXIT] = thread_exit_record,
};

static void assert_span(struct span s, const char *expected)
{
	cr_assert_eq(s.len, strlen(expected));
	cr_assert(!s.len || !memcmp(s.data, expected, s.len), "%.*s", (int)s.len, s.data);
}

/* A copy of exactly that size, so that ASan sees a look beyond; *ret must stay as it was. */
static void assert_refused(const struct built *b, size_t len)
{
	char *copy = malloc(len);
	struct event e = {.ancestors = "untouched"};

	memcpy(copy, b->bytes, len);
	cr_assert_eq(event_parse(copy, len, &e), -EPROTO, "type %u, %zu of %zu bytes",
		     ((const struct rg_record *)b->bytes)->type, len, b->len);
	cr_assert_str_eq(e.ancestors, "untouched");
	free(copy);
}

static struct event parsed(const struct built *b)
{
	struct event e;

	cr_assert_eq(event_parse(b->bytes, b->len, &e), 0);
	cr_assert_eq((const void *)e.hdr, b->bytes);
	return e;
}

Test(event, fork)
{
	struct built b = fork_record();
	struct event e = parsed(&b);

	assert_span(e.parent_exe, "/usr/sbin/nginx");
	assert_span(e.exe, "");
}

Test(event, exec)
{
	struct built b = exec_record();
	struct event e = parsed(&b);

	assert_span(e.exe, "/bin/sh");
	assert_span(e.filename, "./a");
	assert_span(e.interp, "/bin/sh");
	assert_span(e.parent_exe, "/p");
	assert_span(e.cwd, "/tmp");
	cr_assert_eq(e.args.len, 4);
	cr_assert_eq(memcmp(e.args.data, "a\0b", 4), 0);
	cr_assert_eq(e.env.len, 4);
	cr_assert_eq(memcmp(e.env.data, "A=1", 4), 0);
}

Test(event, ancestors_at_every_alignment)
{
	char exe[] = "12345678";
	struct exec_strings strings = {.exe = exe, .ancestors = three};
	struct rg_ancestor found;
	struct built b;
	struct event e;
	size_t len, i;

	for (len = 0; len <= 8; len++) {
		exe[len] = '\0';
		b = built_exec((struct rg_record_exec){.nr_ancestors = 3}, &strings);
		e = parsed(&b);
		for (i = 0; i < 3; i++) {
			found = event_ancestor(&e, i);
			cr_assert_eq(found.pid, three[i].pid);
			cr_assert_str_eq(found.comm, three[i].comm);
		}
		strcpy(exe, "12345678");
	}
}

Test(event, exit)
{
	struct built b = exit_record();
	struct event e = parsed(&b);

	assert_span(e.exe, "/bin/true");
	assert_span(e.parent_exe, "");
}

Test(event, threads)
{
	struct built start = thread_start_record(), end = thread_exit_record();

	cr_assert_eq(parsed(&start).thread_start->tid, 8);
	cr_assert_eq(parsed(&end).thread_exit->tid, 8);
}

Test(event, nothing_in_it)
{
	struct built b = built_exec((struct rg_record_exec){0}, &(struct exec_strings){0});
	struct event e = parsed(&b);

	cr_assert_eq(e.exe.len + e.filename.len + e.interp.len + e.parent_exe.len + e.cwd.len +
			     e.args.len + e.env.len,
		     0);
	b = built_fork((struct rg_record_fork){0}, "");
	cr_assert_eq(parsed(&b).parent_exe.len, 0);
	b = built_exit((struct rg_record_exit){0}, "");
	cr_assert_eq(parsed(&b).exe.len, 0);
}

Test(event, cut_short_anywhere)
{
	size_t type, len;
	struct built b;

	for (type = 0; type < RG_NR_RECORD_TYPES; type++) {
		b = records[type]();
		for (len = 0; len < b.len; len++)
			assert_refused(&b, len);
		parsed(&b);
	}
}

/* Also where the header agrees that it is shorter: then the lengths don't. */
Test(event, cut_short_by_its_own_account)
{
	struct rg_record *hdr;
	size_t type, len;
	struct built b;

	for (type = 0; type < RG_NR_RECORD_TYPES; type++) {
		b = records[type]();
		hdr = (struct rg_record *)b.bytes;
		for (len = 0; len < b.len; len++) {
			hdr->size_bytes = (uint32_t)len;
			assert_refused(&b, b.len);
			if (len >= sizeof(*hdr))
				assert_refused(&b, len);
		}
	}
}

/* The ring's own rounding may stand behind it. */
Test(event, what_follows_it_is_not_its_own)
{
	struct rg_record *hdr;
	struct built b;
	struct event e;
	size_t type;

	for (type = 0; type < RG_NR_RECORD_TYPES; type++) {
		b = records[type]();
		cr_assert_eq(event_parse(b.bytes, b.len + 7, &e), 0);
		hdr = (struct rg_record *)b.bytes;
		hdr->size_bytes++;
		assert_refused(&b, b.len);
		assert_refused(&b, b.len + 1);
	}
}

#define LENGTH(type, body, member)                                                              \
	{                                                                                       \
		type, offsetof(struct body, member), sizeof(((struct body *)0)->member), #member \
	}

static const struct {
	enum rg_record_type type;
	size_t offset, size;
	const char *name;
} lengths[] = {
	LENGTH(RG_RECORD_FORK, rg_record_fork, parent_exe_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, exe_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, filename_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, interp_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, parent_exe_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, cwd_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, args_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, env_len),
	LENGTH(RG_RECORD_EXEC, rg_record_exec, nr_ancestors),
	LENGTH(RG_RECORD_EXIT, rg_record_exit, exe_len),
};

/* Little endian or big: added to as a number of its size. */
static void add_to(char *p, size_t size, int by)
{
	uint16_t wide;

	if (size == 1) {
		*p = (char)(*p + by);
		return;
	}
	memcpy(&wide, p, sizeof(wide));
	wide = (uint16_t)(wide + by);
	memcpy(p, &wide, sizeof(wide));
}

Test(event, each_length_off_by_one)
{
	static const int by[] = {-1, 1, 0x7fff};
	struct built b;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (k = 0; k < ARRAY_SIZE(by); k++) {
			b = records[lengths[i].type]();
			add_to(b.bytes + lengths[i].offset, lengths[i].size, by[k]);
			assert_refused(&b, b.len);
		}
		cr_assert(lengths[i].size <= 2, "%s", lengths[i].name);
	}
}

/* Every length at its largest: 7 * 65535 + 255 * 20 bytes are claimed. */
Test(event, lengths_that_claim_far_more)
{
	struct built b = exec_record();

	memset(b.bytes + offsetof(struct rg_record_exec, exe_len), 0xff, 14);
	b.bytes[offsetof(struct rg_record_exec, nr_ancestors)] = (char)0xff;
	assert_refused(&b, b.len);
}

Test(event, other_versions_and_types)
{
	static const uint16_t abis[] = {0, RG_ABI_VERSION + 1, RG_ABI_VERSION << 8, UINT16_MAX};
	static const uint16_t types[] = {RG_NR_RECORD_TYPES, RG_NR_RECORD_TYPES + 1, 0x100, UINT16_MAX};
	struct rg_record *hdr;
	struct built b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(abis); i++) {
		b = exec_record();
		hdr = (struct rg_record *)b.bytes;
		hdr->abi = abis[i];
		assert_refused(&b, b.len);
	}
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		b = exec_record();
		hdr = (struct rg_record *)b.bytes;
		hdr->type = types[i];
		assert_refused(&b, b.len);
	}
}

Test(event, names_of_types)
{
	cr_assert_str_eq(event_type_name(RG_RECORD_FORK), "process_relationship");
	cr_assert_str_eq(event_type_name(RG_RECORD_EXEC), "process_start");
	cr_assert_str_eq(event_type_name(RG_RECORD_EXIT), "process_exit");
	cr_assert_str_eq(event_type_name(RG_RECORD_THREAD_START), "thread_start");
	cr_assert_str_eq(event_type_name(RG_RECORD_THREAD_EXIT), "thread_exit");
}

/* The kernel ends it with a NUL; a record that has none doesn't run on. */
Test(event, comm)
{
	static const char full[RG_COMM_LEN] = "0123456789abcdef";

	assert_span(event_comm((const char[RG_COMM_LEN]){"sh\0junk"}), "sh");
	assert_span(event_comm((const char[RG_COMM_LEN]){""}), "");
	cr_assert_eq(event_comm(full).len, RG_COMM_LEN);
}
