/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* An echo server: what comes in on a connection goes out on it again. server.c
 * accepts the connections. */

#include <weir.h>

#include "common.h"
#include "server.h"

static const char help[] =
    "usage: echo --listen HOST:PORT [--stats]\n"
    "Sends back what it receives on TCP connections.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --stats             at the end, print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

/* A connection reads or writes, never both, so that one operation and one
 * buffer will do. */
typedef struct connection_s {
  client_t client;
  weir_op_t op;
  char buffer[65536];
} connection_t;

static void on_read(weir_op_t *op, int status, size_t n);
static void on_written(weir_op_t *op, int status, size_t n);

static void on_closed(weir_stream_t *stream) {
  server_forget(stream->data);
}

/* What was taken and not sent back, or not even taken, is lost with the
 * connection: the peer shall not take what it has for all. */
static void cut(client_t *client) {
  if (weir_close_reset(&client->stream, on_closed) != 0)
    weir_close(&client->stream, on_closed);
}

static void end(client_t *client) {
  if (weir_stream_queued(&client->stream) != 0)
    cut(client);
  else
    weir_close(&client->stream, on_closed);
}

static void receive(connection_t *c) {
  weir_mseq_t room = weir_mseq_block(c->buffer, sizeof c->buffer);
  if (weir_read_some(&c->op, &c->client.stream, room, on_read) != 0)
    cut(&c->client);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  weir_seq_t data = weir_seq_block(c->buffer, n);
  if (status == 0)
    status = weir_write(op, &c->client.stream, data, on_written);
  if (status == UV_EOF) /* the peer is done */
    end(&c->client);
  else if (status != 0)
    cut(&c->client);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  (void)n; /* all of it, when status is 0 */
  if (status == 0)
    receive(c);
  else
    cut(&c->client);
}

static void serve(client_t *client) {
  connection_t *c = (connection_t *)client;
  c->op.data = c;
  if (weir_tcp_nodelay(&client->stream, 1) != 0)
    cut(client);
  else
    receive(c);
}

int main(int argc, char **argv) {
  const char *listen_word = NULL;
  int with_stats = 0;
  const option_t options[] = {{"--listen", NULL, &listen_word},
                              {"--stats", &with_stats, NULL},
                              {NULL, NULL, NULL}};
  struct sockaddr_storage addr;

  parse_options(argc, argv, help, options, 0);
  parse_listen_address("--listen", listen_word, &addr);
  server_main(&addr, sizeof(connection_t), serve, end, with_stats);
  return 0;
}
