/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TEST_PLAN_H
#define WEIR__TEST_PLAN_H

#include <weir/fault.h>

#include <limits.h>

/* The plan that is in force in this thread, or NULL. */
extern _Thread_local weir_fault_t *weir__plan;

/* What a call or request can have done to it at random. */
enum {
  WEIR__CAN_CUT = 1,
  WEIR__CAN_AGAIN = 2,
  WEIR__CAN_INTERRUPT = 4,
  WEIR__CAN_ABORT = 8, /* an accept */
  WEIR__CAN_MISS = 16, /* a cancellation */
  WEIR__CAN_DELAY = 32
};

/* What is asked of the plan, and what it says. */
typedef struct weir__ask_s {
  unsigned what;
  unsigned opcode; /* 0 (which is none's that matters): none */
  int fd;
  unsigned can;
  size_t size; /* of what may be cut */
} weir__ask_t;

typedef struct weir__verdict_s {
  int error;       /* a positive errno, or 0 */
  size_t bytes;    /* at most; SIZE_MAX: all */
  unsigned rounds; /* to be held back for */
} weir__verdict_t;

weir__verdict_t weir__plan_ask(weir_fault_t *plan, const weir__ask_t *ask);

/* For what has no descriptor of interest and is never random. */
int weir__plan_error(unsigned what, int fd);

/* A random number below n, in the series of what; 0 if n is 0. */
unsigned weir__plan_draw(weir_fault_t *plan, unsigned what, unsigned n);

/* 1 as often of a thousand as its reorder says, and counts it. */
int weir__plan_reorders(weir_fault_t *plan, unsigned what);

const weir_fault_options_t *weir__plan_options(const weir_fault_t *plan);

#endif
