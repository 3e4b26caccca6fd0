/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A weir_loop_t hooks weir into a uv_loop_t of the application, which goes on
 * calling uv_run as ever. Everything here and everything made from a weir loop
 * belongs to one thread at a time, as with libuv: a loop may be attached in
 * one, run in another and closed in a third, as long as each has finished with
 * it, which a join or a lock tells the next, before that begins.
 *
 * What is outstanding goes on in the next thread. On io_uring it has to be
 * moved there, from where the kernel has it:
 *
 * - The first turn there, or a pool made there, may wait for the kernel, for
 *   some 50 ms, if something was in flight or registered.
 * - A file operation that the kernel had begun ends with UV_ECANCELED, whatever
 *   becomes of it. So wait for these in the thread that began them.
 * - Where the kernel does not give a new ring, or does not let go of what was
 *   in flight (a child that was forked meanwhile keeps it, until it ends or
 *   calls exec), the ring ends, as below, with that error or UV_EIO; bytes that
 *   had moved unseen are not in n then.
 *
 * In a child after a fork see weir_loop_fork. */

/* In one turn of the uv_loop_t weir starts at most 1024 transfers and runs at
 * most 1024 callbacks; what is left goes on in the next turn, behind libuv's
 * timers and handles. An operation that was begun, wherever that was, makes
 * uv_backend_timeout say 0 until it has been looked at.
 *
 * A ring that the kernel refuses for good to enter (a filter of system calls
 * that was installed after attaching) ends: every operation that is in it or
 * waits for it gets the kernel's error, and so does every call that would begin
 * one. Streams can still be closed, pools destroyed and the loop detached. */

typedef enum weir_backend_e {
  WEIR_BACKEND_AUTO = 0, /* io_uring if it works here, else libuv. */
  WEIR_BACKEND_URING = 1,
  WEIR_BACKEND_UV = 2
} weir_backend_t;

/* Who sleeps while nothing happens. It makes no difference on the libuv
 * backend, where libuv always does.
 *
 * The ring wait sleeps in io_uring_enter, inside weir's prepare handle: one
 * system call submits, waits and reaps; what the last callbacks of a turn began
 * may be submitted in the next one. It is for a program that lives in
 * uv_run(UV_RUN_DEFAULT): a prepare handle cannot know that the application
 * asked for UV_RUN_NOWAIT, nor that it watches uv_backend_fd from another loop,
 * so with operations in flight it would sleep there as well. It falls back to
 * the libuv wait where it cannot be had: when a prepare handle was active at
 * attach (the ring wait has to be the last prepare handle to run, and libuv
 * runs the one started first last), and with a libuv older than 1.44.0.
 * uv_metrics_idle_time does not count the ring's sleep; it cannot be told of
 * it.
 *
 * The libuv wait leaves all sleeping to libuv, so that every mode of uv_run
 * and every embedding works as it does without weir. WEIR_WAIT_AUTO takes it.
 */
typedef enum weir_wait_e {
  WEIR_WAIT_AUTO = 0,
  WEIR_WAIT_RING = 1,
  WEIR_WAIT_UV = 2
} weir_wait_t;

/* Whether the loop looks for misuse of memory, see weir/debug.h: what the
 * environment says, reports, an end of the program with the first one, or
 * reports and guard pages around the buffers of pools. */
typedef enum weir_debug_e {
  WEIR_DEBUG_AUTO = 0,
  WEIR_DEBUG_ON = 1,
  WEIR_DEBUG_ABORT = 2,
  WEIR_DEBUG_GUARD = 3
} weir_debug_t;

/* Zero-initialised, the options mean the defaults. A program that has more
 * rights than whoever started it, as one with the set-user-ID bit, does not
 * read the environment. */
typedef struct weir_loop_options_s {
  /* sizeof(weir_loop_options_t), or 0: that of the first version. */
  size_t size;
  /* AUTO is replaced by the environment variable WEIR_BACKEND (uring or uv)
   * where it is set to more than auto. */
  weir_backend_t backend;
  /* AUTO is replaced by the environment variable WEIR_WAIT (ring or uv), the
   * same. */
  weir_wait_t wait;
  /* Entries of the submission queue, 1 to 32768; 0 means 256. Operations above
   * it wait their turn, none is refused. The kernel may grant fewer. A table
   * of the operations in flight begins with as many places and is doubled when
   * there are more; if there is no memory for that, the one that found no
   * place ends with UV_ENOMEM. */
  unsigned entries;
  /* Where a refusal is to be said in words: why_size bytes, of which 200 are
   * enough. One line, cut where the memory ends, and empty if the loop was
   * attached. May be NULL. */
  unsigned why_size;
  char *why;
  /* AUTO is replaced by the environment variable WEIR_DEBUG (1, abort or
   * guard) where it is set to more than auto; else it is off. */
  weir_debug_t debug;
} weir_loop_options_t;

/* What happened on a loop since it was attached. Later versions may add to its
 * end. */
typedef struct weir_loop_stats_s {
  uint64_t syscalls;      /* system calls made by weir's own code */
  uint64_t enters;        /* those of them that were io_uring_enter */
  uint64_t sqes;          /* submission queue entries handed to the kernel */
  uint64_t cqes;          /* completion queue entries taken from it */
  uint64_t fixed_ops;     /* reads and writes that used a registered buffer */
  uint64_t reads;         /* stream and file reads that were completed */
  uint64_t writes;        /* stream and file writes that were completed */
  uint64_t bytes_read;    /* by them */
  uint64_t bytes_written; /* by them */
  uint64_t short_writes;  /* stream writes that took less than offered */
  uint64_t windows_refilled; /* windows topped up behind a short write */
  uint64_t writes_gathered;  /* queued writes that shared a window */
  uint64_t retries;     /* transfers asked again after UV_EAGAIN or UV_EBUSY */
  uint64_t cancels;     /* cancellations asked of the backend */
  uint64_t overflows;   /* times that a full submission queue was met */
  uint64_t callbacks;   /* callbacks run */
  uint64_t turns;       /* turns of the loop seen */
  uint64_t waits;       /* sleeps in the ring */
  uint64_t allocations; /* heap allocations made on behalf of operations */
  /* Reads and writes of files that met a pool's memory and did not use its
   * registration, and why: */
  uint64_t unfixed_pools;   /* there is none; weir_pool_status says why */
  uint64_t unfixed_mixed;   /* segments of several pools, or of other memory */
  uint64_t unfixed_vectors; /* several segments, one by one on this kernel */
  uint64_t unfixed_threads; /* done in a thread of libuv's pool */
  /* Writes as of weir_tcp_zerocopy. What is sent and not over keeps its
   * buffer. */
  uint64_t zerocopy_sends;  /* that the system has taken, not copied at once */
  uint64_t zerocopy_over;   /* those whose memory the system has given back */
  uint64_t zerocopy_copied; /* those of them that it has copied all the same */
} weir_loop_stats_t;

typedef void (*weir_loop_cb)(weir_loop_t *loop);

/* Attaches to uv, which the application has initialised and keeps until the
 * detach callback. options may be NULL. Best called right after uv_loop_init,
 * see weir_wait_t. uv->data is not touched. What weir adds to uv keeps uv_run
 * going only while an operation or a close is outstanding. When it is refused,
 * nothing was added to uv.
 *
 * Returns 0 and sets *loop; or UV_EINVAL (a NULL, a size below the first
 * version's, an option of a later version that is not 0, a value out of range,
 * an unknown word in the environment variable), UV_ENOMEM, or, only when the
 * io_uring backend was forced and cannot be had, the error that says why:
 * UV_ENOSYS, UV_EPERM, UV_EACCES, UV_ENOMEM, UV_EMFILE, UV_ENFILE, UV_ENOTSUP
 * (not built in). */
WEIR_EXTERN WEIR_MUST_USE int
weir_loop_attach(uv_loop_t *uv, const weir_loop_options_t *options,
                 weir_loop_t **loop);

/* Takes everything out of the uv_loop_t again; call it before uv_loop_close.
 * cb (may be NULL) runs from within uv_run when that is done, and the loop is
 * gone when cb begins: only weir_loop_data and weir_loop_uv still answer in it.
 *
 * Returns 0; or, changing nothing, UV_EINVAL (a NULL), UV_EBUSY while a stream
 * or a pool of this loop is not closed or an operation is outstanding, or
 * UV_ENOMEM as weir_close; or UV_EALREADY; or UV_ESRCH (see weir_loop_fork). */
WEIR_EXTERN WEIR_MUST_USE int weir_loop_detach(weir_loop_t *loop,
                                               weir_loop_cb cb);

/* The same for a program that has come to its end, with all that is left on the
 * loop: no streams need be closed before, nor operations be over. Nothing new
 * begins from now on: what would is refused with UV_ECANCELED. Then, all of it
 * from within uv_run:
 *
 * 1. Every outstanding operation and post ends with UV_ECANCELED and an exact
 * n, or as it has ended already, and other threads post no more. The loop may
 * be used in the callbacks as ever: a program that closes its streams there
 * goes on doing so. A file operation that cannot be ended is waited for.
 * 2. Streams that nobody has closed are closed, with stream_cb (may be NULL) as
 *    their callback, in which their memory may be freed: those of the program's
 *    own kinds one after the other, the newest first, since one may stand on
 *    another, then all others.
 * 3. Pools are destroyed. A buffer that is still acquired goes with its pool.
 * 4. The loop is detached, and cb runs as that of weir_loop_detach.
 *
 * Returns 0; or, changing nothing, UV_EINVAL (a NULL), UV_EALREADY (shut down
 * or detached already), UV_ENOMEM as weir_close, UV_ESRCH. */
WEIR_EXTERN WEIR_MUST_USE int
weir_loop_shutdown(weir_loop_t *loop, weir_close_cb stream_cb, weir_loop_cb cb);

/* Makes the loop that a process has from its parent, by fork, its own, as
 * uv_loop_fork does with the uv_loop_t. A child that goes on with the loop
 * calls both, in either order, before uv_run: in the callback that has called
 * fork, if it was one. The thread that forks may be any, as long as no other
 * one is in the loop.
 *
 * Until then every call that would begin or end something on the loop, or on
 * what was made from it, is refused with UV_ESRCH, and nothing of weir's keeps
 * uv_run from returning there or does anything, but that a detach which was
 * begun is carried out there, too. The parent is not disturbed. It takes
 * uv_loop_fork, before uv_run, for that, and a fork by the C library: one
 * behind its back, by _Fork or clone, is not noticed.
 *
 * After it, what the parent had outstanding ends in the child with UV_ECANCELED
 * from within uv_run, with the bytes that had moved when it forked. In the
 * parent it goes on. Streams stay open, and share the socket with the parent's;
 * closing a UNIX listener removes its path. The memory of pools is the child's
 * own, on Linux all zeros; what was acquired stays so. A detaching that was
 * under way goes on in the child, too, by itself.
 *
 * Returns 0, also in the parent, where it does nothing; UV_EINVAL (a NULL); or
 * the error for which the kernel gives no ring, as weir_loop_attach. Then the
 * loop can only be closed: what was outstanding ends all the same, and what
 * would begin is refused with that error. */
WEIR_EXTERN WEIR_MUST_USE int weir_loop_fork(weir_loop_t *loop);

/* A pointer of the application's, NULL at first, which weir does not touch. It
 * can still be asked for in the detach callback. */
WEIR_EXTERN void weir_loop_set_data(weir_loop_t *loop, void *data);
WEIR_EXTERN void *weir_loop_data(const weir_loop_t *loop);

/* The loop that is attached to uv, and not being detached; of several one, and
 * NULL if there is none. It walks the handles of uv. */
WEIR_EXTERN weir_loop_t *weir_loop_of(uv_loop_t *uv);

/* The uv_loop_t that was attached to. */
WEIR_EXTERN uv_loop_t *weir_loop_uv(const weir_loop_t *loop);

/* The backend in use: _URING or _UV, never _AUTO. */
WEIR_EXTERN weir_backend_t weir_loop_backend(const weir_loop_t *loop);

/* "io_uring" or "libuv"; "auto" for WEIR_BACKEND_AUTO. */
WEIR_EXTERN const char *weir_backend_name(weir_backend_t backend);

/* Why io_uring was not taken: 0 when it was, else the negative UV_E*, which is
 * UV_ENOTSUP when the libuv backend was asked for. sentence, if not NULL, is
 * set to one line that says it in words; it lives as long as the loop. */
WEIR_EXTERN int weir_loop_fallback_reason(const weir_loop_t *loop,
                                          const char **sentence);

/* Who sleeps: _RING or _UV, never _AUTO. sentence, if not NULL, is set to one
 * line that says why; it lives as long as the loop. */
WEIR_EXTERN weir_wait_t weir_loop_wait(const weir_loop_t *loop,
                                       const char **sentence);

/* Fills the first size bytes of stats; size is sizeof(*stats). Counters of a
 * later version than that of the library are 0. */
WEIR_EXTERN void weir_loop_stats(const weir_loop_t *loop,
                                 weir_loop_stats_t *stats, size_t size);

/* Whether handle, met in uv_walk, belongs to weir, as one that a stream has
 * adopted does: 1 or 0. An application that walks the loop and closes
 * everything should leave such handles alone, close its streams with weir_close
 * and detach the loop.
 *
 * If it closes them all the same, with a callback that does not free them, the
 * loop survives as follows: from then on, or from its next turn on if only some
 * were closed, it refuses new operations with UV_ECANCELED, and when the
 * application next calls weir_close or weir_loop_detach, the outstanding
 * operations get UV_ECANCELED. A file operation that cannot be cancelled (see
 * weir_cancel) is not waited for: it completes when it does, its memory is the
 * thread's until then, and weir_loop_detach says UV_EBUSY. */
WEIR_EXTERN int weir_owns_handle(const weir_loop_t *loop,
                                 const uv_handle_t *handle);

#ifdef __cplusplus
}
#endif
#endif
