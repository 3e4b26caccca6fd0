/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "returns.h"

/* The top of an empty stack: nobody awaits anything, or somebody does. */
#define NONE WEIR__NO_RETURN
#define AWAITED (WEIR__NO_RETURN - 1)

void weir__returns_init(weir__returns_t *returns, weir__return_t *list) {
  returns->list = list;
  atomic_init(&returns->top, NONE);
}

int weir__returns_add(weir__returns_t *returns, uint32_t number) {
  weir__return_t *it = &returns->list[number];
  if (atomic_fetch_add_explicit(&it->times, 1, memory_order_acq_rel) > 0)
    return 0;
  uint32_t top = atomic_load_explicit(&returns->top, memory_order_relaxed);
  do
    it->next = top == AWAITED ? NONE : top;
  while (!atomic_compare_exchange_weak_explicit(
      &returns->top, &top, number, memory_order_release, memory_order_relaxed));
  return top == AWAITED;
}

uint32_t weir__returns_take(weir__returns_t *returns) {
  if (!weir__returns_any(returns))
    return NONE;
  return atomic_exchange_explicit(&returns->top, NONE, memory_order_acquire);
}

/* Whoever finds that it does not lie there may set its next at once. */
unsigned weir__returns_next(weir__returns_t *returns, uint32_t *number) {
  weir__return_t *it = &returns->list[*number];
  *number = it->next;
  return atomic_exchange_explicit(&it->times, 0, memory_order_acq_rel);
}

int weir__returns_await(weir__returns_t *returns) {
  unsigned top = NONE;
  return atomic_compare_exchange_strong(&returns->top, &top, AWAITED) ||
         top == AWAITED;
}
