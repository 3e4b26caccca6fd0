/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reply_begin(reply_t *r, weir_buffer_t *out) {
  r->out = out;
  r->status = 0;
  r->used = 0;
}

static void put(reply_t *r, const char *at, size_t len) {
  if (r->status == 0 && len > 0)
    r->status = weir_buffer_put(r->out, weir_seq_block(at, len));
}

static void flush(reply_t *r) {
  put(r, r->gathered, r->used);
  r->used = 0;
}

int reply_end(reply_t *r) {
  flush(r);
  return r->status;
}

static void add(reply_t *r, const char *at, size_t len) {
  if (len > sizeof r->gathered - r->used)
    flush(r);
  if (len > sizeof r->gathered) {
    put(r, at, len);
    return;
  }
  memcpy(r->gathered + r->used, at, len);
  r->used += len;
}

static void add_end(reply_t *r) {
  add(r, "\r\n", 2);
}

void reply_line(reply_t *r, const char *line) {
  add(r, line, strlen(line));
  add_end(r);
}

void reply_error(reply_t *r, const char *format, ...) {
  char line[256] = "-ERR ";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line + 5, sizeof line - 5, format, arguments);
  va_end(arguments);
  for (char *c = line; *c != '\0'; c++)
    if (*c == '\r' || *c == '\n')
      *c = ' ';
  reply_line(r, line);
}

void reply_number(reply_t *r, char type, long long n) {
  char line[24];
  char *at = line + sizeof line;
  unsigned long long rest =
      n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n;
  *--at = '\n';
  *--at = '\r';
  do
    *--at = (char)('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (n < 0)
    *--at = '-';
  *--at = type;
  add(r, at, (size_t)(line + sizeof line - at));
}

void reply_bulk(reply_t *r, const char *at, size_t len) {
  reply_number(r, '$', (long long)len);
  add(r, at, len);
  add_end(r);
}

void reply_string(reply_t *r, const char *string) {
  reply_bulk(r, string, strlen(string));
}

void reply_shared(reply_t *r, const char *at, size_t len,
                  weir_release_cb release, void *arg) {
  reply_number(r, '$', (long long)len);
  flush(r);
  if (r->status == 0)
    r->status = weir_chain_adopt(r->out, at, len, release, arg);
  if (r->status != 0)
    release(arg, NULL);
  add_end(r);
}
