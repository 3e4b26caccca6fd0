/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TEST_SYSTEM_H
#define WEIR__TEST_SYSTEM_H

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <uv.h>
#if WEIR_HAVE_URING
#include <liburing.h>
#endif

/* What weir, and libuv below it, reach the system through. The functions of
 * these names that a program calls are those of over*.c, which
 * are put before the libraries' own; they ask the plan of faults, if there is
 * one, and then call what stands here. That is the libraries' own, unless
 * something else was put in its place.
 *
 * Every function has the signature of the one that it stands for. */
typedef struct weir__system_s {
  /* Transfers. */
  ssize_t (*read)(int fd, void *buf, size_t size);
  ssize_t (*write)(int fd, const void *buf, size_t size);
  ssize_t (*readv)(int fd, const struct iovec *iov, int count);
  ssize_t (*writev)(int fd, const struct iovec *iov, int count);
  ssize_t (*preadv)(int fd, const struct iovec *iov, int count, off_t offset);
  ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
  ssize_t (*send)(int fd, const void *buf, size_t size, int flags);
  ssize_t (*recv)(int fd, void *buf, size_t size, int flags);
  ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
  ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
  ssize_t (*splice)(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                    unsigned flags);
  ssize_t (*sendfile)(int to, int from, off_t *at, size_t size);
  /* Descriptors. */
  int (*socket)(int domain, int type, int protocol);
  int (*bind)(int fd, const struct sockaddr *addr, socklen_t size);
  int (*listen)(int fd, int backlog);
  int (*accept4)(int fd, struct sockaddr *addr, socklen_t *size, int flags);
  int (*connect)(int fd, const struct sockaddr *addr, socklen_t size);
  int (*shutdown)(int fd, int how);
  int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *size);
  int (*getpeername)(int fd, struct sockaddr *addr, socklen_t *size);
  int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *size);
  int (*setsockopt)(int fd, int level, int name, const void *value,
                    socklen_t size);
  int (*fcntl)(int fd, int command, ...);
  int (*ioctl)(int fd, unsigned long command, ...);
  int (*fstat)(int fd, struct stat *info);
  int (*ftruncate)(int fd, off_t size);
  int (*eventfd)(unsigned count, int flags);
  int (*pipe2)(int fds[2], int flags);
  int (*dup3)(int fd, int other, int flags);
  int (*close)(int fd);
  int (*open)(const char *path, int flags, ...);
  int (*fsync)(int fd);
  int (*fdatasync)(int fd);
  int (*sync_file_range)(int fd, off_t offset, off_t len, unsigned flags);
  /* Waiting, and the clock. */
  int (*poll)(struct pollfd *fds, nfds_t count, int timeout);
  int (*epoll_create1)(int flags);
  int (*epoll_ctl)(int epfd, int what, int fd, struct epoll_event *event);
  int (*epoll_wait)(int epfd, struct epoll_event *events, int count,
                    int timeout);
  int (*epoll_pwait)(int epfd, struct epoll_event *events, int count,
                     int timeout, const sigset_t *mask);
  int (*clock_gettime)(clockid_t clock, struct timespec *time);
  /* preadv2 and pwritev2 are called by their numbers, and by libuv close. */
  long (*syscall)(long number, ...);
  /* libuv's pool of threads. */
  int (*uv_queue_work)(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                       uv_after_work_cb after);
  int (*uv_cancel)(uv_req_t *req);
  int (*uv_fs_open)(uv_loop_t *loop, uv_fs_t *req, const char *path, int flags,
                    int mode, uv_fs_cb cb);
  int (*uv_fs_close)(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);
  int (*uv_fs_fsync)(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);
  int (*uv_getaddrinfo)(uv_loop_t *loop, uv_getaddrinfo_t *req,
                        uv_getaddrinfo_cb cb, const char *node,
                        const char *service, const struct addrinfo *hints);
  void (*uv_freeaddrinfo)(struct addrinfo *found);
  void (*uv_sleep)(unsigned ms);
#if WEIR_HAVE_URING
  /* Rings. The memory of one is read and written directly. */
  int (*io_uring_queue_init_params)(unsigned entries, struct io_uring *ring,
                                    struct io_uring_params *params);
  void (*io_uring_queue_exit)(struct io_uring *ring);
  int (*io_uring_enter2)(unsigned fd, unsigned submit, unsigned wait,
                         unsigned flags, sigset_t *mask, size_t size);
  int (*io_uring_submit_and_wait)(struct io_uring *ring, unsigned wait);
  int (*__io_uring_get_cqe)(struct io_uring *ring, struct io_uring_cqe **cqe,
                            unsigned submit, unsigned wait, sigset_t *mask);
  int (*io_uring_ring_dontfork)(struct io_uring *ring);
  int (*io_uring_register)(unsigned fd, unsigned what, const void *arg,
                           unsigned count);
  int (*io_uring_register_buffers_sparse)(struct io_uring *ring,
                                          unsigned count);
  int (*io_uring_register_buffers_tags)(struct io_uring *ring,
                                        const struct iovec *iov,
                                        const __u64 *tags, unsigned count);
  int (*io_uring_register_buffers_update_tag)(struct io_uring *ring,
                                              unsigned offset,
                                              const struct iovec *iov,
                                              const __u64 *tags,
                                              unsigned count);
  int (*io_uring_register_eventfd)(struct io_uring *ring, int fd);
  int (*io_uring_register_iowq_max_workers)(struct io_uring *ring,
                                            unsigned *counts);
  int (*io_uring_register_probe)(struct io_uring *ring,
                                 struct io_uring_probe *probe, unsigned count);
  int (*io_uring_register_sync_cancel)(struct io_uring *ring,
                                       struct io_uring_sync_cancel_reg *reg);
#endif
} weir__system_t;

extern weir__system_t weir__system;

/* The table; the first call looks the libraries' own functions up. */
weir__system_t *weir__system_get(void);

/* Whether it is that function which is called by that name. */
int weir__system_calls(const char *name, void (*function)(void));

#endif
