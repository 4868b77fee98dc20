#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A real rsyslog, with the configurations of etc/shippers on paths and ports of the test's own, carries what a
# running agent writes: by a socket and by a file, to a file, to Kafka (librdkafka's mock cluster, read back by
# another client) and to what answers as OpenSearch does to _bulk. $1: the agent. Needs root.
set -u
. "$(dirname "$0")/lib.bash"

[ "$(id -u)" = 0 ] || skip "needs root"
use_daemons
command -v rsyslogd >/dev/null || skip "rsyslogd is not installed"

dir=$(mktemp -d) rsyslog_pid='' fleet=() mode=monitor
cleanup() {
	kill $agent_pid $rsyslog_pid 2>/dev/null
	kill -KILL "${fleet[@]}" 2>/dev/null # kcat waits for its input
	wait $agent_pid $rsyslog_pid "${fleet[@]}" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# --- the fleet

has_module() { ls {"$daemons",}/usr/lib/*/rsyslog/"$1".so 2>/dev/null | grep -q .; }

# A producer without anything to say, whose mock cluster others can reach.
start_kafka() {
	command -v kcat >/dev/null && has_module omkafka || { left_out "no kcat or rsyslog-kafka here"; return; }
	mkfifo "$dir/kafka.in"
	(with_daemons kcat -q -P -b none -t rand-guard -X test.mock.num.brokers=1 -d mock) \
		<>"$dir/kafka.in" 2>"$dir/kafka.log" &
	fleet+=($!)
	until_ok grep -q 'bootstrap.servers=' "$dir/kafka.log" || fail "kcat: $(head -3 "$dir/kafka.log")"
	kafka=$(sed -n 's/.*bootstrap.servers=\([0-9.:]*\).*/\1/p' "$dir/kafka.log" | head -n 1)
	shippers+=(rsyslog-kafka)
}

read_kafka() { (with_daemons timeout 10 kcat -q -C -b "$kafka" -t rand-guard -o beginning -e) >"$dir/kafka.out" 2>&1; }

start_opensearch() {
	command -v systemd-socket-activate >/dev/null && has_module omelasticsearch ||
		{ left_out "no systemd-socket-activate or rsyslog-elasticsearch here"; return; }
	mkdir "$dir/bulk"
	printf '%s\n' '200 OK' '{"took":1,"errors":false,"items":[]}' >"$dir/bulk/answer"
	: >"$dir/bulk/taken"
	opensearch_port=$(free_port)
	start_collector $opensearch_port /_bulk "$dir/bulk"
	fleet+=($!)
	shippers+=(rsyslog-opensearch)
}

# --- rsyslog

rsyslog() {
	local modules
	modules=$(ls -d {"$daemons",}/usr/lib/*/rsyslog 2>/dev/null | paste -sd:)
	with_daemons rsyslogd -M "$modules" -f "$dir/rsyslog.conf" "$@"
}

write_rsyslog_conf() {
	local name file
	cat >"$dir/rsyslog.conf" <<-END
	global(maxMessageSize="64k" workDirectory="$dir")
	module(load="imuxsock" SysSock.Use="off")
	include(file="$dir/shippers/*.conf")
	END
	mkdir "$dir/shippers" "$dir/rand-guard"
	for name in "${shippers[@]}"; do
		file=$dir/shippers/$name.conf
		sed "s|/run/rand-guard-rsyslog.socket|$dir/$name.socket|; s|/var/log/|$dir/|
			s|kafka1:9092|${kafka:-}|; s|https://search1|http://127.0.0.1|
			s|ServerPort=\"9200\"|ServerPort=\"${opensearch_port:-}\"|" "$top/etc/shippers/$name.conf" >"$file"
		! grep -v '^#' "$file" | grep -E '"/(run|var)/|kafka1|search1|9200' || fail "$name.conf has another path"
	done
	(rsyslog -N1) >"$dir/said" 2>&1 || fail "rsyslogd -N1: $(cat "$dir/said")"
	! grep -iE 'error|warn' "$dir/said" || fail "rsyslogd minds something"
	ok "rsyslog finds ${#shippers[@]} configurations right"
}

start_rsyslog() {
	rsyslog -n -i "$dir/pid" 2>"$dir/rsyslog.log" &
	rsyslog_pid=$!
	until_ok test -S "$dir/rsyslog.socket" || fail "rsyslogd does not start: $(cat "$dir/rsyslog.log")"
}

stop_rsyslog() {
	kill $rsyslog_pid
	wait $rsyslog_pid
	rsyslog_pid=
	rm -f "$dir"/*.socket
}

# --- the agent

# OUTPUT FORMAT
start_agent() {
	cat >"$dir/rand-guard.cfg" <<-END
	agent = { mode = "$mode"; };
	ebpf = { pin_path = ""; };
	output = { $1 format = "$2"; };
	health = { interval_seconds = 1; };
	rules = ( { id = "E2E-1"; name = "the test's own"; severity = "high";
		    process_names = [ "rg-e2e-true" ]; } );
	END
	rm -f "$dir/agent.log"
	"$agent" -c "$dir/rand-guard.cfg" 2>"$dir/agent.log" &
	agent_pid=$!
	until_ok grep -q watching: "$dir/agent.log" || fail "the agent does not start: $(cat "$dir/agent.log")"
}

# --- tests

alert='^\{"event_type":"alert",.*"rule_id":"E2E-1",.*\}$'
whole_line='^\{"event_type":"[a-z_]+",.*\}$'

has_alert() { grep -qE "$alert" "$1"; }
kafka_has_alert() { read_kafka && has_alert "$dir/kafka.out"; }
# The action, and the document behind it.
opensearch_has_alert() {
	grep -A1 '^{"index":{"_index": *"rand-guard"' "$dir/bulk/taken" |
		grep -qE '^\{"@timestamp":.*"event":\{"kind":"alert",.*"rule":\{"id":"E2E-1",.*\}$'
}

# TEXT FILE LINE COMMAND...: COMMAND finds the alert, and FILE has nothing but such lines.
carries() {
	"$dir/rg-e2e-true"
	until_ok "${@:4}" || fail "$1: no alert came; rsyslog: $(tail -3 "$dir/rsyslog.log")
		agent: $(cat "$dir/agent.log") $(tail -c 1000 "$2")"
	! grep -vE "$3" "$2" || fail "$1: that isn't a line"
	ok "$1"
}

shippers=(rsyslog rsyslog-file)
start_kafka
start_opensearch
ln -s /bin/true "$dir/rg-e2e-true"
write_rsyslog_conf
start_rsyslog

records=$dir/rand-guard-records.json copy=$dir/rand-guard-copy.json
start_agent "type = \"syslog\"; path = \"$dir/rsyslog.socket\";" json
carries "rsyslog carries what comes by its socket" "$records" "$whole_line" has_alert "$records"
stop_rsyslog
until_ok grep -q 'cannot write' "$dir/agent.log" || fail "the agent doesn't notice"
: >"$records"
start_rsyslog
until_ok grep -q 'writing again' "$dir/agent.log" || fail "the agent doesn't find it again"
carries "also when it was started anew" "$records" "$whole_line" has_alert "$records"
stop_agent

start_agent "type = \"file\"; path = \"$dir/rand-guard/records.json\";" json
carries "rsyslog carries what is written to a file" "$copy" "$whole_line" has_alert "$copy"
stop_agent

if [[ " ${shippers[*]} " == *' rsyslog-kafka '* ]]; then
	mode=alert # on a busy machine the alert would have left the mock cluster before it is read
	start_agent "type = \"syslog\"; path = \"$dir/rsyslog-kafka.socket\";" json
	carries "rsyslog carries records to Kafka" "$dir/kafka.out" "$whole_line" kafka_has_alert
	stop_agent
	mode=monitor
fi
if [[ " ${shippers[*]} " == *' rsyslog-opensearch '* ]]; then
	start_agent "type = \"syslog\"; path = \"$dir/rsyslog-opensearch.socket\";" ecs
	carries "rsyslog carries ECS documents to OpenSearch" "$dir/bulk/taken" '^\{("index":|"@timestamp":).*\}$' \
		opensearch_has_alert
	stop_agent
fi
