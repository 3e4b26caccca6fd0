/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A TCP relay: two flows for each connection. server.c accepts; flow.c moves
 * the bytes, with top-up; here is what connects the two. */

#include <weir.h>

#include "common.h"
#include "flow.h"
#include "server.h"

static const char help[] =
    "usage: relay --listen HOST:PORT --connect HOST:PORT [--no-topup]\n"
    "             [--buffer BYTES] [--stats]\n"
    "Passes TCP connections on to another address, in both directions.\n"
    "  --listen HOST:PORT   address to listen on; port 0 picks a free one\n"
    "  --connect HOST:PORT  address that each connection is passed on to\n"
    "  --no-topup           read only when all that was read is written\n"
    "  --buffer BYTES       for each direction; default 256K\n"
    "  --stats              print lines for each connection and the loop, too\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

typedef struct pair_s {
  client_t client;
  weir_stream_t server;
  weir_op_t connecting;
  flow_t up;   /* client to server */
  flow_t down; /* server to client */
  int left;    /* flows, then streams, that are not over */
  char rings[];
} pair_t;

static weir_loop_t *weir;
static struct sockaddr_storage target;
static size_t capacity = 256 << 10;
static int no_topup;
static int with_stats;
static flow_counts_t total_up;
static flow_counts_t total_down;

/* ---- The end of a connection ---- */

static void on_closed(weir_stream_t *stream) {
  pair_t *pair = stream->data;
  if (--pair->left > 0)
    return;
  flow_add_counts(&total_up, &pair->up.counts);
  flow_add_counts(&total_down, &pair->down.counts);
  if (with_stats) {
    flow_print_counts("connection up", &pair->up.counts);
    flow_print_counts("connection down", &pair->down.counts);
  }
  server_forget(&pair->client);
}

static void end(client_t *client) {
  pair_t *pair = (pair_t *)client;
  if (weir_is_closing(&client->stream))
    return;
  pair->left = 2;
  weir_close(&client->stream, on_closed);
  weir_close(&pair->server, on_closed);
}

static void on_flow_over(flow_t *flow) {
  pair_t *pair = flow->data;
  if (weir_is_closing(&pair->server))
    return;
  if (flow->status != 0)
    complain(flow->source_failed ? "read" : "write", flow->status);
  /* When a sink fails, what came from it goes its way to the end. */
  if (--pair->left == 0 || flow->source_failed)
    end(&pair->client);
}

/* ---- The beginning ---- */

static void on_connected(weir_op_t *op, int status, size_t n) {
  pair_t *pair = op->data;
  weir_stream_t *client = &pair->client.stream;
  weir_stream_t *server = &pair->server;
  (void)n;
  if (status == 0)
    status = weir_tcp_nodelay(client, 1);
  if (status == 0)
    status = weir_tcp_nodelay(server, 1);
  if (status != 0) {
    if (status != UV_ECANCELED)
      complain(address_text(&target).text, status);
    end(&pair->client);
    return;
  }
  pair->left = 2;
  flow_start(&pair->up, client, server);
  flow_start(&pair->down, server, client);
}

static void serve(client_t *client) {
  pair_t *pair = (pair_t *)client;
  flow_t flow = {.data = pair,
                 .ring = pair->rings,
                 .capacity = capacity,
                 .topup = !no_topup,
                 .over = on_flow_over};
  pair->up = flow;
  flow.ring += capacity;
  pair->down = flow;
  pair->connecting.data = pair;
  int rc = weir_tcp_init(weir, &pair->server);
  if (rc != 0)
    fail("cannot make a stream", rc);
  pair->server.data = pair;
  rc = weir_tcp_connect(&pair->connecting, &pair->server,
                        (const struct sockaddr *)&target, on_connected);
  if (rc != 0)
    on_connected(&pair->connecting, rc, 0);
}

static void stop(void) {
  server_stop(end);
}

int main(int argc, char **argv) {
  const char *from = NULL, *to = NULL, *buffer = NULL;
  const option_t options[] = {
      {"--listen", NULL, &from},       {"--connect", NULL, &to},
      {"--no-topup", &no_topup, NULL}, {"--buffer", NULL, &buffer},
      {"--stats", &with_stats, NULL},  {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  uv_loop_t uv;

  parse_options(argc, argv, help, options, 0);
  parse_address("--listen", from, &addr);
  parse_address("--connect", to, &target);
  if (buffer != NULL)
    capacity = parse_bytes("--buffer", buffer);
  weir = open_loop(&uv);
  on_stop_signal(&uv, stop);
  server_start(weir, &addr, sizeof(pair_t) + 2 * capacity, serve);
  uv_run(&uv, UV_RUN_DEFAULT);
  flow_print_counts("total up", &total_up);
  flow_print_counts("total down", &total_down);
  if (with_stats)
    print_stats(weir);
  close_loop(&uv, weir);
  return 0;
}
