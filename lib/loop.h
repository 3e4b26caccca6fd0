/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__LOOP_H
#define WEIR__LOOP_H

#include <weir/loop.h>
#include <weir/pool.h>
#include <weir/stream.h>

/* A block of segments for an op with more than the op itself can hold; when
 * free, it lies in its loop's list. */
typedef struct weir__block_s {
  struct weir__block_s *next;
  size_t capacity; /* in segments */
  uv_buf_t segments[];
} weir__block_t;

/* The handles that weir adds to the application's loop. They are apart from
 * the loop object since they may outlive it in libuv's hands: the application
 * may close what it meets in uv_walk. */
typedef struct weir__hooks_s {
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle; /* active: libuv must not sleep in this turn */
  unsigned open;  /* handles being closed by us */
  struct weir__hooks_s *next;
} weir__hooks_t;

struct weir_loop_s {
  uv_loop_t *uv;
  const struct weir__backend_s *backend;
  void *impl; /* the backend's own */
  weir__hooks_t *hooks;
  weir_loop_stats_t stats;
  uint64_t callbacks_before; /* this turn, of stats.callbacks */

  /* Streams that want something of their kind at the next flush. */
  weir_stream_t *start_head;
  weir_stream_t *start_tail;
  /* File operations to be started at the next flush. */
  weir_op_t *file_head;
  weir_op_t *file_tail;
  /* Operations and streams whose callback is due. */
  weir_op_t *done_head;
  weir_op_t *done_tail;
  weir_stream_t *closed_head;
  weir_stream_t *closed_tail;

  weir_stream_t *open; /* all streams that are not closed */
  weir_op_t *file_ops; /* all file operations that a backend runs */
  weir_pool_t *pools;  /* all pools */
  weir__block_t *blocks;
  size_t active; /* operations and closes outstanding: keeps uv_run going */
  int flags;
  unsigned settle; /* turns left until foreign closes are over */
  weir_loop_cb detach_cb;

  weir_wait_t wait;
  const char *wait_why;
  int fallback;
  char fallback_why[160];
};

enum {
  WEIR__LOOP_CLOSED_WINDOW = 1, /* between our prepare and our check */
  WEIR__LOOP_DELIVERING = 2,
  WEIR__LOOP_DETACHING = 4,
  WEIR__LOOP_DEAD = 8,          /* the application closed our handles */
  WEIR__LOOP_STALLED = 16,      /* a backend said UV_EBUSY in this run */
  WEIR__LOOP_FILE_CANCELS = 32, /* a cancelled file op was not told yet */
  WEIR__LOOP_LEAVING = 64       /* the backend is being detached */
};

/* A loop object with its handles on uv, and its undoing when attaching fails
 * later. */
int weir__loop_new(uv_loop_t *uv, weir_loop_t **loop);
void weir__loop_drop(weir_loop_t *loop);

/* An operation or a close begins / is about to get its callback. */
void weir__loop_ref(weir_loop_t *loop);
void weir__loop_unref(weir_loop_t *loop);

/* Makes sure that what was just queued is looked at before libuv sleeps. */
void weir__loop_wake(weir_loop_t *loop);

/* Keeps libuv from sleeping in this turn: for a backend's turn function, after
 * which nothing of ours is looked at before libuv's poll. */
void weir__loop_no_sleep(weir_loop_t *loop);

/* Starts what waits to be started, runs the callbacks that are due, and goes
 * on so until nothing is left or the turn's budget is spent. Backends call it
 * in their turn and check functions, and after a libuv callback. It never
 * recurses: called from within a callback it returns at once. */
void weir__loop_run(weir_loop_t *loop);

/* Whether weir__loop_run left work for the next turn. */
int weir__loop_busy(const weir_loop_t *loop);

/* Whether callbacks ran in this turn. Then nobody may sleep in it any more:
 * under UV_RUN_ONCE the application waits for just that. */
int weir__loop_delivered(const weir_loop_t *loop);

/* UV_ECANCELED if the application has closed our handles, else 0. */
int weir__loop_check(weir_loop_t *loop);

/* If the application has closed our handles: ends every operation with
 * UV_ECANCELED, and gets new handles to run the callbacks from. 0 or
 * UV_ENOMEM. */
int weir__loop_revive(weir_loop_t *loop);

/* The parts of a flush: streams and file operations. Both return 0, or
 * UV_EBUSY when the backend has no room. */
int weir__stream_start(weir_stream_t *stream);
int weir__file_start(weir_loop_t *loop);

/* Ends all operations of stream, as far as the backend is not busy with them;
 * asks for the end of the others. */
void weir__stream_cancel_all(weir_stream_t *stream);

#endif
