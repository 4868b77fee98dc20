/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PROC rules: matched on exec, where the process has its new name and its parent is known.
 *
 * A rule holds when one of its process names and one of its parent names match; an empty list
 * matches all. Names are compared exactly with each of: comm, base name of filename, of exe, of
 * interp (process); comm, base name of exe (parent). Names are indexed by hash, so that the cost
 * doesn't grow with the number of rules.
 */
#ifndef RG_RULE_H
#define RG_RULE_H

#include "util.h"
#include "../shared/rule_names.h"

/* Bytes of an id and of a name that rule_conf takes: what a line of output has to hold. */
#define RULE_ID_MAX 64
#define RULE_NAME_MAX 128

enum rule_severity { RULE_LOW, RULE_MEDIUM, RULE_HIGH, RULE_CRITICAL };

struct rule {
	char *id; /* "PROC-001", unique */
	char *name; /* one line for people */
	enum rule_severity severity;
	char **parent_names; /* nr_parent_names; none: any parent */
	char **process_names; /* nr_process_names; none: any process */
	size_t nr_parent_names;
	size_t nr_process_names;
	uint64_t nr_alerts; /* matches since the rule was first loaded */
};

enum rule_field {
	RULE_FIELD_NONE, /* the rule names no process, only parents */
	RULE_FIELD_COMM,
	RULE_FIELD_FILENAME,
	RULE_FIELD_EXE_PATH,
	RULE_FIELD_INTERP,
};

/* What an exec offers to be matched; paths are whole, their base name is taken here. */
struct rule_subject {
	struct span comm, filename, exe, interp;
	struct span parent_comm, parent_exe;
};

struct rule_match {
	struct rule *rule; /* owned by the set */
	enum rule_field matched_on;
	struct span process_name; /* the name that matched, in the subject's memory; comm if none */
	struct span parent_name; /* likewise; parent_comm if the rule names no parent */
};

struct rule_set;

/* Takes the array and all it points to, also on failure. 0 or -ENOMEM. */
int rule_set_new(struct rule *rules, size_t nr_rules, struct rule_set **ret);
void rule_set_free(struct rule_set *set);
static inline void rule_set_freep(struct rule_set **set)
{
	rule_set_free(*set);
}

/* Frees what a rule points to. */
void rule_clear(struct rule *rule);
/* Frees nr_rules rules and the array. */
void rules_free(struct rule *rules, size_t nr_rules);

size_t rule_set_size(const struct rule_set *set);
const struct rule *rule_set_at(const struct rule_set *set, size_t i);

/* What the kernel looks for, so as not to delay alerts. */
void rule_set_names(const struct rule_set *set, struct rg_rule_names *ret);

/* The rules that both sets have, by id, go on counting alerts from where old was. */
void rule_set_keep_counts(struct rule_set *set, const struct rule_set *old);

/*
 * All rules that hold, in the order they were loaded, each once; nr_alerts is raised. The result
 * is the set's own memory, valid until the next call. Allocates nothing.
 */
size_t rule_set_match(struct rule_set *set, const struct rule_subject *subject,
		      const struct rule_match **ret);

const char *rule_severity_name(enum rule_severity severity); /* "low" ... "critical" */
const char *rule_field_name(enum rule_field field); /* "comm", "filename", "exe_path", "interp", NULL for none */

#endif
