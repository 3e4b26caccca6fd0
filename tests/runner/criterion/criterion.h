/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef RUNNER_CRITERION_H
#define RUNNER_CRITERION_H

/* What the tests use of Criterion, for systems where there is none; see
 * runner.c. */

#ifdef __GNUC__
#pragma GCC system_header
#endif

#include <stddef.h>
#include <string.h>

typedef struct runner_options_s {
  double timeout; /* seconds; 0: that of the suite, or none */
} runner_options_t;

/* A test, or a suite if it has no function. */
typedef struct runner_test_s {
  struct runner_test_s *next;
  const char *suite;
  const char *name;
  void (*run)(void);
  runner_options_t options;
} runner_test_t;

/* The test that this process is for. */
typedef struct runner_name_s {
  const char *name;
} runner_name_t;
extern runner_name_t *criterion_current_suite;
extern runner_name_t *criterion_current_test;

void runner_add(runner_test_t *test);

void runner_fail(const char *file, int line, const char *text,
                 const char *format, ...) __attribute__((noreturn));
void runner_skip(const char *format, ...) __attribute__((noreturn));

#define RUNNER_ADD(id, suite_, name_, run_, ...)                               \
  static runner_test_t id##_entry = {                                          \
      .suite = suite_, .name = name_, .run = run_, .options = {__VA_ARGS__}};  \
  __attribute__((constructor)) static void id##_add(void) {                    \
    runner_add(&id##_entry);                                                   \
  }

#define Test(suite, name, ...)                                                 \
  static void suite##_##name##_test(void);                                     \
  RUNNER_ADD(suite##_##name, #suite, #name, suite##_##name##_test,             \
             ##__VA_ARGS__)                                                    \
  static void suite##_##name##_test(void)

#define TestSuite(suite, ...)                                                  \
  RUNNER_ADD(suite##_suite, #suite, NULL, NULL, ##__VA_ARGS__)                 \
  struct suite##_suite_end

#define RUNNER_IS(ok, text, ...)                                               \
  ((ok) ? (void)0 : runner_fail(__FILE__, __LINE__, text, " " __VA_ARGS__))

#define cr_assert(c, ...) RUNNER_IS(c, #c, ##__VA_ARGS__)
#define cr_assert_not(c, ...) RUNNER_IS(!(c), "!" #c, ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...) RUNNER_IS((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)                                               \
  RUNNER_IS((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) RUNNER_IS((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)                                               \
  RUNNER_IS((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) RUNNER_IS((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)                                               \
  RUNNER_IS((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(p, ...)                                                 \
  RUNNER_IS((p) == NULL, #p " is NULL", __VA_ARGS__)
#define cr_assert_not_null(p, ...)                                             \
  RUNNER_IS((p) != NULL, #p " is not NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                            \
  RUNNER_IS(strcmp(a, b) == 0, #a " is " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                           \
  RUNNER_IS(strcmp(a, b) != 0, #a " is not " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)                                      \
  RUNNER_IS(memcmp(a, b, size) == 0, #a " has the bytes of " #b, __VA_ARGS__)
#define cr_assert_fail(...) RUNNER_IS(0, "failed", __VA_ARGS__)
#define cr_skip(...) runner_skip(__VA_ARGS__)

#endif
