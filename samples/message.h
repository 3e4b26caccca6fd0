/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_MESSAGE_H
#define SAMPLES_MESSAGE_H

#include <stdint.h>

/* What the samples say on stderr: one line each, that begins with the name of
 * the program. */

/* Takes the name from argv[0]. */
void name_program(const char *path);

/* "PROGRAM: what: reason of the error". */
void complain(const char *what, int error);

/* A kind of trouble that may come again and again. Zeroed at first. */
typedef struct trouble_s {
  uint64_t said; /* when, in nanoseconds */
  unsigned left_out;
} trouble_t;

/* "PROGRAM: what name: reason", at most once a second for each kind of trouble;
 * the next line says how many were left out. */
void complain_rarely(trouble_t *trouble, const char *what, const char *name,
                     int error);

/* As complain, and in other words, then exit with status 1. */
_Noreturn void fail(const char *what, int error);
_Noreturn void quit(const char *what, const char *why);

/* A wrong command line: exit with status 2. */
_Noreturn void misuse(const char *what, const char *word);

#endif
