/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

/* One request of a ring after the other: at once where it can be, when its
 * descriptor is ready, or in a thread of the kernel. */

enum { READV_FIXED = 60, WRITEV_FIXED = 61, TRIES = 128 };
enum { ACCEPT_POLL_FIRST = 4, SEND_ZC = 47, ZC_FIXED = 4, ZC_USAGE = 8 };
enum { CQE_F_NOTIF = 8, CQE_SKIP = 1 << 6 };

/* What a poll in the ring reports, asked for or not. */
enum { ALWAYS = POLLERR | POLLHUP | POLLRDHUP };

/* ---- What it is ---- */

static int is_file(const request_t *q) {
  return q->file != NULL && q->file->kind == &file_kind;
}

static int writes(const request_t *q) {
  switch (q->sqe.opcode) {
  case IORING_OP_WRITE:
  case IORING_OP_WRITEV:
  case IORING_OP_WRITE_FIXED:
  case WRITEV_FIXED:
  case IORING_OP_SEND:
  case IORING_OP_SENDMSG:
  case SEND_ZC:
  case IORING_OP_CONNECT:
    return 1;
  default:
    return 0;
  }
}

/* Its halves are the other way round on big-endian machines. */
static unsigned poll_events(unsigned given) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  given = given << 16 | given >> 16;
#endif
  return given;
}

static unsigned events(const request_t *q) {
  if (q->sqe.opcode == IORING_OP_POLL_ADD)
    return poll_events(q->sqe.poll32_events) | ALWAYS;
  return (writes(q) ? POLLOUT : POLLIN) | ALWAYS;
}

/* ---- Its memory, as the kernel takes it over ---- */

static int take_fixed(request_t *q) {
  const ring_t *ring = q->ring;
  if (q->sqe.buf_index >= ring->nbuffers)
    return -EFAULT;
  const struct iovec *buffer = &ring->buffers[q->sqe.buf_index];
  for (int i = 0; i < q->n; i++) {
    size_t at =
        (size_t)((uintptr_t)q->v[i].iov_base - (uintptr_t)buffer->iov_base);
    if (buffer->iov_base == NULL || at > buffer->iov_len ||
        q->v[i].iov_len > buffer->iov_len - at)
      return -EFAULT;
  }
  return 0;
}

static int take_vector(request_t *q, const struct iovec *v, size_t n) {
  if (n > SEGMENTS)
    machine_fail("a vector of %zu", n);
  memcpy(q->v, v, n * sizeof(*v));
  q->n = (int)n;
  return 0;
}

static int take_memory(request_t *q) {
  const void *at = (const void *)(uintptr_t)q->sqe.addr;
  const struct iovec one = {(void *)(uintptr_t)q->sqe.addr, q->sqe.len};
  const struct msghdr *msg = at;
  switch (q->sqe.opcode) {
  case IORING_OP_READV:
  case IORING_OP_WRITEV:
    return take_vector(q, at, q->sqe.len);
  case READV_FIXED:
  case WRITEV_FIXED:
    take_vector(q, at, q->sqe.len);
    return take_fixed(q);
  case IORING_OP_RECVMSG:
  case IORING_OP_SENDMSG:
    return take_vector(q, msg->msg_iov, (size_t)msg->msg_iovlen);
  case SEND_ZC:
    if (q->sqe.ioprio != (ZC_FIXED | ZC_USAGE))
      return -EINVAL;
    take_vector(q, &one, 1);
    return take_fixed(q);
  case IORING_OP_READ_FIXED:
  case IORING_OP_WRITE_FIXED:
    take_vector(q, &one, 1);
    return take_fixed(q);
  default:
    return take_vector(q, &one, 1);
  }
}

/* ---- One try ---- */

static int transfer(request_t *q, int64_t offset, int flags) {
  object_t *file = q->file;
  ssize_t (*move)(object_t *, const struct iovec *, int, int64_t, int) =
      writes(q) ? file->kind->write : file->kind->read;
  if (move == NULL)
    return -EINVAL;
  return (int)move(file, q->v, q->n, offset, flags);
}

static int at_offset(request_t *q) {
  int64_t offset = (int64_t)q->sqe.off;
  /* Pipes and the like have none, and take any; a socket takes only 0. */
  if (!is_file(q) && (q->file->kind != &socket_kind || offset == 0))
    offset = -1;
  return transfer(q, offset, transfer_flags((unsigned)q->sqe.rw_flags));
}

static int on_socket(request_t *q) {
  int chooses = q->sqe.flags & IOSQE_BUFFER_SELECT;
  if (q->file->kind != &socket_kind)
    return -ENOTSOCK;
  q->cqe_flags = 0;
  int r = chooses ? lent_next(q->ring, q->sqe.buf_group, q->sqe.len, q->v) : 0;
  if (r == 0)
    r = transfer(q, -1, (int)q->sqe.msg_flags);
  if (r > 0 && chooses)
    q->cqe_flags = lent_take(q->ring, q->sqe.buf_group);
  if (r > 0 && !writes(q) && socket_held(q->file) > 0)
    q->cqe_flags |= IORING_CQE_F_SOCK_NONEMPTY;
  return r;
}

static int accepts(request_t *q) {
  if (q->file->kind != &socket_kind)
    return -ENOTSOCK;
  int r = socket_accept(q->file, (int)q->sqe.accept_flags);
  q->cqe_flags = 0;
  if (r >= 0 && socket_queued(q->file) > 0)
    q->cqe_flags = IORING_CQE_F_SOCK_NONEMPTY;
  return r;
}

static int connects(request_t *q) {
  if (q->file->kind != &socket_kind)
    return -ENOTSOCK;
  int r =
      socket_connect(q->file, (const struct sockaddr *)(uintptr_t)q->sqe.addr);
  if (r == 0)
    progress();
  return r == -EINPROGRESS || r == -EALREADY ? -EAGAIN : r;
}

static int polls(const request_t *q) {
  /* What cannot be waited for is ready. */
  unsigned ready = q->file->kind->ready != NULL ? q->file->kind->ready(q->file)
                                                : POLLIN | POLLOUT;
  return (ready & events(q)) != 0 ? (int)(ready & events(q)) : -EAGAIN;
}

static int cancels(request_t *q) {
  for (request_t *at = q->ring->requests; at != NULL; at = at->next)
    if (at != q && at->sqe.user_data == q->sqe.addr)
      return request_cancel(at);
  return -ENOENT;
}

/* By a path, or else of a descriptor. */
static int has_path(const request_t *q) {
  return q->sqe.opcode == IORING_OP_STATX && q->sqe.fd == AT_FDCWD;
}

static int tells(const request_t *q) {
  const char *path = (const char *)(uintptr_t)q->sqe.addr;
  progress();
  return file_tell(has_path(q) ? NULL : q->file, path,
                   (void *)(uintptr_t)q->sqe.addr2);
}

static int try_it(request_t *q) {
  switch (q->sqe.opcode) {
  case IORING_OP_NOP:
    return 0;
  case IORING_OP_POLL_ADD:
    return polls(q);
  case IORING_OP_RECV:
  case IORING_OP_RECVMSG:
  case IORING_OP_SEND:
  case IORING_OP_SENDMSG:
  case SEND_ZC:
    return on_socket(q);
  case IORING_OP_ACCEPT:
    return accepts(q);
  case IORING_OP_CONNECT:
    return connects(q);
  case IORING_OP_SHUTDOWN:
    return socket_shutdown(q->file, (int)q->sqe.len);
  case IORING_OP_FSYNC:
    progress();
    return is_file(q) ? 0 : -EINVAL;
  case IORING_OP_SYNC_FILE_RANGE:
    progress();
    return is_file(q) ? 0 : -ESPIPE;
  case IORING_OP_OPENAT:
    return file_open((const char *)(uintptr_t)q->sqe.addr,
                     (int)q->sqe.open_flags);
  case IORING_OP_CLOSE:
    return fd_close(q->sqe.fd);
  case IORING_OP_STATX:
    return tells(q);
  case IORING_OP_ASYNC_CANCEL:
    return cancels(q);
  default:
    return at_offset(q);
  }
}

/* ---- The end of it ---- */

static void unarm(request_t *q) {
  if (q->waiter_link == NULL)
    return;
  *q->waiter_link = q->next_waiter;
  if (q->next_waiter != NULL)
    q->next_waiter->waiter_link = q->waiter_link;
  q->waiter_link = NULL;
}

void request_free(request_t *q) {
  unarm(q);
  *q->link = q->next;
  if (q->next != NULL)
    q->next->link = q->link;
  if (q->file != NULL)
    object_unuse(q->file);
  free(q);
}

/* It ends in the context of the thread. */
static void end_later(request_t *q, int result) {
  unarm(q);
  q->state = DONE;
  q->result = result;
  ring_work_add(q->ring, q);
}

static request_t *numbered(object_t *ring, long id) {
  request_t *q = ((ring_t *)ring)->requests;
  while (q != NULL && q->id != id)
    q = q->next;
  return q;
}

/* Bytes that the system still needs. */
static uint64_t hash_of(const void *base, size_t n) {
  const unsigned char *at = base;
  uint64_t hash = n;
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ at[i]) * 1099511628211u;
  return hash;
}

/* A pool may go while the system has something of it, whose pages it keeps. */
static int is_mapped(const void *base, size_t n) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = (uintptr_t)base & ~(uintptr_t)(page - 1);
  return msync((void *)from, (uintptr_t)base + n - from, MS_ASYNC) == 0;
}

/* The system needs the memory of a send no more. */
static void gives_back(object_t *ring, long id) {
  request_t *q = numbered(ring, id);
  if (q == NULL)
    return;
  if (is_mapped(q->v[0].iov_base, q->held) &&
      hash_of(q->v[0].iov_base, q->held) != q->hash)
    machine_fail("memory was changed before the system had sent it");
  q->cqe_flags = CQE_F_NOTIF;
  end_later(q, happens(options()->copied) ? (int)(1u << 31) : 0);
}

/* What it has sent uncopied it tells, and then that it needs it no more; of
 * what it has not sent, perhaps both at once. */
static int tells_twice(request_t *q, int result) {
  if (q->sqe.opcode != SEND_ZC || q->told || q->file == NULL ||
      (result < 0 && happens(500)))
    return 0;
  q->told = 1;
  q->held = result < 0 ? 0 : (size_t)result;
  q->hash = hash_of(q->v[0].iov_base, q->held);
  unarm(q);
  q->state = TOLD;
  ring_post(q->ring, q->sqe.user_data, result, IORING_CQE_F_MORE);
  later(happens(500) ? some_time() : 0, gives_back, &q->ring->base, q->id);
  return 1;
}

/* What is linked to it is not carried out then. */
static int fails(const request_t *q, int result) {
  return result < 0 || (q->n > 0 && (size_t)result < vector_size(q->v, q->n));
}

/* Who does not tell of success, tells of failure for all that are linked. */
static void drop_linked(request_t *q, int quiet) {
  while (q != NULL) {
    request_t *next = q->linked;
    if (!quiet)
      ring_post(q->ring, q->sqe.user_data, -ECANCELED, 0);
    request_free(q);
    q = next;
  }
}

static void end(request_t *q, int result) {
  if (tells_twice(q, result))
    return;
  request_t *linked = q->linked;
  int quiet = (q->sqe.flags & CQE_SKIP) != 0;
  int failed = fails(q, result);
  if (failed || !quiet)
    ring_post(q->ring, q->sqe.user_data, result, q->cqe_flags);
  request_free(q);
  if (failed)
    drop_linked(linked, quiet);
  else if (linked != NULL)
    request_begin(linked);
}

/* ---- Waiting ---- */

static void arm(request_t *q) {
  object_t *file = q->file;
  if (++q->tries > TRIES)
    machine_fail("a request is tried again and again");
  q->state = ARMED;
  q->next_waiter = file->waiters;
  q->waiter_link = &file->waiters;
  if (file->waiters != NULL)
    file->waiters->waiter_link = &q->next_waiter;
  file->waiters = q;
  if (file->kind->ready(file) & events(q)) {
    q->state = READY;
    ring_work_add(q->ring, q);
  }
}

void waiters_wake(object_t *object) {
  for (request_t *q = object->waiters; q != NULL; q = q->next_waiter)
    if (q->state == ARMED && object->kind->ready(object) & events(q)) {
      q->state = READY;
      ring_work_add(q->ring, q);
    }
}

/* A result that the kernel keeps to itself: it is to wait. */
static int is_to_wait(const request_t *q, int result) {
  if (result != -EAGAIN || is_file(q) || q->file == NULL ||
      q->file->kind->ready == NULL)
    return 0;
  switch (q->sqe.opcode) {
  case IORING_OP_RECV:
  case IORING_OP_RECVMSG:
  case IORING_OP_SEND:
  case IORING_OP_SENDMSG:
  case SEND_ZC:
    if (q->sqe.msg_flags & MSG_DONTWAIT)
      return 0;
    break;
  case IORING_OP_POLL_ADD:
    return 1;
  default:
    if (transfer_flags((unsigned)q->sqe.rw_flags) & MSG_DONTWAIT)
      return 0;
    break;
  }
  return !(q->file->nonblocking && options()->old_nonblocking);
}

void request_work(request_t *q) {
  unarm(q);
  if (q->state == DONE) {
    end(q, q->result);
    return;
  }
  int result = try_it(q);
  if (is_to_wait(q, result))
    arm(q);
  else
    end(q, result);
}

/* ---- Threads of the kernel ---- */

static void thread_ends(object_t *ring, long id) {
  request_t *q = numbered(ring, id);
  if (q == NULL)
    return;
  int result = try_it(q);
  if (is_to_wait(q, result))
    arm(q);
  else
    end_later(q, result);
}

static void thread_begins(object_t *ring, long id) {
  request_t *q = numbered(ring, id);
  if (q == NULL || q->state != QUEUED)
    return;
  q->state = RUNNING;
  later(some_time(), thread_ends, ring, id);
}

/* Whether a thread does it. */
static int is_punted(const request_t *q) {
  switch (q->sqe.opcode) {
  case IORING_OP_FSYNC:
  case IORING_OP_SYNC_FILE_RANGE:
  case IORING_OP_STATX:
  case IORING_OP_SHUTDOWN:
    return 1;
  case IORING_OP_ASYNC_CANCEL:
  case IORING_OP_POLL_ADD:
  case IORING_OP_NOP:
    return 0;
  default:
    return q->sqe.flags & IOSQE_ASYNC ||
           (is_file(q) && happens(options()->punted));
  }
}

static void punt(request_t *q) {
  q->state = QUEUED;
  later(happens(300) ? some_time() : 0, thread_begins, &q->ring->base, q->id);
}

/* ---- Cancelling ---- */

/* Between two tries a request is not found. */
static int is_missed(const request_t *q) {
  return q->sqe.opcode != IORING_OP_POLL_ADD && happens(options()->missed);
}

int request_cancel(request_t *q) {
  switch (q->state) {
  case ARMED:
  case READY:
    if (is_missed(q)) {
      q->state = READY;
      ring_work_add(q->ring, q);
      return -ENOENT;
    }
    end_later(q, -ECANCELED);
    return 0;
  case QUEUED:
    end_later(q, -ECANCELED);
    return 0;
  case RUNNING:
    return -EALREADY;
  default:
    return -ENOENT;
  }
}

/* ---- Beginning ---- */

request_t *request_make(ring_t *ring, const struct io_uring_sqe *sqe) {
  request_t *q = take(sizeof(*q));
  q->ring = ring;
  q->sqe = *sqe;
  q->id = ++ring->last_id;
  q->next = ring->requests;
  q->link = &ring->requests;
  if (q->next != NULL)
    q->next->link = &q->next;
  ring->requests = q;
  return q;
}

static int needs_file(const request_t *q) {
  return q->sqe.opcode != IORING_OP_NOP &&
         q->sqe.opcode != IORING_OP_ASYNC_CANCEL &&
         q->sqe.opcode != IORING_OP_OPENAT &&
         q->sqe.opcode != IORING_OP_CLOSE && !has_path(q);
}

static int prepare(request_t *q) {
  if (!needs_file(q))
    return 0;
  q->file = fd_object(q->sqe.fd);
  if (q->file == NULL)
    return -EBADF;
  object_use(q->file);
  return q->sqe.opcode == IORING_OP_STATX ? 0 : take_memory(q);
}

static int waits_first(const request_t *q) {
  unsigned flag = 0;
  switch (q->sqe.opcode) {
  case IORING_OP_RECV:
  case IORING_OP_RECVMSG:
    flag = IORING_RECVSEND_POLL_FIRST;
    break;
  case IORING_OP_ACCEPT:
    flag = ACCEPT_POLL_FIRST;
    break;
  default:
    break;
  }
  return (q->sqe.ioprio & flag) != 0 && q->file->kind->ready != NULL;
}

void request_begin(request_t *q) {
  machine_note("request", q->sqe.opcode, q->sqe.fd);
  int result = prepare(q);
  if (result == 0 && is_punted(q)) {
    punt(q);
    return;
  }
  if (result == 0)
    result = waits_first(q) ? -EAGAIN : try_it(q);
  if (is_to_wait(q, result))
    arm(q);
  else
    end(q, result);
}
