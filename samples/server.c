/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "server.h"

#include <stdlib.h>

#include <weir/loop.h>
#include <weir/serve.h>

#include "common.h"

static weir_stream_t listener;
static weir_server_t server;
static address_text_t where; /* for messages */
static int failure;          /* since the last connection; said already */
static client_t *clients;
static size_t client_size;
static client_cb serve_client;
static client_cb end_client; /* once the server is stopped */

static void add(client_t *client) {
  client->next = clients;
  client->link = &clients;
  if (clients != NULL)
    clients->link = &client->next;
  clients = client;
}

/* Memory for the next connection. Without any it waits in the backlog. */
static weir_stream_t *make(weir_server_t *unused) {
  client_t *client = malloc(client_size);
  (void)unused;
  return client != NULL ? &client->stream : NULL;
}

/* weir_serve tries again what failed, after a while. */
static void on_failure(client_t *client, int status) {
  static trouble_t trouble;
  free(client);
  if (weir_is_closing(&listener))
    return;
  if (failure == 0)
    complain_rarely(&trouble, "accept on", where.text, status);
  failure = status;
}

static void on_client(weir_server_t *unused, weir_stream_t *stream,
                      int status) {
  client_t *client = (client_t *)stream;
  (void)unused;
  if (status != 0) {
    on_failure(client, status);
    return;
  }
  failure = 0;
  client->stream.data = client;
  add(client);
  serve_client(client);
  if (end_client != NULL)
    end_client(client);
}

void server_forget(client_t *client) {
  *client->link = client->next;
  if (client->next != NULL)
    client->next->link = client->link;
  free(client);
}

void server_start(weir_loop_t *loop, const struct sockaddr_storage *addr,
                  size_t size, client_cb serve) {
  struct sockaddr_storage bound;
  int len = sizeof bound;
  int rc = weir_tcp_init(loop, &listener);
  if (rc == 0)
    rc = weir_tcp_bind(&listener, (const struct sockaddr *)addr, 0);
  if (rc == 0)
    rc = weir_listen(&listener, 511);
  if (rc == 0)
    rc = weir_getsockname(&listener, (struct sockaddr *)&bound, &len);
  if (rc != 0)
    fail(address_text(addr).text, rc);
  where = address_text(&bound);
  client_size = size;
  serve_client = serve;
  rc = weir_serve(&server, &listener, 0, make, on_client);
  if (rc != 0)
    fail(where.text, rc);
  print_listening(&bound);
}

/* As long as it accepts, it keeps uv_run going until it is closed. */
void server_run(weir_loop_t *loop) {
  uv_run(weir_loop_uv(loop), UV_RUN_DEFAULT);
  if (!weir_is_closing(&listener))
    fail(where.text, failure != 0 ? failure : UV_ECANCELED);
}

unsigned server_drain(void) {
  unsigned count = 0;
  weir_close(&listener, NULL);
  for (const client_t *client = clients; client != NULL; client = client->next)
    count++;
  return count;
}

void server_each(client_cb cb) {
  client_t *next;
  for (client_t *client = clients; client != NULL; client = next) {
    next = client->next;
    cb(client);
  }
}

void server_stop(client_cb end) {
  server_drain();
  end_client = end;
  server_each(end);
}

/* ---- A whole program ---- */

static client_cb end_each;

static void stop(void) {
  server_stop(end_each);
}

void server_main(const struct sockaddr_storage *addr, size_t size,
                 client_cb serve, client_cb end, int with_stats) {
  uv_loop_t uv;
  weir_loop_t *loop = open_loop(&uv);
  end_each = end;
  on_stop_signal(&uv, stop);
  server_start(loop, addr, size, serve);
  server_run(loop);
  if (with_stats)
    print_stats(loop);
  close_loop(&uv, loop);
}
