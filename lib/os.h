/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_H
#define WEIR__OS_H

#include <uv.h>

#include "os_fd.h"

/* The name of a UNIX socket that weir__os_set_path has let pass: a path with
 * its final 0, or an abstract name, which begins with one. */
typedef struct weir__path_s {
  unsigned size;
  char bytes[124];
} weir__path_t;

/* An address, or such a name. */
typedef union weir__peer_u {
  struct sockaddr addr;
  struct sockaddr_in6 in6;
  weir__path_t path;
} weir__peer_t;

/* System calls on descriptors that both backends make directly. None waits
 * unless it says so, none raises SIGPIPE; EINTR is tried again. Results are 0
 * or a negative UV_E*; *n is set on success only. */

/* 0 if fd is a socket, else UV_ENOTSOCK or UV_EBADF. Others are read with readv
 * and written with writev under a blocked SIGPIPE. */
int weir__os_check_socket(weir__fd_t fd);

/* 0 with *n >= 1, UV_EOF, UV_EAGAIN or an error. more: what is written need not
 * leave by itself, since others follow at once. */
int weir__os_read(weir__fd_t fd, int is_socket, const uv_buf_t *bufs,
                  unsigned nbufs, size_t *n);
int weir__os_write(weir__fd_t fd, int is_socket, int more, const uv_buf_t *bufs,
                   unsigned nbufs, size_t *n);

/* Has what was written with `more` leave after all, unless the application
 * holds it back by an option of its own. */
void weir__os_push(weir__fd_t fd);

/* Read from and write to a file at offset, or at its own position if that is
 * -1, in one call, which may wait: the count, or an error; UV_ESPIPE for an
 * offset where there are no positions. */
int weir__os_pread(uv_file file, const uv_buf_t *bufs, unsigned nbufs,
                   int64_t offset);
int weir__os_pwrite(uv_file file, const uv_buf_t *bufs, unsigned nbufs,
                    int64_t offset);

/* The same with flags, as WEIR_FILE_DSYNC, that are the system's: UV_ENOTSUP
 * for what it does not know. */
int weir__os_move_with(uv_file file, int write, const uv_buf_t *bufs,
                       unsigned nbufs, int64_t offset, unsigned flags);

/* Has the system begin to write these bytes of a file to the device, and with
 * wait waits for it; UV_ENOSYS where there is no such call. */
int weir__os_sync_range(uv_file file, int64_t offset, int64_t len, int wait);

/* Has the system keep room for these bytes of a file, and tell it how they will
 * be used (a weir_advice_t); UV_ENOTSUP, and 0, where there is no such call. */
int weir__os_allocate(uv_file file, int64_t offset, int64_t len);
int weir__os_advise(uv_file file, int64_t offset, int64_t len, int advice);

/* What direct transfers have to be multiples of: 0, an error, or UV_ENOTSUP;
 * UV_ENOSYS: the system does not say. */
int weir__os_alignment(uv_file file, unsigned *memory, unsigned *offset);

/* Whether it waits for nobody: a regular file, a directory or a block
 * device. */
int weir__os_is_file(uv_file file);

/* The same for any other, at its own position, but without waiting: UV_EAGAIN.
 * Where the system cannot be told, it is asked before whether it would; where
 * it cannot be asked either, they wait. */
int weir__os_pread_now(uv_file file, const uv_buf_t *bufs, unsigned nbufs);
int weir__os_pwrite_now(uv_file file, const uv_buf_t *bufs, unsigned nbufs);

/* Waits until file can be read, or written, at most timeout milliseconds (-1:
 * no limit): 1, or 0 when the time is over. UV_ECANCELED as soon as stop (-1:
 * none) can be read. */
int weir__os_await(uv_file file, int write, uv_file stop, int timeout);

/* A pipe to splice through, close-on-exec and non-blocking: its reading and its
 * writing end. UV_ENOSYS where there is no splice. */
int weir__os_pipe(weir__fd_t fds[2]);

/* Has it hold that much, or more; an int's at most. */
int weir__os_set_pipe_size(weir__fd_t fd, size_t size);

/* Move at most size bytes into a pipe, and out of one that holds them, as
 * weir__os_read and weir__os_write of what is at the other side: that has to be
 * non-blocking. The second takes WEIR__OS_SPLICE_OUT system calls. */
enum { WEIR__OS_SPLICE_OUT = 3 };
int weir__os_splice_in(weir__fd_t from, weir__fd_t pipe, size_t size,
                       size_t *n);
int weir__os_splice_out(weir__fd_t pipe, weir__fd_t to, size_t size, size_t *n);

/* Sends at most size bytes of a file from offset on, as weir__os_write, to a
 * descriptor that is non-blocking: UV_EOF where the file has ended. It waits
 * for the file if its bytes are not in memory. UV_ENOSYS where there is no such
 * call. WEIR__OS_SPLICE_OUT system calls. */
int weir__os_sendfile(weir__fd_t to, uv_file file, int64_t offset, size_t size,
                      size_t *n);

/* Whether all writes to a file go to its end. */
int weir__os_appends(uv_file file);

/* Has the one file, which is empty, share all bytes of the other. */
int weir__os_clone(uv_file from, uv_file to);

/* Copies at most size bytes at offset to the same place of another file: how
 * many, 0 at the end, or an error; it may wait. */
int weir__os_copy_range(uv_file from, uv_file to, int64_t offset, size_t size);

/* Moves *offset to where the next data of a file begins, or leaves it, and sets
 * *end to where they end. UV_ENXIO: there is no more. Any other error: nothing
 * is known. */
int weir__os_find_data(uv_file file, int64_t *offset, int64_t *end);

void weir__os_close_file(uv_file file);

/* Whether fd is the program's standard input, output or error. */
int weir__os_is_standard(weir__fd_t fd);
int weir__os_set_nonblocking(weir__fd_t fd, int on);
void weir__os_close(weir__fd_t fd);

/* ---- Sockets ---- */

/* A stream socket, close-on-exec; family is AF_INET, AF_INET6 or AF_UNIX. */
int weir__os_socket(int family, int nonblocking, weir__fd_t *made);

/* Takes a connection of a listening socket, close-on-exec and non-blocking: 0,
 * UV_EAGAIN or an error; connections that were aborted are passed over. */
int weir__os_accept(weir__fd_t fd, weir__fd_t *client);

/* The bytes of an address, 0 if it is neither AF_INET nor AF_INET6. */
static inline unsigned weir__os_address_size(const struct sockaddr *addr) {
  if (addr->sa_family == AF_INET)
    return sizeof(struct sockaddr_in);
  if (addr->sa_family == AF_INET6)
    return sizeof(struct sockaddr_in6);
  return 0;
}

/* 0, or UV_ENOTSUP where sockets with names are no streams of libuv's. */
int weir__os_check_paths(void);

/* Makes a socket's name of len bytes, a path or an abstract one: 0, UV_EINVAL
 * (empty, a path with a 0 in it, an abstract one where there are none) or
 * UV_ENAMETOOLONG. */
int weir__os_set_path(weir__path_t *path, const char *name, size_t len);

/* Bind to an address, whose use by connections that are over does not matter,
 * or to a path; where its directory is missing, that is UV_EACCES, as libuv has
 * it for the sake of Windows. ipv6_only is for AF_INET6. */
int weir__os_bind(weir__fd_t fd, const struct sockaddr *addr, int ipv6_only);
int weir__os_bind_path(weir__fd_t fd, const weir__path_t *path);
void weir__os_unlink(const char *path);
int weir__os_listen(weir__fd_t fd, int backlog);

/* Connect a non-blocking socket. 0; UV_EALREADY: when fd can be written,
 * weir__os_error tells how it ended; or an error. To a path it happens at once,
 * or not: UV_EAGAIN if the backlog is full, for whose end there is no event. */
int weir__os_connect(weir__fd_t fd, const struct sockaddr *addr);
int weir__os_connect_path(weir__fd_t fd, const weir__path_t *path);

/* The error that the socket has kept, which is forgotten then, or 0. */
int weir__os_error(weir__fd_t fd);

int weir__os_shutdown(weir__fd_t fd);
int weir__os_sockname(weir__fd_t fd, struct sockaddr *addr, int *len);
int weir__os_peername(weir__fd_t fd, struct sockaddr *addr, int *len);

typedef enum weir__option_e {
  WEIR__OPTION_NODELAY,
  WEIR__OPTION_KEEPALIVE,
  WEIR__OPTION_KEEP_IDLE, /* seconds, as the next */
  WEIR__OPTION_KEEP_INTERVAL,
  WEIR__OPTION_KEEP_COUNT,
  WEIR__OPTION_CORK,
  WEIR__OPTION_FASTOPEN,
  WEIR__OPTION_FASTOPEN_CONNECT,
  WEIR__OPTION_REUSEPORT,
  WEIR__OPTION_SEND_BUFFER,
  WEIR__OPTION_RECV_BUFFER,
  WEIR__OPTION_TTL,
  WEIR__OPTION_TOS
} weir__option_t;

/* UV_ENOTSUP where the system has no such setting, for what is no socket, and,
 * but for the buffers, for a socket that is not TCP's. */
int weir__os_set_option(weir__fd_t fd, weir__option_t option, int value);
int weir__os_get_option(weir__fd_t fd, weir__option_t option, int *value);

/* ---- UNIX sockets ---- */

/* 0, or UV_ENOTSUP if fd is something else. */
int weir__os_check_unix(weir__fd_t fd);

typedef struct weir__cred_s {
  uv_pid_t pid; /* 0: it is not known */
  uv_uid_t uid;
  uv_gid_t gid;
} weir__cred_t;

int weir__os_peer_cred(weir__fd_t fd, weir__cred_t *cred);

/* As weir__os_write and weir__os_read, with descriptors. Of those that come no
 * more than room are put at fds, and *count is how many; *lost is 1 if there
 * were others, which are closed. */
int weir__os_send_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                      const uv_file *fds, unsigned count, size_t *n);
int weir__os_receive_fds(weir__fd_t fd, const uv_buf_t *bufs, unsigned nbufs,
                         uv_file *fds, unsigned room, unsigned *count,
                         int *lost, size_t *n);

/* Has the close of fd reset the connection. UV_ENOTSUP if it is not TCP's. */
int weir__os_reset_at_close(weir__fd_t fd);

/* Has in_child called in the child after each fork from now on: 0 or
 * UV_ENOMEM. */
int weir__os_at_fork(void (*in_child)(void));

/* A variable of the environment, which must not be changed, or NULL. There is
 * none for a program that has more rights than whoever started it. */
const char *weir__os_getenv(const char *name);

#endif
