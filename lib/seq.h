/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SEQ_H
#define WEIR__SEQ_H

#include <weir/seq.h>

/* What the core needs of sequences beyond the public functions. */

/* The first two need nothing besides themselves, and left is exact. */
enum {
  WEIR__SEQ_BLOCK, /* at: the first byte; the fields from skip on are unused */
  WEIR__SEQ_RING,  /* at: the storage; skip: the offset */
  WEIR__SEQ_ARRAY, /* at: the current uv_buf_t */
  WEIR__SEQ_CHAIN, /* at: the current weir_link_t */
  WEIR__SEQ_PARTS, /* at: the current weir_seq_t */
  WEIR__SEQ_ITER   /* at: the position of the current segment */
};

#define WEIR__SEQ_PINNED 1

/* The type of uv_buf_t's len, and what it can hold for sure. */
typedef __typeof__(((uv_buf_t *)0)->len) weir__len_t;
#define WEIR__SEGMENT_MAX                                                      \
  (sizeof(weir__len_t) < sizeof(size_t) ? (size_t)1 << 30 : SIZE_MAX)

static inline uv_buf_t weir__buf(const void *base, size_t len) {
  uv_buf_t buf;
  buf.base = (char *)(uintptr_t)base;
  buf.len = (weir__len_t)len;
  return buf;
}

static inline size_t weir__smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* One block is what nearly all sequences are: it is dealt with in line here,
 * and those that may have many segments in these. */
int weir__seq_peek_many(weir_seq_t *s, uv_buf_t *segment);
void weir__seq_pass_many(weir_seq_t *s, size_t n);
size_t weir__seq_advance_many(weir_seq_t *s, size_t n);
size_t weir__seq_size_many(const weir_seq_t *s);
unsigned weir__seq_fill_many(const weir_seq_t *s, uv_buf_t out[WEIR_WINDOW],
                             unsigned used, size_t *bytes, size_t room);

/* Gives the first segment that is not empty, cut to the sequence's end,
 * without taking it; s is moved to it, past empty ones. Returns 0 at the end.
 */
static inline int weir__seq_peek(weir_seq_t *s, uv_buf_t *segment) {
  if (s->kind != WEIR__SEQ_BLOCK)
    return weir__seq_peek_many(s, segment);
  if (s->left == 0)
    return 0;
  *segment = weir__buf(s->at, weir__smaller(s->left, WEIR__SEGMENT_MAX));
  return 1;
}

/* Passes n bytes of the segment that weir__seq_peek() gave last; n is at most
 * its length. */
static inline void weir__seq_pass(weir_seq_t *s, size_t n) {
  if (s->kind != WEIR__SEQ_BLOCK) {
    weir__seq_pass_many(s, n);
    return;
  }
  if (n == 0)
    return;
  s->at = (const char *)s->at + n;
  s->left -= n;
}

/* As the public functions. */
static inline size_t weir__seq_advance(weir_seq_t *s, size_t n) {
  if (s->kind != WEIR__SEQ_BLOCK)
    return weir__seq_advance_many(s, n);
  n = weir__smaller(n, s->left);
  weir__seq_pass(s, n);
  return n;
}

static inline size_t weir__seq_size(const weir_seq_t *s) {
  return s->kind <= WEIR__SEQ_RING ? s->left : weir__seq_size_many(s);
}

/* Appends a segment to a window that holds `used` entries already, the last of
 * which grows if it touches. Returns the new number of entries and adds what
 * was put to *bytes: all or nothing. */
static inline unsigned weir__window_put(uv_buf_t out[WEIR_WINDOW],
                                        unsigned used, const void *base,
                                        size_t len, size_t *bytes) {
  if (len == 0)
    return used;
  if (used != 0 && out[used - 1].base + out[used - 1].len == base)
    out[used - 1].len += (weir__len_t)len;
  else if (used < WEIR_WINDOW)
    out[used++] = weir__buf(base, len);
  else
    return used;
  *bytes += len;
  return used;
}

/* Appends the front of s to a window, as much as there is room for, until
 * *bytes is max_bytes. */
static inline unsigned weir__seq_fill(const weir_seq_t *s,
                                      uv_buf_t out[WEIR_WINDOW], unsigned used,
                                      size_t *bytes, size_t max_bytes) {
  size_t sum = *bytes;
  size_t room = weir__smaller(max_bytes > sum ? max_bytes - sum : 0, s->left);
  if (s->kind == WEIR__SEQ_BLOCK) {
    used = weir__window_put(out, used, s->at, room, bytes);
  } else {
    used = weir__seq_fill_many(s, out, used, &sum, room);
    *bytes = sum;
  }
  return used;
}

/* How many bytes one system call may be given: page-aligned, at most 1 GiB. */
static inline size_t weir__seq_max_bytes(void) {
  return (size_t)1 << 30;
}

/* Whether s, which is not empty, lies in one piece, as nearly all do: its
 * window is *one then. */
static inline int weir__seq_in_one(const weir_seq_t *s, uv_buf_t *one) {
  const char *at = s->at;
  if (s->kind == WEIR__SEQ_RING && s->left <= s->u.size - s->skip)
    at += s->skip;
  else if (s->kind != WEIR__SEQ_BLOCK)
    return 0;
  *one = weir__buf(at, weir__smaller(s->left, weir__seq_max_bytes()));
  return 1;
}

/* Whether s is independent of what it was made from, or pinned. */
static inline int weir__seq_owns_itself(const weir_seq_t *s) {
  return s->kind <= WEIR__SEQ_RING || (s->flags & WEIR__SEQ_PINNED) != 0;
}

/* The number of descriptors that an operation must copy to own s: 0 when s
 * needs none (one segment, a ring) or is pinned. */
size_t weir__seq_descriptors(const weir_seq_t *s);

/* Makes s independent of what it was made from. store has room for
 * weir__seq_descriptors() entries, may be NULL if that is 0, and must live as
 * long as s. */
void weir__seq_own(weir_seq_t *s, uv_buf_t *store);

#endif
