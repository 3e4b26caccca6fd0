/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__SEQ_H
#define WEIR__SEQ_H

#include <weir/seq.h>

/* What the core needs of sequences beyond the public functions. */

enum {
  WEIR__SEQ_BLOCK, /* at: the first byte; left is exact */
  WEIR__SEQ_ARRAY, /* at: the current uv_buf_t */
  WEIR__SEQ_CHAIN, /* at: the current weir_link_t */
  WEIR__SEQ_RING,  /* at: the storage; skip: the offset; left is exact */
  WEIR__SEQ_PARTS, /* at: the current weir_seq_t */
  WEIR__SEQ_ITER   /* at: the position of the current segment */
};

#define WEIR__SEQ_PINNED 1

/* What uv_buf_t's len can hold, and its type. */
#ifdef _WIN32
typedef ULONG weir__len_t;
#define WEIR__SEGMENT_MAX ((size_t)1 << 30)
#else
typedef size_t weir__len_t;
#define WEIR__SEGMENT_MAX SIZE_MAX
#endif

static inline uv_buf_t weir__buf(const void *base, size_t len) {
  uv_buf_t buf;
  buf.base = (char *)(uintptr_t)base;
  buf.len = (weir__len_t)len;
  return buf;
}

/* Gives the first segment that is not empty, cut to the sequence's end,
 * without taking it; s is moved to it, past empty ones. Returns 0 at the end.
 */
int weir__seq_peek(weir_seq_t *s, uv_buf_t *segment);

/* Passes n bytes of the segment that weir__seq_peek() gave last; n is at most
 * its length. */
void weir__seq_pass(weir_seq_t *s, size_t n);

/* Appends the front of s to a window that holds `used` entries already, the
 * last of which grows if it touches. Returns the new number of entries and
 * adds the bytes to *bytes; stops at WEIR_WINDOW or when *bytes is max_bytes.
 */
unsigned weir__seq_fill(const weir_seq_t *s, uv_buf_t out[WEIR_WINDOW],
                        unsigned used, size_t *bytes, size_t max_bytes);

/* The number of descriptors that an operation must copy to own s: 0 when s
 * needs none (one segment, a ring) or is pinned. */
size_t weir__seq_descriptors(const weir_seq_t *s);

/* Makes s independent of what it was made from. store has room for
 * weir__seq_descriptors() entries, may be NULL if that is 0, and must live as
 * long as s. */
void weir__seq_own(weir_seq_t *s, uv_buf_t *store);

/* How many bytes one system call may be given: page-aligned, at most 1 GiB. */
size_t weir__seq_max_bytes(void);

#endif
