/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "wheel.h"

#include "queue.h"

static weir_alarm_t *alarm_of(weir_node_t *node) {
  return (weir_alarm_t *)((uintptr_t)node - offsetof(weir_alarm_t, node));
}

void weir__wheel_init(weir__wheel_t *wheel) {
  weir__queue_init(&wheel->reached);
}

static unsigned shift_of(unsigned digit) {
  return digit * WEIR__WHEEL_BITS;
}

/* The first digit in which two different times differ. */
static unsigned digit_of(uint64_t a, uint64_t b) {
  uint64_t differs = (a ^ b) >> WEIR__WHEEL_BITS;
  unsigned digit = 0;
  for (; differs != 0; differs >>= WEIR__WHEEL_BITS)
    digit++;
  return digit;
}

static unsigned slot_of(uint64_t time, unsigned digit) {
  return (unsigned)(time >> shift_of(digit)) % WEIR__WHEEL_SLOTS;
}

static weir_node_t *queue_of(weir__wheel_t *wheel, unsigned digit,
                             unsigned slot) {
  return &wheel->slots[digit * WEIR__WHEEL_SLOTS + slot];
}

static unsigned lowest_bit(uint64_t bits) {
  unsigned n = 0;
  for (unsigned half = 32; half > 0; half /= 2) {
    if ((bits & ((UINT64_C(1) << half) - 1)) == 0) {
      bits >>= half;
      n += half;
    }
  }
  return n;
}

/* A slot that is not used is not initialised, either. */
uint64_t weir__wheel_put(weir__wheel_t *wheel, weir_alarm_t *alarm,
                         uint64_t at) {
  alarm->at = at < WEIR__WHEEL_END ? at : WEIR__WHEEL_END;
  if (alarm->at <= wheel->time) {
    weir__queue_push(&wheel->reached, &alarm->node);
    return wheel->time;
  }
  unsigned digit = digit_of(alarm->at, wheel->time);
  unsigned slot = slot_of(alarm->at, digit);
  uint64_t bit = UINT64_C(1) << slot;
  weir_node_t *queue = queue_of(wheel, digit, slot);
  if ((wheel->used[digit] & bit) == 0)
    weir__queue_init(queue);
  wheel->used[digit] |= bit;
  weir__queue_push(queue, &alarm->node);
  return alarm->at >> shift_of(digit) << shift_of(digit);
}

/* The queue at this head has become empty. */
static void emptied(weir__wheel_t *wheel, const weir_node_t *head) {
  if (head == &wheel->reached)
    return;
  size_t i = (size_t)(head - wheel->slots);
  wheel->used[i / WEIR__WHEEL_SLOTS] &= ~(UINT64_C(1) << i % WEIR__WHEEL_SLOTS);
}

void weir__wheel_take(weir__wheel_t *wheel, weir_alarm_t *alarm) {
  const weir_node_t *next = alarm->node.next;
  int alone = next == alarm->node.prev;
  weir__queue_remove(&alarm->node);
  alarm->node.next = NULL;
  if (alone)
    emptied(wheel, next);
}

/* The slots of a digit lie behind the wheel's own, and those of a finer one
 * before any of a coarser one. */
static unsigned first_digit(const weir__wheel_t *wheel) {
  unsigned digit = 0;
  while (digit < WEIR__WHEEL_DIGITS && wheel->used[digit] == 0)
    digit++;
  return digit;
}

static uint64_t slot_time(const weir__wheel_t *wheel, unsigned digit,
                          unsigned slot) {
  unsigned above = shift_of(digit + 1);
  return (wheel->time >> above << above) | (uint64_t)slot << shift_of(digit);
}

uint64_t weir__wheel_next(const weir__wheel_t *wheel) {
  unsigned digit = first_digit(wheel);
  if (digit == WEIR__WHEEL_DIGITS)
    return UINT64_MAX;
  return slot_time(wheel, digit, lowest_bit(wheel->used[digit]));
}

void weir__wheel_turn(weir__wheel_t *wheel, uint64_t now) {
  uint64_t next;
  while ((next = weir__wheel_next(wheel)) <= now) {
    unsigned digit = first_digit(wheel);
    unsigned slot = lowest_bit(wheel->used[digit]);
    weir_node_t *queue = queue_of(wheel, digit, slot);
    weir__queue_move(&wheel->reached, queue->next, queue->prev);
    emptied(wheel, queue);
    wheel->time = next;
    wheel->steps++;
  }
  if (now > wheel->time)
    wheel->time = now;
}

weir_alarm_t *weir__wheel_look(weir__wheel_t *wheel) {
  weir_node_t *node = weir__queue_pop(&wheel->reached);
  weir_alarm_t *alarm = alarm_of(node);
  wheel->steps++;
  if (alarm->at > wheel->time) {
    weir__wheel_put(wheel, alarm, alarm->at);
    return NULL;
  }
  node->next = NULL;
  return alarm;
}
