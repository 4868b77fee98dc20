#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# "make install" and "make uninstall" below a DESTDIR: all is there, edited settings stay and are told, unedited
# ones follow, the installed program takes the installed settings, and nothing else is left at the end.
# $1: the agent. Exit status: 0 ok, 1 not.
set -u
. "$(dirname "$0")/lib.bash"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

# PREFIX: what follows is below a DESTDIR of its own.
use_prefix() {
	prefix=$1 root=$dir$1/root
	settings=$root/etc/rand-guard/rand-guard.cfg rules=$root/etc/rand-guard/rules.d/10-process.cfg
}

run() {
	DESTDIR=$root PREFIX=$prefix "$top/scripts/install" "$1" "$agent" 2>"$dir/said" ||
		fail "$1: $(cat "$dir/said")"
}
silent() { [ ! -s "$dir/said" ] || fail "it says: $(cat "$dir/said")"; }
says() { grep -qF "$1" "$dir/said" || fail "it does not say '$1', but: $(cat "$dir/said")"; }
files() { (cd "$root" && find . -type f | sort); }

check_installed() {
	local file
	for file in sbin/rand-guard share/man/man8/rand-guard.8 share/man/man5/rand-guard.cfg.5 \
		share/man/man7/rand-guard-records.7 share/bash-completion/completions/rand-guard \
		lib/systemd/system/rand-guard.service share/doc/rand-guard/README \
		share/doc/rand-guard/examples/systemd/udp.conf \
		share/doc/rand-guard/examples/prometheus/rand-guard.rules.yml \
		share/doc/rand-guard/examples/grafana/rand-guard.json; do
		[ -f "$root$prefix/$file" ] || fail "$prefix/$file is missing"
	done
	[ "$(stat -c %a "$root/var/log/rand-guard")" = 750 ] || fail "there is no /var/log/rand-guard of mode 750"
	for file in rand-guard/rand-guard.cfg rand-guard/rules.d/10-process.cfg logrotate.d/rand-guard; do
		cmp -s "$root/etc/$file" "$root$prefix/share/rand-guard/etc/$file" || fail "/etc/$file is missing"
	done
	grep -qx "ExecStart=$prefix/sbin/rand-guard" "$root$prefix/lib/systemd/system/rand-guard.service" ||
		fail "the unit starts something else"
	"$root$prefix/sbin/rand-guard" check -c "$settings" >"$dir/out" 2>&1 || fail "check: $(cat "$dir/out")"
	grep -q 'PROC-001' "$dir/out" || fail "the rules are not taken"
	ok "PREFIX=$prefix: $(files | wc -l) files, and the program takes the settings"
}

check_edited() {
	echo '# edited' >>"$settings"
	cp "$settings" "$dir/edited"
	run install
	cmp -s "$settings" "$dir/edited" || fail "an edited file was overwritten"
	says "kept $settings, which has been edited"
	[ "$(wc -l <"$dir/said")" = 1 ] || fail "it says: $(cat "$dir/said")"
	ok "a second install keeps what was edited, and says so"
}

# Of an earlier version, never edited: as that one left it.
check_unedited() {
	echo '# old' | tee "$rules" >"$root$prefix/share/rand-guard/etc/rand-guard/rules.d/10-process.cfg"
	run install
	cmp -s "$rules" "$top/etc/rules.d/10-process.cfg" || fail "an unedited file stays old"
	ok "what nobody edited is replaced by a newer one"
}

check_uninstall() {
	run uninstall
	says "kept $settings, which has been edited"
	[ "$(files)" = ./etc/rand-guard/rand-guard.cfg ] || fail "left: $(files)"
	rm "$settings"
	run install
	silent
	touch "$root/var/log/rand-guard/records.json"
	run uninstall
	[ "$(files)" = ./var/log/rand-guard/records.json ] || fail "left: $(files)"
	rm "$root/var/log/rand-guard/records.json"
	run install
	run uninstall
	silent
	[ -z "$(files)" ] || fail "left: $(files)"
	[ -z "$(find "$root" -name '*rand-guard*')" ] || fail "left: $(find "$root" -name '*rand-guard*')"
	ok "uninstall leaves what was edited and records, else nothing"
}

for each in /usr /opt/x /usr/local; do
	use_prefix $each
	run install
	silent
	check_installed
done
check_edited
check_unedited
check_uninstall
