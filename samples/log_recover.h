/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_LOG_RECOVER_H
#define SAMPLES_LOG_RECOVER_H

#include <weir/loop.h>

#include "log_record.h"

/* Reads a log from its beginning, and finds where it ends. What lies behind the
 * last whole record is the torn tail of a batch that was never acknowledged;
 * unless a later batch lies behind it, which tells that it was: then records
 * are damaged, and nothing is dropped. */

typedef struct log_end_s {
  place_t place;  /* behind the last record; in segment 0 if there is none */
  uint32_t batch; /* where in that segment the last batch begins */
  uint32_t size;  /* of that segment */
  uint64_t next;  /* the number of the record to come */
} log_end_t;

typedef void (*log_visit_cb)(void *arg, const record_t *record);

/* Calls visit, which may be NULL, for each record in order, and changes
 * nothing. Returns 0; UV_EILSEQ (record end->next is damaged); UV_ENOENT
 * (a segment or the directory is missing); or another error. */
int log_recover(weir_loop_t *loop, const char *dir, log_visit_cb visit,
                void *arg, log_end_t *end);

/* Then makes the log ready to go on: clears the torn tail, which otherwise
 * might look whole behind what comes, and writes the last batch again, since
 * after a sync that failed it may be in memory alone. Returns 0 when all of
 * that is on disk, or an error. */
int log_repair(weir_loop_t *loop, const char *dir, const log_end_t *end);

#endif
