/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__FILE_COPY_STEP_H
#define WEIR__FILE_COPY_STEP_H

#include <uv.h>

/* What of a copy may wait for the system, each in one call: from a thread of
 * libuv's pool. */

typedef enum weir__copy_what_e {
  WEIR__COPY_BEGIN, /* looks at both, empties the target, clones if it may */
  WEIR__COPY_FIND,  /* the next data of the source */
  WEIR__COPY_RANGE, /* the same, and copies some of it */
  WEIR__COPY_END    /* ends the target, and looks whether the source was cut */
} weir__copy_what_t;

typedef struct weir__copy_step_s {
  weir__copy_what_t what;
  uv_file source;
  uv_file target;
  int clones; /* BEGIN: whether it may; and then, whether it has */
  int sparse; /* set by BEGIN; the system may tell no more later */

  /* Set by BEGIN; 0: it is not known. */
  int64_t size;
  uv_timespec_t changed;

  int64_t offset; /* where to look from; then where the data begins. END: the
                     end of the target */
  int64_t end;    /* where they are known to go on to */
  size_t most;    /* RANGE: how much to copy; then how much was */
} weir__copy_step_t;

/* 0, or an error. */
int weir__copy_step_run(weir__copy_step_t *step);

#endif
