/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* echo PORT: sends back what it receives. docs/guide.md explains it. */

#include <stdio.h>
#include <stdlib.h>

#include <weir.h>

enum { BACKLOG = 511, RETRY_MS = 100, IDLE_MS = 60000 };

/* A connection reads or writes, never both: one operation and one buffer do. */
typedef struct client_s {
  weir_stream_t stream;
  weir_op_t op;
  uv_timer_t idle;
  int left; /* what has to be closed before the memory goes */
  char buffer[65536];
} client_t;

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_stream_t listener;
static weir_op_t accepting;
static uv_timer_t retry;
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

/* Behind anything but the peer's own end something is lost, and the peer must
 * not take what it has for all: it sees a reset. */
static void end(client_t *c, int status) {
  if (weir_is_closing(&c->stream))
    return;
  uv_close((uv_handle_t *)&c->idle, on_timer_closed);
  if (status == UV_EOF || weir_close_reset(&c->stream, on_closed) != 0)
    weir_close(&c->stream, on_closed);
}

/* Whoever is silent for so long, or takes nothing, may be gone for good. */
static void on_idle(uv_timer_t *timer) {
  end(timer->data, UV_ETIMEDOUT);
}

/* ---- A connection ---- */

static void on_read(weir_op_t *op, int status, size_t n);

static void on_written(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_mseq_t room = weir_mseq_block(c->buffer, sizeof c->buffer);
  (void)n; /* all of it, when status is 0 */
  if (status == 0)
    status = weir_read_some(op, &c->stream, room, on_read);
  if (status == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, status);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_seq_t data = weir_seq_block(c->buffer, n);
  if (status == 0)
    status = weir_write(op, &c->stream, data, on_written);
  if (status == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, status); /* UV_EOF: the peer has ended */
}

static void serve(client_t *c) {
  c->left = 2;
  c->stream.data = c;
  c->op.data = c;
  c->idle.data = c;
  uv_timer_init(&uv, &c->idle);
  on_written(&c->op, 0, 0);
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
  int port = argc == 2 ? port_of(argv[1]) : -1;
  if (port < 0) {
    fprintf(stderr, "usage: echo PORT\n");
    return 2;
  }
  start(port);
  return uv_run(&uv, UV_RUN_DEFAULT);
}
