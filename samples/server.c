/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "server.h"

#include <stdlib.h>

#include <weir/loop.h>

#include "address.h"
#include "message.h"

enum { RETRY_MS = 100 };

static weir_stream_t listener;
static weir_op_t accepting;
static uv_timer_t retry;
static address_text_t where; /* for messages */
static int failing;          /* since the last connection; said already */
static client_t *clients;
static size_t client_size;
static client_cb serve_client;
static client_cb end_client; /* once the server is stopped */

static void on_accepted(weir_op_t *op, int status, size_t n);

static void accept_later(int error);

/* weir_accept takes the next connection into memory that we provide. Until it
 * is called again, further ones wait in the listener's backlog. */
static void accept_next(uv_timer_t *timer) {
  client_t *client = malloc(client_size);
  int rc = UV_ENOMEM;
  (void)timer;
  accepting.data = client;
  if (client != NULL)
    rc = weir_accept(&accepting, &listener, &client->stream, on_accepted);
  if (rc == 0)
    return;
  /* Refused at once: the loop is at its end, as with a ring that cannot be
   * entered any more. */
  if (client != NULL)
    fail(where.text, rc);
  accept_later(rc);
}

/* The connection is still in the backlog: to try at once would be to spin. The
 * timer also keeps uv_run going, which has nothing else to wait for when this
 * is the first connection. */
static void accept_later(int error) {
  static trouble_t trouble;
  if (!failing)
    complain_rarely(&trouble, "accept on", where.text, error);
  failing = 1;
  uv_timer_start(&retry, accept_next, RETRY_MS, 0);
}

static void add(client_t *client) {
  client->next = clients;
  client->link = &clients;
  if (clients != NULL)
    clients->link = &client->next;
  clients = client;
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  client_t *client = op->data;
  (void)n;
  if (status != 0) {
    free(client);
    if (!weir_is_closing(&listener))
      accept_later(status);
    return;
  }
  client->stream.data = client;
  add(client);
  failing = 0;
  serve_client(client);
  if (end_client != NULL)
    end_client(client);
  if (!weir_is_closing(&listener))
    accept_next(&retry);
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
    rc = uv_timer_init(weir_loop_uv(loop), &retry);
  if (rc == 0)
    rc = weir_tcp_bind(&listener, (const struct sockaddr *)addr, 0);
  if (rc == 0)
    rc = weir_listen(&listener, 511);
  if (rc == 0)
    rc = weir_getsockname(&listener, (struct sockaddr *)&bound, &len);
  if (rc != 0)
    fail(address_text(addr).text, rc);
  print_listening(&bound);
  where = address_text(&bound);
  client_size = size;
  serve_client = serve;
  accept_next(&retry);
}

unsigned server_drain(void) {
  unsigned count = 0;
  if (weir_close(&listener, NULL) == 0)
    uv_close((uv_handle_t *)&retry, NULL);
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
