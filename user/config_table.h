/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every setting stands once in one table: its place in the file and in struct config, default,
 * range, unit, and whether a reload takes it over. The loader, config_print() and the tests go by it.
 */
#ifndef RG_CONFIG_TABLE_H
#define RG_CONFIG_TABLE_H

#include "config.h"

/* The member of struct config and what the file may say. */
enum option_kind {
	OPTION_BOOL, /* bool; true or false */
	OPTION_UINT, /* uint32_t; min..max */
	OPTION_CHOICE, /* an enum; one of choices, whose index is the value */
	OPTION_SET, /* uint32_t, a bit 1 << index; a list of choices */
	OPTION_TEXT, /* char *; a string that is_valid(); "" that isn't gives NULL */
	OPTION_ENV_NAMES, /* process.env_names, nr_env_names; a list of strings that are valid */
	OPTION_RULES, /* the rules, which rule_conf reads */
};

enum option_flags {
	OPTION_POWER_OF_TWO = 1 << 0,
	OPTION_RELOADS = 1 << 1, /* a reload takes it over; the others need a restart */
};

struct config_option {
	const char *name; /* "GROUP.KEY", or "KEY" at the file's top level */
	const char *group; /* "" at the top level */
	const char *key;
	enum option_kind kind;
	size_t offset; /* in struct config */
	uint32_t min, max; /* of a UINT; max also: bytes of a TEXT or of an ENV_NAME */
	uint32_t initial; /* the default of what is no text */
	const char *initial_text; /* of a TEXT; NULL: none */
	const char *const *choices; /* NULL-terminated */
	bool (*is_valid)(const char *text);
	const char *write; /* what a TEXT or an ENV_NAME has to be, behind "write" */
	const char *unit; /* of a UINT; NULL: a number of things */
	unsigned int flags; /* enum option_flags */
};

/* NULL past the end. */
const struct config_option *config_option_at(size_t i);
/* The option with that name; NULL if there is none. */
const struct config_option *config_option_find(const char *name);

static inline void *config_value(struct config *config, const struct config_option *option)
{
	return (char *)config + option->offset;
}

static inline const void *config_value_const(const struct config *config,
					     const struct config_option *option)
{
	return (const char *)config + option->offset;
}

/* True if an option has the same value in both; rules always have. */
bool config_is_same(const struct config_option *option, const struct config *a,
		    const struct config *b);
/* May output.path be that (NULL: none) with this output.type? */
bool config_is_output(enum output_type type, const char *path);
/* Every default; agent.id and rules are still NULL. NULL without memory. */
struct config *config_new_default(void);

#endif
