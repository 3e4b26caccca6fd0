/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "seq.h"

/* The input is a program: it builds a sequence of any kinds and slices it, and
 * each result is compared with a plain array of the same bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

#define PARTS 6
#define SEGMENTS 12
#define MOST 4096

static const uint8_t *next_input, *end_input;
static char source[300];

typedef struct model_s {
  weir_seq_t seq;
  char bytes[MOST];
  size_t size;
} model_t;

static void expect(int truth) {
  if (!truth)
    abort();
}

/* The next byte of the program; 0 when it has ended. */
static size_t take(size_t bound) {
  return next_input < end_input ? *next_input++ % bound : 0;
}

static uv_buf_t segment(model_t *m) {
  size_t at = take(256);
  size_t n = take(32);

  memcpy(m->bytes + m->size, source + at, n);
  m->size += n;
  return weir__buf(n != 0 ? source + at : NULL, n);
}

typedef struct storage_s {
  uv_buf_t bufs[SEGMENTS];
  weir_link_t links[SEGMENTS];
  size_t n;
} storage_t;

static int next_segment(void *context, uintptr_t *position, uv_buf_t *out) {
  storage_t *storage = context;

  if (*position >= storage->n)
    return 0;
  *out = storage->bufs[(*position)++];
  return 1;
}

static weir_seq_t make_segments(model_t *m, storage_t *storage, size_t kind) {
  size_t i;

  storage->n = take(SEGMENTS + 1);
  for (i = 0; i < storage->n; i++) {
    storage->bufs[i] = segment(m);
    storage->links[i].buf = storage->bufs[i];
    storage->links[i].next = i + 1 < storage->n ? &storage->links[i + 1] : NULL;
  }
  if (kind == 0)
    return weir_seq_bufs(storage->bufs, storage->n);
  if (kind == 1)
    return weir_seq_chain(storage->n != 0 ? storage->links : NULL);
  return weir_seq_iterator(next_segment, storage, 0);
}

static weir_seq_t make_ring(model_t *m) {
  size_t capacity = take(30);
  size_t offset = take(60);
  size_t n = take(40);
  size_t i;

  for (i = 0; i < n && i < capacity; i++)
    m->bytes[m->size++] = source[(offset + i) % capacity];
  return weir_seq_ring(source, capacity, offset, n);
}

static void slice(model_t *m, size_t from, weir_seq_t *seq) {
  size_t size = m->size - from;
  size_t off = take(64);
  size_t len = take(256);

  *seq = weir_seq_slice(*seq, off, len);
  if (off > size)
    off = size;
  if (len > size - off)
    len = size - off;
  memmove(m->bytes + from, m->bytes + from + off, len);
  m->size = from + len;
}

static weir_seq_t make_part(model_t *m, storage_t *storage) {
  size_t from = m->size;
  size_t kind = take(10);
  weir_seq_t seq;

  if (kind % 5 < 3) {
    seq = make_segments(m, storage, kind % 5);
  } else if (kind % 5 == 3) {
    seq = make_ring(m);
  } else {
    uv_buf_t buf = segment(m);
    seq = weir_seq_block(buf.base, buf.len);
  }
  if (kind >= 5)
    slice(m, from, &seq);
  return seq;
}

static void same(weir_seq_t s, const char *bytes, size_t size) {
  static char out[MOST];

  expect(weir_seq_size(s) == size);
  expect(weir_seq_empty(s) == (size == 0));
  expect(weir_seq_copy(weir_mseq_block(out, MOST), s, SIZE_MAX) == size);
  expect(memcmp(out, bytes, size) == 0);
}

static void check_windows(const model_t *m) {
  size_t max = take(100) + 1;
  weir_seq_t s = m->seq;
  uv_buf_t out[WEIR_WINDOW];
  size_t total = 0;
  size_t n;

  while ((n = weir_seq_window(s, out, max)) != 0) {
    size_t offered = 0, i;
    expect(n <= WEIR_WINDOW);
    for (i = 0; i < n; i++) {
      expect(out[i].len != 0);
      expect(i == 0 || out[i - 1].base + out[i - 1].len != out[i].base);
      expect(memcmp(out[i].base, m->bytes + total + offered, out[i].len) == 0);
      offered += out[i].len;
    }
    expect(offered <= max);
    expect(n == WEIR_WINDOW || offered == max || total + offered == m->size);
    offered -= take(offered);
    expect(weir_seq_advance(&s, offered) == offered);
    total += offered;
  }
  expect(total == m->size);
}

static void check_find(const model_t *m) {
  size_t at = take(256);
  size_t n = take(4) + 1;
  size_t want = SIZE_MAX;
  size_t i;

  for (i = 0; i + n <= m->size && want == SIZE_MAX; i++)
    if (memcmp(m->bytes + i, source + at, n) == 0)
      want = i;
  expect(weir_seq_find(m->seq, source + at, n) == want);
}

static void check_owned(const model_t *m) {
  weir_seq_t s = m->seq;
  size_t n = weir__seq_descriptors(&s);
  uv_buf_t *store = malloc(n * sizeof(*store) + 1);

  expect(store != NULL);
  weir__seq_own(&s, store);
  same(s, m->bytes, m->size);
  free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static storage_t storage[2 * PARTS];
  weir_seq_t parts[PARTS], outer[PARTS];
  model_t m;
  unsigned n, k, i;

  next_input = input;
  end_input = input + size;
  for (i = 0; i < sizeof(source); i++)
    source[i] = (char)(i * i % 7);
  m.size = 0;
  n = (unsigned)take(PARTS + 1);
  for (i = 0; i < n; i++)
    parts[i] = make_part(&m, &storage[i]);
  m.seq = weir_seq_concat(parts, n);
  k = (unsigned)take(PARTS);
  outer[0] = m.seq;
  for (i = 1; i <= k; i++)
    outer[i] = make_part(&m, &storage[PARTS + i]);
  m.seq = weir_seq_concat(outer, k + 1);
  same(m.seq, m.bytes, m.size);
  while (next_input < end_input) {
    slice(&m, 0, &m.seq);
    same(m.seq, m.bytes, m.size);
    check_windows(&m);
    check_find(&m);
    check_owned(&m);
    n = (unsigned)take(64);
    k = n < m.size ? n : (unsigned)m.size;
    same(weir_seq_suffix(m.seq, n), m.bytes + m.size - k, k);
    expect(weir_seq_compare(weir_seq_prefix(m.seq, n),
                            weir_seq_block(m.bytes, k)) == 0);
  }
  return 0;
}
