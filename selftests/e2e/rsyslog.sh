#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A real rsyslog, with the configurations of etc/shippers on paths of the test's own, carries what a running
# agent writes: by a socket and by a file. $1: the agent. Needs root. Exit status: 0 ok, 1 not, 77 skipped with
# the reason on stdout.
set -u

agent=$(realpath "$1") top=$(realpath "$(dirname "$0")/../..")
readonly deadline_seconds=60

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "not ok: $*"; exit 1; }
ok() { echo "ok: $*"; }

[ "$(id -u)" = 0 ] || skip "needs root"
command -v rsyslogd >/dev/null || skip "rsyslogd is not installed"

dir=$(mktemp -d) agent_pid='' rsyslog_pid=''
cleanup() {
	kill $agent_pid $rsyslog_pid 2>/dev/null
	wait $agent_pid $rsyslog_pid 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Until a command succeeds; it is what is polled, since a file doesn't tell by itself.
until_ok() {
	local end=$((SECONDS + deadline_seconds))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

write_rsyslog_conf() {
	cat >"$dir/rsyslog.conf" <<-END
	global(maxMessageSize="64k" workDirectory="$dir")
	module(load="imuxsock" SysSock.Use="off")
	include(file="$dir/shippers/*.conf")
	END
	mkdir "$dir/shippers"
	for file in rsyslog.conf rsyslog-file.conf; do
		sed "s|/run/rand-guard-rsyslog.socket|$dir/socket|; s|/var/log/|$dir/|" \
			"$top/etc/shippers/$file" >"$dir/shippers/$file"
		! grep -v '^#' "$dir/shippers/$file" | grep -E '"/(run|var)/' || fail "$file has another path"
	done
	rsyslogd -N1 -f "$dir/rsyslog.conf" >"$dir/said" 2>&1 || fail "rsyslogd -N1: $(cat "$dir/said")"
	! grep -iE 'error|warn' "$dir/said" || fail "rsyslogd minds something"
	ok "rsyslog finds the configurations right"
}

start_rsyslog() {
	rsyslogd -n -f "$dir/rsyslog.conf" -i "$dir/pid" 2>"$dir/rsyslog.log" &
	rsyslog_pid=$!
	until_ok test -S "$dir/socket" || fail "rsyslogd does not start: $(cat "$dir/rsyslog.log")"
}

stop_rsyslog() {
	kill $rsyslog_pid
	wait $rsyslog_pid
	rsyslog_pid=
	rm -f "$dir/socket"
}

# OUTPUT
start_agent() {
	cat >"$dir/rand-guard.cfg" <<-END
	ebpf = { pin_path = ""; };
	output = { $1 format = "json"; };
	health = { interval_seconds = 1; };
	rules = ( { id = "E2E-1"; name = "the test's own"; severity = "high";
		    process_names = [ "rg-e2e-true" ]; } );
	END
	"$agent" -c "$dir/rand-guard.cfg" 2>"$dir/agent.log" &
	agent_pid=$!
	until_ok grep -q watching: "$dir/agent.log" || fail "the agent does not start: $(cat "$dir/agent.log")"
}

stop_agent() {
	local status
	kill -TERM $agent_pid
	wait $agent_pid
	status=$?
	agent_pid=
	[ $status = 0 ] || fail "the agent ended with $status"
}

# FILE: an alert that is a whole line.
has_alert() { grep -qE '^\{"event_type":"alert",.*"rule_id":"E2E-1",.*\}$' "$1"; }

# FILE TEXT
carries() {
	: >"$1"
	"$dir/rg-e2e-true"
	until_ok has_alert "$1" || fail "$2: no alert came; rsyslog: $(tail -3 "$dir/rsyslog.log")
		agent: $(cat "$dir/agent.log")"
	! grep -vE '^\{"event_type":"[a-z_]+",.*\}$' "$1" || fail "$2: that isn't a line"
	ok "$2"
}

ln -s /bin/true "$dir/rg-e2e-true"
write_rsyslog_conf
start_rsyslog
start_agent "type = \"syslog\"; path = \"$dir/socket\";"
carries "$dir/rand-guard-records.json" "rsyslog carries what comes by its socket"
stop_rsyslog
until_ok grep -q 'cannot write' "$dir/agent.log" || fail "the agent doesn't notice"
start_rsyslog
until_ok grep -q 'writing again' "$dir/agent.log" || fail "the agent doesn't find it again"
carries "$dir/rand-guard-records.json" "also when it was started anew"
stop_agent
start_agent "type = \"file\"; path = \"$dir/rand-guard.json\";"
carries "$dir/rand-guard-copy.json" "rsyslog carries what is written to a file"
stop_agent
