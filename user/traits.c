/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks for the types, members and functions that came with what is asked for. The kernel's BTF is large, and freed
 * before libbpf reads its own copy.
 */
#include <errno.h>

#include <bpf/btf.h>

#include "traits.h"

static bool has_typedef(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

/* Arguments of a BTF-typed tracepoint, its context pointer included; 0 if there is none. */
static unsigned int tracepoint_nr_args(const struct btf *btf, const char *typedef_name)
{
	int id = btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF);
	const struct btf_type *t;

	if (id <= 0)
		return 0;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type); /* the pointer */
	t = btf__type_by_id(btf, t->type);
	return btf_is_func_proto(t) ? btf_vlen(t) : 0;
}

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static bool struct_has_member(const struct btf *btf, const char *struct_name, const char *member)
{
	int id = btf__find_by_name_kind(btf, struct_name, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	unsigned int i;

	for (i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	return false;
}

int traits_read(struct traits *ret)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return -EOPNOTSUPP;
	*ret = (struct traits){
		.has_prepare = has_typedef(btf, "btf_trace_sched_prepare_exec"),
		.has_rename = has_typedef(btf, "btf_trace_task_rename"),
		/* The context pointer, the task, and group_dead. */
		.exit_has_group_dead = tracepoint_nr_args(btf, "btf_trace_sched_process_exit") >= 3,
		.sums_elements = has_function(btf, "bpf_map_sum_elem_count"),
		.lru_adapts = struct_has_member(btf, "bpf_lru", "target_free"),
		/* What tracepoints hold instead of preemption, from then on. */
		.skips = has_typedef(btf, "class_srcu_fast_notrace_t"),
	};
	btf__free(btf);
	return 0;
}
