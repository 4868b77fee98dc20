/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A dentry and its mount -> the absolute path in its mount namespace.
 *
 * bpf_d_path() isn't allowed in these programs, so the walk is our own: from the file up to the root,
 * each name written in front of the one before. It takes no lock: a rename meanwhile can give a
 * path that has never been, as in /proc.
 */
#ifndef RG_PATH_BPF_H
#define RG_PATH_BPF_H

#include "scratch.bpf.h"

/* A path of 255 bytes has at most 128 names; the rest is for crossing mounts. */
#define PATH_MAX_STEPS 160
/* Names that are walked over without a call; few files lie deeper, and each costs the verifier a step. */
#define PATH_OWN_STEPS 24

/* From a walk: where the path starts in scratch.path, and these. */
#define PATH_OFFSET_MASK 0x1ff
#define PATH_TRUNCATED 0x200
#define PATH_UNREADABLE 0x400

static __always_inline void *path__mount_of(void *vfsmount)
{
	return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* Puts a name in front of what is at pos, without its slash. Where the path starts now, or a flag. */
static __always_inline __u32 path__put_name(struct scratch *s, __u32 pos, const void *name, __u32 len)
{
	__u32 cut;

	len &= 0xff; /* NAME_MAX is 255 */
	pos &= 0xff;
	if (len >= pos) { /* "/name" needs len + 1 */
		cut = len - pos;
		if (pos && bpf_probe_read_kernel(s->path, pos, name + cut))
			return PATH_UNREADABLE;
		return PATH_TRUNCATED;
	}
	pos = (pos - len) & 0xff;
	if (bpf_probe_read_kernel(&s->path[pos], len, name))
		return PATH_UNREADABLE;
	pos = (pos - 1) & 0xff;
	s->path[pos] = '/';
	return pos;
}

/*
 * The same of a short name, in its dentry: read by words, which takes no call. len < RG_INLINE_NAME_LEN, len < pos.
 * All its words, and what they write over is put back: the verifier follows each branch in each step of a walk.
 */
static __always_inline __u32 path__put_short_name(struct scratch *s, __u32 pos, const __u64 *name, __u32 len)
{
	__u32 end = pos & 0xff, start = (end - len) & 0xff, i;
	__u64 behind[RG_INLINE_NAME_LEN / sizeof(__u64)];

	for (i = 0; i < RG_INLINE_NAME_LEN / sizeof(__u64); i++)
		behind[i] = *(__u64 *)&s->path[end + i * sizeof(__u64)];
	for (i = 0; i < RG_INLINE_NAME_LEN / sizeof(__u64); i++)
		*(__u64 *)&s->path[start + i * sizeof(__u64)] = name[i];
	for (i = 0; i < RG_INLINE_NAME_LEN / sizeof(__u64); i++)
		*(__u64 *)&s->path[end + i * sizeof(__u64)] = behind[i];
	start = (start - 1) & 0xff;
	s->path[start] = '/';
	return start;
}

static __always_inline __u32 path__root(struct scratch *s, __u32 pos)
{
	if (pos != SCRATCH_PATH_END)
		return pos;
	pos--;
	s->path[pos & 0xff] = '/';
	return pos;
}

static __always_inline bool path__cross_mount(struct scratch_walk *w)
{
	struct mount *mnt = w->mnt, *mnt_parent = BPF_CORE_READ(mnt, mnt_parent);

	if (mnt_parent == mnt || !mnt_parent)
		return false;
	w->dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
	w->mnt = mnt_parent;
	w->mnt_root = BPF_CORE_READ(mnt_parent, mnt.mnt_root);
	return true;
}

/* A name, or a mount: whether the walk is done. */
static __always_inline bool path__step(struct scratch *s, struct scratch_walk *w)
{
	struct dentry *dentry = w->dentry, *parent;
	struct qstr name;

	if (dentry == w->mnt_root) {
		if (path__cross_mount(w))
			return false;
		w->pos = path__root(s, w->pos);
		return true;
	}
	if (bpf_core_read(&parent, sizeof(parent), &dentry->d_parent) ||
	    bpf_core_read(&name, sizeof(name), &dentry->d_name)) {
		w->pos = PATH_UNREADABLE;
		return true;
	}
	w->pos = path__put_name(s, w->pos, name.name, name.len);
	if (w->pos & ~0xff)
		return true;
	w->dentry = parent;
	return parent == dentry;
}

static long path__step_of_loop(__u32 i, struct scratch **s)
{
	return i == PATH_MAX_STEPS || path__step(*s, &(*s)->walk);
}

/*
 * In a loop of our own each step is verified anew, and more often where its state isn't in registers: hence the copy,
 * and a function of its own.
 */
static __noinline long path__steps_before_5_17(struct scratch *s)
{
	struct scratch_walk w = s->walk;
	int i;

	for (i = 0; i < PATH_MAX_STEPS; i++) {
		if (path__step(s, &w))
			break;
	}
	s->walk.pos = w.pos;
	return i;
}

/* Steps that were made before the last one. bpf_loop() came in 5.17, and has a step verified once. */
static __always_inline long path__steps(struct scratch *s)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		return bpf_loop(PATH_MAX_STEPS + 1, path__step_of_loop, &s, 0) - 1;
	return path__steps_before_5_17(s);
}

/*
 * From a dentry (0: its mount's root) and its mount on, with what is behind it at pos (SCRATCH_PATH_END:
 * nothing), where the path ends in the slot's buffer. Each hop costs a helper call. Global, so it is verified once.
 */
__weak __noinline int path__walk_on(__u32 slot, __u32 pos, __u64 dentry_addr, __u64 vfsmount_addr)
{
	struct mount *mnt = path__mount_of((void *)vfsmount_addr);
	struct scratch *s = scratch__get(slot);

	if (!s || !vfsmount_addr)
		return PATH_UNREADABLE;
	s->walk.mnt = mnt;
	s->walk.mnt_root = dentry_addr ? BPF_CORE_READ(mnt, mnt.mnt_root) : NULL;
	s->walk.dentry = (void *)dentry_addr;
	s->walk.pos = pos;
	if (path__steps(s) == PATH_MAX_STEPS)
		s->walk.pos |= PATH_TRUNCATED;
	return s->walk.pos;
}

/* A typed pointer as a number, which it is when it was in memory once: in the room of the record to come. */
static __always_inline __u64 path__address(struct scratch *s, struct dentry *dentry)
{
	volatile __u64 *room = (volatile __u64 *)s->record;

	*room = (__u64)dentry;
	return *room;
}

/*
 * From the root of the current task's file's mount on: above the host's topmost mount there is one more, the first
 * root file system, so the walk is four calls to find no name. What it found holds until a mount is attached or
 * moved in the namespace, or unmounted, which it counts (0: not yet).
 */
static __always_inline __u32 path__walk_up(__u32 slot, struct scratch *s, __u32 pos, __u64 vfsmount_addr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mnt_namespace *ns = task->nsproxy->mnt_ns;
	struct mount *mnt = path__mount_of((void *)vfsmount_addr);
	__u64 event = bpf_core_field_exists(ns->event) ? ns->event : 0;
	__u32 top, at;

	if (event && s->top.event == event && s->top.vfsmount == vfsmount_addr && s->top.mnt_ns == (__u64)ns)
		return path__root(s, pos);
	at = path__walk_on(slot, pos, 0, vfsmount_addr);
	top = pos == SCRATCH_PATH_END ? pos - 1 : pos;
	s->top.mnt_ns = (__u64)ns;
	s->top.event = event;
	s->top.vfsmount = at == top && (__u64)BPF_CORE_READ(mnt, mnt_ns) == s->top.mnt_ns ? vfsmount_addr : 0;
	return at;
}

/*
 * The file that the current task runs. Up to its mount's root, which for most files is the last one, the way is
 * typed and costs no call, as long as names are short; then the other walk goes on. Global, since 6.1 follows each
 * way through the loop into all that comes behind it; hence without an argument, as a global function takes no
 * typed pointer.
 */
__weak __noinline int path__walk_own_exe(__u32 slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	struct file *file = mm ? mm->exe_file : NULL;
	struct scratch *s = scratch__get(slot);
	struct dentry *dentry, *mnt_root, *parent;
	__u64 vfsmount_addr;
	__u32 pos = SCRATCH_PATH_END, len;
	int i;

	if (!s || !file)
		return PATH_UNREADABLE;
	dentry = file->f_path.dentry;
	mnt_root = file->f_path.mnt->mnt_root;
	bpf_core_read(&vfsmount_addr, sizeof(vfsmount_addr), &file->f_path.mnt);
	for (i = 0; i < PATH_OWN_STEPS; i++) {
		if (dentry == mnt_root)
			return path__walk_up(slot, s, pos, vfsmount_addr);
		parent = dentry->d_parent;
		if (!parent) /* what a typed pointer can't read is 0 */
			return PATH_UNREADABLE;
		len = dentry->d_name.len;
		if (len >= RG_INLINE_NAME_LEN || len >= pos)
			break;
		pos = path__put_short_name(s, pos, compat__inline_name(dentry), len);
		if (parent == dentry) /* no mount's root: a memfd and its like, "/memfd:NAME" */
			return pos;
		dentry = parent;
	}
	return path__walk_on(slot, pos, path__address(s, dentry), vfsmount_addr);
}

#endif
