/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE 1
#include "test/system.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "calls.h"
#include "world.h"

/* The machine in place of the system. */

static weir__system_t real;

/* ---- What has other arguments there ---- */

static int over_fcntl(int fd, int op, ...) {
  va_list args;
  va_start(args, op);
  long arg = va_arg(args, long);
  va_end(args);
  return machine_fcntl(fd, op, arg);
}

static int over_ioctl(int fd, unsigned long request, ...) {
  va_list args;
  va_start(args, request);
  void *arg = va_arg(args, void *);
  va_end(args);
  return machine_ioctl(fd, request, arg);
}

/* ---- What is not the machine's ---- */

/* Libraries of the program's may have threads of their own, which use what they
 * have opened before; libuv's loops have a directory open; and a sanitizer its
 * report, so that the next numbers are others. */
static int is_real(int fd) {
  return fd >= 0 && fd < FIRST_FD;
}

static int over_epoll_wait(int epfd, struct epoll_event *events, int most,
                           int timeout) {
  return is_real(epfd) ? real.epoll_wait(epfd, events, most, timeout)
                       : machine_epoll_pwait(epfd, events, most, timeout, NULL);
}

static int over_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
  return is_real(epfd) ? real.epoll_ctl(epfd, op, fd, event)
                       : machine_epoll_ctl(epfd, op, fd, event);
}

static ssize_t over_read(int fd, void *base, size_t len) {
  return is_real(fd) ? real.read(fd, base, len) : machine_read(fd, base, len);
}

static ssize_t over_write(int fd, const void *base, size_t len) {
  return is_real(fd) ? real.write(fd, base, len) : machine_write(fd, base, len);
}

static ssize_t over_send(int fd, const void *base, size_t len, int flags) {
  return is_real(fd) ? real.send(fd, base, len, flags)
                     : machine_send(fd, base, len, flags);
}

static ssize_t over_recv(int fd, void *base, size_t len, int flags) {
  return is_real(fd) ? real.recv(fd, base, len, flags)
                     : machine_recv(fd, base, len, flags);
}

static ssize_t over_sendmsg(int fd, const struct msghdr *msg, int flags) {
  return is_real(fd) ? real.sendmsg(fd, msg, flags)
                     : machine_sendmsg(fd, msg, flags);
}

static ssize_t over_recvmsg(int fd, struct msghdr *msg, int flags) {
  return is_real(fd) ? real.recvmsg(fd, msg, flags)
                     : machine_recvmsg(fd, msg, flags);
}

static int over_poll(struct pollfd *fds, nfds_t n, int timeout) {
  return n > 0 && is_real(fds[0].fd) ? real.poll(fds, n, timeout)
                                     : machine_poll(fds, n, timeout);
}

/* Memory, of which the machine has none, is a file with a size. */
static int over_ftruncate(int fd, off_t size) {
  return is_real(fd) ? real.ftruncate(fd, size) : machine_ftruncate(fd, size);
}

static int over_close(int fd) {
  return is_real(fd) ? real.close(fd) : machine_close(fd);
}

static long over_syscall(long number, ...) {
  va_list args;
  va_start(args, number);
  int fd = (int)va_arg(args, long);
  const struct iovec *v = va_arg(args, const struct iovec *);
  int n = (int)va_arg(args, long);
  long offset = va_arg(args, long);
  /* Its upper half, of a long that is none; or where statx answers. */
  long fifth = va_arg(args, long);
  int flags = (int)va_arg(args, long);
  va_end(args);
  if (number == SYS_statx)
    return machine_statx(fd, (const char *)v, n, (void *)fifth);
  if (number == SYS_copy_file_range) {
    errno = ENOSYS;
    return -1;
  }
  if (number == SYS_preadv2)
    return machine_preadv2(fd, v, n, offset, flags);
  if (number == SYS_pwritev2)
    return machine_pwritev2(fd, v, n, offset, flags);
  if (number == SYS_close) /* libuv's way */
    return over_close(fd);
  machine_fail("system call %ld", number);
}

/* ---- Files at once ---- */

static int finish(uv_fs_t *req, uv_fs_cb cb, int r) {
  if (cb != NULL)
    machine_fail("an asynchronous call of libuv's");
  req->result = r < 0 ? -errno : r;
  return (int)req->result;
}

static int over_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path,
                        int flags, int mode, uv_fs_cb cb) {
  real.uv_fs_close(loop, req, -1, NULL); /* makes the rest of req */
  return finish(req, cb, machine_open(path, flags, (mode_t)mode));
}

static int over_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                         uv_fs_cb cb) {
  real.uv_fs_close(loop, req, -1, NULL);
  return finish(req, cb, machine_close(file));
}

static int over_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file file,
                         uv_fs_cb cb) {
  real.uv_fs_close(loop, req, -1, NULL);
  return finish(req, cb, machine_fsync(file));
}

static void over_sleep(unsigned ms) {
  const struct timespec ts = {.tv_sec = (time_t)(ms / 1000),
                              .tv_nsec = (long)(ms % 1000) * 1000000};
  machine_nanosleep(&ts, NULL);
}

/* It is a system without. */
static ssize_t over_splice(int from, off_t *from_at, int to, off_t *to_at,
                           size_t size, unsigned flags) {
  (void)from, (void)from_at, (void)to, (void)to_at, (void)size, (void)flags;
  errno = ENOSYS;
  return -1;
}

static ssize_t over_sendfile(int to, int from, off_t *at, size_t size) {
  (void)to, (void)from, (void)at, (void)size;
  errno = ENOSYS;
  return -1;
}

static const weir__system_t machine = {
    .read = over_read,
    .write = over_write,
    .readv = machine_readv,
    .writev = machine_writev,
    .preadv = machine_preadv,
    .pwritev = machine_pwritev,
    .send = over_send,
    .recv = over_recv,
    .sendmsg = over_sendmsg,
    .recvmsg = over_recvmsg,
    .splice = over_splice,
    .sendfile = over_sendfile,
    .socket = machine_socket,
    .bind = machine_bind,
    .listen = machine_listen,
    .accept4 = machine_accept4,
    .connect = machine_connect,
    .shutdown = machine_shutdown,
    .getsockname = machine_getsockname,
    .getpeername = machine_getpeername,
    .getsockopt = machine_getsockopt,
    .setsockopt = machine_setsockopt,
    .fcntl = over_fcntl,
    .ioctl = over_ioctl,
    .fdatasync = machine_fsync,
    .sync_file_range = machine_sync_file_range,
    .fstat = machine_fstat,
    .ftruncate = over_ftruncate,
    .eventfd = machine_eventfd,
    .pipe2 = machine_pipe2,
    .dup3 = machine_dup3,
    .close = over_close,
    .poll = over_poll,
    .epoll_create1 = machine_epoll_create1,
    .epoll_ctl = over_epoll_ctl,
    .epoll_wait = over_epoll_wait,
    .epoll_pwait = machine_epoll_pwait,
    .clock_gettime = machine_clock_gettime,
    .syscall = over_syscall,
    .uv_queue_work = machine_uv_queue_work,
    .uv_cancel = machine_uv_cancel,
    .uv_fs_open = over_fs_open,
    .uv_fs_close = over_fs_close,
    .uv_fs_fsync = over_fs_fsync,
    .uv_sleep = over_sleep,
    .io_uring_queue_init_params = machine_io_uring_queue_init_params,
    .io_uring_queue_exit = machine_io_uring_queue_exit,
    .io_uring_enter2 = machine_io_uring_enter2,
    .io_uring_submit_and_wait = machine_io_uring_submit_and_wait,
    .__io_uring_get_cqe = machine_io_uring_get_cqe,
    .io_uring_ring_dontfork = machine_io_uring_ring_dontfork,
    .io_uring_register = machine_io_uring_register,
    .io_uring_register_buffers_sparse =
        machine_io_uring_register_buffers_sparse,
    .io_uring_register_buffers_tags = machine_io_uring_register_buffers_tags,
    .io_uring_register_buffers_update_tag =
        machine_io_uring_register_buffers_update_tag,
    .io_uring_register_eventfd = machine_io_uring_register_eventfd,
    .io_uring_register_iowq_max_workers =
        machine_io_uring_register_iowq_max_workers,
    .io_uring_register_probe = machine_io_uring_register_probe,
    .io_uring_register_sync_cancel = machine_io_uring_register_sync_cancel,
};

void system_on(void) {
  real = *weir__system_get();
  weir__system = machine;
}

void system_off(void) {
  weir__system = real;
}
