/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/types.h>

/* The other side of a broadcast, in a process of its own: a sender that floods,
 * clients that read as fast as they can, and clients that never do. They
 * connect in this order. */

typedef struct crowd_s {
  struct sockaddr_in server;
  unsigned readers;
  unsigned stuck;
  size_t line;  /* bytes of each line */
  size_t lines; /* that are sent */
  int cpu;      /* the processor to run on; -1: any */
} crowd_t;

typedef struct crowd_result_s {
  size_t lines;  /* that came, to all readers together */
  unsigned lost; /* readers that were cut */
  int bad;       /* other bytes came than were sent */
} crowd_result_t;

/* Starts the process. *result is where its result can be read, which comes when
 * each reader has all lines or was cut. Then the sender ends its side, and the
 * process ends when the server closes that connection. */
pid_t crowd_start(const crowd_t *crowd, int *result);

#endif
