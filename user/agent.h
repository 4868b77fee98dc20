/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running agent: ring -> rules -> lines -> sink, in one loop, until a signal ends it. */
#ifndef RG_AGENT_H
#define RG_AGENT_H

#include "reload.h"

/*
 * Sets up what the settings say and runs until SIGTERM or SIGINT; SIGHUP reads the file again. Takes *config. 0
 * when it was asked to end; -errno when it could not run or go on, which has been logged.
 */
int agent_run(const struct settings_file *file, struct config **config);

#endif
