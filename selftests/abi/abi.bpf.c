/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every struct of shared/, so that this object's BTF has its layout: an object's BTF only has the
 * types of its maps, globals and global functions, and most records are none of these. Pointers, since
 * the skeleton makes members of globals, and some end in a flexible array.
 */
#include "../../shared/stats.h"

struct rg_proc_key *abi_proc_key;
struct rg_proc *abi_proc;
struct rg_thread *abi_thread;
struct rg_exec_source *abi_exec_source;
struct rg_exited *abi_exited;
struct rg_record *abi_record;
struct rg_record_fork *abi_record_fork;
struct rg_record_exec *abi_record_exec;
struct rg_record_exit *abi_record_exit;
struct rg_record_thread_start *abi_record_thread_start;
struct rg_record_thread_exit *abi_record_thread_exit;
struct rg_ancestor *abi_ancestor;
struct rg_lineage *abi_lineage;
struct rg_env_name *abi_env_name;
struct rg_config *abi_config;
struct rg_control *abi_control;
struct rg_stats *abi_stats;
struct rg_census *abi_census;
struct rg_leaves *abi_leaves;
struct rg_state *abi_state;
