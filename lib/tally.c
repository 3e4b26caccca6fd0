/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "tally.h"

void weir__tally_join(weir__tallied_t **tally, weir__tallied_t *member) {
  weir__tallied_t *first = *tally;
  member->tally = tally;
  member->prev = NULL;
  member->next = first;
  member->count = 1;
  member->waiter = NULL;
  if (first != NULL) {
    first->prev = member;
    member->count += first->count;
    member->waiter = first->waiter;
  }
  *tally = member;
}

static void unlink_from(weir__tallied_t **tally, weir__tallied_t *member) {
  weir__tallied_t *next = member->next;
  if (next != NULL)
    next->prev = member->prev;
  if (member->prev != NULL) {
    member->prev->next = next;
    return;
  }
  *tally = next;
  if (next != NULL)
    next->count = member->count;
}

void weir__tally_leave(weir__tallied_t *member) {
  weir__tallied_t **tally = member->tally;
  if (tally == NULL)
    return;
  weir__waiter_t *waiter = (*tally)->waiter;
  (*tally)->waiter = NULL;
  (*tally)->count--;
  unlink_from(tally, member);
  member->tally = NULL;
  if (waiter != NULL)
    waiter->go(waiter);
}

void weir__tally_end(weir__tallied_t **tally) {
  weir__tallied_t *member = *tally;
  for (; member != NULL; member = member->next)
    member->tally = NULL;
  *tally = NULL;
}
