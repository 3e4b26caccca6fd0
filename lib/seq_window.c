/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "seq.h"

/* From a sequence to the platform's vector, and to a sequence that an
 * operation owns. */

#define MAX_BYTES ((size_t)1 << 30)

size_t weir__seq_max_bytes(void) {
  return MAX_BYTES;
}

unsigned weir__seq_fill(const weir_seq_t *s, uv_buf_t out[WEIR_WINDOW],
                        unsigned used, size_t *bytes, size_t max_bytes) {
  weir_seq_t rest = *s;
  uv_buf_t segment;

  while (*bytes < max_bytes && weir__seq_peek(&rest, &segment)) {
    uv_buf_t *last = used != 0 ? &out[used - 1] : NULL;
    size_t n = segment.len;

    if (n > max_bytes - *bytes)
      n = max_bytes - *bytes;
    if (last != NULL && last->base + last->len == segment.base)
      last->len += (weir__len_t)n;
    else if (used < WEIR_WINDOW)
      out[used++] = weir__buf(segment.base, n);
    else
      break;
    *bytes += n;
    weir__seq_pass(&rest, n);
  }
  return used;
}

size_t weir_seq_window(weir_seq_t s, uv_buf_t out[WEIR_WINDOW],
                       size_t max_bytes) {
  size_t bytes = 0;

  if (max_bytes > MAX_BYTES)
    max_bytes = MAX_BYTES;
  return weir__seq_fill(&s, out, 0, &bytes, max_bytes);
}

static int owns_itself(const weir_seq_t *s) {
  return s->kind == WEIR__SEQ_BLOCK || s->kind == WEIR__SEQ_RING ||
         (s->flags & WEIR__SEQ_PINNED) != 0;
}

size_t weir__seq_descriptors(const weir_seq_t *s) {
  size_t count;

  if (owns_itself(s))
    return 0;
  count = weir_seq_count(*s);
  return count > 1 ? count : 0;
}

void weir__seq_own(weir_seq_t *s, uv_buf_t *store) {
  weir_seq_t rest = *s;
  uv_buf_t first, segment;
  size_t count = 0;

  if (owns_itself(s))
    return;
  if (!weir_seq_next(&rest, &first)) {
    *s = weir_seq_block(NULL, 0);
    return;
  }
  if (weir_seq_empty(rest)) {
    *s = weir_seq_block(first.base, first.len);
    return;
  }
  store[count++] = first;
  while (weir_seq_next(&rest, &segment))
    store[count++] = segment;
  *s = weir_seq_bufs(store, count);
}
