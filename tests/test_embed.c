/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/scratch.h"

/* A loop that an outer one embeds as libuv documents it: it polls uv_backend_fd
 * for as long as uv_backend_timeout says, and then calls uv_run. Whatever is
 * begun, wherever it is begun, has to go on then; and the same for loops around
 * uv_run in each of its modes. */

/* A poll of the outer loop that lasts so long was for nothing. */
enum { PATIENCE_MS = 2000 };

/* The outer loop needs a handful. */
enum { MOST_TURNS = 200 };

struct job_s;

/* One operation, its surroundings, and the handles to begin it from. */
typedef struct stage_s {
  struct weir_fixture *f;
  const struct job_s *job;
  const char *where;
  weir_op_t op;
  struct conn c;
  struct conn accepted;
  struct scratch file;
  weir_loop_t *second;
  int begun;
  int done;
  int needed; /* callbacks, until it is done */
  int expected;
  char bytes[16];
  char *much;
  /* The place where it is begun. */
  weir_op_t first;
  struct conn beside;
  uv_idle_t awake;
  union {
    uv_handle_t handle;
    uv_timer_t timer;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
  } at;
  uv_timer_t timer;
} stage_t;

typedef struct job_s {
  const char *name;
  void (*set_up)(stage_t *s);
  void (*begin)(stage_t *s);
  /* What it waits for; NULL: for nothing. */
  void (*later)(stage_t *s);
  int slow; /* a thread may have to do it */
} job_t;

static void on_op(weir_op_t *op, int status, size_t n) {
  stage_t *s = op->data;

  (void)n;
  s->done++;
  check_is(status, s->expected);
}

static void on_closed(weir_stream_t *stream) {
  stage_t *s = stream->data;

  s->c.closed++;
  s->done++;
}

/* ---- Jobs ---- */

static void set_up_conn(stage_t *s) {
  conn_unix(s->f, &s->c);
}

static void send_one(stage_t *s) {
  peer_send(&s->c, 0, 1);
}

static void set_up_data(stage_t *s) {
  set_up_conn(s);
  send_one(s);
}

static void begin_read(stage_t *s) {
  check_is(weir_read_some(&s->op, &s->c.stream, weir_mseq_block(s->bytes, 16),
                          on_op),
           0);
}

static void begin_write(stage_t *s) {
  check_is(weir_write(&s->op, &s->c.stream, weir_seq_block("x", 1), on_op), 0);
}

static void begin_nothing(stage_t *s) {
  check_is(weir_write(&s->op, &s->c.stream, weir_seq_block(NULL, 0), on_op), 0);
}

static void begin_eof(stage_t *s) {
  check_is(weir_write_eof(&s->op, &s->c.stream, weir_seq_block("x", 1), on_op),
           0);
}

static void set_up_reading(stage_t *s) {
  set_up_conn(s);
  begin_read(s);
  s->expected = UV_ECANCELED;
  run_some_turns(s->f);
}

static void begin_cancel(stage_t *s) {
  weir_cancel(&s->op);
}

static void begin_close(stage_t *s) {
  check_is(weir_close(&s->c.stream, on_closed), 0);
}

static void begin_close_of_reading(stage_t *s) {
  s->needed++;
  begin_close(s);
}

enum { MUCH = 1 << 20 };

static void set_up_much(stage_t *s) {
  set_up_conn(s);
  s->much = malloc(MUCH);
  cr_assert(s->much != NULL);
  pattern_fill(s->much, 0, MUCH);
}

static void begin_much(stage_t *s) {
  check_is(weir_write_at_least(&s->op, &s->c.stream,
                               weir_seq_block(s->much, MUCH), 300000, on_op),
           0);
}

static void take_some(stage_t *s) {
  cr_assert(peer_take_available(&s->c) > 0, "the write was never started");
}

static void set_up_listener(stage_t *s) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(s->f->loop, &s->c.stream), 0);
  check_is(weir_tcp_bind(&s->c.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&s->c.stream, 1), 0);
}

static void connect_one(stage_t *s) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  check_is(weir_getsockname(&s->c.stream, (struct sockaddr *)&addr, &len), 0);
  s->c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(s->c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void set_up_connection(stage_t *s) {
  set_up_listener(s);
  connect_one(s);
}

static void begin_accept(stage_t *s) {
  check_is(weir_accept(&s->op, &s->c.stream, &s->accepted.stream, on_op), 0);
}

static void set_up_connect(stage_t *s) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  s->c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(bind(s->c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
  check_is(listen(s->c.peer, 1), 0);
  check_is(weir_tcp_init(s->f->loop, &s->c.stream), 0);
}

static void begin_connect(stage_t *s) {
  struct sockaddr_in addr;
  socklen_t len = sizeof(addr);

  check_is(getsockname(s->c.peer, (struct sockaddr *)&addr, &len), 0);
  check_is(
      weir_tcp_connect(&s->op, &s->c.stream, (struct sockaddr *)&addr, on_op),
      0);
}

static void set_up_file(stage_t *s) {
  scratch_make(&s->file, 16);
}

static void begin_file(stage_t *s) {
  check_is(weir_file_pread(s->f->loop, &s->op, s->file.fd,
                           weir_mseq_block(s->bytes, 16), 0, on_op),
           0);
}

static void set_up_second(stage_t *s) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = s->f->backend;
  options.wait = WEIR_WAIT_UV;
  check_is(weir_loop_attach(&s->f->uv, &options, &s->second), 0);
}

/* Its only user. */
static stage_t *detaching;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detaching->second = NULL;
  detaching->done++;
}

static void begin_detach(stage_t *s) {
  detaching = s;
  check_is(weir_loop_detach(s->second, on_detached), 0);
}

static const job_t jobs[] = {
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
};

static const job_t later_jobs[] = {
    {"a read with data to come", set_up_conn, begin_read, send_one, 0},
    {"a write with room to come", set_up_much, begin_much, take_some, 0},
    {"an accept with a connection to come", set_up_listener, begin_accept,
     connect_one, 0},
};

enum {
  JOBS = sizeof(jobs) / sizeof(*jobs),
  LATER_JOBS = sizeof(later_jobs) / sizeof(*later_jobs)
};

/* ---- Places ---- */

static void begin(stage_t *s) {
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

static void at_outside(stage_t *s) {
  begin(s);
}

static void at_timer(stage_t *s) {
  check_is(uv_timer_init(&s->f->uv, &s->at.timer), 0);
  check_is(uv_timer_start(&s->at.timer, in_timer, 0, 0), 0);
}

static void at_idle(stage_t *s) {
  check_is(uv_idle_init(&s->f->uv, &s->at.idle), 0);
  check_is(uv_idle_start(&s->at.idle, in_idle), 0);
}

static void at_prepare(stage_t *s) {
  check_is(uv_prepare_init(&s->f->uv, &s->at.prepare), 0);
  check_is(uv_prepare_start(&s->at.prepare, in_prepare), 0);
}

static void at_check(stage_t *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, in_check), 0);
}

static void at_async(stage_t *s) {
  check_is(uv_async_init(&s->f->uv, &s->at.async, in_async), 0);
  check_is(uv_async_send(&s->at.async), 0);
}

static void at_closing(stage_t *s) {
  check_is(uv_timer_init(&s->f->uv, &s->at.timer), 0);
  uv_close(&s->at.handle, in_closing);
}

/* A closing handle would keep libuv awake. */
static void in_last_timer(uv_timer_t *timer) {
  begin(timer->data);
}

/* Due behind the poll phase, where UV_RUN_ONCE looks at the timers again. */
static void start_timer(uv_check_t *check) {
  stage_t *s = check->data;

  check_is(uv_timer_start(&s->timer, in_last_timer, 0, 0), 0);
  uv_close((uv_handle_t *)check, NULL);
}

static void at_last_timer(stage_t *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, start_timer), 0);
}

static void in_callback(weir_op_t *op, int status, size_t n) {
  (void)n;
  check_is(status, 0);
  begin(op->data);
}

static void at_callback(stage_t *s) {
  s->first.data = s;
  check_is(weir_write(&s->first, &s->beside.stream, weir_seq_block(NULL, 0),
                      in_callback),
           0);
}

static void at_read_callback(stage_t *s) {
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

static void at_callback_behind_poll(stage_t *s) {
  check_is(uv_check_init(&s->f->uv, &s->at.check), 0);
  check_is(uv_check_start(&s->at.check, callback_behind_poll), 0);
}

static void in_close_callback(weir_stream_t *stream) {
  on_conn_closed(stream);
  begin(stream->data);
}

static void at_close_callback(stage_t *s) {
  s->beside.stream.data = s;
  check_is(weir_close(&s->beside.stream, in_close_callback), 0);
}

typedef struct place_s {
  const char *name;
  void (*arrange)(stage_t *s);
} place_t;

static const place_t places[] = {
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
};

enum {
  OUTSIDE,
  TIMER,
  IDLE,
  PREPARE,
  CHECK,
  ASYNC,
  CLOSING,
  LAST_TIMER,
  CALLBACK,
  READ_CALLBACK,
  CALLBACK_BEHIND_POLL,
  CLOSE_CALLBACK,
  PLACES = sizeof(places) / sizeof(*places)
};

static void on_awake(uv_idle_t *idle) {
  (void)idle;
}

static int is_done(const stage_t *s) {
  return s->done >= s->needed;
}

/* Everything is ready, nothing has begun. */
static void stage_open(struct weir_fixture *f, stage_t *s, const job_t *job) {
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

/* Has it begun at that place in the next turn. Until then nobody sleeps. */
static void stage_arrange(stage_t *s, int place) {
  s->where = places[place].name;
  if (place != OUTSIDE)
    check_is(uv_idle_start(&s->awake, on_awake), 0);
  places[place].arrange(s);
}

/* Has it begun within one call of uv_run, or in the next, if that is where the
 * timers behind the poll are looked at. */
static void stage_begin(stage_t *s, int place, uv_run_mode mode) {
  stage_arrange(s, place);
  if (place != OUTSIDE)
    uv_run(&s->f->uv, mode);
}

static void stage_close(stage_t *s) {
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

/* ---- The outer loop ---- */

static int is_readable(const struct weir_fixture *f, int timeout) {
  struct pollfd p = {.fd = uv_backend_fd(&f->uv), .events = POLLIN};
  int n;

  do
    n = poll(&p, 1, timeout);
  while (n < 0 && errno == EINTR);
  cr_assert(n >= 0);
  return n;
}

static void outer_turn(const stage_t *s, uv_run_mode mode) {
  int timeout = uv_backend_timeout(&s->f->uv);
  int slept = 0;

  if (timeout < 0 || timeout > PATIENCE_MS)
    slept = !is_readable(s->f, PATIENCE_MS);
  else
    is_readable(s->f, timeout);
  cr_assert(!slept, "the outer loop sleeps, though %s, begun %s, could go on",
            s->job->name, s->where);
  uv_run(&s->f->uv, mode);
}

static void outer_until_done(const stage_t *s, uv_run_mode mode) {
  for (int i = 0; !is_done(s); i++) {
    cr_assert(i < MOST_TURNS, "the outer loop spins for %s, begun %s",
              s->job->name, s->where);
    outer_turn(s, mode);
  }
}

/* Until the outer loop would sleep, which has to come soon. */
static void outer_until_rest(const stage_t *s) {
  for (int i = 0; i < MOST_TURNS; i++) {
    if (s->begun && uv_backend_timeout(&s->f->uv) != 0 && !is_readable(s->f, 0))
      return;
    outer_turn(s, UV_RUN_NOWAIT);
  }
  cr_assert(0, "the outer loop never rests with %s, begun %s", s->job->name,
            s->where);
}

static void embedded(struct weir_fixture *f, int place) {
  static const uv_run_mode modes[] = {UV_RUN_NOWAIT, UV_RUN_ONCE};

  for (int i = 0; i < 2 * JOBS; i++) {
    stage_t s;

    stage_open(f, &s, &jobs[i / 2]);
    stage_begin(&s, place, modes[i % 2]);
    outer_until_done(&s, modes[i % 2]);
    stage_close(&s);
  }
}

static void embedded_later(struct weir_fixture *f, int place) {
  if (f->backend == WEIR_BACKEND_URING && f->wait == WEIR_WAIT_RING)
    fixture_skip(f,
                 "the ring wait sleeps in uv_run(UV_RUN_NOWAIT), see loop.h");
  for (int i = 0; i < LATER_JOBS; i++) {
    stage_t s;

    stage_open(f, &s, &later_jobs[i]);
    stage_begin(&s, place, UV_RUN_NOWAIT);
    outer_until_rest(&s);
    check_is(s.done, 0);
    s.job->later(&s);
    outer_until_done(&s, UV_RUN_NOWAIT);
    stage_close(&s);
  }
}

WEIR_TEST(embed, begun_outside) {
  embedded(f, OUTSIDE);
}

WEIR_TEST(embed, begun_in_a_timer) {
  embedded(f, TIMER);
}

WEIR_TEST(embed, begun_in_an_idle_handle) {
  embedded(f, IDLE);
}

WEIR_TEST(embed, begun_in_a_prepare_handle) {
  embedded(f, PREPARE);
}

WEIR_TEST(embed, begun_in_a_check_handle) {
  embedded(f, CHECK);
}

WEIR_TEST(embed, begun_in_an_async_handle) {
  embedded(f, ASYNC);
}

WEIR_TEST(embed, begun_in_a_closing_callback) {
  embedded(f, CLOSING);
}

WEIR_TEST(embed, begun_in_a_timer_behind_the_poll) {
  embedded(f, LAST_TIMER);
}

WEIR_TEST(embed, begun_in_a_callback) {
  embedded(f, CALLBACK);
}

WEIR_TEST(embed, begun_in_a_reads_callback) {
  embedded(f, READ_CALLBACK);
}

WEIR_TEST(embed, begun_in_a_callback_behind_the_poll) {
  embedded(f, CALLBACK_BEHIND_POLL);
}

WEIR_TEST(embed, begun_in_a_close_callback) {
  embedded(f, CLOSE_CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_outside) {
  embedded_later(f, OUTSIDE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_timer) {
  embedded_later(f, TIMER);
}

WEIR_TEST(embed, goes_on_later_begun_in_an_idle_handle) {
  embedded_later(f, IDLE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_prepare_handle) {
  embedded_later(f, PREPARE);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_check_handle) {
  embedded_later(f, CHECK);
}

WEIR_TEST(embed, goes_on_later_begun_in_an_async_handle) {
  embedded_later(f, ASYNC);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_closing_callback) {
  embedded_later(f, CLOSING);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_timer_behind_the_poll) {
  embedded_later(f, LAST_TIMER);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_callback) {
  embedded_later(f, CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_reads_callback) {
  embedded_later(f, READ_CALLBACK);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_callback_behind_the_poll) {
  embedded_later(f, CALLBACK_BEHIND_POLL);
}

WEIR_TEST(embed, goes_on_later_begun_in_a_close_callback) {
  embedded_later(f, CLOSE_CALLBACK);
}

/* As libuv says it after uv_read_start: uv_run has to be called. */
WEIR_TEST(embed, asks_to_be_run_after_whatever_is_begun_outside) {
  for (int i = 0; i < JOBS; i++) {
    stage_t s;

    stage_open(f, &s, &jobs[i]);
    stage_begin(&s, OUTSIDE, UV_RUN_DEFAULT);
    cr_assert(s.done == 0 && uv_backend_timeout(&f->uv) == 0,
              "uv_backend_timeout is %d after %s was begun",
              uv_backend_timeout(&f->uv), s.job->name);
    while (!is_done(&s))
      uv_run(&f->uv, UV_RUN_ONCE);
    stage_close(&s);
  }
}

/* What arrives between two operations finds the loop asleep again and again. */
WEIR_TEST(embed, sees_every_byte_of_many) {
  stage_t s;

  if (f->backend == WEIR_BACKEND_URING && f->wait == WEIR_WAIT_RING)
    fixture_skip(f,
                 "the ring wait sleeps in uv_run(UV_RUN_NOWAIT), see loop.h");
  stage_open(f, &s, &later_jobs[0]);
  for (int i = 0; i < 50; i++) {
    s.done = 0;
    stage_begin(&s, OUTSIDE, UV_RUN_NOWAIT);
    outer_until_rest(&s);
    check_is(s.done, 0);
    send_one(&s);
    outer_until_done(&s, UV_RUN_NOWAIT);
    check_is(s.done, 1);
  }
  stage_close(&s);
}

/* Where completions come in another way. */
static void on_an_older_kernel(const char *missing) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  setenv("WEIR_URING_CAPS_OFF", missing, 1);
  fixture_attach(&f, NULL);
  for (int place = 0; place < PLACES; place++) {
    embedded(&f, place);
    embedded_later(&f, place);
  }
  fixture_finish(&f);
}

Test(embed, without_defer_taskrun, .timeout = 60) {
  on_an_older_kernel("defer_taskrun");
}

Test(embed, without_coop_taskrun, .timeout = 60) {
  on_an_older_kernel("defer_taskrun,coop_taskrun");
}

/* ---- Loops around uv_run ---- */

/* Plain libuv needs two calls of UV_RUN_ONCE from the turn behind which
 * something began to its callback, at most. */
enum { MOST_CALLS = 4 };

static void run_by(struct weir_fixture *f, uv_run_mode mode) {
  for (int place = 0; place < PLACES; place++)
    for (int i = 0; i < JOBS; i++) {
      int calls = 0;
      stage_t s;

      if (mode == UV_RUN_NOWAIT && jobs[i].slow)
        continue;
      stage_open(f, &s, &jobs[i]);
      stage_begin(&s, place, mode);
      while (!is_done(&s)) {
        cr_assert(calls++ < MOST_CALLS, "%s, begun %s, needs more calls",
                  s.job->name, s.where);
        uv_run(&f->uv, mode);
      }
      stage_close(&s);
    }
}

WEIR_TEST(embed, is_done_after_few_calls_of_uv_run_once) {
  run_by(f, UV_RUN_ONCE);
}

WEIR_TEST(embed, is_done_after_few_calls_of_uv_run_nowait) {
  run_by(f, UV_RUN_NOWAIT);
}

WEIR_TEST(embed, is_done_when_uv_run_returns) {
  for (int place = 0; place < PLACES; place++)
    for (int i = 0; i < JOBS; i++) {
      stage_t s;

      stage_open(f, &s, &jobs[i]);
      stage_arrange(&s, place);
      check_is(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
      cr_assert(is_done(&s), "uv_run returned with %s, begun %s", s.job->name,
                s.where);
      stage_close(&s);
    }
}
