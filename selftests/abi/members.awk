# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shared/*.h and "bpftool btf dump ... format raw" in, every struct's members out, as unit/abi.c wants
# them. A struct of the headers that the object lacks is an error.

BEGIN { FS = "'" }

/^struct rg_[a-z_]+ {/ {
	sub(/^struct /, "")
	sub(/ .*/, "")
	missing[$0] = 1
	next
}

/^\[[0-9]+\] / {
	split($0, words, /[][ ]+/)
	id = words[2]
	in_struct = words[3] == "STRUCT" && $2 ~ /^rg_/
	if (words[3] == "ARRAY" && /nr_elems=0$/)
		flexible[id] = 1
	if (in_struct) {
		of = $2
		delete missing[of]
		line[++n] = "STRUCT(" of ")"
	}
	next
}

in_struct && /^\t/ {
	match($0, /type_id=[0-9]+/)
	type[++n] = substr($0, RSTART + 8, RLENGTH - 8)
	line[n] = "(" of ", " $2 ")"
}

END {
	for (i = 1; i <= n; i++)
		print (i in type ? (type[i] in flexible ? "FLEXIBLE" : "MEMBER") : "") line[i]
	for (of in missing) {
		print "selftests/abi/abi.bpf.c: struct " of " is missing" > "/dev/stderr"
		failed = 1
	}
	exit failed
}
