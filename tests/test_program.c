/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "program/program.h"
#include "random.h"
#include "support/fixture.h"

/* Thousands of small programs, and some long ones, over the kernel. The seed
 * that a program printed when it failed, as WEIR_TEST_SEED, repeats it alone.
 */

enum { SMALL = 1000, SMALL_STEPS = 60, LONG = 6, LONG_STEPS = 4000 };

static void play(struct weir_fixture *f, world_t *world, uint64_t seed,
                 size_t steps) {
  weir_loop_options_t options = {.backend = f->backend, .wait = f->wait};
  uint8_t bytes[PROGRAM_MOST];
  char name[64];

  snprintf(name, sizeof(name), "WEIR_TEST_SEED=%llu", (unsigned long long)seed);
  check_is(program_play(world, name, &options, bytes,
                        program_make(seed, steps, bytes)),
           0);
}

static void play_all(struct weir_fixture *f, size_t count, size_t steps) {
  int descriptors = count_descriptors();
  world_t *world = world_real_open();
  random_t dice = random_seeded("program");

  if (getenv("WEIR_TEST_SEED") != NULL)
    play(f, world, dice.state, steps);
  else
    for (size_t i = 0; i < count; i++)
      play(f, world, random_next(&dice), steps);
  world_real_close(world);
  check_is(count_descriptors(), descriptors);
}

WEIR_TEST(program, small_ones) {
  play_all(f, SMALL, SMALL_STEPS);
}

WEIR_TEST(program, long_ones) {
  play_all(f, LONG, LONG_STEPS);
}
