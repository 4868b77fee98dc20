/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The settings of a running agent and those of its file, read again: the running ones change only once all of the
 * file is known to be good. What they own is exchanged, so that the old goes with the new config.
 */
#include <errno.h>
#include <sys/stat.h>

#include "privilege.h"
#include "reload.h"

static void warn_of_restart(const struct config *running, const struct config *new)
{
	const struct config_option *option = NULL;

	while ((option = config_needs_restart(running, new, option)))
		log_warning("reload: %s has changed, which takes effect at the next start",
			    config_option_name(option));
}

/* What can change while it runs; everything else stays as it was started with. */
static void take_over(struct config *c, struct config *new)
{
	struct config old = *c;

	rule_set_keep_counts(new->rules, c->rules);
	c->rules = new->rules;
	c->nr_rules_disabled = new->nr_rules_disabled;
	c->rules_dir = new->rules_dir;
	c->metrics.textfile = new->metrics.textfile;
	/* Of another type it would be something else. */
	if (c->output.type == new->output.type) {
		c->output.path = new->output.path;
		new->output.path = old.output.path;
	}
	c->agent.mode = new->agent.mode;
	c->agent.log_level = new->agent.log_level;
	c->health = new->health;
	/* The old ones go with the new config. */
	new->rules = old.rules;
	new->rules_dir = old.rules_dir;
	new->metrics.textfile = old.metrics.textfile;
}

/* A pipe has nothing more to read, or would be waited for. What isn't there is config_load()'s to tell. */
static bool can_be_read_again(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) || S_ISREG(st.st_mode))
		return true;
	log_error("reload: '%s' is no regular file and can't be read again; the old settings stay", path);
	return false;
}

int reload_settings(struct settings_file *file, struct config *running)
{
	_cleanup_(config_freep) struct config *new = NULL;
	const char *path = file->path;
	int r;

	if (file->is_missing && access(path, F_OK))
		path = NULL;
	if (!can_be_read_again(path))
		return -EINVAL;
	r = config_load(path, &new);
	if (r) {
		log_error("reload: the settings %s; the old ones stay%s",
			  r == -EACCES ? "may not be read" : "have mistakes", privilege_hint(r));
		return r;
	}
	file->is_missing = file->is_missing && !path;
	warn_of_restart(running, new);
	take_over(running, new);
	return 0;
}
