/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: preadv, secure_getenv */

#include "os.h"
#include "rare.h"

#include <weir/file.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/sendfile.h>
#include <sys/syscall.h>
#endif
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Windows of segments go to the kernel as they are. */
static_assert(sizeof(uv_buf_t) == sizeof(struct iovec) &&
                  offsetof(uv_buf_t, len) == offsetof(struct iovec, iov_len) &&
                  offsetof(uv_buf_t, base) == offsetof(struct iovec, iov_base),
              "uv_buf_t has iovec's layout");

#if defined(MSG_NOSIGNAL)
enum { SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL, SEND_IS_QUIET = 1 };
#else
enum { SEND_FLAGS = MSG_DONTWAIT, SEND_IS_QUIET = 0 };
#endif

#if defined(MSG_MORE) && defined(TCP_CORK)
enum { SEND_MORE = MSG_MORE };
#else
enum { SEND_MORE = 0 };
#endif

static int last_error(void) {
  /* Where the two differ, callers look for UV_EAGAIN only. */
  return errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
}

/* ---- Transfers ---- */

static struct iovec *vector(const uv_buf_t *bufs) {
  return (struct iovec *)(uintptr_t)bufs;
}

static ssize_t receive_many(weir__fd_t fd, const uv_buf_t *bufs,
                            unsigned nbufs) {
  struct msghdr msg;
  memset(&msg, 0, sizeof(msg));
  msg.msg_iov = vector(bufs);
  msg.msg_iovlen = (__typeof__(msg.msg_iovlen))nbufs;
  return recvmsg(fd, &msg, MSG_DONTWAIT);
}

static ssize_t send_many(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                         int flags) {
  struct msghdr msg;
  memset(&msg, 0, sizeof(msg));
  msg.msg_iov = vector(bufs);
  msg.msg_iovlen = (__typeof__(msg.msg_iovlen))nbufs;
  return sendmsg(fd, &msg, flags);
}

static inline int got_some(ssize_t got, size_t *n) {
  if (got < 0)
    return last_error();
  if (got == 0)
    return UV_EOF;
  *n = (size_t)got;
  return 0;
}

static WEIR__APART int read_any(weir__fd_t fd, int is_socket,
                                const uv_buf_t *bufs, unsigned nbufs,
                                size_t *n) {
  ssize_t got;
  do
    got = is_socket ? receive_many(fd, bufs, nbufs)
                    : readv(fd, vector(bufs), (int)nbufs);
  while (got < 0 && errno == EINTR);
  return got_some(got, n);
}

int weir__os_read(weir__fd_t fd, int is_socket, const uv_buf_t *bufs,
                  unsigned nbufs, size_t *n) {
  ssize_t got;
  if (!is_socket || nbufs != 1)
    return read_any(fd, is_socket, bufs, nbufs, n);
  do
    got = recv(fd, bufs->base, bufs->len, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return got_some(got, n);
}

#if defined(F_SETNOSIGPIPE)
/* These systems may raise it for the whole process: the descriptor is not to,
 * from now on. */
typedef int quiet_t;

static void quiet_begin(quiet_t *quiet, weir__fd_t fd) {
  *quiet = fcntl(fd, F_SETNOSIGPIPE, 1);
}

static void quiet_end(const quiet_t *quiet, int raised) {
  (void)quiet, (void)raised;
}
#else
/* Takes the SIGPIPE that this thread may just have raised. */
static void consume_sigpipe(const sigset_t *sigpipe) {
#if defined(__OpenBSD__)
  sigset_t pending;
  int sig;
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE))
    sigwait(sigpipe, &sig);
#else
  const struct timespec now = {0, 0};
  while (sigtimedwait(sigpipe, NULL, &now) < 0 && errno == EINTR)
    continue;
#endif
}

/* What this thread had of SIGPIPE before it was blocked. */
typedef struct quiet_s {
  sigset_t sigpipe;
  sigset_t mask;
  sigset_t pending;
} quiet_t;

/* The application's handler and mask are its own, so the signal is blocked in
 * this thread only and for one call only. */
static void quiet_begin(quiet_t *quiet, weir__fd_t fd) {
  (void)fd;
  sigemptyset(&quiet->sigpipe);
  sigaddset(&quiet->sigpipe, SIGPIPE);
  sigemptyset(&quiet->mask);
  sigemptyset(&quiet->pending);
  pthread_sigmask(SIG_BLOCK, &quiet->sigpipe, &quiet->mask);
  /* Only a SIGPIPE that was blocked already can have been pending. */
  if (sigismember(&quiet->mask, SIGPIPE))
    sigpending(&quiet->pending);
}

/* raised: the call may have raised it. */
static void quiet_end(const quiet_t *quiet, int raised) {
  int error = errno;
  if (raised && !sigismember(&quiet->pending, SIGPIPE))
    consume_sigpipe(&quiet->sigpipe);
  if (!sigismember(&quiet->mask, SIGPIPE))
    pthread_sigmask(SIG_SETMASK, &quiet->mask, NULL);
  errno = error;
}
#endif

typedef ssize_t (*writer_t)(int fd, const struct iovec *vector, int count);

/* A write that was short may have raised it too. */
static ssize_t write_quietly(weir__fd_t fd, const uv_buf_t *bufs,
                             unsigned nbufs, writer_t write_it) {
  quiet_t quiet;
  quiet_begin(&quiet, fd);
  ssize_t put = write_it(fd, vector(bufs), (int)nbufs);
  quiet_end(&quiet, 1);
  return put;
}

/* The first packet of a connection may have gone without the bytes that it was
 * to take along (TCP Fast Open): they wait for the connection. */
static inline int wrote(ssize_t put, size_t *n) {
  if (put < 0)
    return errno == EINPROGRESS ? UV_EAGAIN : last_error();
  if (put == 0)
    return UV_EIO;
  *n = (size_t)put;
  return 0;
}

static WEIR__APART int write_any(weir__fd_t fd, int is_socket, int flags,
                                 const uv_buf_t *bufs, unsigned nbufs,
                                 size_t *n) {
  ssize_t put;
  do {
    if (!is_socket || !SEND_IS_QUIET)
      put = write_quietly(fd, bufs, nbufs, writev);
    else
      put = send_many(fd, bufs, nbufs, flags);
  } while (put < 0 && errno == EINTR);
  return wrote(put, n);
}

int weir__os_write(weir__fd_t fd, int is_socket, int more, const uv_buf_t *bufs,
                   unsigned nbufs, size_t *n) {
  int flags = more ? SEND_FLAGS | SEND_MORE : SEND_FLAGS;
  ssize_t put;
  if (!is_socket || !SEND_IS_QUIET || nbufs != 1)
    return write_any(fd, is_socket, flags, bufs, nbufs, n);
  do
    put = send(fd, bufs->base, bufs->len, flags);
  while (put < 0 && errno == EINTR);
  return wrote(put, n);
}

/* The end of a TCP_CORK that was not there is all that pushes. */
void weir__os_push(weir__fd_t fd) {
#if defined(TCP_CORK)
  int corked = 1;
  socklen_t len = sizeof(corked);
  if (getsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, &len) == 0 && !corked)
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked));
#else
  (void)fd;
#endif
}

/* ---- Files ---- */

int weir__os_pread(uv_file fd, const uv_buf_t *bufs, unsigned nbufs,
                   int64_t offset) {
  ssize_t got;
  do {
    if (offset < 0)
      got = readv(fd, vector(bufs), (int)nbufs);
    else
      got = preadv(fd, vector(bufs), (int)nbufs, offset);
  } while (got < 0 && errno == EINTR);
  return got < 0 ? last_error() : (int)got;
}

/* What has no positions, and so refuses an offset, is all that can raise
 * SIGPIPE. */
int weir__os_pwrite(uv_file fd, const uv_buf_t *bufs, unsigned nbufs,
                    int64_t offset) {
  ssize_t put;
  do {
    if (offset < 0)
      put = write_quietly(fd, bufs, nbufs, writev);
    else
      put = pwritev(fd, vector(bufs), (int)nbufs, offset);
  } while (put < 0 && errno == EINTR);
  return put < 0 ? last_error() : (int)put;
}

#if defined(SYNC_FILE_RANGE_WRITE)
int weir__os_sync_range(uv_file fd, int64_t offset, int64_t len, int wait) {
  unsigned flags = SYNC_FILE_RANGE_WRITE;
  int r;
  if (wait)
    flags |= SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
  do
    r = sync_file_range(fd, offset, len, flags);
  while (r < 0 && errno == EINTR);
  return r < 0 ? last_error() : 0;
}
#else
int weir__os_sync_range(uv_file fd, int64_t offset, int64_t len, int wait) {
  (void)fd, (void)offset, (void)len, (void)wait;
  return UV_ENOSYS;
}
#endif

#ifdef __linux__
int weir__os_allocate(uv_file fd, int64_t offset, int64_t len) {
  int r;
  do
    r = fallocate(fd, 0, offset, len);
  while (r < 0 && errno == EINTR);
  return r < 0 ? last_error() : 0;
}
#else
int weir__os_allocate(uv_file fd, int64_t offset, int64_t len) {
  (void)fd, (void)offset, (void)len;
  return UV_ENOTSUP;
}
#endif

#ifdef POSIX_FADV_NORMAL
int weir__os_advise(uv_file fd, int64_t offset, int64_t len, int advice) {
  static const int known[] = {POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL,
                              POSIX_FADV_RANDOM, POSIX_FADV_WILLNEED,
                              POSIX_FADV_DONTNEED};
  return -posix_fadvise(fd, offset, len, known[advice]);
}
#else
int weir__os_advise(uv_file fd, int64_t offset, int64_t len, int advice) {
  (void)fd, (void)offset, (void)len, (void)advice;
  return 0;
}
#endif

#if defined(__linux__) && defined(__NR_statx)
/* In numbers of our own, since headers of Linux 6.1 are not to be wanted. */
int weir__os_alignment(uv_file fd, unsigned *memory, unsigned *offset) {
  enum { EMPTY_PATH = 0x1000, DIO_ALIGN = 0x2000 };
  union {
    uint32_t words[64];
    uint64_t align;
  } info;
  memset(&info, 0, sizeof(info));
  if (syscall(__NR_statx, fd, "", EMPTY_PATH, DIO_ALIGN, &info) != 0)
    return errno == EINVAL || errno == EPERM ? UV_ENOSYS : last_error();
  if ((info.words[0] & DIO_ALIGN) == 0)
    return UV_ENOSYS;
  *memory = info.words[38];
  *offset = info.words[39];
  return *memory == 0 || *offset == 0 ? UV_ENOTSUP : 0;
}
#else
int weir__os_alignment(uv_file fd, unsigned *memory, unsigned *offset) {
  struct stat info;
  (void)memory, (void)offset;
  return fstat(fd, &info) == 0 ? UV_ENOSYS : last_error();
}
#endif

void weir__os_close_file(uv_file file) {
  close(file);
}

int weir__os_is_file(uv_file fd) {
  struct stat info;
  return fstat(fd, &info) == 0 &&
         (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) ||
          S_ISBLK(info.st_mode));
}

/* preadv2 and pwritev2, for which not every C library has functions; EOPNOTSUPP
 * where there are no such calls. */
#if defined(SYS_preadv2) && defined(SYS_pwritev2)
static ssize_t move_with(long number, int fd, const struct iovec *vector,
                         int count, int64_t offset, unsigned flags) {
  /* The upper half is not looked at where a long holds all of it. */
  return syscall(number, fd, vector, (long)count, (long)offset,
                 (long)(offset >> 32), (long)flags);
}

static ssize_t readv_with(int fd, const struct iovec *vector, int count,
                          int64_t offset, unsigned flags) {
  return move_with(SYS_preadv2, fd, vector, count, offset, flags);
}

static ssize_t writev_with(int fd, const struct iovec *vector, int count,
                           int64_t offset, unsigned flags) {
  return move_with(SYS_pwritev2, fd, vector, count, offset, flags);
}
#else
static ssize_t readv_with(int fd, const struct iovec *vector, int count,
                          int64_t offset, unsigned flags) {
  (void)fd, (void)vector, (void)count, (void)offset, (void)flags;
  errno = EOPNOTSUPP;
  return -1;
}

static ssize_t writev_with(int fd, const struct iovec *vector, int count,
                           int64_t offset, unsigned flags) {
  return readv_with(fd, vector, count, offset, flags);
}
#endif

static ssize_t readv_now(int fd, const struct iovec *vector, int count) {
  return readv_with(fd, vector, count, -1, WEIR_FILE_NOWAIT);
}

static ssize_t writev_now(int fd, const struct iovec *vector, int count) {
  return writev_with(fd, vector, count, -1, WEIR_FILE_NOWAIT);
}

/* What has no positions is all that can raise SIGPIPE. */
int weir__os_move_with(uv_file fd, int write, const uv_buf_t *bufs,
                       unsigned nbufs, int64_t offset, unsigned flags) {
  quiet_t quiet;
  ssize_t n;
  int raises = write && offset < 0;
  if (raises)
    quiet_begin(&quiet, fd);
  do
    n = write ? writev_with(fd, vector(bufs), (int)nbufs, offset, flags)
              : readv_with(fd, vector(bufs), (int)nbufs, offset, flags);
  while (n < 0 && errno == EINTR);
  if (raises)
    quiet_end(&quiet, 1);
  if (n < 0)
    return errno == ENOSYS ? UV_ENOTSUP : last_error();
  return (int)n;
}

static int refused(ssize_t moved) {
  return moved < 0 && (errno == EOPNOTSUPP || errno == ENOSYS);
}

int weir__os_pread_now(uv_file fd, const uv_buf_t *bufs, unsigned nbufs) {
  ssize_t got;
  do {
    got = readv_now(fd, vector(bufs), (int)nbufs);
  } while (got < 0 && errno == EINTR);
  if (!refused(got))
    return got < 0 ? last_error() : (int)got;
  return weir__os_await(fd, 0, -1, 0) == 0
             ? UV_EAGAIN
             : weir__os_pread(fd, bufs, nbufs, -1);
}

int weir__os_pwrite_now(uv_file fd, const uv_buf_t *bufs, unsigned nbufs) {
  ssize_t put;
  do {
    put = write_quietly(fd, bufs, nbufs, writev_now);
  } while (put < 0 && errno == EINTR);
  if (!refused(put))
    return put < 0 ? last_error() : (int)put;
  return weir__os_await(fd, 1, -1, 0) == 0
             ? UV_EAGAIN
             : weir__os_pwrite(fd, bufs, nbufs, -1);
}

int weir__os_await(uv_file fd, int write, uv_file stop, int timeout) {
  struct pollfd fds[2] = {{.fd = fd, .events = write ? POLLOUT : POLLIN},
                          {.fd = stop, .events = POLLIN}};
  int n;
  /* Which poll would pass over. */
  if (fd < 0)
    return 1;
  do
    n = poll(fds, 2, timeout);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return n < 0 ? last_error() : 0;
  return fds[1].revents != 0 ? UV_ECANCELED : 1;
}

/* ---- Pipes to splice through ---- */

#if defined(SPLICE_F_NONBLOCK) && defined(F_SETPIPE_SZ)
int weir__os_pipe(weir__fd_t fds[2]) {
  return pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 ? last_error() : 0;
}

int weir__os_set_pipe_size(weir__fd_t fd, size_t size) {
  int got = fcntl(fd, F_SETPIPE_SZ, (int)size);
  return got < 0 ? last_error() : 0;
}

static ssize_t splice_now(weir__fd_t from, weir__fd_t to, size_t size) {
  ssize_t moved;
  do
    moved =
        splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  while (moved < 0 && errno == EINTR);
  return moved;
}
#else
int weir__os_pipe(weir__fd_t fds[2]) {
  (void)fds;
  return UV_ENOSYS;
}

int weir__os_set_pipe_size(weir__fd_t fd, size_t size) {
  (void)fd, (void)size;
  return UV_ENOSYS;
}

static ssize_t splice_now(weir__fd_t from, weir__fd_t to, size_t size) {
  (void)from, (void)to, (void)size;
  errno = ENOSYS;
  return -1;
}
#endif

int weir__os_splice_in(weir__fd_t from, weir__fd_t pipe, size_t size,
                       size_t *n) {
  return got_some(splice_now(from, pipe, size), n);
}

/* It has no flag for that. One that was whole has raised nothing. */
int weir__os_splice_out(weir__fd_t pipe, weir__fd_t to, size_t size,
                        size_t *n) {
  quiet_t quiet;
  quiet_begin(&quiet, to);
  ssize_t put = splice_now(pipe, to, size);
  int broken = put < 0 && errno == EPIPE;
  quiet_end(&quiet, broken || (put > 0 && (size_t)put < size));
  return wrote(put, n);
}

/* ---- Files to sockets ---- */

#if defined(__linux__)
static ssize_t send_file(weir__fd_t to, uv_file file, int64_t offset,
                         size_t size) {
  off_t at = (off_t)offset;
  return sendfile(to, file, &at, size);
}
#else
static ssize_t send_file(weir__fd_t to, uv_file file, int64_t offset,
                         size_t size) {
  (void)to, (void)file, (void)offset, (void)size;
  errno = ENOSYS;
  return -1;
}
#endif

int weir__os_sendfile(weir__fd_t to, uv_file file, int64_t offset, size_t size,
                      size_t *n) {
  quiet_t quiet;
  ssize_t put;
  quiet_begin(&quiet, to);
  do
    put = send_file(to, file, offset, size);
  while (put < 0 && errno == EINTR);
  int broken = put < 0 && errno == EPIPE;
  quiet_end(&quiet, broken || (put > 0 && (size_t)put < size));
  return put == 0 ? UV_EOF : wrote(put, n);
}

/* ---- The process ---- */

int weir__os_at_fork(void (*in_child)(void)) {
  return pthread_atfork(NULL, NULL, in_child) == 0 ? 0 : UV_ENOMEM;
}

const char *weir__os_getenv(const char *name) {
#if defined(HAVE_SECURE_GETENV)
  return secure_getenv(name);
#elif defined(HAVE_ISSETUGID)
  return issetugid() ? NULL : getenv(name);
#else
  return getenv(name);
#endif
}
