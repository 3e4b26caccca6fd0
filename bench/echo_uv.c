/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* The echo server to compare with: plain libuv, written to be fast. It answers
 * with uv_try_write from within the read callback, which costs no request and
 * no turn of the loop, and falls back to uv_write only when the socket is
 * full. */

#include <stdlib.h>

#include <uv.h>

#include "../samples/common.h"

static const char help[] =
    "usage: echo_uv --listen HOST:PORT\n"
    "An echo server on plain libuv, to compare samples/echo with.\n";

typedef struct connection_s {
  uv_tcp_t tcp;
  uv_write_t request;
  char buffer[65536];
} connection_t;

static uv_loop_t uv;
static uv_tcp_t listener;

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

static void end(connection_t *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp))
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  connection_t *c = handle->data;
  (void)size;
  *buf = uv_buf_init(c->buffer, sizeof c->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *request, int status) {
  connection_t *c = request->data;
  if (status != 0 || uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
    end(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  connection_t *c = stream->data;
  uv_buf_t data = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
  if (n <= 0) {
    if (n < 0)
      end(c);
    return;
  }
  int rc = uv_try_write(stream, &data, 1);
  if (rc == n)
    return;
  if (rc > 0)
    data = uv_buf_init(data.base + rc, (unsigned)(n - rc));
  uv_read_stop(stream); /* the buffer is taken until it is written */
  if ((rc < 0 && rc != UV_EAGAIN) ||
      uv_write(&c->request, stream, &data, 1, on_written) != 0)
    end(c);
}

static void on_connection(uv_stream_t *server, int status) {
  connection_t *c = status == 0 ? malloc(sizeof *c) : NULL;
  if (c == NULL) {
    complain("accept", status != 0 ? status : UV_ENOMEM);
    return;
  }
  uv_tcp_init(&uv, &c->tcp);
  c->tcp.data = c;
  c->request.data = c;
  if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) {
    end(c);
    return;
  }
  uv_tcp_nodelay(&c->tcp, 1);
  if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
    end(c);
}

static void close_handle(uv_handle_t *handle, void *unused) {
  (void)unused;
  if (handle == (uv_handle_t *)&listener)
    uv_close(handle, NULL);
  else if (handle->type == UV_TCP)
    end(handle->data);
}

static void stop(void) {
  uv_walk(&uv, close_handle, NULL);
}

int main(int argc, char **argv) {
  const char *word = NULL;
  const option_t options[] = {{"--listen", NULL, &word}, {NULL, NULL, NULL}};
  struct sockaddr_storage addr;

  parse_options(argc, argv, help, options, 0);
  parse_address("--listen", word, &addr);
  int rc = uv_loop_init(&uv);
  if (rc != 0)
    fail("cannot make a loop", rc);
  on_stop_signal(&uv, stop);
  listen_plain(&uv, &listener, &addr, on_connection);
  uv_run(&uv, UV_RUN_DEFAULT);
  close_loop(&uv, NULL);
  return 0;
}
