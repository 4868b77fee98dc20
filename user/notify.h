/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* systemd's notify protocol (sd_notify(3)); does nothing where nobody asked for it. */
#ifndef RG_NOTIFY_H
#define RG_NOTIFY_H

#include "util.h"

/* Opens $NOTIFY_SOCKET if it is set; before privileges are dropped. */
void notify_open(void);
/* "READY=1", "STOPPING=1", "WATCHDOG=1". */
void notify(const char *state);
void notify_reloading(void);
/* Half of what systemd's watchdog waits for this process; 0: it doesn't. */
uint64_t notify_watchdog_ms(void);

#endif
