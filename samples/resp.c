/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "words.h"

enum { MAX_DIGITS = 10 };

static int refuse(resp_t *r, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(r->error, sizeof r->error, format, arguments);
  va_end(arguments);
  return UV_EINVAL;
}

/* ---- Words ---- */

static const resp_word_t *words(const resp_t *r) {
  return r->many != NULL ? r->many : r->few;
}

static int grow(resp_t *r) {
  enum { FEW = sizeof r->few / sizeof *r->few };
  size_t room = r->many != NULL ? 2 * r->room : 4 * FEW;
  resp_word_t *many = realloc(r->many, room * sizeof *many);
  if (many == NULL)
    return UV_ENOMEM;
  if (r->many == NULL)
    memcpy(many, r->few, sizeof r->few);
  r->many = many;
  r->room = room;
  return 0;
}

static int add_word(resp_t *r, size_t offset, size_t len) {
  enum { FEW = sizeof r->few / sizeof *r->few };
  if (r->count == (r->many != NULL ? r->room : FEW) && grow(r) != 0)
    return UV_ENOMEM;
  resp_word_t *word = (r->many != NULL ? r->many : r->few) + r->count++;
  word->offset = offset;
  word->len = len;
  return 0;
}

text_t resp_word(const resp_t *r, size_t i) {
  const resp_word_t *word = words(r) + i;
  text_t text = {r->base + word->offset, word->len};
  return text;
}

/* ---- Lines ---- */

static int split(resp_t *r, size_t len) {
  size_t at = 0, from, to;
  int rc;
  while ((rc = words_next(r->base, len, &at, &from, &to)) == 1)
    if (add_word(r, from, to - from) != 0)
      return UV_ENOMEM;
  return rc == 0 ? 1 : refuse(r, "unbalanced quotes in request");
}

static int parse_line(resp_t *r, size_t len) {
  const char *end = memchr(r->base + r->seen, '\n', len - r->seen);
  size_t n = end != NULL ? (size_t)(end - r->base) : len;
  r->seen = n;
  if (n > RESP_MAX_LINE)
    return refuse(r, "too big inline request");
  if (end == NULL)
    return 0;
  r->at = n + 1;
  return split(r, n > 0 && end[-1] == '\r' ? n - 1 : n);
}

/* ---- Arrays ---- */

/* The number behind the byte at r->at, with its CRLF: 1, 0 when not all of it
 * is there, or UV_EINVAL. */
static int take_number(resp_t *r, size_t len, long long *number) {
  size_t i = r->at + 1;
  int negative = i < len && r->base[i] == '-';
  size_t first = i += (size_t)negative;
  long long n = 0;
  for (; i < len && i - first < MAX_DIGITS; i++) {
    if (r->base[i] < '0' || r->base[i] > '9')
      break;
    n = n * 10 + (r->base[i] - '0');
  }
  if (i < len && (i == first || r->base[i] != '\r'))
    return UV_EINVAL;
  if (i + 1 >= len)
    return 0;
  if (r->base[i + 1] != '\n')
    return UV_EINVAL;
  *number = negative ? -n : n;
  r->at = i + 2;
  return 1;
}

static int take_count(resp_t *r, size_t len) {
  long long n = 0;
  int rc = take_number(r, len, &n);
  if (rc < 0 || n > RESP_MAX_WORDS)
    return refuse(r, "invalid multibulk length");
  r->wanted = n > 0 ? (size_t)n : 0;
  return rc;
}

static int take_length(resp_t *r, size_t len) {
  long long n = 0;
  char c = r->base[r->at];
  if (c != '$')
    return refuse(r, "expected '$', got '%c'", c >= ' ' && c <= '~' ? c : '?');
  int rc = take_number(r, len, &n);
  if (rc < 0 || n < 0 || n > RESP_MAX_REQUEST)
    return refuse(r, "invalid bulk length");
  if (r->at + (size_t)n > RESP_MAX_REQUEST)
    return refuse(r, "too big request");
  if (rc == 1)
    r->bulk = (size_t)n + 2;
  return rc;
}

static int take_bulk(resp_t *r, size_t len) {
  if (r->bulk == 0) {
    int rc = r->at < len ? take_length(r, len) : 0;
    if (rc != 1)
      return rc;
  }
  if (len - r->at < r->bulk)
    return 0;
  if (memcmp(r->base + r->at + r->bulk - 2, "\r\n", 2) != 0)
    return refuse(r, "no CRLF behind a bulk string");
  if (add_word(r, r->at, r->bulk - 2) != 0)
    return UV_ENOMEM;
  r->at += r->bulk;
  r->bulk = 0;
  return 1;
}

/* ---- Requests ---- */

int resp_parse(resp_t *r, char *base, size_t len) {
  int rc = 1;
  r->base = base;
  if (r->at == 0 && len == 0)
    return 0;
  if (r->at == 0 && base[0] != '*')
    return parse_line(r, len);
  if (r->at == 0)
    rc = take_count(r, len);
  while (rc == 1 && r->count < r->wanted)
    rc = take_bulk(r, len);
  return rc;
}

size_t resp_missing(const resp_t *r, size_t len) {
  return r->at + r->bulk > len ? r->at + r->bulk - len : 0;
}

void resp_reset(resp_t *r) {
  free(r->many);
  r->many = NULL;
  r->count = r->at = r->seen = r->wanted = r->bulk = 0;
}
