/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir.h>

#include "../samples/common.h"
#include "candidate.h"

/* Begins that many reads of an empty pipe, and cancels all of them once the
 * backend has what it takes. */

enum { MOST = 20000, PATIENCE = 100 };

static weir_op_t ops[MOST];
static char bytes[MOST];
static unsigned long count, left;

static void on_read(weir_op_t *op, int status, size_t n) {
  (void)op;
  (void)n;
  if (status != UV_ECANCELED)
    fail("read", status);
  if (--left == 0)
    outside_end();
}

static void on_idle(uv_idle_t *idle) {
  static unsigned turns;
  if (++turns < PATIENCE)
    return;
  uv_idle_stop(idle);
  for (unsigned long i = 0; i < count; i++)
    weir_cancel(&ops[i]);
}

int main(int argc, char **argv) {
  uv_loop_t uv;
  uv_idle_t idle;
  int fds[2];
  if (argc != 4)
    return 2;
  count = left = strtoul(argv[3], NULL, 10);
  weir_loop_t *weir = candidate_attach(candidate_named(argv[1]), &uv, NULL);
  if (count > MOST || pipe(fds) != 0)
    quit("pipe", "cannot begin");
  for (unsigned long i = 0; i < count; i++) {
    int r = weir_file_pread(weir, &ops[i], fds[0],
                            weir_mseq_block(&bytes[i], 1), -1, on_read);
    if (r != 0)
      fail("read", r);
  }
  uv_idle_init(&uv, &idle);
  uv_idle_start(&idle, on_idle);
  uv_run(&uv, UV_RUN_DEFAULT);
  quit("the loop", "ended");
}
