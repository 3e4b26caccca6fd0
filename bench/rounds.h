/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include "bench.h"

enum { BENCH_CANDIDATES = UV + 1, BENCH_ROUNDS = 99 };

/* What all rounds of a workload in one shape have given. */
typedef struct rounds_s {
  const bench_workload_t *workload;
  const bench_shape_t *shape;
  unsigned count; /* of rounds */
  int failed;     /* of the candidates: a bit for each */
  char why[BENCH_CANDIDATES][sizeof(((bench_result_t *)0)->why)]; /* skipped */
  double figures[BENCH_CANDIDATES][BENCH_FIGURES][BENCH_ROUNDS];
} rounds_t;

/* Runs the candidates one after the other in each round, so that a machine that
 * changes its speed changes no ratio. What cannot run is left out, and says
 * why. bench holds what is the same for all runs. */
void rounds_run(rounds_t *rounds);

/* Whether there are figures of a candidate. */
int rounds_have(const rounds_t *rounds, candidate_t candidate);

/* Of a figure, the middle one, and the middle one of the rounds' ratios; of the
 * values, half of the distance between the outermost. */
double rounds_median(const rounds_t *rounds, candidate_t candidate, int figure);
double rounds_spread(const rounds_t *rounds, candidate_t candidate);
double rounds_ratio(const rounds_t *rounds, candidate_t candidate,
                    candidate_t base, int figure);

#endif
