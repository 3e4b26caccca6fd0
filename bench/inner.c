/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <unistd.h>

#include "bench.h"
#include "gate.h"

/* What is measured in instructions only: turns of a loop that has nothing to
 * do, to which weir is attached or not; and cancellations of many reads of an
 * empty pipe, once the backend has what it takes of them. */

enum { PATIENCE = 100 /* turns */ };

static uv_idle_t idle;

static void on_turn(uv_idle_t *unused) {
  (void)unused;
  if (bench.ops-- == 0)
    outside_end();
}

static void run_turn(void) {
  uv_idle_init(&bench.uv, &idle);
  uv_idle_start(&idle, on_turn);
  bench_go(NULL);
}

const bench_workload_t bench_turn = {.name = "turn",
                                     .unit = "turn",
                                     .what =
                                         "a loop turns that has nothing to do",
                                     .measure = BENCH_INNER,
                                     .libuv = run_turn,
                                     .weir = run_turn,
                                     .shapes = {{NULL, 1, 1}}};

/* ---- Cancellations ---- */

static weir_op_t *ops;
static uint64_t left;

static void on_read(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (status != UV_ECANCELED)
    fail("read", status);
  if (--left == 0)
    outside_end();
}

static void on_patience(uv_idle_t *handle) {
  static unsigned turns;
  if (++turns < PATIENCE)
    return;
  uv_idle_stop(handle);
  for (uint64_t i = 0; i < bench.ops; i++)
    weir_cancel(&ops[i]);
}

static void run_cancel(void) {
  char *bytes = bench_memory((size_t)bench.ops);
  int fds[2], r = pipe(fds);
  gate_close(); /* for good: what threads would do depends on time */
  ops = bench_memory((size_t)bench.ops * sizeof *ops);
  left = bench.ops;
  for (uint64_t i = 0; i < bench.ops && r == 0; i++)
    r = weir_file_pread(bench.weir, &ops[i], fds[0],
                        weir_mseq_block(&bytes[i], 1), -1, on_read);
  if (r != 0)
    fail("read", r);
  uv_idle_init(&bench.uv, &idle);
  uv_idle_start(&idle, on_patience);
  bench_go(NULL);
}

const bench_workload_t bench_cancel = {.name = "cancel",
                                       .unit = "read",
                                       .what = "reads of a file are cancelled",
                                       .measure = BENCH_INNER,
                                       .weir = run_cancel,
                                       .shapes = {{NULL, 1, 1}}};
