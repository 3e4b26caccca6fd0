/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_RANDOM_H
#define WEIR_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Repeatable randomness for property tests: the seed is the environment
 * variable WEIR_TEST_SEED or else new for each run, and always printed. */

typedef struct random_s {
  uint64_t state;
} random_t;

static inline uint64_t random_next(random_t *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 to bound - 1. */
static inline size_t random_below(random_t *r, size_t bound) {
  return bound == 0 ? 0 : (size_t)(random_next(r) % bound);
}

static inline random_t random_seeded(const char *what) {
  const char *given = getenv("WEIR_TEST_SEED");
  random_t r;

  r.state = given != NULL ? strtoull(given, NULL, 0)
                          : ((uint64_t)time(NULL) << 16) ^ (uint64_t)clock();
  fprintf(stderr, "%s: WEIR_TEST_SEED=%llu\n", what,
          (unsigned long long)r.state);
  return r;
}

#endif
