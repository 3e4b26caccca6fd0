/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* relay PORT TARGET: passes connections to one port on to another, in both
 * directions. docs/guide.md explains it. */

#include <stdio.h>
#include <stdlib.h>

#include <weir.h>

enum { BACKLOG = 511, RETRY_MS = 100, IDLE_MS = 300000 };

typedef struct client_s client_t;

/* One direction. */
typedef struct flow_s {
  client_t *client;
  weir_stream_t *source;
  weir_stream_t *sink;
  weir_op_t op;
  char buffer[32768];
} flow_t;

struct client_s {
  weir_stream_t stream;
  weir_stream_t server;
  int has_server;
  weir_op_t connecting;
  uv_timer_t idle;
  int left;  /* what has to be closed before the memory goes */
  int ended; /* flows */
  flow_t up;
  flow_t down;
};

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_stream_t listener;
static weir_op_t accepting;
static uv_timer_t retry;
static struct sockaddr_in target;
static int failing; /* said already, since the last connection */

/* ---- The end of a connection ---- */

static void release(client_t *c) {
  if (--c->left == 0)
    free(c);
}

static void on_closed(weir_stream_t *stream) {
  release(stream->data);
}

static void on_timer_closed(uv_handle_t *timer) {
  release(timer->data);
}

/* A reset, or an error of any kind, on one side becomes a reset on the other:
 * an end would make what has arrived look whole. A stream that never was
 * connected has no reset. */
static void close_one(weir_stream_t *stream, int status) {
  if (status == UV_EOF || weir_close_reset(stream, on_closed) != 0)
    weir_close(stream, on_closed);
}

static void end(client_t *c, int status) {
  if (weir_is_closing(&c->stream))
    return;
  uv_close((uv_handle_t *)&c->idle, on_timer_closed);
  close_one(&c->stream, status);
  if (c->has_server)
    close_one(&c->server, status);
}

/* A side that has gone without a word, or takes nothing any more. */
static void on_idle(uv_timer_t *timer) {
  end(timer->data, UV_ETIMEDOUT);
}

/* ---- One direction ---- */

static void on_read(weir_op_t *op, int status, size_t n);

/* The next read is begun when the write is done: a sink that is slow makes the
 * source slow, and nothing piles up here. */
static void on_written(weir_op_t *op, int status, size_t n) {
  flow_t *flow = op->data;
  weir_mseq_t room = weir_mseq_block(flow->buffer, sizeof flow->buffer);
  (void)n;
  if (status == 0)
    status = weir_read_some(op, flow->source, room, on_read);
  if (status == 0)
    uv_timer_start(&flow->client->idle, on_idle, IDLE_MS, 0);
  else
    end(flow->client, status);
}

/* The other direction goes on until it ends, too. */
static void on_ended(weir_op_t *op, int status, size_t n) {
  flow_t *flow = op->data;
  (void)n;
  if (status == 0 && ++flow->client->ended == 2)
    status = UV_EOF;
  if (status != 0)
    end(flow->client, status);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  flow_t *flow = op->data;
  weir_seq_t data = weir_seq_block(flow->buffer, n);
  if (status == 0)
    status = weir_write(op, flow->sink, data, on_written);
  else if (status == UV_EOF)
    status = weir_write_eof(op, flow->sink, data, on_ended);
  if (status == 0)
    uv_timer_start(&flow->client->idle, on_idle, IDLE_MS, 0);
  else
    end(flow->client, status);
}

static void begin(flow_t *flow, client_t *c, weir_stream_t *source,
                  weir_stream_t *sink) {
  flow->client = c;
  flow->source = source;
  flow->sink = sink;
  flow->op.data = flow;
  on_written(&flow->op, 0, 0);
}

/* ---- A connection ---- */

static void on_connected(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  if (status != 0) {
    end(c, status);
    return;
  }
  begin(&c->up, c, &c->stream, &c->server);
  begin(&c->down, c, &c->server, &c->stream);
}

/* Until the target has answered nothing is read from the client. */
static void serve(client_t *c) {
  int r = weir_tcp_init(loop, &c->server);
  c->has_server = r == 0;
  c->left = 2 + c->has_server;
  c->ended = 0;
  c->stream.data = c;
  c->server.data = c;
  c->connecting.data = c;
  c->idle.data = c;
  uv_timer_init(&uv, &c->idle);
  if (r == 0)
    r = weir_tcp_connect(&c->connecting, &c->server, (struct sockaddr *)&target,
                         on_connected);
  if (r == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, r);
}

/* ---- Accepting ---- */

static void on_accepted(weir_op_t *op, int status, size_t n);
static void accept_later(int status);

static void accept_next(uv_timer_t *timer) {
  client_t *c = malloc(sizeof *c);
  int r = UV_ENOMEM;
  (void)timer;
  accepting.data = c;
  if (c != NULL)
    r = weir_accept(&accepting, &listener, &c->stream, on_accepted);
  if (r != 0) {
    free(c);
    accept_later(r);
  }
}

/* No descriptors or no memory: the connection waits in the backlog, and to ask
 * at once would be to spin. */
static void accept_later(int status) {
  if (!failing)
    fprintf(stderr, "accept: %s\n", uv_strerror(status));
  failing = 1;
  uv_timer_start(&retry, accept_next, RETRY_MS, 0);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  if (status != 0) {
    free(c);
    accept_later(status);
    return;
  }
  failing = 0;
  serve(c);
  accept_next(&retry);
}

/* ---- The program ---- */

static void must(int r, const char *what) {
  if (r >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(r));
  exit(1);
}

static void start(int port) {
  struct sockaddr_in addr;
  int len = sizeof addr;
  must(uv_ip4_addr("127.0.0.1", port, &addr), "address");
  must(uv_loop_init(&uv), "loop");
  must(weir_loop_attach(&uv, NULL, &loop), "attach");
  must(uv_timer_init(&uv, &retry), "timer");
  must(weir_tcp_init(loop, &listener), "listener");
  must(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), "bind");
  must(weir_listen(&listener, BACKLOG), "listen");
  must(weir_getsockname(&listener, (struct sockaddr *)&addr, &len), "name");
  printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
  fflush(stdout);
  accept_next(&retry);
}

/* -1 if it is none. */
static int port_of(const char *word) {
  char *end;
  long port = strtol(word, &end, 10);
  return *end == '\0' && port >= 0 && port <= 65535 ? (int)port : -1;
}

int main(int argc, char **argv) {
  int port = argc == 3 ? port_of(argv[1]) : -1;
  int to = argc == 3 ? port_of(argv[2]) : -1;
  if (port < 0 || to < 0) {
    fprintf(stderr, "usage: relay PORT TARGET\n");
    return 2;
  }
  must(uv_ip4_addr("127.0.0.1", to, &target), "address");
  start(port);
  return uv_run(&uv, UV_RUN_DEFAULT);
}
