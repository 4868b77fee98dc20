/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows libconfig's own lexer: comments, strings, @include at the start of a line, numbers. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "conf_scan.h"

/* libconfig's own limit. */
#define MAX_INCLUDE_DEPTH 10

/* Where in which file the scan is. */
struct cursor {
	struct conf_scan *scan;
	const char *file;
	const char *pos;
	unsigned int line;
};

static void report(struct cursor *c, unsigned int line, const char *message)
{
	c->scan->report(c->scan->context, c->file, line, message);
}

static void fail(struct cursor *c, unsigned int line, const char *message)
{
	c->scan->is_fatal = true;
	report(c, line, message);
}

/* Steps over n bytes, none of which is the end. */
static void skip(struct cursor *c, size_t n)
{
	for (; n; n--)
		c->line += *c->pos++ == '\n';
}

static bool starts(const struct cursor *c, const char *prefix)
{
	return !strncmp(c->pos, prefix, strlen(prefix));
}

static void skip_block_comment(struct cursor *c)
{
	unsigned int line = c->line;

	for (skip(c, 2); *c->pos && !starts(c, "*/"); skip(c, 1))
		;
	if (*c->pos)
		skip(c, 2);
	else
		fail(c, line, "a comment begins here and has no end; write */");
}

static void skip_line_comment(struct cursor *c)
{
	skip(c, strcspn(c->pos, "\n"));
}

static void scan_string(struct cursor *c)
{
	unsigned int line = c->line;

	for (skip(c, 1); *c->pos && *c->pos != '"'; skip(c, 1)) {
		if (*c->pos != '\\')
			continue;
		if (!strncasecmp(c->pos, "\\x00", 4))
			report(c, c->line, "a string can't hold \\x00; leave it out");
		if (c->pos[1])
			skip(c, 1);
	}
	if (*c->pos)
		skip(c, 1);
	else
		fail(c, line, "a string begins here and has no end; write \"");
}

/* A number without an L becomes an int, whatever it was. */
static void scan_number(struct cursor *c)
{
	bool is_hex = !strncasecmp(c->pos, "0x", 2);
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(c->pos, &end, is_hex ? 16 : 10);
	if (!(*end && strchr(".eEL", *end)) && (errno || value > INT_MAX))
		report(c, c->line, "a number does not fit in 32 bits; write at most 2147483647");
	while (isalnum((unsigned char)*end) || *end == '.')
		end++;
	skip(c, (size_t)(end - c->pos));
}

static void skip_name(struct cursor *c)
{
	while (isalnum((unsigned char)*c->pos) || (*c->pos && strchr("-_*", *c->pos)))
		skip(c, 1);
}

static int slurp(const char *path, int flags, char **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!f)
		return -errno;
	TAKE_FD(fd);
	text = malloc(CONF_MAX_BYTES + 2);
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, CONF_MAX_BYTES + 1, f);
	if (ferror(f))
		return -EIO;
	if (len > CONF_MAX_BYTES)
		return -EFBIG;
	if (memchr(text, '\0', len))
		return -EILSEQ;
	strcpy(text + len, "\n");
	*ret = realloc(TAKE_PTR(text), len + 2); /* gives back what was too much, can't fail */
	return 0;
}

int conf_slurp(const char *path, char **ret)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* Should it have become a FIFO meanwhile, this doesn't wait for a writer. */
	return slurp(path, O_NONBLOCK, ret);
}

int conf_slurp_stream(const char *path, char **ret)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EINVAL;
	return slurp(path, 0, ret);
}

static void scan_included(struct cursor *c, const char *name)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	char message[512]; /* a longer name is cut */
	int r;

	if (asprintf(&path, "%.*s%s", c->scan->dir_len, c->scan->main_file, name) < 0) {
		path = NULL;
		fail(c, c->line, "out of memory");
		return;
	}
	r = conf_slurp(path, &text);
	if (r) {
		snprintf(message, sizeof(message),
			 "can't include '%.300s': %s; write a file's path "
			 "relative to the settings file's directory",
			 name, r == -EINVAL ? "Not a regular file" : strerror(-r));
		fail(c, c->line, message);
		return;
	}
	c->scan->depth++;
	conf_scan_text(c->scan, path, text);
	c->scan->depth--;
}

/* Behind @include; the name ends at the next quote, a backslash is for quote and backslash. */
static void scan_include(struct cursor *c)
{
	char name[PATH_MAX];
	unsigned int line = c->line;
	size_t len = 0;

	for (skip(c, strcspn(c->pos, "\"") + 1); *c->pos && *c->pos != '"'; skip(c, 1)) {
		if (*c->pos == '\\' && c->pos[1] && strchr("\\\"", c->pos[1]))
			skip(c, 1);
		if (*c->pos == '\n' || len == sizeof(name) - 1)
			break;
		name[len++] = *c->pos;
	}
	name[len] = '\0';
	if (*c->pos != '"') {
		fail(c, line, "@include has no end; write @include \"FILE\"");
		return;
	}
	skip(c, 1);
	if (c->scan->depth == MAX_INCLUDE_DEPTH)
		fail(c, line,
		     "@include is nested too deep; leave out the file that includes itself");
	else
		scan_included(c, name);
}

/* As the lexer has it: ^[ \t]*@include[ \t]+\" */
static bool is_include(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "@include", strlen("@include")))
		return false;
	line += strlen("@include");
	return strspn(line, " \t") && line[strspn(line, " \t")] == '"';
}

static void scan_token(struct cursor *c)
{
	if (starts(c, "/*"))
		skip_block_comment(c);
	else if (starts(c, "#") || starts(c, "//"))
		skip_line_comment(c);
	else if (starts(c, "\""))
		scan_string(c);
	else if (isdigit((unsigned char)*c->pos))
		scan_number(c);
	else if (isalpha((unsigned char)*c->pos) || *c->pos == '*')
		skip_name(c);
	else
		skip(c, 1);
}

void conf_scan_text(struct conf_scan *scan, const char *file, const char *text)
{
	struct cursor c = { .scan = scan, .file = file, .pos = text, .line = 1 };

	scan->total_bytes += strlen(text);
	if (scan->total_bytes > CONF_MAX_BYTES) {
		fail(&c, 1,
		     "the settings are larger than 8 MiB with all they include; write fewer");
		return;
	}
	while (*c.pos && !scan->is_fatal) {
		if ((c.pos == text || c.pos[-1] == '\n') && is_include(c.pos))
			scan_include(&c);
		else
			scan_token(&c);
	}
}
