/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/wheel.h"
#include "random.h"
#include "support/fixture.h"

/* The wheel alone, beside a plain list of the times. */

enum { ALARMS = 300 };

struct model {
  weir__wheel_t wheel;
  weir_alarm_t alarms[ALARMS];
  uint64_t at[ALARMS]; /* 0: not set */
};

static void set(struct model *m, int i, uint64_t at) {
  if (weir__alarm_is_set(&m->alarms[i]))
    weir__wheel_take(&m->wheel, &m->alarms[i]);
  m->at[i] = at;
  cr_assert(weir__wheel_put(&m->wheel, &m->alarms[i], at) <=
            (at > m->wheel.time ? at : m->wheel.time));
}

static void take(struct model *m, int i) {
  if (weir__alarm_is_set(&m->alarms[i]))
    weir__wheel_take(&m->wheel, &m->alarms[i]);
  m->at[i] = 0;
}

/* Nothing is due that is not, and nothing that is stays behind. */
static void turn(struct model *m, uint64_t now) {
  weir_alarm_t *alarm;
  int i;

  weir__wheel_turn(&m->wheel, now);
  check_is(m->wheel.time, now);
  while (m->wheel.reached.next != &m->wheel.reached) {
    alarm = weir__wheel_look(&m->wheel);
    if (alarm == NULL)
      continue;
    i = (int)(alarm - m->alarms);
    cr_assert(m->at[i] != 0 && m->at[i] <= now);
    cr_assert(!weir__alarm_is_set(alarm));
    m->at[i] = 0;
  }
  for (i = 0; i < ALARMS; i++)
    cr_assert(m->at[i] == 0 || m->at[i] > now);
}

static uint64_t earliest(const struct model *m) {
  uint64_t first = UINT64_MAX;
  int i;

  for (i = 0; i < ALARMS; i++)
    if (m->at[i] != 0 && m->at[i] < first)
      first = m->at[i];
  return first;
}

/* From a millisecond to years, most of them short. */
static uint64_t some_time(random_t *random) {
  return random_next(random) % (UINT64_C(1) << random_below(random, 40)) + 1;
}

Test(wheel, is_a_list_of_times) {
  struct model *m = calloc(1, sizeof(*m));
  random_t random = random_seeded("wheel");
  uint64_t next;
  int step, i;

  cr_assert(m != NULL);
  weir__wheel_init(&m->wheel);
  turn(m, random_next(&random) % (UINT64_C(1) << random_below(&random, 40)));
  for (step = 0; step < 20000; step++) {
    i = (int)random_below(&random, ALARMS);
    switch (random_below(&random, 8)) {
    case 0:
      take(m, i);
      break;
    case 1:
      next = weir__wheel_next(&m->wheel);
      cr_assert(next <= earliest(m));
      if (next != UINT64_MAX)
        turn(m, next);
      break;
    case 2:
      turn(m, m->wheel.time + some_time(&random) / 16);
      break;
    default:
      set(m, i, m->wheel.time + some_time(&random));
    }
  }
  for (i = 0; i < ALARMS; i++)
    take(m, i);
  check_is(weir__wheel_next(&m->wheel), UINT64_MAX);
  free(m);
}

/* Each is looked at once for each digit at most. */
Test(wheel, looks_seldom) {
  enum { LATER = 60 * 1000 };
  struct model *m = calloc(1, sizeof(*m));
  uint64_t now;
  int i;

  cr_assert(m != NULL);
  weir__wheel_init(&m->wheel);
  for (i = 0; i < ALARMS; i++)
    set(m, i, LATER + (uint64_t)i % 16);
  for (now = 0; now < LATER + 16; now++)
    turn(m, now);
  check_is(weir__wheel_next(&m->wheel), UINT64_MAX);
  cr_assert(m->wheel.steps <= 3 * ALARMS + 64, "%llu",
            (unsigned long long)m->wheel.steps);
  free(m);
}

Test(wheel, has_an_end) {
  struct model *m = calloc(1, sizeof(*m));

  cr_assert(m != NULL);
  weir__wheel_init(&m->wheel);
  turn(m, 5);
  set(m, 0, UINT64_MAX);
  set(m, 1, 5);
  set(m, 2, 0);
  check_is(m->alarms[0].at, WEIR__WHEEL_END);
  m->at[1] = m->at[2] = 5;
  turn(m, 5);
  cr_assert(weir__alarm_is_set(&m->alarms[0]));
  take(m, 0);
  check_is(weir__wheel_next(&m->wheel), UINT64_MAX);
  free(m);
}
