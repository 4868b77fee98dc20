/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line. Exit status: 0 done, 1 cannot run, 2 bad usage or settings. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>

#include <bpf/libbpf.h>

#include "agent.h"
#include "footprint.h"
#include "host.h"
#include "inspect.h"
#include "notify.h"
#include "../shared/types.h"

enum { EXIT_OK = 0, EXIT_CANNOT = 1, EXIT_USAGE = 2 };

struct options {
	const char *config_path; /* NULL: CONFIG_PATH_DEFAULT, or built-in defaults where that isn't there */
	const char *pin_path; /* NULL: that of the settings */
	struct inspect_ps ps;
	bool defaults; /* -d */
};

static const char usage_text[] =
	"Usage: rand-guard [-d | -c FILE]       watch, in the foreground\n"
	"       rand-guard check [-d | -c FILE] check settings and rules, print what they say\n"
	"       rand-guard ps [--tree] [--json] [--exited] [-d | -c FILE | -p DIR]\n"
	"                                       the processes in the kernel's table\n"
	"       rand-guard status [-d | -c FILE | -p DIR]\n"
	"                                       the table's counters, and whether an agent runs\n"
	"       rand-guard unload [-d | -c FILE | -p DIR]\n"
	"                                       remove what ebpf.keep_running left in the kernel\n"
	"\n"
	"Records the life of every process on this host - fork, exec, exit - as JSON lines,\n"
	"and writes an alert where a rule matches.\n"
	"\n"
	"  -c, --config FILE   settings; default " CONFIG_PATH_DEFAULT ",\n"
	"                      and where that isn't there, as -d\n"
	"  -d, --defaults      no file: every setting at its default, no rules (any command)\n"
	"  -p, --pin-path DIR  where the maps are pinned (ps, status, unload)\n"
	"  -h, --help          this text\n"
	"  -V, --version       version, libbpf's version, ABI\n"
	"\n"
	"Exit status: 0 done, 1 cannot run, 2 bad usage or settings. SIGHUP reads settings and\n"
	"rules again and opens the output file anew; SIGTERM and SIGINT end it.\n"
	"Manual: rand-guard(8), rand-guard.cfg(5), rand-guard-records(7).\n";

static bool stdout_is_closed;

/* The next file would have the number of one that is closed, and get what is meant for that. */
static void fill_closed_fds(void)
{
	int fd;

	stdout_is_closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			break;
}

/* The exit status of a command that has written all it had to say. */
static int end_of_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s", strerror(errno));
	return EXIT_CANNOT;
}

static int usage_error(void)
{
	fputs("Try 'rand-guard --help'.\n", stderr);
	return EXIT_USAGE;
}

static int print_version(void)
{
	printf("rand-guard " RG_VERSION " (libbpf %s, ABI %d)\n", libbpf_version_string(),
	       RG_ABI_VERSION);
	return EXIT_OK;
}

/* Without a file that somebody named, a missing default one is no mistake. */
static const char *settings_path(const struct options *o)
{
	if (o->defaults || (!o->config_path && access(CONFIG_PATH_DEFAULT, F_OK)))
		return NULL;
	return o->config_path ? o->config_path : CONFIG_PATH_DEFAULT;
}

static void say_if_no_file(const struct options *o)
{
	if (!o->defaults && !settings_path(o))
		log_info("there is no " CONFIG_PATH_DEFAULT ": every setting is at its default, no rules");
}

static int run(const struct options *o)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct settings_file file = { .path = settings_path(o) };

	say_if_no_file(o);
	if (config_load(file.path, &config))
		return EXIT_USAGE;
	if (!file.path && !o->defaults)
		file = (struct settings_file){ CONFIG_PATH_DEFAULT, true };
	log_set_level(config->agent.log_level);
	if (config->output.type == OUTPUT_STDOUT && stdout_is_closed) {
		log_error("output: standard output is closed; open it, or set output.type = \"file\"");
		return EXIT_CANNOT;
	}
	notify_open();
	return agent_run(&file, &config) ? EXIT_CANNOT : EXIT_OK;
}

static int check(const struct options *o)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct footprint footprint;

	say_if_no_file(o);
	if (config_load(settings_path(o), &config))
		return EXIT_USAGE;
	host_check(config);
	if (!footprint_predict(config, &footprint))
		footprint_print(&footprint, stdout);
	config_print(config, stdout);
	return end_of_output(EXIT_OK);
}

/* The pin path to look at: named, or of the settings. NULL: the settings are wrong, or pin nothing. */
static const char *find_pin_path(const struct options *o, struct config **config)
{
	if (o->pin_path)
		return o->pin_path;
	if (config_load(settings_path(o), config))
		return NULL;
	if (!*(*config)->ebpf.pin_path) {
		log_error("ebpf.pin_path is \"\": nothing is pinned, so there is nothing to look at");
		return NULL;
	}
	return (*config)->ebpf.pin_path;
}

static int inspect(const char *command, const struct options *o)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const char *pin_path = find_pin_path(o, &config);
	int r;

	if (!pin_path)
		return EXIT_USAGE;
	if (!strcmp(command, "ps"))
		r = inspect_ps(pin_path, &o->ps, stdout);
	else if (!strcmp(command, "status"))
		r = inspect_status(pin_path, stdout);
	else
		r = inspect_unload(pin_path);
	return r ? EXIT_CANNOT : end_of_output(EXIT_OK);
}

enum { OPTION_TREE = 256, OPTION_JSON, OPTION_EXITED };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "defaults", no_argument, NULL, 'd' },
	{ "pin-path", required_argument, NULL, 'p' },
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "exited", no_argument, NULL, OPTION_EXITED },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* -1: go on with what is in *ret; else the exit status. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:dp:hV", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			ret->config_path = optarg;
			break;
		case 'd':
			ret->defaults = true;
			break;
		case 'p':
			ret->pin_path = optarg;
			break;
		case OPTION_TREE:
			ret->ps.tree = true;
			break;
		case OPTION_JSON:
			ret->ps.json = true;
			break;
		case OPTION_EXITED:
			ret->ps.exited = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_OK;
		case 'V':
			return print_version();
		default:
			return usage_error();
		}
	}
	return -1;
}

static bool is_inspection(const char *command)
{
	return !strcmp(command, "ps") || !strcmp(command, "status") || !strcmp(command, "unload");
}

int main(int argc, char **argv)
{
	static char own_name[] = "rand-guard";
	struct options options = { 0 };
	const char *command;
	int r;

	fill_closed_fds();
	if (argc)
		argv[0] = own_name; /* getopt's messages begin with it */
	r = parse_options(argc, argv, &options);
	command = argv[optind];
	if (r >= 0)
		return r;
	if (argc - optind > 1) {
		fprintf(stderr, "rand-guard: unexpected argument '%s'\n", argv[optind + 1]);
		return usage_error();
	}
	if (options.pin_path && (!command || !is_inspection(command))) {
		fputs("rand-guard: --pin-path is for ps, status and unload; write ebpf.pin_path in the settings\n",
		      stderr);
		return usage_error();
	}
	if (!command)
		return run(&options);
	if (!strcmp(command, "check"))
		return check(&options);
	if (is_inspection(command))
		return inspect(command, &options);
	fprintf(stderr, "rand-guard: unknown command '%s'\n", command);
	return usage_error();
}
