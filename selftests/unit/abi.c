/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What crosses between kernel and user space has one layout, whoever compiles it: each struct of
 * shared/ and each member as this compiler sees it, against the BTF of the programs' compiler.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include "util.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "../../shared/stats.h"
#pragma GCC diagnostic pop
#include "rand_guard.skel.h"
#include "selftests/abi.skel.h"

struct part {
	const char *of, *name; /* name NULL: the struct itself */
	size_t offset, size;
};

#define STRUCT(s) {#s, NULL, 0, sizeof(struct s)},
#define MEMBER(s, m) {#s, #m, offsetof(struct s, m), sizeof(((struct s *)0)->m)},
#define FLEXIBLE(s, m) {#s, #m, offsetof(struct s, m), 0},
static const struct part parts[] = {
#include "selftests/abi_members.h"
};

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *type,
					    const char *name)
{
	const struct btf_member *m = btf_members(type);
	int i;

	for (i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

static void check_member(const struct btf *btf, const struct btf_type *type, const struct part *part)
{
	const struct btf_member *m = find_member(btf, type, part->name);

	cr_assert_not_null(m, "%s.%s is missing", part->of, part->name);
	cr_expect_eq(m->offset, part->offset * 8, "%s.%s is at bit %u there, byte %zu here", part->of,
		     part->name, m->offset, part->offset);
	cr_expect_eq(btf__resolve_size(btf, m->type), (int64_t)part->size,
		     "%s.%s: %lld bytes there, %zu here", part->of, part->name,
		     (long long)btf__resolve_size(btf, m->type), part->size);
}

/* The structs compared. */
static size_t check_object(const void *elf, size_t size)
{
	struct bpf_object *obj = bpf_object__open_mem(elf, size, NULL);
	const struct btf *btf = bpf_object__btf(obj);
	size_t i, n = 0;
	int id = -1;

	cr_assert_not_null(btf);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct part *part = &parts[i];

		if (!part->name)
			id = btf__find_by_name_kind(btf, part->of, BTF_KIND_STRUCT);
		if (id < 0)
			continue;
		if (part->name) {
			check_member(btf, btf__type_by_id(btf, (uint32_t)id), part);
			continue;
		}
		n++;
		cr_expect_eq(btf__type_by_id(btf, (uint32_t)id)->size, part->size,
			     "struct %s: %u bytes there, %zu here", part->of,
			     btf__type_by_id(btf, (uint32_t)id)->size, part->size);
	}
	bpf_object__close(obj);
	return n;
}

static size_t nr_structs(void)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		n += !parts[i].name;
	return n;
}

Test(abi, every_struct_of_shared)
{
	const void *elf;
	size_t size;

	elf = abi_bpf__elf_bytes(&size);
	cr_assert_gt(nr_structs(), 0);
	cr_assert_eq(check_object(elf, size), nr_structs());
}

/*
 * The object that is loaded has the types of its maps and globals: key, row, thread, exec source,
 * exited, config, names of variables, state with stats, control, census and leaves.
 */
Test(abi, the_programs_own)
{
	const void *elf;
	size_t size;

	elf = rand_guard__elf_bytes(&size);
	cr_assert_geq(check_object(elf, size), 12);
}
