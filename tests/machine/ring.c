/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE 1
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

/* The rings themselves: their memory, entering, and completions. */

/* Nanoseconds. */
enum { MOST_ASLEEP = 50000 };
enum { FEAT_CQE_SKIP = 1 << 11 };

static ring_t *rings;
static int was_refused;

static int deferred(const ring_t *ring) {
  return (ring->setup & IORING_SETUP_DEFER_TASKRUN) != 0;
}

static unsigned cq_ready(const ring_t *ring) {
  return ring->cq_tail - ring->cq_head;
}

/* ---- Completions ---- */

static void tell(ring_t *ring) {
  if (ring->eventfd != NULL && !(ring->cq_flags & IORING_CQ_EVENTFD_DISABLED))
    counter_signal(ring->eventfd);
}

static void put_cqe(ring_t *ring, const struct io_uring_cqe *cqe) {
  ring->cqes[ring->cq_tail & ring->cq_mask] = *cqe;
  ring->cq_tail++;
}

static void keep_cqe(ring_t *ring, const struct io_uring_cqe *cqe) {
  if (ring->noverflow == ring->overflow_room) {
    ring->overflow_room = 2 * ring->overflow_room + 16;
    ring->overflow =
        realloc(ring->overflow, ring->overflow_room * sizeof(*cqe));
    if (ring->overflow == NULL)
      machine_fail("the machine has no memory");
  }
  ring->overflow[ring->noverflow++] = *cqe;
  ring->sq_flags |= IORING_SQ_CQ_OVERFLOW;
}

void ring_post(ring_t *ring, uint64_t user_data, int result, unsigned flags) {
  struct io_uring_cqe cqe = {
      .user_data = user_data, .res = result, .flags = flags};
  if (cq_ready(ring) == ring->cq_entries || ring->noverflow > 0)
    keep_cqe(ring, &cqe);
  else
    put_cqe(ring, &cqe);
  machine_note("completion", (long)(user_data & 0xffffffff), result);
  tell(ring);
}

static void flush_overflow(ring_t *ring) {
  unsigned n = 0;
  while (n < ring->noverflow && cq_ready(ring) < ring->cq_entries)
    put_cqe(ring, &ring->overflow[n++]);
  if (n == 0)
    return;
  ring->noverflow -= n;
  memmove(ring->overflow, ring->overflow + n,
          ring->noverflow * sizeof(*ring->overflow));
  if (ring->noverflow == 0)
    ring->sq_flags &= ~IORING_SQ_CQ_OVERFLOW;
}

/* ---- What is done in the context of the thread ---- */

void ring_work_add(ring_t *ring, request_t *request) {
  if (request->in_work)
    return;
  request->in_work = 1;
  request->since = machine_now();
  request->next_work = ring->work;
  ring->work = request;
  if (ring->setup & IORING_SETUP_TASKRUN_FLAG)
    ring->sq_flags |= IORING_SQ_TASKRUN;
  if (ring->nwork++ == 0 && deferred(ring))
    tell(ring);
}

/* In any order. */
static request_t *take_work(ring_t *ring) {
  request_t **at = &ring->work;
  for (unsigned skip = chance_of(ring->nwork); skip > 0; skip--)
    at = &(*at)->next_work;
  request_t *request = *at;
  *at = request->next_work;
  ring->nwork--;
  request->in_work = 0;
  return request;
}

/* Some of it may be left, as if it had come just afterwards. */
static void run_work(ring_t *ring, int all) {
  unsigned most = ring->nwork;
  if (!all && most > 1 && happens(options()->unfinished))
    most = 1 + chance_of(most - 1);
  ring->sq_flags &= ~IORING_SQ_TASKRUN;
  while (most-- > 0 && ring->nwork > 0)
    request_work(take_work(ring));
  if (ring->nwork > 0 && ring->setup & IORING_SETUP_TASKRUN_FLAG)
    ring->sq_flags |= IORING_SQ_TASKRUN;
}

void rings_work(void) {
  for (ring_t *ring = rings; ring != NULL; ring = ring->next)
    if (!deferred(ring) && ring->nwork > 0)
      run_work(ring, 1);
}

int rings_interrupt(void) {
  const ring_t *ring = rings;
  while (ring != NULL && (deferred(ring) || ring->nwork == 0))
    ring = ring->next;
  return ring != NULL;
}

/* What the program has asked for is done, and it sleeps. That libuv's own
 * descriptor is ready may wait: it is libuv who sleeps. */
static void judge(const ring_t *ring, uint64_t asleep_since) {
  for (const request_t *q = ring->work; q != NULL; q = q->next_work) {
    uint64_t from = q->since > asleep_since ? q->since : asleep_since;
    int is_libuv = q->file != NULL && q->file->kind == &epoll_kind;
    if (!is_libuv && machine_now() - from > MOST_ASLEEP)
      machine_fail("a lost wake-up: it sleeps, and request %ld is done", q->id);
  }
}

void rings_slept(uint64_t since) {
  for (const ring_t *ring = rings; ring != NULL; ring = ring->next)
    if (deferred(ring) && !ring->failing)
      judge(ring, since);
}

/* ---- Entering ---- */

static const struct io_uring_sqe *next_entry(const ring_t *ring) {
  unsigned at = ring->sq_head & ring->sq_mask;
  return &ring->sqes[ring->setup & SQARRAY_OFF ? at : ring->sq_array[at]];
}

static int submit(ring_t *ring, unsigned n) {
  unsigned there = ring->sq_tail - ring->sq_head;
  if (n > there)
    n = there;
  if (n > 0 && happens(options()->partial))
    n = chance_of(n);
  request_t *first = NULL;
  request_t **link = &first;
  for (unsigned i = 0; i < n; i++) {
    /* The entry may be used again as soon as the head has moved. */
    struct io_uring_sqe sqe = *next_entry(ring);
    ring->sq_head++;
    *link = request_make(ring, &sqe);
    link = &(*link)->linked;
    if (sqe.flags & IOSQE_IO_LINK && i + 1 < n)
      continue;
    request_begin(first);
    first = NULL;
    link = &first;
  }
  return (int)n;
}

typedef struct ring_wait_s {
  ring_t *ring;
  unsigned wanted;
} ring_wait_t;

static int ring_woken(void *arg) {
  const ring_wait_t *wait = arg;
  if (wait->ring->nwork > 0)
    run_work(wait->ring, 0);
  return cq_ready(wait->ring) >= wait->wanted;
}

/* 0, or why it was not woken. */
static int wait_in(ring_t *ring, unsigned wanted,
                   const struct io_uring_getevents_arg *arg) {
  ring_wait_t wait = {ring, wanted};
  uint64_t ns = UINT64_MAX;
  if (arg != NULL && arg->ts != 0) {
    const struct __kernel_timespec *ts = (const void *)(uintptr_t)arg->ts;
    ns = (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
  }
  if (ring->nwork > 0)
    run_work(ring, 0);
  flush_overflow(ring);
  if (cq_ready(ring) >= wanted)
    return 0;
  if (happens(options()->interrupted))
    return -EINTR;
  return sleep_until(ring_woken, &wait, ns) ? 0 : -ETIME;
}

/* Why this enter fails, or 0. */
static int refusal(ring_t *ring) {
  static const int for_now[] = {-EAGAIN, -EBUSY, -ENOMEM, -EINTR};
  static const int for_good[] = {-EPERM, -EACCES, -EIO, -EBADF};
  if (ring->refused == 0 && happens(options()->refused))
    if (chance_of(10) == 0)
      ring->refused = for_good[chance_of(4)];
  if (ring->refused != 0) {
    was_refused = 1;
    return ring->refused;
  }
  if (ring->spell == 0 && happens(options()->short_of)) {
    ring->spell = 1 + chance_of(8);
    ring->spell_error = for_now[chance_of(4)];
  }
  if (ring->spell == 0)
    return 0;
  ring->spell--;
  return ring->spell_error;
}

static int enter(ring_t *ring, unsigned to_submit, unsigned wanted,
                 unsigned flags, const struct io_uring_getevents_arg *arg) {
  int r = ring->disabled ? -EBADFD : refusal(ring);
  ring->failing = r != 0;
  if (r != 0)
    return r;
  int submitted = to_submit > 0 ? submit(ring, to_submit) : 0;
  if ((unsigned)submitted < to_submit) {
    ring->failing = submitted == 0;
    return submitted > 0 ? submitted : -EAGAIN;
  }
  if (flags & IORING_ENTER_GETEVENTS)
    r = wait_in(ring, wanted, arg);
  return submitted > 0 ? submitted : r;
}

int machine_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted,
                            unsigned flags, sigset_t *arg, size_t size) {
  call_begins("io_uring_enter", (int)fd);
  object_t *object = fd_of_kind((int)fd, &ring_kind);
  (void)size;
  machine_note("submit", (long)to_submit, (long)wanted);
  if (object == NULL)
    return (int)call_ends("io_uring_enter", (int)fd, -EBADF);
  object_hold(object);
  int r = enter((ring_t *)object, to_submit, wanted, flags,
                flags & IORING_ENTER_EXT_ARG ? (void *)arg : NULL);
  object_drop(object);
  return (int)call_ends("io_uring_enter", (int)fd, r);
}

int machine_io_uring_submit_and_wait(struct io_uring *uring, unsigned wanted) {
  struct io_uring_sq *sq = &uring->sq;
  sq->sqe_head = sq->sqe_tail;
  *sq->ktail = sq->sqe_tail;
  return machine_io_uring_enter2((unsigned)uring->ring_fd,
                                 *sq->ktail - *sq->khead, wanted,
                                 IORING_ENTER_GETEVENTS, NULL, 0);
}

/* Called where the queue is empty. */
int machine_io_uring_get_cqe(struct io_uring *uring, struct io_uring_cqe **cqe,
                             unsigned to_submit, unsigned wanted,
                             sigset_t *mask) {
  (void)uring;
  (void)cqe;
  (void)to_submit;
  (void)mask;
  if (wanted > 0)
    machine_fail("a wait for completions in liburing");
  return -EAGAIN;
}

/* ---- Setting up ---- */

static unsigned power_of_two(unsigned n) {
  unsigned power = 1;
  while (power < n)
    power *= 2;
  return power;
}

static void show(ring_t *ring, struct io_uring *uring) {
  memset(uring, 0, sizeof(*uring));
  uring->sq.khead = &ring->sq_head;
  uring->sq.ktail = &ring->sq_tail;
  uring->sq.kring_mask = &ring->sq_mask;
  uring->sq.kring_entries = &ring->sq_entries;
  uring->sq.kflags = &ring->sq_flags;
  uring->sq.kdropped = &ring->sq_dropped;
  uring->sq.array = ring->sq_array;
  uring->sq.sqes = ring->sqes;
  uring->sq.ring_mask = ring->sq_mask;
  uring->sq.ring_entries = ring->sq_entries;
  uring->cq.khead = &ring->cq_head;
  uring->cq.ktail = &ring->cq_tail;
  uring->cq.kring_mask = &ring->cq_mask;
  uring->cq.kring_entries = &ring->cq_entries;
  uring->cq.kflags = &ring->cq_flags;
  uring->cq.koverflow = &ring->cq_overflow;
  uring->cq.cqes = ring->cqes;
  uring->cq.ring_mask = ring->cq_mask;
  uring->cq.ring_entries = ring->cq_entries;
  uring->flags = ring->setup & ~(unsigned)SQARRAY_OFF;
  uring->ring_fd = uring->enter_ring_fd = ring->fd;
  uring->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                    IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
                    IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG | FEAT_CQE_SKIP;
}

static ring_t *make_ring(unsigned entries, unsigned completions,
                         unsigned setup) {
  ring_t *ring = object_new(&ring_kind, sizeof(*ring));
  ring->setup = setup;
  ring->disabled = (setup & IORING_SETUP_R_DISABLED) != 0;
  ring->sq_entries = entries;
  ring->sq_mask = entries - 1;
  ring->cq_entries = completions;
  ring->cq_mask = completions - 1;
  ring->sqes = take(entries * sizeof(*ring->sqes));
  ring->sq_array = take(entries * sizeof(*ring->sq_array));
  ring->cqes = take(completions * sizeof(*ring->cqes));
  for (unsigned i = 0; i < entries; i++)
    ring->sq_array[i] = i;
  ring->next = rings;
  rings = ring;
  return ring;
}

int machine_io_uring_queue_init_params(unsigned entries, struct io_uring *uring,
                                       struct io_uring_params *params) {
  call_begins("io_uring_setup", (int)entries);
  unsigned flags = params->flags;
  unsigned known = IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP |
                   IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                   IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                   IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL;
  if (flags & ~(known & ~options()->setup_refuse) || entries == 0)
    return (int)call_ends("io_uring_setup", (int)entries, -EINVAL);
  entries = power_of_two(entries);
  unsigned completions = flags & IORING_SETUP_CQSIZE
                             ? power_of_two(params->cq_entries)
                             : 2 * entries;
  ring_t *ring = make_ring(entries, completions, flags);
  object_hold(&ring->base);
  int fd = fd_new(&ring->base);
  ring->fd = fd;
  if (fd >= 0)
    show(ring, uring);
  object_drop(&ring->base);
  return (int)call_ends("io_uring_setup", fd, fd < 0 ? fd : 0);
}

static void let_go(object_t *object, long arg) {
  (void)object;
  (void)arg;
}

static void ring_close(object_t *object) {
  ring_t *ring = (ring_t *)object;
  ring_t **at = &rings;
  while (*at != ring)
    at = &(*at)->next;
  *at = ring->next;
  while (ring->requests != NULL)
    request_free(ring->requests);
  ring->work = NULL;
  ring->nwork = 0;
  if (ring->eventfd != NULL)
    object_drop(ring->eventfd);
  ring->eventfd = NULL;
  /* What it has registered it keeps a while. */
  later(some_time(), let_go, object, 0);
}

static void ring_free(object_t *object) {
  ring_t *ring = (ring_t *)object;
  if (ring->file != NULL)
    object_unuse(ring->file);
  free(ring->sqes);
  free(ring->sq_array);
  free(ring->cqes);
  free(ring->overflow);
}

const kind_t ring_kind = {
    .name = "ring", .close = ring_close, .free = ring_free};

void rings_reset(void) {
  rings = NULL;
  was_refused = 0;
}

void machine_io_uring_queue_exit(struct io_uring *uring) {
  machine_close(uring->ring_fd);
}

int machine_io_uring_ring_dontfork(struct io_uring *uring) {
  (void)uring;
  return 0;
}

/* ---- Registering ---- */

static ring_t *ring_of(unsigned fd, const char *name) {
  call_begins(name, (int)fd);
  ring_t *ring = (ring_t *)fd_of_kind((int)fd, &ring_kind);
  if (ring == NULL)
    machine_fail("%s without a ring", name);
  return ring;
}

int machine_io_uring_register(unsigned fd, unsigned what, const void *arg,
                              unsigned n) {
  ring_t *ring = ring_of(fd, "io_uring_register");
  int r = -EINVAL;
  if (what == IORING_REGISTER_ENABLE_RINGS) {
    r = ring->disabled ? 0 : -EBADFD;
    ring->disabled = 0;
  } else if (what == IORING_REGISTER_FILES && n == 1) {
    ring->file = fd_object(*(const int *)arg);
    r = ring->file != NULL ? 0 : -EBADF;
    if (r == 0)
      object_use(ring->file);
  } else if (what == IORING_REGISTER_PBUF_RING && n == 1) {
    r = lent_begin(ring, arg);
  } else if (what == IORING_UNREGISTER_PBUF_RING && n == 1) {
    r = lent_end(ring, arg);
  } else if (what == REGISTER_PBUF_STATUS && n == 1) {
    r = lent_status(ring, (lent_status_t *)arg);
  }
  return (int)call_ends("io_uring_register", (int)what, r);
}

static int register_table(struct io_uring *uring, unsigned n) {
  ring_t *ring = ring_of((unsigned)uring->ring_fd, "register buffers");
  int r = ring->nbuffers > 0 ? -EBUSY : n > BUFFERS ? -EINVAL : 0;
  if (r == 0)
    ring->nbuffers = n;
  return (int)call_ends("register buffers", uring->ring_fd, r);
}

int machine_io_uring_register_buffers_sparse(struct io_uring *uring,
                                             unsigned n) {
  return register_table(uring, n);
}

int machine_io_uring_register_buffers_tags(struct io_uring *uring,
                                           const struct iovec *v,
                                           const __u64 *tags, unsigned n) {
  (void)v;
  (void)tags;
  return register_table(uring, n);
}

int machine_io_uring_register_buffers_update_tag(struct io_uring *uring,
                                                 unsigned at,
                                                 const struct iovec *v,
                                                 const __u64 *tags,
                                                 unsigned n) {
  ring_t *ring = ring_of((unsigned)uring->ring_fd, "update buffers");
  (void)tags;
  if (at + n > ring->nbuffers)
    return (int)call_ends("update buffers", uring->ring_fd, -EINVAL);
  memcpy(&ring->buffers[at], v, n * sizeof(*v));
  return (int)call_ends("update buffers", uring->ring_fd, (long)n);
}

int machine_io_uring_register_eventfd(struct io_uring *uring, int fd) {
  ring_t *ring = ring_of((unsigned)uring->ring_fd, "register eventfd");
  ring->eventfd = fd_of_kind(fd, &counter_kind);
  if (ring->eventfd != NULL)
    object_hold(ring->eventfd);
  return (int)call_ends("register eventfd", fd,
                        ring->eventfd != NULL ? 0 : -EBADF);
}

int machine_io_uring_register_iowq_max_workers(struct io_uring *uring,
                                               unsigned *counts) {
  ring_of((unsigned)uring->ring_fd, "register workers");
  memset(counts, 0, 2 * sizeof(*counts));
  return 0;
}

int machine_io_uring_register_probe(struct io_uring *uring,
                                    struct io_uring_probe *probe, unsigned n) {
  ring_of((unsigned)uring->ring_fd, "register probe");
  probe->last_op = 61;
  for (unsigned i = 0; i < n && i <= probe->last_op; i++) {
    probe->ops[i].op = (uint8_t)i;
    probe->ops[i].flags = IO_URING_OP_SUPPORTED;
  }
  probe->ops_len = (uint8_t)(probe->last_op + 1);
  return 0;
}

/* What a thread is at takes longer than one would wait. */
static int cancel_now(request_t *q) {
  if (q->state == RUNNING || q->state == DONE)
    return -ETIME;
  return request_cancel(q);
}

int machine_io_uring_register_sync_cancel(
    struct io_uring *uring, struct io_uring_sync_cancel_reg *reg) {
  ring_t *ring = ring_of((unsigned)uring->ring_fd, "sync cancel");
  int any = (reg->flags & IORING_ASYNC_CANCEL_ANY) != 0;
  int r = -ENOENT;
  for (request_t *q = ring->requests; q != NULL; q = q->next)
    if (any ? request_cancel(q) == 0 : q->sqe.user_data == reg->addr)
      r = any ? 0 : cancel_now(q);
  return (int)call_ends("sync cancel", uring->ring_fd, r);
}

int machine_was_refused(void) {
  return was_refused;
}
