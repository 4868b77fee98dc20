/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads, attaches and fills the kernel side, in a process of its own that ends with it: libbpf reads the
 * kernel's whole BTF for that, twice for a moment, 11 MiB that the agent then never has.
 */
#ifndef RG_LOADER_H
#define RG_LOADER_H

#include "config.h"
#include "kernel.h"

/* What the settings ask of the programs; hook is RG_HOOK_NONE for "auto". */
void loader_want(const struct config *config, struct rg_config *ret);

/* -EPERM, logged with what is missing: this process may not load programs. */
int loader_check_rights(void);

/*
 * All up to the first record, which waits for rg_control.wanted. Logs why not; 0 or -errno. *ret is
 * the caller's, kernel_close() takes everything out of the kernel that isn't pinned.
 */
int loader_run(const struct rg_config *want, struct kernel *ret);

/* Rows that the table's map is allocated with, so that max_rows of them can be used. */
uint32_t loader_table_entries(uint32_t max_rows, uint32_t nr_cpus, bool lru_adapts);

#endif
