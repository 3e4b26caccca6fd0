/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "gauge.h"

/* What the processes of a soak tell each other, in memory that they share. Each
 * report is written by one process alone. */

typedef enum phase_e {
  PHASE_GATHER,   /* clients come, and stay */
  PHASE_DISPERSE, /* all of them leave */
  PHASE_RUN,      /* they come and go */
  PHASE_REST,     /* nobody comes any more, and who is there finishes */
  PHASE_LEAVE     /* all is taken down */
} phase_t;

enum { MOST_ACTORS = 32, FAULT_SIZE = 160 };

typedef struct report_s {
  _Atomic uint64_t begun;  /* connections */
  _Atomic uint64_t whole;  /* of them: to the end, as agreed */
  _Atomic uint64_t broken; /* of them: broken off, as agreed */
  _Atomic uint64_t bytes;  /* that came and were what they should be */
  _Atomic uint64_t cancels;
  _Atomic uint64_t crowded; /* no port, or no descriptor, for a while */
  _Atomic uint64_t fixed;   /* transfers with registered memory */
  _Atomic unsigned open;    /* connections now */
  _Atomic unsigned staying; /* of them: have exchanged, and stay */
  _Atomic unsigned most;    /* that were open at a time */
  _Atomic unsigned faults;
  _Atomic unsigned rests;       /* that were reached */
  uint64_t wholes[MOST_ACTORS]; /* at the last of them */
  gauge_t first;                /* at the first of them */
  gauge_t now;                  /* at the last of them */
  _Atomic size_t rss;           /* of late */
  char fault[FAULT_SIZE];       /* the first */
} report_t;

enum { SERVER, CLIENT, SIDES };

typedef struct board_s {
  _Atomic int phase;
  _Atomic unsigned rest; /* the number of the rest that is asked for */
  _Atomic int port;      /* where the server listens, or 0 */
  report_t reports[SIDES];
} board_t;

#endif
