/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "words.h"

#include <uv.h>

static int is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* The value of a hexadecimal digit, -1 for another byte. */
static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char escaped(char c) {
  switch (c) {
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case 'b':
    return '\b';
  case 'a':
    return '\a';
  default:
    return c;
  }
}

/* Takes what a backslash at *at stands for. */
static char take_escape(const char *line, size_t len, size_t *at) {
  const char *c = line + *at;
  if (len - *at > 3 && c[1] == 'x' && digit(c[2]) >= 0 && digit(c[3]) >= 0) {
    *at += 4;
    return (char)(digit(c[2]) * 16 + digit(c[3]));
  }
  *at += 2;
  return escaped(c[1]);
}

/* Takes a quoted part, whose quote stands at *at, to line + *to. */
static int take_quoted(char *line, size_t len, size_t *at, size_t *to) {
  const char quote = line[(*at)++];
  while (*at < len && line[*at] != quote) {
    int more = len - *at > 1;
    if (quote == '"' && line[*at] == '\\' && more)
      line[(*to)++] = take_escape(line, len, at);
    else {
      *at +=
          quote == '\'' && more && line[*at] == '\\' && line[*at + 1] == '\'';
      line[(*to)++] = line[(*at)++];
    }
  }
  if (*at == len)
    return UV_EINVAL;
  ++*at;
  return *at == len || is_blank(line[*at]) ? 0 : UV_EINVAL;
}

int words_next(char *line, size_t len, size_t *at, size_t *from, size_t *to) {
  while (*at < len && is_blank(line[*at]))
    ++*at;
  if (*at == len)
    return 0;
  *from = *to = *at;
  while (*at < len && !is_blank(line[*at])) {
    if (line[*at] != '"' && line[*at] != '\'')
      line[(*to)++] = line[(*at)++];
    else if (take_quoted(line, len, at, to) != 0)
      return UV_EINVAL;
  }
  return 1;
}
