/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "shadow.h"
#include "transfer.h"

#if WEIR_HAVE_URING

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What happens to requests before the kernel sees them. */

/* Newer than the headers of the oldest liburing that is supported. */
enum {
  OP_SEND_ZC = 47,
  OP_READV_FIXED = 60,
  OP_WRITEV_FIXED = 61,
  RWF_NOSIGNAL_ = 0x100,
  CQE_SKIP = 1 << 6
};

typedef enum form_e { NEITHER, ONE, SEGMENTS, MESSAGE } form_t;

/* How requests that transfer say what. */
static form_t form_of(unsigned opcode) {
  switch (opcode) {
  case IORING_OP_RECV:
  case IORING_OP_SEND:
  case OP_SEND_ZC:
  case IORING_OP_READ:
  case IORING_OP_WRITE:
  case IORING_OP_READ_FIXED:
  case IORING_OP_WRITE_FIXED:
    return ONE;
  case IORING_OP_READV:
  case IORING_OP_WRITEV:
  case OP_READV_FIXED:
  case OP_WRITEV_FIXED:
    return SEGMENTS;
  case IORING_OP_RECVMSG:
  case IORING_OP_SENDMSG:
    return MESSAGE;
  default:
    return NEITHER;
  }
}

static int writes(unsigned opcode) {
  return opcode == IORING_OP_SEND || opcode == IORING_OP_SENDMSG ||
         opcode == OP_SEND_ZC || opcode == IORING_OP_WRITE ||
         opcode == IORING_OP_WRITEV || opcode == IORING_OP_WRITE_FIXED ||
         opcode == OP_WRITEV_FIXED;
}

static int is_socket_op(unsigned opcode) {
  return opcode == IORING_OP_SEND || opcode == IORING_OP_SENDMSG ||
         opcode == OP_SEND_ZC || opcode == IORING_OP_RECV ||
         opcode == IORING_OP_RECVMSG;
}

static void *pointer(uint64_t address) {
  return (void *)(uintptr_t)address;
}

static size_t size_of(const struct io_uring_sqe *sqe) {
  const struct msghdr *msg;
  switch (form_of(sqe->opcode)) {
  case SEGMENTS:
    return weir__iov_size(pointer(sqe->addr), sqe->len);
  case MESSAGE:
    msg = pointer(sqe->addr);
    return weir__iov_size(msg->msg_iov, (size_t)msg->msg_iovlen);
  default:
    return sqe->len;
  }
}

/* ---- Asking ---- */

static weir__verdict_t ask_transfer(weir_fault_t *plan,
                                    const struct io_uring_sqe *sqe) {
  unsigned flags = is_socket_op(sqe->opcode) ? sqe->msg_flags : 0;
  weir__transfer_t t = {.fd = sqe->fd,
                        .write = writes(sqe->opcode),
                        .placed = !is_socket_op(sqe->opcode) && sqe->off != 0 &&
                                  sqe->off != UINT64_MAX,
                        .nowait = (flags & MSG_DONTWAIT) != 0,
                        .whole = (flags & MSG_WAITALL) != 0,
                        .opcode = sqe->opcode,
                        .size = size_of(sqe)};
  return weir__transfer_ask(plan, &t);
}

/* A connection that is begun goes on, so that its own result has to come. What
 * is closed is closed. */
static weir__verdict_t ask_other(weir_fault_t *plan,
                                 const struct io_uring_sqe *sqe) {
  weir__ask_t ask = {WEIR_FAULT_WHATS, sqe->opcode, sqe->fd, WEIR__CAN_DELAY,
                     0};
  switch (sqe->opcode) {
  case IORING_OP_CONNECT:
    ask.what = WEIR_FAULT_CONNECT;
    break;
  case IORING_OP_POLL_ADD:
    ask.what = WEIR_FAULT_POLL;
    break;
  case IORING_OP_ASYNC_CANCEL:
    ask.what = WEIR_FAULT_CANCEL;
    ask.can |= WEIR__CAN_MISS;
    break;
  case IORING_OP_OPENAT:
    ask.what = WEIR_FAULT_OPEN;
    ask.can |= WEIR__CAN_INTERRUPT;
    break;
  case IORING_OP_CLOSE:
    ask.what = WEIR_FAULT_CLOSE;
    break;
  case IORING_OP_FSYNC:
  case IORING_OP_SYNC_FILE_RANGE:
    ask.what = WEIR_FAULT_SYNC;
    ask.can |= WEIR__CAN_INTERRUPT;
    break;
  default:
    ask.can = 0;
  }
  return weir__plan_ask(plan, &ask);
}

static int is_lacking(const weir_fault_t *plan,
                      const struct io_uring_sqe *sqe) {
  return weir__plan_options(plan)->lacks & WEIR_FAULT_NO_NOSIGNAL &&
         writes(sqe->opcode) && !is_socket_op(sqe->opcode) &&
         (unsigned)sqe->rw_flags & RWF_NOSIGNAL_;
}

static weir__verdict_t ask(weir_fault_t *plan, const struct io_uring_sqe *sqe) {
  weir__verdict_t none = {.bytes = SIZE_MAX};
  if (is_lacking(plan, sqe)) {
    none.error = EOPNOTSUPP;
    return none;
  }
  /* It is an index then. */
  if (sqe->flags & IOSQE_FIXED_FILE)
    return none;
  if (form_of(sqe->opcode) != NEITHER)
    return ask_transfer(plan, sqe);
  return sqe->opcode == IORING_OP_ACCEPT
             ? weir__accept_ask(plan, sqe->fd, sqe->opcode)
             : ask_other(plan, sqe);
}

/* ---- Doing ---- */

/* It is still in its place in a chain of requests. */
static void replace(struct io_uring_sqe *sqe) {
  const uint8_t chain =
      IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_IO_DRAIN | CQE_SKIP;
  *sqe = (struct io_uring_sqe){.opcode = IORING_OP_NOP,
                               .fd = -1,
                               .flags = sqe->flags & chain,
                               .user_data = sqe->user_data};
}

static struct iovec *cut_segments(const struct iovec *iov, size_t *count,
                                  size_t bytes) {
  struct iovec *cut = calloc(*count, sizeof(*cut));
  if (cut != NULL)
    *count = weir__iov_cut(iov, *count, bytes, cut, *count);
  return cut;
}

/* The copy lives as long as the request; without memory there is none. */
static void cut_many(weir__record_t *record, struct io_uring_sqe *sqe,
                     size_t bytes) {
  size_t count = sqe->len;
  record->iov = cut_segments(pointer(sqe->addr), &count, bytes);
  if (record->iov == NULL)
    return;
  sqe->addr = (uint64_t)(uintptr_t)record->iov;
  sqe->len = (uint32_t)count;
}

static void cut_message(weir__record_t *record, struct io_uring_sqe *sqe,
                        size_t bytes) {
  record->msg = *(const struct msghdr *)pointer(sqe->addr);
  size_t count = (size_t)record->msg.msg_iovlen;
  record->iov = cut_segments(record->msg.msg_iov, &count, bytes);
  if (record->iov == NULL)
    return;
  record->msg.msg_iov = record->iov;
  record->msg.msg_iovlen = (__typeof__(record->msg.msg_iovlen))count;
  sqe->addr = (uint64_t)(uintptr_t)&record->msg;
}

static void cut(weir__record_t *record, struct io_uring_sqe *sqe,
                size_t bytes) {
  form_t form = form_of(sqe->opcode);
  if (form == SEGMENTS)
    cut_many(record, sqe, bytes);
  else if (form == MESSAGE)
    cut_message(record, sqe, bytes);
  else if (form == ONE)
    sqe->len = (uint32_t)bytes;
}

/* It fails, or is short: what is linked to it is not carried out. */
static void unlink_it(struct io_uring_sqe *sqe) {
  sqe->flags &= (uint8_t) ~(IOSQE_IO_LINK | CQE_SKIP);
}

/* Whether there is something to be done when it completes. What does not tell
 * that it succeeds is not late: not to be found means that it has, if it says
 * no other. */
static int consider(weir__shadow_t *shadow, struct io_uring_sqe *sqe) {
  weir__verdict_t verdict = ask(shadow->plan, sqe);
  int breaks = verdict.error != 0 || verdict.bytes != SIZE_MAX;
  if (sqe->flags & CQE_SKIP && !breaks)
    return 0;
  if (verdict.error == 0 && verdict.rounds == 0 && verdict.bytes == SIZE_MAX)
    return 0;
  weir__record_t *record = weir__record_add(shadow, sqe->user_data);
  if (record == NULL)
    return 0;
  record->error = verdict.error;
  record->rounds = sqe->flags & CQE_SKIP ? 0 : verdict.rounds;
  if (verdict.error != 0)
    replace(sqe);
  else if (verdict.bytes != SIZE_MAX)
    cut(record, sqe, verdict.bytes);
  if (breaks)
    unlink_it(sqe);
  return 1;
}

/* It is linked to one that is not carried out as it was asked for, which tells
 * for both. */
static void drop_linked(struct io_uring_sqe *sqe) {
  replace(sqe);
  sqe->flags |= CQE_SKIP;
}

static struct io_uring_sqe *entry(weir__shadow_t *shadow, unsigned at) {
  return &shadow->real.sq.sqes[at & shadow->real.sq.ring_mask];
}

void weir__batch_begin(weir__shadow_t *shadow, unsigned n) {
  unsigned from = *shadow->real.sq.khead;
  int broken = 0;
  for (unsigned i = 0; i < n; i++) {
    struct io_uring_sqe *sqe = entry(shadow, from + i);
    weir__saved_t *saved = &shadow->saved[i];
    saved->sqe = *sqe;
    saved->recorded = 0;
    if (broken)
      drop_linked(sqe);
    else if (shadow->plan != NULL)
      saved->recorded = consider(shadow, sqe);
    broken = (saved->sqe.flags & IOSQE_IO_LINK) != 0 &&
             (broken || (sqe->flags & IOSQE_IO_LINK) == 0);
  }
}

void weir__batch_end(weir__shadow_t *shadow, unsigned from, unsigned n) {
  unsigned taken = IO_URING_READ_ONCE(*shadow->real.sq.khead) - from;
  for (unsigned i = taken; i < n; i++) {
    const weir__saved_t *saved = &shadow->saved[i];
    if (saved->recorded)
      weir__record_undo(shadow, saved->sqe.user_data);
    *entry(shadow, from + i) = saved->sqe;
  }
}

#endif
