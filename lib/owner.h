/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OWNER_H
#define WEIR__OWNER_H

#include <stdint.h>

#include <weir/op.h>

/* Whose a loop is: of which process, and of which of its threads. What the
 * kernel keeps for a loop may be bound to the one as to the other. */

/* Names the calling thread: no other is ever named so, nor is this one in the
 * child after a fork. Not 0. No system call. */
uint64_t weir__self(void);

/* From now on a fork is noticed. 0 or UV_ENOMEM. */
int weir__self_watch(void);

/* Whether loop was left behind by a fork: this is a child of the process that
 * it belongs to. */
int weir__loop_foreign(weir_loop_t *loop);

/* The calling thread is about to use what the kernel keeps for loop: has the
 * backend move it here if another thread has used it last. 0, or UV_ESRCH in
 * the wrong process. */
int weir__loop_claim(weir_loop_t *loop);

#endif
