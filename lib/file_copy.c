/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/file_copy.h>

#include <assert.h>
#include <string.h>

#include <weir/file.h>
#include <weir/pool.h>

#include "alloc.h"
#include "file.h"
#include "file_copy_step.h"
#include "op.h"

/* A copy is made of operations on files: steps that the system does alone, one
 * at a time; and, if it does not, buffers that each go round by themselves. A
 * buffer takes the next part of the source, is written to the same place of the
 * target, and takes the next part again. */

enum { PARTS = 16, PART_SIZE = 256 << 10, RANGE = 4 << 20 };

typedef struct copying_s copying_t;

typedef struct part_s {
  weir_op_t op;
  copying_t *copying;
  uv_buf_t buffer;
  int64_t offset; /* the target has not what is from here on */
  size_t filled;
  int busy; /* op is outstanding */
  int open; /* not all of it is in the target */
} part_t;

struct copying_s {
  weir_op_t stepper;
  weir_op_t *op;
  weir__copy_step_t step;
  int stepping;   /* stepper is outstanding */
  int status;     /* 0, or what ended the copy too early */
  int64_t failed; /* the first part that did; 0: none */
  unsigned flags;
  weir_copy_progress_cb progress;
  int64_t next; /* all before was handed out, or is a hole */
  int64_t data; /* the end of the data at next, where they are known */
  int64_t end;  /* of what there is to copy, as far as is known */
  weir_pool_t *pool;
  unsigned nparts;
  part_t parts[PARTS];
};

static void go_on(copying_t *copying);

/* Whether a part lies before all that has failed. */
static int is_before(const part_t *part) {
  return part->offset < part->copying->failed;
}

static void fail(copying_t *copying, int status) {
  if (copying->status == 0)
    copying->status = status;
}

/* What ends the copy is what the first part fails with: those before it go on,
 * so that it is known what went well. */
static void fail_part(const part_t *part, int status) {
  copying_t *copying = part->copying;
  if (status == 0 || (copying->status != 0 && !is_before(part)))
    return;
  copying->status = status;
  copying->failed = part->offset;
}

/* ---- What there is of it ---- */

/* The target has all of the source's bytes before. */
static int64_t whole(const copying_t *copying) {
  int64_t end = copying->next < copying->end ? copying->next : copying->end;
  for (unsigned i = 0; i < copying->nparts; i++) {
    const part_t *part = &copying->parts[i];
    if (part->open && part->offset < end)
      end = part->offset;
  }
  return end;
}

static void notify(copying_t *copying) {
  if (copying->progress != NULL && copying->status == 0)
    copying->progress(copying->op, (uint64_t)whole(copying),
                      (uint64_t)copying->step.size);
}

/* What is written so far may be all that the source has. */
static void meet_end(copying_t *copying, int64_t end) {
  if (end < copying->end)
    copying->end = end;
}

/* ---- The end ---- */

static void release(copying_t *copying) {
  for (unsigned i = 0; i < copying->nparts; i++)
    weir_pool_release(copying->pool, &copying->parts[i].buffer);
  int r = copying->pool != NULL ? weir_pool_destroy(copying->pool) : 0;
  assert(r == 0);
  (void)r;
  weir__free(copying);
}

static void finish(copying_t *copying) {
  weir_op_t *op = copying->op;
  int status = copying->status;
  uint64_t n = (uint64_t)whole(copying);
  op->done = n > SIZE_MAX ? SIZE_MAX : (size_t)n;
  release(copying);
  weir__op_finish(op, status);
}

/* ---- Steps ---- */

static void on_step(weir_op_t *op, int status, size_t n);

static void begin_step(copying_t *copying, weir__copy_what_t what) {
  copying->step.what = what;
  int r = weir__file_step(copying->op->loop, &copying->stepper, &copying->step,
                          on_step);
  copying->stepping = r == 0;
  fail(copying, r);
}

/* Why the system does not copy these two: buffers will do, or say why not. */
static int is_refusal(int r) {
  switch (r) {
  case UV_EACCES:
  case UV_EBADF:
  case UV_EINVAL:
  case UV_ENOMEM:
  case UV_ENOSYS:
  case UV_ENOTSUP:
  case UV_EOVERFLOW:
  case UV_EPERM:
  case UV_EXDEV:
    return 1;
  default:
    return 0;
  }
}

static void set_way(copying_t *copying, weir_copy_way_t way) {
  copying->op->form = (unsigned char)way;
}

static void begun(copying_t *copying) {
  const weir__copy_step_t *step = &copying->step;
  copying->end = step->size > 0 ? step->size : INT64_MAX;
  if (step->clones) {
    copying->next = step->size;
    set_way(copying, WEIR_COPY_BY_CLONE);
  } else if (step->size > 0 && (copying->flags & WEIR_COPY_NO_RANGE) == 0) {
    set_way(copying, WEIR_COPY_BY_RANGE);
  } else {
    set_way(copying, WEIR_COPY_BY_BUFFERS);
  }
}

/* The next data begin there; or there are none, and so it ends. */
static void found(copying_t *copying) {
  const weir__copy_step_t *step = &copying->step;
  copying->next = step->offset;
  copying->data = step->end;
  if (step->end <= step->offset)
    meet_end(copying, step->offset);
}

static void ranged(copying_t *copying, int r) {
  if (r == 0 || is_refusal(r))
    found(copying);
  if (r == 0)
    copying->next += (int64_t)copying->step.most;
  else if (is_refusal(r))
    set_way(copying, WEIR_COPY_BY_BUFFERS);
  else
    fail(copying, r);
}

static void on_step(weir_op_t *op, int status, size_t n) {
  copying_t *copying = op->data;
  (void)n;
  copying->stepping = 0;
  switch (copying->step.what) {
  case WEIR__COPY_BEGIN:
    if (status == 0)
      begun(copying);
    break;
  case WEIR__COPY_RANGE:
    ranged(copying, status);
    status = 0;
    break;
  case WEIR__COPY_FIND:
    if (status == 0)
      found(copying);
    break;
  default:
    fail(copying, status);
    finish(copying);
    return;
  }
  fail(copying, status);
  notify(copying);
  go_on(copying);
}

/* ---- Buffers ---- */

/* Each is as large as what is to be copied, and there are no more of them than
 * that needs. Where the size is not known, what is read is made for the reader,
 * who had better go through it once. */
static int make_parts(copying_t *copying) {
  int64_t size = copying->step.size;
  int64_t count = size > 0 ? (size + PART_SIZE - 1) / PART_SIZE : 1;
  if (count > PARTS)
    count = PARTS;
  int r = weir_pool_create(copying->op->loop, (size_t)count, PART_SIZE,
                           &copying->pool);
  for (unsigned i = 0; r == 0 && i < (unsigned)count; i++) {
    part_t *part = &copying->parts[i];
    part->copying = copying;
    part->op.data = part;
    r = weir_pool_acquire(copying->pool, &part->buffer);
    copying->nparts += r == 0;
  }
  return r;
}

static void on_written(weir_op_t *op, int status, size_t n) {
  part_t *part = op->data;
  part->busy = 0;
  part->offset += (int64_t)n;
  part->open = status != 0;
  fail_part(part, status);
  notify(part->copying);
  go_on(part->copying);
}

static void write_part(part_t *part, size_t n) {
  const copying_t *copying = part->copying;
  weir_seq_t data = weir_seq_block(part->buffer.base, n);
  if (weir__op_ending(copying->op) ||
      (copying->status != 0 && !is_before(part)))
    return;
  int r =
      weir_file_pwrite_all(copying->op->loop, &part->op, copying->step.target,
                           data, part->offset, on_written);
  part->busy = r == 0;
  fail_part(part, r);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  part_t *part = op->data;
  part->busy = 0;
  if (status == UV_EOF) {
    meet_end(part->copying, part->offset + (int64_t)n);
    part->open = n > 0;
    status = 0;
  }
  fail_part(part, status);
  if (n > 0 && status == 0)
    write_part(part, n);
  go_on(part->copying);
}

static void read_part(part_t *part, size_t len) {
  copying_t *copying = part->copying;
  weir_mseq_t room = weir_mseq_block(part->buffer.base, len);
  part->offset = copying->next;
  part->open = 1;
  copying->next += (int64_t)len;
  int r =
      weir_file_pread_all(copying->op->loop, &part->op, copying->step.source,
                          room, part->offset, on_read);
  part->busy = r == 0;
  fail_part(part, r);
}

/* How much the next part has: 0 if there is none, or it is to be looked for. */
static size_t next_len(const copying_t *copying) {
  int64_t end = copying->step.size > 0 ? copying->data : INT64_MAX;
  if (end > copying->end)
    end = copying->end;
  int64_t len = end - copying->next;
  return len <= 0 ? 0 : len > PART_SIZE ? PART_SIZE : (size_t)len;
}

static void fill_parts(copying_t *copying) {
  for (unsigned i = 0; i < copying->nparts && copying->status == 0; i++) {
    size_t len = next_len(copying);
    if (len > 0 && !copying->parts[i].busy)
      read_part(&copying->parts[i], len);
  }
}

/* ---- The course of it ---- */

static int is_busy(const copying_t *copying) {
  if (copying->stepping)
    return 1;
  for (unsigned i = 0; i < copying->nparts; i++)
    if (copying->parts[i].busy)
      return 1;
  return 0;
}

static void cancel_all(copying_t *copying) {
  if (copying->stepping)
    weir_cancel(&copying->stepper);
  for (unsigned i = 0; i < copying->nparts; i++)
    if (copying->parts[i].busy)
      weir_cancel(&copying->parts[i].op);
}

static void copy_more(copying_t *copying) {
  int by_buffers = copying->op->form == WEIR_COPY_BY_BUFFERS;
  if (by_buffers && copying->nparts == 0)
    fail(copying, make_parts(copying));
  if (by_buffers && copying->status == 0)
    fill_parts(copying);
  if (copying->stepping || copying->status != 0)
    return;
  copying->step.offset = copying->next;
  copying->step.most = RANGE;
  if (copying->next < copying->end && !by_buffers)
    begin_step(copying, WEIR__COPY_RANGE);
  else if (copying->next < copying->end && next_len(copying) == 0)
    begin_step(copying, WEIR__COPY_FIND);
}

static void go_on(copying_t *copying) {
  if (copying->status == 0 && weir__op_ending(copying->op))
    fail(copying, UV_ECANCELED);
  if (copying->status == 0)
    copy_more(copying);
  if (is_busy(copying))
    return;
  if (copying->status != 0) {
    finish(copying);
    return;
  }
  copying->step.offset = whole(copying);
  begin_step(copying, WEIR__COPY_END);
  if (copying->status != 0)
    finish(copying);
}

static void cancel(weir_op_t *op) {
  cancel_all(*weir__op_owner(op));
}

static const weir__op_class_t copy_class = {"copy", cancel};

/* ---- The call ---- */

enum { FLAGS = WEIR_COPY_NO_CLONE | WEIR_COPY_NO_RANGE };

/* Takes what the caller's version of them has. */
static int take_options(weir_copy_options_t *mine,
                        const weir_copy_options_t *options) {
  memset(mine, 0, sizeof(*mine));
  if (options == NULL)
    return 0;
  size_t size = options->size;
  if (size == 0 || size > sizeof(*mine))
    size = sizeof(*mine);
  memcpy(mine, options, size);
  return (mine->flags & ~(unsigned)FLAGS) != 0 ? UV_EINVAL : 0;
}

static copying_t *make(weir_op_t *op, uv_file source, uv_file target,
                       const weir_copy_options_t *options) {
  copying_t *copying = weir__malloc(sizeof(*copying));
  if (copying == NULL)
    return NULL;
  memset(copying, 0, sizeof(*copying));
  copying->op = op;
  copying->stepper.data = copying;
  copying->flags = options->flags;
  copying->progress = options->progress;
  copying->step.what = WEIR__COPY_BEGIN;
  copying->step.source = source;
  copying->step.target = target;
  copying->step.clones = (options->flags & WEIR_COPY_NO_CLONE) == 0;
  return copying;
}

int weir_file_copy(weir_loop_t *loop, weir_op_t *op, uv_file source,
                   uv_file target, const weir_copy_options_t *options,
                   weir_op_cb cb) {
  weir_copy_options_t mine;
  if (loop == NULL || op == NULL || cb == NULL || source < 0 || target < 0)
    return UV_EINVAL;
  int r = take_options(&mine, options);
  if (r != 0)
    return r;
  copying_t *copying = make(op, source, target, &mine);
  if (copying == NULL)
    return UV_ENOMEM;
  r = weir__file_step(loop, &copying->stepper, &copying->step, on_step);
  if (r != 0) {
    weir__free(copying);
    return r;
  }
  loop->stats.allocations++;
  copying->stepping = 1;
  weir__op_begin_plain(op, loop, copying, &copy_class, cb);
  op->state = WEIR__OP_STARTED;
  set_way(copying, WEIR_COPY_BY_BUFFERS);
  return 0;
}

weir_copy_way_t weir_file_copy_way(const weir_op_t *op) {
  return (weir_copy_way_t)op->form;
}
