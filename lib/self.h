/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SELF_H
#define WEIR__SELF_H

#include <stdint.h>

/* A name for each thread of each process. */

/* That of the calling thread, or 0 as long as it has none. It is compared in
 * every call: with glibc at a fixed place, of which there are some to spare for
 * a library that is loaded late. Other C libraries refuse to load it then. */
extern WEIR_TLS_MODEL _Thread_local uint64_t weir__self_name;

/* Names the calling thread: no other is ever named so, nor is this one in the
 * child after a fork. Not 0. No system call. */
uint64_t weir__self(void);

/* Whether name is of a thread of this process. */
int weir__self_shares_process(uint64_t name);

/* From now on a fork is noticed. 0 or UV_ENOMEM. */
int weir__self_watch(void);

#endif
