/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/file.h>

#include <string.h>

#include "alloc.h"
#include "backend.h"
#include "op.h"
#include "os.h"
#include "seq.h"

/* Files: operations queue here until the next flush hands them to the
 * backend. Without a callback they run at once, through libuv. */

enum { UV_INLINE_BUFS = 4 };

static int finish_sync(uv_fs_t *req) {
  int r = (int)req->result;
  uv_fs_req_cleanup(req);
  return r;
}

typedef int (*transfer_t)(uv_loop_t *, uv_fs_t *, uv_file, const uv_buf_t *,
                          unsigned, int64_t, uv_fs_cb);

/* One window, in portions for which libuv needs no memory. */
static int transfer_sync(transfer_t transfer, uv_file file, weir_seq_t seq,
                         int64_t offset) {
  uv_buf_t window[WEIR_WINDOW];
  size_t bytes = 0;
  unsigned used =
      weir__seq_fill(&seq, window, 0, &bytes, weir__seq_max_bytes());
  int total = 0;
  for (unsigned i = 0; i < used; i += UV_INLINE_BUFS) {
    unsigned n = used - i < UV_INLINE_BUFS ? used - i : UV_INLINE_BUFS;
    size_t asked = 0;
    uv_fs_t req;
    for (unsigned k = 0; k < n; k++)
      asked += window[i + k].len;
    transfer(NULL, &req, file, window + i, n, offset < 0 ? -1 : offset + total,
             NULL);
    int r = finish_sync(&req);
    if (r < 0)
      return total > 0 ? total : r;
    total += r;
    if ((size_t)r < asked)
      break;
  }
  return total;
}

typedef struct write_s {
  uv_file file;
  weir_seq_t seq;
  int64_t offset;
} write_t;

static int write_call(void *arg) {
  const write_t *w = arg;
  return transfer_sync(uv_fs_write, w->file, w->seq, w->offset);
}

static int write_sync(uv_file file, weir_seq_t seq, int64_t offset) {
  write_t w = {file, seq, offset};
  return weir__os_quietly(write_call, &w);
}

int weir__file_run(weir_op_t *op) {
  const weir__file_args_t *args = weir__file_args(op);
  uv_fs_t req;
  switch (op->type) {
  case WEIR__FILE_OPEN:
    uv_fs_open(NULL, &req, args->path, args->flags, args->mode, NULL);
    return finish_sync(&req);
  case WEIR__FILE_CLOSE:
    uv_fs_close(NULL, &req, args->file, NULL);
    return finish_sync(&req);
  case WEIR__FILE_FSYNC:
    uv_fs_fsync(NULL, &req, args->file, NULL);
    return finish_sync(&req);
  case WEIR__FILE_PREAD:
    return transfer_sync(uv_fs_read, args->file, op->seq, op->offset);
  default:
    return write_sync(args->file, op->seq, op->offset);
  }
}

static void list_add(weir_loop_t *loop, weir_op_t *op) {
  op->prev = NULL;
  op->next = loop->file_ops;
  if (op->next != NULL)
    op->next->prev = op;
  loop->file_ops = op;
}

static void list_remove(weir_loop_t *loop, weir_op_t *op) {
  if (op->prev != NULL)
    op->prev->next = op->next;
  else
    loop->file_ops = op->next;
  if (op->next != NULL)
    op->next->prev = op->prev;
}

static void queue_add(weir_loop_t *loop, weir_op_t *op) {
  op->next = NULL;
  op->prev = loop->file_tail;
  if (loop->file_tail != NULL)
    loop->file_tail->next = op;
  else
    loop->file_head = op;
  loop->file_tail = op;
}

static void queue_remove(weir_loop_t *loop, weir_op_t *op) {
  if (op->prev != NULL)
    op->prev->next = op->next;
  else
    loop->file_head = op->next;
  if (op->next != NULL)
    op->next->prev = op->prev;
  else
    loop->file_tail = op->prev;
}

/* Common to all: 0 and op is queued, or an error and nothing has changed. */
static int begin(weir_loop_t *loop, weir_op_t *op, weir__op_type_t type,
                 uv_file file, weir_op_cb cb) {
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  weir__op_begin(op, loop, NULL, type, cb);
  weir__file_args_t *args = weir__file_args(op);
  memset(args, 0, sizeof(*args));
  args->file = file;
  queue_add(loop, op);
  weir__loop_wake(loop);
  return 0;
}

static int send_cancels(weir_loop_t *loop) {
  weir_op_t *next;
  if ((loop->flags & WEIR__LOOP_FILE_CANCELS) == 0)
    return 0;
  loop->flags &= ~WEIR__LOOP_FILE_CANCELS;
  for (weir_op_t *op = loop->file_ops; op != NULL; op = next) {
    next = op->next;
    if ((op->flags & WEIR__OP_CANCELLED) == 0 ||
        (op->flags & WEIR__OP_CANCEL_SENT) != 0)
      continue;
    if (loop->backend->file_cancel(loop, op) == UV_EBUSY) {
      loop->flags |= WEIR__LOOP_FILE_CANCELS;
      return UV_EBUSY;
    }
    op->flags |= WEIR__OP_CANCEL_SENT;
  }
  return 0;
}

int weir__file_start(weir_loop_t *loop) {
  weir_op_t *op;
  int r = send_cancels(loop);
  while (r == 0 && (op = loop->file_head) != NULL) {
    queue_remove(loop, op);
    list_add(loop, op);
    op->state = WEIR__OP_STARTED;
    r = loop->backend->file_start(loop, op);
    if (r == 0)
      continue;
    if (r != UV_EBUSY) {
      weir__file_done(op, r);
      r = 0;
      continue;
    }
    list_remove(loop, op);
    op->state = WEIR__OP_QUEUED;
    op->prev = NULL;
    op->next = loop->file_head;
    if (op->next != NULL)
      op->next->prev = op;
    else
      loop->file_tail = op;
    loop->file_head = op;
  }
  return r;
}

void weir__file_done(weir_op_t *op, int64_t result) {
  weir_loop_t *loop = op->loop;
  weir__file_args_t *args = weir__file_args(op);
  list_remove(loop, op);
  if (op->type == WEIR__FILE_OPEN) {
    weir__free(args->path);
    args->path = NULL;
    if (result >= 0)
      args->file = (uv_file)result;
  } else if (op->type == WEIR__FILE_PREAD && result >= 0) {
    op->done = (size_t)result;
    loop->stats.reads++;
    loop->stats.bytes_read += op->done;
  } else if (op->type == WEIR__FILE_PWRITE && result >= 0) {
    op->done = (size_t)result;
    loop->stats.writes++;
    loop->stats.bytes_written += op->done;
  }
  weir__op_finish(op, result < 0 ? (int)result : 0);
}

void weir__file_cancel(weir_op_t *op) {
  weir_loop_t *loop = op->loop;
  if (op->state == WEIR__OP_QUEUED) {
    queue_remove(loop, op);
    list_add(loop, op);
    weir__file_done(op, UV_ECANCELED);
    return;
  }
  loop->flags |= WEIR__LOOP_FILE_CANCELS;
  weir__loop_wake(loop);
}

int weir_file_open(weir_loop_t *loop, weir_op_t *op, const char *path,
                   int flags, int mode, weir_op_cb cb) {
  if (loop == NULL || path == NULL || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL) {
    uv_fs_t req;
    uv_fs_open(NULL, &req, path, flags, mode, NULL);
    return finish_sync(&req);
  }
  size_t size = strlen(path) + 1;
  char *copy = weir__malloc(size);
  if (copy == NULL)
    return UV_ENOMEM;
  memcpy(copy, path, size);
  op->block = NULL;
  int r = begin(loop, op, WEIR__FILE_OPEN, -1, cb);
  if (r != 0) {
    weir__free(copy);
    return r;
  }
  weir__file_args_t *args = weir__file_args(op);
  args->path = copy;
  args->flags = flags;
  args->mode = mode;
  return 0;
}

uv_file weir_file_result(const weir_op_t *op) {
  return ((const weir__file_args_t *)(const void *)op->scratch)->file;
}

int weir_file_close(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_op_cb cb) {
  if (loop == NULL || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL) {
    uv_fs_t req;
    uv_fs_close(NULL, &req, file, NULL);
    return finish_sync(&req);
  }
  op->block = NULL;
  return begin(loop, op, WEIR__FILE_CLOSE, file, cb);
}

int weir_file_fsync(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_op_cb cb) {
  if (loop == NULL || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL) {
    uv_fs_t req;
    uv_fs_fsync(NULL, &req, file, NULL);
    return finish_sync(&req);
  }
  op->block = NULL;
  return begin(loop, op, WEIR__FILE_FSYNC, file, cb);
}

static int transfer_begin(weir_loop_t *loop, weir_op_t *op,
                          weir__op_type_t type, uv_file file, weir_seq_t seq,
                          int64_t offset, weir_op_cb cb) {
  int r = weir__loop_check(loop);
  if (r == 0)
    r = weir__op_hold(op, loop, seq);
  if (r != 0)
    return r;
  begin(loop, op, type, file, cb);
  op->offset = offset;
  op->left = weir_seq_size(op->seq);
  if (op->left == 0) {
    queue_remove(loop, op);
    weir__op_finish(op, 0);
  }
  return 0;
}

int weir_file_pread(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_mseq_t into, int64_t offset, weir_op_cb cb) {
  if (loop == NULL || (op == NULL && cb != NULL) || offset < -1)
    return UV_EINVAL;
  if (cb == NULL)
    return transfer_sync(uv_fs_read, file, weir_seq_from(into), offset);
  return transfer_begin(loop, op, WEIR__FILE_PREAD, file, weir_seq_from(into),
                        offset, cb);
}

int weir_file_pwrite(weir_loop_t *loop, weir_op_t *op, uv_file file,
                     weir_seq_t from, int64_t offset, weir_op_cb cb) {
  if (loop == NULL || (op == NULL && cb != NULL) || offset < -1)
    return UV_EINVAL;
  if (cb == NULL)
    return write_sync(file, from, offset);
  return transfer_begin(loop, op, WEIR__FILE_PWRITE, file, from, offset, cb);
}
