/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "adopted.h"

#include <string.h>

void adopted_open(struct weir_fixture *f, struct adopted *a, int sndbuf,
                  int rcvbuf) {
  int fds[2];

  memset(a, 0, sizeof(*a));
  pair_tcp(fds, sndbuf, rcvbuf);
  a->conn.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &a->handle), 0);
  check_is(uv_tcp_open(&a->handle, fds[0]), 0);
  a->handle.data = a;
}

void adopted_take(struct weir_fixture *f, struct adopted *a) {
  check_is(weir_adopt(f->loop, &a->conn.stream, (uv_stream_t *)&a->handle), 0);
}

void adopted_close(struct weir_fixture *f, struct adopted *a) {
  conn_close(f, &a->conn);
  check_is(uv_is_closing((uv_handle_t *)&a->handle), 1);
  cr_assert(a->handle.data == a);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  static char bytes[64];

  (void)handle;
  (void)size;
  *buf = uv_buf_init(bytes, sizeof(bytes));
}

static ssize_t last_read;

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream;
  (void)buf;
  if (n != 0)
    last_read = n;
}

int libuv_reads(uv_stream_t *handle) {
  last_read = 0;
  return uv_read_start(handle, on_alloc, on_read);
}

long libuv_has_read(struct weir_fixture *f) {
  while (last_read == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  return (long)last_read;
}
