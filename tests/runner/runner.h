/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef RUNNER_H
#define RUNNER_H

#include "criterion/criterion.h"

enum { RUNNER_WHY = 512 };

/* What became of a test. */
typedef struct runner_result_s {
  enum { RUNNER_PASSED, RUNNER_FAILED, RUNNER_SKIPPED } outcome;
  char why[RUNNER_WHY];
} runner_result_t;

/* Runs test in a process of its own, which ends after so many seconds (0:
 * whenever). At most `jobs` of them are there at a time: while they are, waits
 * for one. done is told of each with its result, from within these two. */
typedef void (*runner_done_t)(const runner_test_t *test,
                              const runner_result_t *result);
void runner_start(const runner_test_t *test, double seconds, unsigned jobs,
                  runner_done_t done);
void runner_wait_all(runner_done_t done);

/* To be called first: where a process is one that was started so, this is its
 * test, to the end. */
typedef const runner_test_t *(*runner_find_t)(const char *name);
void runner_begin(int argc, char **argv, runner_find_t find);

/* As many as there are processors. */
unsigned runner_processors(void);

/* In the process of a test: is it, to the end; ends it so. */
void runner_be(const runner_test_t *test) __attribute__((noreturn));
void runner_leave(int outcome, const char *why) __attribute__((noreturn));

#endif
