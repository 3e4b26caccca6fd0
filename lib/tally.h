/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TALLY_H
#define WEIR__TALLY_H

#include "waiter.h"

/* How many of something somebody holds. A tally is one pointer to the first of
 * its members, which keeps the count for all: it costs nothing else while there
 * are none, and may go before its members do. */
typedef struct weir__tallied_s {
  struct weir__tallied_s **tally; /* NULL: this is in none */
  struct weir__tallied_s *next;
  struct weir__tallied_s *prev;
  weir__waiter_t *waiter; /* the first's: told when one leaves */
  size_t count;           /* the first's: of all members */
} weir__tallied_t;

static inline size_t weir__tally_count(weir__tallied_t *const *tally) {
  return *tally == NULL ? 0 : (*tally)->count;
}

void weir__tally_join(weir__tallied_t **tally, weir__tallied_t *member);

/* Takes member out, if it is in a tally, and has the waiter go on. */
void weir__tally_leave(weir__tallied_t *member);

/* Of a tally that has members: who is told, once, when one leaves; or NULL. */
static inline void weir__tally_await(weir__tallied_t *const *tally,
                                     weir__waiter_t *waiter) {
  (*tally)->waiter = waiter;
}

/* The tally goes: its members are in none any more. */
void weir__tally_end(weir__tallied_t **tally);

#endif
