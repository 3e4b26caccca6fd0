/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_MACHINE_CALLS_H
#define WEIR_TESTS_MACHINE_CALLS_H

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include <liburing.h>
#include <uv.h>

/* The machine's system calls, as the C library has them. */

/* What a call says: errno for an error. */
int answer(const char *name, int fd, long result);

ssize_t machine_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t machine_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t machine_send(int fd, const void *base, size_t len, int flags);
ssize_t machine_recv(int fd, void *base, size_t len, int flags);
ssize_t machine_read(int fd, void *base, size_t len);
ssize_t machine_write(int fd, const void *base, size_t len);
ssize_t machine_readv(int fd, const struct iovec *v, int n);
ssize_t machine_writev(int fd, const struct iovec *v, int n);
ssize_t machine_preadv(int fd, const struct iovec *v, int n, off_t offset);
ssize_t machine_pwritev(int fd, const struct iovec *v, int n, off_t offset);
ssize_t machine_preadv2(int fd, const struct iovec *v, int n, off_t offset,
                        int flags);
ssize_t machine_pwritev2(int fd, const struct iovec *v, int n, off_t offset,
                         int flags);
int machine_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int machine_bind(int fd, const struct sockaddr *addr, socklen_t len);
int machine_close(int fd);
int machine_connect(int fd, const struct sockaddr *addr, socklen_t len);
int machine_dup3(int from, int to, int flags);
int machine_epoll_create1(int flags);
int machine_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int machine_epoll_pwait(int epfd, struct epoll_event *events, int most,
                        int timeout, const sigset_t *mask);
int machine_eventfd(unsigned count, int flags);
int machine_fcntl(int fd, int op, long arg);
int machine_fstat(int fd, struct stat *info);
int machine_statx(int fd, const char *path, int flags, void *record);
int machine_fsync(int fd);
int machine_sync_file_range(int fd, off_t offset, off_t len, unsigned flags);
int machine_ftruncate(int fd, off_t size);
int machine_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int machine_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int machine_getsockopt(int fd, int level, int name, void *value,
                       socklen_t *len);
int machine_ioctl(int fd, unsigned long request, void *arg);
int machine_listen(int fd, int backlog);
int machine_open(const char *path, int flags, mode_t mode);
int machine_pipe2(int fds[2], int flags);
int machine_poll(struct pollfd *fds, nfds_t n, int timeout);
int machine_setsockopt(int fd, int level, int name, const void *value,
                       socklen_t len);
int machine_shutdown(int fd, int how);
int machine_socket(int family, int type, int protocol);
int machine_socketpair(int family, int type, int protocol, int fds[2]);
int machine_unlink(const char *path);
int machine_clock_gettime(clockid_t clock, struct timespec *ts);
int machine_nanosleep(const struct timespec *ts, struct timespec *left);

int machine_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work,
                          uv_after_work_cb after);
int machine_uv_cancel(uv_req_t *req);

int machine_io_uring_queue_init_params(unsigned entries, struct io_uring *uring,
                                       struct io_uring_params *params);
void machine_io_uring_queue_exit(struct io_uring *uring);
int machine_io_uring_enter2(unsigned fd, unsigned to_submit, unsigned wanted,
                            unsigned flags, sigset_t *arg, size_t size);
int machine_io_uring_submit_and_wait(struct io_uring *uring, unsigned wanted);
int machine_io_uring_get_cqe(struct io_uring *uring, struct io_uring_cqe **cqe,
                             unsigned to_submit, unsigned wanted,
                             sigset_t *mask);
int machine_io_uring_ring_dontfork(struct io_uring *uring);
int machine_io_uring_register(unsigned fd, unsigned what, const void *arg,
                              unsigned n);
int machine_io_uring_register_buffers_sparse(struct io_uring *uring,
                                             unsigned n);
int machine_io_uring_register_buffers_tags(struct io_uring *uring,
                                           const struct iovec *v,
                                           const __u64 *tags, unsigned n);
int machine_io_uring_register_buffers_update_tag(struct io_uring *uring,
                                                 unsigned at,
                                                 const struct iovec *v,
                                                 const __u64 *tags, unsigned n);
int machine_io_uring_register_eventfd(struct io_uring *uring, int fd);
int machine_io_uring_register_iowq_max_workers(struct io_uring *uring,
                                               unsigned *counts);
int machine_io_uring_register_probe(struct io_uring *uring,
                                    struct io_uring_probe *probe, unsigned n);
int machine_io_uring_register_sync_cancel(struct io_uring *uring,
                                          struct io_uring_sync_cancel_reg *reg);

#endif
