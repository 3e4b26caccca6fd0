/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "machine.h"
#include "rounds.h"

/* What a run of the program shows, as text on stdout and as JSON in a file,
 * which has each result on a line of its own. */

/* "echo-64x64" */
typedef struct report_name_s {
  char text[64];
} report_name_t;
report_name_t report_name(const bench_workload_t *w, const bench_shape_t *s);

/* Takes instructions that were counted, "NAME CANDIDATE FIGURE" in each line.
 */
void report_take_instructions(const char *path);

void report_begin(const machine_t *machine, unsigned rounds, FILE *json);
void report_rounds(const rounds_t *rounds, FILE *json);
void report_end(FILE *json);

#endif
