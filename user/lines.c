/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all lines have in common: number, time and origin, and the severity that a transport puts in front. */
#include "lines.h"

/* Severities of syslog(3), which has its own numbers for all of them. */
enum { SEVERITY_CRITICAL = 2, SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTICE, SEVERITY_INFO };

/* Text is for eyes: at a terminal, unless the settings say otherwise. */
static const struct format *choose_format(enum output_format format, bool at_terminal)
{
	static const struct format *const formats[] = {
		[FORMAT_JSON] = &format_json,
		[FORMAT_TEXT] = &format_text,
		[FORMAT_ECS] = &format_ecs,
	};

	if (format == FORMAT_AUTO)
		format = at_terminal ? FORMAT_TEXT : FORMAT_JSON;
	return formats[format];
}

void lines_init(struct lines *l, const struct config *config, struct sink *sink)
{
	bool at_terminal = config->output.type == OUTPUT_STDOUT && isatty(STDOUT_FILENO);

	*l = (struct lines){
		.sink = sink,
		.format = choose_format(config->output.format, at_terminal),
		.keys = {
			.args = config->process.collect_args,
			.cwd = config->process.collect_cwd,
			.env = config->process.collect_env,
		},
		.origin = origin_read(config->agent.id),
		.colour = at_terminal && !getenv("NO_COLOR"),
	};
	tzset(); /* reads /etc/localtime while that is allowed */
}

void lines_set_clock(struct lines *l)
{
	l->boot_to_real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

static struct line_head next_head(struct lines *l, uint64_t timestamp_ns)
{
	return (struct line_head){
		.seq = l->seq++,
		.timestamp_ns = timestamp_ns,
		.realtime_ns = timestamp_ns + l->boot_to_real_ns,
		.origin = &l->origin,
		.colour = l->colour,
	};
}

static struct line_tag tag_of(const char *event_type, unsigned int severity, const struct line_head *head)
{
	return (struct line_tag){ event_type, severity, head->realtime_ns };
}

void lines_event(struct lines *l, const struct event *event)
{
	struct line_head head = next_head(l, event->hdr->timestamp_ns);
	struct line_tag tag = tag_of(event_type_name(event->hdr->type), SEVERITY_INFO, &head);
	struct json j;

	sink_line_begin(l->sink, &tag, &j);
	l->format->event(&j, event, &head, &l->keys);
	sink_line_end(l->sink, &j);
}

void lines_alert(struct lines *l, const struct event *event, const struct rule_match *match)
{
	static const unsigned int severities[] = {
		[RULE_LOW] = SEVERITY_NOTICE,
		[RULE_MEDIUM] = SEVERITY_WARNING,
		[RULE_HIGH] = SEVERITY_ERROR,
		[RULE_CRITICAL] = SEVERITY_CRITICAL,
	};
	struct line_head head = next_head(l, event->hdr->timestamp_ns);
	struct line_tag tag = tag_of("alert", severities[match->rule->severity], &head);
	struct json j;

	sink_line_begin(l->sink, &tag, &j);
	l->format->alert(&j, event, match, &head);
	sink_line_end(l->sink, &j);
}

/* A line about the agent itself, of this moment. */
static void write_own_line(struct lines *l, const char *event_type, format_health_fn fn,
			   const struct health *health)
{
	struct line_head head = next_head(l, clock_ns(CLOCK_BOOTTIME));
	bool is_lost = fn == l->format->lost;
	struct line_tag tag = tag_of(event_type, is_lost ? SEVERITY_WARNING : SEVERITY_INFO, &head);
	struct json j;

	sink_line_begin(l->sink, &tag, &j);
	fn(health, &j, &head);
	sink_line_end(l->sink, &j);
}

void lines_start(struct lines *l, const struct health *health)
{
	write_own_line(l, "agent_start", l->format->start, health);
}

void lines_health(struct lines *l, const struct health *health)
{
	write_own_line(l, "health", l->format->health, health);
}

void lines_lost(struct lines *l, const struct health *health)
{
	write_own_line(l, "lost", l->format->lost, health);
}
