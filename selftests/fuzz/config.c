/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any text as a settings file: a config whose print loads as the same one, or at least one error of
 * one line. libconfig 1.5 leaks the string that a syntax error comes behind, so that what it
 * allocates is left out here; the unit tests look for trees that nobody destroys.
 */
#include <assert.h>
#include <fcntl.h>

#include "../../user/conf.c"
#include "../../user/conf_scan.c"
#include "../../user/config.c"
#include "../../user/config_print.c"
#include "../../user/config_table.c"
#include "../../user/rule.c"
#include "../../user/rule_conf.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

static unsigned int nr_errors;

/* In place of log.c: nothing is written, each message is one line. */
void log_message(enum log_level level, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;

	va_start(args, fmt);
	assert(vasprintf(&message, fmt, args) >= 0);
	va_end(args);
	assert(*message && !strchr(message, '\n'));
	nr_errors += level == LOG_LEVEL_ERROR;
}

const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static char dir[] = "/dev/shm/rand-guard-fuzz-XXXXXX";

static void remove_dir(void)
{
	unlink("input");
	rmdir(dir);
}

/* A directory without *.cfg, so that rules_dir = "." finds nothing, and @include only itself. */
static void enter_dir(void)
{
	static bool is_there;

	if (is_there)
		return;
	assert(mkdtemp(dir) && !chdir(dir) && !atexit(remove_dir));
	is_there = true;
}

static int load_text(const char *text, size_t len, struct config **ret)
{
	_cleanup_close_ int fd = open("input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r;

	assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	nr_errors = 0;
	r = config_load("input", ret);
	assert(r ? r == -EINVAL && nr_errors : !nr_errors);
	return r;
}

static void expect_same(const struct config *a, const struct config *b)
{
	const struct config_option *option;
	size_t i;

	for (i = 0; (option = config_option_at(i)); i++)
		assert(!strcmp(option->name, "rules_dir") || config_is_same(option, a, b));
	assert(rule_set_size(a->rules) == rule_set_size(b->rules));
	assert(!config_needs_restart(a, b, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *config = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *to;

	enter_dir();
	if (load_text((const char *)data, size, &config))
		return 0;
	to = open_memstream(&text, &len);
	assert(to);
	config_print(config, to);
	assert(!fclose(to));
	assert(!load_text(text, len, &again));
	expect_same(config, again);
	return 0;
}
