/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/gate.h"
#include "support/net.h"
#include "support/rings.h"
#include "support/scratch.h"
#include "support/scripted.h"
#include "support/worker.h"

/* A ring that its process can no longer enter, or cannot enter for a while. */

static void run_ring_test(weir_test_fn body, weir_wait_t wait) {
  fixture_run(body, WEIR_BACKEND_URING, wait);
}

/* As WEIR_TEST, for the variants that have a ring. */
#define RING_TEST(name)                                                        \
  static void broken_ring_##name(struct weir_fixture *f);                      \
  Test(broken_ring, name##_uring_ring, .timeout = 60) {                        \
    run_ring_test(broken_ring_##name, WEIR_WAIT_RING);                         \
  }                                                                            \
  Test(broken_ring, name##_uring_uv, .timeout = 60) {                          \
    run_ring_test(broken_ring_##name, WEIR_WAIT_UV);                           \
  }                                                                            \
  static void broken_ring_##name(struct weir_fixture *f)

static const int calls[] = {CALL_URING_ENTER, CALL_URING_REGISTER};

/* What may be said for good: by a filter, by a kernel that disables the ring.
 */
static const int errors[] = {EPERM, ENOSYS, EACCES, EBADFD, EINVAL, EOPNOTSUPP};

enum { ERRORS = sizeof(errors) / sizeof(*errors) };

/* Calls of uv_run within which everything has to be over. */
enum { MOST_TURNS = 50 };

static void open_gate(struct weir_fixture *f) {
  gate_open(f, calls, 2);
}

static void detach(struct weir_fixture *f) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  f->loop = NULL;
}

/* Another ring: the one before cannot be mended. */
static void renew(struct weir_fixture *f) {
  if (f->loop != NULL)
    detach(f);
  gate_pass();
  gate_spare_rings();
  fixture_attach(f, NULL);
}

/* ---- All that can be outstanding ---- */

typedef struct scene_s {
  struct weir_fixture *f;
  struct conn reader;
  struct conn writer;
  struct conn half_closed;
  struct conn healthy;
  struct conn fifo; /* served by libuv's way */
  weir_stream_t listener;
  weir_stream_t client;
  int listener_closed;
  struct scratch file;
  int pipe[2];
  struct request read;
  struct request write;
  struct request behind;
  struct request to_half_closed;
  struct request fifo_read;
  struct request accept;
  struct request pipe_read;
  struct request last; /* what finds out */
  char bytes[16];
} scene_t;

static char much[SLOW_BYTES];

static void on_listener_closed(weir_stream_t *stream) {
  (*(int *)stream->data)++;
}

static void open_listener(scene_t *s) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(s->f->loop, &s->listener), 0);
  s->listener.data = &s->listener_closed;
  check_is(weir_tcp_bind(&s->listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&s->listener, 1), 0);
}

static void open_fifo(scene_t *s) {
  int fds[2];

  check_is(pipe(fds), 0);
  memset(&s->fifo, 0, sizeof(s->fifo));
  s->fifo.peer = fds[1];
  check_is(weir_pipe_init(s->f->loop, &s->fifo.stream), 0);
  check_is(weir_pipe_open(&s->fifo.stream, fds[0]), 0);
}

static void scene_open(struct weir_fixture *f, scene_t *s) {
  memset(s, 0, sizeof(*s));
  s->f = f;
  conn_unix(f, &s->reader);
  conn_slow(f, &s->writer);
  conn_slow(f, &s->half_closed);
  check_is(shutdown(s->half_closed.peer, SHUT_WR), 0);
  conn_unix(f, &s->healthy);
  open_listener(s);
  open_fifo(s);
  check_is(pipe(s->pipe), 0);
  scratch_make(&s->file, 16);
  pattern_fill(much, 0, sizeof(much));
}

static void scene_begin(scene_t *s) {
  weir_loop_t *loop = s->f->loop;
  weir_mseq_t into = weir_mseq_block(s->bytes, 16);
  weir_seq_t from = weir_seq_block(much, sizeof(much));

  check_is(weir_read_some(&s->read.op, &s->reader.stream, into, on_done), 0);
  check_is(weir_write(&s->write.op, &s->writer.stream, from, on_done), 0);
  check_is(weir_write(&s->behind.op, &s->writer.stream, from, on_done), 0);
  check_is(
      weir_write(&s->to_half_closed.op, &s->half_closed.stream, from, on_done),
      0);
  check_is(weir_read_some(&s->fifo_read.op, &s->fifo.stream, into, on_done), 0);
  check_is(weir_accept(&s->accept.op, &s->listener, &s->client, on_done), 0);
  check_is(
      weir_file_pread(loop, &s->pipe_read.op, s->pipe[0], into, -1, on_done),
      0);
}

static int scene_over(const scene_t *s) {
  return s->read.calls + s->write.calls + s->behind.calls +
             s->to_half_closed.calls + s->fifo_read.calls + s->accept.calls +
             s->pipe_read.calls ==
         7;
}

static void expect_error(const struct request *r, const char *what, int error) {
  check_is(r->calls, 1);
  cr_assert(r->status == -error, "%s ended with %s and not %s", what,
            r->status == 0 ? "0" : uv_err_name(r->status), strerror(error));
}

/* What did not get to the peer was not counted. */
static void expect_count(const struct request *r, const struct conn *c) {
  check_is(r->n, peer_take_available(c));
}

static void expect_errors(const scene_t *s, int error) {
  expect_error(&s->read, "a read", error);
  expect_error(&s->write, "a blocked write", error);
  expect_error(&s->behind, "a write behind it", error);
  expect_error(&s->to_half_closed, "a write to a half-closed peer", error);
  expect_error(&s->fifo_read, "a read of a FIFO", error);
  expect_error(&s->accept, "an accept", error);
  expect_error(&s->pipe_read, "a file's read", error);
  check_is(s->read.n + s->behind.n + s->fifo_read.n + s->pipe_read.n, 0);
  expect_count(&s->write, &s->writer);
  expect_count(&s->to_half_closed, &s->half_closed);
}

static void run_until_over(const scene_t *s, const int *flag) {
  for (int i = 0; !scene_over(s) || *flag == 0; i++) {
    cr_assert(i < MOST_TURNS, "%s after %d turns",
              scene_over(s) ? "the last operation is not over"
                            : "not everything is over",
              i);
    uv_run(&s->f->uv, UV_RUN_ONCE);
  }
}

static void scene_close(scene_t *s) {
  struct conn *conns[] = {&s->reader, &s->writer, &s->half_closed, &s->healthy,
                          &s->fifo};

  for (size_t i = 0; i < sizeof(conns) / sizeof(*conns); i++)
    if (!weir_is_closing(&conns[i]->stream))
      check_is(weir_close(&conns[i]->stream, on_conn_closed), 0);
  if (!weir_is_closing(&s->listener))
    check_is(weir_close(&s->listener, on_listener_closed), 0);
  run_out(s->f);
  check_is(s->listener_closed, 1);
  for (size_t i = 0; i < sizeof(conns) / sizeof(*conns); i++) {
    check_is(conns[i]->closed, 1);
    if (conns[i] == &s->healthy)
      peer_expect_end(conns[i]);
    close_peer(conns[i]);
  }
  close(s->pipe[0]);
  close(s->pipe[1]);
  scratch_remove(&s->file);
}

/* ---- For good ---- */

static void on_timer(uv_timer_t *timer) {
  *(int *)timer->data = 1;
}

/* The turns and enters of a loop that has nothing to do, or asks again once in
 * a millisecond. A spin is limited only by how fast the gate is. */
enum { WHILE_MS = 100, IDLE_TURNS = 20, IDLE_ENTERS = 2 };
enum { PAUSED_TURNS = 400, PAUSED_ENTERS = 800 };

static void expect_no_spin(struct weir_fixture *f, uint64_t most_turns,
                           int most_enters) {
  uint64_t turns = stats_of(f).turns;
  int enters = gate_calls(CALL_URING_ENTER);
  uv_timer_t timer;
  int over = 0;

  check_is(uv_timer_init(&f->uv, &timer), 0);
  timer.data = &over;
  check_is(uv_timer_start(&timer, on_timer, WHILE_MS, 0), 0);
  run_until(f, &over);
  uv_close((uv_handle_t *)&timer, NULL);
  turns = stats_of(f).turns - turns;
  enters = gate_calls(CALL_URING_ENTER) - enters;
  run_turn(f);
  cr_assert(turns <= most_turns && enters <= most_enters,
            "%llu turns, %d enters", (unsigned long long)turns, enters);
}

/* Refused with the error, or accepted and ended with it. */
static void expect_refusal(struct weir_fixture *f, int r, struct request *req,
                           const char *what, int error) {
  if (r == 0) {
    run_until(f, &req->calls);
    expect_error(req, what, error);
  } else {
    cr_assert(r == -error, "%s was refused with %s", what, uv_err_name(r));
    check_is(req->calls, 0);
  }
}

static void expect_refusals(scene_t *s, int error) {
  struct weir_fixture *f = s->f;
  struct request r[4];
  weir_stream_t stream;

  memset(r, 0, sizeof(r));
  expect_refusal(
      f,
      weir_write(&r[0].op, &s->healthy.stream, weir_seq_block("x", 1), on_done),
      &r[0], "a new write", error);
  expect_refusal(f,
                 weir_read_some(&r[1].op, &s->healthy.stream,
                                weir_mseq_block(s->bytes, 1), on_done),
                 &r[1], "a new read", error);
  expect_refusal(f,
                 weir_file_pread(f->loop, &r[2].op, s->file.fd,
                                 weir_mseq_block(s->bytes, 16), 0, on_done),
                 &r[2], "a new read of a file", error);
  expect_refusal(f, weir_accept(&r[3].op, &s->listener, &s->client, on_done),
                 &r[3], "a new accept", error);
  if (weir_tcp_init(f->loop, &stream) == 0)
    check_is(weir_close(&stream, NULL), 0);
}

/* The memory of an operation is the application's again in its callback. */
static void expect_nothing_written(scene_t *s) {
  memset(s->bytes, 0x5a, sizeof(s->bytes));
  peer_send(&s->reader, 0, 16);
  check_is(write(s->pipe[1], much, 16), 16);
  for (int i = 0; i < 4; i++)
    run_some_turns(s->f);
  for (size_t i = 0; i < sizeof(s->bytes); i++)
    check_is(s->bytes[i], 0x5a);
}

enum { BEFORE, AFTER };

/* Everything is in the ring, or, before its first enter, waits for it. */
static void scene_break(struct weir_fixture *f, scene_t *s, int when, int call,
                        int error) {
  renew(f);
  scene_open(f, s);
  if (when == BEFORE)
    gate_fail(call, error, GATE_FOR_EVER);
  scene_begin(s);
  if (when == AFTER) {
    for (int i = 0; i < 4; i++)
      run_some_turns(f);
    check_is(scene_over(s) + s->read.calls, 0);
    gate_fail(call, error, GATE_FOR_EVER);
  }
}

static void ends_everything(struct weir_fixture *f, int when, int call) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++) {
    static scene_t s;

    scene_break(f, &s, when, call, errors[i]);
    check_is(weir_write(&s.last.op, &s.healthy.stream, weir_seq_block(much, 1),
                        on_done),
             0);
    run_until_over(&s, &s.last.calls);
    expect_errors(&s, errors[i]);
    expect_error(&s.last, "the last write", errors[i]);
    check_is(s.last.n, 0);
    expect_no_spin(f, IDLE_TURNS, IDLE_ENTERS);
    expect_refusals(&s, errors[i]);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

RING_TEST(ends_everything_when_it_was_never_entered) {
  ends_everything(f, BEFORE, CALL_URING_ENTER);
}

RING_TEST(ends_everything_when_it_was_never_enabled) {
  ends_everything(f, BEFORE, CALL_URING_REGISTER);
}

RING_TEST(ends_everything_when_it_cannot_be_entered_any_more) {
  ends_everything(f, AFTER, CALL_URING_ENTER);
}

/* Not even asked to let go of what it has. */
RING_TEST(ends_everything_when_nothing_is_allowed_any_more) {
  static scene_t s;

  open_gate(f);
  scene_break(f, &s, AFTER, CALL_URING_REGISTER, EPERM);
  gate_fail(CALL_URING_ENTER, EPERM, GATE_FOR_EVER);
  check_is(weir_write(&s.last.op, &s.healthy.stream, weir_seq_block(much, 1),
                      on_done),
           0);
  run_until_over(&s, &s.last.calls);
  expect_errors(&s, EPERM);
  expect_no_spin(f, IDLE_TURNS, IDLE_ENTERS);
  scene_close(&s);
  detach(f);
  renew(f);
}

/* Where completions come in another way. */
RING_TEST(ends_everything_on_an_older_kernel) {
  static const char *const missing[] = {
      "defer_taskrun", "defer_taskrun,coop_taskrun", "5.15", "5.11"};

  open_gate(f);
  for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
    static scene_t s;

    fixture_lacks(missing[i]);
    scene_break(f, &s, AFTER, CALL_URING_ENTER, EPERM);
    check_is(weir_write(&s.last.op, &s.healthy.stream, weir_seq_block(much, 1),
                        on_done),
             0);
    run_until_over(&s, &s.last.calls);
    expect_errors(&s, EPERM);
    expect_no_spin(f, IDLE_TURNS, IDLE_ENTERS);
    expect_nothing_written(&s);
    scene_close(&s);
    detach(f);
  }
  fixture_lacks(NULL);
  renew(f);
}

/* Nor does another thread mend it. */
RING_TEST(stays_so_in_another_thread) {
  struct request w = {0}, again = {0};
  struct worker worker;
  struct conn c;

  open_gate(f);
  renew(f);
  conn_unix(f, &c);
  gate_fail(CALL_URING_ENTER, EPERM, GATE_FOR_EVER);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, UV_EPERM, 0);
  gate_pass();
  elsewhere(f, &worker, ENDED);
  expect_refusal(
      f, weir_write(&again.op, &c.stream, weir_seq_block("x", 1), on_done),
      &again, "a write", EPERM);
  conn_close(f, &c);
  detach(f);
  renew(f);
}

/* The memory is the program's in the callback, and what comes then stays in the
 * system. */
static struct conn *speaker;

static void on_end(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  peer_send(speaker, 0, 16);
}

RING_TEST(takes_nothing_any_more) {
  open_gate(f);
  for (int i = 0; i < 10; i++) {
    struct request r = {0}, w = {0};
    struct conn c, other;
    char bytes[16] = "";
    uv_os_fd_t fd;
    int registers, asked;

    setenv("WEIR_URING_CAPS_OFF", "defer_taskrun,coop_taskrun", 1);
    renew(f);
    asked = ring_cancels_all(f);
    conn_unix(f, &c);
    conn_unix(f, &other);
    speaker = &c;
    check_is(
        weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 16), on_end),
        0);
    run_some_turns(f);
    registers = gate_calls(CALL_URING_REGISTER);
    gate_fail(CALL_URING_ENTER, EPERM, GATE_FOR_EVER);
    check_is(weir_write(&w.op, &other.stream, weir_seq_block("x", 1), on_done),
             0);
    finish(f, &r, UV_EPERM, 0);
    finish(f, &w, UV_EPERM, 0);
    check_is(gate_calls(CALL_URING_REGISTER) - registers, asked);
    uv_sleep(1);
    check_is(bytes[1], 0);
    check_is(weir_fileno(&c.stream, &fd), 0);
    check_is(recv(fd, bytes, 16, MSG_DONTWAIT), 16);
    conn_close(f, &c);
    conn_close(f, &other);
    detach(f);
  }
  unsetenv("WEIR_URING_CAPS_OFF");
  renew(f);
}

/* ---- Whatever finds out ---- */

/* Ended by what was asked of it, or by the error. */
static void expect_end(const struct request *r, int error) {
  check_is(r->calls, 1);
  cr_assert(r->status == UV_ECANCELED || r->status == -error, "status is %s",
            r->status == 0 ? "0" : uv_err_name(r->status));
}

RING_TEST(completes_a_cancellation) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++) {
    static scene_t s;

    scene_break(f, &s, AFTER, CALL_URING_ENTER, errors[i]);
    weir_cancel(&s.read.op);
    run_until_over(&s, &s.read.calls);
    expect_end(&s.read, errors[i]);
    expect_error(&s.accept, "an accept", errors[i]);
    expect_no_spin(f, IDLE_TURNS, IDLE_ENTERS);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

RING_TEST(completes_closes) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++) {
    static scene_t s;

    scene_break(f, &s, AFTER, CALL_URING_ENTER, errors[i]);
    check_is(weir_close(&s.reader.stream, on_conn_closed), 0);
    check_is(weir_close(&s.writer.stream, on_conn_closed), 0);
    check_is(weir_close(&s.half_closed.stream, on_conn_closed), 0);
    check_is(weir_close(&s.listener, on_listener_closed), 0);
    run_until_over(&s, &s.reader.closed);
    expect_end(&s.read, errors[i]);
    expect_end(&s.write, errors[i]);
    expect_end(&s.behind, errors[i]);
    expect_end(&s.to_half_closed, errors[i]);
    expect_end(&s.accept, errors[i]);
    expect_error(&s.pipe_read, "a file's read", errors[i]);
    expect_count(&s.write, &s.writer);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

/* Where the ring need not be entered for it, the read may have ended before the
 * refusal: then it has its byte, and all else the error. */
static void may_have_come(scene_t *s, int error) {
  if (ring_is_one_threads(s->f) || s->read.status != 0)
    return;
  check_is(s->read.n, 1);
  s->read.n = 0;
  s->read.status = -error;
}

RING_TEST(finds_out_when_data_comes) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++) {
    static scene_t s;

    scene_break(f, &s, AFTER, CALL_URING_ENTER, errors[i]);
    peer_send(&s.reader, 0, 1);
    run_until_over(&s, &s.read.calls);
    may_have_come(&s, errors[i]);
    expect_errors(&s, errors[i]);
    expect_no_spin(f, IDLE_TURNS, IDLE_ENTERS);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

/* The ring wait watches libuv's descriptor from the ring. */
static void leave_with(struct weir_fixture *f, int error) {
  struct request r = {0};
  struct conn c;
  char byte;

  renew(f);
  conn_unix(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
  gate_fail(CALL_URING_ENTER, error, GATE_FOR_EVER);
  gate_fail(CALL_URING_REGISTER, error, GATE_FOR_EVER);
  detach(f);
}

RING_TEST(is_detached) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++)
    leave_with(f, errors[i]);
  leave_with(f, EAGAIN);
  leave_with(f, EINTR);
  renew(f);
}

RING_TEST(lets_pools_go) {
  open_gate(f);
  for (int i = 0; i < ERRORS; i++) {
    weir_pool_t *pool = NULL, *later = NULL;
    static scene_t s;
    uv_buf_t buf;

    renew(f);
    check_is(weir_pool_create(f->loop, 4, 4096, &pool), 0);
    scene_open(f, &s);
    scene_begin(&s);
    run_some_turns(f);
    gate_fail(CALL_URING_ENTER, errors[i], GATE_FOR_EVER);
    gate_fail(CALL_URING_REGISTER, errors[i], GATE_FOR_EVER);
    check_is(weir_pool_acquire(pool, &buf), 0);
    check_is(weir_file_pread(f->loop, &s.last.op, s.file.fd,
                             weir_mseq_block(buf.base, 16), 0, on_done),
             0);
    run_until_over(&s, &s.last.calls);
    expect_error(&s.last, "a read into a pool", errors[i]);
    if (weir_pool_create(f->loop, 4, 4096, &later) == 0) {
      cr_assert(weir_pool_status(later, NULL) < 0);
      check_is(weir_pool_destroy(later), 0);
    }
    check_is(weir_pool_release(pool, &buf), 0);
    check_is(weir_pool_destroy(pool), 0);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

/* Whether or not it can be asked to let go of what it has. */
RING_TEST(writes_into_nothing_that_was_given_back) {
  open_gate(f);
  for (int also = 0; also < 2; also++) {
    static scene_t s;

    scene_break(f, &s, AFTER, CALL_URING_ENTER, EPERM);
    if (also)
      gate_fail(CALL_URING_REGISTER, EPERM, GATE_FOR_EVER);
    weir_cancel(&s.accept.op);
    run_until_over(&s, &s.read.calls);
    expect_nothing_written(&s);
    scene_close(&s);
    detach(f);
  }
  renew(f);
}

/* A kind of the application's own has no ring; it can be ended as ever. */
RING_TEST(lets_other_kinds_end) {
  const weir_test_script_t never = {.rest = {.turns = WEIR_TEST_NEVER}};
  const weir_test_options_t waiting = {.no_now = 1,
                                       .read = never,
                                       .write = never,
                                       .input = "abcd",
                                       .input_size = 4};
  struct scripted a, b;
  struct request r = {0}, w = {0}, last = {0};
  struct conn c;
  char bytes[4];

  open_gate(f);
  renew(f);
  conn_unix(f, &c);
  scripted_open(f, &a, &waiting);
  scripted_open(f, &b, &waiting);
  check_is(weir_read_some(&r.op, &a.stream, weir_mseq_block(bytes, 4), on_done),
           0);
  check_is(weir_write(&w.op, &b.stream, weir_seq_block("abcd", 4), on_done), 0);
  run_some_turns(f);
  gate_fail(CALL_URING_ENTER, EPERM, GATE_FOR_EVER);
  check_is(weir_write(&last.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  run_until(f, &last.calls);
  expect_error(&last, "the last write", EPERM);
  scripted_finish(&a, WEIR_TEST_READ, 0, 4);
  run_until(f, &r.calls);
  scripted_close(f, &b);
  check_is(r.calls, 1);
  check_is(w.calls, 1);
  scripted_close(f, &a);
  conn_close(f, &c);
  detach(f);
  renew(f);
}

/* An application that closes all that it meets has to wait for the kernel. */
static void survives_a_walk(struct weir_fixture *f, int error, int times) {
  static scene_t s;

  renew(f);
  scene_open(f, &s);
  scene_begin(&s);
  for (int i = 0; i < 4; i++)
    run_some_turns(f);
  gate_fail(CALL_URING_ENTER, error, times);
  uv_walk(&f->uv, close_each, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  scene_close(&s);
  cr_assert(scene_over(&s));
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  f->loop = NULL;
}

RING_TEST(survives_a_walk_that_closes_everything) {
  open_gate(f);
  survives_a_walk(f, EPERM, GATE_FOR_EVER);
  survives_a_walk(f, EAGAIN, 10);
  survives_a_walk(f, EINTR, 10);
  renew(f);
}

/* Nor may it wait for a kernel that never has memory again. */
RING_TEST(survives_a_walk_without_any_memory) {
  open_gate(f);
  survives_a_walk(f, ENOMEM, GATE_FOR_EVER);
  survives_a_walk(f, EAGAIN, GATE_FOR_EVER);
  renew(f);
}

/* ---- For a while ---- */

static const int passing[] = {EINTR, EAGAIN, EBUSY, ENOMEM};

enum { PASSING = sizeof(passing) / sizeof(*passing) };

/* Everything that goes through the ring, to its end. */
static void use(struct weir_fixture *f) {
  struct request r = {0}, w = {0}, file = {0}, cancelled = {0};
  struct scratch s;
  struct conn c;
  char bytes[100];

  conn_tcp(f, &c);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 100), on_done),
      0);
  peer_send(&c, 0, 100);
  finish(f, &r, 0, 100);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 100), on_done),
           0);
  finish(f, &w, 0, 100);
  peer_take(&c, 0, 100);
  scratch_make(&s, 100);
  check_is(weir_file_pread(f->loop, &file.op, s.fd, weir_mseq_block(bytes, 100),
                           0, on_done),
           0);
  finish(f, &file, 0, 100);
  scratch_remove(&s);
  check_is(weir_read_some(&cancelled.op, &c.stream, weir_mseq_block(bytes, 100),
                          on_done),
           0);
  run_turn(f);
  weir_cancel(&cancelled.op);
  finish(f, &cancelled, UV_ECANCELED, 0);
  conn_close(f, &c);
}

static void survives(struct weir_fixture *f, int times) {
  open_gate(f);
  for (int i = 0; i < PASSING; i++) {
    int enters = gate_calls(CALL_URING_ENTER);

    renew(f);
    gate_fail(CALL_URING_ENTER, passing[i], times);
    use(f);
    gate_fail(CALL_URING_ENTER, passing[i], times);
    use(f);
    enters = gate_calls(CALL_URING_ENTER) - enters;
    cr_assert(enters <= 2 * times + 100, "%d enters for %d times %s", enters,
              times, strerror(passing[i]));
    detach(f);
  }
  renew(f);
}

RING_TEST(survives_an_enter_that_fails_once) {
  survives(f, 1);
}

RING_TEST(survives_an_enter_that_fails_some_times) {
  survives(f, 10);
}

/* Which is done before the first enter. */
RING_TEST(survives_an_enabling_that_fails_once) {
  open_gate(f);
  for (int i = 0; i < PASSING; i++) {
    renew(f);
    gate_fail(CALL_URING_REGISTER, passing[i], 1);
    use(f);
  }
  renew(f);
}

/* The first attach of a process finds out what the kernel can do. */
Test(broken_ring, probing_survives_an_interruption, .timeout = 60) {
  weir_loop_options_t options;
  struct weir_fixture f;

  memset(&options, 0, sizeof(options));
  options.backend = WEIR_BACKEND_URING;
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  open_gate(&f);
  gate_fail(CALL_URING_ENTER, EINTR, 3);
  int r = weir_loop_attach(&f.uv, &options, &f.loop);
  gate_pass();
  run_out(&f);
  if (r == 0) {
    check_is(weir_loop_detach(f.loop, NULL), 0);
    run_out(&f);
  }
  fixture_attach(&f, NULL);
  check_is(r, 0);
  check_is(gate_failures(CALL_URING_ENTER), 3);
  use(&f);
  fixture_finish(&f);
}

/* In every place where it may be entered: the nth enter fails. */
RING_TEST(survives_each_enter_that_fails) {
  enum { MOST = 30 };

  open_gate(f);
  for (int i = 0; i < PASSING; i++)
    for (int at = 0; at < MOST; at++) {
      renew(f);
      gate_fail_later(CALL_URING_ENTER, passing[i], at, 2);
      use(f);
    }
  renew(f);
}

/* As long as it lasts, nothing is decided, and nobody spins. */
RING_TEST(waits_while_it_cannot_be_entered) {
  open_gate(f);
  for (int i = 1; i < PASSING; i++) {
    static scene_t s;

    scene_break(f, &s, AFTER, CALL_URING_ENTER, passing[i]);
    check_is(weir_write(&s.last.op, &s.healthy.stream, weir_seq_block(much, 1),
                        on_done),
             0);
    expect_no_spin(f, PAUSED_TURNS, PAUSED_ENTERS);
    check_is(weir_close(&s.reader.stream, on_conn_closed), 0);
    expect_no_spin(f, PAUSED_TURNS, PAUSED_ENTERS);
    gate_pass();
    run_until(f, &s.last.calls);
    run_until(f, &s.reader.closed);
    check_is(s.last.status, 0);
    check_is(s.last.n, 1);
    peer_take(&s.healthy, 0, 1);
    expect_end(&s.read, passing[i]);
    weir_cancel(&s.pipe_read.op);
    scene_close(&s);
    cr_assert(scene_over(&s));
    detach(f);
  }
  renew(f);
}
