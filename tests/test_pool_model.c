/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "random.h"
#include "support/fixture.h"

/* Random steps on a pool against a plain map of its smallest pieces: buffers of
 * all sizes are taken, retained, held by operations and released. */

enum { LEAST = 4096, TOP = 3, WHOLE = LEAST << 2 * TOP, COUNT = 4 };
enum { UNITS = COUNT << 2 * TOP, SEVERAL = 7 };

/* A buffer that is not free: how many have it. */
typedef struct piece_s {
  uv_buf_t buf;
  unsigned refs;
  unsigned holds;
} piece_t;

typedef struct model_s {
  random_t random;
  weir_loop_t *loop;
  weir_pool_t *pool;
  char *base;
  piece_t pieces[UNITS];
  size_t count;
  char used[UNITS];
  size_t acquired;
  size_t refused;
  size_t late; /* released while they were held */
} model_t;

/* WEIR_TEST_POOL_STEPS has it go on for so many. */
static size_t steps(void) {
  const char *given = getenv("WEIR_TEST_POOL_STEPS");
  return given == NULL ? 6000000 : (size_t)strtoull(given, NULL, 10);
}

static size_t units_of(size_t size) {
  size_t units = 1;
  while (units * LEAST < size)
    units *= 4;
  return units;
}

static int is_free(const model_t *m, size_t first, size_t units) {
  for (size_t i = 0; i < units; i++)
    if (m->used[first + i])
      return 0;
  return 1;
}

static size_t free_ones(const model_t *m, size_t units) {
  size_t n = 0;
  for (size_t first = 0; first < UNITS; first += units)
    n += (size_t)is_free(m, first, units);
  return n;
}

static void acquire(model_t *m) {
  size_t size = 1 + random_below(&m->random,
                                 (size_t)LEAST << random_below(&m->random, 7));
  size_t units = units_of(size);
  uv_buf_t buf;
  int r = weir_pool_acquire_size(m->pool, size, &buf);
  if (r == UV_ENOBUFS) {
    check_is(free_ones(m, units), 0);
    m->refused++;
    return;
  }
  check_is(r, 0);
  check_is(buf.len, units * LEAST);
  size_t offset = (size_t)(buf.base - m->base);
  check_is(offset % (units * LEAST), 0);
  cr_assert(offset + buf.len <= (size_t)UNITS * LEAST);
  cr_assert(is_free(m, offset / LEAST, units));
  memset(m->used + offset / LEAST, 1, units);
  m->pieces[m->count++] = (piece_t){.buf = buf, .refs = 1};
  m->acquired++;
}

/* Any part of a piece. */
static uv_buf_t part_of(model_t *m, const piece_t *piece) {
  size_t offset = random_below(&m->random, piece->buf.len);
  return uv_buf_init(
      piece->buf.base + offset,
      (unsigned)(1 + random_below(&m->random, piece->buf.len - offset)));
}

static void ended(model_t *m, piece_t *piece) {
  if (piece->refs > 0 || piece->holds > 0)
    return;
  size_t first = (size_t)(piece->buf.base - m->base) / LEAST;
  memset(m->used + first, 0, piece->buf.len / LEAST);
  *piece = m->pieces[--m->count];
}

static void retain(model_t *m, piece_t *piece) {
  const uv_buf_t part = part_of(m, piece);
  check_is(weir_pool_retain(m->pool, &part), piece->refs ? 0 : UV_EINVAL);
  piece->refs += piece->refs > 0;
}

static void release(model_t *m, piece_t *piece) {
  const uv_buf_t part = part_of(m, piece);
  check_is(weir_pool_release(m->pool, &part), piece->refs ? 0 : UV_EINVAL);
  m->late += piece->refs == 1 && piece->holds > 0;
  piece->refs -= piece->refs > 0;
  ended(m, piece);
}

static void hold(model_t *m, piece_t *piece) {
  const uv_buf_t part = part_of(m, piece);
  check_is(weir__slabs_hold(&m->loop->slabs, &part, 1), piece->refs > 0);
  piece->holds += piece->refs > 0;
}

static void unhold(model_t *m, piece_t *piece) {
  const uv_buf_t part = part_of(m, piece);
  if (piece->holds == 0)
    return;
  piece->holds--;
  weir__slabs_unhold(&m->loop->slabs, &part, 1);
  ended(m, piece);
}

static void step(model_t *m) {
  size_t what = random_below(&m->random, 12);
  if (what < 5 || m->count == 0) {
    acquire(m);
    return;
  }
  piece_t *piece = &m->pieces[random_below(&m->random, m->count)];
  if (what == 5)
    retain(m, piece);
  else if (what == 6)
    hold(m, piece);
  else if (what == 7)
    unhold(m, piece);
  else
    release(m, piece);
}

static void finish_all(model_t *m) {
  while (m->count > 0) {
    piece_t *piece = &m->pieces[m->count - 1];
    if (piece->holds > 0)
      unhold(m, piece);
    else
      release(m, piece);
  }
}

Test(pool_model, buffers_of_all_sizes, .timeout = 300) {
  const weir_pool_options_t options = {
      .count = COUNT, .buffer_size = WHOLE, .least = LEAST};
  static model_t m;
  struct weir_fixture f;
  uv_buf_t whole;
  fixture_prepare(&f, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  fixture_attach(&f, NULL);
  m.random = random_seeded("pool_model");
  m.loop = f.loop;
  check_is(weir_pool_create_with(f.loop, &options, &m.pool), 0);
  check_is(weir_pool_acquire(m.pool, &whole), 0);
  m.base = whole.base;
  check_is(weir_pool_release(m.pool, &whole), 0);
  size_t n = steps();
  for (size_t i = 0; i < n; i++) {
    step(&m);
    if (i % 64 == 0)
      check_is(weir_pool_available(m.pool),
               free_ones(&m, (size_t)1 << 2 * TOP));
    /* Now and then all of it is one again. */
    if (i % 5000 == 4999)
      finish_all(&m);
  }
  fprintf(stderr, "pool_model: %zu acquired, %zu refused, %zu released late\n",
          m.acquired, m.refused, m.late);
  cr_assert(m.acquired > n / SEVERAL && m.refused > 0 && m.late > 0);
  finish_all(&m);
  check_is(weir_pool_available(m.pool), COUNT);
  check_is(weir_pool_destroy(m.pool), 0);
  fixture_finish(&f);
}
