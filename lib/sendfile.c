/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/file.h>
#include <weir/sendfile.h>

#include <assert.h>

#include "alloc.h"
#include "os.h"
#include "stream.h"

/* A write whose bytes are a file's. The system carries them; where it refuses,
 * they go through a buffer, which is read as a file is and written by the
 * stream's kind. */

enum { BOUNCE = 64 << 10 };

static_assert((int)BOUNCE <= (int)WEIR__OUTSIDE_MOST,
              "a buffer is not more than may be offered");

/* Something called ready in vain so often is asked again after a pause. */
enum { VAIN = 2 };

/* The buffer on the way. The write is not over while it is being read into: the
 * file is the program's to close then. */
typedef struct bounce_s {
  weir_op_t read;
  weir_op_t *op; /* the write */
  size_t from;   /* what had gone when it was filled */
  size_t filled;
  int status; /* what the file gives behind that; 0: more */
  char bytes[BOUNCE];
} bounce_t;

/* In the op. */
typedef struct sending_s {
  weir__write_outside_t outside;
  uv_file file;
  unsigned char begun;
  unsigned char refused; /* the system does not carry it */
  unsigned char full;    /* the stream has taken less than was offered */
  unsigned char vain;
} sending_t;

typedef struct sending_more_s {
  int64_t offset;
  weir_op_cb cb;
  bounce_t *bounce;
} sending_more_t;

static_assert(sizeof(sending_t) <= WEIR_OP_SCRATCH &&
                  sizeof(sending_more_t) <= WEIR_OP_ROOM,
              "what a write sends fits in its op");

static int64_t position(const weir_op_t *op) {
  const sending_more_t *more = weir__op_room(op);
  return more->offset + (int64_t)op->done;
}

/* Ends this write, and none behind it. */
static int end(weir_op_t *op, int status) {
  if (!weir__op_ending(op))
    op->status = status;
  return UV_EAGAIN;
}

/* ---- Through a buffer ---- */

static void on_read(weir_op_t *read, int status, size_t n) {
  bounce_t *bounce = (bounce_t *)read;
  bounce->filled = n;
  bounce->status = status == 0 && n == 0 ? UV_EOF : status;
  weir__write_unpark(bounce->op);
}

static void leave(weir_op_t *op) {
  const sending_more_t *more = weir__op_room(op);
  weir_cancel(&more->bounce->read);
}

static bounce_t *bounce_of(weir_op_t *op) {
  sending_more_t *more = weir__op_room(op);
  if (more->bounce == NULL) {
    more->bounce = weir__malloc(sizeof(bounce_t));
    if (more->bounce == NULL)
      return NULL;
    op->loop->stats.allocations++;
    more->bounce->op = op;
    more->bounce->from = op->done;
    more->bounce->filled = 0;
    more->bounce->status = 0;
  }
  return more->bounce;
}

static int read_more(weir_op_t *op, bounce_t *bounce) {
  const sending_t *sending = weir__op_scratch(op);
  size_t len = weir__smaller(op->left, BOUNCE);
  bounce->from = op->done;
  bounce->filled = 0;
  int r = weir_file_pread(op->loop, &bounce->read, sending->file,
                          weir_mseq_block(bounce->bytes, len), position(op),
                          on_read);
  if (r != 0)
    return end(op, r);
  op->flags |= WEIR__OP_PARKED;
  return WEIR_PENDING;
}

static int pass_on(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  bounce_t *bounce = bounce_of(op);
  if (bounce == NULL)
    return end(op, UV_ENOMEM);
  size_t gone = op->done - bounce->from;
  if (gone == bounce->filled)
    return bounce->status != 0 ? end(op, bounce->status)
                               : read_more(op, bounce);
  uv_buf_t rest = weir__buf(bounce->bytes + gone, bounce->filled - gone);
  stream->offered = rest.len;
  return stream->kind->write_some(stream, &rest, 1, n);
}

/* ---- By the system ---- */

/* Errors that may be the file's, or say that it cannot be done so: a read will
 * tell, or a write. All others are the stream's. */
static int is_refusal(int r) {
  switch (r) {
  case UV_EACCES:
  case UV_EBADF:
  case UV_EINVAL:
  case UV_EIO:
  case UV_EISDIR:
  case UV_ENOMEM:
  case UV_ENOSYS:
  case UV_ENOTSUP:
  case UV_EOVERFLOW:
  case UV_EPERM:
  case UV_ESPIPE:
    return 1;
  default:
    return 0;
  }
}

/* The system may hold the last bytes back for those that do not come. */
static int end_short(weir_stream_t *stream, weir_op_t *op) {
  weir__stream_push(stream);
  return end(op, UV_EOF);
}

/* Nor is what stands before it to wait for a read. */
static void refuse(weir_stream_t *stream, sending_t *sending) {
  sending->refused = 1;
  if ((stream->state & WEIR__HELD) != 0)
    weir__stream_push(stream);
}

static int await(weir_stream_t *stream, sending_t *sending) {
  sending->full = 0;
  int r = weir__kind(stream)->await_write(stream);
  return r == UV_EPERM ? UV_EAGAIN : r;
}

static int carry(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  sending_t *sending = weir__op_scratch(op);
  if (sending->full)
    return await(stream, sending);
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls += WEIR__OS_SPLICE_OUT;
  int r =
      weir__os_sendfile(fd, sending->file, position(op), stream->offered, n);
  sending->full = r == 0 && *n < stream->offered;
  if (r == 0)
    sending->vain = 0;
  if (r != UV_EAGAIN)
    return r == UV_ENOBUFS ? UV_EBUSY : r;
  if (sending->vain++ < VAIN)
    return await(stream, sending);
  sending->vain = VAIN;
  return UV_EBUSY;
}

static int send_some(weir_stream_t *stream, const uv_buf_t *bufs,
                     unsigned nbufs, size_t *n) {
  weir_op_t *op = weir__write_head(stream);
  sending_t *sending = weir__op_scratch(op);
  int r = 0;
  (void)bufs, (void)nbufs;
  if (!sending->begun)
    r = weir__own_set_nonblocking(stream);
  sending->begun = 1;
  if (r == 0 && !sending->refused)
    r = carry(stream, op, n);
  if (r == UV_EOF)
    return end_short(stream, op);
  if (is_refusal(r))
    refuse(stream, sending);
  return sending->refused ? pass_on(stream, op, n) : r;
}

/* ---- The call ---- */

static void over(weir_op_t *op, int status, size_t n) {
  const sending_more_t *more = weir__op_room(op);
  weir_op_cb cb = more->cb;
  weir__free(more->bounce);
  op->cb = cb;
  cb(op, status, n);
}

int weir_sendfile(weir_op_t *op, weir_stream_t *stream, uv_file file,
                  int64_t offset, size_t len, weir_op_cb cb) {
  if (cb == NULL || file < 0 || offset < 0 ||
      len > (uint64_t)(INT64_MAX - offset))
    return UV_EINVAL;
  int r = weir__write_outside(op, stream, len, send_some, over);
  if (r != 0)
    return r;
  sending_t *sending = weir__op_scratch(op);
  sending->outside.leave = leave;
  sending->file = file;
  sending->begun = 0;
  sending->refused = 0;
  sending->full = 0;
  sending->vain = 0;
  *(sending_more_t *)weir__op_room(op) = (sending_more_t){offset, cb, NULL};
  return 0;
}
