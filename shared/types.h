/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fixed-width types that both sides use, and the version of everything that crosses. */
#ifndef RG_SHARED_TYPES_H
#define RG_SHARED_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

/* Raised by every change of a struct in shared/: records and pinned maps carry it. */
#define RG_ABI_VERSION 5

#define RG_STATIC_ASSERT(what) _Static_assert(what, #what)

#endif
