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
} source_t;

/* 0; UV_EISDIR; UV_EINVAL: another file that is not regular; or the system's
 * error. */
int source_open(source_t *source, weir_loop_t *loop, const char *path);

/* Whether so many bytes are less than it had, since it became shorter before
 * they were copied. */
int source_was_cut(const source_t *source, uint64_t copied);

#endif
