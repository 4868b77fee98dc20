/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules as libconfig text: the list "rules" of the settings file and of each file in rules_dir. */
#ifndef RG_RULE_CONF_H
#define RG_RULE_CONF_H

#include <libconfig.h>

#include "rule.h"

/* Rules while they are gathered from several files; starts zeroed. */
struct rule_list {
	struct rule *rules;
	char **origins; /* "FILE:LINE" of each, for the message about a duplicate id */
	size_t nr_rules;
	size_t nr_disabled;
	unsigned int nr_errors;
};

/* Adds the rules of one list setting of a file; mistakes are logged and counted in nr_errors. */
void rule_conf_add(struct rule_list *list, const config_setting_t *rules, const char *file);
/* Adds the rules of each *.cfg in the directory, in byte order of the names. */
void rule_conf_add_dir(struct rule_list *list, const char *dir);
void rule_list_clear(struct rule_list *list);

#endif
