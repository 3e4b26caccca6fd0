/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "seq.h"

/* A mutable sequence is a const one under another type. */

static weir_mseq_t mutable_seq(weir_seq_t s) {
  weir_mseq_t m;

  m.seq = s;
  return m;
}

extern inline weir_mseq_t weir_mseq_block(void *base, size_t len);
extern inline weir_seq_t weir_seq_from(weir_mseq_t m);

weir_mseq_t weir_mseq_bufs(const uv_buf_t *bufs, size_t nbufs) {
  return mutable_seq(weir_seq_bufs(bufs, nbufs));
}

weir_mseq_t weir_mseq_chain(const weir_link_t *first) {
  return mutable_seq(weir_seq_chain(first));
}

weir_mseq_t weir_mseq_ring(void *base, size_t capacity, size_t offset,
                           size_t len) {
  return mutable_seq(weir_seq_ring(base, capacity, offset, len));
}

weir_mseq_t weir_mseq_concat(const weir_mseq_t *parts, unsigned int nparts) {
  return mutable_seq(weir_seq_concat((const weir_seq_t *)parts, nparts));
}

weir_mseq_t weir_mseq_iterator(weir_seq_next_cb next, void *context,
                               uintptr_t position) {
  return mutable_seq(weir_seq_iterator(next, context, position));
}

weir_mseq_t weir_mseq_pinned(weir_mseq_t m) {
  return mutable_seq(weir_seq_pinned(m.seq));
}

size_t weir_mseq_size(weir_mseq_t m) {
  return weir_seq_size(m.seq);
}

int weir_mseq_empty(weir_mseq_t m) {
  return weir_seq_empty(m.seq);
}

size_t weir_mseq_count(weir_mseq_t m) {
  return weir_seq_count(m.seq);
}

weir_mseq_t weir_mseq_prefix(weir_mseq_t m, size_t n) {
  return mutable_seq(weir_seq_prefix(m.seq, n));
}

weir_mseq_t weir_mseq_suffix(weir_mseq_t m, size_t n) {
  return mutable_seq(weir_seq_suffix(m.seq, n));
}

weir_mseq_t weir_mseq_slice(weir_mseq_t m, size_t off, size_t len) {
  return mutable_seq(weir_seq_slice(m.seq, off, len));
}

size_t weir_mseq_advance(weir_mseq_t *m, size_t n) {
  return weir_seq_advance(&m->seq, n);
}

int weir_mseq_next(weir_mseq_t *m, uv_buf_t *segment) {
  return weir_seq_next(&m->seq, segment);
}

size_t weir_mseq_window(weir_mseq_t m, uv_buf_t out[WEIR_WINDOW],
                        size_t max_bytes) {
  return weir_seq_window(m.seq, out, max_bytes);
}
