/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

/* Counts the system calls that an event loop makes to move bytes and to wait,
 * those of libuv too: a program that is linked with this has functions of its
 * own in place of libc's. Entering an io_uring goes past libc and is not
 * counted; weir_loop_stats tells. */

/* Starts (1) or ends (0) counting in this thread, which does not count at
 * first. Returns what was so before. */
int calls_count(int on);

/* The calls that this thread made while it counted. */
unsigned long calls_made(void);

#endif
