/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What settings ask for and this host lacks: for a look before the agent is started. */
#ifndef RG_HOST_H
#define RG_HOST_H

#include "config.h"

/* A warning for each; needs no privilege, and so can't tell what it may not look at. */
void host_check(const struct config *config);

#endif
