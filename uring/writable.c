/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include "../lib/uv_poll.h"

/* Waiting for room in a socket whose peer has ended its own side. A poll in the
 * ring reports that end (EPOLLRDHUP) whether asked for or not, and so ends at
 * once, for ever; a send that polls by itself does so too, until the kernel
 * gives it a thread to block in. libuv's poll reports what it was asked for. */

/* After an error the next write tells which it was. */
static void on_writable(weir_stream_t *stream, int status) {
  weir_stream_write_done(stream, status == 0 ? UV_EAGAIN : status, 0);
}

int weir__socket_await(weir_stream_t *stream) {
  return weir__poll_await(stream, UV_WRITABLE, on_writable);
}
