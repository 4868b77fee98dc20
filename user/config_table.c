/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table, and what can be told from it alone: defaults and differences. */
#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <sys/un.h>

#include "config_table.h"

/* As agent.id, which is in every record. HOST_NAME_MAX, so that each host name is one. */
#define AGENT_ID_MAX 64
/* useradd(8)'s. */
#define USER_NAME_MAX 32

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

static bool is_agent_id(const char *text)
{
	return *text && is_printable(text);
}

static bool is_path(const char *text)
{
	return *text && is_printable(text);
}

static bool is_absolute(const char *text)
{
	return *text == '/' && is_printable(text);
}

/* Where all have their pins; however its end is written. */
static bool is_everybodys(const char *path)
{
	static const char bpffs[] = "/sys/fs/bpf";

	return !strncmp(path, bpffs, strlen(bpffs)) && !path[strlen(bpffs) + strspn(path + strlen(bpffs), "/.")];
}

static bool is_pin_path(const char *text)
{
	return !*text || (is_absolute(text) && text[1] && !is_everybodys(text));
}

static bool is_file_path(const char *text)
{
	return is_absolute(text) && text[strlen(text) - 1] != '/';
}

/* node_exporter reads *.prom and nothing else. */
static bool is_textfile(const char *text)
{
	size_t len = strlen(text);

	return is_absolute(text) && len > 5 && !strcmp(text + len - 5, ".prom") &&
	       text[len - 6] != '/';
}

static bool is_env_name(const char *text)
{
	return *text && is_printable(text) && !strchr(text, '=');
}

/* What no user database can hold, and therefore nobody is called. */
static bool is_user(const char *text)
{
	return *text && is_printable(text) && !strpbrk(text, ":/ ");
}

static bool is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	return len && !text[len] && len <= 5 && port >= 1 && port <= 65535;
}

/* An address, not a host's name: nothing is resolved. "" is the loopback address. */
static bool is_address(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN + 2] = ""; /* brackets included */
	unsigned char binary[sizeof(struct in6_addr)];

	if (!len)
		return true;
	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	if (address[0] != '[')
		return inet_pton(AF_INET, address, binary) == 1;
	if (address[len - 1] != ']')
		return false;
	address[len - 1] = '\0';
	return inet_pton(AF_INET6, address + 1, binary) == 1;
}

static bool is_socket_path(const char *text)
{
	return is_file_path(text) && strlen(text) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

static bool is_socket_address(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon && is_port(colon + 1) && is_address(text, (size_t)(colon - text));
}

static bool is_listen(const char *text)
{
	if (!strncmp(text, "unix:", strlen("unix:")))
		return is_socket_path(text + strlen("unix:"));
	return is_socket_address(text);
}

static bool is_output_path(const char *text)
{
	return is_file_path(text) || is_socket_address(text);
}

bool config_is_output(enum output_type type, const char *path)
{
	switch (type) {
	case OUTPUT_STDOUT:
		return !path;
	case OUTPUT_FILE:
		return path && is_file_path(path);
	case OUTPUT_UNIX:
		return path && is_socket_path(path);
	case OUTPUT_UDP:
		return path && is_socket_address(path);
	default:
		return !path || is_socket_path(path);
	}
}

static const char *const modes[] = {
	[MODE_MONITOR] = "monitor",
	[MODE_ALERT] = "alert",
	NULL,
};

static const char *const log_levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

static const char *const exec_source_hooks[] = {
	[EXEC_SOURCE_AUTO] = "auto",
	[EXEC_SOURCE_PREPARE] = "prepare",
	[EXEC_SOURCE_RENAME] = "rename",
	[EXEC_SOURCE_SYSCALLS] = "syscalls",
	NULL,
};

static const char *const hooks[] = {
	[RG_RECORD_FORK] = "fork",
	[RG_RECORD_EXEC] = "exec",
	[RG_RECORD_EXIT] = "exit",
	NULL,
};

static const char *const output_types[] = {
	[OUTPUT_STDOUT] = "stdout",
	[OUTPUT_FILE] = "file",
	[OUTPUT_UNIX] = "unix",
	[OUTPUT_UDP] = "udp",
	[OUTPUT_SYSLOG] = "syslog",
	[OUTPUT_JOURNALD] = "journald",
	NULL,
};

static const char *const output_formats[] = {
	[FORMAT_AUTO] = "auto",
	[FORMAT_JSON] = "json",
	[FORMAT_TEXT] = "text",
	[FORMAT_ECS] = "ecs",
	NULL,
};

#define NAME(in, of) .name = in "." of, .group = in, .key = of
#define TOP_NAME(of) .name = of, .group = "", .key = of
#define AT(member) offsetof(struct config, member)
/* The member's type is checked: the loader writes through the offset. */
#define BOOL_AT(member) .kind = OPTION_BOOL, .offset = AT(member) + TYPE_CHECK(member, bool)
#define UINT_AT(member) .kind = OPTION_UINT, .offset = AT(member) + TYPE_CHECK(member, uint32_t)
#define SET_AT(member) .kind = OPTION_SET, .offset = AT(member) + TYPE_CHECK(member, uint32_t)
#define TEXT_AT(member) .kind = OPTION_TEXT, .offset = AT(member) + TYPE_CHECK(member, char *)
#define CHOICE_AT(member, type) \
	.kind = OPTION_CHOICE, .offset = AT(member) + TYPE_CHECK(member, enum type)
#define TYPE_CHECK(member, type) \
	(0 / __builtin_types_compatible_p(typeof(((struct config *)0)->member), type))

static const struct config_option options[] = {
	{ NAME("agent", "id"), TEXT_AT(agent.id), .max = AGENT_ID_MAX, .is_valid = is_agent_id,
	  .write = "at most 64 bytes without control characters, or \"\" for the host name" },
	{ NAME("agent", "mode"), CHOICE_AT(agent.mode, agent_mode), .choices = modes,
	  .initial = MODE_MONITOR, .flags = OPTION_RELOADS },
	{ NAME("agent", "log_level"), CHOICE_AT(agent.log_level, log_level), .choices = log_levels,
	  .initial = LOG_LEVEL_INFO, .flags = OPTION_RELOADS },

	{ NAME("ebpf", "enabled"), BOOL_AT(ebpf.enabled), .initial = true },
	/* A power of two, and whole pages: the largest that Linux has with BPF are 64 KiB. */
	{ NAME("ebpf", "buffer_size"), UINT_AT(ebpf.buffer_size), .min = 64 << 10, .max = 64 << 20,
	  .initial = 1 << 20, .unit = "bytes", .flags = OPTION_POWER_OF_TWO },
	{ NAME("ebpf", "exec_source_hook"), CHOICE_AT(ebpf.exec_source_hook, exec_source_hook),
	  .choices = exec_source_hooks, .initial = EXEC_SOURCE_AUTO },
	{ NAME("ebpf", "pin_path"), TEXT_AT(ebpf.pin_path), .max = PATH_MAX - 1,
	  .is_valid = is_pin_path, .initial_text = "/sys/fs/bpf/rand-guard",
	  .write = "the path of a directory of its own like \"/sys/fs/bpf/rand-guard\", or \"\" to pin "
		   "nothing" },
	{ NAME("ebpf", "keep_running"), BOOL_AT(ebpf.keep_running), .initial = false },

	{ NAME("process", "enabled"), BOOL_AT(process.enabled), .initial = true },
	{ NAME("process", "hooks"), SET_AT(process.records), .choices = hooks,
	  .initial = 1 << RG_RECORD_FORK | 1 << RG_RECORD_EXEC | 1 << RG_RECORD_EXIT },
	{ NAME("process", "collect_args"), BOOL_AT(process.collect_args), .initial = false },
	{ NAME("process", "collect_env"), BOOL_AT(process.collect_env), .initial = false },
	{ NAME("process", "collect_cwd"), BOOL_AT(process.collect_cwd), .initial = false },
	{ NAME("process", "track_threads"), BOOL_AT(process.track_threads), .initial = false },
	{ NAME("process", "max_args_bytes"), UINT_AT(process.max_args_bytes), .min = 64,
	  .max = RG_ARGS_MAX, .initial = 1024, .unit = "bytes" },
	{ NAME("process", "max_env_bytes"), UINT_AT(process.max_env_bytes), .min = 64,
	  .max = RG_ENV_MAX, .initial = 1024, .unit = "bytes" },
	{ NAME("process", "env_names"), .kind = OPTION_ENV_NAMES, .offset = AT(process.env_names),
	  .max = RG_ENV_NAME_LEN - 1, .is_valid = is_env_name,
	  .write = "a variable's name of at most 31 bytes, without '='" },

	{ NAME("output", "type"), CHOICE_AT(output.type, output_type), .choices = output_types,
	  .initial = OUTPUT_STDOUT },
	{ NAME("output", "path"), TEXT_AT(output.path), .max = PATH_MAX - 1,
	  .is_valid = is_output_path,
	  .write = "an absolute path like \"/var/log/rand-guard/records.json\", for udp "
		   "\"127.0.0.1:514\", or \"\" for none",
	  .flags = OPTION_RELOADS },
	{ NAME("output", "format"), CHOICE_AT(output.format, output_format),
	  .choices = output_formats, .initial = FORMAT_AUTO },

	{ NAME("health", "interval_seconds"), UINT_AT(health.interval_seconds), .min = 0,
	  .max = 86400, .initial = 60, .unit = "seconds", .flags = OPTION_RELOADS },

	{ NAME("metrics", "listen"), TEXT_AT(metrics.listen), .max = PATH_MAX - 1,
	  .is_valid = is_listen,
	  .write = "\"127.0.0.1:9101\", \"[::1]:9101\", \":9101\", \"unix:/PATH\", or \"\" for "
		   "none" },
	{ NAME("metrics", "textfile"), TEXT_AT(metrics.textfile), .max = PATH_MAX - 1,
	  .is_valid = is_textfile, .write = "an absolute path ending in .prom, or \"\" for none",
	  .flags = OPTION_RELOADS },

	{ NAME("security", "user"), TEXT_AT(security.user), .max = USER_NAME_MAX, .is_valid = is_user,
	  .write = "the name of a user like \"rand-guard\", or \"\" to stay who it is" },
	{ NAME("security", "seccomp"), BOOL_AT(security.seccomp), .initial = true },
	{ NAME("security", "landlock"), BOOL_AT(security.landlock), .initial = true },

	{ NAME("performance", "max_process_cache_entries"),
	  UINT_AT(performance.max_process_cache_entries), .min = 64, .max = 1000000,
	  .initial = 5000 },
	{ NAME("performance", "max_thread_cache_entries"),
	  UINT_AT(performance.max_thread_cache_entries), .min = 64, .max = 1000000,
	  .initial = 5000 },
	{ NAME("performance", "max_pending_exec_sources"),
	  UINT_AT(performance.max_pending_exec_sources), .min = 1, .max = 100000, .initial = 500 },
	{ NAME("performance", "max_delay_ms"), UINT_AT(performance.max_delay_ms), .min = 1,
	  .max = 600000, .initial = 100, .unit = "milliseconds" },

	{ TOP_NAME("rules_dir"), TEXT_AT(rules_dir), .max = PATH_MAX - 1, .is_valid = is_path,
	  .write = "a directory, absolute or relative to the settings file, or \"\" for none",
	  .flags = OPTION_RELOADS },
	{ TOP_NAME("rules"), .kind = OPTION_RULES, .offset = AT(rules), .flags = OPTION_RELOADS },
};

const struct config_option *config_option_at(size_t i)
{
	return i < ARRAY_SIZE(options) ? &options[i] : NULL;
}

const struct config_option *config_option_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].name, name))
			return &options[i];
	return NULL;
}

const char *config_option_name(const struct config_option *option)
{
	return option->name;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_same_env(const struct config *a, const struct config *b)
{
	size_t i;

	if (a->process.nr_env_names != b->process.nr_env_names)
		return false;
	for (i = 0; i < a->process.nr_env_names; i++)
		if (strcmp(a->process.env_names[i], b->process.env_names[i]))
			return false;
	return true;
}

bool config_is_same(const struct config_option *option, const struct config *a,
		    const struct config *b)
{
	const void *value_a = config_value_const(a, option),
		   *value_b = config_value_const(b, option);

	switch (option->kind) {
	case OPTION_BOOL:
		return *(const bool *)value_a == *(const bool *)value_b;
	case OPTION_UINT:
	case OPTION_SET:
	case OPTION_CHOICE:
		return *(const uint32_t *)value_a == *(const uint32_t *)value_b;
	case OPTION_TEXT:
		return is_same_text(*(char *const *)value_a, *(char *const *)value_b);
	case OPTION_ENV_NAMES:
		return is_same_env(a, b);
	case OPTION_RULES:
		return true;
	}
	return true;
}

const struct config_option *config_needs_restart(const struct config *running,
						 const struct config *new,
						 const struct config_option *after)
{
	const struct config_option *o = after ? after + 1 : options;

	for (; o < options + ARRAY_SIZE(options); o++)
		if (!(o->flags & OPTION_RELOADS) && !config_is_same(o, running, new))
			return o;
	return NULL;
}

static bool set_default(struct config *config, const struct config_option *option)
{
	void *value = config_value(config, option);

	switch (option->kind) {
	case OPTION_BOOL:
		*(bool *)value = option->initial;
		break;
	case OPTION_UINT:
	case OPTION_SET:
	case OPTION_CHOICE:
		*(uint32_t *)value = option->initial;
		break;
	case OPTION_TEXT:
		if (!option->initial_text)
			break;
		*(char **)value = strdup(option->initial_text);
		return *(char **)value != NULL;
	case OPTION_ENV_NAMES:
	case OPTION_RULES:
		break;
	}
	return true;
}

struct config *config_new_default(void)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	size_t i;

	for (i = 0; config && i < ARRAY_SIZE(options); i++)
		if (!set_default(config, &options[i]))
			return NULL;
	return TAKE_PTR(config);
}

void config_free(struct config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].kind == OPTION_TEXT)
			free(*(char **)config_value(config, &options[i]));
	for (i = 0; i < config->process.nr_env_names; i++)
		free(config->process.env_names[i]);
	rule_set_free(config->rules);
	free(config);
}
