/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PASSAGE_H
#define PASSAGE_H

#include "net.h"

/* A relay of bytes of the pattern, and what its end said. */
typedef struct passage_s {
  weir_relay_t relay;
  weir_relay_options_t options;
  char *ring;
  int calls;
  int status;
  weir_relay_info_t info;
  char *left; /* a copy of the bytes that were held at the end */
  size_t nleft;
  size_t available; /* buffers of its pool, then */
  size_t progress;  /* bytes that it was told of */
  int told;         /* how often */
  int stop_at;      /* the call of progress that stops it; 0: none */
} passage_t;

/* Its callbacks. */
void passage_over(weir_relay_t *relay, int status);
void passage_progress(weir_relay_t *relay, size_t n);

/* With a ring of its own, of that many bytes. */
void passage_init(passage_t *p, size_t capacity);
void passage_start(passage_t *p, weir_stream_t *source, weir_stream_t *sink);

/* Waits for the end with that status, and asserts what must always hold. */
void passage_end(struct weir_fixture *f, passage_t *p, int status);
void passage_free(passage_t *p);

#endif
