/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* demux PORT WORDS OTHERS: passes a connection that begins with a letter, as
 * HTTP does, on to port WORDS, and any other, as TLS, to port OTHERS.
 * docs/porting.md explains it. */

#include <ctype.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir.h>

enum { BACKLOG = 511, MOST = 1000, IDLE_MS = 300000, RING = 65536 };

/* A peer, and the relay of what it says to the other one. */
typedef struct side_s {
  weir_stream_t stream;
  weir_relay_t relay;
  weir_deadline_t reading;
  weir_deadline_t writing;
} side_t;

typedef struct client_s {
  side_t in;
  side_t out;
  weir_op_t op;  /* the first read, the connect */
  size_t first;  /* bytes of the first read */
  int ended;     /* relays */
  int left;      /* streams that have to be closed */
  char up[RING]; /* at first for the first read */
  char down[RING];
} client_t;

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_stream_t listener;
static weir_server_t server;
static uv_signal_t signals[2];
static struct sockaddr_in words;
static struct sockaddr_in others;
static int failing; /* said already, since the last connection */

/* ---- The end of a connection ---- */

static void on_closed(weir_stream_t *stream) {
  client_t *c = stream->data;
  if (--c->left > 0)
    return;
  free(c);
  weir_serve_gone(&server);
}

/* What is no end on one side must not look like one on the other. */
static void close_one(weir_stream_t *stream, int status) {
  if (status == UV_EOF || weir_close_reset(stream, on_closed) != 0)
    weir_close(stream, on_closed);
}

static void end(client_t *c, int status) {
  if (weir_is_closing(&c->in.stream))
    return;
  close_one(&c->in.stream, status);
  close_one(&c->out.stream, status);
}

/* ---- Idle connections ---- */

static int limit(side_t *side) {
  int r = weir_deadline_read(&side->reading, &side->stream, IDLE_MS);
  return r != 0 ? r
                : weir_deadline_write(&side->writing, &side->stream, IDLE_MS);
}

/* As long as one direction moves, the other may rest. */
static void put_off(client_t *c) {
  weir_deadline_again(&c->in.reading, IDLE_MS);
  weir_deadline_again(&c->in.writing, IDLE_MS);
  weir_deadline_again(&c->out.reading, IDLE_MS);
  weir_deadline_again(&c->out.writing, IDLE_MS);
}

/* ---- Both directions ---- */

static void on_moved(weir_relay_t *relay, size_t n) {
  (void)n;
  put_off(relay->data);
}

/* The other direction goes on until it ends, too. */
static void on_over(weir_relay_t *relay, int status) {
  client_t *c = relay->data;
  if (status == 0 && ++c->ended == 2)
    status = UV_EOF;
  if (status != 0)
    end(c, status);
}

static int pass_on(client_t *c, side_t *from, side_t *to, char *ring,
                   size_t held) {
  weir_relay_options_t options = {.size = sizeof options,
                                  .ring = ring,
                                  .capacity = RING,
                                  .held = held,
                                  .progress = on_moved};
  from->relay.data = c;
  return weir_relay_start(&from->relay, &from->stream, &to->stream, &options,
                          on_over);
}

/* ---- The beginning ---- */

static void on_connected(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  if (status == 0)
    status = limit(&c->out);
  if (status == 0)
    status = pass_on(c, &c->in, &c->out, c->up, c->first);
  if (status == 0)
    status = pass_on(c, &c->out, &c->in, c->down, 0);
  if (status != 0)
    end(c, status);
}

static void on_first(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  const struct sockaddr_in *target = &others;
  c->first = n;
  if (status == 0) {
    if (isalpha((unsigned char)c->up[0]))
      target = &words;
    status = weir_tcp_connect(op, &c->out.stream,
                              (const struct sockaddr *)target, on_connected);
  }
  if (status == 0)
    status = weir_deadline_op(&c->out.reading, op, IDLE_MS);
  if (status != 0)
    end(c, status);
}

static void serve(client_t *c) {
  weir_mseq_t room = weir_mseq_block(c->up, RING);
  int r = weir_tcp_init(loop, &c->out.stream);
  c->left = r == 0 ? 2 : 1;
  c->in.stream.data = c;
  c->out.stream.data = c;
  c->op.data = c;
  if (r != 0) {
    weir_close(&c->in.stream, on_closed);
    return;
  }
  r = limit(&c->in);
  if (r == 0)
    r = weir_read_some(&c->op, &c->in.stream, room, on_first);
  if (r != 0)
    end(c, r);
}

/* ---- Accepting ---- */

static weir_stream_t *make(weir_server_t *s) {
  client_t *c = malloc(sizeof *c);
  (void)s;
  if (c == NULL)
    return NULL;
  memset(c, 0, offsetof(client_t, up));
  return &c->in.stream;
}

/* What failed is tried again by weir_serve, after a while. */
static void on_client(weir_server_t *s, weir_stream_t *stream, int status) {
  client_t *c = (client_t *)stream;
  (void)s;
  if (status == 0) {
    failing = 0;
    serve(c);
    return;
  }
  free(c);
  if (!failing && status != UV_ECANCELED)
    fprintf(stderr, "accept: %s\n", uv_strerror(status));
  failing = 1;
}

/* ---- The program ---- */

/* Connections are cut: their relays end with UV_ECANCELED. uv_run returns when
 * nothing is left. */
static void on_signal(uv_signal_t *signal, int number) {
  (void)signal;
  (void)number;
  uv_close((uv_handle_t *)&signals[0], NULL);
  uv_close((uv_handle_t *)&signals[1], NULL);
  if (weir_loop_shutdown(loop, NULL, NULL) != 0)
    abort();
}

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
  for (int i = 0; i < 2; i++) {
    must(uv_signal_init(&uv, &signals[i]), "signal");
    must(uv_signal_start(&signals[i], on_signal, i == 0 ? SIGINT : SIGTERM),
         "signal");
  }
  must(weir_tcp_init(loop, &listener), "listener");
  must(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), "bind");
  must(weir_listen(&listener, BACKLOG), "listen");
  must(weir_serve(&server, &listener, MOST, make, on_client), "serve");
  must(weir_getsockname(&listener, (struct sockaddr *)&addr, &len), "name");
  printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
  fflush(stdout);
}

/* -1 if it is none. */
static int port_of(const char *word) {
  char *rest;
  long port = strtol(word, &rest, 10);
  return *rest == '\0' && port >= 0 && port <= 65535 ? (int)port : -1;
}

int main(int argc, char **argv) {
  int ports[3] = {-1, -1, -1};
  for (int i = 0; i < 3 && argc == 4; i++)
    ports[i] = port_of(argv[1 + i]);
  if (ports[0] < 0 || ports[1] < 0 || ports[2] < 0) {
    fprintf(stderr, "usage: demux PORT WORDS OTHERS\n");
    return 2;
  }
  must(uv_ip4_addr("127.0.0.1", ports[1], &words), "address");
  must(uv_ip4_addr("127.0.0.1", ports[2], &others), "address");
  start(ports[0]);
  uv_run(&uv, UV_RUN_DEFAULT);
  must(uv_loop_close(&uv), "close");
  return 0;
}
