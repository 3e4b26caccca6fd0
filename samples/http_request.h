/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_HTTP_REQUEST_H
#define SAMPLES_HTTP_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* The head of a request of HTTP/1.1 or 1.0, as far as a server of files has use
 * of it. */

enum { HTTP_HEAD_MAX = 8192, HTTP_PATH_MAX = 1024 };

typedef struct http_request_s {
  int is_head;
  int keep; /* the connection is to go on */
  int old;  /* HTTP/1.0 */
  /* What is asked for, below the root: decoded, no "//", no name that begins
   * with a dot, "" for the root itself. */
  char path[HTTP_PATH_MAX];
  size_t path_len;
  int is_dir; /* it ended with a slash */
  /* As asked: first to last, or the last -first; first is INT64_MAX if all is
   * wanted. */
  int64_t range_first;
  int64_t range_last;
  int64_t if_range;       /* seconds since 1970; -1: none; -2: never the same */
  int64_t modified_since; /* the same, or -1 */
} http_request_t;

/* Parses the len bytes of a head, with the empty line at its end. Returns 0, or
 * the status to refuse it with; the connection does not go on where nobody
 * would know where the next request begins. */
int http_request_parse(http_request_t *request, const char *head, size_t len);

#endif
