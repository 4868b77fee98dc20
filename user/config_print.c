/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A config in, a settings file out that gives the same config again. */
#include <ctype.h>

#include "config_table.h"

/* As libconfig reads it. */
static void print_text(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if (iscntrl((unsigned char)*text))
			fprintf(to, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

static void print_texts(char *const *texts, size_t nr_texts, FILE *to)
{
	size_t i;

	fputc('[', to);
	for (i = 0; i < nr_texts; i++) {
		fputs(i ? ", " : " ", to);
		print_text(texts[i], to);
	}
	fputs(nr_texts ? " ]" : "]", to);
}

static void print_set(const struct config_option *option, uint32_t bits, FILE *to)
{
	const char *separator = " ";
	size_t i;

	fputc('[', to);
	for (i = 0; option->choices[i]; i++) {
		if (!(bits & 1u << i))
			continue;
		fprintf(to, "%s\"%s\"", separator, option->choices[i]);
		separator = ", ";
	}
	fputs(" ]", to);
}

static void print_value(const struct config *config, const struct config_option *option, FILE *to)
{
	const void *value = config_value_const(config, option);

	switch (option->kind) {
	case OPTION_BOOL:
		fputs(*(const bool *)value ? "true" : "false", to);
		break;
	case OPTION_UINT:
		fprintf(to, "%u", *(const uint32_t *)value);
		break;
	case OPTION_CHOICE:
		print_text(option->choices[*(const uint32_t *)value], to);
		break;
	case OPTION_SET:
		print_set(option, *(const uint32_t *)value, to);
		break;
	case OPTION_TEXT:
		print_text(*(char *const *)value ? *(char *const *)value : "", to);
		break;
	case OPTION_ENV_NAMES:
		print_texts(config->process.env_names, config->process.nr_env_names, to);
		break;
	case OPTION_RULES:
		break;
	}
}

static void print_rule(const struct rule *rule, FILE *to)
{
	fputs("\t{ id = ", to);
	print_text(rule->id, to);
	fputs("; severity = ", to);
	print_text(rule_severity_name(rule->severity), to);
	fputs(";\n\t  name = ", to);
	print_text(rule->name, to);
	fputs(";\n\t  parent_names = ", to);
	print_texts(rule->parent_names, rule->nr_parent_names, to);
	fputs(";\n\t  process_names = ", to);
	print_texts(rule->process_names, rule->nr_process_names, to);
	fputs("; }", to);
}

static void print_rules(const struct config *config, FILE *to)
{
	size_t i, nr_rules = rule_set_size(config->rules);

	fprintf(to, "# %zu rules", nr_rules);
	if (config->nr_rules_disabled)
		fprintf(to, ", and %zu that are not enabled", config->nr_rules_disabled);
	fputs("\nrules = (\n", to);
	for (i = 0; i < nr_rules; i++) {
		print_rule(rule_set_at(config->rules, i), to);
		fputs(i + 1 < nr_rules ? ",\n" : "\n", to);
	}
	fputs(");\n", to);
}

static void print_option(const struct config *config, const struct config_option *option, FILE *to)
{
	if (option->kind == OPTION_RULES) {
		print_rules(config, to);
		return;
	}
	/* What it holds is printed with the other rules. */
	if (option->offset == offsetof(struct config, rules_dir))
		fputs("# ", to);
	fprintf(to, "%s%s = ", *option->group ? "\t" : "", option->key);
	print_value(config, option, to);
	fprintf(to, ";%s%s\n", option->unit ? " # " : "", option->unit ? option->unit : "");
}

void config_print(const struct config *config, FILE *to)
{
	const struct config_option *option;
	const char *group = "";
	size_t i;

	for (i = 0; (option = config_option_at(i)); i++) {
		if (strcmp(option->group, group)) {
			fputs(*group ? "};\n" : "", to);
			group = option->group;
			if (*group)
				fprintf(to, "%s = {\n", group);
		}
		print_option(config, option, to);
	}
	fputs(*group ? "};\n" : "", to);
}
