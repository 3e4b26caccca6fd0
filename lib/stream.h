/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__STREAM_H
#define WEIR__STREAM_H

#include "backend.h"
#include "queue.h"

/* weir_stream_t.state */
enum {
  WEIR__CONNECTED = 1,
  WEIR__LISTENING = 2,
  WEIR__CONNECTING = 4,  /* or the attempt has failed */
  WEIR__CLOSING = 8,     /* weir_close was called */
  WEIR__ENDED = 16,      /* weir_write_eof was accepted */
  WEIR__READ_BUSY = 32,  /* a read is with the kind */
  WEIR__WRITE_BUSY = 64, /* a write or the shutdown is */
  WEIR__SHUT_BUSY = 128, /* it is the shutdown */
  WEIR__NET_BUSY = 256,  /* a connect or an accept is with the backend */
  WEIR__CLOSE_BUSY = 512,
  WEIR__SHORT = 1024,    /* the last window was taken in part */
  WEIR__QUEUED = 2048,   /* waits to be started, or is being started */
  WEIR__DEFERRED = 4096, /* waits for a while, since there was no room */
  WEIR__ADOPTED = 8192,  /* the handle is the application's */
  WEIR__LOST = 16384,    /* which has closed it */
  /* 32768 and 65536 are in backend.h. */
  WEIR__PUSHED = 131072, /* a window went from within the call that filled it */
  WEIR__LINGERS = 262144,    /* it closes after what is queued */
  WEIR__WAITS = 524288,      /* somebody waits for readiness */
  WEIR__WRITES_BY = 1 << 20, /* a write had its first window taken by itself */
  WEIR__RELEASED = 1 << 21   /* the handle is given back, not closed */
  /* 1 << 22 is in backend.h. */
};

/* weir_stream_t.wants: what the next flush is to do. */
enum {
  WEIR__WANT_READ = 1,
  WEIR__WANT_WRITE = 2,
  WEIR__WANT_CONNECT = 4,
  WEIR__WANT_ACCEPT = 8,
  WEIR__WANT_CANCEL_READ = 16,
  WEIR__WANT_CANCEL_WRITE = 32,
  WEIR__WANT_CANCEL_NET = 64,
  WEIR__WANT_CLOSE = 128u,
  WEIR__WANT_WAIT = 256
};

static inline weir_stream_t *weir__stream_of(const weir_node_t *node) {
  return (weir_stream_t *)((uintptr_t)node - offsetof(weir_stream_t, node));
}

/* Clears stream and sets its loop: the memory of a stream to be. */
void weir__stream_prepare(weir_loop_t *loop, weir_stream_t *stream);

/* Gives a stream that was prepared a descriptor (-1: none yet), and makes it of
 * the kind that the backend has for such. */
void weir__own_init(weir_stream_t *stream, weir__fd_t fd, int is_socket);

/* Takes the descriptor of one that is in no transfer, which has none then. */
weir__fd_t weir__own_give(weir_stream_t *stream);

/* As weir_fileno, for calls of the library's own. */
int weir__stream_fd(const weir_stream_t *stream, weir__fd_t *fd);

/* Puts a stream that is not yet among those that the next flush starts. */
void weir__stream_queue(weir_stream_t *stream, int wants);

/* The same for one that was not refused, while somebody will look. */
static inline void weir__stream_push_start(weir_stream_t *stream, int wants) {
  stream->wants |= wants;
  stream->state |= WEIR__QUEUED;
  weir__queue_push(&stream->loop->start, &stream->node);
}

/* Has the next flush do that, too. */
static inline void weir__stream_want(weir_stream_t *stream, int wants) {
  if ((stream->state & WEIR__QUEUED) != 0)
    stream->wants |= wants;
  else
    weir__stream_queue(stream, wants);
}

/* Whether the kind can be asked in the call of the program: what one asks for
 * while it is asked itself waits, so that nothing recurses. */
static inline int weir__stream_may_ask(const weir_stream_t *stream) {
  const int not_now = WEIR__LOOP_STARTING | WEIR__LOOP_BEGINNING;
  return (stream->loop->flags & not_now) == 0 && weir__loop_mine(stream->loop);
}

/* After what a stream that counts as queued wanted was asked for: goes on with
 * what it wants by now, but for what was refused for want of room. Not 0 if
 * that is all. */
int weir__stream_go_on(weir_stream_t *stream, int refused);

static inline int weir__stream_settle(weir_stream_t *stream, int refused) {
  stream->state &= ~WEIR__QUEUED;
  return stream->wants == 0 ? 0 : weir__stream_go_on(stream, refused);
}

/* Asks for the end of a read that is with the kind, in this call if that can
 * be: what has only just begun is not to be submitted then. */
void weir__stream_cancel_read(weir_stream_t *stream);

/* Has it done after a pause. */
void weir__stream_want_later(weir_stream_t *stream, int wants);

/* Whether that is no answer of a kind, but asks for another call. */
static inline int weir__asks_again(int status) {
  return status == UV_EAGAIN || status == UV_EBUSY;
}

/* Has it done once more, after that answer or none: after UV_EBUSY with a
 * pause. */
static inline void weir__stream_want_again(weir_stream_t *stream, int wants,
                                           int status) {
  if (status == UV_EBUSY)
    weir__stream_want_later(stream, wants);
  else
    weir__stream_want(stream, wants);
}

/* What was to follow on what was written does not: has the system not wait for
 * it any more. */
void weir__stream_push(weir_stream_t *stream);

/* Puts a stream that is ready for use into the loop's list. */
void weir__stream_open(weir_stream_t *stream);

/* As weir__op_is_simple, and the stream may transfer, and is in none of the
 * states of `bars`. */
static inline int weir__stream_ready(const weir_stream_t *stream, int bars,
                                     const weir_seq_t *seq) {
  const int states = WEIR__CONNECTED | WEIR__CLOSING | bars;
  return (stream->state & states) == WEIR__CONNECTED &&
         weir__op_is_simple(stream->loop, seq);
}

/* 0 if the stream is not being closed, and its loop takes something; else why
 * not. */
static inline int weir__stream_check(const weir_stream_t *stream) {
  return (stream->state & WEIR__CLOSING) != 0 ? UV_EBADF
                                              : weir__loop_check(stream->loop);
}

/* 0 if the stream can transfer, else why not. */
static inline int weir__stream_usable(const weir_stream_t *stream) {
  int r = weir__stream_check(stream);
  return r == 0 && (stream->state & WEIR__CONNECTED) == 0 ? UV_ENOTCONN : r;
}

/* After a busy flag was cleared: goes on closing if that is what it waits
 * for. */
static inline void weir__stream_idle(weir_stream_t *stream) {
  const int busy = WEIR__READ_BUSY | WEIR__WRITE_BUSY | WEIR__NET_BUSY |
                   WEIR__CLOSE_BUSY | WEIR__WAITS;
  if ((stream->state & WEIR__CLOSING) != 0 && (stream->state & busy) == 0)
    weir__stream_want(stream, WEIR__WANT_CLOSE);
}

/* The queue `writes` holds the writes of a connected stream, the connect of one
 * that is not, and the accepts of a listener: its first, the one behind op, or
 * NULL. */
static inline weir_op_t *weir__write_head(const weir_stream_t *stream) {
  const weir_node_t *node = stream->writes.next;
  return node == &stream->writes ? NULL : weir__op_of(node);
}

static inline weir_op_t *weir__write_next(const weir_stream_t *stream,
                                          const weir_op_t *op) {
  const weir_node_t *node = op->node.next;
  return node == &stream->writes ? NULL : weir__op_of(node);
}

/* The parts of what a stream starts, one for each direction. */
int weir__read_start(weir_stream_t *stream);
int weir__write_start(weir_stream_t *stream);
int weir__connect_start(weir_stream_t *stream);
int weir__accept_start(weir_stream_t *stream);
int weir__wait_start(weir_stream_t *stream);

/* The same for the cancellation of what the kind is busy with. */
int weir__cancel_read_start(weir_stream_t *stream);
int weir__cancel_write_start(weir_stream_t *stream);
int weir__cancel_net_start(weir_stream_t *stream);

/* ---- Writes of their own ---- */

/* A kind's write_some, or what takes its place. */
typedef int (*weir__write_fn)(weir_stream_t *stream, const uv_buf_t *bufs,
                              unsigned nbufs, size_t *n);

/* At the beginning of such an op's scratch; what follows is its own. */
typedef struct weir__write_by_s {
  weir__write_fn first;
} weir__write_by_t;

/* A write that `need` bytes finish (SIZE_MAX: all), not gathered, and until a
 * byte has gone its windows, none of them empty, are handed to `first` in place
 * of the kind. The op is the first of the stream then. Nothing of it begins
 * within this call. */
int weir__write_by(weir_op_t *op, weir_stream_t *stream, const weir_seq_t *from,
                   size_t need, weir__write_fn first, weir_op_cb cb);

/* A write of len bytes that are not in memory, of which `each`, without a
 * window, is to move stream->offered at most; it may make that less. Where its
 * bytes are not at hand it parks the op and returns WEIR_PENDING: the stream
 * writes nothing until weir__write_unpark, and if it is to end before, `leave`
 * is to have that come soon. What ends the write alone, and not all that is
 * behind it, is its op's status, set before UV_EAGAIN is returned. */
enum { WEIR__OUTSIDE_MOST = 512 << 10 };
typedef struct weir__write_outside_s {
  weir__write_by_t by;
  void (*leave)(weir_op_t *op);
} weir__write_outside_t;
int weir__write_outside(weir_op_t *op, weir_stream_t *stream, size_t len,
                        weir__write_fn each, weir_op_cb cb);
void weir__write_unpark(weir_op_t *op);

/* ---- Sockets in ways of their own ---- */

/* 0 if stream is one for TCP that has neither a role nor a socket. */
int weir__socket_check_fresh(const weir_stream_t *stream);

/* Makes op the connect of stream, which weir__connect_done ends. The backend
 * knows nothing of it. */
void weir__connect_enter(weir_op_t *op, weir_stream_t *stream,
                         const weir__op_class_t *type, weir_op_cb cb);

/* Closes the socket of a stream that has no role yet: it may get another. */
void weir__socket_drop(weir_stream_t *stream);

/* ---- The end ---- */

/* Ends all operations of stream, as far as the backend is not busy with them;
 * asks for the end of the others. */
void weir__stream_cancel_all(weir_stream_t *stream);

/* The writes are late: they end so with UV_ETIMEDOUT, and writing has
 * failed. */
void weir__stream_writes_late(weir_stream_t *stream);

/* As weir_write_eof, but when the end was begun already op waits for that: it
 * is over when nothing is queued before it any more. */
int weir__write_last(weir_op_t *op, weir_stream_t *stream, weir_op_cb cb);

#endif
