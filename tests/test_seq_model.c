/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include "random.h"
#include "seq.h"

/* Random sequences of every kind against a plain array of the same bytes. */

TestSuite(seq_model, .timeout = 300);

#define MOST 4096

typedef struct world_s {
  random_t random;
  char memory[1 << 16];
  size_t used;
} world_t;

typedef struct model_s {
  weir_seq_t seq;
  char bytes[MOST];
  size_t size;
} model_t;

static world_t *world;

/* Storage for descriptors, which a sequence does not own. */
static void *room(size_t size) {
  void *at;

  world->used = (world->used + 15) & ~(size_t)15;
  at = world->memory + world->used;
  world->used += size;
  cr_assert_leq(world->used, sizeof(world->memory));
  return at;
}

/* A segment of few letters, so that searches find something. At times it
 * touches the one before, at times it is empty. */
static uv_buf_t segment(model_t *m) {
  size_t n = random_below(&world->random, 4) == 0
                 ? 0
                 : random_below(&world->random, 7);
  char *at = world->memory + world->used;
  size_t i;

  for (i = 0; i < n; i++)
    m->bytes[m->size + i] = (char)('a' + random_below(&world->random, 2));
  memcpy(at, m->bytes + m->size, n);
  m->size += n;
  world->used += n + random_below(&world->random, 2);
  cr_assert_leq(world->used, sizeof(world->memory));
  return weir__buf(n == 0 && random_below(&world->random, 2) ? NULL : at, n);
}

typedef struct list_s {
  size_t n;
  uv_buf_t bufs[8];
} list_t;

static int next_of_list(void *context, uintptr_t *position, uv_buf_t *out) {
  list_t *list = context;

  if (*position == list->n)
    return 0;
  *out = list->bufs[(*position)++];
  return 1;
}

static weir_seq_t make_list(model_t *m, int iterate) {
  list_t *list = room(sizeof(*list));
  size_t i;

  list->n = random_below(&world->random, 9);
  for (i = 0; i < list->n; i++)
    list->bufs[i] = segment(m);
  return iterate ? weir_seq_iterator(next_of_list, list, 0)
                 : weir_seq_bufs(list->bufs, list->n);
}

static weir_seq_t make_chain(model_t *m) {
  size_t n = random_below(&world->random, 6);
  weir_link_t *links = room((n + 1) * sizeof(*links));
  size_t i;

  for (i = 0; i < n; i++) {
    links[i].buf = segment(m);
    links[i].next = i + 1 < n ? &links[i + 1] : NULL;
  }
  return weir_seq_chain(n != 0 ? links : NULL);
}

static weir_seq_t make_ring(model_t *m) {
  size_t capacity = random_below(&world->random, 9);
  size_t offset = random_below(&world->random, 20);
  size_t n = random_below(&world->random, 12);
  char *base = room(capacity);
  size_t i;

  for (i = 0; i < capacity; i++)
    base[i] = (char)('a' + random_below(&world->random, 2));
  for (i = 0; i < n && i < capacity; i++)
    m->bytes[m->size++] = base[(offset + i) % capacity];
  return weir_seq_ring(base, capacity, offset, n);
}

static void cut(model_t *m, size_t off, size_t len) {
  if (off > m->size)
    off = m->size;
  if (len > m->size - off)
    len = m->size - off;
  memmove(m->bytes, m->bytes + off, len);
  m->size = len;
}

static void make(model_t *m, int depth);

static weir_seq_t make_parts(model_t *m, int depth) {
  unsigned n = (unsigned)random_below(&world->random, 5);
  weir_seq_t *parts = room((n + 1) * sizeof(*parts));
  unsigned i;

  for (i = 0; i < n; i++) {
    model_t *part = malloc(sizeof(*part));
    make(part, depth - 1);
    parts[i] = part->seq;
    memcpy(m->bytes + m->size, part->bytes, part->size);
    m->size += part->size;
    free(part);
  }
  return weir_seq_concat(parts, n);
}

static void make(model_t *m, int depth) {
  m->size = 0;
  switch (random_below(&world->random, depth > 0 ? 8 : 5)) {
  case 0: {
    uv_buf_t block = segment(m);
    m->seq = weir_seq_block(block.base, block.len);
    break;
  }
  case 1:
    m->seq = make_list(m, 0);
    break;
  case 2:
    m->seq = make_list(m, 1);
    break;
  case 3:
    m->seq = make_chain(m);
    break;
  case 4:
    m->seq = make_ring(m);
    break;
  default:
    m->seq = make_parts(m, depth);
    break;
  }
  if (random_below(&world->random, 4) == 0) {
    size_t off = random_below(&world->random, m->size + 2);
    size_t len = random_below(&world->random, m->size + 2);
    m->seq = weir_seq_slice(m->seq, off, len);
    cut(m, off, len);
  }
}

static void same_bytes(weir_seq_t s, const char *bytes, size_t size) {
  static char out[MOST];
  size_t n = weir_seq_copy(weir_mseq_block(out, MOST), s, SIZE_MAX);

  cr_assert_eq(n, size);
  cr_assert_eq(weir_seq_size(s), size);
  cr_assert_eq(weir_seq_empty(s), size == 0);
  cr_assert(size == 0 || memcmp(out, bytes, size) == 0);
}

static void windows(const model_t *m) {
  weir_seq_t s = m->seq;
  size_t total = 0;

  for (;;) {
    size_t max = random_below(&world->random, 4) == 0
                     ? random_below(&world->random, 30) + 1
                     : SIZE_MAX;
    uv_buf_t out[WEIR_WINDOW];
    size_t n = weir_seq_window(s, out, max);
    size_t offered = 0, i, accept;
    if (n == 0)
      break;
    for (i = 0; i < n; i++) {
      cr_assert_neq(out[i].len, 0);
      cr_assert(i == 0 || out[i - 1].base + out[i - 1].len != out[i].base);
      cr_assert_arr_eq(out[i].base, m->bytes + total + offered, out[i].len);
      offered += out[i].len;
    }
    cr_assert_leq(offered, max);
    cr_assert(n == WEIR_WINDOW || offered == max || total + offered == m->size);
    accept = random_below(&world->random, offered) + 1;
    cr_assert_eq(weir_seq_advance(&s, accept), accept);
    total += accept;
  }
  cr_assert_eq(total, m->size);
}

static void finds(const model_t *m) {
  char needle[6];
  size_t n = random_below(&world->random, 5) + 1;
  size_t want = SIZE_MAX;
  size_t i;

  for (i = 0; i < n; i++)
    needle[i] = (char)('a' + random_below(&world->random, 2));
  for (i = 0; i + n <= m->size && want == SIZE_MAX; i++)
    if (memcmp(m->bytes + i, needle, n) == 0)
      want = i;
  cr_assert_eq(weir_seq_find(m->seq, needle, n), want);
}

static void cursors(const model_t *m) {
  weir_seq_cursor_t cursor = weir_seq_cursor(m->seq);
  size_t at = 0;
  char out[9];

  for (;;) {
    size_t want = random_below(&world->random, 9);
    size_t n = weir_seq_cursor_read(&cursor, out, want);
    cr_assert_eq(n, want < m->size - at ? want : m->size - at);
    cr_assert(n == 0 || memcmp(out, m->bytes + at, n) == 0);
    at += n;
    cr_assert_eq(weir_seq_cursor_offset(&cursor), at);
    same_bytes(weir_seq_cursor_rest(&cursor), m->bytes + at, m->size - at);
    if (n < want)
      break;
  }
}

static void copies(const model_t *m) {
  model_t *dst = malloc(sizeof(*dst));
  weir_mseq_t to;
  size_t limit = random_below(&world->random, m->size + 9);
  size_t want;

  make(dst, 2);
  to.seq = dst->seq;
  want = m->size < dst->size ? m->size : dst->size;
  if (limit < want)
    want = limit;
  cr_assert_eq(weir_seq_copy(to, m->seq, limit), want);
  if (want != 0)
    memcpy(dst->bytes, m->bytes, want);
  same_bytes(dst->seq, dst->bytes, dst->size);
  cr_assert_eq(weir_seq_compare(weir_seq_prefix(dst->seq, want),
                                weir_seq_prefix(m->seq, want)),
               0);
  free(dst);
}

static void owns(const model_t *m) {
  weir_seq_t s = m->seq;
  size_t n = weir__seq_descriptors(&s);
  uv_buf_t *store = malloc((n + 1) * sizeof(*store));

  store[n].len = 12345;
  weir__seq_own(&s, store);
  cr_assert_eq(store[n].len, 12345);
  same_bytes(s, m->bytes, m->size);
  free(store);
}

static void slices(model_t *m) {
  size_t n = random_below(&world->random, m->size + 3);
  size_t kept = n < m->size ? n : m->size;

  same_bytes(weir_seq_prefix(m->seq, n), m->bytes, kept);
  same_bytes(weir_seq_suffix(m->seq, n), m->bytes + m->size - kept, kept);
  cr_assert_eq(weir_seq_byte(m->seq, n),
               n < m->size ? (unsigned char)m->bytes[n] : UV_EOF);
  cr_assert_eq(weir_seq_advance(&m->seq, n), kept);
  cut(m, n, SIZE_MAX);
  same_bytes(m->seq, m->bytes, m->size);
}

static void run(random_t random, int rounds) {
  model_t *m = malloc(sizeof(*m));

  world = calloc(1, sizeof(*world));
  world->random = random;
  while (rounds-- > 0) {
    world->used = 0;
    make(m, 3);
    same_bytes(m->seq, m->bytes, m->size);
    windows(m);
    finds(m);
    cursors(m);
    owns(m);
    slices(m);
    windows(m);
    owns(m);
    finds(m);
    copies(m);
  }
  free(m);
  free(world);
}

Test(seq_model, random_sequences_of_every_kind) {
  run(random_seeded("seq_model"), 20000);
}

Test(seq_model, seeds_that_failed_once) {
  static const uint64_t seeds[] = {117654136628480, 117654136693071};
  size_t i;

  for (i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
    random_t random;
    random.state = seeds[i];
    run(random, 2000);
  }
}
