# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# For run, check and stress: subjects are started and stopped, and looked at from outside.
# In: BUILD. Sets: TOOLS, OUT (scratch directory), PROGRAM, LAST_CPU.

TOOLS=$BUILD/bench
OUT=$TOOLS/out
PROGRAM=$TOOLS/tiny
LAST_CPU=$(($(getconf _NPROCESSORS_ONLN) - 1))

subject_pid=

fail() { echo "bench: $*" >&2; exit 1; }

need_root() {
	if [[ $EUID -ne 0 ]]; then
		echo "bench: skipped: loading programs needs root"
		exit 0
	fi
}

# The value of one key in "key value" lines.
value() { awk -v key="$2" '$1 == key { print $2 }' <<<"$1"; }

# The number under a key of the last line of that type in the agent's output.
json_number() { # FILE EVENT_TYPE KEY
	grep -a "\"event_type\":\"$2\"" "$1" | tail -n 1 | grep -o "\"$3\":[0-9]*" | cut -d: -f2
}

# Polls until a command succeeds, 20 s at most.
wait_for() {
	local i
	for ((i = 0; i < 400; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

write_config() { # FILE [FORMAT-OF-GROUPS...]
	local file=$1
	shift
	{
		echo "ebpf = { pin_path = \"\"; };"
		echo "output = { type = \"file\"; path = \"$OUT/agent.json\"; };"
		echo "health = { interval_seconds = 0; };"
		printf '%s\n' "$@"
	} >"$file"
}

is_ready() { grep -aq -e "$1" "$OUT/$2"; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# Runs a command in the background until its stdout or stderr says that it works.
start_subject() { # PATTERN COMMAND...
	local pattern=$1
	shift
	: >"$OUT/stdout"
	: >"$OUT/stderr"
	"$@" >"$OUT/stdout" 2>"$OUT/stderr" &
	subject_pid=$!
	if [[ $pattern ]]; then
		wait_for grep -aqs -e "$pattern" "$OUT/stdout" "$OUT/stderr" ||
			fail "'$*' did not start: $(tail -n 3 "$OUT/stderr")"
	else
		sleep 1
	fi
}

start_agent() {
	rm -f "$OUT/agent.json"
	start_subject "rand-guard: watching" "$BUILD/rand-guard" -c "${1:-$OUT/bench.cfg}"
}

stop_subject() {
	[[ $subject_pid ]] || return 0
	kill "${1:--TERM}" "$subject_pid" 2>/dev/null
	wait "$subject_pid" 2>/dev/null
	subject_pid=
}

# CPU time of the subject's threads so far, ns.
subject_cpu_ns() { cat /proc/"$subject_pid"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }

subject_memory_kb() { # KEY of status or smaps_rollup
	awk -v key="$1:" '$1 == key { print $2; exit }' \
		/proc/"$subject_pid"/status /proc/"$subject_pid"/smaps_rollup
}

subject_map_bytes() {
	"$TOOLS/bpf_account" maps "$subject_pid" | awk '{ sum += $2 } END { printf "%.0f\n", sum }'
}

# --- tests ----------------------------------------------------------------------------------------------

nr_passed=0
nr_failed=0

# is WHAT FOUND TEST-OPERATOR EXPECTED
is() {
	if [[ $2 && $4 ]] && [ "$2" "$3" "$4" ]; then
		echo "bench: ok: $1: $2"
		((++nr_passed))
	else
		echo "bench: FAILED: $1: ${2:-nothing}, expected $3 ${4:-nothing}"
		((++nr_failed))
	fi
}

sum_up() {
	echo "$nr_passed passed, $nr_failed failed"
	((!nr_failed)) || exit 1
}

health() { json_number "$OUT/agent.json" health "$1"; }

# Rows that came and rows that went, of the last health line. While it is made, others come and go.
check_books() {
	local inserted gone
	inserted=$(health process_records_inserted)
	gone=$(($(health process_records_deleted) + $(health process_records_reclaimed) + \
		$(health process_records_evicted) + $(health process_table_size)))
	is "rows inserted, less deleted, reclaimed, evicted and present, of $inserted" \
		"$((inserted > gone ? inserted - gone : gone - inserted))" -le 64
	is "rows evicted while ended ones were there" "$(health process_records_evicted)" -eq 0
	is "inserts that failed" "$(health process_records_insert_failed)" -eq 0
	is "ended rows that were not queued" "$(health process_records_unqueued)" -eq 0
	is "exec sources that still wait" "$(health pending_exec_source_size)" -le 8
}

# Resident memory and maps before and after that many processes.
check_flat() { # SPAWNS
	local rss_before maps_before
	start_agent
	"$TOOLS/spawn" count 20000 "$PROGRAM" >/dev/null # the ring has been gone round once
	sleep 0.3
	rss_before=$(subject_memory_kb VmRSS)
	maps_before=$(subject_map_bytes)
	"$TOOLS/spawn" count "$1" "$PROGRAM" >/dev/null
	sleep 0.3
	is "resident memory's growth by $1 processes, kB" "$(($(subject_memory_kb VmRSS) - rss_before))" -le 64
	is "maps' growth by $1 processes, bytes" "$(($(subject_map_bytes) - maps_before))" -eq 0
	stop_subject
	check_books
	rm -f "$OUT/agent.json"
}
