/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program/program.h"
#include "random.h"
#include "support/fixture.h"

/* Thousands of small programs, and some long ones, over the kernel. The seed
 * that a program printed when it failed, or was killed, repeats it alone as
 * WEIR_TEST_SEED. */

enum { SMALL = 1000, SMALL_STEPS = 60, LONG = 6, LONG_STEPS = 4000 };

/* Signals that a program may die of; SIGPROF comes when its time is up. */
static const int deadly[] = {SIGABRT, SIGBUS,  SIGFPE, SIGILL,
                             SIGPROF, SIGSEGV, SIGTERM};
enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]) };

static char playing[64];
static struct sigaction before[DEADLY];

/* Then it is as it would have been: what has failed fails again. */
static void on_deadly(int signal) {
  ssize_t n = write(2, playing, strlen(playing));

  (void)n;
  for (int i = 0; i < DEADLY; i++)
    sigaction(deadly[i], &before[i], NULL);
  if (signal == SIGPROF || signal == SIGTERM)
    raise(signal);
}

static void tell_when_killed(void) {
  struct sigaction tell;

  memset(&tell, 0, sizeof(tell));
  tell.sa_handler = on_deadly;
  for (int i = 0; i < DEADLY; i++)
    check_is(sigaction(deadly[i], &tell, &before[i]), 0);
}

static void play(struct weir_fixture *f, world_t *world, uint64_t seed,
                 size_t steps) {
  weir_loop_options_t options = {.backend = f->backend, .wait = f->wait};
  uint8_t bytes[PROGRAM_MOST];
  char name[48];

  snprintf(name, sizeof(name), "WEIR_TEST_SEED=%llu", (unsigned long long)seed);
  snprintf(playing, sizeof(playing), "killed in %s\n", name);
  check_is(program_play(world, name, &options, bytes,
                        program_make(seed, steps, bytes)),
           0);
}

static void play_all(struct weir_fixture *f, size_t count, size_t steps) {
  int descriptors = count_descriptors();
  world_t *world = world_real_open();
  random_t dice = random_seeded("program");

  tell_when_killed();
  if (random_given() != NULL)
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
