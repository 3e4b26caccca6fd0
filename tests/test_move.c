/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/busy.h"
#include "support/scratch.h"
#include "support/worker.h"

/* A loop that one thread runs after another, the first of which has ended
 * meanwhile, or lives. */

static void there_and_back(struct weir_fixture *f, int state) {
  struct worker w;
  struct busy b;

  busy_begin(f, &b);
  elsewhere(f, &w, state);
  check_is(b.read.calls + b.write.calls + b.accept.calls, 0);
  busy_end(f, &b);
  back(&w, state);
}

WEIR_TEST(move, what_is_outstanding_goes_on) {
  there_and_back(f, ENDED);
}

WEIR_TEST(move, what_is_outstanding_goes_on_beside_the_other_thread) {
  there_and_back(f, ALIVE);
}

/* A read of 4 bytes of which 2 come; and its end with the stream's. */
static void half_read_begin(struct weir_fixture *f, struct conn *c,
                            struct request *r, char bytes[4]) {
  conn_tcp(f, c);
  check_is(weir_read(&r->op, &c->stream, weir_mseq_block(bytes, 4), weir_all(),
                     on_done),
           0);
  peer_send(c, 0, 2);
}

static void half_read_close(struct weir_fixture *f, struct conn *c,
                            struct request *r) {
  check_is(weir_close(&c->stream, on_conn_closed), 0);
  finish(f, r, UV_ECANCELED, 2);
  run_until(f, &c->closed);
  close_peer(c);
}

/* The other thread alone runs the loop, and this one closes it. */
static void closed_here(struct weir_fixture *f, int state) {
  struct request r = {0};
  struct worker w;
  struct conn c;
  char bytes[4];

  half_read_begin(f, &c, &r, bytes);
  elsewhere(f, &w, state);
  check_is(r.calls, 0);
  half_read_close(f, &c, &r);
  fixture_reattach(f, 0);
  back(&w, state);
}

WEIR_TEST(move, a_third_closes_the_loop) {
  closed_here(f, ENDED);
}

WEIR_TEST(move, a_third_closes_the_loop_beside_the_other_thread) {
  closed_here(f, ALIVE);
}

WEIR_TEST(move, to_and_fro) {
  struct worker w[2];
  struct request r = {0};
  struct conn c;
  char bytes[20] = {0};
  int i;

  conn_tcp(f, &c);
  check_is(weir_read(&r.op, &c.stream, weir_mseq_block(bytes, 20), weir_all(),
                     on_done),
           0);
  for (i = 0; i < 2; i++)
    worker_begin(&w[i]);
  for (i = 0; i < 20; i++) {
    peer_send(&c, (size_t)i, 1);
    worker_do(&w[i & 1], work_some_turns, f);
    if (i == 10)
      run_some_turns(f);
  }
  for (i = 0; i < 2; i++)
    worker_end(&w[i]);
  finish(f, &r, 0, 20);
  cr_assert(pattern_holds(bytes, 0, 20));
  conn_close(f, &c);
}

/* ---- Neither a spin nor a wake-up lost ---- */

static void on_timer(uv_timer_t *timer) {
  ++*(int *)timer->data;
  uv_close((uv_handle_t *)timer, NULL);
}

static void rests(struct weir_fixture *f, int state) {
  struct request r = {0};
  weir_loop_stats_t before;
  struct worker w;
  struct conn c;
  uv_timer_t timer;
  int fired = 0;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  elsewhere(f, &w, state);
  before = stats_of(f);
  timer.data = &fired;
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, on_timer, 200, 0), 0);
  run_until(f, &fired);
  cr_assert(stats_of(f).turns - before.turns < 50);
  cr_assert(stats_of(f).enters - before.enters < 50);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
  back(&w, state);
}

WEIR_TEST(move, the_loop_sleeps) {
  rests(f, ENDED);
}

WEIR_TEST(move, the_loop_sleeps_beside_the_other_thread) {
  rests(f, ALIVE);
}

static int connect_to(const weir_stream_t *listener) {
  struct sockaddr_storage addr;
  int len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(weir_getsockname(listener, (struct sockaddr *)&addr, &len), 0);
  check_is(connect(fd, (struct sockaddr *)&addr, (socklen_t)len), 0);
  return fd;
}

static void listen_here(struct weir_fixture *f, weir_stream_t *listener) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, listener), 0);
  check_is(weir_tcp_bind(listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(listener, 5), 0);
}

/* Only one of those who wait for a connection is woken by it. */
static void accepts(struct weir_fixture *f, int state) {
  weir_stream_t listener, client;
  int i;

  listen_here(f, &listener);
  for (i = 0; i < 10; i++) {
    struct request a = {0};
    struct worker w;
    int fd;

    check_is(weir_accept(&a.op, &listener, &client, on_done), 0);
    elsewhere(f, &w, state);
    run_some_turns(f);
    check_is(a.calls, 0);
    fd = connect_to(&listener);
    finish(f, &a, 0, 0);
    check_is(weir_close(&client, NULL), 0);
    run_some_turns(f);
    close(fd);
    back(&w, state);
  }
  check_is(weir_close(&listener, NULL), 0);
  run_out(f);
}

WEIR_TEST(move, a_connection_is_accepted) {
  accepts(f, ENDED);
}

WEIR_TEST(move, a_connection_is_accepted_beside_the_other_thread) {
  accepts(f, ALIVE);
}

/* What came before the loop was run here. */
WEIR_TEST(move, a_connection_that_came_is_accepted) {
  weir_stream_t listener, client;
  struct request a = {0};
  struct worker w;
  int fd;

  listen_here(f, &listener);
  check_is(weir_accept(&a.op, &listener, &client, on_done), 0);
  elsewhere(f, &w, ALIVE);
  fd = connect_to(&listener);
  finish(f, &a, 0, 0);
  back(&w, ALIVE);
  close(fd);
  check_is(weir_close(&client, NULL), 0);
  check_is(weir_close(&listener, NULL), 0);
  run_out(f);
}

/* ---- Bytes ---- */

enum { BYTES = 600 };

struct reading {
  weir_op_t op;
  weir_stream_t *stream;
  char bytes[BYTES];
  size_t read;
  int failed;
};

static void read_byte(struct reading *reading);

static void on_byte(weir_op_t *op, int status, size_t n) {
  struct reading *reading = (struct reading *)op;

  reading->failed |= status != 0 || n != 1;
  if (++reading->read < BYTES)
    read_byte(reading);
}

static void read_byte(struct reading *reading) {
  reading->failed |=
      weir_read_some(&reading->op, reading->stream,
                     weir_mseq_block(reading->bytes + reading->read, 1),
                     on_byte) != 0;
}

static void work_a_turn(void *arg) {
  struct weir_fixture *f = arg;

  uv_run(&f->uv, UV_RUN_ONCE);
}

/* All are there, and each turn ends with a read that is done already. */
WEIR_TEST(move, no_byte_is_lost) {
  static struct reading reading;
  struct worker w;
  struct conn c;

  conn_tcp(f, &c);
  reading.stream = &c.stream;
  read_byte(&reading);
  peer_send(&c, 0, BYTES);
  worker_begin(&w);
  while (reading.read < BYTES) {
    worker_do(&w, work_a_turn, f);
    if (reading.read < BYTES)
      work_a_turn(f);
  }
  worker_end(&w);
  cr_assert(!reading.failed);
  cr_assert(pattern_holds(reading.bytes, 0, BYTES));
  conn_close(f, &c);
}

/* ---- A connection that is being made ---- */

/* A listener without room: the system tries again after a second. */
static int full_listener(struct sockaddr_in *addr, int *first) {
  socklen_t len = sizeof(*addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
  check_is(listen(fd, 0), 0);
  check_is(getsockname(fd, (struct sockaddr *)addr, &len), 0);
  *first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(*first, (struct sockaddr *)addr, len), 0);
  return fd;
}

static void connects(struct weir_fixture *f, int state) {
  struct request r = {0}, w = {0};
  struct sockaddr_in addr;
  weir_stream_t stream;
  struct worker worker;
  int first, second, fd = full_listener(&addr, &first);

  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_tcp_connect(&r.op, &stream, (struct sockaddr *)&addr, on_done),
           0);
  elsewhere(f, &worker, state);
  run_some_turns(f);
  check_is(r.calls, 0);
  close(accept(fd, NULL, NULL));
  close(first);
  finish(f, &r, 0, 0);
  second = accept(fd, NULL, NULL);
  cr_assert(second >= 0);
  check_is(weir_write(&w.op, &stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, 0, 1);
  check_is(recv(second, &(char){0}, 1, 0), 1);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
  close(second);
  close(fd);
  back(&worker, state);
}

WEIR_TEST(move, a_connection_is_made) {
  connects(f, ENDED);
}

WEIR_TEST(move, a_connection_is_made_beside_the_other_thread) {
  connects(f, ALIVE);
}

/* It was made, or refused, before this thread came to look. */
static void connected_meanwhile(struct weir_fixture *f, int refused) {
  struct request r = {0};
  struct sockaddr_in addr;
  weir_stream_t stream;
  struct worker w;
  int first, fd = full_listener(&addr, &first);

  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_tcp_connect(&r.op, &stream, (struct sockaddr *)&addr, on_done),
           0);
  elsewhere(f, &w, ALIVE);
  if (!refused)
    close(accept(fd, NULL, NULL));
  else
    close(fd);
  close(first);
  usleep(1500000);
  check_is(r.calls, 0);
  finish(f, &r, refused ? UV_ECONNREFUSED : 0, 0);
  back(&w, ALIVE);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
  if (!refused)
    close(fd);
}

WEIR_TEST(move, a_connection_was_made_meanwhile) {
  connected_meanwhile(f, 0);
}

WEIR_TEST(move, a_connection_was_refused_meanwhile) {
  connected_meanwhile(f, 1);
}

/* ---- Readiness ---- */

/* Its end was asked for here, and is told there. */
static void cancelled_before(struct weir_fixture *f, int state) {
  struct request r = {0};
  struct worker w;
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_wait(&r.op, &c.stream, WEIR_READABLE, on_done), 0);
  run_some_turns(f);
  weir_cancel(&r.op);
  elsewhere(f, &w, state);
  finish(f, &r, UV_ECANCELED, 0);
  conn_close(f, &c);
  back(&w, state);
}

WEIR_TEST(move, a_wait_was_cancelled_before) {
  cancelled_before(f, ENDED);
}

WEIR_TEST(move, a_wait_was_cancelled_before_beside_the_other_thread) {
  cancelled_before(f, ALIVE);
}

/* ---- Handles closed by the application ---- */

static void walked(struct weir_fixture *f, int state) {
  struct request r = {0};
  struct worker w;
  struct conn c;
  char bytes[4];

  half_read_begin(f, &c, &r, bytes);
  elsewhere(f, &w, state);
  uv_walk(&f->uv, close_each, NULL);
  half_read_close(f, &c, &r);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  f->loop = NULL;
  back(&w, state);
}

WEIR_TEST(move, closed_handles_end_all) {
  walked(f, ENDED);
}

WEIR_TEST(move, closed_handles_end_all_beside_the_other_thread) {
  walked(f, ALIVE);
}

/* ---- Files ---- */

/* A read that waits: where the kernel has it, nobody can tell what becomes of
 * it. Else it goes on. */
static void reads_a_file(struct weir_fixture *f, int state) {
  struct request r = {0};
  struct worker w;
  int fds[2];
  char byte = 0;

  check_is(pipe2(fds, O_CLOEXEC), 0);
  check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  elsewhere(f, &w, state);
  run_some_turns(f);
  check_is(write(fds[1], "x", 1), 1);
  run_until(f, &r.calls);
  if (f->backend == WEIR_BACKEND_UV || r.status == 0) {
    check_is(r.n, 1);
    cr_assert(byte == 'x');
  } else {
    check_is(r.status, UV_ECANCELED);
    check_is(r.n, 0);
    check_is(read(fds[0], &byte, 1), 1);
  }
  close(fds[0]);
  close(fds[1]);
  back(&w, state);
}

WEIR_TEST(move, a_files_read_ends) {
  reads_a_file(f, ENDED);
}

WEIR_TEST(move, a_files_read_ends_beside_the_other_thread) {
  reads_a_file(f, ALIVE);
}

/* ---- Older kernels, whose rings any thread may enter ---- */

static void without(void (*body)(struct weir_fixture *f, int state), int state,
                    const char *capabilities, weir_wait_t wait) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, wait);
  fixture_lacks(capabilities);
  fixture_attach(&f, NULL);
  body(&f, state);
  fixture_finish(&f);
}

static void child_has_file(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &b->file, UV_ECANCELED, 0);
  busy_must_go_on(f, b);
}

/* What moved with the ring is not begun anew in the child. */
static void forks_then(struct weir_fixture *f, int state) {
  struct worker w;
  struct busy b;

  busy_begin(f, &b);
  check_is(weir_file_pread(f->loop, &b.file.op, b.pipe[0],
                           weir_mseq_block(&b.byte, 1), -1, on_done),
           0);
  elsewhere(f, &w, state);
  run_some_turns(f);
  child_run(child_has_file, f, &b);
  check_is(write(b.pipe[1], "x", 1), 1);
  finish(f, &b.file, 0, 1);
  busy_end(f, &b);
  back(&w, state);
}

#define WITHOUT(name, body)                                                    \
  Test(move, name##_without_defer_taskrun, .timeout = 60) {                    \
    without(body, ENDED, "defer_taskrun", WEIR_WAIT_UV);                       \
    without(body, ALIVE, "defer_taskrun", WEIR_WAIT_RING);                     \
  }                                                                            \
  Test(move, name##_without_any_capability, .timeout = 60) {                   \
    without(body, ENDED, "5.11", WEIR_WAIT_RING);                              \
    without(body, ALIVE, "5.11", WEIR_WAIT_UV);                                \
  }

WITHOUT(there_and_back, there_and_back)
WITHOUT(closed_here, closed_here)
WITHOUT(rests, rests)
WITHOUT(accepts, accepts)
WITHOUT(connects, connects)
WITHOUT(reads_a_file, reads_a_file)
WITHOUT(forks, forks_then)

/* ---- More than the completion queue has places for ---- */

enum { MANY_READS = 1500 };

static struct many {
  struct weir_fixture *f;
  struct scratch file;
  struct request reads[MANY_READS];
  weir_op_t first;
  int begun;
  char byte;
} many;

static void begin_many(weir_op_t *op, int status, size_t n) {
  int i;

  (void)op;
  (void)status;
  (void)n;
  for (i = 0; i < MANY_READS; i++)
    many.begun +=
        weir_file_pread(many.f->loop, &many.reads[i].op, many.file.fd,
                        weir_mseq_block(&many.byte, 1), 0, on_done) == 0;
}

static void one_turn(void *arg) {
  struct weir_fixture *f = arg;

  uv_run(&f->uv, UV_RUN_NOWAIT);
}

/* The kernel keeps the rest for the thread that has entered the ring. */
static void leaves_nothing(struct weir_fixture *f, int in_the_turn) {
  struct worker w;
  int i;

  memset(&many, 0, sizeof(many));
  many.f = f;
  fixture_reattach(f, 2);
  scratch_make(&many.file, 1);
  if (in_the_turn)
    check_is(weir_file_pread(f->loop, &many.first, many.file.fd,
                             weir_mseq_block(&many.byte, 1), 0, begin_many),
             0);
  else
    begin_many(NULL, 0, 0);
  worker_begin(&w);
  worker_do(&w, one_turn, f);
  worker_end(&w);
  for (i = 0; i < MANY_READS; i++) {
    run_until(f, &many.reads[i].calls);
    cr_assert(many.reads[i].status == 0 || many.reads[i].status == UV_ECANCELED,
              "%d: %s", i, uv_strerror(many.reads[i].status));
  }
  check_is(many.begun, MANY_READS);
  scratch_remove(&many.file);
}

WEIR_TEST(move, nothing_is_left_that_the_queue_had_no_place_for) {
  leaves_nothing(f, 0);
}

WEIR_TEST(move, nothing_is_left_of_what_a_callback_began) {
  leaves_nothing(f, 1);
}
