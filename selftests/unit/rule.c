/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The matcher: what it matches, what it says about it, and that it agrees with a slow one. */
#include <criterion/criterion.h>

#include "rule.h"

TestSuite(rule, .timeout = 30);

/* The most that a list of a test's rule has. */
#define MAX_LIST 4

struct spec {
	const char *parents[MAX_LIST + 1]; /* NULL-terminated */
	const char *processes[MAX_LIST + 1];
};

static void copy_names(const char *const *from, char ***ret, size_t *ret_nr)
{
	size_t nr = 0;

	while (from[nr])
		nr++;
	*ret = calloc(nr + 1, sizeof(**ret));
	for (*ret_nr = 0; *ret_nr < nr; ++*ret_nr)
		(*ret)[*ret_nr] = strdup(from[*ret_nr]);
}

static struct rule_set *set_of(const struct spec *specs, size_t nr_specs)
{
	struct rule *rules = calloc(nr_specs + 1, sizeof(*rules));
	struct rule_set *set = NULL;
	size_t i;

	for (i = 0; i < nr_specs; i++) {
		cr_assert(asprintf(&rules[i].id, "R-%zu", i) > 0);
		rules[i].name = strdup("a rule");
		copy_names(specs[i].parents, &rules[i].parent_names, &rules[i].nr_parent_names);
		copy_names(specs[i].processes, &rules[i].process_names, &rules[i].nr_process_names);
	}
	cr_assert_eq(rule_set_new(rules, nr_specs, &set), 0);
	return set;
}

static struct span span(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

/* Nothing has no data. */
#define assert_span(s, text)                                                           \
	cr_expect((s).len == strlen(text) &&                                           \
			  (!(s).len || !memcmp((s).data, text, strlen(text))),          \
		  "'%.*s' instead of '%s'", (int)(s).len, (s).data, text)

struct exec {
	const char *comm, *filename, *exe, *interp, *parent_comm, *parent_exe;
};

static struct rule_subject subject_of(const struct exec *e)
{
	return (struct rule_subject){
		.comm = span(e->comm),
		.filename = span(e->filename),
		.exe = span(e->exe),
		.interp = span(e->interp),
		.parent_comm = span(e->parent_comm),
		.parent_exe = span(e->parent_exe),
	};
}

/* One rule, one exec: on which field it matches (-1: it doesn't), and both names. */
static const struct semantic {
	const char *what;
	struct spec rule;
	struct exec exec;
	int field;
	const char *process, *parent;
} semantics[] = {
	{ "comm", { { "nginx" }, { "sh" } },
	  { "sh", "/bin/sh", "/usr/bin/dash", NULL, "nginx", "/usr/sbin/nginx" },
	  RULE_FIELD_COMM, "sh", "nginx" },
	{ "a symlinked shell by the file that runs", { { "nginx" }, { "dash" } },
	  { "sh", "/bin/sh", "/usr/bin/dash", NULL, "nginx", "/usr/sbin/nginx" },
	  RULE_FIELD_EXE_PATH, "dash", "nginx" },
	{ "a symlink with another name", { { "nginx" }, { "dash" } },
	  { "harmless", "/tmp/harmless", "/usr/bin/dash", NULL, "nginx", "/usr/sbin/nginx" },
	  RULE_FIELD_EXE_PATH, "dash", "nginx" },
	{ "filename before exe", { { "nginx" }, { "sh", "dash" } },
	  { "other", "/bin/sh", "/usr/bin/dash", NULL, "nginx", NULL },
	  RULE_FIELD_FILENAME, "sh", "nginx" },
	{ "comm before filename, whatever the list's order", { { NULL }, { "b", "a" } },
	  { "a", "b", "b", "b", NULL, NULL }, RULE_FIELD_COMM, "a", "" },
	{ "a script by its interpreter", { { "apache2" }, { "bash" } },
	  { "run.cgi", "/srv/run.cgi", "/srv/run.cgi", "/bin/bash", "apache2", NULL },
	  RULE_FIELD_INTERP, "bash", "apache2" },
	{ "exe before interp", { { NULL }, { "bash" } },
	  { "run.cgi", "/srv/run.cgi", "/usr/bin/bash", "/bin/bash", "apache2", NULL },
	  RULE_FIELD_EXE_PATH, "bash", "apache2" },
	{ "a script by its own name", { { "apache2" }, { "run.cgi" } },
	  { "x", "./run.cgi", "/bin/bash", "/bin/bash", "apache2", NULL },
	  RULE_FIELD_FILENAME, "run.cgi", "apache2" },
	{ "a relative path without a slash", { { NULL }, { "sh" } },
	  { "x", "sh", NULL, NULL, "p", NULL }, RULE_FIELD_FILENAME, "sh", "p" },
	{ "comm is no path", { { NULL }, { "sh" } }, { "a/sh", NULL, NULL, NULL, "p", NULL }, -1,
	  NULL, NULL },
	{ "a directory is no base name", { { NULL }, { "bin" } },
	  { "x", "/bin/x", "/usr/bin/x", "/bin/", "p", "/bin/p" }, -1, NULL, NULL },
	{ "upper case differs", { { NULL }, { "SH" } },
	  { "sh", "/bin/sh", "/bin/sh", NULL, "p", NULL }, -1, NULL, NULL },
	{ "upper case of a parent differs", { { "Nginx" }, { "sh" } },
	  { "sh", "/bin/sh", "/bin/sh", NULL, "nginx", "/bin/nginx" }, -1, NULL, NULL },
	{ "a prefix is no match", { { NULL }, { "sh" } },
	  { "s", "/bin/shx", "/bin/bash", "xsh", "p", NULL }, -1, NULL, NULL },
	{ "15 bytes of comm aren't 16", { { NULL }, { "abcdefghijklmnop" } },
	  { "abcdefghijklmno", NULL, NULL, NULL, "p", NULL }, -1, NULL, NULL },
	{ "15 bytes of comm", { { NULL }, { "abcdefghijklmno" } },
	  { "abcdefghijklmno", "/bin/abcdefghijklmnop", NULL, NULL, "p", NULL },
	  RULE_FIELD_COMM, "abcdefghijklmno", "p" },
	{ "16 bytes by the path", { { NULL }, { "abcdefghijklmnop" } },
	  { "abcdefghijklmno", "/bin/abcdefghijklmnop", NULL, NULL, "p", NULL },
	  RULE_FIELD_FILENAME, "abcdefghijklmnop", "p" },
	{ "a parent's 16 bytes by the path", { { "abcdefghijklmnop" }, { "sh" } },
	  { "sh", NULL, NULL, NULL, "abcdefghijklmno", "/bin/abcdefghijklmnop" },
	  RULE_FIELD_COMM, "sh", "abcdefghijklmnop" },
	{ "a parent's comm before its exe", { { "exe", "comm" }, { "sh" } },
	  { "sh", NULL, NULL, NULL, "comm", "/bin/exe" }, RULE_FIELD_COMM, "sh", "comm" },
	{ "another parent", { { "nginx" }, { "sh" } },
	  { "sh", "/bin/sh", "/bin/sh", NULL, "sshd", "/usr/sbin/sshd" }, -1, NULL, NULL },
	{ "another process", { { "nginx" }, { "sh" } },
	  { "ls", "/bin/ls", "/bin/ls", NULL, "nginx", NULL }, -1, NULL, NULL },
	{ "a process isn't its parent", { { "sh" }, { "nginx" } },
	  { "sh", "/bin/sh", "/bin/sh", NULL, "nginx", NULL }, -1, NULL, NULL },
	{ "no parent names: any parent", { { NULL }, { "nc" } },
	  { "nc", "/bin/nc", NULL, NULL, "bash", "/bin/bash" }, RULE_FIELD_COMM, "nc", "bash" },
	{ "no parent names: an unknown parent", { { NULL }, { "nc" } },
	  { "nc", "/bin/nc", NULL, NULL, NULL, NULL }, RULE_FIELD_COMM, "nc", "" },
	{ "no process names: any process", { { "nginx" }, { NULL } },
	  { "id", "/bin/id", NULL, NULL, "nginx", NULL }, RULE_FIELD_NONE, "id", "nginx" },
	{ "no process names, comm unknown", { { "nginx" }, { NULL } },
	  { NULL, "/bin/id", NULL, NULL, "nginx", NULL }, RULE_FIELD_NONE, "", "nginx" },
	{ "an unknown parent matches no name", { { "nginx" }, { "sh" } },
	  { "sh", "/bin/sh", NULL, NULL, NULL, NULL }, -1, NULL, NULL },
	{ "nothing known", { { "nginx" }, { "sh" } }, { NULL, NULL, NULL, NULL, NULL, NULL }, -1,
	  NULL, NULL },
	{ "a path that ends in a slash has no name", { { NULL }, { "sh" } },
	  { "x", "/bin/sh/", NULL, NULL, "p", NULL }, -1, NULL, NULL },
};

static void check_semantic(const struct semantic *s)
{
	_cleanup_(rule_set_freep) struct rule_set *set = set_of(&s->rule, 1);
	struct rule_subject subject = subject_of(&s->exec);
	const struct rule_match *matches;
	size_t nr = rule_set_match(set, &subject, &matches);

	cr_expect_eq(nr, s->field >= 0, "%s: %zu matches", s->what, nr);
	cr_expect_eq(rule_set_at(set, 0)->nr_alerts, nr, "%s: nr_alerts", s->what);
	if (!nr || s->field < 0)
		return;
	cr_expect_eq(matches[0].rule, rule_set_at(set, 0));
	cr_expect_eq(matches[0].matched_on, (enum rule_field)s->field, "%s: matched on %d", s->what,
		     matches[0].matched_on);
	assert_span(matches[0].process_name, s->process);
	assert_span(matches[0].parent_name, s->parent);
}

Test(rule, semantics)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(semantics); i++)
		check_semantic(&semantics[i]);
}

Test(rule, spans_end_without_a_nul)
{
	static const struct spec spec = { { "nginx" }, { "sh" } };
	_cleanup_(rule_set_freep) struct rule_set *set = set_of(&spec, 1);
	static const char text[] = "/bin/shellnginxes";
	struct rule_subject subject = {
		.filename = { text, strlen("/bin/sh") },
		.parent_comm = { text + strlen("/bin/shell"), strlen("nginx") },
	};
	const struct rule_match *matches;

	cr_assert_eq(rule_set_match(set, &subject, &matches), 1);
	cr_expect_eq(matches[0].process_name.data, text + strlen("/bin/"));
	cr_expect_eq(matches[0].process_name.len, 2);
	cr_expect_eq(matches[0].parent_name.data, subject.parent_comm.data);
}

Test(rule, longest_name_and_one_byte_more)
{
	char name[256], path[300];
	const struct spec spec = { { NULL }, { name } };
	_cleanup_(rule_set_freep) struct rule_set *set = NULL;
	struct rule_subject subject = { .exe = { path, 5 + 255 } };
	const struct rule_match *matches;

	memset(name, 'n', 255);
	name[255] = '\0';
	memcpy(path, "/bin/", 5);
	memset(path + 5, 'n', sizeof(path) - 5);
	set = set_of(&spec, 1);
	cr_expect_eq(rule_set_match(set, &subject, &matches), 1);
	subject.exe.len--;
	cr_expect_eq(rule_set_match(set, &subject, &matches), 0);
	subject.exe.len += 2;
	cr_expect_eq(rule_set_match(set, &subject, &matches), 0);
}

Test(rule, several_in_load_order_each_once)
{
	static const struct spec specs[] = {
		{ { "nginx" }, { "dash", "sh" } }, /* by both names: still once */
		{ { "nginx" }, { NULL } },
		{ { "sshd" }, { "sh" } },
		{ { NULL }, { "dash" } },
		{ { "nginx", "apache2" }, { "x", "sh" } },
	};
	static const struct exec exec = { "sh", "/bin/sh", "/bin/dash", NULL, "nginx", "/x/nginx" };
	_cleanup_(rule_set_freep) struct rule_set *set = set_of(specs, ARRAY_SIZE(specs));
	struct rule_subject subject = subject_of(&exec);
	const struct rule_match *matches;
	unsigned int round;

	for (round = 1; round <= 3; round++) {
		cr_assert_eq(rule_set_match(set, &subject, &matches), 4);
		cr_expect_str_eq(matches[0].rule->id, "R-0");
		cr_expect_eq(matches[0].matched_on, RULE_FIELD_COMM);
		cr_expect_str_eq(matches[1].rule->id, "R-1");
		cr_expect_eq(matches[1].matched_on, RULE_FIELD_NONE);
		cr_expect_str_eq(matches[2].rule->id, "R-3");
		cr_expect_eq(matches[2].matched_on, RULE_FIELD_EXE_PATH);
		cr_expect_str_eq(matches[3].rule->id, "R-4");
		cr_expect_eq(matches[3].rule->nr_alerts, round);
		cr_expect_eq(rule_set_at(set, 2)->nr_alerts, 0);
	}
}

Test(rule, a_match_of_before_leaves_nothing)
{
	static const struct spec spec = { { "nginx" }, { "sh" } };
	static const struct exec parent_only = { "ls", NULL, NULL, NULL, "nginx", NULL };
	static const struct exec process_only = { "sh", NULL, NULL, NULL, "sshd", NULL };
	_cleanup_(rule_set_freep) struct rule_set *set = set_of(&spec, 1);
	struct rule_subject a = subject_of(&parent_only), b = subject_of(&process_only);
	const struct rule_match *matches;

	cr_expect_eq(rule_set_match(set, &a, &matches), 0);
	cr_expect_eq(rule_set_match(set, &b, &matches), 0);
	cr_expect_eq(rule_set_match(set, &a, &matches), 0);
}

Test(rule, no_rules)
{
	static const struct exec exec = { "sh", "/bin/sh", "/bin/dash", NULL, "nginx", "/x/nginx" };
	_cleanup_(rule_set_freep) struct rule_set *set = NULL;
	struct rule_subject subject = subject_of(&exec);
	const struct rule_match *matches;

	cr_assert_eq(rule_set_new(NULL, 0, &set), 0);
	cr_expect_eq(rule_set_size(set), 0);
	cr_expect_eq(rule_set_match(set, &subject, &matches), 0);
}

Test(rule, words)
{
	cr_expect_str_eq(rule_severity_name(RULE_LOW), "low");
	cr_expect_str_eq(rule_severity_name(RULE_MEDIUM), "medium");
	cr_expect_str_eq(rule_severity_name(RULE_HIGH), "high");
	cr_expect_str_eq(rule_severity_name(RULE_CRITICAL), "critical");
	cr_expect_null(rule_field_name(RULE_FIELD_NONE));
	cr_expect_str_eq(rule_field_name(RULE_FIELD_COMM), "comm");
	cr_expect_str_eq(rule_field_name(RULE_FIELD_FILENAME), "filename");
	cr_expect_str_eq(rule_field_name(RULE_FIELD_EXE_PATH), "exe_path");
	cr_expect_str_eq(rule_field_name(RULE_FIELD_INTERP), "interp");
}

/* --- against a slow matcher: a thousand rules of few names, so that much matches -------------- */

#define NR_RULES 1000
#define NR_EXECS 3000

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static const char *random_name(uint32_t *state)
{
	static const char *const names[] = {
		"sh",	  "dash",    "bash", "nginx", "php-fpm8.2", "apache2", "a",   "b",
		"python3", "abcdefghijklmno", "abcdefghijklmnop", "ab", "ba", "aa", "SH", "x y",
	};

	return names[next_random(state) % ARRAY_SIZE(names)];
}

static void random_list(uint32_t *state, const char **list)
{
	size_t i, nr = next_random(state) % (MAX_LIST + 1);

	for (i = 0; i < nr; i++)
		list[i] = random_name(state);
}

static void random_specs(uint32_t *state, struct spec *specs, size_t nr_specs)
{
	size_t i;

	for (i = 0; i < nr_specs; i++) {
		random_list(state, specs[i].parents);
		random_list(state, specs[i].processes);
		if (!specs[i].parents[0] && !specs[i].processes[0])
			specs[i].processes[0] = random_name(state);
	}
}

/* A path to a random name, or nothing. */
static struct span random_path(uint32_t *state, char *buf, size_t size)
{
	static const char *const prefixes[] = { "", "/", "/usr/bin/", "./", "sh/" };

	if (next_random(state) % 3 == 0)
		return (struct span){ NULL, 0 };
	snprintf(buf, size, "%s%s", prefixes[next_random(state) % ARRAY_SIZE(prefixes)],
		 random_name(state));
	return span(buf);
}

static bool is_listed(const char *const *list, struct span name)
{
	const char *slash = name.len ? memrchr(name.data, '/', name.len) : NULL;
	size_t skip = slash ? (size_t)(slash + 1 - name.data) : 0;

	for (; *list; list++)
		if (name.len - skip == strlen(*list) && name.len > skip &&
		    !memcmp(name.data + skip, *list, strlen(*list)))
			return true;
	return false;
}

/* -1: no match, else the field; comm has no slash here. */
static int match_slowly(const struct spec *spec, const struct rule_subject *s)
{
	if (spec->parents[0] && !is_listed(spec->parents, s->parent_comm) &&
	    !is_listed(spec->parents, s->parent_exe))
		return -1;
	if (!spec->processes[0])
		return RULE_FIELD_NONE;
	if (is_listed(spec->processes, s->comm))
		return RULE_FIELD_COMM;
	if (is_listed(spec->processes, s->filename))
		return RULE_FIELD_FILENAME;
	if (is_listed(spec->processes, s->exe))
		return RULE_FIELD_EXE_PATH;
	return is_listed(spec->processes, s->interp) ? (int)RULE_FIELD_INTERP : -1;
}

/* How many matched; a difference fails the test. */
static size_t compare(struct rule_set *set, const struct spec *specs,
		      const struct rule_subject *subject)
{
	const struct rule_match *matches;
	size_t i, at = 0, nr = rule_set_match(set, subject, &matches);

	for (i = 0; i < NR_RULES; i++) {
		int field = match_slowly(&specs[i], subject);

		if (field < 0)
			continue;
		cr_assert(at < nr, "rule %zu is missing", i);
		cr_assert_eq(matches[at].rule, rule_set_at(set, i), "rule %zu is missing", i);
		cr_assert_eq(matches[at].matched_on, (enum rule_field)field);
		at++;
	}
	cr_assert_eq(at, nr, "%zu matches too many", nr - at);
	return nr;
}

Test(rule, a_thousand_agree_with_a_slow_matcher)
{
	static struct spec specs[NR_RULES];
	_cleanup_(rule_set_freep) struct rule_set *set = NULL;
	size_t i, nr_matches = 0;
	uint64_t nr_alerts = 0;
	uint32_t state = 1;

	random_specs(&state, specs, NR_RULES);
	set = set_of(specs, NR_RULES);
	for (i = 0; i < NR_EXECS; i++) {
		char filename[64], exe[64], interp[64], parent_exe[64];
		struct rule_subject subject = {
			.comm = span(random_name(&state)),
			.filename = random_path(&state, filename, sizeof(filename)),
			.exe = random_path(&state, exe, sizeof(exe)),
			.interp = random_path(&state, interp, sizeof(interp)),
			.parent_comm = span(random_name(&state)),
			.parent_exe = random_path(&state, parent_exe, sizeof(parent_exe)),
		};

		nr_matches += compare(set, specs, &subject);
	}
	cr_expect(nr_matches > NR_EXECS, "%zu: the data is too dull", nr_matches);
	for (i = 0; i < NR_RULES; i++)
		nr_alerts += rule_set_at(set, i)->nr_alerts;
	cr_expect_eq(nr_alerts, nr_matches);
}

/* The first has alerted so often, each other once more. */
static struct rule_set *set_of_ids(const char *const *ids, uint64_t nr_alerts)
{
	struct rule *rules = calloc(MAX_LIST, sizeof(*rules));
	struct rule_set *set = NULL;
	size_t nr;

	for (nr = 0; ids[nr]; nr++)
		rules[nr] = (struct rule){ .id = strdup(ids[nr]),
					   .name = strdup("any"),
					   .nr_alerts = nr_alerts + nr };
	cr_assert_eq(rule_set_new(rules, nr, &set), 0);
	return set;
}

/* A reload: in another order, one rule gone, one new. */
Test(rule, counts_are_kept)
{
	const char *const before[] = { "a", "b", "c", NULL }, *const after[] = { "c", "d", "a", NULL };
	struct rule_set *old = set_of_ids(before, 10), *new = set_of_ids(after, 0);

	rule_set_keep_counts(new, old);
	rule_set_free(old);
	cr_assert_eq(rule_set_at(new, 0)->nr_alerts, 12);
	cr_assert_eq(rule_set_at(new, 1)->nr_alerts, 1);
	cr_assert_eq(rule_set_at(new, 2)->nr_alerts, 10);
	rule_set_free(new);
}

Test(rule, counts_of_no_rules_are_kept)
{
	const char *const none[] = { NULL }, *const one[] = { "a", NULL };
	struct rule_set *empty = set_of_ids(none, 0), *set = set_of_ids(one, 5);

	rule_set_keep_counts(set, empty);
	rule_set_keep_counts(empty, set);
	cr_assert_eq(rule_set_at(set, 0)->nr_alerts, 5);
	rule_set_free(empty);
	rule_set_free(set);
}

static __u32 slot_of(const char *name)
{
	union {
		char bytes[RG_COMM_LEN];
		__u64 words[RG_COMM_LEN / 8];
	} padded = { .bytes = "" };

	memcpy(padded.bytes, name, MIN(strlen(name), sizeof(padded.bytes) - 1));
	return rg_name_slot(padded.words);
}

/* Whatever is behind its NUL, a name has one slot; and other names mostly have others. */
Test(rule, name_slots)
{
	union {
		char bytes[RG_COMM_LEN];
		__u64 words[RG_COMM_LEN / 8];
	} name;
	static const char letters[] = "abcdefghijklmno";
	unsigned int used[RG_NAME_SLOTS] = { 0 }, i, most = 0;
	size_t len;

	for (len = 0; len <= strlen(letters); len++) {
		memset(name.bytes, '\xff', sizeof(name.bytes));
		memcpy(name.bytes, letters, len);
		name.bytes[len] = 0;
		cr_expect_eq(rg_name_slot(name.words), slot_of(name.bytes), "%zu", len);
	}
	for (i = 0; i < 10 * RG_NAME_SLOTS; i++) {
		snprintf(name.bytes, sizeof(name.bytes), "program-%u", i);
		used[slot_of(name.bytes)]++;
	}
	for (i = 0; i < RG_NAME_SLOTS; i++)
		most = MAX(most, used[i]);
	cr_expect_leq(most, 30, "%u", most);
}

/* A rule's bit is in the slots of its names, those longer than comm by their start, and nowhere else. */
Test(rule, names_for_the_kernel)
{
	const struct spec specs[] = {
		{ { "nginx" }, { "sh", "a-name-that-is-longer" } },
		{ { NULL }, { "curl" } },
		{ { "cron" }, { NULL } },
	};
	_cleanup_(rule_set_freep) struct rule_set *set = set_of(specs, ARRAY_SIZE(specs));
	struct rg_rule_names names;
	size_t i, nr[3] = { 0 };

	rule_set_names(set, &names);
	cr_expect(names.process[slot_of("sh")] & 1);
	cr_expect(names.process[slot_of("a-name-that-is-")] & 1);
	cr_expect(names.parent[slot_of("nginx")] & 1);
	cr_expect(names.process[slot_of("curl")] & 2);
	cr_expect(names.parent[slot_of("cron")] & 4);
	for (i = 0; i < RG_NAME_SLOTS; i++) {
		nr[0] += names.process[i] & 1;
		nr[1] += names.process[i] >> 1 & 1;
		nr[2] += names.parent[i] >> 2 & 1;
		cr_expect(names.parent[i] & 2, "any parent");
		cr_expect(names.process[i] & 4, "any process");
	}
	cr_expect_eq(nr[0], 2);
	cr_expect_eq(nr[1], 1);
	cr_expect_eq(nr[2], 1);
}

/* Beyond RG_NAME_RULES they share bits. */
Test(rule, names_of_many_rules)
{
	struct spec specs[RG_NAME_RULES + 1] = { [0] = { { NULL }, { "first" } },
						 [RG_NAME_RULES] = { { NULL }, { "last" } } };
	_cleanup_(rule_set_freep) struct rule_set *set = NULL;
	struct rg_rule_names names;
	size_t i;

	for (i = 1; i < RG_NAME_RULES; i++)
		specs[i] = (struct spec){ { NULL }, { "between" } };
	set = set_of(specs, ARRAY_SIZE(specs));
	rule_set_names(set, &names);
	cr_expect_eq(names.process[slot_of("first")], 1);
	cr_expect_eq(names.process[slot_of("last")], 1);
	cr_expect_eq(names.process[slot_of("between")], ~1U);
}
