/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "inert.h"

static int stay(weir_stream_t *stream, const uv_buf_t *bufs, unsigned nbufs,
                size_t *n) {
  (void)stream;
  (void)bufs;
  (void)nbufs;
  (void)n;
  return WEIR_PENDING;
}

static int nothing(weir_stream_t *stream) {
  (void)stream;
  return 0;
}

const weir_stream_kind_t inert_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "inert",
    .read_some = stay,
    .write_some = stay,
    .cancel_read = nothing,
    .cancel_write = nothing,
    .shutdown = nothing,
    .close = weir_stream_close_done,
};
