/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules as libconfig text: the list "rules" of the settings file and of each file in rules_dir. */
#ifndef RG_RULE_CONF_H
#define RG_RULE_CONF_H

#include "conf.h"
#include "rule.h"

/* Every id that was given, of disabled rules too. */
struct rule_origin {
	char *id;
	char *place; /* "FILE:LINE" */
};

/* Rules while they are gathered from several files; starts zeroed. */
struct rule_list {
	struct rule *rules; /* those to load */
	size_t nr_rules;
	struct rule_origin *origins;
	size_t nr_origins;
	size_t nr_disabled;
	unsigned int nr_errors;
	bool is_denied; /* one of them: a file may not be read */
};

/* Adds the rules of one list setting of a file; mistakes are logged and counted in nr_errors. */
void rule_conf_add(struct rule_list *list, const config_setting_t *rules, const char *file);
/*
 * Adds the rules of each *.cfg in the directory, in byte order of the names; mistakes likewise.
 * -errno, not logged, if the directory can't be read.
 */
int rule_conf_add_dir(struct rule_list *list, const char *dir);
void rule_list_clear(struct rule_list *list);

#endif
