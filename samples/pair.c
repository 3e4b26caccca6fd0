/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "pair.h"

#include "address.h"
#include "flow.h"
#include "message.h"

typedef struct pair_s {
  client_t client;
  weir_stream_t server;
  weir_op_t connecting;
  address_text_t name; /* the client's, for messages */
  flow_t up;           /* client to server */
  flow_t down;         /* server to client */
  int left;            /* flows, then streams, that are not over */
  char rings[];
} pair_t;

static pairs_t *common;

size_t pair_setup(pairs_t *pairs) {
  common = pairs;
  return sizeof(pair_t) + 2 * pairs->capacity;
}

/* ---- The end of a connection ---- */

static void on_closed(weir_stream_t *stream) {
  pair_t *pair = stream->data;
  if (--pair->left > 0)
    return;
  counts_add(&common->up, &pair->up.counts);
  counts_add(&common->down, &pair->down.counts);
  if (common->with_counts) {
    counts_print("connection up", &pair->up.counts);
    counts_print("connection down", &pair->down.counts);
  }
  server_forget(&pair->client);
}

/* A stream that is not connected has no reset. */
static void cut(weir_stream_t *stream) {
  if (weir_close_reset(stream, on_closed) != 0)
    weir_close(stream, on_closed);
}

void pair_cut(client_t *client) {
  pair_t *pair = (pair_t *)client;
  if (weir_is_closing(&client->stream))
    return;
  pair->left = 2;
  cut(&client->stream);
  cut(&pair->server);
}

static void on_flow_over(flow_t *flow) {
  static trouble_t reading, writing;
  pair_t *pair = flow->data;
  int reads = flow->source_failed;
  int at_client = (flow == &pair->up) == reads;
  if (weir_is_closing(&pair->client.stream))
    return;
  if (flow->status != 0) {
    complain_rarely(
        reads ? &reading : &writing, reads ? "read from" : "write to",
        at_client ? pair->name.text : address_text(&common->target).text,
        flow->status);
    pair_cut(&pair->client);
  } else if (--pair->left == 0) {
    pair->left = 2;
    weir_close(&pair->client.stream, on_closed);
    weir_close(&pair->server, on_closed);
  }
}

static int is_gone(const weir_stream_t *stream, const flow_t *from,
                   const flow_t *to) {
  struct sockaddr_storage addr;
  int len = sizeof addr;
  return from->read_status == UV_EOF && !to->ended &&
         weir_getpeername(stream, (struct sockaddr *)&addr, &len) != 0;
}

void pair_check(client_t *client) {
  static trouble_t trouble;
  pair_t *pair = (pair_t *)client;
  int client_is = is_gone(&client->stream, &pair->up, &pair->down);
  if (weir_is_closing(&client->stream) ||
      (!client_is && !is_gone(&pair->server, &pair->down, &pair->up)))
    return;
  complain_rarely(&trouble, "wait for",
                  client_is ? pair->name.text
                            : address_text(&common->target).text,
                  UV_ECONNRESET);
  pair_cut(client);
}

/* ---- The beginning ---- */

static void on_connected(weir_op_t *op, int status, size_t n) {
  static trouble_t trouble;
  pair_t *pair = op->data;
  (void)n;
  if (weir_is_closing(&pair->client.stream))
    return;
  if (status == 0)
    status = weir_tcp_nodelay(&pair->server, 1);
  if (status != 0) {
    complain_rarely(&trouble, "connect to", address_text(&common->target).text,
                    status);
    pair_cut(&pair->client);
    return;
  }
  flow_start(&pair->down, &pair->server);
  flow_connect(&pair->down, &pair->client.stream);
  flow_connect(&pair->up, &pair->server);
}

/* The client is read from at once: if it leaves, nobody needs the server. */
void pair_serve(client_t *client) {
  static trouble_t trouble;
  pair_t *pair = (pair_t *)client;
  flow_t flow = {.data = pair,
                 .ring = pair->rings,
                 .capacity = common->capacity,
                 .topup = common->topup,
                 .over = on_flow_over};
  pair->up = flow;
  flow.ring += common->capacity;
  pair->down = flow;
  pair->connecting.data = pair;
  pair->name = peer_text(&client->stream);
  pair->left = 2;
  int rc = weir_tcp_init(common->loop, &pair->server);
  if (rc != 0) {
    pair->left = 1;
    complain_rarely(&trouble, "cannot serve", pair->name.text, rc);
    cut(&client->stream);
    return;
  }
  pair->server.data = pair;
  rc = weir_tcp_nodelay(&client->stream, 1);
  if (rc == 0)
    rc = weir_tcp_connect(&pair->connecting, &pair->server,
                          (const struct sockaddr *)&common->target,
                          on_connected);
  if (rc != 0)
    on_connected(&pair->connecting, rc, 0);
  else
    flow_start(&pair->up, &client->stream);
}
