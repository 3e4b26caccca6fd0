/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <weir/file.h>

#include "../lib/queue.h"
#include "../lib/rare.h"
#include "../lib/seq.h"
#include "../lib/uv_backend.h"

/* A complete transfer goes on by itself, so that segments of that many bytes,
 * all of them registered, rather go one after the other than without it. */
enum { LARGE = 65536 };

/* The registered memory that holds all of bufs, or -1. */
static int registered(weir__ring_t *ring, const uv_buf_t *bufs,
                      unsigned nbufs) {
  int index = weir__ring_memory_find(ring, bufs[0].base, bufs[0].len);
  for (unsigned i = 1; i < nbufs && index >= 0; i++)
    if (weir__ring_memory_find(ring, bufs[i].base, bufs[i].len) != index)
      index = -1;
  return index;
}

/* Counts why what lies in pools, be it in part, goes without registration. */
static WEIR__APART void count_unfixed(weir__ring_t *ring, const uv_buf_t *bufs,
                                      unsigned nbufs, int index) {
  weir_loop_stats_t *stats = &ring->loop->stats;
  int some = index;
  if (weir__queue_empty(&ring->loop->pools))
    return;
  for (unsigned i = 0; i < nbufs && some < 0; i++)
    some = weir__ring_memory_find(ring, bufs[i].base, 1);
  if (index >= 0)
    stats->unfixed_vectors++;
  else if (some >= 0)
    stats->unfixed_mixed++;
  else
    stats->unfixed_pools +=
        (unsigned)weir__pools_touch(ring->loop, bufs, nbufs);
}

/* index is that of the registered memory which holds all of it, or -1. */
static inline void fill_one(weir__ring_t *ring, struct io_uring_sqe *sqe,
                            int write, const void *base, size_t len,
                            int index) {
  sqe->addr = (uint64_t)(uintptr_t)base;
  sqe->len = (uint32_t)len;
  if (index < 0)
    return;
  sqe->opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED;
  sqe->buf_index = (uint16_t)index;
  ring->loop->stats.fixed_ops++;
}

static void fill_single(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                        const uv_buf_t *buf) {
  int index = weir__ring_memory_find(ring, buf->base, buf->len);
  fill_one(ring, sqe, write, buf->base, buf->len, index);
  if (index < 0)
    count_unfixed(ring, buf, 1, index);
}

static void fill_block(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                       const weir_seq_t *seq) {
  const uv_buf_t buf =
      weir__buf(seq->at, weir__smaller(seq->left, weir__seq_max_bytes()));
  fill_single(ring, sqe, write, &buf);
}

static void fill_many(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                      const uv_buf_t *bufs, unsigned nbufs, int vectored) {
  int index = registered(ring, bufs, nbufs);
  sqe->addr =
      (uint64_t)(uintptr_t)weir__ring_vector(ring, sqe, bufs, nbufs)->segments;
  sqe->len = nbufs;
  if (index < 0 || !vectored) {
    sqe->opcode = write ? IORING_OP_WRITEV : IORING_OP_READV;
    count_unfixed(ring, bufs, nbufs, index);
    return;
  }
  sqe->opcode = write ? WEIR__OP_WRITEV_FIXED : WEIR__OP_READV_FIXED;
  sqe->buf_index = (uint16_t)index;
  ring->loop->stats.fixed_ops++;
}

/* How many of the first segments a complete transfer moves now: those that one
 * registration holds, and the kernel takes together; all, where one of them
 * would go without it. */
static unsigned together(weir__ring_t *ring, const uv_buf_t *bufs,
                         unsigned nbufs, int vectored) {
  int first = weir__ring_memory_find(ring, bufs[0].base, bufs[0].len);
  unsigned same = 0;
  for (unsigned i = 0; i < nbufs; i++) {
    int index = weir__ring_memory_find(ring, bufs[i].base, bufs[i].len);
    if (index < 0 || bufs[i].len < LARGE)
      return nbufs;
    if (i == same && index == first)
      same++;
  }
  return vectored ? same : 1;
}

static void fill_window(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                        const weir_op_t *op) {
  unsigned cap = write ? WEIR__CAP_WRITEV_FIXED : WEIR__CAP_READV_FIXED;
  int vectored = (ring->caps & cap) != 0;
  uv_buf_t bufs[WEIR_WINDOW];
  size_t bytes = 0;
  unsigned nbufs =
      weir__seq_fill(&op->seq, bufs, 0, &bytes, weir__seq_max_bytes());
  if (nbufs > 1 && (op->flags & WEIR__OP_WHOLE) != 0)
    nbufs = together(ring, bufs, nbufs, vectored);
  if (nbufs == 1)
    fill_single(ring, sqe, write, bufs);
  else if (nbufs > 1)
    fill_many(ring, sqe, write, bufs, nbufs, vectored);
}

static void fill_transfer(weir__ring_t *ring, struct io_uring_sqe *sqe,
                          const weir_op_t *op, int write) {
  sqe->opcode = write ? IORING_OP_WRITE : IORING_OP_READ;
  sqe->off = (uint64_t)weir__file_args(op)->offset;
  if (op->seq.kind == WEIR__SEQ_BLOCK)
    fill_block(ring, sqe, write, &op->seq);
  else
    fill_window(ring, sqe, write, op);
  if (write && ring->caps & WEIR__CAP_NOSIGNAL)
    sqe->rw_flags = WEIR__RWF_NOSIGNAL;
  if ((op->flags & WEIR__OP_FLAGGED) != 0)
    sqe->rw_flags |= (int)weir__file_args(op)->flags;
}

static void fill_open(struct io_uring_sqe *sqe, const weir__file_more_t *more) {
  sqe->opcode = IORING_OP_OPENAT;
  sqe->addr = (uint64_t)(uintptr_t)more->path;
  sqe->len = (uint32_t)more->mode;
  sqe->open_flags = (uint32_t)(more->flags | O_CLOEXEC);
  /* The ring would first try it without waiting, and a FIFO be opened so. */
  if (!(more->flags & O_NONBLOCK))
    sqe->flags |= IOSQE_ASYNC;
}

static void fill_path(struct io_uring_sqe *sqe, unsigned opcode,
                      const weir__file_more_t *more, int flags) {
  sqe->opcode = (uint8_t)opcode;
  sqe->addr = (uint64_t)(uintptr_t)more->path;
  sqe->unlink_flags = (uint32_t)flags;
}

static void fill_two_paths(struct io_uring_sqe *sqe, unsigned opcode,
                           const weir__file_more_t *more) {
  fill_path(sqe, opcode, more, 0);
  sqe->addr2 = (uint64_t)(uintptr_t)more->other;
  sqe->len = (uint32_t)AT_FDCWD;
}

static void fill_by_path(struct io_uring_sqe *sqe, const weir_op_t *op) {
  const weir__file_more_t *more = weir__file_more(op);
  sqe->fd = AT_FDCWD;
  switch (op->form) {
  case WEIR__FILE_OPEN:
    fill_open(sqe, more);
    break;
  case WEIR__FILE_RENAME:
    fill_two_paths(sqe, IORING_OP_RENAMEAT, more);
    break;
  case WEIR__FILE_LINK:
    fill_two_paths(sqe, IORING_OP_LINKAT, more);
    break;
  case WEIR__FILE_MKDIR:
    fill_path(sqe, IORING_OP_MKDIRAT, more, 0);
    sqe->len = (uint32_t)more->mode;
    break;
  default:
    fill_path(sqe, IORING_OP_UNLINKAT, more,
              op->form == WEIR__FILE_RMDIR ? AT_REMOVEDIR : 0);
  }
}

static void fill_sync_range(struct io_uring_sqe *sqe, const weir_op_t *op) {
  const weir__file_more_t *more = weir__file_more(op);
  sqe->opcode = IORING_OP_SYNC_FILE_RANGE;
  sqe->off = (uint64_t)weir__file_args(op)->offset;
  sqe->len = (uint32_t)more->len;
  sqe->sync_range_flags = SYNC_FILE_RANGE_WRITE;
  if (more->flags)
    sqe->sync_range_flags |=
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
}

static void fill_call(struct io_uring_sqe *sqe, const weir_op_t *op) {
  switch (op->form) {
  case WEIR__FILE_CLOSE:
    sqe->opcode = IORING_OP_CLOSE;
    break;
  case WEIR__FILE_FSYNC:
    sqe->opcode = IORING_OP_FSYNC;
    break;
  case WEIR__FILE_FDATASYNC:
    sqe->opcode = IORING_OP_FSYNC;
    sqe->fsync_flags = IORING_FSYNC_DATASYNC;
    break;
  case WEIR__FILE_SYNC_RANGE:
    fill_sync_range(sqe, op);
    break;
  case WEIR__FILE_TRUNCATE:
    sqe->opcode = WEIR__OP_FTRUNCATE;
    sqe->off = (uint64_t)weir__file_args(op)->offset;
    break;
  case WEIR__FILE_FSTAT:
  case WEIR__FILE_STAT:
    weir__stat_fill(sqe, op);
    break;
  case WEIR__FILE_ALLOCATE:
    sqe->opcode = IORING_OP_FALLOCATE;
    sqe->off = (uint64_t)weir__file_args(op)->offset;
    sqe->addr = (uint64_t)weir__file_more(op)->len;
    break;
  default:
    fill_by_path(sqe, op);
  }
}

/* What the ring does of that; what it does not, a thread of libuv's pool
 * does. */
static int takes(const weir__ring_t *ring, const weir_op_t *op) {
  switch (op->form) {
  case WEIR__FILE_ADVISE:
  case WEIR__FILE_COPY:
    return 0;
  case WEIR__FILE_FSTAT:
  case WEIR__FILE_STAT:
    return (ring->caps & WEIR__CAP_STATX) != 0;
  case WEIR__FILE_SYNC_RANGE:
    return weir__file_more(op)->len <= UINT32_MAX;
  case WEIR__FILE_TRUNCATE:
    return (ring->caps & WEIR__CAP_TRUNCATE) != 0;
  case WEIR__FILE_RENAME:
  case WEIR__FILE_LINK:
  case WEIR__FILE_UNLINK:
  case WEIR__FILE_MKDIR:
  case WEIR__FILE_RMDIR:
    return (ring->caps & WEIR__CAP_PATHS) != 0;
  default:
    return 1;
  }
}

static void fill(weir__ring_t *ring, struct io_uring_sqe *sqe,
                 const weir_op_t *op) {
  if (weir__file_transfers(op))
    fill_transfer(ring, sqe, op, op->form == WEIR__FILE_PWRITE);
  else
    fill_call(sqe, op);
}

/* Whether that is a write which may raise SIGPIPE: an older kernel cannot be
 * told not to. */
static inline int may_raise(const weir__ring_t *ring, const weir_op_t *op) {
  return op->form == WEIR__FILE_PWRITE && !(ring->caps & WEIR__CAP_NOSIGNAL);
}

static inline int is_stat(const weir_op_t *op) {
  return op->form == WEIR__FILE_FSTAT || op->form == WEIR__FILE_STAT;
}

/* It was ended, or not begun. */
static inline void end_write(weir__ring_t *ring, const weir_op_t *op) {
  if (may_raise(ring, op))
    weir__plain_end(ring, weir__file_args(op)->file);
}

static int file_fd(const void *owner) {
  return weir__file_args(owner)->file;
}

static unsigned file_events(const void *owner) {
  const weir_op_t *op = owner;
  return op->form == WEIR__FILE_PWRITE ? POLLOUT : POLLIN;
}

/* A socket refuses an offset that a pipe ignores. A second EAGAIN is the
 * answer: there are descriptors that are always called ready. */
static unsigned file_again(void *owner, int result, int waited) {
  weir_op_t *op = owner;
  if (result == -EINTR)
    return WEIR__SLOT_RESTART;
  if (result == -EAGAIN && (weir__file_flags(op) & WEIR_FILE_NOWAIT) != 0)
    return 0;
  if (result == -EAGAIN)
    return waited ? 0 : WEIR__SLOT_POLLING;
  if (result != -ESPIPE || weir__file_args(op)->offset < 0 ||
      !weir__file_transfers(op))
    return 0;
  weir__file_args(op)->offset = -1;
  return WEIR__SLOT_RESTART;
}

/* After the wait a kernel thread does it: some file systems cannot but wait,
 * and say EAGAIN of a non-blocking descriptor for ever. */
static void file_restart(weir__ring_t *ring, struct io_uring_sqe *sqe,
                         void *owner, int waited) {
  fill(ring, sqe, owner);
  if (waited)
    sqe->flags |= IOSQE_ASYNC;
}

static void file_ended(weir__ring_t *ring, void *owner, int result,
                       unsigned flags) {
  end_write(ring, owner);
  if (flags & WEIR__CQE_SECOND)
    weir__file_synced(owner, result);
  else
    weir__file_done(owner, result);
}

static void stat_ended(weir__ring_t *ring, void *owner, int result,
                       unsigned flags) {
  (void)flags;
  weir__stat_ended(ring, owner, result);
  weir__file_done(owner, result);
}

static const weir__request_t file_request = {
    .fd = file_fd,
    .events = file_events,
    .again = file_again,
    .restart = file_restart,
    .ended = file_ended,
    .unseen = 1,
};

static const weir__request_t stat_request = {
    .fd = file_fd,
    .events = file_events,
    .again = file_again,
    .restart = file_restart,
    .ended = stat_ended,
    .unseen = 1,
};

/* How many bytes a write in that entry is of. */
static size_t size_of(const struct io_uring_sqe *sqe) {
  const struct iovec *segments = (const void *)(uintptr_t)sqe->addr;
  size_t size = 0;
  if (sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITE_FIXED)
    return sqe->len;
  for (uint32_t i = 0; i < sqe->len; i++)
    size += segments[i].iov_len;
  return size;
}

/* The last write before a sync takes that along. */
static void take_along(weir__ring_t *ring, struct io_uring_sqe *sqe,
                       const weir_op_t *op) {
  if (op->form == WEIR__FILE_PWRITE && size_of(sqe) == op->left)
    weir__chain_sync(ring, sqe, weir__file_args(op)->tag);
}

static WEIR__APART int start_any(weir_loop_t *loop, weir_op_t *op) {
  weir__ring_t *ring = weir__ring(loop);
  if (!takes(ring, op))
    return weir__uv_file_start(loop, op);
  if (may_raise(ring, op)) {
    if ((loop->flags & WEIR__LOOP_STARTING) == 0)
      return UV_EBUSY;
    if (!weir__plain_begin(ring, weir__file_args(op)->file))
      return weir__uv_file_start(loop, op);
  }
  int r = is_stat(op) ? weir__stat_begin(ring, op) : 0;
  if (r != 0)
    return r;
  struct io_uring_sqe *sqe = weir__ring_begin(
      ring, is_stat(op) ? &stat_request : &file_request, op, IORING_OP_NOP,
      weir__file_args(op)->file, &weir__file_args(op)->tag);
  if (sqe == NULL) {
    end_write(ring, op);
    if (is_stat(op))
      weir__stat_drop(ring, op);
    return ring->refusal;
  }
  fill(ring, sqe, op);
  if ((op->flags & WEIR__OP_SYNCED) != 0)
    take_along(ring, sqe, op);
  return 0;
}

/* A read into a block of the memory that was found last is the common case. */
int weir__ring_file_start(weir_loop_t *loop, weir_op_t *op) {
  weir__ring_t *ring = weir__ring(loop);
  weir__file_args_t *args = weir__file_args(op);
  const weir_seq_t *seq = &op->seq;
  const weir__range_t *range = &ring->memory.ranges[ring->memory.hit];
  size_t len = weir__smaller(seq->left, weir__seq_max_bytes());
  if (op->form != WEIR__FILE_PREAD || (op->flags & WEIR__OP_FLAGGED) != 0 ||
      seq->kind != WEIR__SEQ_BLOCK || !weir__range_holds(range, seq->at, len) ||
      !weir__ring_at_hand(ring))
    return start_any(loop, op);
  struct io_uring_sqe *sqe = weir__ring_take(
      ring, &file_request, op, IORING_OP_NOP, args->file, &args->tag);
  sqe->off = (uint64_t)args->offset;
  fill_one(ring, sqe, 0, seq->at, len, range->index);
  return 0;
}

int weir__ring_file_cancel(weir_loop_t *loop, weir_op_t *op) {
  if (*weir__op_owner(op) != NULL)
    return weir__uv_file_cancel(loop, op);
  return weir__ring_cancel(weir__ring(loop), weir__file_args(op)->tag);
}
