/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* What figures depend on, as text. */
typedef struct machine_s {
  char kernel[160];
  char processor[160];
  char filesystem[64];
  char liburing[32];
  char libuv[32];
  char weir[32];
  char date[32];
  int processors; /* that we may use */
  int cpus[2];    /* the first two of them; -1: there is only one */
} machine_t;

/* directory: where files are made. */
machine_t machine_look(const char *directory);

#endif
