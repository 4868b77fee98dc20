/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel side will take of the host's memory, before anything is loaded: README's formula. */
#ifndef RG_FOOTPRINT_H
#define RG_FOOTPRINT_H

#include "config.h"

struct footprint {
	uint32_t nr_cpus; /* possible ones */
	uint32_t table_rows; /* allocated: what was asked for and the LRU's reserves */
	/* Kernel memory, bytes. */
	uint64_t table_bytes; /* proc_table and the queue of the exited */
	uint64_t thread_table_bytes;
	uint64_t ring_bytes;
	uint64_t per_cpu_bytes; /* scratch, all CPUs together */
	uint64_t total_bytes; /* with the small maps */
};

/* Reads the kernel's BTF to know its traits; where there is none, as the older ones. 0 or -errno. */
int footprint_predict(const struct config *config, struct footprint *ret);
/* As comments of a settings file. */
void footprint_print(const struct footprint *footprint, FILE *to);

#endif
