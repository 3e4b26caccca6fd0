/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "common.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "os.h"

enum { SIGNALS = 3 };

static uv_signal_t signals[SIGNALS];
static int nsignals;
static void (*stop_function)(void);

weir_loop_t *open_loop(uv_loop_t *uv) {
  char why[200];
  weir_loop_options_t options = {.why = why, .why_size = sizeof why};
  weir_loop_t *weir;
  int rc = uv_loop_init(uv);
  if (rc != 0)
    fail("cannot make a loop", rc);
  if (weir_loop_attach(uv, &options, &weir) != 0)
    quit("cannot make a loop", why);
  return weir;
}

static void on_signal(uv_signal_t *signal, int number) {
  (void)signal;
  (void)number;
  void (*stop)(void) = stop_function;
  stop_function = NULL;
  if (stop != NULL)
    stop();
}

void on_stop_signal(uv_loop_t *uv, void (*stop)(void)) {
  static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  int wanted = SIGNALS - os_ignores(SIGHUP);
  stop_function = stop;
  for (; nsignals < wanted; nsignals++) {
    uv_signal_t *signal = &signals[nsignals];
    int rc = uv_signal_init(uv, signal);
    if (rc == 0)
      rc = uv_signal_start(signal, on_signal, numbers[nsignals]);
    if (rc != 0)
      fail("cannot watch signals", rc);
    uv_unref((uv_handle_t *)signal);
  }
}

address_text_t listen_plain(uv_loop_t *uv, uv_tcp_t *listener,
                            const struct sockaddr_storage *addr,
                            uv_connection_cb cb) {
  struct sockaddr_storage bound;
  int len = sizeof bound;
  int rc = uv_tcp_init(uv, listener);
  os_errors_for_signals();
  if (rc == 0)
    rc = uv_tcp_bind(listener, (const struct sockaddr *)addr, 0);
  if (rc == 0)
    rc = uv_listen((uv_stream_t *)listener, 511, cb);
  if (rc == 0)
    rc = uv_tcp_getsockname(listener, (struct sockaddr *)&bound, &len);
  if (rc != 0)
    fail(address_text(addr).text, rc);
  print_listening(&bound);
  return address_text(&bound);
}

void close_loop(uv_loop_t *uv, weir_loop_t *weir) {
  while (nsignals > 0)
    uv_close((uv_handle_t *)&signals[--nsignals], NULL);
  int rc = weir != NULL ? weir_loop_detach(weir, NULL) : 0;
  if (rc == 0) {
    uv_run(uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(uv);
  }
  if (rc != 0)
    fail("something was left open", rc);
}

void print_backend(const weir_loop_t *weir) {
  const char *why;
  if (weir_loop_fallback_reason(weir, &why) != 0)
    printf("backend libuv: %s\n", why);
  else if (weir_loop_wait(weir, &why) == WEIR_WAIT_RING)
    printf("backend io_uring, ring wait: %s\n", why);
  else
    printf("backend io_uring, libuv wait: %s\n", why);
}

void print_stats(const weir_loop_t *weir) {
  weir_loop_stats_t s;
  weir_loop_stats(weir, &s, sizeof s);
  print_backend(weir);
  printf("reads %" PRIu64 ", writes %" PRIu64 ", short writes %" PRIu64
         ", with fixed buffers %" PRIu64 "\n",
         s.reads, s.writes, s.short_writes, s.fixed_ops);
  printf("system calls %" PRIu64 ", submitted %" PRIu64 ", completed %" PRIu64
         ", turns %" PRIu64 ", allocations %" PRIu64 "\n",
         s.syscalls, s.sqes, s.cqes, s.turns, s.allocations);
}
