/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_HTTP_REPLY_H
#define SAMPLES_HTTP_REPLY_H

#include "http_file.h"
#include "http_request.h"

/* What a request is answered. */

enum { HTTP_REPLY_MAX = 2048 };

typedef struct http_reply_s {
  int keep;                  /* the connection goes on */
  char head[HTTP_REPLY_MAX]; /* and what there is to say of an error */
  size_t len;
  int64_t offset; /* which part of the file follows */
  int64_t left;
} http_reply_t;

/* The answer to a request with a file, or with the error that file has. */
void http_reply(http_reply_t *reply, const http_request_t *request,
                const http_file_t *file);

/* An answer of a status without a file. */
void http_refuse(http_reply_t *reply, const http_request_t *request,
                 int status);

#endif
