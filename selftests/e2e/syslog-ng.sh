#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A real syslog-ng, with the configuration of etc/shippers on paths and a port of the test's own, carries the file of
# a running agent to what answers as Loki does: after it wasn't there, after it refused, after syslog-ng was killed,
# and across a rotation, each line once and to the byte. $1: the agent. Needs root.
set -u
. "$(dirname "$0")/lib.bash"

[ "$(id -u)" = 0 ] || skip "needs root"
use_daemons
for tool in syslog-ng jq systemd-socket-activate; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
ls {"$daemons",}/usr/lib/syslog-ng/*/libhttp.so 2>/dev/null | grep -q . || skip "syslog-ng-mod-http is not installed"
daemon_libraries+=:$daemons/usr/lib/syslog-ng

dir=$(mktemp -d) syslog_ng_pid='' loki_pid=''
records=$dir/rand-guard/records.json loki=$dir/loki
cleanup() {
	kill $agent_pid $syslog_ng_pid $loki_pid 2>/dev/null
	wait $agent_pid $syslog_ng_pid $loki_pid 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# --- syslog-ng

syslog_ng() {
	local modules
	modules=$(printf '%s\n' {"$daemons",}/usr/lib/syslog-ng/[0-9]* | paste -sd:)
	with_daemons syslog-ng --foreground --stderr --no-caps --module-path="$modules" --cfgfile="$dir/syslog-ng.conf" \
		--persist-file="$dir/persist" --control="$dir/control" --pidfile="$dir/pid" "$@"
}

# Tried again each second, so that the test is short.
write_syslog_ng_conf() {
	local file=$dir/rand-guard-loki.conf version
	version=$(with_daemons syslog-ng --version | sed -n 's/^syslog-ng .*(\([0-9]*\.[0-9]*\).*/\1/p')
	printf '%s\n' "@version: $version" "@include \"$file\"" >"$dir/syslog-ng.conf"
	sed "s|/var/log/rand-guard/|$dir/rand-guard/|; s|http://loki1:3100|http://127.0.0.1:$loki_port|
		s|time-reopen(10)|time-reopen(1)|" "$top/etc/shippers/syslog-ng-loki.conf" >"$file"
	! grep -v '^#' "$file" | grep -E '"/(run|var)/|loki1|3100' || fail "it has another path"
	(syslog_ng --syntax-only) >"$dir/said" 2>&1 && [ ! -s "$dir/said" ] || fail "syslog-ng: $(cat "$dir/said")"
	ok "syslog-ng $version finds the configuration right"
}

start_syslog_ng() {
	syslog_ng 2>>"$dir/syslog-ng.log" &
	syslog_ng_pid=$!
}

# --- Loki

answer() { printf '%s\n' "$1" "$2" >"$loki/answer"; }

# Past the three times that syslog-ng tries by itself.
has_refused() { [ "$(grep -c "^$1" "$loki/statuses")" -ge "$2" ]; }

lines() { jq -rj '.streams[].values[] | .[1] + "\n"' "$loki/taken"; }
has_all() { [ -s "$loki/taken" ] && lines | cmp -s - "$dir/all"; }

# Whatever is not as it should be.
mistakes() {
	jq -c --arg host "$(uname -n)" '.streams[] | (.values[0][1] | fromjson) as $line | select((
		.stream == {job: "rand-guard", host: $host, event_type: $line.event_type} and
		(.values | length) == 1 and (.values[0] | length) == 2 and
		.values[0][0] == ($line.time[:19] + "Z" | fromdate | tostring) + $line.time[20:29]
	) | not)' "$loki/taken"
}

# --- the agent

# Without fork and exit: a busy machine has lines enough.
start_agent() {
	cat >"$dir/rand-guard.cfg" <<-END
	ebpf = { pin_path = ""; };
	process = { hooks = [ "exec" ]; collect_args = true; max_args_bytes = 4096; };
	output = { type = "file"; path = "$records"; format = "json"; };
	rules = ( { id = "E2E-1"; name = "the test's own"; severity = "high";
		    process_names = [ "rg-e2e-true" ]; } );
	END
	"$agent" -c "$dir/rand-guard.cfg" 2>"$dir/agent.log" &
	agent_pid=$!
	until_ok grep -q watching: "$dir/agent.log" || fail "the agent does not start: $(cat "$dir/agent.log")"
}

# What two formats in each other and a template can spoil, in an argument; and long ones, more than a batch has.
run_programs() {
	local i
	"$dir/rg-e2e-true" '"' \\ '\"' '\n' $'\n\t\x01\x7f' "'" 'é€😀' $'\xff' '$HOST' '${MESSAGE}' '`x`' '%s' '</a>' ' , '
	for i in {1..29}; do
		"$dir/rg-e2e-true" $i "$(printf '\001%.0s' {1..4000})"
	done
}

# --- tests

mkdir "$dir/rand-guard" "$loki"
: >"$loki/statuses"
ln -s /bin/true "$dir/rg-e2e-true"
loki_port=$(free_port)
write_syslog_ng_conf

started=$(date +%s%N)
start_agent
start_syslog_ng
run_programs
until_ok grep -q "Couldn.*t connect to server" "$dir/syslog-ng.log" ||
	fail "syslog-ng doesn't try: $(cat "$dir/syslog-ng.log")"

answer '504 Gateway Timeout' 'no Loki behind this'
start_collector $loki_port /loki/api/v1/push "$loki"
loki_pid=$!
until_ok has_refused 504 5 || fail "it gives up: $(tail -n 3 "$dir/syslog-ng.log")"
kill -KILL $syslog_ng_pid
wait $syslog_ng_pid 2>/dev/null
: >"$loki/statuses"
start_syslog_ng
until_ok has_refused 504 1 || fail "after it was killed it sends nothing: $(tail -n 3 "$dir/syslog-ng.log")"
[ ! -e "$loki/taken" ] || fail "that isn't Loki"

mv "$records" "$records.1"
kill -HUP $agent_pid
until_ok test -e "$records" || fail "the agent doesn't open its file anew"
run_programs
answer '204 No Content' ''
stop_agent
cat "$records.1" "$records" >"$dir/all"
until_ok has_all ||
	fail "$(lines | wc -l) of $(wc -l <"$dir/all") lines came, $(lines | sort | uniq -d | wc -l) of them twice;
		$(lines | diff - "$dir/all" | head -c 1000) $(sort "$loki/statuses" | uniq -c) $(tail -n 3 "$dir/syslog-ng.log")"
[ "$(grep -c '"event_type":"alert".*"rule_id":"E2E-1"' "$dir/all")" = 60 ] || fail "the agent saw something else"
ok "syslog-ng carries $(wc -l <"$dir/all") lines to Loki, each once, in their order, to the byte"

[ -z "$(mistakes)" ] || fail "that is no entry of Loki: $(mistakes | head -n 3)"
ended=$(date +%s%N)
for time in $(jq -r '.streams[].values[][0]' "$loki/taken"); do
	[[ $time =~ ^[0-9]{19}$ ]] && [ "$time" -ge $((started - 10 ** 9)) ] && [ "$time" -le "$ended" ] ||
		fail "$time is not between $started and $ended"
done
[ "$(grep -c ^2 "$loki/statuses")" -lt "$(wc -l <"$dir/all")" ] || fail "one request for each line"
ok "with the line's own time and three labels, in $(grep -c ^2 "$loki/statuses") requests"
