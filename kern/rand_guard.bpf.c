/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All programs, compiled as one: the licence, the variables that userspace maps (settings; control and counters),
 * and the hooks. So what they share is there once, and no step joins them.
 */
#include "compat.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct rg_config rg_config = {};
struct rg_state rg_state = {};

#include "exec.bpf.c"
#include "exit.bpf.c"
#include "fork.bpf.c"
#include "inspect.bpf.c"
#include "prepare.bpf.c"
#include "snapshot.bpf.c"
