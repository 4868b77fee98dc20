# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the end-to-end tests share; sourced with the agent as $1. Exit status of a test: 0 ok, 1 not, 77 skipped.
# shellcheck shell=bash disable=SC2034

agent=$(realpath "$1") top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
deadline_seconds=60 agent_pid=''

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "not ok: $*"; exit 1; }
ok() { echo "ok: $*"; }
left_out() { echo "left out: $*"; }

# Until a command succeeds: what has no event of its own, such as a file or a port, is polled.
until_ok() {
	local end=$((SECONDS + deadline_seconds))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# What a command says is told only if it fails.
quietly() { "$@" >"$dir/said" 2>&1 || fail "$*: $(tail -n 20 "$dir/said")"; }

free_port() {
	local port=$((20000 + RANDOM % 12000))
	while (: <>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do port=$((port + 1)); done
	echo $port
}

# Daemons that scripts/unpack put below build/daemons go before installed ones.
daemons=$top/build/daemons
daemon_libraries=$daemons/usr/lib/$(gcc -print-multiarch 2>/dev/null)
use_daemons() {
	[ -e "$daemons/unpacked" ] || return 0
	PATH=$daemons/usr/sbin:$daemons/usr/bin:$PATH
}
# Runs one of them with the libraries that came along.
with_daemons() { LD_LIBRARY_PATH=$daemon_libraries exec "$@"; }

# PORT PATH DIR: see collector. Its number is $!; what it serves ends with the client.
start_collector() {
	systemd-socket-activate --accept --inetd -l 127.0.0.1:$1 "$top/selftests/e2e/collector" "$2" "$3" \
		>"$3/log" 2>&1 &
}

# Ends it, and fails unless it says that all went well.
stop_agent() {
	local status
	kill -TERM $agent_pid
	wait $agent_pid
	status=$?
	agent_pid=
	[ $status = 0 ] || fail "the agent ended with $status"
}

# What a running agent has, as a pattern: none, but CAP_BPF where Linux before 5.19 asks it for each bpf() call.
capabilities='0*'
[ "$(printf '%s\n' 5.19 "$(uname -r)" | sort -V | head -n 1)" = 5.19 ] || capabilities='000000[08]000000000'
