/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "http_request.h"

#include <string.h>
#include <strings.h>

#include "http_date.h"

/* Bytes of the head. */
typedef struct span_s {
  const char *at;
  size_t len;
} span_t;

/* What the lines say that is looked at when all are known. */
typedef struct said_s {
  unsigned hosts;
  int none_match;
} said_t;

static int is(span_t s, const char *word) {
  return strlen(word) == s.len && strncasecmp(s.at, word, s.len) == 0;
}

/* Takes all up to the separator, and that, off the front of *s. */
static int take(span_t *s, char separator, span_t *part) {
  const char *end = memchr(s->at, separator, s->len);
  if (end == NULL)
    return 0;
  *part = (span_t){s->at, (size_t)(end - s->at)};
  s->at = end + 1;
  s->len -= part->len + 1;
  return 1;
}

static span_t trim(span_t s) {
  while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
    s.at++;
    s.len--;
  }
  while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
    s.len--;
  return s;
}

/* Takes a number off the front; returns whether there is one. */
static int take_number(span_t *s, int64_t *number) {
  size_t digits = 0;
  *number = 0;
  for (; s->len > 0 && *s->at >= '0' && *s->at <= '9'; s->at++, s->len--) {
    if (++digits > 18)
      return 0;
    *number = *number * 10 + (*s->at - '0');
  }
  return digits > 0;
}

/* ---- What is asked for ---- */

static int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte of a path, or -1: "%00" and a slash that is hidden are none. */
static int take_byte(span_t *s) {
  int c = (unsigned char)*s->at;
  if (c == '%' && s->len >= 3) {
    int high = hex(s->at[1]), low = hex(s->at[2]);
    c = high >= 0 && low >= 0 ? high * 16 + low : 0;
    s->at += 2;
    s->len -= 2;
    if (c == '/')
      return -1;
  } else if (c == '%') {
    return -1;
  }
  s->at++;
  s->len--;
  return c > 0 ? c : -1;
}

/* Nothing above the root is asked for by a name without a dot. */
static int parse_path(http_request_t *r, span_t s) {
  char before = '/';
  for (; s.len > 0;) {
    int c = take_byte(&s);
    if (c < 0)
      return 400;
    if (before == '/' && c == '.')
      return 404;
    if (r->path_len + 1 == sizeof r->path)
      return 414;
    if (before != '/' || c != '/')
      r->path[r->path_len++] = (char)c;
    before = (char)c;
  }
  r->is_dir = before == '/';
  if (r->is_dir && r->path_len > 0)
    r->path_len--;
  r->path[r->path_len] = '\0';
  return 0;
}

/* "/path?query", or with "http://host" before it. */
static int parse_target(http_request_t *r, span_t s) {
  span_t part;
  if (s.len > 7 && strncasecmp(s.at, "http://", 7) == 0) {
    s = (span_t){s.at + 7, s.len - 7};
    if (!take(&s, '/', &part))
      s = (span_t){"", 0};
  } else if (s.len > 0 && s.at[0] == '/') {
    s = (span_t){s.at + 1, s.len - 1};
  } else {
    return 400;
  }
  if (take(&s, '?', &part))
    s = part;
  return parse_path(r, s);
}

static int parse_first_line(http_request_t *r, span_t line) {
  span_t method, target;
  if (!take(&line, ' ', &method) || !take(&line, ' ', &target) ||
      line.len != 8 || memcmp(line.at, "HTTP/", 5) != 0)
    return 400;
  if (memcmp(line.at, "HTTP/1.", 7) != 0)
    return 505;
  r->old = line.at[7] == '0';
  r->keep = !r->old;
  r->is_head = method.len == 4 && memcmp(method.at, "HEAD", 4) == 0;
  if (!r->is_head && (method.len != 3 || memcmp(method.at, "GET", 3) != 0))
    return 405;
  return parse_target(r, target);
}

/* ---- The other lines ---- */

/* Of several ranges, and of what is none, all is sent, as is allowed. */
static void parse_range(http_request_t *r, span_t s) {
  int64_t first = 0, last = INT64_MAX;
  if (s.len < 7 || strncasecmp(s.at, "bytes=", 6) != 0)
    return;
  s = trim((span_t){s.at + 6, s.len - 6});
  int has_first = take_number(&s, &first);
  if (s.len == 0 || *s.at != '-')
    return;
  s = (span_t){s.at + 1, s.len - 1};
  int has_last = take_number(&s, &last);
  if (s.len > 0 || (!has_first && !has_last) ||
      (has_first && has_last && last < first))
    return;
  r->range_first = has_first ? first : last == 0 ? INT64_MAX - 1 : -last;
  r->range_last = has_first && has_last ? last : INT64_MAX - 1;
}

static void parse_connection(http_request_t *r, span_t s) {
  span_t word;
  while (s.len > 0) {
    if (!take(&s, ',', &word)) {
      word = s;
      s.len = 0;
    }
    word = trim(word);
    if (is(word, "close"))
      r->keep = 0;
    else if (is(word, "keep-alive") && r->old)
      r->keep = 1;
  }
}

/* 0, or the status to refuse it with. */
static int parse_line(http_request_t *r, said_t *said, span_t line) {
  span_t name;
  if (!take(&line, ':', &name) || name.len == 0 ||
      memchr(name.at, ' ', name.len) != NULL ||
      memchr(name.at, '\t', name.len) != NULL)
    return 400;
  span_t value = trim(line);
  if (is(name, "host"))
    said->hosts++;
  else if (is(name, "connection"))
    parse_connection(r, value);
  else if (is(name, "range"))
    parse_range(r, value);
  else if (is(name, "if-none-match"))
    said->none_match = 1;
  else if (is(name, "if-modified-since"))
    r->modified_since = http_date_parse(value.at, value.len);
  else if (is(name, "if-range")) {
    int64_t date = http_date_parse(value.at, value.len);
    r->if_range = date >= 0 ? date : -2;
  } else if (is(name, "transfer-encoding"))
    return 413;
  else if (is(name, "content-length") && !is(value, "0"))
    return 413;
  return 0;
}

/* A line, without its end; what else ends lines, or strings, is in none. */
static int take_line(span_t *s, span_t *line) {
  if (!take(s, '\n', line) || line->len == 0 || line->at[line->len - 1] != '\r')
    return 0;
  line->len--;
  return memchr(line->at, '\r', line->len) == NULL &&
         memchr(line->at, '\0', line->len) == NULL;
}

static int parse(http_request_t *r, const char *head, size_t len) {
  span_t s = {head, len}, line;
  said_t said = {0, 0};
  memset(r, 0, sizeof *r);
  r->range_first = INT64_MAX;
  r->if_range = r->modified_since = -1;
  if (!take_line(&s, &line))
    return 400;
  int status = parse_first_line(r, line);
  while (status == 0 || status == 404) {
    if (!take_line(&s, &line))
      return 400;
    if (line.len == 0)
      break;
    int refused = parse_line(r, &said, line);
    if (refused != 0)
      return refused;
  }
  if (said.hosts > 1 || (said.hosts == 0 && !r->old && status == 0))
    return 400;
  if (said.none_match) /* nothing here has a tag */
    r->modified_since = -1;
  if (r->is_head)
    r->range_first = INT64_MAX;
  return status;
}

int http_request_parse(http_request_t *r, const char *head, size_t len) {
  int status = parse(r, head, len);
  if (status != 0 && status != 404)
    r->keep = 0;
  return status;
}
