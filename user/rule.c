/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The matcher. Names of all rules stand in one open-addressing table; each name has the rules that
 * list it, in four roles. An exec offers at most 4 names of the process and 2 of its parent: 6
 * look-ups, whatever the number of rules. A rule that needs both sides is only looked at when both
 * sides found a name, so that a thousand rules about "sh" cost nothing below a parent that no rule
 * names.
 */
#include <assert.h>
#include <errno.h>

#include "rule.h"

/* As what a rule lists a name, and whether the other side matters too. */
enum role {
	ROLE_PROCESS_ALONE,
	ROLE_PROCESS_AND_PARENT,
	ROLE_PARENT_ALONE,
	ROLE_PARENT_AND_PROCESS,
	NR_ROLES,
};

/* A part of rule_set.uses. */
struct use_list {
	uint32_t start;
	uint32_t len;
};

struct name {
	const char *text; /* in its rule; NULL: a free slot */
	uint32_t hash;
	uint32_t len;
	struct use_list uses[NR_ROLES];
};

/* What the present exec has found about a rule; an older generation is of an earlier exec. */
struct mark {
	uint64_t parent_generation;
	uint64_t process_generation;
	uint8_t parent_candidate; /* enum parent_candidate */
	uint8_t field; /* enum rule_field */
};

enum parent_candidate { PARENT_COMM, PARENT_EXE, NR_PARENT_CANDIDATES };

#define NR_FIELDS (RULE_FIELD_INTERP + 1)
#define BITS_PER_WORD 64

struct rule_set {
	struct rule *rules;
	size_t nr_rules;
	struct name *names; /* nr_slots, a power of two and at least twice the names */
	size_t nr_slots;
	size_t max_name_len; /* a longer candidate isn't worth a hash */
	uint32_t *uses; /* indices into rules */
	struct mark *marks; /* one a rule */
	uint64_t *hits; /* a bit a rule: matches in load order, each once; all 0 between calls */
	struct rule_match *matches; /* nr_rules */
	uint64_t generation;
};

/* One exec on its way through the set. */
struct lookup {
	struct span process[NR_FIELDS]; /* by enum rule_field, 0 unused */
	struct span parent[NR_PARENT_CANDIDATES];
	const struct name *process_found[NR_FIELDS];
	const struct name *parent_found[NR_PARENT_CANDIDATES];
};

/* FNV-1a, mixed: names are short, and the table doesn't grow with what processes call themselves. */
static uint32_t hash_bytes(const char *data, size_t len)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619u;
	/* Names that differ in their last letter would be neighbours, and the table full of runs. */
	hash ^= hash >> 16;
	hash *= 0x85ebca6bu;
	return hash ^ hash >> 13;
}

/* The name's slot, or the free one where it belongs; there is always a free one. */
static struct name *slot_of(const struct rule_set *set, const char *text, size_t len, uint32_t hash)
{
	size_t i = hash & (set->nr_slots - 1);

	for (; set->names[i].text; i = (i + 1) & (set->nr_slots - 1)) {
		const struct name *name = &set->names[i];

		if (name->hash == hash && name->len == len && !memcmp(name->text, text, len))
			break;
	}
	return &set->names[i];
}

static const struct name *find_name(const struct rule_set *set, const struct span *span)
{
	const struct name *name;

	if (!span->len || span->len > set->max_name_len)
		return NULL;
	name = slot_of(set, span->data, span->len, hash_bytes(span->data, span->len));
	return name->text ? name : NULL;
}

static struct name *add_name(struct rule_set *set, const char *text)
{
	size_t len = strlen(text);
	uint32_t hash = hash_bytes(text, len);
	struct name *name = slot_of(set, text, len, hash);

	name->text = text;
	name->hash = hash;
	name->len = (uint32_t)len;
	set->max_name_len = MAX(set->max_name_len, len);
	return name;
}

/* Called for each name of each rule, in load order. */
typedef void use_fn(struct rule_set *set, uint32_t rule, const char *text, enum role role);

static void for_each_use(struct rule_set *set, use_fn *fn)
{
	uint32_t i;
	size_t n;

	for (i = 0; i < set->nr_rules; i++) {
		const struct rule *r = &set->rules[i];

		for (n = 0; n < r->nr_process_names; n++)
			fn(set, i, r->process_names[n],
			   r->nr_parent_names ? ROLE_PROCESS_AND_PARENT : ROLE_PROCESS_ALONE);
		for (n = 0; n < r->nr_parent_names; n++)
			fn(set, i, r->parent_names[n],
			   r->nr_process_names ? ROLE_PARENT_AND_PROCESS : ROLE_PARENT_ALONE);
	}
}

static void count_use(struct rule_set *set, uint32_t rule, const char *text, enum role role)
{
	(void)rule;
	add_name(set, text)->uses[role].len++;
}

static void store_use(struct rule_set *set, uint32_t rule, const char *text, enum role role)
{
	struct use_list *list = &add_name(set, text)->uses[role];

	set->uses[list->start + list->len++] = rule;
}

/* Gives each list its part of uses; the lengths start anew and are filled by store_use(). */
static void place_lists(struct rule_set *set)
{
	uint32_t start = 0;
	size_t i, role;

	for (i = 0; i < set->nr_slots; i++) {
		for (role = 0; role < NR_ROLES; role++) {
			struct use_list *list = &set->names[i].uses[role];

			list->start = start;
			start += list->len;
			list->len = 0;
		}
	}
}

static size_t count_names(const struct rule_set *set)
{
	size_t i, nr = 0;

	for (i = 0; i < set->nr_rules; i++)
		nr += set->rules[i].nr_parent_names + set->rules[i].nr_process_names;
	return nr;
}

static size_t nr_hit_words(const struct rule_set *set)
{
	return (set->nr_rules + BITS_PER_WORD - 1) / BITS_PER_WORD;
}

/* One element more than needed: without rules calloc(0) may give NULL. */
static int allocate(struct rule_set *set)
{
	size_t nr_names = count_names(set);

	for (set->nr_slots = 2; set->nr_slots < 2 * nr_names; set->nr_slots *= 2)
		;
	set->names = calloc(set->nr_slots, sizeof(*set->names));
	set->uses = calloc(nr_names + 1, sizeof(*set->uses));
	set->marks = calloc(set->nr_rules + 1, sizeof(*set->marks));
	set->hits = calloc(nr_hit_words(set) + 1, sizeof(*set->hits));
	set->matches = calloc(set->nr_rules + 1, sizeof(*set->matches));
	if (!set->names || !set->uses || !set->marks || !set->hits || !set->matches)
		return -ENOMEM;
	return 0;
}

static void free_names(char **names, size_t nr_names)
{
	size_t i;

	for (i = 0; i < nr_names; i++)
		free(names[i]);
	free(names);
}

void rule_clear(struct rule *rule)
{
	free(rule->id);
	free(rule->name);
	free_names(rule->parent_names, rule->nr_parent_names);
	free_names(rule->process_names, rule->nr_process_names);
}

void rules_free(struct rule *rules, size_t nr_rules)
{
	size_t i;

	for (i = 0; i < nr_rules; i++)
		rule_clear(&rules[i]);
	free(rules);
}

void rule_set_free(struct rule_set *set)
{
	if (!set)
		return;
	rules_free(set->rules, set->nr_rules);
	free(set->names);
	free(set->uses);
	free(set->marks);
	free(set->hits);
	free(set->matches);
	free(set);
}

int rule_set_new(struct rule *rules, size_t nr_rules, struct rule_set **ret)
{
	_cleanup_(rule_set_freep) struct rule_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set) {
		rules_free(rules, nr_rules);
		return -ENOMEM;
	}
	assert(nr_rules < UINT32_MAX);
	set->rules = rules;
	set->nr_rules = nr_rules;
	r = allocate(set);
	if (r)
		return r;
	for_each_use(set, count_use);
	place_lists(set);
	for_each_use(set, store_use);
	*ret = TAKE_PTR(set);
	return 0;
}

size_t rule_set_size(const struct rule_set *set)
{
	return set->nr_rules;
}

const struct rule *rule_set_at(const struct rule_set *set, size_t i)
{
	assert(i < set->nr_rules);
	return &set->rules[i];
}

static void add_to_slots(__u32 *slots, uint32_t rule, char *const *names, size_t nr_names)
{
	const __u32 bit = 1U << rule % RG_NAME_RULES;
	size_t i;

	for (i = 0; !nr_names && i < RG_NAME_SLOTS; i++)
		slots[i] |= bit;
	for (i = 0; i < nr_names; i++) {
		__u64 name[RG_COMM_LEN / 8] = { 0 };

		memcpy(name, names[i], MIN(strlen(names[i]), RG_COMM_LEN - 1));
		slots[rg_name_slot(name)] |= bit;
	}
}

void rule_set_names(const struct rule_set *set, struct rg_rule_names *ret)
{
	uint32_t i;

	*ret = (struct rg_rule_names){ 0 };
	for (i = 0; i < set->nr_rules; i++) {
		const struct rule *r = &set->rules[i];

		add_to_slots(ret->process, i, r->process_names, r->nr_process_names);
		add_to_slots(ret->parent, i, r->parent_names, r->nr_parent_names);
	}
}

/* Where the last one was found the next is likely: files are read in the same order again. */
static const struct rule *find_id(const struct rule_set *set, const char *id, size_t first)
{
	size_t i;

	for (i = 0; i < set->nr_rules; i++) {
		const struct rule *rule = &set->rules[(first + i) % set->nr_rules];

		if (!strcmp(rule->id, id))
			return rule;
	}
	return NULL;
}

void rule_set_keep_counts(struct rule_set *set, const struct rule_set *old)
{
	size_t i, next = 0;

	for (i = 0; i < set->nr_rules; i++) {
		const struct rule *same = find_id(old, set->rules[i].id, next);

		if (!same)
			continue;
		set->rules[i].nr_alerts = same->nr_alerts;
		next = (size_t)(same - old->rules) + 1;
	}
}

static struct span base_name(struct span path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct span){ slash + 1, path.len - (size_t)(slash + 1 - path.data) };
}

/* True if a name of that side is in the table. */
static bool find_names(const struct rule_set *set, const struct span *spans, size_t nr_spans,
		       const struct name **ret)
{
	bool found = false;
	size_t i;

	for (i = 0; i < nr_spans; i++) {
		ret[i] = find_name(set, &spans[i]);
		found |= ret[i] != NULL;
	}
	return found;
}

static void set_hit(struct rule_set *set, uint32_t rule)
{
	set->hits[rule / BITS_PER_WORD] |= 1ULL << (rule % BITS_PER_WORD);
}

/* The first candidate that a rule lists is the one that counts. */
static void mark_parents(struct rule_set *set, const struct lookup *l, enum role role)
{
	uint8_t candidate;
	uint32_t i;

	for (candidate = 0; candidate < NR_PARENT_CANDIDATES; candidate++) {
		const struct name *name = l->parent_found[candidate];

		for (i = 0; name && i < name->uses[role].len; i++) {
			uint32_t rule = set->uses[name->uses[role].start + i];
			struct mark *mark = &set->marks[rule];

			if (mark->parent_generation == set->generation)
				continue;
			mark->parent_generation = set->generation;
			mark->parent_candidate = candidate;
			if (role == ROLE_PARENT_ALONE)
				set_hit(set, rule);
		}
	}
}

/* In the order of enum rule_field: the precedence of matched_on. Parents are marked before. */
static void mark_processes(struct rule_set *set, const struct lookup *l, enum role role)
{
	uint8_t field;
	uint32_t i;

	for (field = RULE_FIELD_COMM; field < NR_FIELDS; field++) {
		const struct name *name = l->process_found[field];

		for (i = 0; name && i < name->uses[role].len; i++) {
			uint32_t rule = set->uses[name->uses[role].start + i];
			struct mark *mark = &set->marks[rule];

			if (mark->process_generation == set->generation)
				continue;
			mark->process_generation = set->generation;
			mark->field = field;
			if (role == ROLE_PROCESS_ALONE ||
			    mark->parent_generation == set->generation)
				set_hit(set, rule);
		}
	}
}

static void fill_match(struct rule_set *set, uint32_t rule, const struct lookup *l,
		       struct rule_match *ret)
{
	struct rule *r = &set->rules[rule];
	const struct mark *mark = &set->marks[rule];

	r->nr_alerts++;
	*ret = (struct rule_match){
		.rule = r,
		.matched_on = r->nr_process_names ? mark->field : RULE_FIELD_NONE,
		.process_name = l->process[r->nr_process_names ? mark->field : RULE_FIELD_COMM],
		.parent_name = l->parent[r->nr_parent_names ? mark->parent_candidate : PARENT_COMM],
	};
}

static size_t take_hits(struct rule_set *set, const struct lookup *l)
{
	size_t word, nr = 0;

	for (word = 0; word < nr_hit_words(set); word++) {
		for (; set->hits[word]; set->hits[word] &= set->hits[word] - 1) {
			size_t bit = (size_t)__builtin_ctzll(set->hits[word]);

			fill_match(set, (uint32_t)(word * BITS_PER_WORD + bit), l,
				   &set->matches[nr++]);
		}
	}
	return nr;
}

size_t rule_set_match(struct rule_set *set, const struct rule_subject *subject,
		      const struct rule_match **ret)
{
	struct lookup l = {
		.process[RULE_FIELD_COMM] = subject->comm,
		.process[RULE_FIELD_FILENAME] = base_name(subject->filename),
		.process[RULE_FIELD_EXE_PATH] = base_name(subject->exe),
		.process[RULE_FIELD_INTERP] = base_name(subject->interp),
		.parent[PARENT_COMM] = subject->parent_comm,
		.parent[PARENT_EXE] = base_name(subject->parent_exe),
	};
	bool process_found = find_names(set, l.process, NR_FIELDS, l.process_found);
	bool parent_found = find_names(set, l.parent, NR_PARENT_CANDIDATES, l.parent_found);

	*ret = set->matches;
	if (!process_found && !parent_found)
		return 0;
	set->generation++;
	mark_parents(set, &l, ROLE_PARENT_ALONE);
	mark_processes(set, &l, ROLE_PROCESS_ALONE);
	if (process_found && parent_found) {
		mark_parents(set, &l, ROLE_PARENT_AND_PROCESS);
		mark_processes(set, &l, ROLE_PROCESS_AND_PARENT);
	}
	return take_hits(set, &l);
}

const char *rule_severity_name(enum rule_severity severity)
{
	static const char *const names[] = {
		[RULE_LOW] = "low",
		[RULE_MEDIUM] = "medium",
		[RULE_HIGH] = "high",
		[RULE_CRITICAL] = "critical",
	};

	assert((size_t)severity < ARRAY_SIZE(names));
	return names[severity];
}

const char *rule_field_name(enum rule_field field)
{
	static const char *const names[NR_FIELDS] = {
		[RULE_FIELD_COMM] = "comm",
		[RULE_FIELD_FILENAME] = "filename",
		[RULE_FIELD_EXE_PATH] = "exe_path",
		[RULE_FIELD_INTERP] = "interp",
	};

	assert((size_t)field < ARRAY_SIZE(names));
	return names[field];
}
