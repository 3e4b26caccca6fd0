/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "seq.h"

#include <string.h>

int weir_seq_compare(weir_seq_t a, weir_seq_t b) {
  uv_buf_t x, y;

  for (;;) {
    int more_a = weir__seq_peek(&a, &x);
    int more_b = weir__seq_peek(&b, &y);
    size_t n;
    int order;

    if (!more_a || !more_b)
      return more_a - more_b;
    n = x.len < y.len ? x.len : y.len;
    order = memcmp(x.base, y.base, n);
    if (order != 0)
      return order;
    weir__seq_pass(&a, n);
    weir__seq_pass(&b, n);
  }
}

/* ---- Searching ----
 *
 * Inside a segment the C library searches. Across a seam only the longest
 * prefix of the needle that the input ends with is remembered: those bytes are
 * the needle's own, so the input is never looked at again. */

static const char *find_block(const char *hay, size_t size, const char *needle,
                              size_t len) {
  if (len == 1)
    return memchr(hay, (unsigned char)*needle, size);
#ifdef HAVE_MEMMEM
  return memmem(hay, size, needle, len);
#else
  while (size >= len) {
    const char *at = memchr(hay, (unsigned char)*needle, size - len + 1);
    if (at == NULL || memcmp(at, needle, len) == 0)
      return at;
    size -= (size_t)(at + 1 - hay);
    hay = at + 1;
  }
  return NULL;
#endif
}

/* The length of the longest prefix of needle that the n bytes at tail end
 * with. */
static size_t longest_prefix(const char *tail, size_t n, const char *needle) {
  while (n != 0) {
    const char *at = memchr(tail, (unsigned char)*needle, n);
    if (at == NULL)
      return 0;
    n -= (size_t)(at - tail);
    if (memcmp(at, needle, n) == 0)
      return n;
    tail = at + 1;
    n--;
  }
  return 0;
}

void weir_search_init(weir_search_t *search, const void *needle, size_t len) {
  search->needle = needle;
  search->len = len;
  search->matched = 0;
}

/* Searches one segment; returns the number of its bytes up to and with the
 * match, or 0. */
static size_t search_segment(weir_search_t *search, const uv_buf_t *segment) {
  const char *needle = search->needle;
  const char *at;
  size_t len = search->len;
  size_t n;

  while (search->matched != 0) {
    n = len - search->matched;
    if (n > segment->len)
      n = segment->len;
    if (memcmp(needle + search->matched, segment->base, n) == 0) {
      search->matched += n;
      return search->matched == len ? n : 0;
    }
    search->matched = longest_prefix(needle + 1, search->matched - 1, needle);
  }
  at = find_block(segment->base, segment->len, needle, len);
  if (at != NULL)
    return (size_t)(at - segment->base) + len;
  n = segment->len < len - 1 ? segment->len : len - 1;
  search->matched = longest_prefix(segment->base + segment->len - n, n, needle);
  return 0;
}

int weir_search_feed(weir_search_t *search, weir_seq_t piece, size_t *end) {
  uv_buf_t segment;
  size_t before = 0;

  if (search->len == 0) {
    *end = 0;
    return 1;
  }
  while (weir_seq_next(&piece, &segment)) {
    size_t n = search_segment(search, &segment);
    if (n != 0) {
      search->matched = 0;
      *end = before + n;
      return 1;
    }
    before += segment.len;
  }
  return 0;
}

size_t weir_seq_find(weir_seq_t s, const void *needle, size_t len) {
  weir_search_t search;
  size_t end;

  weir_search_init(&search, needle, len);
  return weir_search_feed(&search, s, &end) ? end - len : SIZE_MAX;
}

size_t weir_seq_find_byte(weir_seq_t s, unsigned char byte) {
  return weir_seq_find(s, &byte, 1);
}
