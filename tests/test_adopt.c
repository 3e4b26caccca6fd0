/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/adopted.h"

static void close_handle(struct weir_fixture *f, struct adopted *a) {
  uv_close((uv_handle_t *)&a->handle, NULL);
  run_out(f);
  close_peer(&a->conn);
}

WEIR_TEST(adopt, reads_and_writes_on_the_handles_own_descriptor) {
  struct request r = {0}, w = {0};
  struct adopted a;
  uv_os_fd_t mine, theirs;
  char bytes[100];
  int before;

  adopted_open(f, &a, 0, 0);
  before = count_descriptors();
  adopted_take(f, &a);
  check_is(weir_fileno(&a.conn.stream, &mine), 0);
  check_is(uv_fileno((uv_handle_t *)&a.handle, &theirs), 0);
  check_is(mine, theirs);

  peer_send(&a.conn, 0, 60);
  check_is(weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(bytes, 100),
                          on_done),
           0);
  finish(f, &r, 0, 60);
  cr_assert(pattern_holds(bytes, 0, 60));
  check_is(
      weir_write(&w.op, &a.conn.stream, weir_seq_block(bytes, 60), on_done), 0);
  finish(f, &w, 0, 60);
  peer_take(&a.conn, 0, 60);
  check_is(count_descriptors(), before);
  adopted_close(f, &a);
}

WEIR_TEST(adopt, serves_unix_sockets) {
  struct request r = {0};
  struct conn c;
  uv_pipe_t handle;
  char bytes[100];
  int fds[2];

  memset(&c, 0, sizeof(c));
  pair_unix(fds);
  c.peer = fds[1];
  check_is(uv_pipe_init(&f->uv, &handle, 0), 0);
  check_is(uv_pipe_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &c.stream, (uv_stream_t *)&handle), 0);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 100), on_done),
      0);
  run_some_turns(f);
  peer_send(&c, 0, 60);
  finish(f, &r, 0, 60);
  conn_close(f, &c);
  check_is(uv_is_closing((uv_handle_t *)&handle), 1);
}

WEIR_TEST(adopt, writes_more_than_the_socket_takes) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r = {0};
  struct drain drain;
  struct adopted a;

  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, SLOW_BYTES);
  adopted_open(f, &a, 4096, 4096);
  adopted_take(f, &a);
  check_is(weir_write_eof(&r.op, &a.conn.stream,
                          weir_seq_block(bytes, SLOW_BYTES), on_done),
           0);
  run_some_turns(f);
  check_is(r.calls, 0);
  drain_start(&drain, a.conn.peer);
  finish(f, &r, 0, SLOW_BYTES);
  drain_join(&drain);
  check_is(drain.received, SLOW_BYTES);
  adopted_close(f, &a);
  free(bytes);
}

WEIR_TEST(adopt, close_ends_what_is_pending) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct request r = {0}, w = {0};
  struct adopted a;
  char byte;

  cr_assert(bytes != NULL);
  adopted_open(f, &a, 4096, 4096);
  adopted_take(f, &a);
  check_is(weir_write(&w.op, &a.conn.stream, weir_seq_block(bytes, SLOW_BYTES),
                      on_done),
           0);
  check_is(
      weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  run_some_turns(f);
  adopted_close(f, &a);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(w.calls, 1);
  check_is(w.status, UV_ECANCELED);
  free(bytes);
}

/* The handle's memory may go in the close callback. */
static void free_all(weir_stream_t *stream) {
  free(stream);
}

WEIR_TEST(adopt, the_handle_may_be_freed_in_the_close_callback) {
  int i;

  for (i = 0; i < 10; i++) {
    struct adopted *a = malloc(sizeof(*a));
    struct request r = {0};
    int peer;
    char byte;

    cr_assert(a != NULL);
    adopted_open(f, a, 0, 0);
    peer = a->conn.peer;
    adopted_take(f, a);
    check_is(weir_read_some(&r.op, &a->conn.stream, weir_mseq_block(&byte, 1),
                            on_done),
             0);
    if (i % 2)
      run_turn(f);
    check_is(weir_close(&a->conn.stream, free_all), 0);
    run_out(f);
    finish(f, &r, UV_ECANCELED, 0);
    close(peer);
  }
}

WEIR_TEST(adopt, takes_over_from_an_application_that_has_read) {
  struct request r = {0};
  struct adopted a;
  char bytes[100];

  adopted_open(f, &a, 0, 0);
  check_is(libuv_reads((uv_stream_t *)&a.handle), 0);
  peer_send(&a.conn, 0, 10);
  check_is(libuv_has_read(f), 10);
  check_is(weir_adopt(f->loop, &a.conn.stream, (uv_stream_t *)&a.handle),
           UV_EBUSY);
  check_is(uv_read_stop((uv_stream_t *)&a.handle), 0);
  adopted_take(f, &a);
  peer_send(&a.conn, 10, 20);
  check_is(weir_read_some(&r.op, &a.conn.stream, weir_mseq_block(bytes, 100),
                          on_done),
           0);
  finish(f, &r, 0, 20);
  cr_assert(pattern_holds(bytes, 10, 20));
  adopted_close(f, &a);
}

static void on_written(uv_write_t *req, int status) {
  *(int *)req->data = status == 0 || status == UV_ECANCELED;
}

WEIR_TEST(adopt, refuses_a_handle_with_queued_writes) {
  char *bytes = calloc(1, SLOW_BYTES);
  struct adopted a;
  uv_write_t req;
  uv_buf_t buf;
  int written = 0;

  cr_assert(bytes != NULL);
  adopted_open(f, &a, 4096, 4096);
  buf = uv_buf_init(bytes, SLOW_BYTES);
  req.data = &written;
  check_is(uv_write(&req, (uv_stream_t *)&a.handle, &buf, 1, on_written), 0);
  check_is(weir_adopt(f->loop, &a.conn.stream, (uv_stream_t *)&a.handle),
           UV_EBUSY);
  close_handle(f, &a);
  check_is(written, 1);
  free(bytes);
}

WEIR_TEST(adopt, refuses_what_it_cannot_serve) {
  struct adopted a;
  uv_loop_t other;
  uv_tcp_t fresh, foreign;
  uv_pipe_t ipc;
  weir_stream_t stream;
  int fds[2];

  check_is(uv_tcp_init(&f->uv, &fresh), 0);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&fresh), UV_ENOTCONN);
  uv_close((uv_handle_t *)&fresh, NULL);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&fresh), UV_EINVAL);
  run_out(f);

  check_is(uv_loop_init(&other), 0);
  check_is(uv_tcp_init(&other, &foreign), 0);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&foreign), UV_EINVAL);
  uv_close((uv_handle_t *)&foreign, NULL);
  check_is(uv_run(&other, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&other), 0);

  pair_unix(fds);
  check_is(uv_pipe_init(&f->uv, &ipc, 1), 0);
  check_is(uv_pipe_open(&ipc, fds[0]), 0);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&ipc), UV_EINVAL);
  uv_close((uv_handle_t *)&ipc, NULL);
  run_out(f);
  close(fds[1]);

  adopted_open(f, &a, 0, 0);
  check_is(weir_adopt(NULL, &stream, (uv_stream_t *)&a.handle), UV_EINVAL);
  check_is(weir_adopt(f->loop, NULL, (uv_stream_t *)&a.handle), UV_EINVAL);
  check_is(weir_adopt(f->loop, &stream, NULL), UV_EINVAL);
  close_handle(f, &a);
}

/* ---- The rest of the application ---- */

struct app {
  struct weir_fixture *f;
  uv_tcp_t listener;
  uv_timer_t timer;
  int ticks;
  struct adopted connection;
  struct request read;
  struct request write;
  char bytes[64];
};

static void app_done(weir_stream_t *stream) {
  struct app *app = stream->data;

  on_conn_closed(stream);
  uv_close((uv_handle_t *)&app->listener, NULL);
  uv_close((uv_handle_t *)&app->timer, NULL);
}

static void app_read(weir_op_t *op, int status, size_t n);

static void app_read_on(struct app *app) {
  check_is(weir_read_some(&app->read.op, &app->connection.conn.stream,
                          weir_mseq_block(app->bytes, sizeof(app->bytes)),
                          app_read),
           0);
}

static void app_written(weir_op_t *op, int status, size_t n) {
  struct app *app = op->data;

  (void)n;
  check_is(status, 0);
  app_read_on(app);
}

static void app_read(weir_op_t *op, int status, size_t n) {
  struct app *app = op->data;

  if (status == UV_EOF) {
    check_is(weir_close(&app->connection.conn.stream, app_done), 0);
    return;
  }
  check_is(status, 0);
  check_is(weir_write(&app->write.op, &app->connection.conn.stream,
                      weir_seq_block(app->bytes, n), app_written),
           0);
}

static void app_connection(uv_stream_t *listener, int status) {
  struct app *app = listener->data;

  check_is(status, 0);
  check_is(uv_tcp_init(&app->f->uv, &app->connection.handle), 0);
  check_is(uv_accept(listener, (uv_stream_t *)&app->connection.handle), 0);
  check_is(weir_adopt(app->f->loop, &app->connection.conn.stream,
                      (uv_stream_t *)&app->connection.handle),
           0);
  app->connection.conn.stream.data = app;
  app->read.op.data = app;
  app->write.op.data = app;
  app_read_on(app);
}

static void app_tick(uv_timer_t *timer) {
  struct app *app = timer->data;

  app->ticks++;
}

static void run_client(void *arg) {
  struct conn c = {0};
  struct sockaddr *addr = arg;
  int i;

  c.peer = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c.peer, addr, sizeof(struct sockaddr_in)) != 0)
    return;
  for (i = 0; i < 20; i++) {
    char byte = (char)i, back = 0;

    if (send(c.peer, &byte, 1, MSG_NOSIGNAL) != 1 ||
        recv(c.peer, &back, 1, 0) != 1 || back != byte)
      break;
    usleep(1000);
  }
  close(c.peer);
}

WEIR_TEST(adopt, a_libuv_server_keeps_its_other_handles) {
  static struct app app;
  struct sockaddr_in addr;
  uv_thread_t client;
  int len = sizeof(addr);

  memset(&app, 0, sizeof(app));
  app.f = f;
  app.listener.data = &app;
  app.timer.data = &app;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(uv_tcp_init(&f->uv, &app.listener), 0);
  check_is(uv_tcp_bind(&app.listener, (struct sockaddr *)&addr, 0), 0);
  check_is(uv_listen((uv_stream_t *)&app.listener, 4, app_connection), 0);
  check_is(uv_tcp_getsockname(&app.listener, (struct sockaddr *)&addr, &len),
           0);
  app.listener.data = &app;
  check_is(uv_timer_init(&f->uv, &app.timer), 0);
  check_is(uv_timer_start(&app.timer, app_tick, 1, 1), 0);
  check_is(uv_thread_create(&client, run_client, &addr), 0);
  run_out(f);
  check_is(uv_thread_join(&client), 0);
  check_is(app.connection.conn.closed, 1);
  cr_assert(app.ticks > 0);
  check_is(stats_of(f).bytes_read, 20);
  check_is(stats_of(f).bytes_written, 20);
}

static void on_connected(uv_connect_t *request, int status) {
  *(int *)request->data = status == 0 ? 1 : status;
}

/* libuv calls a handle readable and writable as soon as it begins to connect.
 */
WEIR_TEST(adopt, a_handle_that_connects_is_refused) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);
  uv_connect_t request;
  weir_stream_t stream;
  uv_tcp_t tcp;
  int connected = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(listen(fd, 1), 0);
  check_is(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
  check_is(uv_tcp_init(&f->uv, &tcp), 0);
  request.data = &connected;
  check_is(
      uv_tcp_connect(&request, &tcp, (struct sockaddr *)&addr, on_connected),
      0);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&tcp), UV_ENOTCONN);
  run_until(f, &connected);
  check_is(connected, 1);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&tcp), 0);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
  close(fd);
}

static void no_connection(uv_stream_t *listener, int status) {
  (void)listener, (void)status;
  cr_assert(0);
}

WEIR_TEST(adopt, a_listener_goes_on_with_a_duplicate) {
  struct sockaddr_in addr;
  int len = sizeof(addr), fd, to = socket(AF_INET, SOCK_STREAM, 0);
  weir_stream_t stream, client;
  struct request r = {0};
  uv_tcp_t listener;
  uv_os_fd_t own;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(uv_tcp_init(&f->uv, &listener), 0);
  check_is(uv_tcp_bind(&listener, (struct sockaddr *)&addr, 0), 0);
  check_is(uv_listen((uv_stream_t *)&listener, 4, no_connection), 0);
  check_is(uv_tcp_getsockname(&listener, (struct sockaddr *)&addr, &len), 0);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&listener), UV_ENOTCONN);

  check_is(uv_fileno((uv_handle_t *)&listener, &own), 0);
  fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_tcp_open(&stream, fd), 0);
  check_is(weir_listen(&stream, 4), 0);
  uv_close((uv_handle_t *)&listener, NULL);
  check_is(weir_accept(&r.op, &stream, &client, on_done), 0);
  check_is(connect(to, (struct sockaddr *)&addr, sizeof(addr)), 0);
  finish(f, &r, 0, 0);
  check_is(weir_close(&stream, NULL), 0);
  check_is(weir_close(&client, NULL), 0);
  run_out(f);
  close(to);
}

/* ---- Once only ---- */

WEIR_TEST(adopt, a_handle_is_adopted_once) {
  weir_loop_options_t options;
  weir_loop_t *second;
  weir_stream_t stream;
  struct adopted a;

  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  check_is(weir_adopt(second, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  uv_ref((uv_handle_t *)&a.handle);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  uv_unref((uv_handle_t *)&a.handle);
  adopted_close(f, &a);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EINVAL);

  /* The same memory, and another connection. */
  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  adopted_close(f, &a);
  check_is(weir_loop_detach(second, NULL), 0);
  run_out(f);
}

WEIR_TEST(adopt, a_pipe_is_adopted_once) {
  weir_stream_t first, second;
  uv_pipe_t handle;
  int fds[2];

  check_is(pipe(fds), 0);
  check_is(uv_pipe_init(&f->uv, &handle, 0), 0);
  check_is(uv_pipe_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &first, (uv_stream_t *)&handle), 0);
  check_is(weir_adopt(f->loop, &second, (uv_stream_t *)&handle), UV_EALREADY);
  check_is(weir_close(&first, NULL), 0);
  run_out(f);
  close(fds[1]);
}
