/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_REPLY_H
#define SAMPLES_REPLY_H

#include <weir/buffer.h>

#include "resp.h"

/* Replies of RESP2. Small ones are gathered, so that a batch of them is put
 * into the chain of what goes out at once; large values become part of it where
 * they lie. Without memory for one, this and all later ones are left out, and
 * reply_end says so: what follows a hole is worth nothing. */

enum { REPLY_GATHERED = 16 << 10 };

typedef struct reply_s {
  weir_buffer_t *out; /* a chain */
  int status;
  size_t used;
  char gathered[REPLY_GATHERED];
} reply_t;

void reply_begin(reply_t *r, weir_buffer_t *out);

/* Returns 0, or UV_ENOMEM. */
int reply_end(reply_t *r);

/* A line: "+OK", "$-1", ":1". */
void reply_line(reply_t *r, const char *line);

/* "-ERR" and the formatted words, which may hold any bytes; nobody's are taken
 * for the end of the line. */
void reply_error(reply_t *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A number: ':' for an integer, '*' for the beginning of an array. */
void reply_number(reply_t *r, char type, long long n);

/* A bulk string, copied; and the same of a C string. */
void reply_bulk(reply_t *r, const char *at, size_t len);
void reply_string(reply_t *r, const char *string);

/* A bulk string that is not copied: release(arg) is called once it is gone,
 * perhaps now. */
void reply_shared(reply_t *r, const char *at, size_t len,
                  weir_release_cb release, void *arg);

#endif
