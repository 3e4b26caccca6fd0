/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/file.h>

#include <string.h>

#include "alloc.h"
#include "backend.h"
#include "debug_op.h"
#include "file.h"
#include "op.h"
#include "queue.h"
#include "rare.h"
#include "seq.h"

/* Files: an operation is handed to the backend in its call; what finds no room
 * there queues here until the next flush, and so does the rest of what is to be
 * moved whole. */

/* At once, before what has only just begun can be submitted. */
void weir__file_cancel(weir_op_t *op) {
  weir_loop_t *loop = op->loop;
  if (op->state == WEIR__OP_QUEUED) {
    weir__file_done(op, UV_ECANCELED);
    return;
  }
  if ((op->flags & WEIR__OP_CANCEL_SENT) != 0)
    return;
  op->flags |= WEIR__OP_CANCEL_SENT;
  if (!weir__queue_empty(&loop->file_cancels) || weir__loop_foreign(loop) ||
      loop->backend->file_cancel(loop, op) == UV_EBUSY) {
    weir__queue_remove(&op->node);
    weir__queue_push(&loop->file_cancels, &op->node);
  }
  weir__loop_wake(loop);
}

static const weir__op_class_t file_class = {"file", weir__file_cancel};

/* Hands op, which is in no queue, to the backend: UV_EBUSY when there is no
 * room for it. */
static inline int start_one(weir_loop_t *loop, weir_op_t *op) {
  weir__queue_push(&loop->file_ops, &op->node);
  op->state = WEIR__OP_STARTED;
  int r = loop->backend->file_start(loop, op);
  if (r == UV_EBUSY) {
    op->state = WEIR__OP_QUEUED;
    weir__queue_remove(&op->node);
  } else if (r != 0) {
    weir__file_done(op, r);
  }
  return r;
}

static int cancel_one(weir_loop_t *loop, weir_op_t *op) {
  weir__queue_push(&loop->file_ops, &op->node);
  int r = loop->backend->file_cancel(loop, op);
  if (r == UV_EBUSY)
    weir__queue_remove(&op->node);
  return r;
}

static inline void set_args(weir_op_t *op, weir__file_form_t form, uv_file file,
                            int64_t offset) {
  op->form = (unsigned char)form;
  weir__file_args(op)->file = file;
  weir__file_args(op)->offset = offset;
}

/* Common to all: 0 and op can go, or an error and nothing has changed. */
static int begin(weir_loop_t *loop, weir_op_t *op, const weir__op_class_t *type,
                 weir__file_form_t form, uv_file file, const weir_seq_t *seq,
                 int64_t offset, weir_op_cb cb) {
  int r = weir__loop_check(loop);
  if (r == 0)
    r = weir__op_start(op, loop, NULL, type, seq, weir__seq_size(seq), cb);
  if (r == 0)
    set_args(op, form, file, offset);
  return r;
}

/* Starts op within its call, as one of the starts of this turn; else it waits
 * for the next flush, and what follows waits behind it. */
static inline void go(weir_loop_t *loop, weir_op_t *op) {
  if (weir__queue_empty(&loop->files) && loop->starts_left > 0 &&
      start_one(loop, op) != UV_EBUSY)
    loop->starts_left--;
  else
    weir__queue_push(&loop->files, &op->node);
  weir__loop_wake(loop);
}

/* Does one thing for the first of queue: 1, or 0 when there was none or no
 * room for it; then it stays the first. */
static int take_up(weir_loop_t *loop, weir_node_t *queue,
                   int (*function)(weir_loop_t *, weir_op_t *)) {
  if (weir__queue_empty(queue) || (loop->flags & WEIR__LOOP_FILES_BLOCKED) != 0)
    return 0;
  weir_op_t *op = weir__op_of(weir__queue_pop(queue));
  if (function(loop, op) != UV_EBUSY)
    return 1;
  weir__queue_push_front(queue, &op->node);
  loop->flags |= WEIR__LOOP_FILES_BLOCKED;
  weir__loop_pause(loop);
  return 0;
}

static int waits(const weir_loop_t *loop) {
  return (loop->flags & WEIR__LOOP_FILES_BLOCKED) == 0 &&
         !(weir__queue_empty(&loop->files) &&
           weir__queue_empty(&loop->file_cancels));
}

static unsigned start(weir_loop_t *loop, unsigned most) {
  unsigned n = 0;
  while (n < most && take_up(loop, &loop->file_cancels, cancel_one))
    n++;
  while (n < most && take_up(loop, &loop->files, start_one))
    n++;
  return n;
}

static void retry(weir_loop_t *loop) {
  loop->flags &= ~WEIR__LOOP_FILES_BLOCKED;
}

const weir__source_t weir__file_source = {waits, start, retry};

/* Of one that moves no bytes. */
static void called(weir_op_t *op, int64_t result) {
  weir__free(weir__file_more(op)->path);
  if (op->form == WEIR__FILE_OPEN && result >= 0)
    weir__file_args(op)->file = (uv_file)result;
}

static void count(weir_op_t *op, size_t n) {
  weir_loop_stats_t *stats = &op->loop->stats;
  op->done += n;
  if (op->form == WEIR__FILE_PREAD) {
    stats->reads++;
    stats->bytes_read += n;
  } else {
    stats->writes++;
    stats->bytes_written += n;
  }
}

/* Whether there is another transfer to come, in this turn's next flush or in
 * another turn; else the status is in *result. */
static int goes_on(weir_op_t *op, int64_t *result) {
  int r = weir__file_advance(op, (size_t)*result);
  if (r == WEIR_PENDING && weir__op_ending(op))
    r = UV_ECANCELED;
  *result = r;
  if (r != WEIR_PENDING)
    return 0;
  op->state = WEIR__OP_QUEUED;
  weir__queue_push(&op->loop->files, &op->node);
  return 1;
}

/* All of it is written: the rest of op is the sync. */
static void become_sync(weir_op_t *op) {
  weir__op_release(op);
  op->form = WEIR__FILE_FDATASYNC;
  *weir__file_more(op) = (weir__file_more_t){.path = NULL};
}

/* Whether that is to be carried out, as goes_on; else *result is the status. */
static int syncs(weir_op_t *op, int64_t *result) {
  if (op->form == WEIR__FILE_FDATASYNC || *result < 0)
    return 0;
  if (weir__op_ending(op)) {
    *result = UV_ECANCELED;
    return 0;
  }
  become_sync(op);
  op->state = WEIR__OP_QUEUED;
  weir__queue_push(&op->loop->files, &op->node);
  return 1;
}

static WEIR__APART int is_over(weir_op_t *op, int64_t *result) {
  if ((op->flags & WEIR__OP_WHOLE) != 0 && *result >= 0 && goes_on(op, result))
    return 0;
  if ((op->flags & WEIR__OP_SYNCED) != 0 && syncs(op, result))
    return 0;
  if ((op->flags & WEIR__OP_TOLD) != 0)
    ((const weir__file_class_t *)op->type)->ended(op, *result);
  return 1;
}

void weir__file_done(weir_op_t *op, int64_t result) {
  weir__queue_remove(&op->node);
  /* What ends makes room. */
  op->loop->flags &= ~WEIR__LOOP_FILES_BLOCKED;
  if (!weir__file_transfers(op))
    called(op, result);
  else if (result >= 0)
    count(op, (size_t)result);
  if ((op->flags & (WEIR__OP_WHOLE | WEIR__OP_TOLD)) != 0 &&
      !is_over(op, &result))
    return;
  weir__op_finish(op, result < 0 ? (int)result : 0);
}

void weir__file_synced(weir_op_t *op, int result) {
  size_t n = op->left;
  if (result == UV_ECANCELED || result == UV_EINTR) {
    weir__file_done(op, (int64_t)n);
    return;
  }
  count(op, n);
  weir__file_advance(op, n);
  become_sync(op);
  weir__file_done(op, result);
}

/* Each once: what finds no room goes to the end of a queue. */
static void end_each(weir_loop_t *loop, int started) {
  weir_node_t ops;
  weir_node_t *node;
  weir__queue_init(&ops);
  if (!weir__queue_empty(&loop->file_ops))
    weir__queue_move(&ops, loop->file_ops.next, loop->file_ops.prev);
  while ((node = weir__queue_pop(&ops)) != NULL) {
    weir_op_t *op = weir__op_of(node);
    weir__queue_push(&loop->file_ops, node);
    if (started || op->state == WEIR__OP_QUEUED)
      weir__op_end(op, UV_ECANCELED);
  }
}

void weir__file_end_all(weir_loop_t *loop) {
  end_each(loop, 1);
}

void weir__file_cancel_all(weir_loop_t *loop) {
  weir_node_t *node;
  end_each(loop, 0);
  while (!weir__queue_empty(&loop->files))
    weir__op_end(weir__op_of(loop->files.next), UV_ECANCELED);
  while ((node = weir__queue_pop(&loop->file_cancels)) != NULL)
    weir__queue_push(&loop->file_ops, node);
}

/* ---- Calls ---- */

/* Copies of the paths, in one piece of memory, which the first one begins. */
static int copy_paths(weir__file_more_t *more, const char *path,
                      const char *other) {
  size_t size = path == NULL ? 0 : strlen(path) + 1;
  size_t rest = other == NULL ? 0 : strlen(other) + 1;
  more->path = NULL;
  if (size == 0)
    return 0;
  more->path = weir__malloc(size + rest);
  if (more->path == NULL)
    return UV_ENOMEM;
  memcpy(more->path, path, size);
  more->other = more->path + size;
  if (rest > 0)
    memcpy(more->other, other, rest);
  return 0;
}

/* An operation that moves no bytes: *more is what the form needs besides, with
 * paths that are the caller's. */
static int call(weir_loop_t *loop, weir_op_t *op, weir__file_form_t form,
                uv_file file, int64_t offset, const weir__file_more_t *more,
                weir_op_cb cb) {
  const weir_seq_t none = weir_seq_block(NULL, 0);
  weir__file_more_t mine = *more;
  weir_op_t now;
  if (loop == NULL || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL) {
    set_args(&now, form, file, offset);
    *weir__file_more(&now) = mine;
    return weir__file_run(&now);
  }
  int r = copy_paths(&mine, more->path, more->other);
  if (r == 0)
    r = begin(loop, op, &file_class, form, file, &none, offset, cb);
  if (r != 0) {
    weir__free(mine.path);
    return r;
  }
  *weir__file_more(op) = mine;
  go(loop, op);
  return 0;
}

static int call_plain(weir_loop_t *loop, weir_op_t *op, weir__file_form_t form,
                      uv_file file, int64_t offset, weir_op_cb cb) {
  const weir__file_more_t none = {.path = NULL};
  return call(loop, op, form, file, offset, &none, cb);
}

/* The paths are only read. */
static int call_path(weir_loop_t *loop, weir_op_t *op, weir__file_form_t form,
                     const char *path, const char *other, int flags, int mode,
                     weir_op_cb cb) {
  const weir__file_more_t more = {.path = (char *)(uintptr_t)path,
                                  .other = (char *)(uintptr_t)other,
                                  .flags = flags,
                                  .mode = mode};
  return path == NULL ? UV_EINVAL : call(loop, op, form, -1, 0, &more, cb);
}

int weir_file_open(weir_loop_t *loop, weir_op_t *op, const char *path,
                   int flags, int mode, weir_op_cb cb) {
  return call_path(loop, op, WEIR__FILE_OPEN, path, NULL, flags, mode, cb);
}

uv_file weir_file_result(const weir_op_t *op) {
  return weir__file_args(op)->file;
}

int weir_file_close(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_op_cb cb) {
  return call_plain(loop, op, WEIR__FILE_CLOSE, file, 0, cb);
}

int weir_file_fsync(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_op_cb cb) {
  return call_plain(loop, op, WEIR__FILE_FSYNC, file, 0, cb);
}

int weir_file_fdatasync(weir_loop_t *loop, weir_op_t *op, uv_file file,
                        weir_op_cb cb) {
  return call_plain(loop, op, WEIR__FILE_FDATASYNC, file, 0, cb);
}

int weir_file_sync_range(weir_loop_t *loop, weir_op_t *op, uv_file file,
                         int64_t offset, int64_t len, int wait, weir_op_cb cb) {
  const weir__file_more_t more = {.len = len, .flags = wait != 0};
  if (offset < 0 || len < 0)
    return UV_EINVAL;
  return call(loop, op, WEIR__FILE_SYNC_RANGE, file, offset, &more, cb);
}

int weir_file_truncate(weir_loop_t *loop, weir_op_t *op, uv_file file,
                       int64_t size, weir_op_cb cb) {
  if (size < 0)
    return UV_EINVAL;
  return call_plain(loop, op, WEIR__FILE_TRUNCATE, file, size, cb);
}

int weir_file_allocate(weir_loop_t *loop, weir_op_t *op, uv_file file,
                       int64_t offset, int64_t len, weir_op_cb cb) {
  const weir__file_more_t more = {.len = len};
  if (offset < 0 || len < 1)
    return UV_EINVAL;
  return call(loop, op, WEIR__FILE_ALLOCATE, file, offset, &more, cb);
}

int weir_file_advise(weir_loop_t *loop, weir_op_t *op, uv_file file,
                     int64_t offset, int64_t len, weir_advice_t advice,
                     weir_op_cb cb) {
  const weir__file_more_t more = {.len = len, .flags = (int)advice};
  if (offset < 0 || len < 0 || advice < WEIR_ADVICE_NORMAL ||
      advice > WEIR_ADVICE_DONTNEED)
    return UV_EINVAL;
  return call(loop, op, WEIR__FILE_ADVISE, file, offset, &more, cb);
}

int weir_file_fstat(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    uv_stat_t *stat, weir_op_cb cb) {
  const weir__file_more_t more = {.stat = stat};
  if (stat == NULL)
    return UV_EINVAL;
  return call(loop, op, WEIR__FILE_FSTAT, file, 0, &more, cb);
}

int weir_file_stat(weir_loop_t *loop, weir_op_t *op, const char *path,
                   uv_stat_t *stat, weir_op_cb cb) {
  const weir__file_more_t more = {.path = (char *)(uintptr_t)path,
                                  .stat = stat};
  if (path == NULL || stat == NULL)
    return UV_EINVAL;
  return call(loop, op, WEIR__FILE_STAT, -1, 0, &more, cb);
}

int weir_file_rename(weir_loop_t *loop, weir_op_t *op, const char *path,
                     const char *to, weir_op_cb cb) {
  if (to == NULL)
    return UV_EINVAL;
  return call_path(loop, op, WEIR__FILE_RENAME, path, to, 0, 0, cb);
}

int weir_file_link(weir_loop_t *loop, weir_op_t *op, const char *path,
                   const char *to, weir_op_cb cb) {
  if (to == NULL)
    return UV_EINVAL;
  return call_path(loop, op, WEIR__FILE_LINK, path, to, 0, 0, cb);
}

int weir_file_unlink(weir_loop_t *loop, weir_op_t *op, const char *path,
                     weir_op_cb cb) {
  return call_path(loop, op, WEIR__FILE_UNLINK, path, NULL, 0, 0, cb);
}

int weir_file_mkdir(weir_loop_t *loop, weir_op_t *op, const char *path,
                    int mode, weir_op_cb cb) {
  return call_path(loop, op, WEIR__FILE_MKDIR, path, NULL, 0, mode, cb);
}

int weir_file_rmdir(weir_loop_t *loop, weir_op_t *op, const char *path,
                    weir_op_cb cb) {
  return call_path(loop, op, WEIR__FILE_RMDIR, path, NULL, 0, 0, cb);
}

int weir__file_step(weir_loop_t *loop, weir_op_t *op,
                    struct weir__copy_step_s *step, weir_op_cb cb) {
  const weir__file_more_t more = {.step = step};
  return call(loop, op, WEIR__FILE_COPY, -1, 0, &more, cb);
}

/* ---- Transfers ---- */

static WEIR__APART int transfer_any(weir_loop_t *loop, weir_op_t *op,
                                    weir__file_form_t form, unsigned flags,
                                    uv_file file, const weir_seq_t *seq,
                                    int64_t offset, weir_op_cb cb) {
  int r = begin(loop, op, &file_class, form, file, seq, offset, cb);
  if (r != 0)
    return r;
  op->flags |= (unsigned short)flags;
  if (op->left == 0)
    weir__op_finish(op, 0);
  else
    go(loop, op);
  return 0;
}

int weir__file_begin(weir_loop_t *loop, weir_op_t *op,
                     const weir__file_class_t *type, void *owner,
                     weir__file_form_t form, unsigned flags, uv_file file,
                     const weir_seq_t *seq, weir_op_cb cb) {
  int r = begin(loop, op, &type->base, form, file, seq, 0, cb);
  if (r != 0)
    return r;
  op->flags |= (unsigned short)(flags | WEIR__OP_TOLD);
  weir__file_set_owner(op, owner);
  return 0;
}

void weir__file_go(weir_op_t *op, int64_t offset) {
  weir__file_args(op)->offset = offset;
  go(op->loop, op);
}

void weir__file_go_later(weir_op_t *op, int64_t offset) {
  weir__file_args(op)->offset = offset;
  weir__queue_push(&op->loop->files, &op->node);
  weir__loop_wake(op->loop);
}

static inline int transfer_begin(weir_loop_t *loop, weir_op_t *op,
                                 weir__file_form_t form, uv_file file,
                                 const weir_seq_t *seq, int64_t offset,
                                 weir_op_cb cb) {
  if (seq->left == 0 || !weir__op_may_hold(loop, seq))
    return transfer_any(loop, op, form, 0, file, seq, offset, cb);
  weir__op_begin_simple(op, loop, NULL, &file_class, seq, cb);
  if ((loop->flags & WEIR__LOOP_SLABS) != 0)
    weir__op_hold_simple(op, loop, seq);
  set_args(op, form, file, offset);
  go(loop, op);
  return 0;
}

int weir_file_pread(weir_loop_t *loop, weir_op_t *op, uv_file file,
                    weir_mseq_t into, int64_t offset, weir_op_cb cb) {
  if (loop == NULL || offset < -1)
    return UV_EINVAL;
  if (cb == NULL)
    return weir__file_transfer_now(WEIR__FILE_PREAD, file, weir_seq_from(into),
                                   offset, 0);
  if (op == NULL)
    return UV_EINVAL;
  return transfer_begin(loop, op, WEIR__FILE_PREAD, file, &into.seq, offset,
                        cb);
}

int weir_file_pwrite(weir_loop_t *loop, weir_op_t *op, uv_file file,
                     weir_seq_t from, int64_t offset, weir_op_cb cb) {
  if (loop == NULL || offset < -1)
    return UV_EINVAL;
  if (cb == NULL)
    return weir__file_transfer_now(WEIR__FILE_PWRITE, file, from, offset, 0);
  if (op == NULL)
    return UV_EINVAL;
  return transfer_begin(loop, op, WEIR__FILE_PWRITE, file, &from, offset, cb);
}

/* Of op, which may be NULL, only the count is used. */
static int now(weir_op_t *op, weir__file_form_t form, uv_file file,
               const weir_seq_t *seq, int64_t offset, unsigned flags) {
  size_t n;
  int r = weir__file_now(form, file, seq, offset, flags, &n);
  if (op != NULL)
    op->done = n;
  return r;
}

static int whole(weir_loop_t *loop, weir_op_t *op, weir__file_form_t form,
                 uv_file file, const weir_seq_t *seq, int64_t offset,
                 weir_op_cb cb) {
  if (loop == NULL || offset < -1 || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL)
    return now(op, form, file, seq, offset, WEIR_FILE_ALL);
  return transfer_any(loop, op, form, WEIR__OP_WHOLE, file, seq, offset, cb);
}

int weir_file_pwrite_sync(weir_loop_t *loop, weir_op_t *op, uv_file file,
                          weir_seq_t from, int64_t offset, weir_op_cb cb) {
  if (loop == NULL || offset < -1 || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL) {
    int r = now(op, WEIR__FILE_PWRITE, file, &from, offset, WEIR_FILE_ALL);
    return r != 0 ? r : weir_file_fdatasync(loop, NULL, file, NULL);
  }
  int r =
      begin(loop, op, &file_class, WEIR__FILE_PWRITE, file, &from, offset, cb);
  if (r != 0)
    return r;
  op->flags |= WEIR__OP_WHOLE | WEIR__OP_SYNCED;
  if (op->left == 0)
    become_sync(op);
  go(loop, op);
  return 0;
}

int weir_file_pread_all(weir_loop_t *loop, weir_op_t *op, uv_file file,
                        weir_mseq_t into, int64_t offset, weir_op_cb cb) {
  return whole(loop, op, WEIR__FILE_PREAD, file, &into.seq, offset, cb);
}

int weir_file_pwrite_all(weir_loop_t *loop, weir_op_t *op, uv_file file,
                         weir_seq_t from, int64_t offset, weir_op_cb cb) {
  return whole(loop, op, WEIR__FILE_PWRITE, file, &from, offset, cb);
}

/* ---- With flags ---- */

static int with(weir_loop_t *loop, weir_op_t *op, weir__file_form_t form,
                uv_file file, const weir_seq_t *seq, int64_t offset,
                unsigned flags, weir_op_cb cb) {
  if (loop == NULL || offset < -1 || (op == NULL && cb != NULL))
    return UV_EINVAL;
  if (cb == NULL)
    return now(op, form, file, seq, offset, flags);
  int r = begin(loop, op, &file_class, form, file, seq, offset, cb);
  if (r != 0)
    return r;
  op->flags |= WEIR__OP_FLAGGED;
  if ((flags & WEIR_FILE_ALL) != 0)
    op->flags |= WEIR__OP_WHOLE;
  weir__file_args(op)->flags = flags & ~(unsigned)WEIR_FILE_ALL;
  if (op->left == 0)
    weir__op_finish(op, 0);
  else
    go(loop, op);
  return 0;
}

int weir_file_pread_with(weir_loop_t *loop, weir_op_t *op, uv_file file,
                         weir_mseq_t into, int64_t offset, unsigned flags,
                         weir_op_cb cb) {
  if ((flags & ~(unsigned)(WEIR_FILE_ALL | WEIR_FILE_NOWAIT)) != 0)
    return UV_EINVAL;
  return with(loop, op, WEIR__FILE_PREAD, file, &into.seq, offset, flags, cb);
}

int weir_file_pwrite_with(weir_loop_t *loop, weir_op_t *op, uv_file file,
                          weir_seq_t from, int64_t offset, unsigned flags,
                          weir_op_cb cb) {
  const unsigned known =
      WEIR_FILE_ALL | WEIR_FILE_DSYNC | WEIR_FILE_NOWAIT | WEIR_FILE_APPEND;
  if ((flags & ~known) != 0)
    return UV_EINVAL;
  return with(loop, op, WEIR__FILE_PWRITE, file, &from, offset, flags, cb);
}

size_t weir_file_moved(const weir_op_t *op) {
  return op->done;
}
