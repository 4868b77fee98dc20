/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RG_UTF8_H
#define RG_UTF8_H

#include "util.h"

/*
 * Bytes of the well-formed UTF-8 sequence at p, which is not ASCII; 0: there is none. The table is
 * Unicode's 3-7: the second byte's range keeps out overlong forms, surrogates and what is above
 * U+10FFFF.
 */
static inline size_t utf8_len(const unsigned char *p, size_t len)
{
	size_t i, n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	unsigned char min = 0x80, max = 0xbf;

	if (p[0] < 0xc2 || p[0] > 0xf4 || len < n)
		return 0;
	if (p[0] == 0xe0)
		min = 0xa0;
	else if (p[0] == 0xed)
		max = 0x9f;
	else if (p[0] == 0xf0)
		min = 0x90;
	else if (p[0] == 0xf4)
		max = 0x8f;
	if (p[1] < min || p[1] > max)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

#endif
