/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <uv.h>
#include <weir.h>

/* The one place that makes every case run three times: on io_uring with the
 * ring wait, on io_uring with the libuv wait, and on libuv.
 *
 *   WEIR_TEST(read, eof_is_sticky) {
 *     ... f is a struct weir_fixture *, attached and ready ...
 *   }
 *
 * defines the Criterion tests read/eof_is_sticky_uring_ring, _uring_uv and
 * _uv. A variant that contradicts WEIR_BACKEND or WEIR_WAIT, or that this
 * machine cannot run, is skipped and counted, with the reason.
 *
 * After the body, which has to have closed its streams and destroyed its
 * pools, the fixture detaches and closes the loop and asserts that no
 * descriptor and no allocation was leaked and that SIGPIPE was never raised. */
struct weir_fixture {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_backend_t backend;
  weir_wait_t wait;
  uv_timer_t watchdog; /* unreferenced; a test that is stuck fails here */
  int descriptors;
  size_t blocks;
};

typedef void (*weir_test_fn)(struct weir_fixture *f);

/* For what is the ring's alone. */
#define WEIR_RING_TEST(suite, name)                                            \
  static void suite##_##name(struct weir_fixture *f);                          \
  Test(suite, name##_uring_ring, .timeout = 60) {                              \
    fixture_run(suite##_##name, WEIR_BACKEND_URING, WEIR_WAIT_RING);           \
  }                                                                            \
  Test(suite, name##_uring_uv, .timeout = 60) {                                \
    fixture_run(suite##_##name, WEIR_BACKEND_URING, WEIR_WAIT_UV);             \
  }                                                                            \
  static void suite##_##name(struct weir_fixture *f)

#define WEIR_TEST(suite, name)                                                 \
  static void suite##_##name(struct weir_fixture *f);                          \
  Test(suite, name##_uv, .timeout = 60) {                                      \
    fixture_run(suite##_##name, WEIR_BACKEND_UV, WEIR_WAIT_UV);                \
  }                                                                            \
  WEIR_RING_TEST(suite, name)

void fixture_run(weir_test_fn body, weir_backend_t backend, weir_wait_t wait);

/* The steps of fixture_run, for tests that attach by themselves. prepare skips
 * the test if the variant is not wanted and initialises f->uv; attach attaches
 * with options (NULL: those of the variant) and skips the test if that cannot
 * be had; finish detaches, closes and checks. */
void fixture_prepare(struct weir_fixture *f, weir_backend_t backend,
                     weir_wait_t wait);
void fixture_attach(struct weir_fixture *f, const weir_loop_options_t *options);
void fixture_finish(struct weir_fixture *f);

/* From the next attach on the kernel lacks these capabilities as well; NULL: no
 * more than the environment says, as at first. */
void fixture_lacks(const char *capabilities);

/* Ends and skips a test whose body has only begun. */
void fixture_skip(struct weir_fixture *f, const char *why);

/* Allows for count pairs of descriptors, or skips the test. */
void fixture_descriptors(struct weir_fixture *f, size_t count);

/* Detaches the loop of f and attaches it again with a submission queue of that
 * many entries. */
void fixture_reattach(struct weir_fixture *f, unsigned entries);

/* Skips the test unless io_uring works here and is not deselected. */
void need_uring(void);

/* One operation and what its callback said. */
struct request {
  weir_op_t op;
  int calls;
  int status;
  size_t n;
};

/* The callback for a struct request. */
void on_done(weir_op_t *op, int status, size_t n);

/* Runs the loop until *flag is not 0. */
void run_until(struct weir_fixture *f, const int *flag);

/* Runs the loop until the callback of r came, which must be the first, and
 * asserts its status and n. */
void finish(struct weir_fixture *f, struct request *r, int status, size_t n);

/* Runs the loop until nothing keeps it alive. */
void run_out(struct weir_fixture *f);

/* Runs a few turns of the loop that do not wait. */
void run_some_turns(struct weir_fixture *f);

/* A turn in which libuv cannot sleep. */
void run_turn(struct weir_fixture *f);

/* Asserts actual == expected and shows both. */
#define check_is(actual, expected)                                             \
  check_is_at(__FILE__, __LINE__, #actual, (long long)(actual),                \
              (long long)(expected))
void check_is_at(const char *file, int line, const char *text, long long actual,
                 long long expected);

/* For uv_walk, as an application that closes what it meets: any handle; those
 * of the weir loop arg. */
void close_each(uv_handle_t *handle, void *arg);
void close_owned(uv_handle_t *handle, void *arg);

/* The number of open descriptors of this process. */
int count_descriptors(void);

/* How often SIGPIPE was raised. */
int count_sigpipe(void);

weir_loop_stats_t stats_of(const struct weir_fixture *f);

#endif
