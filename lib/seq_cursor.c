/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "seq.h"

#include <string.h>

/* The current segment is peeked at, not passed, so that the rest is a slice
 * of seq. */

static int next_segment(weir_seq_cursor_t *cursor) {
  weir__seq_pass(&cursor->seq, cursor->segment.len);
  cursor->before += cursor->segment.len;
  cursor->used = 0;
  if (weir__seq_peek(&cursor->seq, &cursor->segment))
    return 1;
  cursor->segment.len = 0;
  return 0;
}

weir_seq_cursor_t weir_seq_cursor(weir_seq_t s) {
  weir_seq_cursor_t cursor;

  memset(&cursor, 0, sizeof(cursor));
  cursor.seq = s;
  if (!weir__seq_peek(&cursor.seq, &cursor.segment))
    cursor.segment.len = 0;
  return cursor;
}

size_t weir_seq_cursor_offset(const weir_seq_cursor_t *cursor) {
  return cursor->before + cursor->used;
}

weir_seq_t weir_seq_cursor_rest(const weir_seq_cursor_t *cursor) {
  weir_seq_t rest = cursor->seq;

  weir__seq_pass(&rest, cursor->used);
  return rest;
}

int weir_seq_cursor_byte(weir_seq_cursor_t *cursor) {
  if (cursor->used == cursor->segment.len && !next_segment(cursor))
    return UV_EOF;
  return (unsigned char)cursor->segment.base[cursor->used++];
}

size_t weir_seq_cursor_read(weir_seq_cursor_t *cursor, void *dst, size_t n) {
  char *to = dst;
  size_t done = 0;

  while (done < n) {
    size_t part = cursor->segment.len - cursor->used;
    if (part == 0) {
      if (!next_segment(cursor))
        break;
      continue;
    }
    if (part > n - done)
      part = n - done;
    if (to != NULL)
      memcpy(to + done, cursor->segment.base + cursor->used, part);
    cursor->used += part;
    done += part;
  }
  return done;
}

int weir_seq_cursor_load(weir_seq_cursor_t *cursor, unsigned int width,
                         weir_order_t order, uint64_t *value) {
  weir_seq_cursor_t mark = *cursor;
  unsigned char bytes[8];
  uint64_t result = 0;
  unsigned int i;

  if (width < 1 || width > sizeof(bytes))
    return UV_EINVAL;
  if (weir_seq_cursor_read(cursor, bytes, width) != width) {
    *cursor = mark;
    return UV_EOF;
  }
  for (i = 0; i < width; i++)
    result = result << 8 | bytes[order == WEIR_BE ? i : width - 1 - i];
  *value = result;
  return 0;
}

int weir_seq_byte(weir_seq_t s, size_t offset) {
  uv_buf_t segment;

  if (weir_seq_advance(&s, offset) != offset || !weir__seq_peek(&s, &segment))
    return UV_EOF;
  return (unsigned char)segment.base[0];
}

int weir_seq_load(weir_seq_t s, size_t offset, unsigned int width,
                  weir_order_t order, uint64_t *value) {
  weir_seq_cursor_t cursor;

  weir_seq_advance(&s, offset);
  cursor = weir_seq_cursor(s);
  return weir_seq_cursor_load(&cursor, width, order, value);
}
