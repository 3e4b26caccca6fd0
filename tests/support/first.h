/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef FIRST_H
#define FIRST_H

#include "fixture.h"

/* What is submitted to the ring of a fixture that is to wait before it is
 * tried. */
typedef struct first_s {
  unsigned asked; /* entries with the operation code */
  unsigned first; /* those of them that wait first */
} first_t;

/* Counts in *seen, from now to first_end, the entries with that code and, of
 * them, those whose ioprio has the flag. */
void first_begin(const struct weir_fixture *f, first_t *seen, unsigned opcode,
                 unsigned flag);
void first_end(void);

/* Whether the ring has that capability. */
int first_has(const struct weir_fixture *f, unsigned cap);

#endif
