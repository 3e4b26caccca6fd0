/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__BACKEND_H
#define WEIR__BACKEND_H

#include <weir/kind.h>

#include "loop.h"
#include "op.h"
#include "os.h"

/* The one boundary between the core and what makes system calls. Functions
 * that start something may return UV_EBUSY: no room now, the core asks again
 * in a later turn. */

/* Where a stream is to connect to: at the beginning of its own bytes, whatever
 * the backend, until the connect is over. */
static inline weir__peer_t *weir__peer(const weir_stream_t *stream) {
  return (weir__peer_t *)(uintptr_t)stream->own.bytes;
}

/* weir_stream_t.state */
enum {
  WEIR__MORE = 32768, /* others follow at once on what is being written */
  WEIR__HELD = 65536  /* so it was said, and the system may wait for them */
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

/* Sockets: what a kind of stream needs beyond weir_stream_kind_t. The core has
 * set stream->loop and cleared the rest before init, adopt or accept; these
 * set stream->kind to the backend's own. */
typedef struct weir__net_s {
  int (*init)(weir_stream_t *stream, uv_handle_type type);
  int (*open)(weir_stream_t *stream, uv_os_sock_t fd);
  int (*adopt)(weir_stream_t *stream, uv_stream_t *handle);
  /* Whether stream has adopted a handle that the application has closed, of
   * which nothing is watched any more then. */
  int (*lost)(weir_stream_t *stream);
  int (*bind)(weir_stream_t *stream, const struct sockaddr *addr,
              unsigned flags);
  int (*bind_path)(weir_stream_t *stream, const char *name);
  int (*listen)(weir_stream_t *stream, int backlog);

  /* Start connecting to weir__peer (an address for UV_TCP, a path for
   * UV_NAMED_PIPE). 0: connected. WEIR_PENDING: weir__connect_done will come.
   * UV_EBUSY or an error. */
  int (*connect)(weir_stream_t *stream);
  /* Start one accept. 0: client is a connected stream now. WEIR_PENDING:
   * weir__accept_done will come. UV_EBUSY or an error. client is the memory of
   * the stream to be; the backend calls weir__stream_prepare on it and sets it
   * up before it says so. */
  int (*accept)(weir_stream_t *listener, weir_stream_t *client);
  /* End the pending connect or accept: its _done comes all the same, perhaps
   * within this call. 0 or UV_EBUSY. */
  int (*cancel)(weir_stream_t *stream);
} weir__net_t;

typedef struct weir__backend_s {
  weir_backend_t id;
  const weir__net_t *net;

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
} weir__backend_t;

extern const weir__backend_t weir__backend_uv;
extern const weir__backend_t weir__backend_uring;

/* Upcalls of backends. They may be called whenever the loop's thread is not
 * inside one of the starting functions above. They queue callbacks and run
 * none: that is done in the prepare and check phases, by weir__loop_run. */
void weir__connect_done(weir_stream_t *stream, int status);
void weir__accept_done(weir_stream_t *listener, int status);
void weir__file_done(weir_op_t *op, int64_t result);

/* Runs a file operation at once, in whatever thread this is: its result, which
 * is UV_ESPIPE for an offset where there are no positions. */
int weir__file_run(weir_op_t *op);

/* The same for a read or write of what may have to wait for others, but without
 * waiting: UV_EAGAIN. */
int weir__file_try(weir_op_t *op);

/* Closes a handle that was adopted, unless the application has. */
void weir__adopted_close(uv_stream_t *handle);

/* Clears stream and sets its loop: the memory of a stream to be. */
void weir__stream_prepare(weir_loop_t *loop, weir_stream_t *stream);

/* Calls memory_add for every pool: what was registered is so no more. */
void weir__pools_renew(weir_loop_t *loop);

#endif
