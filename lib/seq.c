/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "seq.h"

#include <string.h>

_Static_assert(sizeof(weir_seq_t) <= 48, "a sequence is a small value");
_Static_assert(sizeof(weir_mseq_t) == sizeof(weir_seq_t),
               "an array of mutable parts is read as one of const parts");

static weir_seq_t make(unsigned char kind, const void *at, size_t left) {
  return (weir_seq_t){.left = left, .at = at, .kind = kind};
}

/* ---- Making ---- */

_Static_assert(WEIR__SEQ_BLOCK == 0, "the public header makes blocks");

extern inline weir_seq_t weir_seq_block(const void *base, size_t len);

weir_seq_t weir_seq_bufs(const uv_buf_t *bufs, size_t nbufs) {
  weir_seq_t s = make(WEIR__SEQ_ARRAY, bufs, nbufs != 0 ? SIZE_MAX : 0);

  s.u.end = nbufs != 0 ? bufs + nbufs : bufs;
  return s;
}

weir_seq_t weir_seq_chain(const weir_link_t *first) {
  return make(WEIR__SEQ_CHAIN, first, SIZE_MAX);
}

weir_seq_t weir_seq_ring(const void *base, size_t capacity, size_t offset,
                         size_t len) {
  weir_seq_t s = make(WEIR__SEQ_RING, base, weir__smaller(len, capacity));

  s.u.size = capacity;
  if (offset >= capacity)
    offset = capacity != 0 ? offset % capacity : 0;
  s.skip = offset;
  return s;
}

weir_seq_t weir_seq_iterator(weir_seq_next_cb next, void *context,
                             uintptr_t position) {
  weir_seq_t s = make(WEIR__SEQ_ITER, (const void *)position, SIZE_MAX);

  s.u.next = next;
  s.inner = context;
  return s;
}

/* A sequence of parts carries the changing fields of its current part: at in
 * inner, skip in skip, left in u.size. A part that has parts itself has more
 * of them, and is known by the bytes passed in it, which skip counts. */

static void enter_part(weir_seq_t *s) {
  const weir_seq_t *part = s->at;

  if (s->parts == 0)
    return;
  s->inner = part->at;
  s->skip = part->kind == WEIR__SEQ_PARTS ? 0 : part->skip;
  s->u.size = part->left;
}

static weir_seq_t current_part(const weir_seq_t *s) {
  weir_seq_t part = *(const weir_seq_t *)s->at;

  if (part.kind == WEIR__SEQ_PARTS) {
    weir_seq_advance(&part, s->skip);
    return part;
  }
  part.at = s->inner;
  part.skip = s->skip;
  part.left = s->u.size;
  return part;
}

static void store_part(weir_seq_t *s, const weir_seq_t *part) {
  if (part->kind == WEIR__SEQ_PARTS)
    return;
  s->inner = part->at;
  s->skip = part->skip;
  s->u.size = part->left;
}

static void pass_in_part(weir_seq_t *s, size_t n) {
  weir_seq_t part;

  if (((const weir_seq_t *)s->at)->kind == WEIR__SEQ_PARTS) {
    s->skip += n;
    return;
  }
  part = current_part(s);
  weir__seq_pass(&part, n);
  store_part(s, &part);
}

weir_seq_t weir_seq_concat(const weir_seq_t *parts, unsigned int nparts) {
  weir_seq_t s = make(WEIR__SEQ_PARTS, parts, SIZE_MAX);

  s.parts = nparts;
  enter_part(&s);
  return s;
}

weir_seq_t weir_seq_pinned(weir_seq_t s) {
  s.flags |= WEIR__SEQ_PINNED;
  return s;
}

/* ---- Walking ---- */

/* Each returns whether there is a segment; it is cut to the rest of the
 * sequence by the caller. */

static int peek_array(weir_seq_t *s, uv_buf_t *segment) {
  const uv_buf_t *buf = s->at;
  size_t skip = s->skip;

  while (buf != s->u.end && buf->len <= skip) {
    buf++;
    skip = 0;
  }
  s->at = buf;
  s->skip = skip;
  if (buf == s->u.end)
    return 0;
  *segment = weir__buf(buf->base + skip, buf->len - skip);
  return 1;
}

static int peek_chain(weir_seq_t *s, uv_buf_t *segment) {
  const weir_link_t *link = s->at;

  while (link != NULL && link->buf.len <= s->skip) {
    link = link->next;
    s->skip = 0;
  }
  s->at = link;
  if (link == NULL)
    return 0;
  *segment = weir__buf(link->buf.base + s->skip, link->buf.len - s->skip);
  return 1;
}

static int peek_iterator(weir_seq_t *s, uv_buf_t *segment) {
  uintptr_t position = (uintptr_t)s->at;
  uv_buf_t buf;

  while (s->u.next((void *)(uintptr_t)s->inner, &position, &buf)) {
    if (buf.len > s->skip) {
      *segment = weir__buf(buf.base + s->skip, buf.len - s->skip);
      return 1;
    }
    s->at = (const void *)position;
    s->skip = 0;
  }
  return 0;
}

static int peek_parts(weir_seq_t *s, uv_buf_t *segment) {
  for (; s->parts != 0; s->parts--) {
    weir_seq_t part = current_part(s);
    if (weir__seq_peek(&part, segment)) {
      store_part(s, &part);
      return 1;
    }
    s->at = (const weir_seq_t *)s->at + 1;
    if (s->parts > 1)
      enter_part(s);
  }
  return 0;
}

int weir__seq_peek_many(weir_seq_t *s, uv_buf_t *segment) {
  int more = 1;

  if (s->left == 0)
    return 0;
  switch (s->kind) {
  case WEIR__SEQ_RING:
    *segment = weir__buf((const char *)s->at + s->skip,
                         weir__smaller(s->u.size - s->skip, WEIR__SEGMENT_MAX));
    break;
  case WEIR__SEQ_ARRAY:
    more = peek_array(s, segment);
    break;
  case WEIR__SEQ_CHAIN:
    more = peek_chain(s, segment);
    break;
  case WEIR__SEQ_PARTS:
    more = peek_parts(s, segment);
    break;
  default:
    more = peek_iterator(s, segment);
    break;
  }
  if (!more) {
    s->left = 0;
    return 0;
  }
  if (segment->len > s->left)
    segment->len = (weir__len_t)s->left;
  return 1;
}

void weir__seq_pass_many(weir_seq_t *s, size_t n) {
  if (n == 0)
    return;
  if (s->left != SIZE_MAX)
    s->left -= n;
  if (s->kind == WEIR__SEQ_PARTS) {
    pass_in_part(s, n);
    return;
  }
  if (s->kind == WEIR__SEQ_RING && s->skip >= s->u.size - n)
    s->skip -= s->u.size - n;
  else
    s->skip += n;
}

int weir_seq_next(weir_seq_t *s, uv_buf_t *segment) {
  if (!weir__seq_peek(s, segment))
    return 0;
  weir__seq_pass(s, segment->len);
  return 1;
}

size_t weir__seq_advance_many(weir_seq_t *s, size_t n) {
  uv_buf_t segment;
  size_t passed = 0;

  if (s->kind == WEIR__SEQ_RING) {
    n = weir__smaller(n, s->left);
    weir__seq_pass(s, n);
    return n;
  }
  while (passed < n && weir__seq_peek(s, &segment)) {
    size_t step = weir__smaller(segment.len, n - passed);
    weir__seq_pass(s, step);
    passed += step;
  }
  return passed;
}

size_t weir_seq_advance(weir_seq_t *s, size_t n) {
  return weir__seq_advance(s, n);
}

/* ---- Asking ---- */

size_t weir__seq_size_many(const weir_seq_t *s) {
  weir_seq_t rest = *s;
  uv_buf_t segment;
  size_t size = 0;

  while (weir_seq_next(&rest, &segment)) {
    if (segment.len > SIZE_MAX - size)
      return SIZE_MAX;
    size += segment.len;
  }
  return size;
}

size_t weir_seq_size(weir_seq_t s) {
  return weir__seq_size(&s);
}

int weir_seq_empty(weir_seq_t s) {
  uv_buf_t segment;

  return !weir__seq_peek(&s, &segment);
}

size_t weir_seq_count(weir_seq_t s) {
  uv_buf_t segment;
  size_t count = 0;

  while (weir_seq_next(&s, &segment))
    count++;
  return count;
}

/* ---- Slicing ---- */

weir_seq_t weir_seq_prefix(weir_seq_t s, size_t n) {
  s.left = weir__smaller(s.left, n);
  return s;
}

/* A scout goes n bytes ahead; when it arrives at the end, n bytes are left.
 * This stays exact where the size would saturate. */
weir_seq_t weir_seq_suffix(weir_seq_t s, size_t n) {
  weir_seq_t scout = s;
  uv_buf_t segment;

  weir_seq_advance(&scout, n);
  while (weir_seq_next(&scout, &segment))
    weir_seq_advance(&s, segment.len);
  return s;
}

weir_seq_t weir_seq_slice(weir_seq_t s, size_t off, size_t len) {
  weir_seq_advance(&s, off);
  return weir_seq_prefix(s, len);
}

/* ---- Copying ---- */

size_t weir_seq_copy(weir_mseq_t dst, weir_seq_t src, size_t at_most) {
  uv_buf_t to, from;
  size_t copied = 0;

  while (copied < at_most && weir__seq_peek(&dst.seq, &to) &&
         weir__seq_peek(&src, &from)) {
    size_t n = weir__smaller(to.len, from.len);
    n = weir__smaller(n, at_most - copied);
    memcpy(to.base, from.base, n);
    weir__seq_pass(&dst.seq, n);
    weir__seq_pass(&src, n);
    copied += n;
  }
  return copied;
}
