#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian package: lintian has no error, it depends on libraries only, and in a minimal Debian root it installs,
# records when started by hand, records under a real systemd with the unit's confinement (in a container, where
# there is systemd-nspawn), reloads, sends by UDP with the drop-in for that, and purges without a trace.
# The root is kept as build/e2e/root-*.tar: made once, by debootstrap from this machine's own mirror (or VM_MIRROR).
# $1: the agent. Needs root. Exit status: 0 ok, 1 not, 77 skipped with the reason on stdout.
set -u
. "$(dirname "$0")/lib.bash"
build=$(dirname "$agent")/e2e pin=rand-guard-package-$$

[ "$(id -u)" = 0 ] || skip "needs root"
for tool in dpkg-deb dpkg-shlibdeps unshare; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
# Mounts of its own: none outlives this, whatever ends it.
if [ -z "${RG_OWN_MOUNTS:-}" ]; then
	unshare -m true 2>/dev/null || skip "cannot make a mount namespace"
	RG_OWN_MOUNTS=1 exec unshare -m --propagation private bash "$0" "$agent"
fi

mkdir -p "$build"
dir=$(mktemp -d "$build/tmp.XXXXXX") nspawn_pid='' deb=''
root=$dir/root
cleanup() {
	kill $agent_pid $nspawn_pid 2>/dev/null
	wait $agent_pid $nspawn_pid 2>/dev/null
	umount -lR "$root/sys" "$root/proc" 2>/dev/null
	rmdir /sys/fs/bpf/$pin 2>/dev/null
	rm -rf --one-file-system "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# --- the package

build_package() {
	local version
	version=$("$agent" --version | cut -d' ' -f2)
	deb=$("$top/scripts/deb" "$agent" "$version" "$dir" 2>"$dir/said") || fail "scripts/deb: $(cat "$dir/said")"
	ok "$(basename "$deb"): $(($(stat -c %s "$deb") / 1024)) KiB, $(dpkg-deb -f "$deb" Installed-Size) KiB installed"
}

check_dependencies() {
	local depends
	depends=$(dpkg-deb -f "$deb" Depends)
	[[ $depends == *libbpf1* ]] || fail "it depends on $depends"
	! tr ',' '\n' <<<"$depends" | grep -vqE '^ *lib[a-z0-9.-]+( \(>= [^)]*\))?$' || fail "it depends on $depends"
	ok "it depends on $depends"
}

check_lintian() {
	command -v lintian >/dev/null || { left_out "lintian is not installed"; return; }
	quietly lintian --allow-root --fail-on error "$deb"
	ok "lintian: no error, $(grep -c '^W:' "$dir/said") warnings"
}

# --- the root

mirror() {
	[ -z "${VM_MIRROR:-}" ] || { echo "$VM_MIRROR"; return; }
	apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/*$'
}

# Debian of this machine's release, so that the libraries are those that the agent was linked with.
make_root() {
	local suite depends tar url
	suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || skip "this is no Debian"
	depends=$(dpkg-deb -f "$deb" Depends Recommends | sed 's/^[A-Za-z]*: //; s/([^)]*)//g' | tr -d ' ' | paste -sd,)
	tar=$build/root-$suite-$(cksum <<<"$depends" | cut -d' ' -f1).tar
	if [ ! -e "$tar" ]; then
		command -v debootstrap >/dev/null || skip "debootstrap is not installed"
		url=$(mirror) && [ -n "$url" ] || skip "no Debian mirror among this machine's apt sources"
		debootstrap --variant=minbase --include="systemd,systemd-sysv,dbus,logrotate,$depends" "$suite" \
			"$dir/new" "$url" >"$dir/said" 2>&1 || skip "debootstrap: $(tail -n 1 "$dir/said")"
		rm -rf "$dir"/new/var/cache/apt/* "$dir"/new/var/lib/apt/lists/* "$dir"/new/usr/share/{locale,man}
		tar -C "$dir/new" -cf "$dir/new.tar" . && mv "$dir/new.tar" "$tar"
		rm -rf "$dir/new"
	fi
	mkdir "$root"
	quietly tar -C "$root" -xf "$tar"
}

# All files but the books of dpkg, systemd and logrotate, logs and caches.
list_root() {
	(cd "$root" && find . -xdev \( -path './var/lib/dpkg/*' -o -path './var/cache/*' -o -path './var/log/*' \
		-o -path './var/lib/logrotate/*' -o -path ./var/lib/systemd/timers -o -path ./var/lib/systemd/linger \
		-o -path './var/tmp/*' -o -path './tmp/*' -o -path './dev/*' -o -path './run/*' -o -path ./proc -o -path ./sys \) -prune \
		-o -print | sort)
}

install_package() {
	cp "$deb" "$root/tmp/package.deb"
	quietly chroot "$root" dpkg -i /tmp/package.deb
	[ -L "$root/etc/systemd/system/multi-user.target.wants/rand-guard.service" ] || fail "it is not enabled"
	quietly chroot "$root" rand-guard check
	# Another agent may be on the usual one.
	sed -i "s|/sys/fs/bpf/rand-guard|/sys/fs/bpf/$pin|" "$root/etc/rand-guard/rand-guard.cfg"
	ok "it installs, is enabled, and its settings are right"
}

# --- by hand

check_by_hand() {
	local status
	mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" || fail "cannot mount"
	chroot "$root" /usr/sbin/rand-guard >"$dir/records" 2>"$dir/messages" &
	agent_pid=$!
	until_ok grep -q watching: "$dir/messages" || fail "it does not start: $(cat "$dir/messages")"
	grep -q '"event_type":"agent_start"' "$dir/records" || fail "no agent_start"
	cp "$root/bin/true" "$root/tmp/rg-e2e-true"
	chroot "$root" /tmp/rg-e2e-true
	until_ok grep -q '"event_type":"process_start".*"comm":"rg-e2e-true"' "$dir/records" || fail "no record"
	kill -TERM $agent_pid
	wait $agent_pid
	status=$?
	agent_pid=
	[ $status = 0 ] || fail "it ended with $status: $(cat "$dir/messages")"
	umount -lR "$root/sys" "$root/proc"
	rm "$root/tmp/rg-e2e-true"
	ok "started by hand it records a process, and ends"
}

# --- under systemd

# Alerts only, since the journal of a busy machine takes long to read.
edit_settings() {
	sed -i 's|mode = "monitor"|mode = "alert"|' "$root/etc/rand-guard/rand-guard.cfg"
	cat >"$root/etc/rand-guard/rules.d/99-e2e.cfg" <<-END
	rules = ( { id = "E2E-1"; name = "the test's own"; type = "PROC"; severity = "high"; action = "alert";
		    parent_names = []; process_names = [ "rg-e2e-true" ]; } );
	END
}

# Records by UDP: not as the unit is, with udp.conf to the receiver that it names, and to nobody else.
check_udp() {
	local port example=/usr/share/doc/rand-guard/examples/systemd/udp.conf
	port=$(free_port)
	cat <<-END
	sed -i 's|mode = "monitor"|mode = "alert"|; s|type = "file"|type = "udp"|; s|path = "/var/log/.*"|path = "127.0.0.1:$port"|' /etc/rand-guard/rand-guard.cfg
	systemd-socket-activate --datagram -l 127.0.0.1:$port sh -c 'cat <&3 >/e2e.udp' 2>/dev/null &
	received() { local i; for i in {1..100}; do grep -qs "\$1" /e2e.udp && return; /tmp/rg-e2e-true; sleep 0.1; done; return 1; }
	refused() { ! "\$@"; }
	drop_in=/etc/systemd/system/rand-guard.service.d/udp.conf
	check refused systemctl restart rand-guard
	check logged "cannot open '127.0.0.1:$port': Address family not supported"
	cp $example \$drop_in
	systemctl daemon-reload
	check systemctl restart rand-guard
	check logged 'cannot write: Operation not permitted'
	check [ ! -e /e2e.udp ]
	sed -i 's/^IPAddressAllow=.*/IPAddressAllow=localhost/' \$drop_in
	systemctl daemon-reload
	check systemctl restart rand-guard
	check received '^{"event_type":"alert",.*"rule_id":"E2E-1",.*}\$'
	check systemctl stop rand-guard
	END
}

# Runs in the container once it is up; what goes wrong is "not ok".
write_container_script() {
	cat >"$root/tmp/e2e" <<-END
	#!/bin/bash
	log() { journalctl -q --sync; journalctl -q -u rand-guard -o cat --no-pager; }
	check() { if "\$@" >/dev/null 2>&1; then echo "ok: \$*"; else echo "not ok: \$*"; fi; }
	logged() { local i; for i in {1..100}; do log | grep -q "\$1" && return; sleep 0.1; done; return 1; }
	status() { grep -qx "\$1" /proc/\$(systemctl show -P MainPID rand-guard)/status; }
	echo booted
	check systemctl start rand-guard
	check systemctl is-active rand-guard
	check logged '"event_type":"agent_start"'
	check status 'CapEff:.$capabilities'
	check status 'CapBnd:.000000c000000000'
	check status 'NoNewPrivs:.1'
	check status 'Seccomp:.2'
	cp /bin/true /tmp/rg-e2e-true && /tmp/rg-e2e-true
	check logged '"rule_id":"E2E-1".*"comm":"rg-e2e-true"'
	check head -n 1 /sys/fs/bpf/$pin/processes
	check systemctl reload rand-guard
	check logged 'reloaded: rules: [1-9]'
	sed -i 's|mode = "alert"|mode = "monitor"|; s|type = "stdout"|type = "file"|; s|path = "";|path = "/var/log/rand-guard/records.json";|' /etc/rand-guard/rand-guard.cfg
	check systemctl restart rand-guard
	check grep -q agent_start /var/log/rand-guard/records.json
	check logrotate -f /etc/logrotate.d/rand-guard
	reopened() { local i; for i in {1..100}; do [ -s /var/log/rand-guard/records.json ] && return; /bin/true; sleep 0.1; done; return 1; }
	check [ -s /var/log/rand-guard/records.json.1 ]
	check reopened
	check systemctl stop rand-guard
	check [ "\$(systemctl show -P Result -P NRestarts rand-guard | xargs)" = 'success 0' ]
	[ -z "\$(ls /sys/fs/bpf/$pin)" ] || echo "not ok: pins are left"
	log | grep '^rand-guard: error'
$(check_udp)
	echo done
	systemctl poweroff --force --force
	END
	chmod +x "$root/tmp/e2e"
	cat >"$root/etc/systemd/system/e2e.service" <<-END
	[Service]
	ExecStart=/e2e
	StandardOutput=file:/e2e.out
	StandardError=inherit
	[Install]
	WantedBy=multi-user.target
	END
	mv "$root/tmp/e2e" "$root/e2e"
	ln -s ../e2e.service "$root/etc/systemd/system/multi-user.target.wants/e2e.service"
	mkdir "$root/etc/systemd/system/rand-guard.service.d"
	cat >"$root/etc/systemd/system/rand-guard.service.d/pin.conf" <<-END
	[Service]
	ExecStartPre=
	ExecStartPre=-+/bin/mkdir -m 700 -p /sys/fs/bpf/$pin
	ReadWritePaths=
	ReadWritePaths=-/sys/fs/bpf/$pin
	END
}

remove_container_script() {
	rm -rf "$root"/e2e* "$root"/etc/systemd/system/{e2e.service,multi-user.target.wants/e2e.service} \
		"$root"/etc/systemd/system/rand-guard.service.d "$root"/var/log/{journal,rand-guard}/*
}

check_under_systemd() {
	command -v systemd-nspawn >/dev/null || { left_out "systemd-nspawn is not installed"; return; }
	edit_settings
	write_container_script
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes timeout -k 5 $deadline_seconds systemd-nspawn -q --register=no --keep-unit \
		-D "$root" --capability=all --system-call-filter='bpf perf_event_open' --bind=/sys/fs/bpf \
		--resolv-conf=off --timezone=off --console=pipe -b </dev/null >"$dir/console" 2>&1 &
	nspawn_pid=$!
	wait $nspawn_pid
	nspawn_pid=
	grep -qx booted "$root/e2e.out" 2>/dev/null ||
		{ left_out "systemd does not start in a container here: $(tail -n 1 "$dir/console")"; return; }
	! grep '^not ok\|^rand-guard: error' "$root/e2e.out" && grep -qx 'done' "$root/e2e.out" ||
		fail "under systemd: $(cat "$root/e2e.out")"
	ok "under systemd, confined, it starts, records, reloads, rotates, sends and stops ($(grep -c ^ok: "$root/e2e.out") checks)"
	remove_container_script
}

# --- the end

check_purge() {
	quietly chroot "$root" dpkg --purge rand-guard
	rm -f "$root/tmp/package.deb"
	list_root >"$dir/after"
	diff "$dir/before" "$dir/after" >"$dir/said" || fail "purge leaves or takes: $(cat "$dir/said")"
	[ ! -e "$root/var/log/rand-guard" ] || fail "/var/log/rand-guard is left"
	ok "purge leaves nothing"
}

build_package
check_dependencies
check_lintian
make_root
list_root >"$dir/before"
install_package
check_by_hand
check_under_systemd
check_purge
