/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdlib.h>

#include "../samples/common.h"
#include "candidate.h"

/* Turns a loop that has nothing to do, and to which weir is attached or not. */

static unsigned long turns;

static void on_idle(uv_idle_t *idle) {
  (void)idle;
  if (turns-- == 0)
    outside_end();
}

int main(int argc, char **argv) {
  uv_loop_t uv;
  uv_idle_t idle;
  if (argc != 4)
    return 2;
  turns = strtoul(argv[3], NULL, 10);
  candidate_attach(candidate_named(argv[1]), &uv, NULL);
  uv_idle_init(&uv, &idle);
  uv_idle_start(&idle, on_idle);
  uv_run(&uv, UV_RUN_DEFAULT);
  quit("the loop", "ended");
}
