/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__UV_BACKEND_H
#define WEIR__UV_BACKEND_H

#include <uv.h>

#include "backend.h"

/* The libuv backend. Bytes never go through handles of libuv's: a descriptor is
 * read and written directly, whole windows at a time, and libuv says when that
 * is worth trying, through a poll handle. For it:
 *
 * - counts are exact, on error and cancellation too (uv_write has none);
 * - both directions end at once when cancelled (uv_write cannot be);
 * - reads fill up to 16 segments (libuv's one), writes never allocate (libuv
 *   does above 4 segments) and never raise SIGPIPE;
 * - a listener leaves connections in its backlog until they are asked for,
 *   and when descriptors run out (libuv drops them).
 *
 * The same works for an adopted handle, whose data field stays the
 * application's: libuv allows it since the handle itself watches nothing once
 * it is connected. */

/* weir__own_t.more of such a stream. */
typedef struct weir__uv_s {
  unsigned reads; /* without a wait between them */
} weir__uv_t;

/* weir__own_t.flags, besides those that every kind has. */
enum {
  /* The last read or accept left something there. */
  WEIR__UV_READ_MORE = WEIR__OWN_REST,
  /* The last write was short: no room is left. */
  WEIR__UV_WRITE_FULL = WEIR__OWN_REST << 1,
  /* The descriptor was called ready for this write. */
  WEIR__UV_WRITE_READY = WEIR__OWN_REST << 2,
  /* It was so for the last read or write as well, in vain. */
  WEIR__UV_READ_VAIN = WEIR__OWN_REST << 3,
  WEIR__UV_WRITE_VAIN = WEIR__OWN_REST << 4
};

static inline weir__uv_t *weir__uv(const weir_stream_t *stream) {
  return (weir__uv_t *)(void *)weir__own(stream)->more.bytes;
}

/* For other backends, too: descriptors that are no sockets. */
extern const weir__kind_t weir__uv_kind;

/* What it does for sockets. */
int weir__uv_connect(weir_stream_t *stream);
int weir__uv_accept(weir_stream_t *listener, weir__fd_t *fd);

/* File operations in libuv's pool; weir__op_owner is their request there. For a
 * backend that does not run every one of them itself, too. What a thread is at
 * can be cancelled while it waits for readiness, and else goes on. */
int weir__uv_file_start(weir_loop_t *loop, weir_op_t *op);
int weir__uv_file_cancel(weir_loop_t *loop, weir_op_t *op);
void weir__uv_abandon_files(weir_loop_t *loop);

/* The same in a child after a fork, which has no thread that could finish. */
void weir__uv_forget_files(weir_loop_t *loop);
void weir__uv_free_files(weir_loop_t *loop);

#endif
