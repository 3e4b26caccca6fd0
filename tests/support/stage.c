/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void on_op(weir_op_t *op, int status, size_t n) {
  struct stage *s = op->data;

  (void)n;
  s->done++;
  check_is(status, s->expected);
}

static void on_closed(weir_stream_t *stream) {
  struct stage *s = stream->data;

  s->c.closed++;
  s->done++;
}

/* ---- Jobs ---- */

static void set_up_conn(struct stage *s) {
  conn_unix(s->f, &s->c);
}

void stage_send(struct stage *s) {
  peer_send(&s->c, 0, 1);
}

static void set_up_data(struct stage *s) {
  set_up_conn(s);
  stage_send(s);
}

static void begin_read(struct stage *s) {
  check_is(weir_read_some(&s->op, &s->c.stream, weir_mseq_block(s->bytes, 16),
                          on_op),
           0);
}

static void begin_write(struct stage *s) {
  check_is(weir_write(&s->op, &s->c.stream, weir_seq_block("x", 1), on_op), 0);
}

static void begin_nothing(struct stage *s) {
  check_is(weir_write(&s->op, &s->c.stream, weir_seq_block(NULL, 0), on_op), 0);
}

static void begin_eof(struct stage *s) {
  check_is(weir_write_eof(&s->op, &s->c.stream, weir_seq_block("x", 1), on_op),
           0);
}

static void set_up_reading(struct stage *s) {
  set_up_conn(s);
  begin_read(s);
  s->expected = UV_ECANCELED;
  run_some_turns(s->f);
}

static void begin_cancel(struct stage *s) {
  weir_cancel(&s->op);
}

static void begin_close(struct stage *s) {
  check_is(weir_close(&s->c.stream, on_closed), 0);
}

static void begin_close_of_reading(struct stage *s) {
  s->needed++;
  begin_close(s);
}

enum { MUCH = 1 << 20 };

static void set_up_much(struct stage *s) {
  set_up_conn(s);
  s->much = malloc(MUCH);
  cr_assert(s->much != NULL);
  pattern_fill(s->much, 0, MUCH);
}

static void begin_much(struct stage *s) {
  check_is(weir_write_at_least(&s->op, &s->c.stream,
                               weir_seq_block(s->much, MUCH), 300000, on_op),
           0);
}

static void take_some(struct stage *s) {
  cr_assert(peer_take_available(&s->c) > 0, "the write was never started");
}

static void set_up_listener(struct stage *s) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(s->f->loop, &s->c.stream), 0);
  check_is(weir_tcp_bind(&s->c.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&s->c.stream, 1), 0);
}

static void connect_one(struct stage *s) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  check_is(weir_getsockname(&s->c.stream, (struct sockaddr *)&addr, &len), 0);
  s->c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(s->c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void set_up_connection(struct stage *s) {
  set_up_listener(s);
  connect_one(s);
}

static void begin_accept(struct stage *s) {
  check_is(weir_accept(&s->op, &s->c.stream, &s->accepted.stream, on_op), 0);
}

static void set_up_connect(struct stage *s) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  s->c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(bind(s->c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(listen(s->c.peer, 1), 0);
  check_is(weir_tcp_init(s->f->loop, &s->c.stream), 0);
}

static void begin_connect(struct stage *s) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);

  check_is(getsockname(s->c.peer, (struct sockaddr *)&addr, &len), 0);
  check_is(
      weir_tcp_connect(&s->op, &s->c.stream, (struct sockaddr *)&addr, on_op),
      0);
}

static void set_up_file(struct stage *s) {
  scratch_make(&s->file, 16);
}

static void begin_file(struct stage *s) {
  check_is(weir_file_pread(s->f->loop, &s->op, s->file.fd,
                           weir_mseq_block(s->bytes, 16), 0, on_op),
           0);
}

static void begin_file_write(struct stage *s) {
  check_is(weir_file_pwrite(s->f->loop, &s->op, s->file.fd,
                            weir_seq_block("x", 1), 0, on_op),
           0);
}

static void begin_other_write(struct stage *s, struct request *r) {
  check_is(weir_write(&r->op, &s->c.stream, weir_seq_block("y", 1), on_done),
           0);
}

static void begin_window(struct stage *s) {
  for (int i = 0; i < WEIR_WINDOW; i++)
    begin_other_write(s, &s->others[i]);
  begin_write(s);
}

static void begin_read_anew(struct stage *s) {
  weir_op_t *op = &s->others[0].op;

  check_is(
      weir_read_some(op, &s->c.stream, weir_mseq_block(s->bytes, 16), on_done),
      0);
  weir_cancel(op);
  begin_read(s);
}

static void begin_write_anew(struct stage *s) {
  begin_other_write(s, &s->others[0]);
  weir_cancel(&s->others[0].op);
  begin_write(s);
}

static void set_up_second(struct stage *s) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = s->f->backend;
  options.wait = WEIR_WAIT_UV;
  check_is(weir_loop_attach(&s->f->uv, &options, &s->second), 0);
}

/* Its only user. */
static struct stage *detaching;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detaching->second = NULL;
  detaching->done++;
}

static void begin_detach(struct stage *s) {
  detaching = s;
  check_is(weir_loop_detach(s->second, on_detached), 0);
}

const struct job jobs[JOBS] = {
    {"a read with data there", set_up_data, begin_read, NULL, 0},
    {"a write", set_up_conn, begin_write, NULL, 0},
    {"an empty write", set_up_conn, begin_nothing, NULL, 0},
    {"a half-close", set_up_conn, begin_eof, NULL, 0},
    {"an accept with a connection there", set_up_connection, begin_accept, NULL,
     0},
    {"a connect", set_up_connect, begin_connect, NULL, 0},
    {"a file's read", set_up_file, begin_file, NULL, 1},
    {"a cancellation", set_up_reading, begin_cancel, NULL, 0},
    {"a close", set_up_conn, begin_close, NULL, 0},
    {"a close with a read pending", set_up_reading, begin_close_of_reading,
     NULL, 0},
    {"a detach", set_up_second, begin_detach, NULL, 0},
    {"a file's write", set_up_file, begin_file_write, NULL, 2},
    {"writes that fill a window", set_up_conn, begin_window, NULL, 0},
    {"a read instead of a cancelled one", set_up_data, begin_read_anew, NULL,
     0},
    {"a write instead of a cancelled one", set_up_conn, begin_write_anew, NULL,
     0},
};

const struct job later_jobs[LATER_JOBS] = {
    {"a read with data to come", set_up_conn, begin_read, stage_send, 0},
    {"a write with room to come", set_up_much, begin_much, take_some, 0},
    {"an accept with a connection to come", set_up_listener, begin_accept,
     connect_one, 0},
};

/* ---- Places ---- */

static void begin(struct stage *s) {
  s->begun = 1;
  check_is(uv_idle_stop(&s->awake), 0);
  s->op.data = s;
  s->c.stream.data = s;
  s->job->begin(s);
}

static void begin_and_close(uv_handle_t *handle) {
  begin(handle->data);
  uv_close(handle, NULL);
}

static void in_timer(uv_timer_t *timer) {
  begin_and_close((uv_handle_t *)timer);
}

static void in_idle(uv_idle_t *idle) {
  begin_and_close((uv_handle_t *)idle);
}

static void in_prepare(uv_prepare_t *prepare) {
  begin_and_close((uv_handle_t *)prepare);
}

static void in_check(uv_check_t *check) {
  begin_and_close((uv_handle_t *)check);
}

static void in_async(uv_async_t *async) {
  begin_and_close((uv_handle_t *)async);
}

static void in_closing(uv_handle_t *handle) {
  begin(handle->data);
}

static void at_outside(struct stage *s) {
  begin(s);
}

static void at_timer(struct stage *s) {
  check_is(uv_timer_init(&s->f->uv, &s->at.timer), 0);
  check_is(uv_timer_start(&s->at.timer, in_timer, 0, 0), 0);
}

static void at_idle(struct stage *s) {
  check_is(uv_idle_init(&s->f->uv, &s->at.idle), 0);
  check_is(uv_idle_start(&s->at.idle, in_idle), 0);
}

static void at_prepare(struct stage *s) {
  check_is(uv_prepare_init(&s->f->uv, &s->at.prepare), 0);
  check_is(uv_prepare_start(&s->at.prepare, in_prepare), 0);
}

static void at_check(struct stage *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, in_check), 0);
}

static void at_async(struct stage *s) {
  check_is(uv_async_init(&s->f->uv, &s->at.async, in_async), 0);
  check_is(uv_async_send(&s->at.async), 0);
}

static void at_closing(struct stage *s) {
  check_is(uv_timer_init(&s->f->uv, &s->at.timer), 0);
  uv_close(&s->at.handle, in_closing);
}

/* A closing handle would keep libuv awake. */
static void in_last_timer(uv_timer_t *timer) {
  begin(timer->data);
}

/* Due behind the poll phase, where UV_RUN_ONCE looks at the timers again. */
static void start_timer(uv_check_t *check) {
  struct stage *s = check->data;

  check_is(uv_timer_start(&s->timer, in_last_timer, 0, 0), 0);
  uv_close((uv_handle_t *)check, NULL);
}

static void at_last_timer(struct stage *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, start_timer), 0);
}

static void in_callback(weir_op_t *op, int status, size_t n) {
  (void)n;
  check_is(status, 0);
  begin(op->data);
}

static void at_callback(struct stage *s) {
  s->first.data = s;
  check_is(weir_write(&s->first, &s->beside.stream, weir_seq_block(NULL, 0),
                      in_callback),
           0);
}

static void at_read_callback(struct stage *s) {
  s->first.data = s;
  peer_send(&s->beside, 0, 1);
  check_is(weir_read_some(&s->first, &s->beside.stream,
                          weir_mseq_block(s->bytes, 16), in_callback),
           0);
}

static void callback_behind_poll(uv_check_t *check) {
  at_callback(check->data);
  uv_close((uv_handle_t *)check, NULL);
}

static void at_callback_behind_poll(struct stage *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, callback_behind_poll), 0);
}

static void in_close_callback(weir_stream_t *stream) {
  on_conn_closed(stream);
  begin(stream->data);
}

static void at_close_callback(struct stage *s) {
  s->beside.stream.data = s;
  check_is(weir_close(&s->beside.stream, in_close_callback), 0);
}

/* Handles that libuv runs behind the library's own. */
static uv_prepare_t prepare_behind;
static uv_check_t check_behind;
static struct stage *at_prepare_behind;
static struct stage *at_check_behind;

static void begin_once(struct stage **at) {
  struct stage *s = *at;

  *at = NULL;
  if (s != NULL)
    begin(s);
}

static void in_prepare_behind(uv_prepare_t *prepare) {
  (void)prepare;
  begin_once(&at_prepare_behind);
}

static void in_check_behind(uv_check_t *check) {
  (void)check;
  begin_once(&at_check_behind);
}

static void at_prepare_behind_the_loop(struct stage *s) {
  at_prepare_behind = s;
}

static void at_check_behind_the_loop(struct stage *s) {
  at_check_behind = s;
}

/* libuv runs the handle that was started first last. */
void stage_go_behind(struct weir_fixture *f) {
  if (f->wait == WEIR_WAIT_RING)
    fixture_skip(f, "the ring wait has to be the last prepare handle");
  check_is(uv_prepare_init(&f->uv, &prepare_behind), 0);
  check_is(uv_prepare_start(&prepare_behind, in_prepare_behind), 0);
  check_is(uv_check_init(&f->uv, &check_behind), 0);
  check_is(uv_check_start(&check_behind, in_check_behind), 0);
  uv_unref((uv_handle_t *)&prepare_behind);
  uv_unref((uv_handle_t *)&check_behind);
  fixture_reattach(f, 0);
}

void stage_come_back(struct weir_fixture *f) {
  uv_close((uv_handle_t *)&prepare_behind, NULL);
  uv_close((uv_handle_t *)&check_behind, NULL);
  run_out(f);
}

struct place {
  const char *name;
  void (*arrange)(struct stage *s);
};

static const struct place places[] = {
    {"outside of uv_run", at_outside},
    {"in a timer", at_timer},
    {"in an idle handle", at_idle},
    {"in a prepare handle", at_prepare},
    {"in a check handle", at_check},
    {"in an async handle", at_async},
    {"in a closing callback", at_closing},
    {"in a timer behind the poll", at_last_timer},
    {"in a write's callback", at_callback},
    {"in a read's callback", at_read_callback},
    {"in a callback behind the poll", at_callback_behind_poll},
    {"in a stream's close callback", at_close_callback},
    {"in a prepare handle behind the loop's", at_prepare_behind_the_loop},
    {"in a check handle behind the loop's", at_check_behind_the_loop},
};

static void on_awake(uv_idle_t *idle) {
  (void)idle;
}

int stage_is_done(const struct stage *s) {
  return s->done >= s->needed;
}

void stage_open(struct weir_fixture *f, struct stage *s,
                const struct job *job) {
  memset(s, 0, sizeof(*s));
  s->f = f;
  s->job = job;
  s->needed = 1;
  s->c.peer = -1;
  s->file.fd = -1;
  s->op.data = s;
  s->at.handle.data = s;
  s->timer.data = s;
  conn_unix(f, &s->beside);
  check_is(uv_idle_init(&f->uv, &s->awake), 0);
  check_is(uv_timer_init(&f->uv, &s->timer), 0);
  job->set_up(s);
  /* libuv begins with descriptors of its own to be watched. */
  run_turn(f);
}

void stage_arrange(struct stage *s, int place) {
  s->where = places[place].name;
  if (place != OUTSIDE)
    check_is(uv_idle_start(&s->awake, on_awake), 0);
  places[place].arrange(s);
}

void stage_begin(struct stage *s, int place, uv_run_mode mode) {
  stage_arrange(s, place);
  if (place != OUTSIDE)
    uv_run(&s->f->uv, mode);
}

void stage_close(struct stage *s) {
  check_is(s->done, s->needed);
  if (s->c.stream.loop != NULL && !s->c.closed)
    close_stream(s->f, &s->c);
  if (s->accepted.stream.loop != NULL)
    close_stream(s->f, &s->accepted);
  close_peer(&s->c);
  if (!s->beside.closed)
    close_stream(s->f, &s->beside);
  close_peer(&s->beside);
  if (s->file.fd >= 0)
    scratch_remove(&s->file);
  free(s->much);
  uv_close((uv_handle_t *)&s->awake, NULL);
  uv_close((uv_handle_t *)&s->timer, NULL);
  run_out(s->f);
}
