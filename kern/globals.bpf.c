/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The licence, and the variables that userspace maps: settings, control, counters. */
#include "compat.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct rg_config rg_config = {};
struct rg_state rg_state = {};
