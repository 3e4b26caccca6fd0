/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "system.h"

#if WEIR_HAVE_URING

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

int weir__over_io_uring_queue_init_params(unsigned entries,
                                          struct io_uring *ring,
                                          struct io_uring_params *params)
    WEIR__OVER("io_uring_queue_init_params");
int weir__over_io_uring_queue_init_params(unsigned entries,
                                          struct io_uring *ring,
                                          struct io_uring_params *params) {
  return weir__system_get()->io_uring_queue_init_params(entries, ring, params);
}

void weir__over_io_uring_queue_exit(struct io_uring *ring)
    WEIR__OVER("io_uring_queue_exit");
void weir__over_io_uring_queue_exit(struct io_uring *ring) {
  weir__system_get()->io_uring_queue_exit(ring);
}

int weir__over_io_uring_enter2(unsigned fd, unsigned submit, unsigned wait,
                               unsigned flags, sigset_t *mask, size_t size)
    WEIR__OVER("io_uring_enter2");
int weir__over_io_uring_enter2(unsigned fd, unsigned submit, unsigned wait,
                               unsigned flags, sigset_t *mask, size_t size) {
  return weir__system_get()->io_uring_enter2(fd, submit, wait, flags, mask,
                                             size);
}

int weir__over_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait)
    WEIR__OVER("io_uring_submit_and_wait");
int weir__over_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait) {
  return weir__system_get()->io_uring_submit_and_wait(ring, wait);
}

int weir__over_io_uring_get_cqe(struct io_uring *ring,
                                struct io_uring_cqe **cqe, unsigned submit,
                                unsigned wait, sigset_t *mask)
    WEIR__OVER("__io_uring_get_cqe");
int weir__over_io_uring_get_cqe(struct io_uring *ring,
                                struct io_uring_cqe **cqe, unsigned submit,
                                unsigned wait, sigset_t *mask) {
  return weir__system_get()->__io_uring_get_cqe(ring, cqe, submit, wait, mask);
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
  return weir__system_get()->io_uring_register(fd, what, arg, count);
}

int weir__over_io_uring_register_buffers_sparse(struct io_uring *ring,
                                                unsigned count)
    WEIR__OVER("io_uring_register_buffers_sparse");
int weir__over_io_uring_register_buffers_sparse(struct io_uring *ring,
                                                unsigned count) {
  return weir__system_get()->io_uring_register_buffers_sparse(ring, count);
}

int weir__over_io_uring_register_buffers_tags(struct io_uring *ring,
                                              const struct iovec *iov,
                                              const __u64 *tags, unsigned count)
    WEIR__OVER("io_uring_register_buffers_tags");
int weir__over_io_uring_register_buffers_tags(struct io_uring *ring,
                                              const struct iovec *iov,
                                              const __u64 *tags,
                                              unsigned count) {
  return weir__system_get()->io_uring_register_buffers_tags(ring, iov, tags,
                                                            count);
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
  return weir__system_get()->io_uring_register_buffers_update_tag(
      ring, offset, iov, tags, count);
}

int weir__over_io_uring_register_eventfd(struct io_uring *ring, int fd)
    WEIR__OVER("io_uring_register_eventfd");
int weir__over_io_uring_register_eventfd(struct io_uring *ring, int fd) {
  return weir__system_get()->io_uring_register_eventfd(ring, fd);
}

int weir__over_io_uring_register_iowq_max_workers(struct io_uring *ring,
                                                  unsigned *counts)
    WEIR__OVER("io_uring_register_iowq_max_workers");
int weir__over_io_uring_register_iowq_max_workers(struct io_uring *ring,
                                                  unsigned *counts) {
  return weir__system_get()->io_uring_register_iowq_max_workers(ring, counts);
}

int weir__over_io_uring_register_probe(struct io_uring *ring,
                                       struct io_uring_probe *probe,
                                       unsigned count)
    WEIR__OVER("io_uring_register_probe");
int weir__over_io_uring_register_probe(struct io_uring *ring,
                                       struct io_uring_probe *probe,
                                       unsigned count) {
  return weir__system_get()->io_uring_register_probe(ring, probe, count);
}

int weir__over_io_uring_register_sync_cancel(
    struct io_uring *ring, struct io_uring_sync_cancel_reg *reg)
    WEIR__OVER("io_uring_register_sync_cancel");
int weir__over_io_uring_register_sync_cancel(
    struct io_uring *ring, struct io_uring_sync_cancel_reg *reg) {
  return weir__system_get()->io_uring_register_sync_cancel(ring, reg);
}

#endif
