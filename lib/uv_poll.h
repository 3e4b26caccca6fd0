/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__UV_POLL_H
#define WEIR__UV_POLL_H

#include "backend.h"

/* Waiting by libuv until the descriptor of a stream of the library's own kinds
 * is ready: one poll handle for both directions, with a callback for each. */

/* Calls ready when the descriptor can be read (UV_READABLE) or written
 * (UV_WRITABLE). That comes once, never within this call; ready may wait again.
 * WEIR_PENDING, or an error, UV_EPERM for what is always ready, as a regular
 * file. */
int weir__poll_await(weir_stream_t *stream, int event, weir__ready_cb ready);

/* Ends such waits, of events, with status. */
void weir__poll_end(weir_stream_t *stream, int events, int status);

/* The same with all waits of all streams of loop. */
void weir__poll_end_all(weir_loop_t *loop, int status);

/* The same for an op that waits itself: see weir__kind_t. */
int weir__poll_wait(weir_stream_t *stream, weir_op_t *op);
int weir__poll_unwait(weir_stream_t *stream, weir_op_t *op);

/* Closes the handle, unless the application has. Nothing may be waited for. */
void weir__poll_close(weir_stream_t *stream);

/* Whether handle is such a handle of a stream of loop. */
int weir__poll_owns(const weir_loop_t *loop, const uv_handle_t *handle);

#endif
