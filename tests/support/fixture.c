/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "faulty.h"
#include "host.h"
#include "patience.h"

/* Long enough for the slowest machine, short enough to name the test before
 * Criterion's own timeout kills it without a word. */
enum { WATCHDOG_SECONDS = 30, WATCHDOG_BITES_MS = 1000 };

static volatile sig_atomic_t sigpipes;

static void on_sigpipe(int signum) {
  (void)signum;
  sigpipes++;
}

static void watch_sigpipe(void) {
  struct sigaction action;

  memset(&action, 0, sizeof(action));
  action.sa_handler = on_sigpipe;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  check_is(sigaction(SIGPIPE, &action, NULL), 0);
}

int count_sigpipe(void) {
  return (int)sigpipes;
}

int count_descriptors(void) {
  return os_count_descriptors();
}

void check_is_at(const char *file, int line, const char *text, long long actual,
                 long long expected) {
  cr_assert(actual == expected, "%s:%d: %s is %lld, not %lld", file, line, text,
            actual, expected);
}

weir_loop_stats_t stats_of(const struct weir_fixture *f) {
  weir_loop_stats_t stats;

  weir_loop_stats(f->loop, &stats, sizeof(stats));
  return stats;
}

static void on_watchdog(uv_timer_t *timer) {
  struct weir_fixture *f = timer->data;
  weir_loop_stats_t s = stats_of(f);

  cr_assert(0,
            "stuck: backend %s, wait %d, turns %llu, waits %llu, sqes %llu, "
            "cqes %llu, reads %llu, writes %llu, callbacks %llu",
            weir_backend_name(f->backend), (int)f->wait,
            (unsigned long long)s.turns, (unsigned long long)s.waits,
            (unsigned long long)s.sqes, (unsigned long long)s.cqes,
            (unsigned long long)s.reads, (unsigned long long)s.writes,
            (unsigned long long)s.callbacks);
}

/* Libuv makes some descriptors once for each process; they are no leak. */
static void warm_up_libuv(void) {
  uv_loop_t uv;

  check_is(uv_loop_init(&uv), 0);
  check_is(uv_loop_close(&uv), 0);
}

static int contradicts(const char *variable, const char *word) {
  const char *value = getenv(variable);

  return value != NULL && *value != '\0' && strcmp(value, word) != 0;
}

static void skip_unwanted(weir_backend_t backend, weir_wait_t wait) {
  const char *wait_word = wait == WEIR_WAIT_RING ? "ring" : "uv";
  const char *word = backend == WEIR_BACKEND_UV ? "uv" : "uring";

  if (contradicts("WEIR_BACKEND", word))
    cr_skip("WEIR_BACKEND=%s", getenv("WEIR_BACKEND"));
  if (backend == WEIR_BACKEND_URING && contradicts("WEIR_WAIT", wait_word))
    cr_skip("WEIR_WAIT=%s", getenv("WEIR_WAIT"));
  /* Rings are charged to a limit that all tests of the user share, and are
   * given back late: some attach would fail, but not always the same. */
  if (backend == WEIR_BACKEND_URING && !os_may_lock(2 << 20))
    cr_skip("less than 2 MiB may be locked (ulimit -l), which is too little "
            "for rings side by side");
}

void fixture_prepare(struct weir_fixture *f, weir_backend_t backend,
                     weir_wait_t wait) {
  const char *why =
      os_without(criterion_current_suite->name, criterion_current_test->name);

  if (why != NULL)
    cr_skip("%s", why);
  skip_unwanted(backend, wait);
  unsetenv("WEIR_BACKEND");
  unsetenv("WEIR_WAIT");
  alloc_install();
  watch_sigpipe();
  warm_up_libuv();

  memset(f, 0, sizeof(*f));
  faulty_begin(f);
  f->backend = backend;
  f->wait = wait;
  f->descriptors = count_descriptors();
  f->blocks = alloc_blocks();
  check_is(uv_loop_init(&f->uv), 0);
}

static void start_watchdog(struct weir_fixture *f) {
  check_is(uv_timer_init(&f->uv, &f->watchdog), 0);
  f->watchdog.data = f;
  check_is(uv_timer_start(&f->watchdog, on_watchdog,
                          1000ULL * patience(WATCHDOG_SECONDS),
                          WATCHDOG_BITES_MS),
           0);
  uv_unref((uv_handle_t *)&f->watchdog);
}

/* The reason that a user would see. */
static void skip_without_uring(struct weir_fixture *f, int error) {
  const char *why = uv_strerror(error);

  if (weir_loop_attach(&f->uv, NULL, &f->loop) == 0)
    weir_loop_fallback_reason(f->loop, &why);
  /* That is a mistake, in the test or in how it is run. */
  cr_assert(strstr(why, "WEIR_URING_CAPS_OFF") == NULL, "%s", why);
  start_watchdog(f);
  fixture_skip(f, why);
}

void fixture_attach(struct weir_fixture *f,
                    const weir_loop_options_t *options) {
  weir_loop_options_t forced;
  const char *why = "";
  int error;

  memset(&forced, 0, sizeof(forced));
  if (options != NULL)
    forced = *options;
  forced.backend = f->backend;
  forced.wait = f->wait;
  error = weir_loop_attach(&f->uv, &forced, &f->loop);
  if (error != 0 && f->backend == WEIR_BACKEND_URING)
    skip_without_uring(f, error);
  check_is(error, 0);
  check_is(weir_loop_backend(f->loop), f->backend);
  start_watchdog(f);
  if (weir_loop_wait(f->loop, &why) != f->wait)
    fixture_skip(f, why);
}

static void on_detached(weir_loop_t *loop) {
  (void)loop;
}

void fixture_finish(struct weir_fixture *f) {
  if (f->loop != NULL) {
    check_is(weir_loop_detach(f->loop, on_detached), 0);
    f->loop = NULL;
    uv_close((uv_handle_t *)&f->watchdog, NULL);
  }
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&f->uv), 0);
  faulty_end();
  check_is(count_descriptors(), f->descriptors);
  check_is(alloc_blocks(), f->blocks);
  check_is(count_sigpipe(), 0);
}

void fixture_lacks(const char *capabilities) {
  static char before[200] = "?";
  const char *now = getenv("WEIR_URING_CAPS_OFF");
  char words[300];

  if (before[0] == '?')
    snprintf(before, sizeof(before), "%s", now != NULL ? now : "");
  snprintf(words, sizeof(words), "%s,%s", before,
           capabilities != NULL ? capabilities : "");
  setenv("WEIR_URING_CAPS_OFF", words, 1);
}

void fixture_skip(struct weir_fixture *f, const char *why) {
  char reason[200];

  /* The sentence may be the loop's. */
  snprintf(reason, sizeof(reason), "%s", why);
  fixture_finish(f);
  cr_skip("%s", reason);
}

void fixture_descriptors(struct weir_fixture *f, size_t count) {
  if (!os_allow_descriptors(count * 2 + 100))
    fixture_skip(f, "the limit of descriptors is too low");
}

void fixture_reattach(struct weir_fixture *f, unsigned entries) {
  weir_loop_options_t options;

  /* An active prepare handle at attach would rule out the ring wait. */
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
  memset(&options, 0, sizeof(options));
  options.entries = entries;
  fixture_attach(f, &options);
}

void fixture_run(weir_test_fn body, weir_backend_t backend, weir_wait_t wait) {
  struct weir_fixture fixture;

  fixture_prepare(&fixture, backend, wait);
  fixture_attach(&fixture, NULL);
  body(&fixture);
  fixture_finish(&fixture);
}

void need_uring(void) {
  struct weir_fixture f;

  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  fixture_attach(&f, NULL);
  fixture_finish(&f);
}

void on_done(weir_op_t *op, int status, size_t n) {
  struct request *r = (struct request *)op;

  r->calls++;
  r->status = status;
  r->n = n;
}

void run_until(struct weir_fixture *f, const int *flag) {
  while (*flag == 0) {
    int alive = uv_run(&f->uv, UV_RUN_ONCE);

    cr_assert(alive || *flag, "uv_run returned with the operation pending");
  }
}

void finish(struct weir_fixture *f, struct request *r, int status, size_t n) {
  run_until(f, &r->calls);
  check_is(r->calls, 1);
  cr_assert(r->status == status, "status is %s, not %s",
            r->status ? uv_err_name(r->status) : "0",
            status ? uv_err_name(status) : "0");
  check_is(r->n, n);
}

void run_out(struct weir_fixture *f) {
  check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

void close_each(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

void close_owned(uv_handle_t *handle, void *arg) {
  if (weir_owns_handle(arg, handle))
    close_each(handle, NULL);
}

void run_turn(struct weir_fixture *f) {
  uv_idle_t idle;

  check_is(uv_idle_init(&f->uv, &idle), 0);
  check_is(uv_idle_start(&idle, on_idle), 0);
  uv_run(&f->uv, UV_RUN_NOWAIT);
  uv_close((uv_handle_t *)&idle, NULL);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

void run_some_turns(struct weir_fixture *f) {
  int i;

  for (i = 0; i < 5; i++)
    run_turn(f);
}
