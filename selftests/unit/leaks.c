/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* With SANITIZE=1: Criterion itself leaks 48 bytes at its end. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion\n";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
