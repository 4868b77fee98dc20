/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules from libconfig: each of a rule's settings has one reader in a table. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include "rule_conf.h"

/* Finding an id twice costs the square of this: 50 million comparisons, a fraction of a second. */
#define MAX_RULES 10000
/* Of each list of a rule; Debian has fewer than 100 interpreters. */
#define MAX_NAMES 256

/* A rule while it is read. */
struct draft {
	struct rule_list *list;
	struct conf_report *report;
	const config_setting_t *setting; /* the whole rule */
	struct rule rule;
	bool is_enabled;
};

static bool is_id(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._-", *c)))
			return false;
	return c > text && c - text <= RULE_ID_MAX;
}

static const struct rule_origin *find_origin(const struct rule_list *list, const char *id)
{
	size_t i;

	for (i = 0; i < list->nr_origins; i++)
		if (!strcmp(list->origins[i].id, id))
			return &list->origins[i];
	return NULL;
}

static void read_id(struct draft *draft, const config_setting_t *s)
{
	const char *id;
	const struct rule_origin *other;

	if (!conf_expect(draft->report, s, CONFIG_TYPE_STRING, "a string like \"PROC-001\""))
		return;
	id = config_setting_get_string(s);
	other = is_id(id) ? find_origin(draft->list, id) : NULL;
	if (!is_id(id))
		conf_error(draft->report, s,
			   "'%s' is no id; write 1 to %d letters, digits, '.', "
			   "'_' or '-', like \"PROC-001\"",
			   conf_quote(id).text, RULE_ID_MAX);
	else if (other)
		conf_error(draft->report, s, "'%s' is taken by the rule at %s; write another id",
			   id, other->place);
	else
		draft->rule.id = conf_strdup(draft->report, s, id);
}

static void read_name(struct draft *draft, const config_setting_t *s)
{
	if (!conf_expect(draft->report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return;
	if (conf_is_printable(config_setting_get_string(s), RULE_NAME_MAX))
		draft->rule.name = conf_strdup(draft->report, s, config_setting_get_string(s));
	else
		conf_error(draft->report, s,
			   "is empty, too long or not one line; write 1 to %d "
			   "bytes without control characters",
			   RULE_NAME_MAX);
}

/* For what has but one value in this version. */
static void expect_only(struct draft *draft, const config_setting_t *s, const char *only)
{
	const char *text;

	if (!conf_expect(draft->report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return;
	text = config_setting_get_string(s);
	if (strcmp(text, only))
		conf_error(draft->report, s,
			   "'%s' is unknown; write \"%s\", which is the only one and "
			   "the default",
			   conf_quote(text).text, only);
}

static void read_type(struct draft *draft, const config_setting_t *s)
{
	expect_only(draft, s, "PROC");
}

static void read_action(struct draft *draft, const config_setting_t *s)
{
	expect_only(draft, s, "alert");
}

static void read_severity(struct draft *draft, const config_setting_t *s)
{
	enum rule_severity severity;
	const char *text;

	if (!conf_expect(draft->report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return;
	text = config_setting_get_string(s);
	for (severity = RULE_LOW; severity <= RULE_CRITICAL; severity++) {
		if (strcmp(text, rule_severity_name(severity)))
			continue;
		draft->rule.severity = severity;
		return;
	}
	conf_error(draft->report, s,
		   "'%s' is no severity; write \"low\", \"medium\", \"high\" or \"critical\"",
		   conf_quote(text).text);
}

static void read_enabled(struct draft *draft, const config_setting_t *s)
{
	if (conf_expect(draft->report, s, CONFIG_TYPE_BOOL, "true or false"))
		draft->is_enabled = config_setting_get_bool(s);
}

/* It is compared with base names and with comm, which an exec makes of one. */
static bool can_match(struct draft *draft, const config_setting_t *s, const char *name)
{
	if (strchr(name, '/')) {
		conf_error(draft->report, s,
			   "'%s' can never match; write the file's name without "
			   "its directory, like \"%s\"",
			   conf_quote(name).text, conf_quote(strrchr(name, '/') + 1).text);
		return false;
	}
	if (*name && strlen(name) <= NAME_MAX)
		return true;
	conf_error(draft->report, s, "can never match, it has %zu bytes; write 1 to %d",
		   strlen(name), NAME_MAX);
	return false;
}

static void read_names(struct draft *draft, const config_setting_t *s, char ***ret, size_t *ret_nr)
{
	char **names;
	size_t i;

	if (!conf_expect_strings(draft->report, s, MAX_NAMES) || !conf_length(s))
		return;
	names = calloc(conf_length(s), sizeof(*names));
	if (!names) {
		conf_error(draft->report, s, "out of memory");
		return;
	}
	for (i = 0; i < conf_length(s); i++) {
		const char *name = conf_string_at(draft->report, s, i);

		if (name && can_match(draft, conf_at(s, i), name))
			names[i] = conf_strdup(draft->report, s, name);
	}
	*ret = names;
	*ret_nr = conf_length(s);
}

static void read_parent_names(struct draft *draft, const config_setting_t *s)
{
	read_names(draft, s, &draft->rule.parent_names, &draft->rule.nr_parent_names);
}

static void read_process_names(struct draft *draft, const config_setting_t *s)
{
	read_names(draft, s, &draft->rule.process_names, &draft->rule.nr_process_names);
}

static const struct {
	const char *key;
	void (*read)(struct draft *draft, const config_setting_t *s);
} keys[] = {
	{ "id", read_id },
	{ "name", read_name },
	{ "type", read_type },
	{ "severity", read_severity },
	{ "action", read_action },
	{ "enabled", read_enabled },
	{ "parent_names", read_parent_names },
	{ "process_names", read_process_names },
};

static void refuse_rule_key(struct draft *draft, const config_setting_t *s)
{
	const char *known[ARRAY_SIZE(keys) + 1] = { NULL };
	const char *meant;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		known[i] = keys[i].key;
	meant = conf_nearest(config_setting_name(s), known);
	if (meant)
		conf_error(draft->report, s, "is unknown; write %s", meant);
	else
		conf_error(draft->report, s,
			   "is unknown; a rule has id, name, type, severity, "
			   "action, enabled, parent_names and process_names");
}

static void read_key(struct draft *draft, const config_setting_t *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].key, config_setting_name(s)))
			continue;
		keys[i].read(draft, s);
		return;
	}
	refuse_rule_key(draft, s);
}

/* Nothing there, or there and empty; what is of a wrong type has been told. */
static bool names_nothing(const config_setting_t *rule, const char *key)
{
	const config_setting_t *s = config_setting_get_member(rule, key);

	return !s || (config_setting_is_aggregate(s) && !conf_length(s));
}

static void check_whole(struct draft *draft)
{
	const config_setting_t *rule = draft->setting;

	if (!config_setting_get_member(rule, "id"))
		conf_error(draft->report, rule, "has no id; write id = \"PROC-001\" or the like");
	if (!config_setting_get_member(rule, "name"))
		conf_error(draft->report, rule, "has no name; write name = \"what it finds\"");
	if (names_nothing(rule, "parent_names") && names_nothing(rule, "process_names"))
		conf_error(draft->report, rule,
			   "would match everything; write parent_names or "
			   "process_names with at least one name");
}

static bool remember_id(struct draft *draft)
{
	struct rule_list *list = draft->list;
	struct rule_origin origin = {
		.place = conf_place(draft->report, draft->setting),
		.id = strdup(draft->rule.id),
	};
	struct rule_origin *origins;

	origins = reallocarray(list->origins, list->nr_origins + 1, sizeof(*origins));
	if (origins)
		list->origins = origins;
	if (!origins || !origin.place || !origin.id) {
		free(origin.place);
		free(origin.id);
		conf_error(draft->report, draft->setting, "out of memory");
		return false;
	}
	origins[list->nr_origins++] = origin;
	return true;
}

/* Takes the rule if it is to be loaded. */
static void append(struct draft *draft)
{
	struct rule_list *list = draft->list;
	struct rule *rules;

	rules = reallocarray(list->rules, list->nr_rules + 1, sizeof(*rules));
	if (!rules) {
		conf_error(draft->report, draft->setting, "out of memory");
		return;
	}
	list->rules = rules;
	rules[list->nr_rules++] = draft->rule;
	draft->rule = (struct rule){ 0 };
}

static void add_rule(struct rule_list *list, struct conf_report *report, const config_setting_t *s)
{
	struct draft draft = {
		.list = list,
		.report = report,
		.setting = s,
		.rule.severity = RULE_MEDIUM,
		.is_enabled = true,
	};
	unsigned int nr_errors = report->nr_errors;
	size_t i;

	if (!conf_expect(report, s, CONFIG_TYPE_GROUP, "a rule as { id = \"...\"; ... }"))
		return;
	for (i = 0; i < conf_length(s); i++)
		read_key(&draft, conf_at(s, i));
	check_whole(&draft);
	if (draft.rule.id && remember_id(&draft) && report->nr_errors == nr_errors) {
		if (draft.is_enabled)
			append(&draft);
		else
			list->nr_disabled++;
	}
	rule_clear(&draft.rule);
}

static void add_rules(struct rule_list *list, struct conf_report *report, const config_setting_t *s)
{
	size_t i;

	if (!conf_expect(report, s, CONFIG_TYPE_LIST, "( { ... }, { ... } )"))
		return;
	if (conf_length(s) + list->nr_origins > MAX_RULES) {
		conf_error(report, s, "makes more than %d rules; write fewer", MAX_RULES);
		return;
	}
	for (i = 0; i < conf_length(s); i++)
		add_rule(list, report, conf_at(s, i));
}

void rule_conf_add(struct rule_list *list, const config_setting_t *rules, const char *file)
{
	struct conf_report report = { .file = file };

	add_rules(list, &report, rules);
	list->nr_errors += report.nr_errors;
}

static void add_file(struct rule_list *list, const char *path)
{
	_cleanup_(config_destroy) config_t tree;
	struct conf_report report = { .file = path };
	size_t i;

	config_init(&tree);
	if (!conf_read(&report, &tree)) {
		for (i = 0; i < conf_length(config_root_setting(&tree)); i++) {
			const config_setting_t *s = conf_at(config_root_setting(&tree), i);

			if (!strcmp(config_setting_name(s), "rules"))
				add_rules(list, &report, s);
			else
				conf_error(&report, s,
					   "does not belong here; a file of rules has "
					   "rules = ( ... ) only");
		}
	}
	list->nr_errors += report.nr_errors;
	list->is_denied |= report.is_denied;
}

/* As the shell's *.cfg: what an editor hides is left out. */
static int is_rule_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && !strcmp(entry->d_name + len - 4, ".cfg");
}

/* alphasort(3) would follow the locale. */
static int compare_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int rule_conf_add_dir(struct rule_list *list, const char *dir)
{
	struct dirent **entries;
	int i, nr;

	nr = scandir(dir, &entries, is_rule_file, compare_bytes);
	if (nr < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0) {
			path = NULL;
			list->nr_errors++;
			log_error("%s: out of memory", dir);
		} else {
			add_file(list, path);
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void rule_list_clear(struct rule_list *list)
{
	size_t i;

	rules_free(list->rules, list->nr_rules);
	for (i = 0; i < list->nr_origins; i++) {
		free(list->origins[i].id);
		free(list->origins[i].place);
	}
	free(list->origins);
	*list = (struct rule_list){ 0 };
}
