#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The unit, and the agent as the unit runs it: what systemd-analyze says, the score that its comment tells, the
# messages to the service manager, and the confinement as far as it goes without a systemd: capabilities,
# no_new_privs, a read-only root, MemoryMax.
# $1: the agent. Needs root. Exit status: 0 ok, 1 not, 77 skipped with the reason on stdout.
set -u
. "$(dirname "$0")/lib.bash"
unit=$top/etc/systemd/rand-guard.service notified=$(dirname "$agent")/selftests/helpers/notified
readonly watchdog_ms=400

[ "$(id -u)" = 0 ] || skip "needs root"
[ -x "$notified" ] || skip "$notified is not built"
command -v setpriv >/dev/null && unshare -m true 2>/dev/null || skip "cannot make a mount namespace"

dir=$(mktemp -d) notified_pid='' cgroup=''
cleanup() {
	kill $agent_pid $notified_pid 2>/dev/null
	wait $agent_pid $notified_pid 2>/dev/null
	[ -z "$cgroup" ] || rmdir "$cgroup"
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

setting() { sed -n "s/^$1=//p" "$unit"; }

# --- what systemd says

check_unit() {
	local said score told
	command -v systemd-analyze >/dev/null && [ -e /usr/lib/systemd/system/sysinit.target ] ||
		{ left_out "no systemd-analyze with its units here"; return; }
	sed "s|^ExecStart=.*|ExecStart=$agent|; /^Documentation=/d" "$unit" >"$dir/rand-guard.service"
	said=$(systemd-analyze verify "$dir/rand-guard.service" 2>&1) || fail "systemd-analyze verify: $said"
	[ -z "$said" ] || fail "systemd-analyze verify: $said"
	ok "systemd-analyze verify finds nothing"
	score=$(systemd-analyze security --offline=true --no-pager "$dir/rand-guard.service" |
		sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
	told=$(sed -n 's/^# "systemd-analyze security" gives \([0-9.]*[0-9]\).*/\1/p' "$unit")
	[ -n "$score" ] || { left_out "systemd-analyze security has no --offline"; return; }
	[ "$score" = "$told" ] || fail "systemd-analyze security gives $score, the unit's comment tells $told"
	ok "systemd-analyze security gives $score"
}

# --- the agent as the unit runs it

# A group with MemoryMax, which the shell that calls this is put into; "" where that can't be.
enter_cgroup() {
	local bytes
	bytes=$(numfmt --from=iec "$(setting MemoryMax)")
	if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
		cgroup=/sys/fs/cgroup/memory/rand-guard-$$
		mkdir "$cgroup" && echo "$bytes" >"$cgroup/memory.limit_in_bytes"
	elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
		cgroup=/sys/fs/cgroup/rand-guard-$$
		mkdir "$cgroup" && echo "$bytes" >"$cgroup/memory.max"
	else
		false
	fi || { cgroup=; left_out "no memory controller here"; }
}

peak_bytes() { cat "$cgroup/memory.max_usage_in_bytes" "$cgroup/memory.peak" 2>/dev/null; }

# The rules where the agent can read them without privileges, whoever's this tree is.
write_settings() {
	cp -r "$top/etc/rules.d" "$dir/rules.d"
	cat >"$dir/rand-guard.cfg" <<-END
	ebpf = { pin_path = "/sys/fs/bpf/rand-guard-$$"; };
	health = { interval_seconds = 0; };
	rules_dir = "rules.d";
	END
}

# Its arguments, in the confinement of the unit; /sys/fs/bpf stays writable as a mount of its own.
confined() {
	[ -z "$cgroup" ] || echo $BASHPID >"$cgroup/cgroup.procs"
	exec unshare -m sh -c '
		mount --make-rprivate / && mount -o remount,bind,ro / && mount -o remount,bind,ro /sys &&
			exec setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,$0" "$@"' \
		"$(setting CapabilityBoundingSet | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')" "$@"
}

start() {
	local line
	exec 3< <(exec "$notified" "$dir/socket")
	notified_pid=$!
	read -r -t $deadline_seconds -u 3 line && [ "$line" = bound ] || fail "no socket"
	(
		export NOTIFY_SOCKET=$dir/socket WATCHDOG_USEC=$((watchdog_ms * 1000))
		confined "$agent" -c "$dir/rand-guard.cfg" >"$dir/records" 2>"$dir/messages"
	) &
	agent_pid=$!
}

# The next message that is no WATCHDOG=1.
next_message() {
	message=
	while read -r -t $deadline_seconds -u 3 at message; do
		[ "$message" = WATCHDOG=1 ] || return 0
	done
	return 1
}

# WANTED WHEN
expect() {
	next_message || fail "no $1 $2: $(cat "$dir/messages")"
	[[ $message == $1 ]] || fail "$message instead of $1 $2"
	ok "$message $2"
}

check_ready() {
	expect 'READY=1' "at the start"
	grep -q '"event_type":"agent_start"' "$dir/records" || fail "READY=1 before agent_start"
	grep -q 'watching:' "$dir/messages" || fail "READY=1 before it watches"
	[ -e /sys/fs/bpf/rand-guard-$$/proc_table ] || fail "nothing is pinned"
}

check_confinement() {
	local status
	status=$(cat /proc/$agent_pid/status)
	grep -qx 'NoNewPrivs:.1' <<<"$status" || fail "no_new_privs"
	grep -qx "CapEff:.$capabilities" <<<"$status" || fail "$(grep Cap <<<"$status")"
	ok "no capability is left, none can be gained"
}

# The longest time between two of some: twice as often as asked for, and never later than asked for.
check_watchdog() {
	local last=0 i
	for ((i = 0; i < 5; i++)); do
		read -r -t $deadline_seconds -u 3 at message && [ "$message" = WATCHDOG=1 ] ||
			fail "no WATCHDOG=1, but '$message'"
		[ $last = 0 ] || [ $((at - last)) -le $watchdog_ms ] || fail "$((at - last)) ms without WATCHDOG=1"
		last=$at
	done
	ok "WATCHDOG=1 in time"
}

check_reload() {
	kill -HUP $agent_pid
	expect 'RELOADING=1 MONOTONIC_USEC=*' "at SIGHUP"
	expect 'READY=1' "after it"
	grep -q 'reloaded: rules:' "$dir/messages" || fail "$(cat "$dir/messages")"
	echo 'nonsense' >"$dir/rand-guard.cfg"
	kill -HUP $agent_pid
	expect 'RELOADING=1 MONOTONIC_USEC=*' "at a SIGHUP with mistakes in the settings"
	expect 'READY=1' "after it"
	grep -q 'the old ones stay' "$dir/messages" || fail "$(cat "$dir/messages")"
}

check_stop() {
	local status
	kill -TERM $agent_pid
	expect 'STOPPING=1' "at SIGTERM"
	wait $agent_pid
	status=$?
	agent_pid=
	[ $status = 0 ] || fail "it ended with $status: $(cat "$dir/messages")"
	[ ! -e /sys/fs/bpf/rand-guard-$$ ] || fail "a pin is left"
}

check_memory() {
	local peak max
	[ -n "$cgroup" ] || return 0
	max=$(setting MemoryMax)
	peak=$(peak_bytes)
	[ -n "$peak" ] || { left_out "this kernel keeps no peak"; return; }
	# Above that there is only what the kernel gives back, e.g. the pages of the file.
	ok "it lives in MemoryMax=$max; its peak is $((peak / 1024)) KiB"
}

check_unit
write_settings
enter_cgroup
start
check_ready
check_confinement
check_watchdog
check_reload
check_stop
check_memory
