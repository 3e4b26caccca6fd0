/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <sys/types.h>

#include "side.h"

/* The processes of a soak, each a loop: a server and its client, or several
 * such pairs where one loop cannot have all descriptors. */

typedef struct pair_s {
  plan_t plan;
  board_t *board;
  pid_t pids[SIDES];
} pair_t;

enum { MOST_PAIRS = 16 };

/* What is at work. */
extern pair_t pairs[MOST_PAIRS];
extern unsigned pair_count;

/* What came of all that was. */
typedef struct totals_s {
  double began; /* seconds */
  uint64_t begun;
  uint64_t bytes;
  unsigned failures;
} totals_t;

extern totals_t totals;

/* Starts `count` pairs, server and client of these variants, with plan, whose
 * crowd is divided among them. Returns whether all servers listen. */
int pairs_start(unsigned count, const plan_t *plan, const variant_t *server,
                const variant_t *client);

void pairs_phase(phase_t phase);

/* Waits for a while; says what there is from time to time. Returns whether all
 * processes are alive. */
int pairs_look(void);

/* Does so until is_so. Returns 0, and has said why, if that takes too long. */
int pairs_wait(int (*is_so)(void), const char *what);

/* How many connections are open, at that side of all pairs. */
unsigned pairs_open(int side);

/* Has all processes leave or, if they are not in order, ends them. */
void pairs_finish(int orderly);

/* Seconds; whatever is printed begins with those since totals.began. */
double now(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says it, and counts it. */
void failed(const char *what);

#endif
