/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A stream of bytes in both directions. The application provides the memory,
 * which has to stay where it is until the close callback.
 *
 * Rules that hold for every operation here:
 *
 * - 0 means accepted: the callback runs exactly once, later, from within
 *   uv_run. A negative result means refused: the callback never runs.
 * - n in the callback is exact. An error comes with 0 <= n < N, N being the
 *   bytes asked for: if all N moved, it is success, and the condition is
 *   delivered by the next operation. Only the end of weir_write_eof can fail
 *   with n = N.
 * - N = 0 succeeds with n = 0 and without a system call: a read also at the end
 *   of the stream, a write in its turn, and not after one that failed.
 * - The memory of a sequence is the kernel's until the callback. The array of
 *   segments may go when the call returns: it is copied, unless pinned with
 *   weir_seq_pinned.
 * - No operation allocates memory, but for a sequence of more than 4 unpinned
 *   segments, whose copy comes from blocks that the loop recycles; above 1024
 *   it comes from the heap and goes back there.
 * - The library's own I/O never raises SIGPIPE.
 *
 * Every initiating function may say UV_EINVAL (a NULL), UV_EBADF (the stream
 * is closing), UV_ENOTCONN (not connected, or a listener), UV_ECANCELED (the
 * loop's handles were closed by the application), UV_ESRCH (a child after a
 * fork, see weir_loop_fork), UV_ENOMEM, and the kernel's error where that
 * refuses a ring for good (weir/loop.h). Every callback may get UV_ECANCELED,
 * and whatever error the system has for the transfer, such as UV_ECONNRESET,
 * UV_EPIPE or UV_ETIMEDOUT. */

typedef struct weir_stream_kind_s weir_stream_kind_t;

/* Private: bytes of a stream that are its kind's. Two handles of libuv's, which
 * are larger on Windows, in whose place lies an address at other times; and
 * what else a kind keeps. */
#define WEIR_STREAM_PLACE(bytes) ((bytes) > 128 ? (bytes) : 128)
#define WEIR_STREAM_ROOM                                                       \
  (WEIR_STREAM_PLACE(sizeof(uv_poll_t)) +                                      \
   WEIR_STREAM_PLACE(sizeof(uv_check_t) + sizeof(void *)) + 48 +               \
   2 * sizeof(uv_os_fd_t))

/* Private: something to be told in a callback. */
typedef struct weir_news_s {
  weir_node_t node;
  void (*tell)(struct weir_news_s *news);
} weir_news_t;

/* Private: an object that is told what becomes of a stream, in its list. */
typedef struct weir_watch_s {
  struct weir_watch_s *next;
  struct weir_watch_s **link;
  const struct weir__watch_class_s *type;
} weir_watch_t;

/* Allocate streams by sizeof; it is part of the ABI and does not change. */
struct weir_stream_s {
  void *data; /* The application's; weir never touches it. */

  /* Private. What each transfer touches comes first. */
  weir_loop_t *loop;
  const weir_stream_kind_t *kind;
  weir_op_t *reader;
  int state;
  int wants;
  int read_status;
  int write_status;
  weir_node_t node;
  weir_node_t writes;
  size_t queued;
  size_t offered;
  unsigned writers;
  unsigned in_window;
  weir_watch_t *watch;
  void *impl;
  union {
    uint64_t align;
    unsigned char bytes[WEIR_STREAM_ROOM];
  } own;
  weir_node_t open;
  uint64_t due;
  weir_close_cb close_cb;
  int type; /* UV_TCP, UV_NAMED_PIPE, or 0 */
  struct weir__tallied_s *leases;
};

/* ---- Making a stream ---- */

/* Prepare a TCP or a UNIX-socket / named-pipe stream that is not connected.
 * Each initialised stream has to be closed with weir_close, whatever becomes
 * of it. Return 0, or UV_EINVAL, UV_ECANCELED.
 *
 * On Windows weir_pipe_init says UV_ENOTSUP: a named pipe does not tell how
 * much of a write that is cancelled went, which is promised here. What has a
 * socket of AF_UNIX there gives it to weir_tcp_open. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_init(weir_loop_t *loop,
                                            weir_stream_t *stream);
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_init(weir_loop_t *loop,
                                             weir_stream_t *stream);

/* As weir_tcp_init, and makes the socket, so that it can be set up before the
 * bind or the connect (weir/option.h): family is AF_INET or AF_INET6, that of
 * every address that it is given then, or AF_UNSPEC for no socket yet. Returns
 * in addition UV_EINVAL for another family, or an error of the system call, and
 * then there is no stream. */
WEIR_EXTERN WEIR_MUST_USE int
weir_tcp_init_ex(weir_loop_t *loop, weir_stream_t *stream, int family);

/* Give an initialised stream an open, connected socket (or, for a pipe, any
 * descriptor of bytes), which is weir's from then on and set to non-blocking,
 * for good and for all that share the open file, as the standard input of a
 * shell's children. It is closed with the stream, but for the program's
 * standard input, output and error, whose numbers nothing else is to get. On an
 * error it stays the caller's.
 *
 * So weir_pipe_open is also for what a program was started with, be it a pipe,
 * a file or a terminal. To have a terminal of one's own that is non-blocking
 * for nobody else, open /dev/tty. What else there is to terminals, raw mode and
 * the size of the window, a uv_tty_t beside the stream does, of which nothing
 * is read or written.
 *
 * Return 0; UV_EBUSY (the stream has one), UV_EINVAL (a NULL, a stream of the
 * other type, a listener), UV_EBADF (closing, or no descriptor), UV_ENOTSOCK
 * (for a TCP stream), UV_ECANCELED; or an error of the system call. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_open(weir_stream_t *stream,
                                            uv_os_sock_t socket);
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_open(weir_stream_t *stream,
                                             uv_file file);

/* Makes a stream of handle, a connected uv_tcp_t or uv_pipe_t of an existing
 * application, on the uv_loop_t that loop is attached to. stream needs no
 * other initialisation.
 *
 * While adopted, the application keeps off the handle's read, write and
 * shutdown calls; its own reading has to be stopped, its write queue empty.
 * The handle's memory stays the application's and has to live until the close
 * callback; handle->data is not touched. weir_close closes the handle too. The
 * handle does not keep uv_run going any more; operations do. The descriptor is
 * used as it is, without dup; on the libuv backend a uv_poll_t of weir's
 * watches it.
 *
 * If the application closes the handle all the same, outstanding operations end
 * with UV_ECANCELED before the turn is over, or in the next; later ones get
 * UV_EBADF. The stream has to be closed as ever. A prepare callback that runs
 * behind weir's (it was started before weir attached) must not close it: libuv
 * ends a program whose descriptor is closed right before it is watched.
 *
 * A handle that listens cannot be adopted, since libuv watches it until it is
 * closed. A TCP listener goes on as a stream of its own with a duplicate of its
 * descriptor, by weir_tcp_open and weir_listen; then the handle is closed. That
 * of a pipe removes its path then.
 *
 * Returns 0; or, changing nothing, UV_EINVAL (a NULL, another loop, a closing
 * handle, or a pipe that passes handles: a type that is not served), UV_EBUSY
 * (reading, or writes or a shutdown are queued; on Windows also a read that was
 * stopped, which the system has yet), UV_EALREADY (adopted, by this or another
 * weir loop), UV_ENOTCONN, UV_ECANCELED (the loop's handles were closed by the
 * application), UV_ENOTSUP (a pipe on Windows). */
WEIR_EXTERN WEIR_MUST_USE int
weir_adopt(weir_loop_t *loop, weir_stream_t *stream, uv_stream_t *handle);

/* Gives the handle of a stream that was made by weir_adopt back. Outstanding
 * operations get their callbacks first, as with weir_close: what n says has
 * moved, and nothing else. Then cb (may be NULL) runs, the stream is over, and
 * the application goes on with libuv's own calls on the handle, which is open,
 * keeps uv_run going if it did so before, and may be adopted again. What
 * weir_write_eof has ended stays ended, of which libuv does not know; an error
 * or an end of the stream that a read has told does not come again but from the
 * system.
 *
 * Returns 0; what weir_close may; or, changing nothing, UV_EINVAL (not
 * adopted), UV_EBADF (the application has closed the handle). */
WEIR_EXTERN int weir_release(weir_stream_t *stream, weir_close_cb cb);

/* ---- Servers ----
 *
 * Bind and listen act at once. They return 0; UV_EINVAL (a NULL, a stream of
 * the other type, a listener, one that is bound already), UV_EISCONN,
 * UV_EALREADY (connecting), UV_EBADF (closing), UV_ECANCELED; or an error of
 * the system call. */

/* Among the flags of a bind: weir_tcp_reuseport comes first. The value is that
 * of UV_TCP_REUSEPORT, which a libuv below 1.49 has not. */
#define WEIR_TCP_REUSEPORT 2u

/* Binds a TCP stream to an address (struct sockaddr_in or _in6, else
 * UV_EINVAL); flags is 0 or WEIR_TCP_REUSEPORT and, with the latter,
 * UV_TCP_IPV6ONLY. As with uv_tcp_bind, UV_EADDRINUSE may come from weir_listen
 * instead; UV_ENOTSUP if the system has no such flag. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_bind(weir_stream_t *stream,
                                            const struct sockaddr *addr,
                                            unsigned flags);

/* Binds a pipe to a path; the file is removed when the stream is closed. As
 * with uv_pipe_bind, a directory that is not there is UV_EACCES. UV_EINVAL when
 * the path is empty, UV_ENAMETOOLONG when it does not fit into a struct
 * sockaddr_un with its final 0 (on Linux: from 108 bytes on). */
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_bind(weir_stream_t *stream,
                                             const char *name);

/* The same with a name of len bytes. On Linux it may begin with a 0: then it is
 * an abstract one, for which there is no file, whose further bytes may be any,
 * 0 too, and all of which count. Else it is a path, with or without a final 0.
 * UV_EINVAL when it is empty or but a 0, or there is a 0 elsewhere in a path,
 * or the system knows no abstract names; UV_ENAMETOOLONG when it does not fit,
 * where an abstract one needs no final 0. */
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_bind2(weir_stream_t *stream,
                                              const char *name, size_t len);

/* Starts to listen on a bound stream, or on one that was opened with a bound
 * socket, such as a service manager hands over; backlog as in listen(2).
 * UV_EINVAL when it is not bound or listens already, UV_EINVAL or UV_EISCONN
 * when it is connected. */
WEIR_EXTERN WEIR_MUST_USE int weir_listen(weir_stream_t *stream, int backlog);

/* Takes the next connection of a listener into client, memory that is not
 * initialised and has to stay where it is until the callback; its data is kept.
 * Any number may be outstanding; they are served in order. In the callback n is
 * 0; with status 0 client is a connected stream, which has to be closed; with
 * any other it is not initialised. Connections that nobody asked for wait in
 * the listener's backlog. UV_EMFILE and UV_ENFILE come when there is a
 * connection, and leave it there: ask again when descriptors are free, not at
 * once. Returns 0, UV_EINVAL (a NULL, or not a listener), UV_EBADF (closing),
 * UV_ECANCELED. */
WEIR_EXTERN WEIR_MUST_USE int weir_accept(weir_op_t *op,
                                          weir_stream_t *listener,
                                          weir_stream_t *client, weir_op_cb cb);

/* ---- Clients ---- */

/* Connects a TCP stream to addr (struct sockaddr_in or _in6), a pipe to a
 * path; both are copied. The stream may be bound before, also to a path. In the
 * callback n is 0; UV_EAGAIN says that the backlog of a UNIX listener is full.
 * After an error or a cancellation the stream can only be closed. Return 0,
 * UV_EISCONN, UV_EALREADY (connecting, or that failed), UV_EINVAL (a NULL, no
 * such address, an empty path, a stream of the other type, a listener),
 * UV_ENAMETOOLONG (as weir_pipe_bind), UV_EBADF (closing), UV_ECANCELED. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_connect(weir_op_t *op,
                                               weir_stream_t *stream,
                                               const struct sockaddr *addr,
                                               weir_op_cb cb);
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_connect(weir_op_t *op,
                                                weir_stream_t *stream,
                                                const char *name,
                                                weir_op_cb cb);

/* The same with a name as of weir_pipe_bind2, and its errors. */
WEIR_EXTERN WEIR_MUST_USE int weir_pipe_connect2(weir_op_t *op,
                                                 weir_stream_t *stream,
                                                 const char *name, size_t len,
                                                 weir_op_cb cb);

/* ---- Reading ---- */

/* One read into the first up to 16 non-empty segments of into. Success means
 * 1 <= n <= N. The end of the stream is UV_EOF with n = 0, for this and every
 * later read; errors are not remembered. One read may be outstanding:
 * UV_EALREADY, until it has ended, which may be before its callback.
 *
 * A byte that the peer sent out of band (MSG_OOB) is left out, unless the
 * application has set SO_OOBINLINE; it may be taken from weir_fileno's
 * descriptor. */
WEIR_EXTERN WEIR_MUST_USE int weir_read_some(weir_op_t *op,
                                             weir_stream_t *stream,
                                             weir_mseq_t into, weir_op_cb cb);

/* When a weir_read is finished. Made by the functions below, copied freely. */
typedef size_t (*weir_cond_fn)(void *arg, size_t n);
typedef struct weir_cond_s {
  int how;    /* private */
  size_t k;   /* private */
  size_t cap; /* most bytes asked for in one call; 0: no limit of weir's own */
  weir_cond_fn fn;
  void *arg;
} weir_cond_t;

/* When all of the sequence is full. */
WEIR_EXTERN weir_cond_t weir_all(void);

/* When at least k bytes have come; what comes with them is taken as far as it
 * fits. */
WEIR_EXTERN weir_cond_t weir_at_least(size_t k);

/* When exactly k bytes have come; no more are asked for. */
WEIR_EXTERN weir_cond_t weir_exactly(size_t k);

/* When fn says so. It is called before each transfer with the bytes that have
 * come so far, 0 at first, and returns how many to ask for at most in the next
 * one (SIZE_MAX: no limit), 0 when the read is finished. It is not asked about
 * a sequence that is full, or was empty: the read is finished then. It runs
 * within uv_run and must not call weir, nor fork. */
WEIR_EXTERN weir_cond_t weir_when(weir_cond_fn fn, void *arg);

/* Reads into into, in as many transfers as it takes, until cond is met or into
 * is full. n counts all bytes, on error, cancellation and UV_EOF too; the end
 * of the stream before cond is met is UV_EOF. A k of 0 succeeds without any
 * I/O. Set cond.cap to bound the bytes of each transfer.
 *
 * Returns as weir_read_some, and UV_EINVAL, before any I/O, if k is more than
 * into has room for, fn is NULL, or cond was made by none of these. */
WEIR_EXTERN WEIR_MUST_USE int weir_read(weir_op_t *op, weir_stream_t *stream,
                                        weir_mseq_t into, weir_cond_t cond,
                                        weir_op_cb cb);

/* One read as of weir_read_some, at once, without waiting and without a
 * callback. Returns 0 with *n set (0 only for N = 0), UV_EAGAIN when nothing is
 * there (or the kind of stream cannot tell), UV_EOF, UV_EALREADY while a read
 * is outstanding, or another error; then *n is 0. The memory is the caller's
 * again when it returns. */
WEIR_EXTERN WEIR_MUST_USE int weir_read_now(weir_stream_t *stream,
                                            weir_mseq_t into, size_t *n);

/* ---- Writing ---- */

/* Complete write: the callback comes when all N bytes have been taken by the
 * system, or with an error. Any number may be outstanding. They leave in the
 * order of the calls, and adjacent ones are gathered into one system call of
 * up to 16 segments, refilled from the queue after each short write.
 *
 * After a write failed, what was queued behind it fails with the same error
 * and n = 0, since its bytes must not follow a hole, and so does every later
 * write. One that was cancelled has not failed. Reading goes on in any case. */
WEIR_EXTERN WEIR_MUST_USE int weir_write(weir_op_t *op, weir_stream_t *stream,
                                         weir_seq_t from, weir_op_cb cb);

/* One write of the first up to 16 non-empty segments of from: success means
 * 1 <= n <= N. It takes its place in the queue of writes and is gathered with
 * none. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_some(weir_op_t *op,
                                              weir_stream_t *stream,
                                              weir_seq_t from, weir_op_cb cb);

/* Writes from the front of from until at least k bytes have been taken, and
 * gives control back: n >= k says how many. Between weir_write_some (k = 1) and
 * weir_write (k = N); takes its place in the queue as weir_write_some does. A k
 * of 0 succeeds without any I/O. Returns UV_EINVAL if k is more than from
 * holds.
 */
WEIR_EXTERN WEIR_MUST_USE int weir_write_at_least(weir_op_t *op,
                                                  weir_stream_t *stream,
                                                  weir_seq_t from, size_t k,
                                                  weir_op_cb cb);

/* As weir_write, but tries at once if nothing is queued. Returns
 *
 * 0             all N bytes were taken now; *n is N; no callback.
 * WEIR_PENDING  the rest is queued; the callback comes later, and its n counts
 *               all bytes, those that went now too.
 * negative      refused or failed; *n tells exactly how much went before it; no
 *               callback. What failed counts as a failed write: every later
 *               one gets the same error.
 *
 * *n is set in every case. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_now(weir_op_t *op,
                                             weir_stream_t *stream,
                                             weir_seq_t from, size_t *n,
                                             weir_op_cb cb);

/* As much from the front of from as goes now, which may be many windows;
 * nothing is queued. Returns 0 with 1 <= *n <= N; UV_EAGAIN with *n = 0 when
 * nothing goes now, a write is outstanding that it must not overtake, or the
 * kind of stream cannot tell; or an error as of weir_write_now. The memory is
 * the caller's again when it returns. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_try(weir_stream_t *stream,
                                             weir_seq_t from, size_t *n);

/* As weir_write, then ends this side of the stream: the peer reads the bytes
 * and then the end of the stream. from may be empty. If the bytes fail, the
 * stream is not ended; if they went and the end cannot follow (UV_ENOTCONN
 * after a reset, UV_ENOTSOCK on a pipe that is no socket, which can only be
 * closed), the error comes with n = N. Every later write, and a second end, is
 * refused with UV_EPIPE from this call on; only if this one is cancelled before
 * the end was sent may there be more. */
WEIR_EXTERN WEIR_MUST_USE int weir_write_eof(weir_op_t *op,
                                             weir_stream_t *stream,
                                             weir_seq_t from, weir_op_cb cb);

/* Bytes of accepted writes that the system has not taken yet. */
WEIR_EXTERN size_t weir_stream_queued(const weir_stream_t *stream);

/* ---- The end ---- */

/* Ends the stream: outstanding operations get their callbacks first, with
 * UV_ECANCELED and exact counts, or success if they were done; then the
 * descriptor is closed and cb (may be NULL) runs. All of it later, from within
 * uv_run. Bytes that were queued and not sent are dropped. Returns 0,
 * UV_EINVAL, UV_EALREADY (closing); or UV_ENOMEM, and is not closed, which only
 * happens when the application has closed the loop's handles. */
WEIR_EXTERN int weir_close(weir_stream_t *stream, weir_close_cb cb);

/* As weir_close, but the peer sees a reset and not the end of the stream, as
 * with uv_tcp_close_reset. For a transfer that broke off: an end would make
 * what has arrived look whole. Bytes that the system has taken and not yet
 * delivered are dropped, too.
 *
 * Unlike libuv's, it may follow weir_write_eof. If the peer has seen that end,
 * it goes on reading an end, and only its writes fail.
 *
 * Returns 0; what weir_close may; or, with the stream as it was, to be closed
 * with weir_close: UV_ENOTCONN (not connected, or a listener), UV_ENOTSUP (a
 * UNIX socket, a pipe or another descriptor that is not TCP's, or a kind
 * without one), UV_EBADF (the application closed the handle). */
WEIR_EXTERN int weir_close_reset(weir_stream_t *stream, weir_close_cb cb);

/* Closes the stream when what is queued has gone, or after ms milliseconds.
 * Until then it is not closing: reads go on, and may begin. But its writing
 * side ends at once, as after weir_write_eof: every later write is refused with
 * UV_EPIPE. When all has gone, and the end after it, or writing has failed,
 * weir_close follows; reads that are outstanding then end as it says. What has
 * not gone after ms is dropped, and the callbacks of those writes tell how much
 * went: they get UV_ETIMEDOUT and an exact n. A stream that is not connected
 * closes at once. weir_close or weir_close_reset may be called meanwhile: the
 * stream closes then, and their cb runs in place of this one.
 *
 * What the system has taken is delivered after the close; but where the peer
 * has sent what nobody read, the system may send a reset that overtakes it. Who
 * has to be sure reads to the end of the stream before.
 *
 * Returns 0, UV_EINVAL, UV_EALREADY (closing, or closing after a time), or
 * UV_ENOMEM, and nothing has changed: it takes a little memory, which is given
 * back when the stream closes. */
WEIR_EXTERN int weir_close_after(weir_stream_t *stream, uint64_t ms,
                                 weir_close_cb cb);

/* Whether the stream is closing, after weir_close or weir_close_reset: 1 or
 * 0. */
WEIR_EXTERN int weir_is_closing(const weir_stream_t *stream);

/* ---- Facts and settings ---- */

/* As uv_tcp_getsockname and uv_tcp_getpeername; for a pipe the address is a
 * struct sockaddr_un. *len is the room at addr, and is set to the size of the
 * address, of which no more is written than there is room for. Return 0,
 * UV_EINVAL (a NULL, a negative *len), UV_EBADF (no descriptor), UV_ENOTSUP
 * (not a socket), or an error of the system call. */
WEIR_EXTERN WEIR_MUST_USE int weir_getsockname(const weir_stream_t *stream,
                                               struct sockaddr *addr, int *len);
WEIR_EXTERN WEIR_MUST_USE int weir_getpeername(const weir_stream_t *stream,
                                               struct sockaddr *addr, int *len);

/* Sets TCP_NODELAY: on is 1 or 0. For this and other settings, and their
 * errors, see weir/option.h. */
WEIR_EXTERN WEIR_MUST_USE int weir_tcp_nodelay(weir_stream_t *stream, int on);

/* The descriptor under the stream, which stays the stream's. Whether it is set
 * to non-blocking depends on the backend and on how it was made. Returns 0,
 * UV_EINVAL (a NULL), UV_EBADF without one, UV_ENOTSUP for a kind that has
 * none. */
WEIR_EXTERN WEIR_MUST_USE int weir_fileno(const weir_stream_t *stream,
                                          uv_os_fd_t *fd);

/* The loop of the stream. */
WEIR_EXTERN weir_loop_t *weir_stream_loop(const weir_stream_t *stream);

#ifdef __cplusplus
}
#endif
#endif
