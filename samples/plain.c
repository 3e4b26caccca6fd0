/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "plain.h"

#include <stdlib.h>

#include "common.h"

enum { RETRY_MS = 100 };

static uv_tcp_t listener;
static uv_timer_t retry;
static address_text_t where; /* for messages */
static size_t connection_size;
static plain_cb serve_connection;

void plain_closed(uv_handle_t *handle) {
  free(handle);
}

/* Until uv_accept takes the connection that is announced, libuv looks for no
 * other, and does not announce it again. */
static void accept_one(uv_timer_t *timer) {
  static trouble_t trouble;
  uv_tcp_t *tcp = malloc(connection_size);
  if (tcp == NULL) {
    complain_rarely(&trouble, "accept on", where.text, UV_ENOMEM);
    uv_timer_start(timer, accept_one, RETRY_MS, 0);
    return;
  }
  uv_tcp_init(timer->loop, tcp);
  if (uv_accept((uv_stream_t *)&listener, (uv_stream_t *)tcp) == 0)
    serve_connection(tcp);
  else
    uv_close((uv_handle_t *)tcp, plain_closed);
}

static void on_connection(uv_stream_t *server, int status) {
  static trouble_t trouble;
  (void)server;
  if (status == 0)
    accept_one(&retry);
  else
    complain_rarely(&trouble, "accept on", where.text, status);
}

void plain_start(uv_loop_t *uv, const struct sockaddr_storage *addr,
                 size_t size, plain_cb serve) {
  connection_size = size;
  serve_connection = serve;
  uv_timer_init(uv, &retry);
  where = listen_plain(uv, &listener, addr, on_connection);
}

static void end_one(uv_handle_t *handle, void *end) {
  if (handle->type == UV_TCP && handle != (uv_handle_t *)&listener &&
      !uv_is_closing(handle))
    (*(plain_cb *)end)((uv_tcp_t *)handle);
}

void plain_stop(plain_cb end) {
  uv_walk(listener.loop, end_one, &end);
  uv_close((uv_handle_t *)&listener, NULL);
  uv_close((uv_handle_t *)&retry, NULL);
}
