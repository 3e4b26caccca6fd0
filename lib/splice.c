/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "splice.h"

#include "pipe.h"
#include "read.h"

/* Each splice is tried at once, and waited for when there was nothing. That it
 * was the pipe which was full, or empty, cannot be: it is filled when nothing
 * is in it or without waiting, and emptied of what is known to be in it. */

/* A source that has always more is waited for now and then, as others are. One
 * that is ready in vain so often is asked again after a pause. */
enum { READS_AT_ONCE = 16, VAIN = 2 };

/* What says that it cannot be spliced from, or to; if it is another error, a
 * transfer without will say it again. */
static int is_refusal(int r) {
  switch (r) {
  case UV_EINVAL:
  case UV_ENOSYS:
  case UV_ENOTSUP:
  case UV_EPERM:
  case UV_ENOMEM:
    return 1;
  default:
    return 0;
  }
}

static void give_up(weir_splice_t *splice, int status) {
  splice->on = 0;
  splice->status = status;
}

static void give_back(weir_splice_t *splice, weir_loop_t *loop, int empty) {
  weir__pipe_give(loop, splice->pipe, empty);
  splice->pipe = NULL;
}

/* Counts what finds nothing in a row: whether it is too often. */
static int in_vain(unsigned char *vain) {
  if (*vain <= VAIN)
    ++*vain;
  return *vain > VAIN;
}

void weir__splice_begin(weir_splice_t *splice, const weir_stream_t *source,
                        const weir_stream_t *sink) {
  int r = weir__own_set_nonblocking(source);
  if (r == 0)
    r = weir__own_set_nonblocking(sink);
  splice->status = r;
  splice->on = r == 0;
}

/* ---- Into the pipe ---- */

static int fill(weir_splice_t *splice, weir_stream_t *source, size_t size,
                size_t *n) {
  weir__fd_t fd = weir__own_fd(source);
  if (fd < 0)
    return (int)fd;
  source->loop->stats.syscalls++;
  int r = weir__os_splice_in(fd, splice->pipe->in, size, n);
  splice->dry = r == UV_EAGAIN || (r == 0 && *n < size);
  if (r == 0)
    splice->read_vain = 0;
  return r;
}

/* In a pipe that is nobody's else, or in memory if there is none. */
static int fill_first(weir_splice_t *splice, weir_stream_t *source, size_t size,
                      size_t *n) {
  int r = weir__pipe_take(source->loop, size, &splice->pipe);
  splice->status = r;
  if (r == UV_ENOSYS)
    give_up(splice, r);
  if (r != 0)
    return UV_ENOSYS;
  r = fill(splice, source, size, n);
  if (r != 0)
    give_back(splice, source->loop, 1);
  if (is_refusal(r))
    give_up(splice, r);
  return r;
}

static weir_splice_t **splice_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

static int await(weir_splice_t *splice, weir_stream_t *source) {
  splice->dry = 0;
  splice->reads = 0;
  int r = weir__kind(source)->await(source, 0);
  return r == 0 ? UV_EAGAIN : r;
}

static int ask(weir_stream_t *source, weir_op_t *op, size_t *n) {
  weir_splice_t *splice = *splice_of(op);
  if (!splice->on)
    return weir__read_plainly(source, n);
  if (splice->dry || splice->reads++ == READS_AT_ONCE)
    return await(splice, source);
  int r = fill_first(splice, source, op->left, n);
  if (is_refusal(r))
    return weir__read_plainly(source, n);
  if (r != UV_EAGAIN)
    return r;
  return in_vain(&splice->read_vain) ? UV_EBUSY : await(splice, source);
}

static const weir__read_plan_t spliced = {
    .type = {.name = "splice", .cancel = weir__read_cancel},
    .ask = ask,
    .at_end = UV_EOF,
};

int weir__splice_read(weir_splice_t *splice, weir_op_t *op,
                      weir_stream_t *source, weir_mseq_t into, weir_op_cb cb) {
  int r = weir__read_begin(op, source, &into.seq, weir__seq_size(&into.seq),
                           &spliced, cb);
  if (r != 0)
    return r;
  op->need = 1;
  *splice_of(op) = splice;
  return weir__read_go(source);
}

int weir__splice_more(weir_splice_t *splice, weir_stream_t *source, size_t size,
                      size_t *n) {
  *n = 0;
  if (!splice->on || weir__stream_usable(source) != 0 ||
      source->reader != NULL || source->read_status != 0)
    return UV_EAGAIN;
  int r = fill(splice, source, size, n);
  if (is_refusal(r)) {
    give_up(splice, r);
    return UV_EAGAIN;
  }
  if (r == UV_EOF)
    source->read_status = UV_EOF;
  if (r == 0) {
    source->loop->stats.reads++;
    source->loop->stats.bytes_read += *n;
  }
  return r;
}

/* ---- Out of it ---- */

/* In the op. */
typedef struct writing_s {
  weir__write_by_t by;
  weir_splice_t *splice;
} writing_t;

static_assert(sizeof(writing_t) <= WEIR_OP_SCRATCH,
              "a write of what is in a pipe fits in its op");

/* Takes what the pipe holds out of it, into all of these. */
static int drain(weir_splice_t *splice, weir_loop_t *loop, const uv_buf_t *bufs,
                 unsigned nbufs) {
  unsigned again = 0;
  int r = 0;
  for (unsigned i = 0; i < nbufs && r == 0; i++) {
    uv_buf_t left = bufs[i];
    while (left.len > 0 && r == 0) {
      size_t n = 0;
      loop->stats.syscalls++;
      r = weir__os_read(splice->pipe->out, 0, &left, 1, &n);
      /* It holds them: whoever says that it does not is mistaken. */
      if (r == UV_EAGAIN && again++ < 3)
        r = 0;
      left.base += n;
      left.len -= (weir__len_t)n;
    }
  }
  give_back(splice, loop, r == 0);
  return r == UV_EOF || r == UV_EAGAIN ? UV_EIO : r;
}

/* Some of what the pipe holds. What cannot be waited for is always ready. */
static int empty(weir_splice_t *splice, weir_stream_t *sink, size_t *n) {
  int r = UV_EAGAIN;
  weir__fd_t fd = weir__own_fd(sink);
  if (fd < 0)
    return (int)fd;
  if (!splice->full) {
    sink->loop->stats.syscalls += WEIR__OS_SPLICE_OUT;
    r = weir__os_splice_out(splice->pipe->out, fd, sink->offered, n);
    splice->full = r == 0 && *n < sink->offered;
    if (r == 0)
      splice->write_vain = 0;
    if (r != UV_EAGAIN)
      return r == UV_ENOBUFS ? UV_EBUSY : r;
    if (in_vain(&splice->write_vain)) {
      splice->full = 1;
      return UV_EBUSY;
    }
  }
  splice->full = 0;
  r = weir__kind(sink)->await_write(sink);
  return r == UV_EPERM ? UV_EAGAIN : r;
}

static int write_window(weir_stream_t *sink, const uv_buf_t *bufs,
                        unsigned nbufs, size_t *n) {
  const writing_t *writing = weir__op_scratch(weir__write_head(sink));
  weir_splice_t *splice = writing->splice;
  if (splice->pipe == NULL)
    return sink->kind->write_some(sink, bufs, nbufs, n);
  int r = empty(splice, sink, n);
  if (!is_refusal(r))
    return r;
  give_up(splice, r);
  r = drain(splice, sink->loop, bufs, nbufs);
  return r != 0 ? r : sink->kind->write_some(sink, bufs, nbufs, n);
}

int weir__splice_write(weir_splice_t *splice, weir_op_t *op,
                       weir_stream_t *sink, weir_seq_t from, weir_op_cb cb) {
  int r = weir__write_by(op, sink, &from, 1, write_window, cb);
  if (r == 0)
    ((writing_t *)weir__op_scratch(op))->splice = splice;
  return r;
}

void weir__splice_took(weir_splice_t *splice, weir_loop_t *loop, size_t n,
                       size_t held) {
  splice->bytes += n;
  if (held == 0)
    give_back(splice, loop, 1);
}

int weir__splice_end(weir_splice_t *splice, weir_loop_t *loop,
                     weir_seq_t held) {
  uv_buf_t bufs[WEIR_WINDOW];
  size_t bytes = 0;
  splice->on = 0;
  if (splice->pipe == NULL)
    return 0;
  unsigned used = weir__seq_fill(&held, bufs, 0, &bytes, SIZE_MAX);
  return drain(splice, loop, bufs, used);
}
