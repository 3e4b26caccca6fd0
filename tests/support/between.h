/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BETWEEN_H
#define BETWEEN_H

#include "passage.h"
#include "scripted.h"

enum { KIB = 1024 };

/* A relay between two streams that follow scripts. */
typedef struct between_s {
  struct scripted source;
  struct scripted sink;
  char *input;
  size_t size;
  weir_test_options_t in;
  weir_test_options_t out;
  struct scripted *closed; /* the program's */
  passage_t p;
} between_t;

/* size bytes are to pass through a ring of that capacity. */
void between_init(between_t *b, size_t size, size_t capacity);
void between_open(struct weir_fixture *f, between_t *b);
void between_close(struct weir_fixture *f, between_t *b);

/* Opens, and starts the relay. */
void between_start(struct weir_fixture *f, between_t *b);

/* What between_close does when both streams are closed. */
void between_free(between_t *b);

/* Opens, and runs until the end with that status, which has to be true to what
 * the scripts saw. */
void between_run(struct weir_fixture *f, between_t *b, int status);

#endif
