/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* quit [CODE]: prints its pid and ends. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	printf("quit %d\n", getpid());
	return argc > 1 ? atoi(argv[1]) : 0;
}
