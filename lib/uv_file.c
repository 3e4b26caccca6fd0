/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_backend.h"

#include <stdatomic.h>

#include "alloc.h"
#include "queue.h"

/* File operations run whole in a thread of libuv's pool: up to 16 segments in
 * one trip, without the memory that uv_fs_read and uv_fs_write of more than 4
 * segments need, and in a way that can be waited for. */

typedef struct weir__uv_file_s {
  uv_work_t work;
  struct weir__uv_file_s *next; /* in the loop's list of free ones */
  weir_op_t *op;                /* NULL: abandoned */
  int result;
  atomic_int finished;
} weir__uv_file_t;

static void run(uv_work_t *work) {
  weir__uv_file_t *file = work->data;
  file->result = weir__file_run(file->op);
  atomic_store_explicit(&file->finished, 1, memory_order_release);
}

static void on_done(uv_work_t *work, int status) {
  weir__uv_file_t *file = work->data;
  weir_op_t *op = file->op;
  if (op == NULL) {
    weir__free(file);
    return;
  }
  weir_loop_t *loop = op->loop;
  file->next = loop->impl;
  loop->impl = file;
  weir__file_done(op, status != 0 ? status : file->result);
}

static weir__uv_file_t *file_take(weir_loop_t *loop) {
  weir__uv_file_t *file = loop->impl;
  if (file != NULL) {
    loop->impl = file->next;
    return file;
  }
  file = weir__malloc(sizeof(*file));
  if (file != NULL)
    loop->stats.allocations++;
  return file;
}

int weir__uv_file_start(weir_loop_t *loop, weir_op_t *op) {
  weir__uv_file_t *file = file_take(loop);
  if (file == NULL)
    return UV_ENOMEM;
  file->op = op;
  file->work.data = file;
  atomic_init(&file->finished, 0);
  op->owner = file;
  /* It fails only without a function to run. */
  return uv_queue_work(loop->uv, &file->work, run, on_done);
}

/* What a thread has begun goes on. */
int weir__uv_file_cancel(weir_loop_t *loop, weir_op_t *op) {
  weir__uv_file_t *file = op->owner;
  (void)loop;
  uv_cancel((uv_req_t *)&file->work);
  return 0;
}

void weir__uv_abandon_files(weir_loop_t *loop) {
  while (!weir__queue_empty(&loop->file_ops)) {
    weir_op_t *op = weir__op_of(loop->file_ops.next);
    weir__uv_file_t *file = op->owner;
    int result = UV_ECANCELED;
    if (uv_cancel((uv_req_t *)&file->work) == UV_EBUSY) {
      while (!atomic_load_explicit(&file->finished, memory_order_acquire))
        uv_sleep(1);
      result = file->result;
    }
    file->op = NULL;
    weir__file_done(op, result);
  }
}

void weir__uv_free_files(weir_loop_t *loop) {
  weir__uv_file_t *file;
  while ((file = loop->impl) != NULL) {
    loop->impl = file->next;
    weir__free(file);
  }
}
