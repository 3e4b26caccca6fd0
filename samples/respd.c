/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* A server in memory that speaks RESP2, the protocol of redis, for redis-cli
 * and redis-benchmark. server.c accepts; session.c understands and answers what
 * a client sends; this file moves the bytes. */

#include <weir.h>

#include "common.h"
#include "server.h"
#include "session.h"

static const char help[] =
    "usage: respd --listen HOST:PORT [--stats]\n"
    "Keeps keys and their values for clients of redis, in memory.\n"
    "  --listen HOST:PORT  address to listen on; a HOST of * is every one,\n"
    "                      port 0 picks a free one\n"
    "  --stats             at the end, print the backend and its counters\n"
    "WEIR_BACKEND (uring, uv) and WEIR_WAIT (ring, uv) choose how it works.\n";

enum { TICK_MS = 1000, SWEPT = 4096, LAST_TICKS = 3 };

/* Reads while it writes, so that requests are understood as soon as they come;
 * all that was answered meanwhile is the next write. */
typedef struct connection_s {
  client_t client;
  weir_op_t read_op;
  weir_op_t write_op;
  session_t session;
  int reading;
  int writing;
  int eof;   /* the client has ended its side */
  int ended; /* we have ended ours */
  int ticks; /* since then */
} connection_t;

static database_t db;
static uv_loop_t uv;
static uv_timer_t timer;

static void go_on(connection_t *c);

/* ---- The end of a connection ---- */

static void on_closed(weir_stream_t *stream) {
  connection_t *c = stream->data;
  session_end(&c->session);
  server_forget(&c->client);
}

static void end(client_t *client) {
  if (!weir_is_closing(&client->stream))
    weir_close(&client->stream, on_closed);
}

/* An answer that is cut off shall not look whole. */
static void cut(client_t *client) {
  if (!weir_is_closing(&client->stream) &&
      weir_close_reset(&client->stream, on_closed) != 0)
    weir_close(&client->stream, on_closed);
}

static void end_any(client_t *client) {
  connection_t *c = (connection_t *)client;
  if (weir_buffer_size(&c->session.out) > 0)
    cut(client);
  else
    end(client);
}

static void give_up(connection_t *c, int error) {
  static trouble_t trouble;
  if (error == UV_ENOMEM)
    complain_rarely(&trouble, "serve", peer_text(&c->client.stream).text,
                    error);
  cut(&c->client);
}

/* ---- Reading ---- */

static void on_read(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  c->reading = 0;
  session_take(&c->session, n);
  c->eof = status == UV_EOF;
  if (status == 0 || status == UV_EOF)
    go_on(c);
  else
    cut(&c->client);
}

/* From who does not read what it is answered nothing is read either. */
static int receive(connection_t *c) {
  weir_mseq_t room;
  if (c->reading || c->eof || !session_may_read(&c->session))
    return 0;
  int rc = session_room(&c->session, &room);
  if (rc == 0)
    rc = weir_read_some(&c->read_op, &c->client.stream, room, on_read);
  c->reading = rc == 0;
  return rc;
}

/* ---- Writing ---- */

static void on_written(weir_op_t *op, int status, size_t n) {
  connection_t *c = op->data;
  c->writing = 0;
  weir_buffer_unhold(&c->session.out, WEIR_HOLD_DATA);
  weir_buffer_consume(&c->session.out, n);
  if (status == 0)
    go_on(c);
  else
    cut(&c->client);
}

/* All that there is to say goes in one write. Behind the last of it goes our
 * end of the stream: closed at once, with bytes of the client's unread, the
 * connection would be reset, and that be lost. */
static int send_replies(connection_t *c) {
  weir_seq_t data = weir_seq_pinned(weir_buffer_data(&c->session.out));
  int last = c->session.over;
  int rc;
  if (c->writing || c->ended || (weir_seq_empty(data) && !last))
    return 0;
  rc = (last ? weir_write_eof : weir_write)(&c->write_op, &c->client.stream,
                                            data, on_written);
  if (rc == 0) {
    weir_buffer_hold(&c->session.out, WEIR_HOLD_DATA);
    c->writing = 1;
    c->ended = last;
  }
  return rc;
}

/* Begins what can be begun. */
static void go_on(connection_t *c) {
  int rc = weir_is_closing(&c->client.stream) ? UV_ECANCELED : 0;
  db.store.now = uv_now(&uv);
  if (rc == 0)
    rc = session_run(&c->session);
  if (rc == 0)
    rc = send_replies(c);
  if (rc == 0)
    rc = receive(c);
  if (rc != 0)
    give_up(c, rc);
  else if (!c->reading && !c->writing)
    end(&c->client);
}

/* ---- The server ---- */

static void serve(client_t *client) {
  connection_t *c = (connection_t *)client;
  c->read_op.data = c->write_op.data = c;
  c->reading = c->writing = c->eof = c->ended = c->ticks = 0;
  session_begin(&c->session, &db);
  int rc = weir_tcp_nodelay(&client->stream, 1);
  if (rc != 0)
    give_up(c, rc);
  else
    go_on(c);
}

/* Who does not end its side after we have ended ours. */
static void check(client_t *client) {
  connection_t *c = (connection_t *)client;
  if (c->ended && !c->writing && ++c->ticks > LAST_TICKS)
    end(client);
}

static void on_tick(uv_timer_t *unused) {
  (void)unused;
  server_each(check);
  store_sweep(&db.store, SWEPT);
}

static void stop(void) {
  server_stop(end_any);
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
  weir_loop_t *weir = open_loop(&uv);
  int rc = store_init(&db.store);
  if (rc != 0)
    fail("cannot make a table", rc);
  db.started = uv_now(&uv);
  db.backend = weir_backend_name(weir_loop_backend(weir));
  uv_timer_init(&uv, &timer);
  uv_timer_start(&timer, on_tick, TICK_MS, TICK_MS);
  uv_unref((uv_handle_t *)&timer);
  on_stop_signal(&uv, stop);
  server_start(weir, &addr, sizeof(connection_t), serve);
  server_run(weir);
  uv_close((uv_handle_t *)&timer, NULL);
  if (with_stats)
    print_stats(weir);
  close_loop(&uv, weir);
  store_clear(&db.store);
  return 0;
}
