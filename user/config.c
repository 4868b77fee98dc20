/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A settings file in, a config or a line for each mistake out: first each setting by itself, as the
 * table says, then what doesn't go together, then the rules.
 */
#include <errno.h>
#include <limits.h>

#include "config_table.h"
#include "rule_conf.h"

/* Bits of loader.mistaken; config_option_at() has about half as many. */
#define MAX_OPTIONS 64

/* A file on its way to a config. */
struct loader {
	struct config *config;
	config_t tree;
	struct conf_report report;
	struct rule_list rules;
	uint64_t mistaken; /* bit: index in the table of an option whose value was refused */
};

static void read_bool(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	if (conf_expect(&l->report, s, CONFIG_TYPE_BOOL, "true or false"))
		*(bool *)config_value(l->config, o) = config_setting_get_bool(s);
}

static bool is_in_range(const struct config_option *o, long long value)
{
	if (value < o->min || value > o->max)
		return false;
	return !(o->flags & OPTION_POWER_OF_TWO) || !(value & (value - 1));
}

static void read_uint(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	long long value;

	if (config_setting_type(s) != CONFIG_TYPE_INT64 &&
	    !conf_expect(&l->report, s, CONFIG_TYPE_INT, "a whole number, without quotes"))
		return;
	if (conf_is_told(&l->report, s))
		return;
	/* get_int64 of libconfig 1.5 gives 0 for what was written without an L. */
	value = config_setting_type(s) == CONFIG_TYPE_INT ? config_setting_get_int(s)
							  : config_setting_get_int64(s);
	if (is_in_range(o, value))
		*(uint32_t *)config_value(l->config, o) = (uint32_t)value;
	else
		conf_error(&l->report, s, "%lld is impossible; write %s%u to %u%s%s", value,
			   o->flags & OPTION_POWER_OF_TWO ? "a power of two, " : "", o->min, o->max,
			   o->unit ? " " : "", o->unit ? o->unit : "");
}

static int find_choice(const struct config_option *o, const char *text)
{
	int i;

	for (i = 0; o->choices[i]; i++)
		if (!strcmp(o->choices[i], text))
			return i;
	return -ENOENT;
}

/* '"fork", "exec" or "exit"'; cut where it is longer. */
static void join_choices(const struct config_option *o, char *all, size_t size)
{
	const char *separator = "";
	size_t i, len = 0;

	for (i = 0; o->choices[i] && len < size; i++) {
		if (i)
			separator = o->choices[i + 1] ? ", " : " or ";
		len += (size_t)snprintf(all + len, size - len, "%s\"%s\"", separator, o->choices[i]);
	}
}

/* The index; -ENOENT with a message that names all. */
static int read_word(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	const char *text = config_setting_get_string(s);
	char all[128] = ""; /* the longest, exec_source_hook's, has 41 */
	int choice = find_choice(o, text);

	if (choice >= 0)
		return choice;
	join_choices(o, all, sizeof(all));
	conf_error(&l->report, s, "'%s' is unknown; write %s", conf_quote(text).text, all);
	return -ENOENT;
}

static void read_choice(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	int choice;

	if (!conf_expect(&l->report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return;
	choice = read_word(l, o, s);
	if (choice >= 0)
		*(uint32_t *)config_value(l->config, o) = (uint32_t)choice;
}

/* A set's list: enough for each word twice, so that a wrong list is told by its elements. */
#define MAX_WORDS 64

static void read_set(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	uint32_t bits = 0;
	size_t i;

	if (!conf_expect_strings(&l->report, s, MAX_WORDS))
		return;
	for (i = 0; i < conf_length(s); i++) {
		int choice = conf_string_at(&l->report, s, i) ? read_word(l, o, conf_at(s, i)) : -1;

		if (choice >= 0)
			bits |= 1u << choice;
	}
	*(uint32_t *)config_value(l->config, o) = bits;
}

static bool is_text(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	const char *text = config_setting_get_string(s);

	if (strlen(text) <= o->max && o->is_valid(text))
		return true;
	conf_error(&l->report, s, "'%s' is impossible; write %s", conf_quote(text).text, o->write);
	return false;
}

static void read_text(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	char **value = config_value(l->config, o);
	const char *text;

	if (!conf_expect(&l->report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return;
	text = config_setting_get_string(s);
	if (!*text && !o->is_valid(text))
		return; /* none, which is the default of each such option */
	if (!is_text(l, o, s))
		return;
	free(*value);
	*value = conf_strdup(&l->report, s, text);
}

static void read_env_names(struct loader *l, const struct config_option *o,
			   const config_setting_t *s)
{
	size_t i;

	if (!conf_expect_strings(&l->report, s, RG_ENV_NAMES_MAX))
		return;
	for (i = 0; i < conf_length(s); i++) {
		const char *name = conf_string_at(&l->report, s, i);
		char *copy = NULL;

		if (name && is_text(l, o, conf_at(s, i)))
			copy = conf_strdup(&l->report, s, name);
		if (copy)
			l->config->process.env_names[l->config->process.nr_env_names++] = copy;
	}
}

static void read_rules(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	(void)o;
	rule_conf_add(&l->rules, s, l->report.file);
}

static void read_option(struct loader *l, const struct config_option *o, const config_setting_t *s)
{
	static void (*const readers[])(struct loader *l, const struct config_option *o,
				       const config_setting_t *s) = {
		[OPTION_BOOL] = read_bool,     [OPTION_UINT] = read_uint,
		[OPTION_CHOICE] = read_choice, [OPTION_SET] = read_set,
		[OPTION_TEXT] = read_text,     [OPTION_ENV_NAMES] = read_env_names,
		[OPTION_RULES] = read_rules,
	};
	unsigned int nr_errors = l->report.nr_errors;

	readers[o->kind](l, o, s);
	if (l->report.nr_errors != nr_errors)
		l->mistaken |= 1ULL << (o - config_option_at(0));
}

/* "GROUP.KEY" as it is in the file; cut where it is longer than any option. */
static void name_of(const config_setting_t *s, char *name, size_t size)
{
	const config_setting_t *group = config_setting_parent(s);

	if (config_setting_is_root(group))
		snprintf(name, size, "%s", config_setting_name(s));
	else
		snprintf(name, size, "%s.%s", config_setting_name(group), config_setting_name(s));
}

/* Of that group's keys; at the top level of its keys and the groups. */
static const char *nearest_key(const char *group, const char *key)
{
	const char *known[MAX_OPTIONS + 1] = { NULL };
	const struct config_option *o;
	size_t i, nr = 0;

	for (i = 0; nr < MAX_OPTIONS && (o = config_option_at(i)); i++) {
		if (!strcmp(o->group, group))
			known[nr++] = o->key;
		else if (!*group)
			known[nr++] = o->group;
	}
	return conf_nearest(key, known);
}

/* A key that stands in the wrong group: its full name. */
static const char *elsewhere(const char *key)
{
	const struct config_option *o;
	size_t i;

	for (i = 0; (o = config_option_at(i)); i++)
		if (!strcmp(o->key, key))
			return o->name;
	return NULL;
}

static void refuse_key(struct loader *l, const config_setting_t *s)
{
	const config_setting_t *parent = config_setting_parent(s);
	const char *group = config_setting_is_root(parent) ? "" : config_setting_name(parent);
	const char *key = config_setting_name(s), *meant = elsewhere(key);

	if (!meant)
		meant = nearest_key(group, key);
	if (meant)
		conf_error(&l->report, s, "is unknown; write %s", meant);
	else
		conf_error(&l->report, s, "is unknown; remove it, or see rand-guard.cfg(5)");
}

static void read_setting(struct loader *l, const config_setting_t *s)
{
	char name[64]; /* the longest of the table has 39 */
	const struct config_option *o;

	name_of(s, name, sizeof(name));
	o = config_option_find(name);
	if (o)
		read_option(l, o, s);
	else
		refuse_key(l, s);
}

static bool is_group(const char *name)
{
	const struct config_option *o;
	size_t i;

	for (i = 0; (o = config_option_at(i)); i++)
		if (*o->group && !strcmp(o->group, name))
			return true;
	return false;
}

static void read_group(struct loader *l, const config_setting_t *group)
{
	size_t i;

	if (!conf_expect(&l->report, group, CONFIG_TYPE_GROUP, "a group as { NAME = VALUE; }"))
		return;
	for (i = 0; i < conf_length(group); i++)
		read_setting(l, conf_at(group, i));
}

static void read_root(struct loader *l)
{
	const config_setting_t *root = config_root_setting(&l->tree);
	size_t i;

	for (i = 0; i < conf_length(root); i++) {
		const config_setting_t *s = conf_at(root, i);

		if (is_group(config_setting_name(s)))
			read_group(l, s);
		else
			read_setting(l, s);
	}
}

static const config_setting_t *setting_of(const struct loader *l, const char *name)
{
	return config_lookup(&l->tree, name);
}

/* Of an option whose own value was refused nothing more is said. */
static bool is_sound(const struct loader *l, const char *name)
{
	return !(l->mistaken & 1ULL << (config_option_find(name) - config_option_at(0)));
}

static void check_pins(struct loader *l)
{
	if (l->config->ebpf.keep_running && !*l->config->ebpf.pin_path)
		conf_error(&l->report, setting_of(l, "ebpf.keep_running"),
			   "needs pins; write false, or pin_path = \"/sys/fs/bpf/rand-guard\"");
}

static void warn_of_env_names(struct loader *l)
{
	_cleanup_free_ char *place = conf_place(&l->report, setting_of(l, "process.env_names"));

	log_warning("%s: process.env_names: is set, but collect_env is false, ignoring",
		    place ? place : l->report.file);
}

static void check_env(struct loader *l)
{
	bool has_names = l->config->process.nr_env_names;

	if (!is_sound(l, "process.env_names") || !is_sound(l, "process.collect_env"))
		return;
	if (l->config->process.collect_env && !has_names)
		conf_error(&l->report, setting_of(l, "process.collect_env"),
			   "collects nothing; write false, or env_names = [ \"LD_PRELOAD\" ]");
	if (!l->config->process.collect_env && has_names)
		warn_of_env_names(l);
}

static void check_output(struct loader *l)
{
	static const char *const examples[] = {
		[OUTPUT_FILE] = "/var/log/rand-guard/records.json",
		[OUTPUT_UNIX] = "/run/shipper.socket",
		[OUTPUT_UDP] = "127.0.0.1:514",
		[OUTPUT_SYSLOG] = "/dev/log",
		[OUTPUT_JOURNALD] = "/run/systemd/journal/socket",
	};
	const struct config *c = l->config;

	if (!is_sound(l, "output.type") || !is_sound(l, "output.path"))
		return;
	if (config_is_output(c->output.type, c->output.path))
		return;
	if (c->output.type == OUTPUT_STDOUT)
		conf_error(&l->report, setting_of(l, "output.path"),
			   "has no effect on stdout; write \"\", or type = \"file\"");
	else if (!c->output.path)
		conf_error(&l->report, setting_of(l, "output.type"),
			   "\"%s\" needs a path; write path = \"%s\"",
			   conf_quote(config_setting_get_string(setting_of(l, "output.type"))).text,
			   examples[c->output.type]);
	else
		conf_error(&l->report, setting_of(l, "output.path"),
			   "'%s' is impossible with that type; write %s\"%s\"",
			   conf_quote(c->output.path).text,
			   c->output.type == OUTPUT_UDP ? "" : "an absolute path like ",
			   examples[c->output.type]);
}

/* Relative to the settings file's directory. */
static char *resolve(const char *file, const char *dir)
{
	const char *slash = strrchr(file, '/');
	char *path;

	if (*dir == '/' || !slash)
		return strdup(dir);
	if (asprintf(&path, "%.*s/%s", (int)(slash - file), file, dir) < 0)
		return NULL;
	return path;
}

static void read_rules_dir(struct loader *l)
{
	_cleanup_free_ char *path = NULL;
	int r = -ENOMEM;

	if (!l->config->rules_dir)
		return;
	path = resolve(l->report.file, l->config->rules_dir);
	if (path)
		r = rule_conf_add_dir(&l->rules, path);
	l->rules.is_denied |= r == -EACCES || r == -EPERM;
	if (r)
		conf_error(&l->report, setting_of(l, "rules_dir"),
			   "can't read '%s': %s; write a directory with *.cfg files, or \"\"",
			   path ? path : l->config->rules_dir, strerror(-r));
}

static void read_file(struct loader *l)
{
	if (conf_read_stream(&l->report, &l->tree))
		return;
	read_root(l);
	check_pins(l);
	check_env(l);
	check_output(l);
	read_rules_dir(l);
}

/* The default that isn't a constant. */
static int set_agent_id(struct config *config)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (config->agent.id)
		return 0;
	if (gethostname(host, sizeof(host) - 1) || !*host)
		strcpy(host, "localhost");
	config->agent.id = strdup(host);
	return config->agent.id ? 0 : -ENOMEM;
}

/* Gives the gathered rules to the config. */
static int finish(struct loader *l)
{
	struct rule *rules = TAKE_PTR(l->rules.rules);
	size_t nr_rules = l->rules.nr_rules;

	l->rules.nr_rules = 0;
	l->config->nr_rules_disabled = l->rules.nr_disabled;
	if (rule_set_new(rules, nr_rules, &l->config->rules) || set_agent_id(l->config)) {
		log_error("%s: out of memory", l->report.file);
		return -EINVAL;
	}
	return 0;
}

static int load(struct loader *l, const char *path)
{
	if (!l->config) {
		log_error("%s: out of memory", l->report.file);
		return -EINVAL;
	}
	if (path)
		read_file(l);
	if (l->report.is_denied || l->rules.is_denied)
		return -EACCES;
	if (l->report.nr_errors || l->rules.nr_errors)
		return -EINVAL;
	return finish(l);
}

int config_load(const char *path, struct config **ret)
{
	_cleanup_(config_freep) struct config *config = config_new_default();
	struct loader l = { .config = config, .report.file = path ? path : "config" };
	int r;

	config_init(&l.tree);
	r = load(&l, path);
	rule_list_clear(&l.rules);
	config_destroy(&l.tree);
	if (!r)
		*ret = TAKE_PTR(config);
	return r;
}
