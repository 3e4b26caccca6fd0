/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "seq.h"

/* From a sequence to the platform's vector, and to a sequence that an
 * operation owns. */

typedef struct window_s {
  uv_buf_t *out;
  unsigned used;
  size_t room; /* bytes that may still be described */
} window_t;

/* Returns 0 if nothing of it fits. */
static int put(window_t *w, const char *base, size_t len) {
  size_t bytes = 0;

  w->used = weir__window_put(w->out, w->used, base, weir__smaller(len, w->room),
                             &bytes);
  w->room -= bytes;
  return bytes != 0;
}

/* Puts a segment of the common kind: whole, not empty, and not touching the
 * one before, which ended at *edge. Returns 0 if it is not so. */
static inline int put_plain(const uv_buf_t *from, uv_buf_t *to,
                            const char **edge, size_t *room) {
  size_t len = from->len;
  char *base = from->base;

  if (len - 1 >= *room || base == *edge)
    return 0;
  to->base = base;
  to->len = (weir__len_t)len;
  *room -= len;
  *edge = base + len;
  return 1;
}

/* Puts up to four such segments and returns how many. */
static inline size_t put_four(const uv_buf_t *from, uv_buf_t *to,
                              const char **edge, size_t *room) {
  if (!put_plain(from, to, edge, room))
    return 0;
  if (!put_plain(from + 1, to + 1, edge, room))
    return 1;
  if (!put_plain(from + 2, to + 2, edge, room))
    return 2;
  return put_plain(from + 3, to + 3, edge, room) ? 4 : 3;
}

/* Puts a run of such segments and returns the first that is not of it. A
 * window's cost lies here, hence the unrolling by eight. */
static const uv_buf_t *put_run(window_t *w, const uv_buf_t *from,
                               const uv_buf_t *end) {
  uv_buf_t *to = w->out + w->used;
  const char *edge = w->used != 0 ? to[-1].base + to[-1].len : NULL;
  size_t room = w->room;
  size_t n = WEIR_WINDOW - w->used;
  size_t step = 8;

  if (n > (size_t)(end - from))
    n = (size_t)(end - from);
  end = from + n;
  for (; n >= 8 && step == 8; n -= 8, from += step, to += step) {
    step = put_four(from, to, &edge, &room);
    if (step == 4)
      step += put_four(from + 4, to + 4, &edge, &room);
  }
  while (from != end && put_plain(from, to, &edge, &room)) {
    from++;
    to++;
  }
  w->used = (unsigned)(to - w->out);
  w->room = room;
  return from;
}

static void put_array(window_t *w, const weir_seq_t *s) {
  const uv_buf_t *buf = s->at;
  const uv_buf_t *end = s->u.end;
  size_t skip = s->skip;

  while (w->room != 0 && buf != end) {
    if (skip == 0 && (buf = put_run(w, buf, end)) == end)
      break;
    if (buf->len > skip && !put(w, buf->base + skip, buf->len - skip))
      break;
    skip = 0;
    buf++;
  }
}

static unsigned fill_ring(const weir_seq_t *s, uv_buf_t out[WEIR_WINDOW],
                          unsigned used, size_t *bytes, size_t room) {
  size_t first = weir__smaller(room, s->u.size - s->skip);
  size_t before = *bytes;

  used =
      weir__window_put(out, used, (const char *)s->at + s->skip, first, bytes);
  if (*bytes == before || first == room)
    return used;
  return weir__window_put(out, used, s->at, room - first, bytes);
}

static void put_others(window_t *w, weir_seq_t rest) {
  uv_buf_t segment;

  while (w->room != 0 && weir__seq_peek(&rest, &segment) &&
         put(w, segment.base, segment.len))
    weir__seq_pass(&rest, segment.len);
}

unsigned weir__seq_fill_many(const weir_seq_t *s, uv_buf_t out[WEIR_WINDOW],
                             unsigned used, size_t *bytes, size_t room) {
  window_t w = {out, used, room};

  if (s->kind == WEIR__SEQ_RING)
    return fill_ring(s, out, used, bytes, room);
  if (s->kind == WEIR__SEQ_ARRAY)
    put_array(&w, s);
  else
    put_others(&w, *s);
  *bytes += room - w.room;
  return w.used;
}

size_t weir_seq_window(weir_seq_t s, uv_buf_t out[WEIR_WINDOW],
                       size_t max_bytes) {
  size_t bytes = 0;

  max_bytes = weir__smaller(max_bytes, weir__seq_max_bytes());
  return weir__seq_fill(&s, out, 0, &bytes, max_bytes);
}

size_t weir__seq_descriptors(const weir_seq_t *s) {
  size_t count;

  if (weir__seq_owns_itself(s))
    return 0;
  count = weir_seq_count(*s);
  return count > 1 ? count : 0;
}

void weir__seq_own(weir_seq_t *s, uv_buf_t *store) {
  weir_seq_t rest = *s;
  uv_buf_t first, segment;
  size_t count = 0;

  if (weir__seq_owns_itself(s))
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
