/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_LOG_H
#define SAMPLES_LOG_H

#include <weir/pool.h>
#include <weir/post.h>

#include "log_recover.h"
#include "log_segment.h"

/* A log that is appended to: what comes while a batch is on its way to the disk
 * is the next batch, so that one write and one fdatasync do for many records.
 *
 * A write or a sync that failed is final. What the disk has then nobody knows,
 * and a sync that is tried again may succeed for pages that the kernel has
 * given up: so the log takes and promises nothing any more. */

enum { LOG_BATCH = 1 << 20 /* bytes, at most */ };

typedef struct log_s log_t;

/* Somebody who waits for a record to be on disk. */
typedef struct log_wait_s log_wait_t;
struct log_wait_s {
  void *data;
  void (*cb)(log_wait_t *wait, int status);

  /* Private. */
  uint64_t number;
  log_wait_t *next;
};

/* Private. */
typedef struct log_batch_s {
  uv_buf_t buffer; /* of the pool */
  place_t place;
  size_t used;
  uint64_t last; /* the number of its last record */
} log_batch_t;

struct log_s {
  void (*failed)(log_t *log, int status); /* once, when all who wait are told */

  /* To be looked at. */
  uint64_t next;    /* the number of the record to come */
  uint64_t on_disk; /* all up to this one are */
  uint64_t commits; /* so many it took */
  int status;       /* the failure */

  /* Private. */
  weir_loop_t *loop;
  weir_pool_t *pool;
  uv_file dir_file, lock, file, spare;
  uint32_t open; /* the segment of file */
  uint32_t size; /* of the segment where the log ends */
  place_t end;   /* of what was appended */
  int busy, waits_for_segment, over;
  unsigned gathering; /* the batch that is not on its way */
  log_batch_t batch[2];
  weir_op_t op;
  segment_maker_t maker;
  log_wait_t *waiting;
  log_wait_t **last_wait;
};

/* Takes the log in a directory, which is there, for this process, and recovers
 * it; new segments get size bytes. log is all zeros but for failed. Returns 0;
 * UV_EBUSY (another process has it); or an error of log_recover or log_repair,
 * with *end. The process is to end then. */
int log_open(log_t *log, weir_loop_t *loop, const char *dir, size_t size,
             log_end_t *end);

/* Appends a copy of len bytes as record log->next. Returns 0; UV_EMSGSIZE (more
 * than RECORD_MAX); UV_EAGAIN when so much is to be written that it has to wait
 * until record log->on_disk + 1 is on disk; or the failure. */
int log_append(log_t *log, const char *bytes, size_t len);

/* Has cb called when the record of that number is on disk, or with what
 * failed. */
void log_wait(log_t *log, log_wait_t *wait, uint64_t number,
              void (*cb)(log_wait_t *wait, int status));

/* Takes no more, and forgets who waits; what is on its way may arrive. */
void log_close(log_t *log);

/* When uv_run has returned. */
void log_free(log_t *log);

#endif
