/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "shadow.h"

#if WEIR_HAVE_URING

#include <errno.h>

/* What takes the place of liburing's functions. */

/* Each is of another of its object files and has no other here. So liburing is
 * linked, and where it is the static one, which leaves no room before it, its
 * own functions take the place of all that are here. */
typedef void (*function_t)(void);
__attribute__((used)) static const function_t of_liburing[] = {
    (function_t)io_uring_queue_mmap,
    (function_t)io_uring_register_files,
    (function_t)io_uring_get_events,
    (function_t)io_uring_setup,
};

/* ---- Making rings ---- */

static unsigned smaller(unsigned a, unsigned b) {
  return b != 0 && b < a ? b : a;
}

/* Whether a kernel without these does not know the flags. */
static int is_unknown(unsigned lacks, unsigned flags) {
  unsigned unknown = 0;
  if (lacks & WEIR_FAULT_NO_DEFER_TASKRUN)
    unknown |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (lacks & WEIR_FAULT_NO_COOP_TASKRUN)
    unknown |= IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  if (lacks & WEIR_FAULT_NO_SUBMIT_ALL)
    unknown |= IORING_SETUP_SUBMIT_ALL;
  return (flags & unknown) != 0;
}

/* A queue of completions is not shorter than that of submissions, whose length
 * is a power of two. */
static void limit(const weir_fault_options_t *options, unsigned *entries,
                  struct io_uring_params *params) {
  unsigned least = 1;
  *entries = smaller(*entries, options->sq_entries);
  while (least < *entries)
    least *= 2;
  if (options->cq_entries == 0)
    return;
  if (!(params->flags & IORING_SETUP_CQSIZE))
    params->cq_entries = 2 * least;
  params->flags |= IORING_SETUP_CQSIZE;
  params->cq_entries = smaller(params->cq_entries, options->cq_entries);
  if (params->cq_entries < least)
    params->cq_entries = least;
}

static int make(unsigned entries, struct io_uring *ring,
                struct io_uring_params *params) {
  const weir_fault_options_t *options = weir__plan_options(weir__plan);
  const weir__system_t *system = weir__system_get();
  int error = weir__plan_error(WEIR_FAULT_SETUP, -1);
  if (error != 0)
    return -error;
  if (is_unknown(options->lacks, params->flags))
    return -EINVAL;
  limit(options, &entries, params);
  int r = system->io_uring_queue_init_params(entries, ring, params);
  if (r != 0)
    return r;
  if (options->lacks & WEIR_FAULT_NO_FEATURES)
    ring->features = params->features = 0;
  r = weir__shadow_begin(ring, weir__plan);
  if (r != 0)
    system->io_uring_queue_exit(ring);
  return r;
}

/* Those of weir begin disabled, and others are not known so well that one can
 * stand before them. */
int weir__over_io_uring_queue_init_params(unsigned entries,
                                          struct io_uring *ring,
                                          struct io_uring_params *params)
    WEIR__OVER("io_uring_queue_init_params");
int weir__over_io_uring_queue_init_params(unsigned entries,
                                          struct io_uring *ring,
                                          struct io_uring_params *params) {
  if (weir__plan != NULL && params->flags & IORING_SETUP_R_DISABLED)
    return make(entries, ring, params);
  return weir__system_get()->io_uring_queue_init_params(entries, ring, params);
}

void weir__over_io_uring_queue_exit(struct io_uring *ring)
    WEIR__OVER("io_uring_queue_exit");
void weir__over_io_uring_queue_exit(struct io_uring *ring) {
  weir__shadow_t *shadow = weir__shadow_of(ring);
  if (shadow != NULL)
    weir__shadow_remove(shadow);
  weir__system_get()->io_uring_queue_exit(ring);
}

/* ---- Entering ---- */

int weir__over_io_uring_enter2(unsigned fd, unsigned submit, unsigned wait,
                               unsigned flags, sigset_t *mask, size_t size)
    WEIR__OVER("io_uring_enter2");
int weir__over_io_uring_enter2(unsigned fd, unsigned submit, unsigned wait,
                               unsigned flags, sigset_t *mask, size_t size) {
  weir__shadow_t *shadow = weir__shadow_of_fd(fd);
  if (shadow != NULL)
    return weir__shadow_enter(shadow, submit, wait, flags, mask, size);
  return weir__system_get()->io_uring_enter2(fd, submit, wait, flags, mask,
                                             size);
}

static int enter(weir__shadow_t *shadow, unsigned submit, unsigned wait,
                 sigset_t *mask) {
  return weir__shadow_enter(shadow, submit, wait, IORING_ENTER_GETEVENTS, mask,
                            _NSIG / 8);
}

/* Gives the entries that were filled to the kernel; how many there are. */
static unsigned flush(struct io_uring *ring) {
  struct io_uring_sq *sq = &ring->sq;
  sq->sqe_head = sq->sqe_tail;
  io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
  return sq->sqe_tail - IO_URING_READ_ONCE(*sq->khead);
}

int weir__over_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait)
    WEIR__OVER("io_uring_submit_and_wait");
int weir__over_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait) {
  weir__shadow_t *shadow = weir__shadow_of(ring);
  if (shadow != NULL)
    return enter(shadow, flush(ring), wait, NULL);
  return weir__system_get()->io_uring_submit_and_wait(ring, wait);
}

static int get_cqe(weir__shadow_t *shadow, struct io_uring_cqe **cqe,
                   unsigned submit, unsigned wait, sigset_t *mask) {
  const struct io_uring_cq *cq = &shadow->ring->cq;
  if (*cq->khead == *cq->ktail && (submit > 0 || wait > 0)) {
    int r = enter(shadow, submit, wait, mask);
    if (r < 0)
      return r;
  }
  *cqe = *cq->khead != *cq->ktail
             ? &cq->cqes[*cq->khead & shadow->real.cq.ring_mask]
             : NULL;
  return *cqe != NULL ? 0 : -EAGAIN;
}

int weir__over_io_uring_get_cqe(struct io_uring *ring,
                                struct io_uring_cqe **cqe, unsigned submit,
                                unsigned wait, sigset_t *mask)
    WEIR__OVER("__io_uring_get_cqe");
int weir__over_io_uring_get_cqe(struct io_uring *ring,
                                struct io_uring_cqe **cqe, unsigned submit,
                                unsigned wait, sigset_t *mask) {
  weir__shadow_t *shadow = weir__shadow_of(ring);
  if (shadow != NULL)
    return get_cqe(shadow, cqe, submit, wait, mask);
  return weir__system_get()->__io_uring_get_cqe(ring, cqe, submit, wait, mask);
}

/* ---- Registering ---- */

static int lacks(unsigned feature) {
  return weir__plan != NULL &&
         (weir__plan_options(weir__plan)->lacks & feature) != 0;
}

static int refused(void) {
  return -weir__plan_error(WEIR_FAULT_REGISTER, -1);
}

static int refused_or_lacking(unsigned feature) {
  int r = refused();
  return r == 0 && lacks(feature) ? -EINVAL : r;
}

int weir__over_io_uring_ring_dontfork(struct io_uring *ring)
    WEIR__OVER("io_uring_ring_dontfork");
int weir__over_io_uring_ring_dontfork(struct io_uring *ring) {
  return weir__system_get()->io_uring_ring_dontfork(ring);
}

int weir__over_io_uring_register(unsigned fd, unsigned what, const void *arg,
                                 unsigned count)
    WEIR__OVER("io_uring_register");
int weir__over_io_uring_register(unsigned fd, unsigned what, const void *arg,
                                 unsigned count) {
  int r = refused();
  return r != 0 ? r
                : weir__system_get()->io_uring_register(fd, what, arg, count);
}

int weir__over_io_uring_register_buffers_sparse(struct io_uring *ring,
                                                unsigned count)
    WEIR__OVER("io_uring_register_buffers_sparse");
int weir__over_io_uring_register_buffers_sparse(struct io_uring *ring,
                                                unsigned count) {
  int r = refused_or_lacking(WEIR_FAULT_NO_SPARSE_BUFFERS);
  return r != 0 ? r
                : weir__system_get()->io_uring_register_buffers_sparse(ring,
                                                                       count);
}

int weir__over_io_uring_register_buffers_tags(struct io_uring *ring,
                                              const struct iovec *iov,
                                              const __u64 *tags, unsigned count)
    WEIR__OVER("io_uring_register_buffers_tags");
int weir__over_io_uring_register_buffers_tags(struct io_uring *ring,
                                              const struct iovec *iov,
                                              const __u64 *tags,
                                              unsigned count) {
  int r = refused_or_lacking(WEIR_FAULT_NO_TAGGED_BUFFERS);
  return r != 0 ? r
                : weir__system_get()->io_uring_register_buffers_tags(
                      ring, iov, tags, count);
}

int weir__over_io_uring_register_buffers_update_tag(struct io_uring *ring,
                                                    unsigned offset,
                                                    const struct iovec *iov,
                                                    const __u64 *tags,
                                                    unsigned count)
    WEIR__OVER("io_uring_register_buffers_update_tag");
int weir__over_io_uring_register_buffers_update_tag(struct io_uring *ring,
                                                    unsigned offset,
                                                    const struct iovec *iov,
                                                    const __u64 *tags,
                                                    unsigned count) {
  int r = refused_or_lacking(WEIR_FAULT_NO_TAGGED_BUFFERS);
  return r != 0 ? r
                : weir__system_get()->io_uring_register_buffers_update_tag(
                      ring, offset, iov, tags, count);
}

int weir__over_io_uring_register_eventfd(struct io_uring *ring, int fd)
    WEIR__OVER("io_uring_register_eventfd");
int weir__over_io_uring_register_eventfd(struct io_uring *ring, int fd) {
  weir__shadow_t *shadow = weir__shadow_of(ring);
  int r = refused();
  if (r == 0)
    r = weir__system_get()->io_uring_register_eventfd(ring, fd);
  if (r == 0 && shadow != NULL)
    shadow->eventfd = fd;
  return r;
}

int weir__over_io_uring_register_iowq_max_workers(struct io_uring *ring,
                                                  unsigned *counts)
    WEIR__OVER("io_uring_register_iowq_max_workers");
int weir__over_io_uring_register_iowq_max_workers(struct io_uring *ring,
                                                  unsigned *counts) {
  int r = refused_or_lacking(WEIR_FAULT_NO_WORKER_LIMITS);
  return r != 0 ? r
                : weir__system_get()->io_uring_register_iowq_max_workers(
                      ring, counts);
}

/* weir takes an opcode that came with it for IORING_RECVSEND_POLL_FIRST. */
enum { OP_READV_FIXED = 60, OP_WRITEV_FIXED = 61 };

static void hide(struct io_uring_probe *probe, unsigned feature,
                 unsigned opcode) {
  if (lacks(feature) && opcode < probe->ops_len)
    probe->ops[opcode].flags = 0;
}

int weir__over_io_uring_register_probe(struct io_uring *ring,
                                       struct io_uring_probe *probe,
                                       unsigned count)
    WEIR__OVER("io_uring_register_probe");
int weir__over_io_uring_register_probe(struct io_uring *ring,
                                       struct io_uring_probe *probe,
                                       unsigned count) {
  int r = refused();
  if (r == 0)
    r = weir__system_get()->io_uring_register_probe(ring, probe, count);
  if (r != 0)
    return r;
  hide(probe, WEIR_FAULT_NO_POLL_FIRST, IORING_OP_SOCKET);
  hide(probe, WEIR_FAULT_NO_READV_FIXED, OP_READV_FIXED);
  hide(probe, WEIR_FAULT_NO_WRITEV_FIXED, OP_WRITEV_FIXED);
  return 0;
}

int weir__over_io_uring_register_sync_cancel(
    struct io_uring *ring, struct io_uring_sync_cancel_reg *reg)
    WEIR__OVER("io_uring_register_sync_cancel");
int weir__over_io_uring_register_sync_cancel(
    struct io_uring *ring, struct io_uring_sync_cancel_reg *reg) {
  int r = refused_or_lacking(WEIR_FAULT_NO_SYNC_CANCEL);
  return r != 0 ? r
                : weir__system_get()->io_uring_register_sync_cancel(ring, reg);
}

int weir__over_rings(void) {
  return weir__system_calls("io_uring_enter2",
                            (void (*)(void))weir__over_io_uring_enter2);
}

#endif
