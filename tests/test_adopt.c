/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"

/* A libuv application's own connection, and the weir stream made of it. */
struct adopted {
  struct conn conn;
  uv_tcp_t handle;
};

static void open_handle(struct weir_fixture *f, struct adopted *a, int sndbuf,
                        int rcvbuf) {
  int fds[2];

  memset(a, 0, sizeof(*a));
  pair_tcp(fds, sndbuf, rcvbuf);
  a->conn.peer = fds[1];
  check_is(uv_tcp_init(&f->uv, &a->handle), 0);
  check_is(uv_tcp_open(&a->handle, fds[0]), 0);
  a->handle.data = a;
}

static void adopt(struct weir_fixture *f, struct adopted *a) {
  check_is(weir_adopt(f->loop, &a->conn.stream, (uv_stream_t *)&a->handle), 0);
}

static void adopted_close(struct weir_fixture *f, struct adopted *a) {
  conn_close(f, &a->conn);
  check_is(uv_is_closing((uv_handle_t *)&a->handle), 1);
  cr_assert(a->handle.data == a);
}

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

  open_handle(f, &a, 0, 0);
  before = count_descriptors();
  adopt(f, &a);
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
  open_handle(f, &a, 4096, 4096);
  adopt(f, &a);
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
  open_handle(f, &a, 4096, 4096);
  adopt(f, &a);
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
    open_handle(f, a, 0, 0);
    peer = a->conn.peer;
    adopt(f, a);
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

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  static char bytes[64];

  (void)handle;
  (void)size;
  *buf = uv_buf_init(bytes, sizeof(bytes));
}

static ssize_t last_read;

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream;
  (void)buf;
  if (n != 0)
    last_read = n;
}

WEIR_TEST(adopt, takes_over_from_an_application_that_has_read) {
  struct request r = {0};
  struct adopted a;
  char bytes[100];

  open_handle(f, &a, 0, 0);
  last_read = 0;
  check_is(uv_read_start((uv_stream_t *)&a.handle, on_alloc, on_read), 0);
  peer_send(&a.conn, 0, 10);
  while (last_read == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  check_is(last_read, 10);
  check_is(weir_adopt(f->loop, &a.conn.stream, (uv_stream_t *)&a.handle),
           UV_EBUSY);
  check_is(uv_read_stop((uv_stream_t *)&a.handle), 0);
  adopt(f, &a);
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
  open_handle(f, &a, 4096, 4096);
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

  open_handle(f, &a, 0, 0);
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

/* ---- Once only ---- */

WEIR_TEST(adopt, a_handle_is_adopted_once) {
  weir_loop_options_t options;
  weir_loop_t *second;
  weir_stream_t stream;
  struct adopted a;

  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  open_handle(f, &a, 0, 0);
  adopt(f, &a);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  check_is(weir_adopt(second, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  uv_ref((uv_handle_t *)&a.handle);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EALREADY);
  uv_unref((uv_handle_t *)&a.handle);
  adopted_close(f, &a);
  check_is(weir_adopt(f->loop, &stream, (uv_stream_t *)&a.handle), UV_EINVAL);

  /* The same memory, and another connection. */
  open_handle(f, &a, 0, 0);
  adopt(f, &a);
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

/* ---- Closed by the application ---- */

/* Two adopted connections with a read and a blocked write each. */
struct lost {
  struct adopted a;
  struct request read;
  struct request write;
  char byte;
};

static void lost_open(struct weir_fixture *f, struct lost *l) {
  static char bytes[SLOW_BYTES];

  open_handle(f, &l->a, 4096, 4096);
  adopt(f, &l->a);
  memset(&l->read, 0, sizeof(l->read));
  memset(&l->write, 0, sizeof(l->write));
  check_is(weir_read_some(&l->read.op, &l->a.conn.stream,
                          weir_mseq_block(&l->byte, 1), on_done),
           0);
  check_is(weir_write(&l->write.op, &l->a.conn.stream,
                      weir_seq_block(bytes, SLOW_BYTES), on_done),
           0);
}

/* What was sent is what the peer gets, and then the end. */
static void lost_expect(struct weir_fixture *f, struct lost *l) {
  struct request r = {0};
  size_t got = 0;
  char bytes[4096];
  ssize_t n;

  check_is(l->read.calls, 1);
  check_is(l->read.status, UV_ECANCELED);
  check_is(l->write.calls, 1);
  check_is(l->write.status, UV_ECANCELED);
  while ((n = recv(l->a.conn.peer, bytes, sizeof(bytes), 0)) > 0)
    got += (size_t)n;
  check_is(n, 0);
  check_is(got, l->write.n);

  check_is(weir_read_some(&r.op, &l->a.conn.stream,
                          weir_mseq_block(&l->byte, 1), on_done),
           0);
  finish(f, &r, UV_EBADF, 0);
  memset(&r, 0, sizeof(r));
  check_is(
      weir_write(&r.op, &l->a.conn.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &r, UV_EBADF, 0);
}

enum phase { OUTSIDE, TIMER, IDLE, PREPARE, POLL, CHECK, CLOSING, PHASES };

struct closer {
  struct lost *lost;
  enum phase phase;
  int done;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_async_t async;
  uv_check_t check;
};

static void close_now(struct closer *c, enum phase phase) {
  if (phase != c->phase || c->done)
    return;
  c->done = 1;
  uv_close((uv_handle_t *)&c->lost->a.handle, NULL);
}

static void in_closing(uv_handle_t *handle) {
  close_now(handle->data, CLOSING);
}

static void in_timer(uv_timer_t *timer) {
  struct closer *c = timer->data;

  close_now(c, TIMER);
  uv_async_send(&c->async);
  if (c->phase == CLOSING)
    uv_close((uv_handle_t *)timer, in_closing);
}

static void in_idle(uv_idle_t *idle) {
  close_now(idle->data, IDLE);
}

static void in_prepare(uv_prepare_t *prepare) {
  close_now(prepare->data, PREPARE);
}

static void in_poll(uv_async_t *async) {
  close_now(async->data, POLL);
}

static void in_check(uv_check_t *check) {
  close_now(check->data, CHECK);
}

static void closer_close(uv_handle_t *handle) {
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* Closes the handle of l in that phase, while the loop would else sleep. */
static void closer_run(struct weir_fixture *f, struct lost *l,
                       enum phase phase) {
  static struct closer c;

  memset(&c, 0, sizeof(c));
  c.lost = l;
  c.phase = phase;
  c.timer.data = c.idle.data = c.prepare.data = c.async.data = c.check.data =
      &c;
  uv_timer_init(&f->uv, &c.timer);
  uv_timer_start(&c.timer, in_timer, 5, 0);
  uv_idle_init(&f->uv, &c.idle);
  uv_prepare_init(&f->uv, &c.prepare);
  uv_async_init(&f->uv, &c.async, in_poll);
  uv_unref((uv_handle_t *)&c.async);
  uv_check_init(&f->uv, &c.check);
  if (phase == IDLE)
    uv_idle_start(&c.idle, in_idle);
  if (phase == PREPARE)
    uv_prepare_start(&c.prepare, in_prepare);
  if (phase == CHECK)
    uv_check_start(&c.check, in_check);
  close_now(&c, OUTSIDE);
  run_until(f, &l->read.calls);
  run_until(f, &l->write.calls);
  closer_close((uv_handle_t *)&c.timer);
  closer_close((uv_handle_t *)&c.idle);
  closer_close((uv_handle_t *)&c.prepare);
  closer_close((uv_handle_t *)&c.async);
  closer_close((uv_handle_t *)&c.check);
  run_turn(f);
}

WEIR_TEST(adopt, closing_the_handle_ends_its_operations) {
  static struct lost l, other;
  int phase;

  for (phase = OUTSIDE; phase < PHASES; phase++) {
    lost_open(f, &l);
    lost_open(f, &other);
    run_some_turns(f);
    closer_run(f, &l, (enum phase)phase);
    lost_expect(f, &l);
    check_is(other.read.calls + other.write.calls, 0);
    adopted_close(f, &l.a);
    adopted_close(f, &other.a);
    check_is(other.read.calls + other.write.calls, 2);
  }
}

static void on_check(uv_check_t *check) {
  uv_handle_t *handle = check->data;

  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* libuv runs the check handle that was started first last: what it closes is
 * gone before weir's next phase. */
WEIR_TEST(adopt, closing_the_handle_in_an_older_check_ends_its_operations) {
  static struct lost l;
  uv_check_t check;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  check_is(uv_check_init(&f->uv, &check), 0);
  check.data = &l.a.handle;
  check_is(uv_check_start(&check, on_check), 0);
  uv_unref((uv_handle_t *)&check);
  fixture_attach(f, NULL);
  lost_open(f, &l);
  run_until(f, &l.read.calls);
  run_until(f, &l.write.calls);
  lost_expect(f, &l);
  adopted_close(f, &l.a);
  uv_close((uv_handle_t *)&check, NULL);
  run_turn(f);
}

WEIR_TEST(adopt, closing_the_handle_ends_operations_that_just_began) {
  static struct lost l;

  lost_open(f, &l);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  finish(f, &l.read, UV_ECANCELED, 0);
  finish(f, &l.write, UV_ECANCELED, 0);
  adopted_close(f, &l.a);
}

/* The number of its descriptor comes again before anything is submitted. */
WEIR_TEST(adopt, what_just_began_does_not_read_from_the_next_connection) {
  static struct adopted a;
  struct request stale = {0}, r = {0};
  struct conn next;
  char bytes[8];
  uv_os_fd_t before, after;

  open_handle(f, &a, 0, 0);
  adopt(f, &a);
  run_some_turns(f);
  check_is(weir_fileno(&a.conn.stream, &before), 0);
  check_is(weir_read_some(&stale.op, &a.conn.stream, weir_mseq_block(bytes, 8),
                          on_done),
           0);
  uv_close((uv_handle_t *)&a.handle, NULL);
  conn_unix(f, &next);
  check_is(weir_fileno(&next.stream, &after), 0);
  check_is(after, before);
  peer_send(&next, 0, 8);
  finish(f, &stale, UV_ECANCELED, 0);
  check_is(weir_read(&r.op, &next.stream, weir_mseq_block(bytes, 8), weir_all(),
                     on_done),
           0);
  finish(f, &r, 0, 8);
  cr_assert(pattern_holds(bytes, 0, 8));
  conn_close(f, &next);
  adopted_close(f, &a);
}

/* The number of its descriptor comes again. */
WEIR_TEST(adopt, closing_the_handle_leaves_the_next_connection_alone) {
  static struct lost l;
  struct request r = {0}, w = {0};
  struct conn c;
  uv_os_fd_t before, after;
  char bytes[8];

  lost_open(f, &l);
  run_some_turns(f);
  check_is(weir_fileno(&l.a.conn.stream, &before), 0);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  check_is(weir_fileno(&l.a.conn.stream, &after), UV_EBADF);
  run_until(f, &l.read.calls);
  run_until(f, &l.write.calls);

  conn_unix(f, &c);
  check_is(weir_fileno(&c.stream, &after), 0);
  check_is(after, before);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 8), on_done),
           0);
  run_some_turns(f);
  adopted_close(f, &l.a);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_send(&c, 0, 8);
  finish(f, &r, 0, 8);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 8), on_done), 0);
  finish(f, &w, 0, 8);
  conn_close(f, &c);
}

/* The same with a connection of libuv's, and a write that waits for a peer
 * that has ended its own side. */
WEIR_TEST(adopt, closing_the_handle_leaves_the_applications_next_alone) {
  static struct lost l;
  uv_pipe_t next;
  int fds[2];
  uv_os_fd_t before;

  lost_open(f, &l);
  check_is(shutdown(l.a.conn.peer, SHUT_WR), 0);
  finish(f, &l.read, UV_EOF, 0);
  run_some_turns(f);
  check_is(l.write.calls, 0);
  check_is(weir_fileno(&l.a.conn.stream, &before), 0);
  uv_close((uv_handle_t *)&l.a.handle, NULL);
  run_until(f, &l.write.calls);
  check_is(l.write.status, UV_ECANCELED);
  memset(&l.write, 0, sizeof(l.write));
  check_is(weir_write(&l.write.op, &l.a.conn.stream, weir_seq_block("x", 1),
                      on_done),
           0);
  finish(f, &l.write, UV_EBADF, 0);

  pair_unix(fds);
  check_is(fds[0], before);
  check_is(uv_pipe_init(&f->uv, &next, 0), 0);
  check_is(uv_pipe_open(&next, fds[0]), 0);
  last_read = 0;
  check_is(uv_read_start((uv_stream_t *)&next, on_alloc, on_read), 0);
  run_some_turns(f);
  adopted_close(f, &l.a);
  check_is(write(fds[1], "there", 5), 5);
  while (last_read == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  check_is(last_read, 5);
  uv_close((uv_handle_t *)&next, NULL);
  run_out(f);
  close(fds[1]);
}

/* ---- A handle that is closed by a callback of the same turn ---- */

struct closing {
  struct weir_fixture *f;
  struct adopted a;
  struct conn beside;
  weir_op_t first, second;
  struct request stale;
  char bytes[8];
  uv_os_fd_t number;
  int writes;
  int reuses;
  int other[2];
  int closed;
};

static void close_and_reuse(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, second));

  (void)status;
  (void)n;
  uv_close((uv_handle_t *)&c->a.handle, NULL);
  c->closed = 1;
  if (!c->reuses)
    return;
  pair_unix(c->other);
  check_is(c->other[0], c->number);
  check_is(write(c->other[1], "theirs", 6), 6);
}

/* The transfer is begun at the next flush, which has the other callback run
 * right after it. */
static void begin_both(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, first));

  (void)status;
  (void)n;
  if (c->writes)
    check_is(weir_write(&c->stale.op, &c->a.conn.stream,
                        weir_seq_block("stale", 5), on_done),
             0);
  else
    check_is(weir_read_some(&c->stale.op, &c->a.conn.stream,
                            weir_mseq_block(c->bytes, 8), on_done),
             0);
  check_is(weir_write(&c->second, &c->beside.stream, weir_seq_block(NULL, 0),
                      close_and_reuse),
           0);
}

static void expect_untouched(struct closing *c) {
  char bytes[16];

  check_is(recv(c->other[0], bytes, sizeof(bytes), MSG_DONTWAIT), 6);
  check_is(recv(c->other[1], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
  close(c->other[0]);
  close(c->other[1]);
}

static void closed_by_a_callback(struct weir_fixture *f, int writes,
                                 int reuses) {
  static struct closing c;

  memset(&c, 0, sizeof(c));
  c.f = f;
  c.writes = writes;
  c.reuses = reuses;
  conn_unix(f, &c.beside);
  open_handle(f, &c.a, 0, 0);
  adopt(f, &c.a);
  run_some_turns(f);
  check_is(weir_fileno(&c.a.conn.stream, &c.number), 0);
  check_is(weir_write(&c.first, &c.beside.stream, weir_seq_block(NULL, 0),
                      begin_both),
           0);
  run_until(f, &c.closed);
  run_until(f, &c.stale.calls);
  if (!writes || c.stale.status != 0)
    check_is(c.stale.status, UV_ECANCELED);
  if (reuses)
    expect_untouched(&c);
  adopted_close(f, &c.a);
  conn_close(f, &c.beside);
}

WEIR_TEST(adopt, closed_by_a_callback_it_reads_from_no_other) {
  closed_by_a_callback(f, 0, 1);
}

WEIR_TEST(adopt, closed_by_a_callback_it_writes_to_no_other) {
  closed_by_a_callback(f, 1, 1);
}

/* The same for one of another loop, which has begun in the same phase. */
static void on_second(weir_op_t *op, int status, size_t n) {
  struct closing *c =
      (struct closing *)((char *)op - offsetof(struct closing, second));

  (void)status;
  (void)n;
  uv_close((uv_handle_t *)&c->a.handle, NULL);
}

WEIR_TEST(adopt, closed_by_another_loops_callback_it_is_not_watched) {
  weir_loop_options_t options = {.backend = f->backend};
  static struct closing c;
  weir_loop_t *second;

  memset(&c, 0, sizeof(c));
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  conn_unix(f, &c.beside);
  open_handle(f, &c.a, 0, 0);
  check_is(weir_adopt(second, &c.a.conn.stream, (uv_stream_t *)&c.a.handle), 0);
  run_some_turns(f);
  check_is(weir_write(&c.second, &c.beside.stream, weir_seq_block(NULL, 0),
                      on_second),
           0);
  check_is(weir_read_some(&c.stale.op, &c.a.conn.stream,
                          weir_mseq_block(c.bytes, 8), on_done),
           0);
  finish(f, &c.stale, UV_ECANCELED, 0);
  adopted_close(f, &c.a);
  conn_close(f, &c.beside);
  check_is(weir_loop_detach(second, NULL), 0);
  run_out(f);
}

/* libuv ends a program that has it watch a descriptor which is closed. */
WEIR_TEST(adopt, closed_by_a_callback_it_is_not_watched) {
  closed_by_a_callback(f, 0, 0);
  closed_by_a_callback(f, 1, 0);
}
