/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <fcntl.h>

/* The registered memory that holds all of bufs, or -1. */
static int registered(const weir_loop_t *loop, const uv_buf_t *bufs,
                      unsigned nbufs) {
  int index = weir__pool_lookup(loop, bufs[0].base, bufs[0].len);
  unsigned i;

  for (i = 1; i < nbufs && index >= 0; i++)
    if (weir__pool_lookup(loop, bufs[i].base, bufs[i].len) != index)
      index = -1;
  return index;
}

static void fill_one(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                     const uv_buf_t *buf) {
  int index = registered(ring->loop, buf, 1);

  sqe->addr = (uint64_t)(uintptr_t)buf->base;
  sqe->len = (uint32_t)buf->len;
  if (index < 0) {
    sqe->opcode = write ? IORING_OP_WRITE : IORING_OP_READ;
    return;
  }
  sqe->opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED;
  sqe->buf_index = (uint16_t)index;
  ring->loop->stats.fixed_ops++;
}

static void fill_many(weir__ring_t *ring, struct io_uring_sqe *sqe, int write,
                      const uv_buf_t *bufs, unsigned nbufs) {
  unsigned cap = write ? WEIR__CAP_WRITEV_FIXED : WEIR__CAP_READV_FIXED;
  int index = ring->caps & cap ? registered(ring->loop, bufs, nbufs) : -1;

  sqe->addr =
      (uint64_t)(uintptr_t)weir__ring_vector(ring, sqe, bufs, nbufs)->segments;
  sqe->len = nbufs;
  if (index < 0) {
    sqe->opcode = write ? IORING_OP_WRITEV : IORING_OP_READV;
    return;
  }
  sqe->opcode = write ? WEIR__OP_WRITEV_FIXED : WEIR__OP_READV_FIXED;
  sqe->buf_index = (uint16_t)index;
  ring->loop->stats.fixed_ops++;
}

static void fill_transfer(weir__ring_t *ring, struct io_uring_sqe *sqe,
                          const weir_op_t *op, int write) {
  uv_buf_t bufs[WEIR_WINDOW];
  unsigned nbufs = (unsigned)weir_seq_window(op->seq, bufs, SIZE_MAX);

  sqe->opcode = write ? IORING_OP_WRITE : IORING_OP_READ;
  sqe->off = (uint64_t)op->offset;
  if (nbufs == 1)
    fill_one(ring, sqe, write, bufs);
  else if (nbufs > 1)
    fill_many(ring, sqe, write, bufs, nbufs);
  if (write && ring->caps & WEIR__CAP_NOSIGNAL)
    sqe->rw_flags = WEIR__RWF_NOSIGNAL;
}

static void fill(weir__ring_t *ring, struct io_uring_sqe *sqe, weir_op_t *op) {
  const weir__file_args_t *args = weir__file_args(op);

  sqe->fd = args->file;
  switch (op->type) {
  case WEIR__FILE_OPEN:
    sqe->opcode = IORING_OP_OPENAT;
    sqe->fd = AT_FDCWD;
    sqe->addr = (uint64_t)(uintptr_t)args->path;
    sqe->len = (uint32_t)args->mode;
    sqe->open_flags = (uint32_t)(args->flags | O_CLOEXEC);
    break;
  case WEIR__FILE_CLOSE:
    sqe->opcode = IORING_OP_CLOSE;
    break;
  case WEIR__FILE_FSYNC:
    sqe->opcode = IORING_OP_FSYNC;
    break;
  default:
    fill_transfer(ring, sqe, op, op->type == WEIR__FILE_PWRITE);
    break;
  }
}

int weir__ring_file_start(weir_loop_t *loop, weir_op_t *op) {
  weir__ring_t *ring = weir__ring(loop);
  struct io_uring_sqe *sqe =
      weir__ring_begin(ring, WEIR__SLOT_FILE, op, IORING_OP_NOP, -1, &op->tag);

  if (sqe == NULL)
    return ring->refusal;
  fill(ring, sqe, op);
  return 0;
}

int weir__ring_file_restart(weir__ring_t *ring, uint64_t tag, weir_op_t *op) {
  struct io_uring_sqe *sqe = weir__ring_sqe(ring, tag, IORING_OP_NOP, -1);

  if (sqe == NULL)
    return UV_EBUSY;
  fill(ring, sqe, op);
  return 0;
}

int weir__ring_file_cancel(weir_loop_t *loop, weir_op_t *op) {
  return weir__ring_cancel(weir__ring(loop), op->tag);
}
