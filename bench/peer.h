/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <netinet/in.h>

/* The other side of a workload: a process of its own, on another processor
 * where there is one, which ends with the connections. */

/* Starts the process, which runs peer and ends. */
void peer_start(void (*peer)(void));
void peer_end(void);

/* Run on one processor only. */
void peer_pin(int cpu);

/* Listens at a port of its own on the loopback; where is set. */
int peer_listen(struct sockaddr_in *where);
int peer_dial(const struct sockaddr_in *where);

/* ---- What peers do, with bench.others ---- */

/* Each connection sends a message, waits until all of it has come back, and
 * sends it again. */
void peer_echo(void);

/* What the first of two connections sends has to come on the second. */
void peer_relay(void);

/* Reads all that comes. */
void peer_sink(void);

/* The first sends lines of bench.bytes as fast as it can; the others have to
 * get them. */
void peer_lines(void);

/* Waits for the end. */
void peer_wait(void);

#endif
