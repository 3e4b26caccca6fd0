/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "os.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "os_windows.h"

/* Transfers. Sockets are read and written as they are by libuv when it tries
 * to: without an OVERLAPPED, so that a call that cannot go on says so, moves
 * what it says and leaves nothing behind, whatever port the socket is of. */

static_assert(sizeof(uv_buf_t) == sizeof(WSABUF) &&
                  offsetof(uv_buf_t, len) == offsetof(WSABUF, len) &&
                  offsetof(uv_buf_t, base) == offsetof(WSABUF, buf),
              "uv_buf_t has WSABUF's layout");

/* A socket takes all that it is given, however little room it has: then it is
 * the system's, and locked in memory. */
enum { MOST = 1 << 20 };

/* Cuts a window to that many bytes: how many segments are left. */
static unsigned cut(uv_buf_t *out, const uv_buf_t *bufs, unsigned nbufs) {
  size_t room = MOST;
  unsigned n = 0;
  for (; n < nbufs && room > 0; n++) {
    out[n] = bufs[n];
    if (out[n].len > room)
      out[n].len = (ULONG)room;
    room -= out[n].len;
  }
  return n;
}

/* libuv says so, too, for the sake of other systems. */
static int last_error(void) {
  int r = weir__last_error();
  return r == UV_ECONNABORTED ? UV_ECONNRESET : r;
}

enum { WINDOW = 16 };

int weir__os_read(weir__fd_t fd, int is_socket, const uv_buf_t *bufs,
                  unsigned nbufs, size_t *n) {
  uv_buf_t window[WINDOW];
  DWORD got = 0;
  DWORD flags = 0;
  (void)is_socket;
  unsigned used = cut(window, bufs, nbufs);
  if (WSARecv(weir__socket_of(fd), (WSABUF *)window, used, &got, &flags, NULL,
              NULL) != 0)
    return last_error();
  *n = got;
  return got == 0 ? UV_EOF : 0;
}

int weir__os_write(weir__fd_t fd, int is_socket, int more, const uv_buf_t *bufs,
                   unsigned nbufs, size_t *n) {
  uv_buf_t window[WINDOW];
  DWORD put = 0;
  (void)is_socket, (void)more;
  unsigned used = cut(window, bufs, nbufs);
  if (WSASend(weir__socket_of(fd), (WSABUF *)window, used, &put, 0, NULL,
              NULL) != 0)
    return last_error();
  *n = put;
  return put == 0 ? UV_EIO : 0;
}

void weir__os_push(weir__fd_t fd) {
  (void)fd;
}

/* ---- Files ---- */

typedef BOOL(WINAPI *mover_t)(HANDLE file, void *base, DWORD size, DWORD *moved,
                              OVERLAPPED *at);

static BOOL WINAPI write_file(HANDLE file, void *base, DWORD size, DWORD *moved,
                              OVERLAPPED *at) {
  return WriteFile(file, base, size, moved, at);
}

static int is_directory(HANDLE file) {
  BY_HANDLE_FILE_INFORMATION info;
  return GetFileInformationByHandle(file, &info) &&
         (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* One segment: 0, or an error; *moved may be less at the end. */
static int move_one(HANDLE file, mover_t mover, const uv_buf_t *buf,
                    int64_t offset, DWORD *moved) {
  OVERLAPPED at = {.Offset = (DWORD)offset,
                   .OffsetHigh = (DWORD)(offset >> 32)};
  *moved = 0;
  if (mover(file, buf->base, buf->len, moved, offset < 0 ? NULL : &at))
    return 0;
  switch (GetLastError()) {
  case ERROR_HANDLE_EOF:
    return 0;
  case ERROR_BROKEN_PIPE:
    return mover == write_file ? UV_EPIPE : 0;
  case ERROR_ACCESS_DENIED: /* it was not opened for that */
    return is_directory(file) ? UV_EISDIR : UV_EBADF;
  default:
    return weir__last_error();
  }
}

static int move_all(HANDLE file, mover_t mover, const uv_buf_t *bufs,
                    unsigned nbufs, int64_t offset) {
  size_t sum = 0;
  for (unsigned i = 0; i < nbufs; i++) {
    DWORD moved;
    int64_t at = offset < 0 ? offset : offset + (int64_t)sum;
    int r = move_one(file, mover, &bufs[i], at, &moved);
    sum += moved;
    if (r != 0 && sum == 0)
      return r;
    if (r != 0 || moved < bufs[i].len)
      break;
  }
  return (int)sum;
}

/* A transfer at an offset moves the position of a file, which is put back, as
 * libuv does it. */
static int transfer(uv_file file, mover_t mover, const uv_buf_t *bufs,
                    unsigned nbufs, int64_t offset) {
  const LARGE_INTEGER here = {.QuadPart = 0};
  LARGE_INTEGER position;
  HANDLE handle = weir__handle_of(file);
  if (handle == INVALID_HANDLE_VALUE)
    return UV_EBADF;
  if (offset < 0)
    return move_all(handle, mover, bufs, nbufs, offset);
  if (GetFileType(handle) != FILE_TYPE_DISK)
    return UV_ESPIPE;
  int known = SetFilePointerEx(handle, here, &position, FILE_CURRENT);
  int n = move_all(handle, mover, bufs, nbufs, offset);
  if (known)
    SetFilePointerEx(handle, position, NULL, FILE_BEGIN);
  return n;
}

int weir__os_pread(uv_file file, const uv_buf_t *bufs, unsigned nbufs,
                   int64_t offset) {
  return transfer(file, ReadFile, bufs, nbufs, offset);
}

int weir__os_pwrite(uv_file file, const uv_buf_t *bufs, unsigned nbufs,
                    int64_t offset) {
  return transfer(file, write_file, bufs, nbufs, offset);
}

int weir__os_move_with(uv_file file, int write, const uv_buf_t *bufs,
                       unsigned nbufs, int64_t offset, unsigned flags) {
  (void)file, (void)write, (void)bufs, (void)nbufs, (void)offset, (void)flags;
  return UV_ENOTSUP;
}

int weir__os_sync_range(uv_file file, int64_t offset, int64_t len, int wait) {
  (void)file, (void)offset, (void)len, (void)wait;
  return UV_ENOSYS;
}

int weir__os_allocate(uv_file file, int64_t offset, int64_t len) {
  (void)offset, (void)len;
  return weir__handle_of(file) == INVALID_HANDLE_VALUE ? UV_EBADF : UV_ENOTSUP;
}

int weir__os_advise(uv_file file, int64_t offset, int64_t len, int advice) {
  (void)offset, (void)len, (void)advice;
  return weir__handle_of(file) == INVALID_HANDLE_VALUE ? UV_EBADF : 0;
}

int weir__os_alignment(uv_file file, unsigned *memory, unsigned *offset) {
  (void)memory, (void)offset;
  return weir__handle_of(file) == INVALID_HANDLE_VALUE ? UV_EBADF : UV_ENOSYS;
}

int weir__os_is_file(uv_file file) {
  return GetFileType(weir__handle_of(file)) == FILE_TYPE_DISK;
}

/* What a pipe or a console would do cannot be asked. */
int weir__os_pread_now(uv_file file, const uv_buf_t *bufs, unsigned nbufs) {
  return weir__os_pread(file, bufs, nbufs, -1);
}

int weir__os_pwrite_now(uv_file file, const uv_buf_t *bufs, unsigned nbufs) {
  return weir__os_pwrite(file, bufs, nbufs, -1);
}

int weir__os_await(uv_file file, int write, uv_file stop, int timeout) {
  (void)file, (void)write, (void)stop, (void)timeout;
  return 1;
}

/* libuv knows more of a file than its number. */
void weir__os_close_file(uv_file file) {
  uv_fs_t req;
  uv_fs_close(NULL, &req, file, NULL);
  uv_fs_req_cleanup(&req);
}

/* ---- What there is not ---- */

int weir__os_pipe(weir__fd_t fds[2]) {
  (void)fds;
  return UV_ENOSYS;
}

int weir__os_set_pipe_size(weir__fd_t fd, size_t size) {
  (void)fd, (void)size;
  return UV_ENOSYS;
}

int weir__os_splice_in(weir__fd_t from, weir__fd_t pipe, size_t size,
                       size_t *n) {
  (void)from, (void)pipe, (void)size, (void)n;
  return UV_ENOSYS;
}

int weir__os_splice_out(weir__fd_t pipe, weir__fd_t to, size_t size,
                        size_t *n) {
  (void)pipe, (void)to, (void)size, (void)n;
  return UV_ENOSYS;
}

int weir__os_sendfile(weir__fd_t to, uv_file file, int64_t offset, size_t size,
                      size_t *n) {
  (void)to, (void)file, (void)offset, (void)size, (void)n;
  return UV_ENOSYS;
}

/* ---- The process ---- */

int weir__os_at_fork(void (*in_child)(void)) {
  (void)in_child;
  return 0;
}

const char *weir__os_getenv(const char *name) {
  return getenv(name);
}
