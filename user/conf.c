/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A settings file in, a libconfig tree or its mistakes out. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "conf.h"
#include "conf_scan.h"

/* Keys longer than this have no near one: the longest that there is has 27 bytes. */
#define MAX_KEY_LEN 40

static int dir_len(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? (int)(slash + 1 - file) : 0;
}

static void report_scan(void *context, const char *file, unsigned int line, const char *message)
{
	struct conf_report *report = context;

	report->nr_errors++;
	if (report->nr_told < CONF_MAX_TOLD)
		report->told_lines[report->nr_told++] = line;
	log_error("%s:%u: %s", file, line, message);
}

/* The same line of another file would be told once that one is right. */
bool conf_is_told(const struct conf_report *report, const config_setting_t *setting)
{
	size_t i;

	for (i = 0; i < report->nr_told; i++)
		if (report->told_lines[i] == config_setting_source_line(setting))
			return true;
	return false;
}

/* Of a file, which has a newline behind it here. */
static int nr_lines(const char *text)
{
	size_t len = strlen(text);
	int n = 0;

	if (len > 1 && text[len - 2] == '\n')
		len--;
	while (len)
		n += text[--len] == '\n';
	return n;
}

/* libconfig names an included file as @include does. What is missing at a file's end is behind its last line. */
static void report_parse(struct conf_report *report, const config_t *tree, const char *text)
{
	const char *included = config_error_file(tree);
	int line = config_error_line(tree);

	report->nr_errors++;
	log_error("%.*s%s:%d: %s; write settings as NAME = VALUE;",
		  included ? dir_len(report->file) : 0, report->file,
		  included ? included : report->file, included ? line : MIN(line, nr_lines(text)),
		  config_error_text(tree) ? config_error_text(tree) : "syntax error");
}

static const char *slurp_error(int r)
{
	switch (-r) {
	case EINVAL:
		return "it is no regular file";
	case EFBIG:
		return "it is larger than 8 MiB; write fewer settings";
	case EILSEQ:
		return "it holds a NUL byte; write a text";
	default:
		return strerror(-r);
	}
}

static int parse(struct conf_report *report, const char *text, config_t *tree)
{
	_cleanup_free_ char *dir = strndup(report->file, (size_t)dir_len(report->file));
	struct conf_scan scan = {
		.main_file = report->file,
		.dir_len = dir_len(report->file),
		.report = report_scan,
		.context = report,
	};

	conf_scan_text(&scan, report->file, text);
	if (scan.is_fatal || !dir)
		return -EINVAL;
	config_set_include_dir(tree, *dir ? dir : ".");
	if (config_read_string(tree, text) == CONFIG_TRUE)
		return 0;
	report_parse(report, tree, text);
	return -EINVAL;
}

static int read_with(int (*slurp)(const char *path, char **ret), struct conf_report *report, config_t *tree)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = slurp(report->file, &text);
	if (r) {
		report->nr_errors++;
		report->is_denied = r == -EACCES || r == -EPERM;
		log_error("can't read '%s': %s", report->file, slurp_error(r));
		return -EINVAL;
	}
	return parse(report, text, tree);
}

int conf_read(struct conf_report *report, config_t *tree)
{
	return read_with(conf_slurp, report, tree);
}

int conf_read_stream(struct conf_report *report, config_t *tree)
{
	return read_with(conf_slurp_stream, report, tree);
}

/* "process.hooks[1]": what is in a list has no name, but an index. */
static void put_path(const config_setting_t *s, FILE *to)
{
	const config_setting_t *parent = config_setting_parent(s);

	if (!parent)
		return;
	put_path(parent, to);
	if (!config_setting_name(s))
		fprintf(to, "[%d]", config_setting_index(s));
	else
		fprintf(to, "%s%.*s", config_setting_is_root(parent) ? "" : ".", MAX_KEY_LEN,
			config_setting_name(s));
}

char *conf_place(const struct conf_report *report, const config_setting_t *at)
{
	const char *included = config_setting_source_file(at);
	char *place;

	if (asprintf(&place, "%.*s%s:%u", included ? dir_len(report->file) : 0, report->file,
		     included ? included : report->file, config_setting_source_line(at)) < 0)
		return NULL;
	return place;
}

void conf_error(struct conf_report *report, const config_setting_t *at, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL, *place = conf_place(report, at);
	size_t size;
	va_list args;
	FILE *to;

	report->nr_errors++;
	to = open_memstream(&message, &size);
	if (!to || !place) {
		fclosep(&to);
		log_error("%s: out of memory", report->file);
		return;
	}
	put_path(at, to);
	fputs(": ", to);
	va_start(args, fmt);
	vfprintf(to, fmt, args);
	va_end(args);
	if (fclose(to) == 0)
		log_error("%s: %s", place, message);
}

struct conf_quoted conf_quote(const char *text)
{
	struct conf_quoted q;
	char *c;

	if ((size_t)snprintf(q.text, sizeof(q.text), "%s", text) >= sizeof(q.text))
		strcpy(q.text + sizeof(q.text) - 4, "...");
	for (c = q.text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return q;
}

bool conf_is_printable(const char *text, size_t max)
{
	const char *c;

	for (c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return c > text && (size_t)(c - text) <= max;
}

static const char *type_name(const config_setting_t *setting)
{
	static const char *const names[] = {
		[CONFIG_TYPE_NONE] = "nothing",	    [CONFIG_TYPE_GROUP] = "a group",
		[CONFIG_TYPE_INT] = "an integer",   [CONFIG_TYPE_INT64] = "an integer",
		[CONFIG_TYPE_FLOAT] = "a fraction", [CONFIG_TYPE_STRING] = "a string",
		[CONFIG_TYPE_BOOL] = "a boolean",   [CONFIG_TYPE_ARRAY] = "an array",
		[CONFIG_TYPE_LIST] = "a list",
	};

	return names[config_setting_type(setting)];
}

bool conf_expect(struct conf_report *report, const config_setting_t *setting, int type,
		 const char *write)
{
	if (config_setting_type(setting) == type)
		return true;
	conf_error(report, setting, "is %s; write %s", type_name(setting), write);
	return false;
}

size_t conf_length(const config_setting_t *setting)
{
	return (size_t)config_setting_length(setting);
}

const config_setting_t *conf_at(const config_setting_t *setting, size_t i)
{
	return config_setting_get_elem(setting, (unsigned int)i);
}

static bool is_repeated(const config_setting_t *strings, size_t i, const char *text)
{
	size_t before;

	for (before = 0; before < i; before++) {
		const char *other = config_setting_get_string_elem(strings, (int)before);

		if (other && !strcmp(other, text))
			return true;
	}
	return false;
}

bool conf_expect_strings(struct conf_report *report, const config_setting_t *setting, size_t max)
{
	if (!config_setting_is_list(setting) &&
	    !conf_expect(report, setting, CONFIG_TYPE_ARRAY, "[ \"...\", \"...\" ]"))
		return false;
	if (conf_length(setting) <= max)
		return true;
	conf_error(report, setting, "has %zu entries; write at most %zu", conf_length(setting),
		   max);
	return false;
}

const char *conf_string_at(struct conf_report *report, const config_setting_t *strings, size_t i)
{
	const config_setting_t *s = conf_at(strings, i);
	const char *text = config_setting_get_string(s);

	if (!conf_expect(report, s, CONFIG_TYPE_STRING, "a string in double quotes"))
		return NULL;
	if (!is_repeated(strings, i, text))
		return text;
	conf_error(report, s, "'%s' is there twice; write it once", conf_quote(text).text);
	return NULL;
}

char *conf_strdup(struct conf_report *report, const config_setting_t *at, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		conf_error(report, at, "out of memory");
	return copy;
}

/* Optimal string alignment: edits, and neighbours swapped, that make one key of the other. */
static size_t distance(const char *a, const char *b)
{
	size_t d[MAX_KEY_LEN + 1][MAX_KEY_LEN + 1], i, j;

	for (i = 0; i <= strlen(a); i++)
		for (j = 0; j <= strlen(b); j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = d[i - 1][j - 1] + (tolower(a[i - 1]) != tolower(b[j - 1]));
			d[i][j] = MIN(d[i][j], MIN(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[strlen(a)][strlen(b)];
}

const char *conf_nearest(const char *text, const char *const *known)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (; strlen(text) <= MAX_KEY_LEN && *known; known++) {
		size_t d = strlen(*known) <= MAX_KEY_LEN ? distance(text, *known) : SIZE_MAX;

		/* A third of the letters may be wrong: "id" is no typo of "ip". */
		if (d <= strlen(*known) / 3 && d < best) {
			best = d;
			nearest = *known;
		}
	}
	return nearest;
}
