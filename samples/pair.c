/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "pair.h"

#include <string.h>

#include <weir/deadline.h>
#include <weir/relay.h>

#include "address.h"
#include "message.h"

typedef struct pair_s {
  client_t client;
  weir_stream_t server;
  weir_op_t connecting;
  address_text_t name; /* the client's, for messages */
  weir_relay_t up;     /* client to server */
  weir_relay_t down;   /* server to client */
  int up_runs, down_runs;
  int left; /* relays, then streams, that are not over */
  weir_deadline_t idle[4];
  char rings[];
} pair_t;

static pairs_t *common;

size_t pair_setup(pairs_t *pairs) {
  common = pairs;
  return sizeof(pair_t) + 2 * pairs->capacity;
}

static weir_relay_info_t info_of(const weir_relay_t *relay) {
  weir_relay_info_t info;
  weir_relay_info(relay, &info, sizeof info);
  return info;
}

/* ---- The end of a connection ---- */

static void count(const weir_relay_t *relay, counts_t *total,
                  const char *what) {
  weir_relay_info_t info = info_of(relay);
  counts_t counts = {info.bytes_written, info.reads, info.writes,
                     info.short_writes, info.bytes_spliced};
  counts_add(total, &counts);
  if (common->with_counts)
    counts_print(what, &counts);
}

static void on_closed(weir_stream_t *stream) {
  pair_t *pair = stream->data;
  if (--pair->left > 0)
    return;
  count(&pair->up, &common->up, "connection up");
  count(&pair->down, &common->down, "connection down");
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
  if (pair->up_runs)
    weir_relay_stop(&pair->up);
  if (pair->down_runs)
    weir_relay_stop(&pair->down);
  pair->left = 2;
  cut(&client->stream);
  cut(&pair->server);
}

/* The source failed, or the sink. */
static void broke(pair_t *pair, const weir_relay_t *relay, int status) {
  static trouble_t reading, writing;
  int reads = info_of(relay).write_status == 0;
  int at_client = (relay == &pair->up) == reads;
  complain_rarely(
      reads ? &reading : &writing, reads ? "read from" : "write to",
      at_client ? pair->name.text : address_text(&common->target).text, status);
  pair_cut(&pair->client);
}

static void on_over(weir_relay_t *relay, int status) {
  pair_t *pair = relay->data;
  *(relay == &pair->up ? &pair->up_runs : &pair->down_runs) = 0;
  if (weir_is_closing(&pair->client.stream))
    return;
  if (status != 0) {
    broke(pair, relay, status);
  } else if (--pair->left == 0) {
    pair->left = 2;
    weir_close(&pair->client.stream, on_closed);
    weir_close(&pair->server, on_closed);
  }
}

/* ---- Looking after it ---- */

static int is_gone(const weir_stream_t *stream, const weir_relay_t *from,
                   const weir_relay_t *to) {
  struct sockaddr_storage addr;
  int len = sizeof addr;
  return info_of(from).read_status == UV_EOF &&
         info_of(to).write_status != UV_EOF &&
         weir_getpeername(stream, (struct sockaddr *)&addr, &len) != 0;
}

void pair_check(client_t *client) {
  static trouble_t trouble;
  pair_t *pair = (pair_t *)client;
  if (weir_is_closing(&client->stream))
    return;
  int client_is = is_gone(&client->stream, &pair->up, &pair->down);
  if (!client_is && !is_gone(&pair->server, &pair->down, &pair->up))
    return;
  complain_rarely(&trouble, "wait for",
                  client_is ? pair->name.text
                            : address_text(&common->target).text,
                  UV_ECONNRESET);
  pair_cut(client);
}

/* ---- Idleness ---- */

/* The first or the second two deadlines are those of a stream's reads and
 * writes. */
static int limit(weir_deadline_t idle[2], weir_stream_t *stream) {
  uint64_t ms = common->idle * UINT64_C(1000);
  if (ms == 0)
    return 0;
  int rc = weir_deadline_read(&idle[0], stream, ms);
  return rc != 0 ? rc : weir_deadline_write(&idle[1], stream, ms);
}

/* What moves in either direction puts all of them off. */
static void on_progress(weir_relay_t *relay, size_t n) {
  pair_t *pair = relay->data;
  (void)n;
  for (int i = 0; i < 4; i++)
    if (weir_deadline_is_set(&pair->idle[i]))
      weir_deadline_again(&pair->idle[i], common->idle * UINT64_C(1000));
}

/* ---- The beginning ---- */

/* To the client, or to the server as soon as that is connected. */
static int start(pair_t *pair, weir_relay_t *relay, weir_stream_t *sink) {
  int up = relay == &pair->up;
  weir_relay_options_t options = {
      .size = sizeof options,
      .ring = pair->rings + (up ? 0 : common->capacity),
      .capacity = common->capacity,
      .progress = common->idle > 0 ? on_progress : NULL,
      .flags = common->flags};
  relay->data = pair;
  int rc = weir_relay_start(relay, up ? &pair->client.stream : &pair->server,
                            sink, &options, on_over);
  *(up ? &pair->up_runs : &pair->down_runs) = rc == 0;
  return rc;
}

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
  status = start(pair, &pair->down, &pair->client.stream);
  if (status == 0)
    status = weir_relay_set_sink(&pair->up, &pair->server);
  if (status == 0)
    status = limit(pair->idle + 2, &pair->server);
  if (status != 0)
    broke(pair, &pair->down, status);
}

/* The client is read from at once: if it leaves, nobody needs the server. */
void pair_serve(client_t *client) {
  static trouble_t trouble;
  pair_t *pair = (pair_t *)client;
  memset(&pair->server, 0, sizeof *pair - offsetof(pair_t, server));
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
  if (rc == 0)
    rc = start(pair, &pair->up, NULL);
  if (rc == 0)
    rc = limit(pair->idle, &client->stream);
  if (rc != 0)
    on_connected(&pair->connecting, rc, 0);
}
