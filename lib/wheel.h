/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__WHEEL_H
#define WEIR__WHEEL_H

#include <weir/deadline.h>

/* Alarms, in the order of their times as far as that matters. An alarm lies in
 * the slot of the first digit, of six bits, in which its time differs from the
 * wheel's: so it is put in and taken out in a few steps however many there are.
 * When the wheel has come to a slot, what lies in it is looked at: it is due,
 * or goes into a finer slot. An alarm is looked at once for each digit at
 * most. */
enum {
  WEIR__WHEEL_BITS = 6,
  WEIR__WHEEL_SLOTS = 1 << WEIR__WHEEL_BITS,
  WEIR__WHEEL_DIGITS = 7
};

/* The last time: in more than a hundred years. */
#define WEIR__WHEEL_END                                                        \
  ((UINT64_C(1) << WEIR__WHEEL_BITS * WEIR__WHEEL_DIGITS) - 1)

typedef struct weir__wheel_s {
  uint64_t time;
  uint64_t steps;                    /* slots and alarms looked at, ever */
  uint64_t used[WEIR__WHEEL_DIGITS]; /* slots that hold something */
  weir_node_t reached;               /* to be looked at */
  weir_node_t slots[WEIR__WHEEL_DIGITS * WEIR__WHEEL_SLOTS];
} weir__wheel_t;

void weir__wheel_init(weir__wheel_t *wheel);

/* Puts in an alarm that is in no wheel. Returns when to turn the wheel for
 * it. */
uint64_t weir__wheel_put(weir__wheel_t *wheel, weir_alarm_t *alarm,
                         uint64_t at);

static inline int weir__alarm_is_set(const weir_alarm_t *alarm) {
  return alarm->node.next != NULL;
}

/* Takes one out that is in it. */
void weir__wheel_take(weir__wheel_t *wheel, weir_alarm_t *alarm);

/* Turns it to that time. */
void weir__wheel_turn(weir__wheel_t *wheel, uint64_t now);

/* When to turn it next; UINT64_MAX: it is empty, but for what is reached. */
uint64_t weir__wheel_next(const weir__wheel_t *wheel);

/* Looks at one alarm that was reached: takes it out and returns it if it is
 * due. */
weir_alarm_t *weir__wheel_look(weir__wheel_t *wheel);

#endif
