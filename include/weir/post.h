/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_POST_H
#define WEIR_POST_H

#include <weir/export.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Callbacks that are put off: an operation that does nothing but end. It needs
 * no stream, no descriptor and no memory but its op, and can be cancelled. */

/* Has cb run from the next turn of the loop on, with status 0 and n = 0: behind
 * what is due now, and when libuv's timers and handles have had their turn; in
 * the order of the calls. The loop does not sleep before it.
 *
 * Returns 0, UV_EINVAL (a NULL), UV_ECANCELED, UV_ESRCH, or the error of a ring
 * that the kernel refuses for good (weir/loop.h). */
WEIR_EXTERN WEIR_MUST_USE int weir_post(weir_op_t *op, weir_loop_t *loop,
                                        weir_op_cb cb);

/* From now on other threads may post to the loop, until weir_post_close.
 * Meanwhile uv_run goes on, as if an operation were outstanding, and the loop
 * cannot be detached. Called, as all but weir_post_from_thread, in the thread
 * that has the loop. Returns 0, UV_EALREADY, an error as of weir_post, or one
 * of uv_async_init. */
WEIR_EXTERN WEIR_MUST_USE int weir_post_open(weir_loop_t *loop);

/* As weir_post, from any thread, also from the loop's own. It is the one
 * function on a loop that several threads may be in at once; it neither waits
 * nor allocates. cb runs in the thread that runs the loop. The posts of one
 * thread run in their order. Whoever cancels one does so in the loop's thread.
 *
 * Returns 0; UV_EINVAL (a NULL); UV_ECANCELED when the loop is not open for
 * posts, or not any more; UV_ESRCH in a child after a fork, until
 * weir_loop_fork: there what other threads had posted ends with UV_ECANCELED.
 * May be called until the loop is detached: who begins a call has to know that
 * it is not yet. */
WEIR_EXTERN WEIR_MUST_USE int
weir_post_from_thread(weir_op_t *op, weir_loop_t *loop, weir_op_cb cb);

/* Ends that. What was accepted still runs; what comes later is refused. No
 * thread is at work on the loop any more when it returns: it waits for those
 * that are just waking it. Returns 0, UV_EINVAL (a NULL, or not open), or
 * UV_ESRCH. */
WEIR_EXTERN int weir_post_close(weir_loop_t *loop);

#ifdef __cplusplus
}
#endif
#endif
