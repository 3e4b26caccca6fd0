/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__LOOP_H
#define WEIR__LOOP_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/loop.h>
#include <weir/stream.h>

#include "self.h"
#include "settle.h"
#include "slab_hold.h"
#include "wheel.h"

/* A block of segments for an op with more than the op itself can hold; when
 * free, it lies in its loop's list of that order. The largest has 1024. */
enum { WEIR__OP_BLOCK_ORDERS = 7 };
typedef struct weir__op_block_s {
  struct weir__op_block_s *next;
  unsigned order; /* WEIR__OP_BLOCK_ORDERS: none, it is not kept */
  uv_buf_t segments[];
} weir__op_block_t;

/* The handles that weir adds to the application's loop. They are apart from
 * the loop object since they may outlive it in libuv's hands: the application
 * may close what it meets in uv_walk. */
typedef struct weir__hooks_s {
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;   /* active: libuv must not sleep */
  uv_timer_t pause; /* active: something is asked again when it fires */
  uv_timer_t alarm; /* active: the wheel is turned when it fires */
  uv_async_t async; /* other threads have posted */
  int has_async;
  struct weir__hooks_s *next;
} weir__hooks_t;

/* Where other threads post: see post.c. */
typedef struct weir__box_s {
  atomic_uintptr_t top; /* a stack of nodes, or 1: it is shut */
  atomic_uint inside;   /* threads that are at it */
  uv_async_t *async;
  uint64_t home; /* a thread of the loop's process: see self.h */

  /* NULL, or called after something came, or weir__post_nudge. */
  void (*look)(weir_loop_t *loop);
} weir__box_t;

/* The pipes that are spliced through: see pipe.c. */
typedef struct weir__pipes_s {
  weir_node_t idle; /* empty ones */
  weir_node_t out;
  unsigned n_idle;
  unsigned n_out;
} weir__pipes_t;

struct weir_loop_s {
  uv_loop_t *uv;
  const struct weir__backend_s *backend;
  void *impl;     /* the backend's own */
  uint64_t owner; /* the thread that has used it last: see self.h */
  weir__hooks_t *hooks;
  unsigned closing; /* uv_handle_t.flags of which uv_is_closing has one */
  weir_loop_stats_t stats;
  uint64_t callbacks_before; /* this turn, of stats.callbacks */

  /* What may still be started and called back in this turn. */
  unsigned starts_left;
  unsigned callbacks_left;

  /* Streams that want something of their kind at the next flush, and those
   * whose kind had no room: they are asked again after a pause. */
  weir_node_t start;
  weir_node_t later;
  /* File operations to be started, those whose cancellation is to be told to
   * the backend, and those that it runs; among these, queued, what is made of
   * several. */
  weir_node_t files;
  weir_node_t file_cancels;
  weir_node_t file_ops;
  /* What runs from the next turn on. */
  weir_node_t posts;
  weir__box_t box;
  /* Operations and streams whose callback is due. Both in the order in which
   * they became so: a stream knows how many were due before it. */
  weir_node_t done;
  weir_node_t closed;
  weir_node_t news;   /* what is to be told besides */
  uint64_t due;       /* ever */
  uint64_t delivered; /* of them */

  weir_node_t open;  /* all streams that are not closed */
  weir_node_t pools; /* all pools */
  weir_node_t takes; /* operations that wait for a buffer of one */
  weir__slabs_t slabs;
  weir__op_block_t *blocks[WEIR__OP_BLOCK_ORDERS]; /* free ones */
  struct weir__uv_file_s *uv_files;                /* free ones */
  unsigned uv_files_out;                           /* those with libuv's pool */
  weir__pipes_t pipes;
  /* Operations and closes outstanding: those that keep uv_run going, and those
   * that do not. */
  size_t active;
  size_t unheld;
  size_t capped;  /* reads that wait for one of the leases of their stream */
  size_t notices; /* buffers that the system will say it needs no more */
  uint64_t wound; /* when the alarm fires; UINT64_MAX: it does not */
  weir__wheel_t wheel;
  int flags;
  int error;             /* for ever: what every new operation gets */
  weir__settle_t settle; /* when leaving */
  weir_loop_cb detach_cb;
  weir_close_cb stream_cb; /* of those that a shutdown closes */
  void *data;              /* the application's */

  struct weir__debug_s *debug; /* NULL: not in debug mode */

  weir_wait_t wait;
  const char *wait_why;
  int fallback;
  char fallback_why[160];
};

enum {
  WEIR__LOOP_DELIVERING = 1,    /* weir__loop_run is at work */
  WEIR__LOOP_DETACHING = 2,     /* weir_loop_detach was called */
  WEIR__LOOP_LEAVING = 4,       /* the backend is detached */
  WEIR__LOOP_FILES_BLOCKED = 8, /* the backend has no room for files */
  WEIR__LOOP_DEAD = 16,         /* the application closed our handles */
  WEIR__LOOP_CHECKED_LATE = 32, /* check handles may run behind ours */
  WEIR__LOOP_LOST = 64,         /* the backend knows of a fork */
  WEIR__LOOP_AT_WORK = 128,     /* our prepare or check callback is */
  WEIR__LOOP_AWAKE = 256,       /* the idle handle is active */
  WEIR__LOOP_BEREFT = 512,      /* a turn has missed one of our handles */
  WEIR__LOOP_STARTING = 1024,   /* what waited is being started */
  WEIR__LOOP_BEGINNING = 2048,  /* something is, in the call that asks for it */
  WEIR__LOOP_RETRY = 4096,      /* a pause is over */
  WEIR__LOOP_FAILED = 8192,     /* there is an error for ever */
  WEIR__LOOP_ADOPTS = 16384,    /* a handle was adopted */
  WEIR__LOOP_ERRANDS = 32768,  /* posts, or a shutdown, have to be looked for */
  WEIR__LOOP_SHUTTING = 65536, /* weir_loop_shutdown was called */
  WEIR__LOOP_SLABS = 131072,   /* there are pools */
  WEIR__LOOP_DEBUGGED = 1 << 20 /* there is `debug` */
};

/* In one turn. */
enum { WEIR__LOOP_STARTS = 1024, WEIR__LOOP_CALLBACKS = 1024 };

/* The open stream of loop behind this one; NULL: the first, or none. */
static inline weir_stream_t *weir__stream_next(const weir_loop_t *loop,
                                               const weir_stream_t *stream) {
  const weir_node_t *node = stream == NULL ? &loop->open : &stream->open;
  if (node->next == &loop->open)
    return NULL;
  return (weir_stream_t *)((uintptr_t)node->next -
                           offsetof(weir_stream_t, open));
}

/* ---- loop.c ---- */

/* The first that keeps uv_run going has come / the last has gone. */
void weir__loop_hold(weir_loop_t *loop);
void weir__loop_let_go(weir_loop_t *loop);

/* An operation or a close begins / is about to get its callback. */
static inline void weir__loop_ref(weir_loop_t *loop) {
  if (loop->active++ == 0)
    weir__loop_hold(loop);
}

static inline void weir__loop_unref(weir_loop_t *loop) {
  assert(loop->active > 0);
  if (--loop->active == 0)
    weir__loop_let_go(loop);
}

/* One that is outstanding does not keep uv_run going any more / does again. */
static inline void weir__loop_discount(weir_loop_t *loop) {
  loop->unheld++;
  weir__loop_unref(loop);
}

static inline void weir__loop_count(weir_loop_t *loop) {
  assert(loop->unheld > 0);
  loop->unheld--;
  weir__loop_ref(loop);
}

/* Whether anything is outstanding. */
static inline int weir__loop_in_use(const weir_loop_t *loop) {
  return (loop->active | loop->unheld) != 0;
}

/* Keeps libuv from sleeping until our next prepare callback. */
void weir__loop_no_sleep(weir_loop_t *loop);

/* Whether what is queued now is looked at before anybody sleeps. Whoever runs
 * our callbacks looks by himself. */
static inline int weir__loop_looks(const weir_loop_t *loop) {
  const int seen =
      WEIR__LOOP_AT_WORK | WEIR__LOOP_DELIVERING | WEIR__LOOP_AWAKE;
  return (loop->flags & seen) != 0;
}

/* Makes sure of that, be it libuv who sleeps or a loop in which libuv's is
 * embedded. */
static inline void weir__loop_wake(weir_loop_t *loop) {
  if (!weir__loop_looks(loop))
    weir__loop_no_sleep(loop);
}

/* Lets libuv sleep again. */
void weir__loop_doze(weir_loop_t *loop);

static inline void weir__loop_may_sleep(weir_loop_t *loop) {
  if ((loop->flags & WEIR__LOOP_AWAKE) != 0)
    weir__loop_doze(loop);
}

/* Has what there was no room for asked for again soon, though not at once. */
void weir__loop_pause(weir_loop_t *loop);

/* Whether the application has closed one of our handles. */
int weir__loop_closed(const weir_loop_t *loop);

/* The backend is at its end: from now on weir__loop_check says error. What was
 * begun is the backend's to end. */
void weir__loop_fail(weir_loop_t *loop, int error);

/* A slab of a pool: operations are to hold what they use of it. 0 or
 * UV_ENOMEM. */
int weir__loop_add_slab(weir_loop_t *loop, weir__split_t *split);
void weir__loop_remove_slab(weir_loop_t *loop, const weir__split_t *split);

/* ---- owner.c ---- */

/* Whether this is the thread that has used loop last. */
static inline int weir__loop_mine(const weir_loop_t *loop) {
  return loop->owner == weir__self_name;
}

/* It is not: whether that one is of another process. */
int weir__loop_orphaned(weir_loop_t *loop);

/* Whether loop was left behind by a fork: this is a child of the process that
 * it belongs to. */
static inline int weir__loop_foreign(weir_loop_t *loop) {
  return !weir__loop_mine(loop) && weir__loop_orphaned(loop);
}

/* Has the backend move loop to this thread. 0, or UV_ESRCH in the wrong
 * process. */
int weir__loop_move(weir_loop_t *loop);

/* The calling thread is about to use what the kernel keeps for loop: moves it
 * here if another thread has used it last. As weir__loop_move. */
static inline int weir__loop_claim(weir_loop_t *loop) {
  return weir__loop_mine(loop) ? 0 : weir__loop_move(loop);
}

/* uv_is_closing, in line. */
static inline int weir__loop_closes(const weir_loop_t *loop,
                                    const uv_handle_t *handle) {
  return (handle->flags & loop->closing) != 0;
}

/* Whether it is plain that something may begin: what is asked for each
 * operation calls nothing. */
static inline int weir__loop_open_and(const weir_loop_t *loop, int none) {
  const int over = WEIR__LOOP_DEAD | WEIR__LOOP_DETACHING | WEIR__LOOP_BEREFT |
                   WEIR__LOOP_FAILED | WEIR__LOOP_SHUTTING |
                   WEIR__LOOP_DEBUGGED;
  return weir__loop_mine(loop) && (loop->flags & (over | none)) == 0 &&
         !weir__loop_closes(loop, (const uv_handle_t *)&loop->hooks->prepare);
}

static inline int weir__loop_open(const weir_loop_t *loop) {
  return weir__loop_open_and(loop, 0);
}

/* Why it is not: this is a forked child (UV_ESRCH), the application has closed
 * our handles or detaches (UV_ECANCELED), or weir__loop_fail was called. Else
 * 0. Whoever closes our handles closes the prepare handle; if it is not among
 * them, the next turn tells. */
int weir__loop_refusal(weir_loop_t *loop);

/* The same, in the order that is quick. */
static inline int weir__loop_check(weir_loop_t *loop) {
  return weir__loop_open(loop) ? 0 : weir__loop_refusal(loop);
}

/* ---- flush.c ---- */

/* A turn begins: a new share of starts and callbacks. */
void weir__loop_turn(weir_loop_t *loop);

/* Starts what waits to be started, runs the callbacks that are due, and goes
 * on so until nothing is left or the turn's share is spent. Called in the
 * prepare and check phases, and not by what reports between them: so a turn
 * has its bound however many descriptors are ready. It never recurses: called
 * from within a callback it returns at once. */
void weir__loop_run(weir_loop_t *loop);

/* Whether weir__loop_run left work for the next turn. */
int weir__loop_busy(const weir_loop_t *loop);

/* Whether callbacks ran in this turn. Then nobody may sleep in it any more:
 * under UV_RUN_ONCE the application waits for just that. */
int weir__loop_delivered(const weir_loop_t *loop);

/* ---- hooks.c ---- */

/* A loop object for uv; then either its handles on uv, when it has a backend,
 * or its undoing. */
int weir__loop_new(uv_loop_t *uv, weir_loop_t **loop);
void weir__loop_hook(weir_loop_t *loop);
void weir__loop_drop(weir_loop_t *loop);

/* Ends every operation with UV_ECANCELED, but for those that are with the
 * backend: they end so if it says so. */
void weir__loop_cancel_all(weir_loop_t *loop);

/* If the application has closed our handles: ends every operation with
 * UV_ECANCELED, and gets new handles to run the callbacks from. 0, UV_ENOMEM,
 * or UV_ESRCH in a forked child. */
int weir__loop_revive(weir_loop_t *loop);

/* ---- What a flush starts ---- */

/* Something that waits in queues of the loop to be started. */
typedef struct weir__source_s {
  /* Whether something waits for which there may be room. */
  int (*waits)(const weir_loop_t *loop);

  /* Gives what waits now one go each, at most that many: how many it were. */
  unsigned (*start)(weir_loop_t *loop, unsigned most);

  /* A pause is over: what there was no room for waits again. */
  void (*retry)(weir_loop_t *loop);
} weir__source_t;

extern const weir__source_t weir__stream_source;
extern const weir__source_t weir__file_source;
extern const weir__source_t weir__alarm_source;
extern const weir__source_t weir__post_source;
extern const weir__source_t weir__shutdown_source;

#endif
