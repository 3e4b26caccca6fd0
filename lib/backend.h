/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__BACKEND_H
#define WEIR__BACKEND_H

#include <weir/kind.h>
#include <weir/pool.h>

#include "loop.h"
#include "op.h"
#include "os.h"
#include "os_handle.h"
#include "settle.h"

/* The one boundary between the core and what makes system calls. Functions
 * that start something may return UV_EBUSY: no room now, the core asks again
 * in a later turn. */

/* ---- Kinds of streams ---- */

/* Called with 0 when a descriptor is ready, else with why that was not waited
 * for any longer. */
typedef void (*weir__ready_cb)(weir_stream_t *stream, int status);

enum { WEIR__OWN_MORE = 24 };

/* What the library's own kinds of streams have in common, at the beginning of
 * stream->own: a descriptor. stream->impl is the application's handle whose it
 * is, or NULL. */
typedef struct weir__own_s {
  weir__fd_t fd; /* -1: none */
  unsigned flags;
  union {
    uint64_t align;
    unsigned char bytes[WEIR__OWN_MORE];
  } more; /* the kind's own: beside what each transfer touches */

  /* For uv_poll.c: who waits for either direction; and what the application
   * waits for. */
  weir__ready_cb read_ready;
  weir__ready_cb write_ready;
  weir_op_t *waits;

  union {
    weir__peer_t peer; /* where to connect to */
    uv_poll_t poll;    /* when it is connected or listens */
  } u;
  union {
    weir__peer_t bound;    /* the path that it is bound to */
    weir__settle_t settle; /* while it closes */
  } ends;
} weir__own_t;

enum {
  WEIR__OWN_SOCKET = 1,  /* the descriptor is a socket's */
  WEIR__OWN_STAYS = 2,   /* it is not closed: it is a standard one */
  WEIR__OWN_BOUND = 4,   /* the path is to be removed */
  WEIR__OWN_POLL = 8,    /* the poll handle is initialised */
  WEIR__OWN_REFFED = 16, /* the adopted handle kept its loop running */
  WEIR__OWN_REST = 32,   /* from here on they are the kind's */
  WEIR__OWN_WATCHED = 30 /* and from this bit on what uv_poll.c watches */
};

/* A wait for readiness, in its op. */
typedef struct weir__wait_s {
  weir_op_t *next;      /* in weir__own_t.waits */
  uint64_t tag;         /* the backend's */
  unsigned char events; /* WEIR_READABLE, WEIR_WRITABLE */
  unsigned char ready;
  unsigned char polled; /* uv_poll.c waits */
} weir__wait_t;

static inline weir__wait_t *weir__wait_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

static inline weir__own_t *weir__own(const weir_stream_t *stream) {
  return (weir__own_t *)(uintptr_t)stream->own.bytes;
}

/* The descriptor; negative: UV_EBADF. An application may close the handle that
 * it gave away, and the number may come again. */
static inline weir__fd_t weir__own_fd(const weir_stream_t *stream) {
  const weir__own_t *own = weir__own(stream);
  if (own->fd < 0 ||
      (stream->impl != NULL && !weir__os_handle_lends(stream->impl, stream)))
    return UV_EBADF;
  return own->fd;
}

/* weir_stream_t.state */
enum {
  WEIR__MORE = 32768, /* others follow at once on what is being written */
  WEIR__HELD = 65536, /* so it was said, and the system may wait for them */
  WEIR__UNHURRIED = 1 << 22 /* no write_now for what may as well wait */
};

/* For a kind whose system makes use of it, when it writes: whether the core has
 * more of the stream to be written at once, so that all may leave together. If
 * that comes to nothing, the core calls weir__os_push. */
static inline int weir__more_follows(weir_stream_t *stream) {
  if ((stream->state & WEIR__MORE) == 0)
    return 0;
  stream->state |= WEIR__HELD;
  return 1;
}

/* Buffers of a pool that are with the system, which chooses from them when
 * something has come. */
typedef struct weir__lent_s {
  void *table; /* the backend's; NULL: there is none */
  int group;
  unsigned mask;
  unsigned tail;
} weir__lent_t;

typedef void (*weir__lent_cb)(void *arg, uint32_t number);

/* A kind of the library's own: what else it does for its sockets. They are
 * made, bound and closed by the core, and connected to a path. */
typedef struct weir__kind_s {
  weir_stream_kind_t base;

  int nonblocking; /* whether its sockets are to be so */

  /* Wait until there is something to read. 0: there may be, which is no answer
   * for who is to know if that can be known. WEIR_PENDING:
   * weir_stream_read_done with UV_EAGAIN will come. UV_EBUSY or an error. */
  int (*await)(weir_stream_t *stream, int know);
  /* Start to read at most size bytes into one of the buffers lent.
   * WEIR_PENDING: weir_stream_read_done will come, with bytes after
   * weir__lease_chosen, with UV_EAGAIN when no buffer was left. UV_EBUSY or an
   * error. May be NULL. */
  int (*choose)(weir_stream_t *stream, const weir__lent_t *lent, size_t size);
  /* Wait until something can be written: WEIR_PENDING, and
   * weir_stream_write_done with UV_EAGAIN will come. UV_EBUSY or an error. */
  int (*await_write)(weir_stream_t *stream);
  /* Start connecting to the address that is the peer. 0: connected.
   * WEIR_PENDING: weir__connect_done will come. UV_EBUSY or an error. */
  int (*connect)(weir_stream_t *stream);
  /* Start one accept. 0: *fd is a connection. WEIR_PENDING: weir__accept_done
   * will come. UV_EBUSY or an error. */
  int (*accept)(weir_stream_t *listener, weir__fd_t *fd);
  /* End the pending connect or accept: its _done comes all the same, perhaps
   * within this call. 0 or UV_EBUSY. */
  int (*cancel)(weir_stream_t *stream);
  /* Start the wait that op is: WEIR_PENDING, and weir__wait_done will come.
   * UV_EBUSY or an error: UV_EPERM for what is always ready. */
  int (*wait)(weir_stream_t *stream, weir_op_t *op);
  /* End it: weir__wait_done comes all the same, perhaps within this call. 0 or
   * UV_EBUSY. */
  int (*unwait)(weir_stream_t *stream, weir_op_t *op);
  /* As weir_tcp_zerocopy, for TCP, and the least that is in force. May be
   * NULL: UV_ENOTSUP. */
  int (*zerocopy)(weir_stream_t *stream, size_t least, unsigned flags);
  size_t (*zerocopied)(const weir_stream_t *stream);
  /* Watch nothing any more: the descriptor is closed, and its number may come
   * again. */
  void (*unwatch)(weir_stream_t *stream);
} weir__kind_t;

/* ---- Backends ---- */

typedef struct weir__backend_s {
  weir_backend_t id;
  const weir__kind_t *sockets; /* the kind of its sockets */
  const weir__kind_t *others;  /* of descriptors that are none; or the same */

  /* Sets loop->impl, and loop->wait with loop->wait_why. On an error sets
   * loop->fallback_why and leaves nothing behind. */
  int (*attach)(weir_loop_t *loop, const weir_loop_options_t *options);
  /* Nothing is in flight. Closes the uv handles that it owns, and lets go of
   * all but their memory; that it frees in release, when they are gone. */
  void (*detach)(weir_loop_t *loop);
  void (*release)(weir_loop_t *loop);
  /* The last thing in the prepare phase: submit, perhaps sleep, reap. It calls
   * weir__loop_no_sleep if libuv's poll has to return at once. */
  void (*turn)(weir_loop_t *loop);
  /* After the poll phase: reap, start and submit what was queued in it. */
  void (*check)(weir_loop_t *loop);
  int (*owns)(const weir_loop_t *loop, const uv_handle_t *handle);
  /* The application closed our handles: give up whatever is in flight. For
   * each pending transfer the backend calls its _done function, mostly with
   * UV_ECANCELED. May wait for the kernel. After it no completion may come any
   * more but that of a file operation which a thread of libuv's pool is at: the
   * thread is not waited for. */
  void (*abandon)(weir_loop_t *loop);

  /* The loop is run by another thread from now on. Where nothing can go on
   * there, ends everything with the error and calls weir__loop_fail. */
  void (*move)(weir_loop_t *loop);
  /* This is a child after a fork: nothing that the parent shares with it is
   * touched from now on. Called once, perhaps in the midst of another function
   * of the backend: those do nothing until renew. */
  void (*lose)(weir_loop_t *loop);
  /* Ends with UV_ECANCELED what the parent had begun, and has the backend work
   * in this process. 0, or the error with which weir__loop_fail was called. */
  int (*renew)(weir_loop_t *loop);

  /* Starts op, whose file fields are set: 0 (weir__file_done will come),
   * UV_EBUSY or an error. Without WEIR__LOOP_STARTING this is the call in which
   * op begins: what would take a system call is UV_EBUSY. */
  int (*file_start)(weir_loop_t *loop, weir_op_t *op);
  /* Asks a started op to end early: weir__file_done comes, perhaps within this
   * call. What the kernel has not seen ends with UV_ECANCELED. 0 or
   * UV_EBUSY. */
  int (*file_cancel)(weir_loop_t *loop, weir_op_t *op);

  /* Registers memory for fixed operations: an index >= 0 or an error. */
  int (*memory_add)(weir_loop_t *loop, void *base, size_t len);
  void (*memory_remove)(weir_loop_t *loop, int index);

  /* Makes ready to lend up to count buffers: 0 or an error. The end of that;
   * what was lent is the pool's again. */
  int (*lend_begin)(weir_loop_t *loop, weir__lent_t *lent, size_t count);
  void (*lend_end)(weir_loop_t *loop, weir__lent_t *lent);
  /* Lends a buffer: whether it was taken. Has those back that were not used;
   * of all others weir__lease_chosen will tell. */
  int (*lend)(weir__lent_t *lent, const uv_buf_t *buf, uint32_t number);
  void (*recall)(weir_loop_t *loop, weir__lent_t *lent, weir__lent_cb back,
                 void *arg);
} weir__backend_t;

extern const weir__backend_t weir__backend_uv;
extern const weir__backend_t weir__backend_uring;

/* The kind of a stream if it is one of the library's own, else NULL. */
static inline const weir__kind_t *weir__kind(const weir_stream_t *stream) {
  const weir__backend_t *backend = stream->loop->backend;
  if (stream->kind == &backend->sockets->base)
    return backend->sockets;
  return stream->kind == &backend->others->base ? backend->others : NULL;
}

/* Upcalls of backends. They may be called whenever the loop's thread is not
 * inside one of the starting functions above. They queue callbacks and run
 * none: that is done in the prepare and check phases, by weir__loop_run. */
void weir__connect_done(weir_stream_t *stream, int status);
void weir__accept_done(weir_stream_t *listener, int status, weir__fd_t fd);
void weir__wait_done(weir_op_t *op, int status, int events);
void weir__file_done(weir_op_t *op, int64_t result);

/* The same of a write with WEIR__OP_SYNCED that was carried out together with
 * the sync: all that was left of it has gone, and result is the sync's. That it
 * was not carried out is one, too: UV_ECANCELED, UV_EINTR. */
void weir__file_synced(weir_op_t *op, int result);
void weir__lease_chosen(weir_stream_t *stream, uint32_t number);

/* Runs a file operation at once, in whatever thread this is: its result, which
 * is UV_ESPIPE for an offset where there are no positions. The flags of a
 * transfer are those of its arguments. */
int weir__file_run(weir_op_t *op);

/* The same for a read or write of what may have to wait for others, but without
 * waiting: UV_EAGAIN. */
int weir__file_try(weir_op_t *op);

/* A read or write of the descriptor of a stream of the library's own, without
 * waiting. */
static inline int weir__own_read(weir_stream_t *stream, const uv_buf_t *bufs,
                                 unsigned nbufs, size_t *n) {
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls++;
  return weir__os_read(fd, weir__own(stream)->flags & WEIR__OWN_SOCKET, bufs,
                       nbufs, n);
}

static inline int weir__own_write(weir_stream_t *stream, const uv_buf_t *bufs,
                                  unsigned nbufs, size_t *n) {
  weir__fd_t fd = weir__own_fd(stream);
  if (fd < 0)
    return (int)fd;
  stream->loop->stats.syscalls++;
  return weir__os_write(fd, weir__own(stream)->flags & WEIR__OWN_SOCKET,
                        weir__more_follows(stream), bufs, nbufs, n);
}

/* For system calls that know no way not to wait: sockets of a kind that says it
 * of each transfer may block otherwise. UV_ENOTSUP for other kinds. */
int weir__own_set_nonblocking(const weir_stream_t *stream);

/* Functions of the library's own kinds. The close unwatches, closes the
 * descriptor or the handle that was adopted, and calls weir_stream_close_done
 * when libuv is done with all handles. */
void weir__own_close(weir_stream_t *stream);
int weir__own_fileno(const weir_stream_t *stream, uv_os_fd_t *fd);
int weir__own_shutdown(weir_stream_t *stream);

/* Ends the operations on streams whose adopted handle the application has
 * closed, and has nothing watched of them any more. */
void weir__adopted_check(weir_loop_t *loop);

/* The same for those that were closed just now, of all loops on uv: libuv is
 * not to watch their descriptors, nor the kernel to be given them. */
void weir__adopted_closed(const uv_loop_t *uv);

/* Calls memory_add for every pool: what was registered is so no more. */
void weir__pools_renew(weir_loop_t *loop);

/* Whether a segment begins in a pool of loop. */
int weir__pools_touch(weir_loop_t *loop, const uv_buf_t *bufs, unsigned nbufs);

/* Keeps the buffer in which all of buf lies from being used anew, whoever
 * releases it: its pool, or NULL if there is none. And no more. */
weir_pool_t *weir__pool_hold(weir_loop_t *loop, const uv_buf_t *buf);
void weir__pool_unhold(weir_pool_t *pool, const uv_buf_t *buf);

/* Destroys all pools, whatever is acquired. */
void weir__pools_drop(weir_loop_t *loop);

#endif
