/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* samples/respd on plain libuv, to be measured beside it: the same but for what
 * moves the bytes. See respd.sh. */

#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>

#include "../samples/common.h"
#include "../samples/plain.h"
#include "../samples/session.h"

typedef struct connection_s {
  uv_tcp_t tcp;
  uv_write_t request;
  uv_shutdown_t shutdown;
  session_t session;
  int reading;
  size_t writing; /* bytes on their way */
  int eof;
  int ended;
} connection_t;

static const char help[] = "usage: respd_uv --listen HOST:PORT\n"
                           "samples/respd on plain libuv.\n";

static database_t db;
static uv_loop_t uv;

static void go_on(connection_t *c);

static void on_closed(uv_handle_t *handle) {
  session_end(&((connection_t *)handle)->session);
  plain_closed(handle);
}

static void end(connection_t *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp))
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  connection_t *c = (connection_t *)handle;
  weir_mseq_t room;
  (void)size;
  buf->len = 0; /* UV_ENOBUFS for on_read */
  if (session_room(&c->session, &room) == 0)
    weir_mseq_next(&room, buf);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  connection_t *c = (connection_t *)stream;
  (void)buf;
  session_take(&c->session, n > 0 ? (size_t)n : 0);
  c->eof = n == UV_EOF;
  if (n > 0 || n == UV_EOF)
    go_on(c);
  else if (n < 0)
    end(c);
}

static int receive(connection_t *c) {
  int wanted = !c->eof && session_may_read(&c->session);
  if (wanted == c->reading)
    return 0;
  c->reading = wanted;
  if (wanted)
    return uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
  return uv_read_stop((uv_stream_t *)&c->tcp);
}

static void on_written(uv_write_t *request, int status) {
  connection_t *c = request->data;
  weir_buffer_unhold(&c->session.out, WEIR_HOLD_DATA);
  weir_buffer_consume(&c->session.out, c->writing);
  c->writing = 0;
  if (status == 0)
    go_on(c);
  else
    end(c);
}

static int send_replies(connection_t *c) {
  weir_seq_t data = weir_buffer_data(&c->session.out);
  uv_buf_t bufs[WEIR_WINDOW];
  if (c->writing > 0)
    return 0;
  unsigned n = (unsigned)weir_seq_window(data, bufs, SIZE_MAX);
  if (n == 0 && c->session.over && !c->ended) {
    c->ended = 1;
    return uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, NULL);
  }
  if (n == 0)
    return 0;
  for (unsigned i = 0; i < n; i++)
    c->writing += bufs[i].len;
  weir_buffer_hold(&c->session.out, WEIR_HOLD_DATA);
  return uv_write(&c->request, (uv_stream_t *)&c->tcp, bufs, n, on_written);
}

static void go_on(connection_t *c) {
  int rc = uv_is_closing((uv_handle_t *)&c->tcp) ? UV_ECANCELED : 0;
  db.store.now = uv_now(&uv);
  if (rc == 0)
    rc = session_run(&c->session);
  if (rc == 0)
    rc = send_replies(c);
  if (rc == 0)
    rc = receive(c);
  if (rc != 0 || (!c->reading && c->writing == 0))
    end(c);
}

static void serve(uv_tcp_t *tcp) {
  connection_t *c = (connection_t *)tcp;
  c->request.data = c;
  c->reading = c->eof = c->ended = 0;
  c->writing = 0;
  session_begin(&c->session, &db);
  if (uv_tcp_nodelay(tcp, 1) != 0)
    end(c);
  else
    go_on(c);
}

static void end_any(uv_tcp_t *tcp) {
  end((connection_t *)tcp);
}

static void stop(void) {
  plain_stop(end_any);
}

int main(int argc, char **argv) {
  const char *word = NULL;
  const option_t options[] = {{"--listen", NULL, &word}, {NULL, NULL, NULL}};
  struct sockaddr_storage addr;
  parse_options(argc, argv, help, options, 0);
  parse_listen_address("--listen", word, &addr);
  int rc = uv_loop_init(&uv);
  if (rc == 0)
    rc = store_init(&db.store);
  if (rc != 0)
    fail("cannot make a loop", rc);
  db.backend = "plain libuv";
  on_stop_signal(&uv, stop);
  plain_start(&uv, &addr, sizeof(connection_t), serve);
  uv_run(&uv, UV_RUN_DEFAULT);
  close_loop(&uv, NULL);
  store_clear(&db.store);
  return 0;
}
