/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* orderly PORT: the server of lines.c, which ends in order when it is asked to.
 * docs/guide.md explains it. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir.h>

enum { BACKLOG = 511, RETRY_MS = 100, IDLE_MS = 60000, GRACE_MS = 10000 };

typedef struct client_s client_t;
struct client_s {
  weir_stream_t stream;
  weir_op_t op;
  uv_timer_t idle;
  int left;    /* what has to be closed before the memory goes */
  int reading; /* a line is waited for */
  client_t *next;
  client_t **link;
  weir_buffer_t buffer;
  size_t line; /* bytes of the line that is being answered */
  char length[32];
  char storage[65536]; /* the longest line */
};

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_stream_t listener;
static weir_op_t accepting;
static uv_timer_t retry;
static uv_signal_t signals[2];
static uv_timer_t deadline;
static client_t *clients;
static int stopping;
static int failing; /* said already, since the last connection */

/* ---- The end of a connection ---- */

static void release(client_t *c) {
  if (--c->left > 0)
    return;
  *c->link = c->next;
  if (c->next != NULL)
    c->next->link = c->link;
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

/* ---- The last words ---- */

/* To close while there is something to be read would be a reset, which takes
 * away what we have said from a peer that has not read it yet. So the peer's
 * end is waited for, but no longer than the timer runs that is running. */
static void on_rest(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_mseq_t room = weir_mseq_block(c->storage, sizeof c->storage);
  (void)n;
  if (status == 0)
    status = weir_read_some(op, &c->stream, room, on_rest);
  if (status != 0)
    end(c, status);
}

static void finish(client_t *c, const char *words) {
  weir_seq_t seq = weir_seq_block(words, strlen(words));
  int r = weir_write_eof(&c->op, &c->stream, seq, on_rest);
  if (r != 0)
    end(c, r);
}

/* ---- A connection ---- */

static void next_line(client_t *c);

/* Only now may the bytes of the line go: they were sent from where they are. */
static void on_answered(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  weir_buffer_consume(&c->buffer, c->line);
  if (status != 0)
    end(c, status);
  else if (stopping)
    finish(c, "");
  else
    next_line(c);
}

/* Two segments, one of them in the buffer. The array is on the stack: what the
 * call is given is copied, but for the bytes themselves. */
static void on_line(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_seq_t parts[2];
  c->reading = 0;
  if (status == UV_ENOBUFS || (status == UV_ECANCELED && stopping)) {
    finish(c, status == UV_ENOBUFS ? "too long\n" : "");
    return;
  }
  if (status == 0) {
    int len = snprintf(c->length, sizeof c->length, "%zu ", n - 1);
    c->line = n;
    parts[0] = weir_seq_block(c->length, (size_t)len);
    parts[1] = weir_seq_prefix(weir_buffer_data(&c->buffer), n);
    status = weir_write(op, &c->stream, weir_seq_concat(parts, 2), on_answered);
  }
  if (status == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, status); /* UV_EOF: what is held then is no whole line */
}

static void next_line(client_t *c) {
  int r = weir_read_until(&c->op, &c->stream, &c->buffer, weir_until_byte('\n'),
                          on_line);
  c->reading = r == 0;
  if (r == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, r);
}

static void serve(client_t *c) {
  int r = weir_tcp_nodelay(&c->stream, 1);
  c->left = 2;
  c->reading = 0;
  c->next = clients;
  c->link = &clients;
  if (clients != NULL)
    clients->link = &c->next;
  clients = c;
  c->stream.data = c;
  c->op.data = c;
  c->idle.data = c;
  uv_timer_init(&uv, &c->idle);
  weir_flat_init_fixed(&c->buffer, c->storage, sizeof c->storage);
  if (r == 0)
    next_line(c);
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
    if (!stopping)
      accept_later(status);
    return;
  }
  failing = 0;
  serve(c);
  if (stopping)
    end(c, UV_EOF);
  else
    accept_next(&retry);
}

/* ---- The end of it all ---- */

static void cut(uv_timer_t *timer) {
  client_t *c;
  (void)timer;
  for (c = clients; c != NULL; c = c->next)
    end(c, UV_ETIMEDOUT);
}

/* Nobody new; who is being answered gets his answer, and who has asked nothing
 * sees the end. A line that has just come is answered: to cancel is to ask. */
static void stop(uv_signal_t *handle, int number) {
  client_t *c;
  (void)handle;
  (void)number;
  if (stopping) { /* asked again */
    cut(&deadline);
    return;
  }
  stopping = 1;
  weir_close(&listener, NULL);
  uv_close((uv_handle_t *)&retry, NULL);
  uv_timer_start(&deadline, cut, GRACE_MS, 0);
  for (c = clients; c != NULL; c = c->next)
    if (c->reading && !weir_is_closing(&c->stream))
      weir_cancel(&c->op);
}

/* ---- The program ---- */

static void must(int r, const char *what) {
  if (r >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(r));
  exit(1);
}

/* They keep no loop going: what does is the connections. */
static void watch(void) {
  static const int numbers[2] = {SIGINT, SIGTERM};
  int i;
  for (i = 0; i < 2; i++) {
    must(uv_signal_init(&uv, &signals[i]), "signal");
    must(uv_signal_start(&signals[i], stop, numbers[i]), "signal");
    uv_unref((uv_handle_t *)&signals[i]);
  }
  must(uv_timer_init(&uv, &deadline), "timer");
  uv_unref((uv_handle_t *)&deadline);
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
  watch();
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
    fprintf(stderr, "usage: orderly PORT\n");
    return 2;
  }
  start(port);
  uv_run(&uv, UV_RUN_DEFAULT);

  uv_close((uv_handle_t *)&signals[0], NULL);
  uv_close((uv_handle_t *)&signals[1], NULL);
  uv_close((uv_handle_t *)&deadline, NULL);
  must(weir_loop_detach(loop, NULL), "detach");
  uv_run(&uv, UV_RUN_DEFAULT);
  must(uv_loop_close(&uv), "close");
  return 0;
}
