/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/seq.h>

/* seq OPERATION TIMES: does it so often, for seq.sh to count instructions. */

#define BYTES 65536
#define SEGMENTS 16

static char from[BYTES], to[BYTES];
static uv_buf_t bufs[SEGMENTS];
static uv_buf_t window[WEIR_WINDOW];
static size_t sink;

static void window_of_1(weir_seq_t s) {
  (void)s;
  sink += weir_seq_window(weir_seq_bufs(bufs, 1), window, SIZE_MAX);
}

static void window_of_16(weir_seq_t s) {
  (void)s;
  sink += weir_seq_window(weir_seq_bufs(bufs, SEGMENTS), window, SIZE_MAX);
}

static void seq_copy(weir_seq_t s) {
  sink += weir_seq_copy(weir_mseq_block(to, BYTES), s, SIZE_MAX);
}

/* By the same pieces, since the C library copies large blocks by another way,
 * whose instructions are counted differently. */
static void plain_memcpy(weir_seq_t s) {
  size_t i, n = 0;

  (void)s;
  for (i = 0; i < SEGMENTS; i++) {
    memcpy(to + n, bufs[i].base, bufs[i].len);
    n += bufs[i].len;
  }
  sink += n;
}

static void seq_find(weir_seq_t s) {
  (void)s;
  sink += weir_seq_find(weir_seq_block(from, BYTES), "\r\n\r\n", 4);
}

static void seq_find_segments(weir_seq_t s) {
  sink += weir_seq_find(s, "\r\n\r\n", 4);
}

static void plain_memmem(weir_seq_t s) {
  (void)s;
  sink += memmem(from, BYTES, "\r\n\r\n", 4) != NULL;
}

static void seq_find_byte(weir_seq_t s) {
  (void)s;
  sink += weir_seq_find_byte(weir_seq_block(from, BYTES), '\n');
}

static void plain_memchr(weir_seq_t s) {
  (void)s;
  sink += memchr(from, '\n', BYTES) != NULL;
}

static const struct {
  const char *name;
  void (*run)(weir_seq_t s);
} operations[] = {
    {"window-1", window_of_1}, {"window-16", window_of_16},
    {"copy", seq_copy},        {"memcpy", plain_memcpy},
    {"find", seq_find},        {"find-16", seq_find_segments},
    {"memmem", plain_memmem},  {"find-byte", seq_find_byte},
    {"memchr", plain_memchr},
};

int main(int argc, char **argv) {
  long times = argc == 3 ? atol(argv[2]) : 0;
  weir_seq_t s = weir_seq_bufs(bufs, SEGMENTS);
  size_t i;

  for (i = 0; i < BYTES; i++)
    from[i] = (char)('a' + i % 23);
  for (i = 0; i < SEGMENTS; i++) {
    /* A byte less than the pieces, so that they do not touch. */
    bufs[i].base = from + i * (BYTES / SEGMENTS);
    bufs[i].len = BYTES / SEGMENTS - 1;
  }
  for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
    if (argc == 3 && strcmp(argv[1], operations[i].name) == 0) {
      while (times-- > 0)
        operations[i].run(s);
      return sink == SIZE_MAX;
    }
  fputs("usage: seq OPERATION TIMES\n", stderr);
  return 2;
}
