/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef GATE_H
#define GATE_H

#include <sys/syscall.h>

#include "deny.h"
#include "fixture.h"

/* A gate before some of this thread's system calls, at which a test says how
 * they end, and changes its mind: a seccomp filter whose listener is a thread
 * of its own. Unlike deny.h there is a way back. */

/* Puts the gate before these calls, at most 4; all of them pass. Skips the test
 * where that is not to be had. Its descriptor counts among f's. */
void gate_open(struct weir_fixture *f, const int *calls, size_t count);

/* The rings that are open now are somebody else's: their calls pass. */
void gate_spare_rings(void);

/* Lets the next `times` calls of that number fail with error; GATE_FOR_EVER:
 * until gate_pass; or those behind the next `after`. */
enum { GATE_FOR_EVER = -1 };
void gate_fail(int call, int error, int times);
void gate_fail_later(int call, int error, int after, int times);
void gate_pass(void);

/* io_uring_setup does not know these flags: with any of them it is EINVAL. */
void gate_unknown(unsigned flags);

/* How many calls of that number came to the gate so far; how many of them
 * failed there. */
int gate_calls(int call);
int gate_failures(int call);

#endif
