/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "log.h"

#include <sys/file.h>

#include "message.h"

static void on_turn(weir_op_t *op, int status, size_t n);

/* ---- Who waits ---- */

static void tell(log_t *log) {
  log_wait_t *wait = log->waiting;
  *log->last_wait = NULL;
  log->waiting = NULL;
  log->last_wait = &log->waiting;
  for (log_wait_t *next; wait != NULL; wait = next) {
    next = wait->next;
    if (log->status != 0 || wait->number <= log->on_disk)
      wait->cb(wait, wait->number <= log->on_disk ? 0 : log->status);
    else
      log_wait(log, wait, wait->number, wait->cb);
  }
}

void log_wait(log_t *log, log_wait_t *wait, uint64_t number,
              void (*cb)(log_wait_t *wait, int status)) {
  wait->number = number;
  wait->cb = cb;
  wait->next = NULL;
  *log->last_wait = wait;
  log->last_wait = &wait->next;
}

static void fail_log(log_t *log, int status) {
  if (log->status != 0)
    return;
  log->status = status;
  tell(log);
  log->failed(log, status);
}

/* ---- A batch on its way ---- */

/* Begins when the callbacks of this turn have had their say. */
static void begin_soon(log_t *log) {
  int rc = weir_post(&log->op, log->loop, on_turn);
  log->busy = rc == 0;
  if (rc != 0)
    fail_log(log, rc);
}

static void on_synced(weir_op_t *op, int status, size_t n) {
  log_t *log = op->data;
  (void)n;
  log->busy = 0;
  if (status != 0) {
    fail_log(log, status);
    return;
  }
  log_batch_t *batch = &log->batch[!log->gathering];
  log->on_disk = batch->last;
  log->commits++;
  batch->used = 0;
  if (log->over)
    return;
  tell(log);
  if (!log->busy && log->batch[log->gathering].used > 0)
    begin_soon(log);
}

/* Writes what was gathered, once there is a segment for it. */
static void write_batch(log_t *log) {
  log_batch_t *batch = &log->batch[log->gathering];
  weir_seq_t data = weir_seq_block(batch->buffer.base, batch->used);
  log->gathering = !log->gathering;
  int rc = weir_file_pwrite_sync(log->loop, &log->op, log->file, data,
                                 batch->place.offset, on_synced);
  log->busy = rc == 0;
  if (rc != 0)
    fail_log(log, rc);
}

/* The segment that was made becomes the one that is written. */
static void take_spare(log_t *log) {
  if (log->file >= 0 && weir_file_close(log->loop, NULL, log->file, NULL) != 0)
    complain("close a segment", UV_EIO);
  log->file = log->spare;
  log->spare = -1;
  log->open++;
  segment_make(&log->maker, log->open + 1);
}

static void on_made(segment_maker_t *maker, uv_file file) {
  log_t *log = maker->data;
  log->spare = file;
  if (log->waits_for_segment) {
    log->waits_for_segment = 0;
    take_spare(log);
    write_batch(log);
  }
}

static void on_turn(weir_op_t *op, int status, size_t n) {
  log_t *log = op->data;
  (void)n;
  log->busy = 0;
  if (status != 0 || log->over)
    return;
  if (log->batch[log->gathering].place.segment == log->open) {
    write_batch(log);
    return;
  }
  log->busy = 1;
  log->waits_for_segment = log->spare < 0;
  if (log->waits_for_segment)
    return;
  take_spare(log);
  write_batch(log);
}

/* ---- Appending ---- */

int log_append(log_t *log, const char *bytes, size_t len) {
  log_batch_t *batch = &log->batch[log->gathering];
  size_t size = record_size(len);
  const record_t record = {log->next, batch->used == 0, bytes, len};
  if (log->status != 0 || log->over)
    return log->status != 0 ? log->status : UV_ECANCELED;
  if (len > RECORD_MAX)
    return UV_EMSGSIZE;
  int fits = size <= log->size - log->end.offset;
  if (batch->used > 0 && (!fits || size > LOG_BATCH - batch->used))
    return UV_EAGAIN;
  if (!fits) {
    log->end = (place_t){log->end.segment + 1, 0};
    log->size = (uint32_t)log->maker.size;
  }
  if (batch->used == 0)
    batch->place = log->end;
  record_put(batch->buffer.base + batch->used, log->end, &record);
  batch->used += size;
  batch->last = log->next++;
  log->end.offset += (uint32_t)size;
  if (!log->busy)
    begin_soon(log);
  return 0;
}

/* ---- The beginning and the end ---- */

static int open_one(weir_loop_t *loop, const char *path, int flags,
                    uv_file *file) {
  int rc = weir_file_open(loop, NULL, path, flags, 0, NULL);
  *file = rc;
  return rc < 0 ? rc : 0;
}

static int take_dir(log_t *log, const char *dir) {
  int rc = open_one(log->loop, dir, UV_FS_O_RDONLY, &log->dir_file);
  if (rc == 0)
    rc = open_one(log->loop, dir, UV_FS_O_RDONLY, &log->lock);
  if (rc == 0 && flock(log->lock, LOCK_EX | LOCK_NB) != 0)
    rc = UV_EBUSY;
  return rc;
}

/* In registered memory, a batch is a WRITE_FIXED by itself. */
static int make_batches(log_t *log) {
  int rc = weir_pool_create(log->loop, 2, LOG_BATCH, &log->pool);
  for (int i = 0; rc == 0 && i < 2; i++)
    rc = weir_pool_acquire(log->pool, &log->batch[i].buffer);
  return rc;
}

static int open_last(log_t *log, const char *dir) {
  char path[SEGMENT_PATH];
  if (log->open == 0)
    return 0;
  int rc = segment_path(path, dir, log->open);
  return rc != 0 ? rc : open_one(log->loop, path, UV_FS_O_RDWR, &log->file);
}

int log_open(log_t *log, weir_loop_t *loop, const char *dir, size_t size,
             log_end_t *end) {
  log->loop = loop;
  log->op.data = log;
  log->last_wait = &log->waiting;
  log->file = log->spare = -1;
  log->maker.loop = loop;
  int rc = take_dir(log, dir);
  if (rc == 0)
    rc = log_recover(loop, dir, NULL, NULL, end);
  if (rc == 0)
    rc = log_repair(loop, dir, end);
  if (rc == 0)
    rc = make_batches(log);
  if (rc != 0)
    return rc;
  log->end = end->place;
  log->size = end->size;
  log->open = end->place.segment;
  log->next = end->next;
  log->on_disk = end->next - 1;
  log->maker.data = log;
  log->maker.dir = dir;
  log->maker.dir_file = log->dir_file;
  log->maker.size = (int64_t)size;
  log->maker.made = on_made;
  rc = open_last(log, dir);
  if (rc == 0)
    rc = segment_maker_start(&log->maker);
  if (rc == 0)
    segment_make(&log->maker, log->open + 1);
  return rc;
}

void log_close(log_t *log) {
  if (log->over)
    return;
  log->over = 1;
  log->waiting = NULL;
  log->last_wait = &log->waiting;
  segment_maker_stop(&log->maker);
}

void log_free(log_t *log) {
  const uv_file files[] = {log->file, log->spare, log->dir_file, log->lock};
  for (int i = 0; i < 4; i++)
    if (files[i] >= 0 && weir_file_close(log->loop, NULL, files[i], NULL) != 0)
      complain("close a log", UV_EIO);
  for (int i = 0; i < 2; i++)
    weir_pool_release(log->pool, &log->batch[i].buffer);
  if (weir_pool_destroy(log->pool) != 0)
    complain("close a log", UV_EBUSY);
}
