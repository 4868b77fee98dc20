/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running agent: ring -> rules -> lines -> sink, in one loop, until a signal ends it. */
#ifndef RG_AGENT_H
#define RG_AGENT_H

#include "config.h"

/*
 * Sets up what the settings say and runs until SIGTERM or SIGINT. config_path is read again on
 * SIGHUP (NULL: built-in defaults). Takes *config. 0 when it was asked to end; -errno when it could not run or
 * go on, which has been logged.
 */
int agent_run(const char *config_path, struct config **config);

#endif
