/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_COPY_H
#define SAMPLES_COPY_H

#include <weir/file.h>
#include <weir/pool.h>

#include "source.h"

/* One copy from file to file, through buffers of a pool. Each of them goes
 * round on its own: it takes the next part of the source, is written to the
 * same place of the target, and takes the next part again. */

enum { COPY_PARTS = 16, COPY_PART_SIZE = 256 << 10 };

typedef struct copy_s copy_t;

typedef struct copy_part_s {
  copy_t *copy;
  weir_op_t op;
  uv_buf_t buffer;
  int64_t offset; /* of the buffer's first byte, in both files */
  size_t len;     /* bytes wanted */
  size_t filled;  /* bytes of them that were read */
  size_t written; /* those of them that were written */
  int busy;       /* op is outstanding */
} copy_part_t;

struct copy_s {
  /* The caller sets these, and zeroes the rest. */
  weir_loop_t *loop;
  source_t source;
  uv_file target;
  void (*progress)(uint64_t copied); /* after each write */

  int status;        /* 0, or what ended the copy too early */
  int source_failed; /* it was the source's error, not the target's */
  uint64_t copied;   /* holes, too, but they are not written */
  int64_t next_offset;
  int64_t end; /* the lowest end of the source that was met: the copy's size */
  weir_pool_t *pool;
  copy_part_t parts[COPY_PARTS];
};

/* Begins; the copy is done when uv_run has nothing left to do. What is behind
 * the end may be in the target then, too. 0 or UV_ENOMEM. Whatever it says,
 * copy_end has to be called, after uv_run. */
int copy_begin(copy_t *copy);

/* Ends it early, with status. */
void copy_cancel(copy_t *copy, int status);

/* Gives the buffers back. */
void copy_end(copy_t *copy);

#endif
