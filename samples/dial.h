/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_DIAL_H
#define SAMPLES_DIAL_H

#include <sys/socket.h>

/* Connections by plain system calls. What fails is said in one line on stderr
 * and ends the program with status 1. rcvbuf is the size of the receive buffer;
 * 0: the system's. */

/* Connects to addr. */
int dial(const struct sockaddr_storage *addr, int rcvbuf);

/* Listens on addr; sets *bound to where that is. */
int listen_on(const struct sockaddr_storage *addr, int rcvbuf, int backlog,
              struct sockaddr_storage *bound);

/* Listens on addr, prints "listening on HOST:PORT" and takes one connection. */
int answer(const struct sockaddr_storage *addr, int rcvbuf);

/* Listens, prints that, and never takes one: nor does the system, since the
 * backlog is full by then. For as long as the program runs. */
_Noreturn void never_answer(const struct sockaddr_storage *addr);

#endif
