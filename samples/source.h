/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_SOURCE_H
#define SAMPLES_SOURCE_H

#include <weir/file.h>

/* A regular file to be copied, which others may write to meanwhile. */
typedef struct source_s {
  uv_file file;
  uv_stat_t stat; /* when it was opened */
  int64_t size;   /* then, in bytes; -1: what is in it has no known size */
  int sparse;     /* it has holes, and the system tells where */
} source_t;

/* 0; UV_EISDIR; UV_EINVAL: another file that is not regular; or the system's
 * error. */
int source_open(source_t *source, weir_loop_t *loop, const char *path);

/* Moves *offset behind the hole that it is in, if it is in one, and reduces
 * *len to what is before the next. Where only a hole is left, *len is 0 and
 * *offset the file's end. */
void source_find(source_t *source, int64_t *offset, size_t *len);

/* Whether the end that reading has met is that of a file that became shorter.
 */
int source_was_cut(const source_t *source, int64_t end);

#endif
