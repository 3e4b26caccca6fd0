/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/box.h"
#include "support/sweep.h"

/* Reads up to a delimiter, with every input cut in every way and every
 * transfer failing, against what a search of the whole input says. */

struct search {
  struct sweep sweep;
  int kind;
  size_t offset;
  const char *input;
  size_t size;
  size_t held; /* bytes of the input that the buffer has at first */
  const char *delimiter;
  size_t len;
  int how;           /* 0: the bytes, 1: a matcher function */
  weir_pool_t *pool; /* of leases, each of so many bytes; 0: any number */
  size_t width;
};

/* A matcher as a user would write it: slow and plain. It keeps all bytes. */
struct plain {
  const char *delimiter;
  size_t len;
  char seen[64];
  size_t size;
};

static int plain_match(void *arg, const char *bytes, size_t len, size_t *end) {
  struct plain *m = arg;
  size_t i;

  for (i = 0; i < len; i++) {
    m->seen[m->size++] = bytes[i];
    if (m->size >= m->len &&
        memcmp(m->seen + m->size - m->len, m->delimiter, m->len) == 0) {
      *end = i + 1;
      return 1;
    }
  }
  return 0;
}

/* The offset just past the first match in n bytes, or 0. */
static size_t find(const struct search *w, size_t n) {
  size_t at;

  for (at = w->len; at <= n; at++)
    if (memcmp(w->input + at - w->len, w->delimiter, w->len) == 0)
      return at;
  return 0;
}

static struct outcome expected(const struct search *w, size_t fail_at,
                               int *reached) {
  struct outcome o = {0, 0};
  size_t held = w->held;
  size_t room = 0;
  size_t transfer;

  for (transfer = 1; (o.n = find(w, held)) == 0; transfer++) {
    size_t left = w->size - held;
    size_t give;

    if (held == LIMIT) {
      o.status = UV_ENOBUFS;
      o.n = held;
      return o;
    }
    if (left > LIMIT - held)
      left = LIMIT - held;
    if (room == 0)
      room = w->width;
    if (w->width != 0 && left > room)
      left = room;
    *reached = sweep_give(&w->sweep, transfer, fail_at, left, &give);
    if (*reached) {
      held += give;
      o.n = find(w, held);
      if (o.n == 0) {
        o.status = UV_ETIMEDOUT;
        o.n = held;
      }
      return o;
    }
    if (left == 0) {
      o.status = UV_EOF;
      o.n = held;
      return o;
    }
    held += give;
    room -= w->width != 0 ? give : 0;
  }
  return o;
}

static weir_until_t until_of(const struct search *w, struct plain *m) {
  m->delimiter = w->delimiter;
  m->len = w->len;
  m->size = 0;
  if (w->how == 1)
    return weir_until_match(plain_match, m);
  if (w->len == 1)
    return weir_until_byte((unsigned char)w->delimiter[0]);
  return weir_until_bytes(w->delimiter, w->len);
}

static int run(void *arg, size_t fail_at, int *reached) {
  struct search *w = arg;
  weir_test_options_t options = {.read = sweep_script(&w->sweep, fail_at),
                                 .input = w->input + w->held,
                                 .input_size = w->size - w->held};
  struct outcome o = expected(w, fail_at, reached);
  struct request r = {.calls = 0};
  struct plain m;
  struct scripted s;
  struct box b;

  b.pool = w->pool;
  box_open(&b, w->kind, w->offset);
  box_put(&b, w->input, w->held);
  scripted_open(w->sweep.f, &s, &options);
  check_is(
      weir_read_until(&r.op, &s.stream, &b.buffer, until_of(w, &m), on_done),
      0);
  finish(w->sweep.f, &r, o.status, o.n);
  check_is(weir_test_failed(s.script), *reached);
  box_expect(&b, w->input, w->held + weir_test_delivered(s.script));
  if (o.status != 0)
    check_is(weir_buffer_size(&b.buffer), o.n);
  scripted_close(w->sweep.f, &s);
  box_close(&b);
  return 0;
}

static void each_failure(struct sweep *w) {
  sweep_failures(w, run, LIMIT + 2);
}

/* Every cut of what comes, with an error at each transfer. */
static void every_cut_and_failure(struct search *w) {
  size_t left = w->size - w->held;

  sweep_cuts(&w->sweep, left > 0 ? left : 1, each_failure);
}

/* All inputs of that size over two letters, in which overlaps abound. */
static void every_input(struct search w, const char *delimiter, int how) {
  enum { LENGTH = 6 };
  char input[LENGTH];
  unsigned bits, i;

  w.input = input;
  w.size = LENGTH;
  w.delimiter = delimiter;
  w.len = strlen(delimiter);
  w.how = how;
  for (bits = 0; bits < 1u << LENGTH; bits++) {
    for (i = 0; i < LENGTH; i++)
      input[i] = (bits >> i & 1) != 0 ? 'b' : 'a';
    w.held = bits % 3;
    w.offset = w.kind == RING ? LIMIT - LENGTH + bits % (LENGTH + 1) : 0;
    every_cut_and_failure(&w);
  }
}

static void every_delimiter_in(const struct search *w) {
  every_input(*w, "b", 0);
  every_input(*w, "ab", 0);
  every_input(*w, "aab", 0);
  every_input(*w, "abab", 0);
  every_input(*w, "aabaa", 0);
  every_input(*w, "aab", 1);
}

static void every_delimiter(struct weir_fixture *f, int kind) {
  struct search w = {.sweep = {.f = f}, .kind = kind};

  every_delimiter_in(&w);
}

WEIR_TEST(until_cuts, flat_at_every_cut_and_failure) {
  every_delimiter(f, FLAT);
}

WEIR_TEST(until_cuts, fixed_flat_at_every_cut_and_failure) {
  every_delimiter(f, FLAT_FIXED);
}

WEIR_TEST(until_cuts, ring_at_every_cut_and_failure) {
  every_delimiter(f, RING);
}

WEIR_TEST(until_cuts, chain_at_every_cut_and_failure) {
  every_delimiter(f, CHAIN);
}

/* Buffers of that many bytes: no more of them are out than there are bytes, and
 * none in the end. */
static void every_delimiter_over(struct weir_fixture *f, size_t width) {
  struct search w = {.sweep = {.f = f}, .kind = LEASES, .width = width};

  check_is(weir_pool_create(f->loop, LIMIT, width, &w.pool), 0);
  every_delimiter_in(&w);
  check_is(weir_pool_destroy(w.pool), 0);
}

WEIR_TEST(until_cuts, leases_of_a_byte_at_every_cut_and_failure) {
  every_delimiter_over(f, 1);
}

WEIR_TEST(until_cuts, leases_of_three_at_every_cut_and_failure) {
  every_delimiter_over(f, 3);
}

/* The delimiter at every place of the ring, so that its seam cuts it at every
 * place too, read in every cut. */
WEIR_TEST(until_cuts, a_delimiter_at_every_place_of_a_ring) {
  char input[LIMIT];
  struct search w = {.sweep = {.f = f},
                     .kind = RING,
                     .input = input,
                     .size = LIMIT,
                     .delimiter = "\r\n\r\n",
                     .len = 4};
  size_t place;

  for (place = 0; place + 4 <= LIMIT; place++) {
    memset(input, 'x', LIMIT);
    memcpy(input + place, "\r\n\r\n", 4);
    for (w.offset = 0; w.offset < 11; w.offset++) {
      w.held = (place + w.offset) % 4;
      for (w.sweep.first = 1; w.sweep.first < LIMIT - w.held;
           w.sweep.first += 2)
        for (w.sweep.second = 1; w.sweep.second < LIMIT - w.held;
             w.sweep.second += 3)
          check_is(weir_test_each_failure(run, &w.sweep, NULL), 0);
    }
  }
}
