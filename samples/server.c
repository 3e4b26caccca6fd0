/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "server.h"

#include <stdlib.h>

#include "common.h"

static weir_stream_t listener;
static weir_op_t accepting;
static client_t *clients;
static size_t client_size;
static client_cb serve_client;
static int stalled; /* accept again when a client is gone */

static void on_accepted(weir_op_t *op, int status, size_t n);

/* weir_accept takes the next connection into memory that we provide. Until it
 * is called again, further ones wait in the listener's backlog. */
static void accept_next(void) {
  client_t *client = malloc(client_size);
  int rc = UV_ENOMEM;
  accepting.data = client;
  if (client != NULL)
    rc = weir_accept(&accepting, &listener, &client->stream, on_accepted);
  if (rc != 0) {
    complain("accept", rc);
    free(client);
  }
  stalled = rc != 0;
}

static void add(client_t *client) {
  client->next = clients;
  client->link = &clients;
  if (clients != NULL)
    clients->link = &client->next;
  clients = client;
}

static void on_refused_closed(weir_stream_t *stream) {
  free(stream->data);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  client_t *client = op->data;
  (void)n;
  if (status != 0) {
    free(client);
    if (status == UV_ECANCELED)
      return;
    complain("accept", status);
    /* Out of descriptors: the connection stays in the backlog until one is
     * free again. */
    stalled = status == UV_EMFILE || status == UV_ENFILE;
    if (!stalled || clients == NULL)
      accept_next();
    return;
  }
  client->stream.data = client;
  if (weir_is_closing(&listener)) {
    weir_close(&client->stream, on_refused_closed);
    return;
  }
  add(client);
  serve_client(client);
  accept_next();
}

void server_forget(client_t *client) {
  *client->link = client->next;
  if (client->next != NULL)
    client->next->link = client->link;
  free(client);
  if (stalled && !weir_is_closing(&listener))
    accept_next();
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
  print_listening(&bound);
  client_size = size;
  serve_client = serve;
  accept_next();
}

void server_stop(client_cb end) {
  client_t *next;
  weir_close(&listener, NULL);
  for (client_t *client = clients; client != NULL; client = next) {
    next = client->next;
    end(client);
  }
}
