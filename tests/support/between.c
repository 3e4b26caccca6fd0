/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "between.h"

#include <stdlib.h>
#include <string.h>

void between_init(between_t *b, size_t size, size_t capacity) {
  memset(b, 0, sizeof(*b));
  b->input = malloc(size + 1);
  b->size = size;
  pattern_fill(b->input, 0, size);
  b->in.input = b->input;
  b->in.input_size = size;
  passage_init(&b->p, capacity);
}

void between_open(struct weir_fixture *f, between_t *b) {
  scripted_open(f, &b->source, &b->in);
  scripted_open(f, &b->sink, &b->out);
}

void between_start(struct weir_fixture *f, between_t *b) {
  between_open(f, b);
  passage_start(&b->p, &b->source.stream, &b->sink.stream);
}

void between_free(between_t *b) {
  passage_free(&b->p);
  free(b->input);
}

void between_close(struct weir_fixture *f, between_t *b) {
  scripted_close(f, &b->source);
  scripted_close(f, &b->sink);
  between_free(b);
}

void between_run(struct weir_fixture *f, between_t *b, int status) {
  between_start(f, b);
  check_is(b->p.calls, 0);
  passage_end(f, &b->p, status);
  check_is(weir_test_delivered(b->source.script), b->p.info.bytes_read);
  scripted_expect(&b->sink, (size_t)b->p.info.bytes_written);
}
