/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_HTTP_FILE_H
#define SAMPLES_HTTP_FILE_H

#include <uv.h>

/* Files below a root, and none beside it, whatever a path or a link says. The
 * kernel sees to that: openat2 with RESOLVE_BENEATH follows links that stay
 * below the root, and no others. Where there is no openat2 (before Linux 5.6,
 * on other systems, or denied), no link is followed at all. */

typedef struct http_file_s {
  uv_file file; /* open for reading; -1 if it is not */
  int error;    /* 0, or UV_ENOENT, UV_EISDIR (without a slash), UV_EACCES, ...
                 */
  int64_t size;
  int64_t modified; /* seconds since 1970 */
  const char *type; /* "text/html" */
} http_file_t;

/* Opens the directory. */
int http_root_open(const char *path);
void http_root_close(void);

/* Opens what has that path, and of a directory, whose path ended with a slash,
 * its index.html. With wait of 0 it does not wait for the disk: error is
 * UV_EAGAIN then; with 1 it may be called in another thread. */
void http_file_open(http_file_t *file, const char *path, int is_dir, int wait);

void http_file_close(http_file_t *file);

#endif
