/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bench/calls.h"
#include "support/net.h"
#include "support/script.h"

/* A server that sends each line of one sender to all clients and cuts those
 * with too much queued, on weir and on plain libuv.
 *
 * Nothing depends on time. The sender has always more, and the clients that
 * read have taken all that the system holds for them before the next few lines
 * are sent. So they are never slow, and look so only if the server keeps back
 * what could go. */

enum {
  READERS = 30,
  STUCK = 3, /* that read nothing */
  CLIENTS = READERS + STUCK,
  LINE = 512,
  LINES = 2048,
  BYTES = LINE * LINES,
  LIMIT = 256 * 1024, /* a client with more queued is cut */
  READ = 64 * 1024,   /* most bytes of one read */
  BUFFER = 32 * 1024, /* of a client's socket */
  FEW = 8             /* lines */
};

/* Each write of a line holds it. Lines lie apart, as a server has them that
 * changes what it passes on. */
struct line {
  int holders;
  char bytes[LINE];
};

/* A line on its way to a client. */
struct transfer {
  union {
    weir_op_t weir;
    uv_write_t uv;
  } request;
  struct client *client;
  struct line *line;
  struct transfer *next;
};

struct client {
  union {
    weir_stream_t weir;
    uv_pipe_t uv;
  } stream;
  struct server *server;
  struct transfer *pool;
  int peer;
  int stuck;
  int cut;
  int bad; /* other bytes came than were sent */
  size_t received;
};

/* What weir and plain libuv do differently. */
struct side {
  void (*open)(struct client *c, int fd);
  void (*read)(struct server *s); /* once, or whatever comes */
  int (*write)(struct transfer *t);
  size_t (*queued)(const struct client *c);
  void (*close)(struct client *c);
};

struct server {
  const struct side *side;
  uv_loop_t *uv;
  weir_loop_t *weir;     /* NULL: plain libuv */
  weir_stream_t *source; /* on weir, where lines come from */
  weir_op_t reading;
  struct client sender;
  struct client clients[CLIENTS];
  int closing;
  int failed;
  unsigned long calls; /* of the system */
  size_t sent;         /* by the sender */
  size_t held;         /* bytes in room: the beginning of a line */
  char room[READ];
};

static void *allocate(size_t size) {
  void *memory = calloc(1, size);

  if (memory == NULL)
    abort();
  return memory;
}

/* ---- The peers ---- */

static void let_send(struct server *s) {
  int counted = calls_count(0);

  offer_pattern(s->sender.peer, &s->sent, BYTES);
  if (s->sent == BYTES)
    shutdown(s->sender.peer, SHUT_WR);
  calls_count(counted);
}

static void let_read(struct server *s) {
  int counted = calls_count(0);
  int i;

  for (i = 0; i < CLIENTS; i++) {
    struct client *c = &s->clients[i];

    if (!c->stuck && !take_pattern(c->peer, &c->received))
      c->bad = 1;
  }
  calls_count(counted);
}

/* ---- The server ---- */

static void release(struct line *line) {
  if (--line->holders == 0)
    free(line);
}

static void transferred(struct transfer *t, int status) {
  struct client *c = t->client;

  if (status != 0 && !c->cut && !c->server->closing)
    c->server->failed = 1;
  release(t->line);
  t->next = c->pool;
  c->pool = t;
}

static void send_line(struct client *c, struct line *line) {
  const struct side *side = c->server->side;
  struct transfer *t = c->pool;

  if (c->cut)
    return;
  if (t != NULL)
    c->pool = t->next;
  else
    t = allocate(sizeof(*t));
  t->client = c;
  t->line = line;
  line->holders++;
  if (side->write(t) != 0)
    transferred(t, UV_EINVAL);
  if (side->queued(c) > LIMIT) {
    c->cut = 1;
    side->close(c);
  }
}

static void broadcast(struct server *s, const char *bytes) {
  struct line *line = allocate(sizeof(*line));
  int i;

  memcpy(line->bytes, bytes, LINE);
  line->holders = 1;
  for (i = 0; i < CLIENTS; i++)
    send_line(&s->clients[i], line);
  release(line);
}

/* n bytes have come, behind those that were held. */
static void received(struct server *s, size_t n) {
  size_t len = s->held + n, at;

  for (at = 0; len - at >= LINE; at += LINE) {
    if (at % (FEW * LINE) == 0)
      let_read(s);
    broadcast(s, s->room + at);
  }
  s->held = len - at;
  memmove(s->room, s->room + at, s->held);
  let_send(s);
}

static void ended(struct server *s, int status) {
  if (status != UV_EOF && !s->closing)
    s->failed = 1;
}

static void closed(struct client *c) {
  struct transfer *t;

  while ((t = c->pool) != NULL) {
    c->pool = t->next;
    free(t);
  }
  close(c->peer);
}

/* ---- On weir ---- */

static void open_on_weir(struct client *c, int fd) {
  check_is(weir_pipe_init(c->server->weir, &c->stream.weir), 0);
  check_is(weir_pipe_open(&c->stream.weir, fd), 0);
  c->stream.weir.data = c;
}

static void on_weir_read(weir_op_t *op, int status, size_t n);

static void read_on_weir(struct server *s) {
  weir_mseq_t room = weir_mseq_block(s->room + s->held, READ - s->held);
  int r;

  s->reading.data = s;
  r = weir_read_some(&s->reading, s->source, room, on_weir_read);
  if (r != 0)
    ended(s, r);
}

static void on_weir_read(weir_op_t *op, int status, size_t n) {
  struct server *s = op->data;

  if (status == 0) {
    received(s, n);
    read_on_weir(s);
  } else {
    ended(s, status);
  }
}

static void on_weir_written(weir_op_t *op, int status, size_t n) {
  (void)n;
  transferred((struct transfer *)op, status);
}

static int write_on_weir(struct transfer *t) {
  return weir_write(&t->request.weir, &t->client->stream.weir,
                    weir_seq_block(t->line->bytes, LINE), on_weir_written);
}

static size_t queued_on_weir(const struct client *c) {
  return weir_stream_queued(&c->stream.weir);
}

static void on_weir_closed(weir_stream_t *stream) {
  closed(stream->data);
}

static void close_on_weir(struct client *c) {
  weir_close(&c->stream.weir, on_weir_closed);
}

static const struct side on_weir = {
    .open = open_on_weir,
    .read = read_on_weir,
    .write = write_on_weir,
    .queued = queued_on_weir,
    .close = close_on_weir,
};

/* ---- On plain libuv ---- */

static void open_on_uv(struct client *c, int fd) {
  check_is(uv_pipe_init(c->server->uv, &c->stream.uv, 0), 0);
  check_is(uv_pipe_open(&c->stream.uv, fd), 0);
  c->stream.uv.data = c;
}

static void on_uv_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  struct server *s = ((struct client *)handle->data)->server;

  (void)size;
  *buf = uv_buf_init(s->room + s->held, (unsigned)(READ - s->held));
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct server *s = ((struct client *)stream->data)->server;

  (void)buf;
  if (n > 0)
    received(s, (size_t)n);
  else if (n < 0)
    ended(s, (int)n);
}

static void read_on_uv(struct server *s) {
  uv_stream_t *sender = (uv_stream_t *)&s->sender.stream.uv;

  check_is(uv_read_start(sender, on_uv_alloc, on_uv_read), 0);
}

static void on_uv_written(uv_write_t *request, int status) {
  transferred((struct transfer *)request, status);
}

static int write_on_uv(struct transfer *t) {
  uv_buf_t line = uv_buf_init(t->line->bytes, LINE);

  return uv_write(&t->request.uv, (uv_stream_t *)&t->client->stream.uv, &line,
                  1, on_uv_written);
}

static size_t queued_on_uv(const struct client *c) {
  return uv_stream_get_write_queue_size((const uv_stream_t *)&c->stream.uv);
}

static void on_uv_closed(uv_handle_t *handle) {
  closed(handle->data);
}

static void close_on_uv(struct client *c) {
  uv_close((uv_handle_t *)&c->stream.uv, on_uv_closed);
}

static const struct side on_uv = {
    .open = open_on_uv,
    .read = read_on_uv,
    .write = write_on_uv,
    .queued = queued_on_uv,
    .close = close_on_uv,
};

/* ---- A run ---- */

static void open_client(struct server *s, struct client *c) {
  int size = BUFFER;
  int fds[2];

  pair_unix(fds);
  check_is(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  c->server = s;
  c->peer = fds[1];
  s->side->open(c, fds[0]);
}

static void open_all(struct server *s) {
  int i;

  open_client(s, &s->sender);
  for (i = 0; i < CLIENTS; i++) {
    s->clients[i].stuck = i % (CLIENTS / STUCK) == 1;
    open_client(s, &s->clients[i]);
  }
}

static void close_all(struct server *s) {
  int i;

  s->closing = 1;
  s->side->close(&s->sender);
  for (i = 0; i < CLIENTS; i++)
    if (!s->clients[i].cut)
      s->side->close(&s->clients[i]);
  check_is(uv_run(s->uv, UV_RUN_DEFAULT), 0);
}

/* How many clients are to get something yet. */
static int unserved(const struct server *s) {
  int i, n = 0;

  for (i = 0; i < CLIENTS; i++) {
    const struct client *c = &s->clients[i];

    n += !c->stuck && !c->cut && c->received < BYTES;
  }
  return n;
}

static unsigned long system_calls(const struct server *s) {
  weir_loop_stats_t stats = {0};

  if (s->weir != NULL)
    weir_loop_stats(s->weir, &stats);
  return calls_made() + (unsigned long)stats.enters;
}

/* Serves all lines. */
static void serve(struct server *s) {
  unsigned long before;

  open_all(s);
  let_send(s);
  s->side->read(s);
  before = system_calls(s);
  while (unserved(s) > 0 && !s->failed) {
    let_read(s);
    calls_count(1);
    uv_run(s->uv, UV_RUN_ONCE);
    calls_count(0);
  }
  s->calls = system_calls(s) - before;
  close_all(s);
}

/* source: instead of the sender, if not NULL. */
static struct server *serve_on_weir(struct weir_fixture *f,
                                    weir_stream_t *source) {
  static struct server s;

  memset(&s, 0, sizeof(s));
  s.side = &on_weir;
  s.uv = &f->uv;
  s.weir = f->loop;
  s.source = source != NULL ? source : &s.sender.stream.weir;
  serve(&s);
  return &s;
}

static struct server *serve_on_uv(void) {
  static struct server s;
  uv_loop_t uv;

  memset(&s, 0, sizeof(s));
  check_is(uv_loop_init(&uv), 0);
  s.side = &on_uv;
  s.uv = &uv;
  serve(&s);
  check_is(uv_loop_close(&uv), 0);
  return &s;
}

/* All lines came to those that read, and only the others were cut. */
static void check_served(const struct server *s) {
  unsigned long lines = 0;
  int i, cut[2] = {0, 0};

  for (i = 0; i < CLIENTS; i++) {
    const struct client *c = &s->clients[i];

    lines += c->received / LINE;
    cut[c->stuck] += c->cut;
    check_is(c->bad, 0);
  }
  check_is(s->failed, 0);
  cr_assert(lines == READERS * LINES && cut[0] == 0 && cut[1] == STUCK,
            "%lu of %d lines came, %d of %d that read and %d of %d that do not "
            "were cut, after %lu system calls",
            lines, READERS * LINES, cut[0], READERS, cut[1], STUCK, s->calls);
}

WEIR_TEST(broadcast, cuts_only_those_that_do_not_read) {
  check_served(serve_on_weir(f, NULL));
}

WEIR_TEST(broadcast, takes_half_the_system_calls_of_libuv) {
  const struct server *plain = serve_on_uv();
  const struct server *s = serve_on_weir(f, NULL);

  check_served(plain);
  check_served(s);
  cr_assert(s->calls <= plain->calls / 2, "%lu system calls, libuv %lu",
            s->calls, plain->calls);
}

/* Here one read after the other is done at once, each of one line. */
WEIR_TEST(broadcast, keeps_up_with_a_source_that_never_waits) {
  static struct script script;

  script_open(f, &script);
  script.read_cap = LINE;
  script.read_end = BYTES;
  check_served(serve_on_weir(f, &script.stream));
  script_close(f, &script);
}
