/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

/* Counts the system calls that a program makes to move bytes, to wait and to
 * deal with connections, those of libuv and its threads too: a program that is
 * linked with this has functions of its own in place of libc's. Entering an
 * io_uring goes past libc and is not counted; weir_loop_stats tells. Nor is how
 * threads wait for each other. */

/* Starts (1) or ends (0) counting, in all threads; it does not count at first.
 * Returns what was so before. */
int calls_count(int on);

/* The calls that were made while it counted. */
unsigned long calls_made(void);

#endif
