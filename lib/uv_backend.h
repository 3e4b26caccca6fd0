/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__UV_BACKEND_H
#define WEIR__UV_BACKEND_H

#include <uv.h>

#include "backend.h"
#include "settle.h"

/* The libuv backend. Streams are libuv's handles, but bytes never go through
 * uv_read_start and uv_write: the descriptor is read and written directly,
 * whole windows at a time, and libuv says when that is worth trying, through
 * a poll handle on the same descriptor. libuv allows that since the stream
 * handle itself watches nothing once it is connected. For it:
 *
 * - counts are exact, on error and cancellation too (uv_write has none);
 * - both directions end at once when cancelled (uv_write cannot be);
 * - reads fill up to 16 segments (libuv's one), writes never allocate (libuv
 *   does above 4 segments) and never raise SIGPIPE;
 * - a listener leaves connections in its backlog until they are asked for,
 *   and when descriptors run out (libuv drops them);
 * - the handle of an adopted stream is not needed to find the stream, so its
 *   data field stays the application's. */

/* weir_stream_s.own of such a stream. */
typedef struct weir__uv_s {
  union {
    weir__peer_t peer;     /* before the stream is connected */
    weir__settle_t settle; /* while closing */
  } ends;
  union {
    uv_connect_t connect; /* before the stream is connected */
    uv_poll_t poll;       /* from the first wait on */
  } u;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv;                  /* not of one that was adopted */
  weir_stream_t *client; /* of the pending accept */
  int flags;
  unsigned reads; /* without a wait between them */
  int polled;     /* UV_READABLE | UV_WRITABLE: what the poll handle watches */
  int wants;      /* the same: what a pending transfer waits for */
  int closing;    /* libuv's close callbacks that are to come */
} weir__uv_t;

/* weir__uv_t.flags */
enum {
  WEIR__UV_ADOPTED = 1,
  WEIR__UV_SOCKET = 2,
  WEIR__UV_LISTENING = 4,
  WEIR__UV_CONNECTING = 8,
  WEIR__UV_POLL = 16,         /* the poll handle is initialised */
  WEIR__UV_READ_MORE = 32,    /* the last read or accept left something there */
  WEIR__UV_WRITE_FULL = 64,   /* the last write was short: no room is left */
  WEIR__UV_WRITE_READY = 128, /* it can be written now, says the poll handle */
  /* It said so of the last read or write as well, in vain. */
  WEIR__UV_READ_VAIN = 256,
  WEIR__UV_WRITE_VAIN = 512
};

static inline weir__uv_t *weir__uv(const weir_stream_t *stream) {
  return (weir__uv_t *)(void *)(uintptr_t)stream->own.bytes;
}

extern const weir_stream_kind_t weir__uv_kind;
extern const weir__net_t weir__uv_net;

/* Waits for event (UV_READABLE or UV_WRITABLE): WEIR_PENDING or an error. */
int weir__uv_await(weir_stream_t *stream, int event);

/* Watches the descriptor no more. It is closed, and its number may come again:
 * what the poll handle did later would be done to another. */
void weir__uv_unwatch(weir_stream_t *stream);

/* The descriptor, or UV_EBADF, also when the application closed the handle. */
int weir__uv_fileno(const weir_stream_t *stream, uv_os_fd_t *fd);

/* The listener can be read: does its pending accept. */
void weir__uv_accept_ready(weir_stream_t *listener);

/* Ends the pending connect or accept, and the pending transfers, with
 * status. */
void weir__uv_end_net(weir_stream_t *stream, int status);
void weir__uv_end(weir_stream_t *stream, int status);

/* Ends everything on loop's streams of this kind with status. For a backend
 * that has given some of its streams to this one, too. */
void weir__uv_abandon_streams(weir_loop_t *loop, int status);

/* File operations in libuv's pool; op->owner is their request there. For a
 * backend that does not run every one of them itself, too. What a thread is at
 * can be cancelled while it waits for readiness, and else goes on. */
int weir__uv_file_start(weir_loop_t *loop, weir_op_t *op);
int weir__uv_file_cancel(weir_loop_t *loop, weir_op_t *op);
void weir__uv_abandon_files(weir_loop_t *loop);

/* The same in a child after a fork, which has no thread that could finish. */
void weir__uv_forget_files(weir_loop_t *loop);
void weir__uv_free_files(weir_loop_t *loop);

#endif
