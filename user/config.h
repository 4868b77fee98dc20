/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The settings file (libconfig): every setting has a default and a range, an unknown key or an
 * impossible value is reported with file:line, all of them at once.
 */
#ifndef RG_CONFIG_H
#define RG_CONFIG_H

#include "log.h"
#include "rule.h"
#include "../shared/config.h"

enum agent_mode {
	MODE_MONITOR, /* all records and alerts */
	MODE_ALERT, /* alerts, health and losses only */
};

enum exec_source_hook {
	EXEC_SOURCE_AUTO, /* the first of the following that the kernel has */
	EXEC_SOURCE_PREPARE, /* tp_btf/sched_prepare_exec */
	EXEC_SOURCE_RENAME, /* tp_btf/task_rename */
	EXEC_SOURCE_SYSCALLS, /* syscalls:sys_{enter,exit}_execve{,at}: slows every syscall */
};

enum output_type {
	OUTPUT_STDOUT,
	OUTPUT_FILE,
	OUTPUT_UNIX, /* these four: a line, a datagram */
	OUTPUT_UDP,
	OUTPUT_SYSLOG,
	OUTPUT_JOURNALD,
};

enum output_format {
	FORMAT_AUTO, /* text where stdout is a terminal, else json */
	FORMAT_JSON, /* one object a line: rand-guard-records(7) */
	FORMAT_TEXT, /* a short line for eyes */
	FORMAT_ECS, /* json, in the Elastic Common Schema */
};

struct config {
	struct {
		char *id; /* printable, at most 64 bytes; default "": the host name */
		enum agent_mode mode; /* "monitor" (default), "alert" */
		enum log_level log_level; /* "error" "warning" "info" (default) "debug" */
	} agent;
	struct {
		bool enabled; /* true; false: load nothing, write agent_start and health only */
		uint32_t buffer_size; /* bytes of the ring, a power of two, 64 KiB..64 MiB, default 1 MiB */
		enum exec_source_hook exec_source_hook; /* "auto" "prepare" "rename" "syscalls" */
		char *pin_path; /* absolute or "" (pins nothing); default "/sys/fs/bpf/rand-guard" */
		bool keep_running; /* false; true: the programs stay when the agent ends; needs a pin_path */
	} ebpf;
	struct {
		bool enabled; /* true; false: keep the table, send no process records */
		uint32_t records; /* hooks = ["fork","exec","exit"] (default: all): bits 1 << enum rg_record_type */
		bool collect_args; /* false */
		bool collect_env; /* false; true needs env_names */
		bool collect_cwd; /* false */
		bool track_threads; /* false; true: rows and records for threads too */
		uint32_t max_args_bytes; /* 64..RG_ARGS_MAX, default 1024 */
		uint32_t max_env_bytes; /* 64..RG_ENV_MAX, default 1024 */
		char *env_names[RG_ENV_NAMES_MAX]; /* without '=', at most RG_ENV_NAME_LEN - 1 bytes */
		size_t nr_env_names;
	} process;
	struct {
		enum output_type type; /* "stdout" (default), "file" "unix" "udp" (need path), "syslog" "journald" */
		char *path; /* absolute, or of "udp" ADDRESS:PORT; NULL (default, ""): stdout, or the usual socket */
		enum output_format format; /* "auto" (default), "json", "text", "ecs" */
	} output;
	struct {
		uint32_t interval_seconds; /* 0..86400, default 60; 0: only at the end */
	} health;
	struct {
		char *listen; /* "ADDRESS:PORT", "[V6]:PORT", ":PORT" (loopback) or "unix:/PATH"; NULL (default, ""): off */
		char *textfile; /* absolute, ends in .prom; NULL (default, ""): off */
	} metrics;
	struct {
		char *user; /* whom it becomes once all is open; NULL (default, ""): nobody else */
		bool seccomp; /* true: only the system calls that it needs */
		bool landlock; /* true: only the files that it needs */
	} security;
	struct {
		uint32_t max_process_cache_entries; /* 64..1000000, default 5000 */
		uint32_t max_thread_cache_entries; /* rows of threads, 64..1000000, default 5000; with track_threads */
		uint32_t max_pending_exec_sources; /* 1..100000, default 500 */
		uint32_t max_delay_ms; /* longest wait of a record in the ring, 1..10000, default 100 */
	} performance;
	char *rules_dir; /* absolute, or relative to the settings file's directory; NULL: none */
	struct rule_set *rules; /* from rules and rules_dir */
	size_t nr_rules_disabled; /* rules with enabled = false: checked, not loaded */
};

#define CONFIG_DIR_DEFAULT "/etc/rand-guard"
#define CONFIG_PATH_DEFAULT CONFIG_DIR_DEFAULT "/rand-guard.cfg"

/*
 * Reads and checks everything, the rules too; each mistake is one log_error() line
 * "FILE:LINE: what is wrong; what would be right", all are reported. 0, or with nothing loaded -EINVAL,
 * -EACCES if a file or directory may not be read. path NULL: built-in defaults. *ret is the caller's,
 * config_free() releases it.
 */
int config_load(const char *path, struct config **ret);
void config_free(struct config *config);
static inline void config_freep(struct config **config)
{
	config_free(*config);
}

/*
 * The setting, as "GROUP" "KEY", that the two have differently and that only a restart takes over;
 * the first behind 'after' (NULL: of all), NULL when there is none left. A reload takes over the
 * rules and every setting that isn't told here.
 */
struct config_option;
const struct config_option *config_needs_restart(const struct config *running,
						 const struct config *new,
						 const struct config_option *after);
/* "health.interval_seconds", static. */
const char *config_option_name(const struct config_option *option);

/* What was understood, for people: a settings file with every setting, its unit, and every rule. */
void config_print(const struct config *config, FILE *to);

#endif
