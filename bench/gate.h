/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

/* When the instructions of libuv's thread pool are counted, it has one thread,
 * and that waits until all of a batch is queued, as the loop then does until
 * all is done: so what is counted, in both threads, does not depend on time.
 * Else these do nothing. */

/* Before the first is begun. */
void gate_close(void);

/* Runs before the loop sleeps: what was queued lies between two gates. */
void outside_pass(void);

/* One operation is done; with the last of them the process ends. */
void gate_done(void);

#endif
