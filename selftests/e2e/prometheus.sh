#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A real Prometheus scrapes a running agent, and what etc/ has for it works on what it finds there.
# $1: the agent. Needs root. Exit status: 0 ok, 1 not, 77 skipped with the reason on stdout.
set -u
. "$(dirname "$0")/lib.bash"
readonly capacity=777 alerts=3

[ "$(id -u)" = 0 ] || skip "needs root"
use_daemons
for tool in prometheus promtool curl; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

dir=$(mktemp -d) others=()
cleanup() {
	kill $agent_pid "${others[@]}" 2>/dev/null
	wait $agent_pid "${others[@]}" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# --- the agent

write_settings() {
	cat >"$dir/rand-guard.cfg" <<-END
	ebpf = { pin_path = ""; };
	output = { type = "file"; path = "$dir/records"; format = "json"; };
	metrics = { listen = "$1"; textfile = "$dir/rand-guard.prom"; };
	health = { interval_seconds = 1; };
	performance = { max_process_cache_entries = $capacity; };
	rules = ( { id = "E2E-1"; name = "the test's own"; type = "PROC"; severity = "high";
		    action = "alert"; parent_names = []; process_names = [ "rg-e2e-true" ]; } );
	END
}

# Returns once it watches.
start_agent() {
	local line=
	write_settings "$1"
	exec 3< <(exec "$agent" -c "$dir/rand-guard.cfg" 2>&1 >/dev/null)
	agent_pid=$!
	until [[ $line == *watching:* ]]; do
		read -r -t $deadline_seconds -u 3 line || fail "the agent does not start: $line"
	done
}

# --- Prometheus

start_prometheus() {
	prometheus_port=$(free_port)
	cat >"$dir/prometheus.yml" <<-END
	global: { scrape_interval: 1s, evaluation_interval: 1s }
	rule_files: [ "$top/etc/prometheus/rand-guard.rules.yml" ]
	scrape_configs:
	  - job_name: rand-guard
	    static_configs: [ { targets: [ "127.0.0.1:$port" ] } ]
	END
	quietly promtool check config "$dir/prometheus.yml"
	prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" \
		--web.listen-address=127.0.0.1:$prometheus_port --log.level=error \
		2>"$dir/prometheus.log" &
	others+=($!)
	until_ok curl -fsS "http://127.0.0.1:$prometheus_port/-/ready" ||
		fail "prometheus does not start: $(tail -3 "$dir/prometheus.log")"
}

query() { promtool query instant "http://127.0.0.1:$prometheus_port" "$1"; }
holds() { [ -n "$(query "$1")" ]; }
found() { until_ok holds "$1" || fail "Prometheus does not find: $1"; ok "Prometheus finds: $1"; }

rules_evaluated() {
	local state
	state=$(curl -fsS "http://127.0.0.1:$prometheus_port/api/v1/rules")
	[[ $state == *'"health":"ok"'* && $state != *'"health":"unknown"'* ]]
}

# What the dashboard asks, one a line, its variables as Grafana would fill them in.
dashboard_queries() {
	sed -n 's/^ *"expr": "\(.*\)",\{0,1\}$/\1/p' "$top/etc/grafana/rand-guard.json" |
		sed 's/\\"/"/g; s/\$instance/.*/g; s/\$__rate_interval/5m/g; s/\$__range/1h/g'
}

# --- tests

check_files() {
	quietly promtool check rules "$top/etc/prometheus/rand-guard.rules.yml"
	quietly promtool test rules "$top/selftests/e2e/prometheus-rules.yml"
	ok "promtool finds the alert rules right, and they fire"
}

check_scrape() {
	quietly curl -fsS -D "$dir/headers" -o "$dir/metrics" "http://127.0.0.1:$port/metrics"
	grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' "$dir/headers" ||
		fail "$(cat "$dir/headers")"
	quietly promtool check metrics <"$dir/metrics"
	[ ! -s "$dir/said" ] || fail "promtool: $(cat "$dir/said")"
	is_scrape <"$dir/metrics" || fail "the capacity"
	ok "promtool has nothing to say about $(grep -c '^# TYPE' "$dir/metrics") metrics"
}

check_prometheus() {
	local i queries=0 expr
	start_prometheus
	ln -s /bin/true "$dir/rg-e2e-true"
	for ((i = 0; i < alerts; i++)); do "$dir/rg-e2e-true"; done
	found 'up{job="rand-guard"} == 1'
	found "rand_guard_process_cache_capacity == $capacity"
	found "rand_guard_alerts_total{rule_id=\"E2E-1\",severity=\"high\"} == $alerts"
	found "process_resident_memory_bytes{job=\"rand-guard\"} > 1e6"
	found 'rand_guard_records_read_total{type="process_start"} > 0'
	until_ok rules_evaluated || fail "the alert rules are not evaluated"
	ok "Prometheus evaluates the alert rules"
	while read -r expr; do
		quietly query "$expr"
		queries=$((queries + 1))
	done < <(dashboard_queries)
	[ $queries -gt 30 ] || fail "only $queries queries in the dashboard"
	ok "Prometheus answers the dashboard's $queries queries"
}

# Of what is on its stdin.
is_scrape() { grep -qx "rand_guard_process_cache_capacity $capacity"; }
node_exporter_has_it() { curl -fsS "http://127.0.0.1:$exporter_port/metrics" | is_scrape; }

# Its own process_* are among what it serves: two of a name would be an error.
check_textfile() {
	command -v prometheus-node-exporter >/dev/null ||
		{ left_out "prometheus-node-exporter is not installed"; return; }
	exporter_port=$(free_port)
	prometheus-node-exporter --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$dir" \
		--web.listen-address=127.0.0.1:$exporter_port >"$dir/exporter.log" 2>&1 &
	others+=($!)
	until_ok node_exporter_has_it || fail "node_exporter: $(tail -3 "$dir/exporter.log")"
	quietly curl -fsS -o "$dir/node" "http://127.0.0.1:$exporter_port/metrics"
	grep -qx 'node_textfile_scrape_error 0' "$dir/node" || fail "$(grep textfile "$dir/node")"
	! grep level=error "$dir/exporter.log" || fail "node_exporter minds something"
	ok "node_exporter carries the textfile"
}

check_unix_socket() {
	start_agent "unix:$dir/socket"
	[ "$(stat -c %a "$dir/socket")" = 660 ] || fail "the mode of the unix socket"
	curl -fsS --unix-socket "$dir/socket" http://localhost/metrics | is_scrape ||
		fail "no scrape by the unix socket"
	stop_agent
	[ ! -e "$dir/socket" ] || fail "the socket is left"
	ok "a scrape by a unix socket, which is gone afterwards"
}

check_without_library() {
	local library said
	library=$(ls /usr/lib/*/libmicrohttpd.so.12 2>/dev/null | head -1)
	[ -n "$library" ] && unshare -m true 2>/dev/null ||
		{ left_out "cannot hide the library"; return; }
	write_settings "127.0.0.1:$port"
	said=$(unshare -m sh -c 'mount --bind /dev/null "$1" && exec "$2" -c "$3"' sh \
		"$library" "$agent" "$dir/rand-guard.cfg" 2>&1) && fail "it runs without it"
	[[ $said == *"install libmicrohttpd12 or turn metrics.listen off"* ]] || fail "$said"
	ok "without the library it says what to do"
}

check_files
port=$(free_port)
start_agent "127.0.0.1:$port"
check_scrape
check_prometheus
check_textfile
stop_agent
check_unix_socket
check_without_library
