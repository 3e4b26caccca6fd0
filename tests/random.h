/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_RANDOM_H
#define WEIR_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Repeatable randomness for property tests. The seed is the environment
 * variable WEIR_TEST_SEED, new for each run if that is "random", and else the
 * same each time; it is always printed. */

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

/* A number in WEIR_TEST_SEED; NULL: there is none. */
static inline const char *random_given(void) {
  const char *given = getenv("WEIR_TEST_SEED");

  return given != NULL && strcmp(given, "random") != 0 ? given : NULL;
}

static inline uint64_t random_seed(void) {
  const char *given = random_given();

  if (given != NULL)
    return strtoull(given, NULL, 0);
  return getenv("WEIR_TEST_SEED") == NULL
             ? 1
             : ((uint64_t)time(NULL) << 16) ^ (uint64_t)clock();
}

static inline random_t random_seeded(const char *what) {
  random_t r = {random_seed()};

  fprintf(stderr, "%s: WEIR_TEST_SEED=%llu\n", what,
          (unsigned long long)r.state);
  return r;
}

#endif
