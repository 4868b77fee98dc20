/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * notified PATH: a service manager's ear. Binds PATH, prints "bound", then each datagram as one line
 * "MILLISECONDS TEXT": CLOCK_MONOTONIC, and its newlines as blanks. Runs until it is killed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096], *newline;
	ssize_t n;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: notified PATH\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(argv[1]);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("bound");
	while ((n = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[n] = '\0';
		while ((newline = strchr(text, '\n')))
			*newline = ' ';
		printf("%lld %s\n", now_ms(), text);
	}
	perror("recv");
	return 1;
}
