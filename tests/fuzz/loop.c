/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>

#include "program/program.h"

/* The first byte chooses the backend and who sleeps; the rest is a program of
 * operations, as tests/program/program.h describes it. Where there is no
 * io_uring, all of them run on libuv's. */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static world_t *world;

static void leave(void) {
  world_real_close(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static const weir_loop_options_t ways[] = {
      {.backend = WEIR_BACKEND_UV},
      {.backend = WEIR_BACKEND_URING, .wait = WEIR_WAIT_UV},
      {.backend = WEIR_BACKEND_URING, .wait = WEIR_WAIT_RING},
  };

  if (world == NULL) {
    world = world_real_open();
    atexit(leave);
  }
  if (size < 1)
    return 0;
  if (program_play(world, "fuzz", &ways[input[0] % 3], input + 1, size - 1) !=
      0)
    (void)program_play(world, "fuzz", &ways[0], input + 1, size - 1);
  return 0;
}
