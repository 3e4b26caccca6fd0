/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/fault.h>
#include <weir/test.h>

#include "../lib/loop.h"
#include "../lib/queue.h"
#include "support/adopted.h"
#include "support/net.h"
#include "support/scratch.h"
#include "support/scripted.h"

/* Files in the queue of a stream. What is sent lies in the file where it is to
 * lie in what the peer gets, so that all of it is one pattern. */

enum { HEAD = 300, BODY = 100000, TAIL = 77 };

typedef struct page_s {
  struct scratch s;
  struct request head, body, tail;
  char *bytes; /* as the file's */
  size_t size;
} page_t;

static void page_make(page_t *p, size_t size) {
  memset(p, 0, sizeof(*p));
  scratch_make(&p->s, size);
  p->size = size;
  p->bytes = malloc(size + 1);
  cr_assert(p->bytes != NULL);
  pattern_fill(p->bytes, 0, size);
}

static void page_end(page_t *p) {
  free(p->bytes);
  scratch_remove(&p->s);
}

/* And a connection with small buffers, to which it is sent. */
static void open_slow(struct weir_fixture *f, struct conn *c, page_t *p,
                      size_t size) {
  page_make(p, size);
  conn_slow(f, c);
}

static void close_both(struct weir_fixture *f, struct conn *c, page_t *p) {
  conn_close(f, c);
  page_end(p);
}

static int send_part(struct request *r, weir_stream_t *stream, const page_t *p,
                     size_t offset, size_t len) {
  memset(r, 0, sizeof(*r));
  return weir_sendfile(&r->op, stream, p->s.fd, (int64_t)offset, len, on_done);
}

static int write_part(struct request *r, weir_stream_t *stream, const page_t *p,
                      size_t offset, size_t len) {
  memset(r, 0, sizeof(*r));
  return weir_write(&r->op, stream, weir_seq_block(p->bytes + offset, len),
                    on_done);
}

/* Runs until the callback of r came, as the peer reads. */
static void pump(struct weir_fixture *f, const struct request *r, int fd,
                 size_t *taken) {
  while (!r->calls) {
    run_turn(f);
    cr_assert(take_pattern(fd, taken), "other bytes came");
  }
}

static void take_up_to(int fd, size_t *taken, size_t total) {
  while (*taken < total)
    cr_assert(take_pattern(fd, taken), "other bytes came");
  check_is(*taken, total);
}

static void expect_said(const struct request *r, int status, size_t n) {
  check_is(r->calls, 1);
  check_is(r->status, status);
  check_is(r->n, n);
}

/* ---- In order ---- */

static void check_page(struct weir_fixture *f, weir_stream_t *stream, int peer,
                       size_t body) {
  size_t total = HEAD + body + TAIL, taken = 0;
  page_t p;

  page_make(&p, total);
  check_is(write_part(&p.head, stream, &p, 0, HEAD), 0);
  check_is(send_part(&p.body, stream, &p, HEAD, body), 0);
  check_is(weir_stream_queued(stream), HEAD + body);
  check_is(write_part(&p.tail, stream, &p, HEAD + body, TAIL), 0);
  pump(f, &p.tail, peer, &taken);
  take_up_to(peer, &taken, total);
  expect_said(&p.head, 0, HEAD);
  expect_said(&p.body, 0, body);
  expect_said(&p.tail, 0, TAIL);
  check_is(weir_stream_queued(stream), 0);
  check_is(lseek(p.s.fd, 0, SEEK_CUR), 0);
  page_end(&p);
}

static const size_t bodies[] = {1, 4096, BODY, 3 << 20};
enum { BODIES = sizeof(bodies) / sizeof(bodies[0]) };

WEIR_TEST(sendfile, stands_in_the_queue) {
  void (*const kinds[])(struct weir_fixture *,
                        struct conn *) = {conn_tcp, conn_unix, conn_slow};
  struct conn c;
  size_t i, k;

  for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
    kinds[k](f, &c);
    for (i = 0; i < BODIES; i++)
      check_page(f, &c.stream, c.peer, bodies[i]);
    conn_close(f, &c);
  }
}

WEIR_TEST(sendfile, to_an_adopted_stream) {
  struct adopted a;

  adopted_open(f, &a, 0, 0);
  adopted_take(f, &a);
  check_page(f, &a.conn.stream, a.conn.peer, BODY);
  adopted_close(f, &a);
}

/* A pipe is no socket, and none of the ring's. */
WEIR_TEST(sendfile, to_a_pipe) {
  char bytes[4096];
  size_t taken = 0;
  struct conn c = {.peer = -1};
  int fds[2];
  page_t p;

  page_make(&p, BODY);
  check_is(pipe(fds), 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[1]), 0);
  check_is(send_part(&p.body, &c.stream, &p, 0, BODY), 0);
  while (taken < BODY) {
    ssize_t n;
    run_turn(f);
    n = read(fds[0], bytes, sizeof(bytes));
    cr_assert(n > 0 && pattern_holds(bytes, taken, (size_t)n));
    taken += (size_t)n;
  }
  finish(f, &p.body, 0, BODY);
  close(fds[0]);
  close_both(f, &c, &p);
}

/* Many of them, with writes and without between them. */
WEIR_TEST(sendfile, many_of_one_stream) {
  enum { PARTS = 60, EACH = 5000 };
  struct request parts[PARTS];
  size_t taken = 0;
  struct conn c;
  page_t p;
  size_t i;

  open_slow(f, &c, &p, PARTS * EACH);
  for (i = 0; i < PARTS; i++)
    check_is((i % 3 == 2 ? write_part : send_part)(&parts[i], &c.stream, &p,
                                                   i * EACH, EACH),
             0);
  pump(f, &parts[PARTS - 1], c.peer, &taken);
  take_up_to(c.peer, &taken, PARTS * EACH);
  for (i = 0; i < PARTS; i++)
    expect_said(&parts[i], 0, EACH);
  close_both(f, &c, &p);
}

WEIR_TEST(sendfile, the_end_comes_behind_it) {
  size_t taken = 0;
  struct conn c;
  page_t p;

  open_slow(f, &c, &p, BODY);
  check_is(send_part(&p.body, &c.stream, &p, 0, BODY), 0);
  check_is(
      weir_write_eof(&p.tail.op, &c.stream, weir_seq_block(NULL, 0), on_done),
      0);
  pump(f, &p.tail, c.peer, &taken);
  take_up_to(c.peer, &taken, BODY);
  peer_expect_end(&c);
  expect_said(&p.body, 0, BODY);
  close_both(f, &c, &p);
}

WEIR_TEST(sendfile, arguments) {
  struct request r = {.calls = 0};
  struct conn c;
  page_t p;

  page_make(&p, 10);
  conn_tcp(f, &c);
  check_is(weir_sendfile(NULL, &c.stream, p.s.fd, 0, 1, on_done), UV_EINVAL);
  check_is(weir_sendfile(&r.op, NULL, p.s.fd, 0, 1, on_done), UV_EINVAL);
  check_is(weir_sendfile(&r.op, &c.stream, -1, 0, 1, on_done), UV_EINVAL);
  check_is(weir_sendfile(&r.op, &c.stream, p.s.fd, -1, 1, on_done), UV_EINVAL);
  check_is(weir_sendfile(&r.op, &c.stream, p.s.fd, INT64_MAX, 1, on_done),
           UV_EINVAL);
  check_is(weir_sendfile(&r.op, &c.stream, p.s.fd, 0, 1, NULL), UV_EINVAL);
  check_is(send_part(&r, &c.stream, &p, 0, 0), 0);
  finish(f, &r, 0, 0);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(send_part(&r, &c.stream, &p, 0, 1), UV_EBADF);
  run_until(f, &c.closed);
  close_peer(&c);
  page_end(&p);
}

/* ---- Files that end it ---- */

/* It fails alone: the write behind it goes. */
static void check_alone(struct weir_fixture *f, struct conn *c, page_t *p,
                        int file, size_t len, int status, size_t n) {
  size_t taken = 0;

  memset(&p->body, 0, sizeof(p->body));
  check_is(weir_sendfile(&p->body.op, &c->stream, file, 0, len, on_done), 0);
  check_is(write_part(&p->tail, &c->stream, p, n, TAIL), 0);
  pump(f, &p->tail, c->peer, &taken);
  take_up_to(c->peer, &taken, n + TAIL);
  expect_said(&p->body, status, n);
  expect_said(&p->tail, 0, TAIL);
}

static void check_files(struct weir_fixture *f, struct conn *c) {
  int unreadable, directory;
  page_t p;

  page_make(&p, BODY + TAIL);
  unreadable = open(p.s.path, O_WRONLY | O_CLOEXEC);
  directory = open(p.s.dir, O_RDONLY | O_CLOEXEC);
  cr_assert(unreadable >= 0 && directory >= 0);
  check_alone(f, c, &p, unreadable, 100, UV_EBADF, 0);
  check_alone(f, c, &p, directory, 100, UV_EISDIR, 0);
  close(unreadable);
  close(directory);
  check_alone(f, c, &p, 1 << 20, 100, UV_EBADF, 0);
  check_is(ftruncate(p.s.fd, BODY), 0);
  check_alone(f, c, &p, p.s.fd, BODY + TAIL, UV_EOF, BODY);
  check_is(ftruncate(p.s.fd, 0), 0);
  check_alone(f, c, &p, p.s.fd, 1, UV_EOF, 0);
  page_end(&p);
}

WEIR_TEST(sendfile, a_file_that_fails_fails_nothing_else) {
  struct conn c;

  conn_tcp(f, &c);
  check_files(f, &c);
  conn_close(f, &c);
  conn_unix(f, &c);
  check_files(f, &c);
  conn_close(f, &c);
}

/* What is gone of it when it is cut off stays sent. */
WEIR_TEST(sendfile, a_file_that_is_truncated_meanwhile) {
  size_t taken = 0;
  struct conn c;
  page_t p;

  open_slow(f, &c, &p, SLOW_BYTES);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  run_some_turns(f);
  check_is(p.body.calls, 0);
  check_is(ftruncate(p.s.fd, SLOW_BYTES / 2), 0);
  pump(f, &p.body, c.peer, &taken);
  expect_said(&p.body, UV_EOF, SLOW_BYTES / 2);
  take_up_to(c.peer, &taken, SLOW_BYTES / 2);
  close_both(f, &c, &p);
}

/* ---- Early ends ---- */

/* Until some of it has come to the peer. */
static void run_until_there(struct weir_fixture *f, const struct conn *c) {
  char byte;

  while (recv(c->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
    run_turn(f);
}

WEIR_TEST(sendfile, cancelled_says_what_went) {
  size_t taken = 0;
  struct conn c;
  page_t p;
  size_t n;

  open_slow(f, &c, &p, SLOW_BYTES);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  run_until_there(f, &c);
  check_is(p.body.calls, 0);
  weir_cancel(&p.body.op);
  pump(f, &p.body, c.peer, &taken);
  n = p.body.n;
  expect_said(&p.body, UV_ECANCELED, n);
  cr_assert(n > 0 && n < SLOW_BYTES);
  /* The stream is whole. */
  check_is(write_part(&p.tail, &c.stream, &p, n, TAIL), 0);
  pump(f, &p.tail, c.peer, &taken);
  take_up_to(c.peer, &taken, n + TAIL);
  /* Before it has begun. */
  check_is(send_part(&p.body, &c.stream, &p, 0, 100), 0);
  weir_cancel(&p.body.op);
  finish(f, &p.body, UV_ECANCELED, 0);
  close_both(f, &c, &p);
}

WEIR_TEST(sendfile, closed_says_what_went) {
  size_t taken = 0;
  struct conn c;
  page_t p;

  open_slow(f, &c, &p, SLOW_BYTES);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  run_some_turns(f);
  close_stream(f, &c);
  expect_said(&p.body, UV_ECANCELED, p.body.n);
  take_up_to(c.peer, &taken, p.body.n);
  peer_expect_end(&c);
  close_peer(&c);
  page_end(&p);
}

/* An error of the stream's is that of all writes behind. */
WEIR_TEST(sendfile, a_peer_that_goes) {
  struct conn c;
  page_t p;

  open_slow(f, &c, &p, SLOW_BYTES);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  check_is(write_part(&p.tail, &c.stream, &p, 0, TAIL), 0);
  run_some_turns(f);
  reset_peer(&c);
  run_until(f, &p.tail.calls);
  check_is(p.body.calls, 1);
  cr_assert(p.body.status == UV_EPIPE || p.body.status == UV_ECONNRESET);
  cr_assert(p.body.n < SLOW_BYTES);
  cr_assert(p.tail.status < 0);
  close_stream(f, &c);
  page_end(&p);
}

WEIR_TEST(sendfile, a_deadline_ends_it) {
  size_t taken = 0;
  weir_deadline_t late;
  struct conn c;
  page_t p;

  open_slow(f, &c, &p, SLOW_BYTES);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  weir_deadline_init(&late);
  check_is(weir_deadline_op(&late, &p.body.op, 20), 0);
  run_until(f, &p.body.calls);
  expect_said(&p.body, UV_ETIMEDOUT, p.body.n);
  take_up_to(c.peer, &taken, p.body.n);
  close_both(f, &c, &p);
}

/* ---- Where the system does not carry it ---- */

static void check_scripted(struct weir_fixture *f, weir_test_step_t step,
                           int no_now) {
  weir_test_options_t options = {.write = {.rest = step}, .no_now = no_now};
  size_t total = HEAD + BODY + TAIL;
  struct scripted s;
  page_t p;

  page_make(&p, total);
  scripted_open(f, &s, &options);
  check_is(write_part(&p.head, &s.stream, &p, 0, HEAD), 0);
  check_is(send_part(&p.body, &s.stream, &p, HEAD, BODY), 0);
  check_is(write_part(&p.tail, &s.stream, &p, HEAD + BODY, TAIL), 0);
  run_until(f, &p.tail.calls);
  expect_said(&p.head, 0, HEAD);
  expect_said(&p.body, 0, BODY);
  expect_said(&p.tail, 0, TAIL);
  scripted_expect(&s, total);
  /* A short file is the same there. */
  check_is(send_part(&p.body, &s.stream, &p, total - 10, 100), 0);
  finish(f, &p.body, UV_EOF, 10);
  scripted_close(f, &s);
  page_end(&p);
}

WEIR_TEST(sendfile, through_a_kind_of_ones_own) {
  check_scripted(f, (weir_test_step_t){.bytes = 0}, 0);
  check_scripted(f, (weir_test_step_t){.bytes = 3000}, 1);
  check_scripted(f, (weir_test_step_t){.turns = 1}, 0);
  check_scripted(f, (weir_test_step_t){.bytes = 40000, .turns = 2}, 0);
}

WEIR_TEST(sendfile, through_a_kind_whose_write_fails) {
  weir_test_options_t options = {.write = {.fail_at = 2}};
  struct scripted s;
  page_t p;

  page_make(&p, BODY);
  scripted_open(f, &s, &options);
  check_is(send_part(&p.body, &s.stream, &p, 0, BODY), 0);
  check_is(write_part(&p.tail, &s.stream, &p, 0, TAIL), 0);
  finish(f, &p.body, UV_ECONNRESET, 64 << 10);
  finish(f, &p.tail, UV_ECONNRESET, 0);
  scripted_close(f, &s);
  page_end(&p);
}

/* Nothing uses the file any more. */
static void on_over(weir_op_t *op, int status, size_t n) {
  cr_assert(weir__queue_empty(&op->loop->file_ops));
  on_done(op, status, n);
}

/* A file that has nothing yet, in whose place a pipe stands: it is not waited
 * for longer than the write is wanted, and is the program's again then. */
static void check_unread(struct weir_fixture *f, int closes) {
  struct request r = {.calls = 0};
  struct scripted s;
  int fds[2];

  check_is(pipe(fds), 0);
  scripted_open(f, &s, NULL);
  check_is(weir_sendfile(&r.op, &s.stream, fds[0], 0, 100, on_over), 0);
  run_some_turns(f);
  check_is(r.calls, 0);
  if (closes)
    scripted_close_begin(&s);
  else
    weir_cancel(&r.op);
  run_until(f, &r.calls);
  expect_said(&r, UV_ECANCELED, 0);
  check_is(weir_test_count(s.script, WEIR_TEST_CANCEL_WRITE), 0);
  if (!closes)
    scripted_close_begin(&s);
  scripted_close_end(f, &s);
  run_out(f);
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(sendfile, ends_while_the_file_is_read) {
  check_unread(f, 0);
  check_unread(f, 1);
}

/* What comes from it is sent, and what is written meanwhile waits. */
WEIR_TEST(sendfile, from_a_pipe) {
  struct request r = {.calls = 0}, more[20];
  size_t taken = 0, i;
  struct conn c;
  int fds[2];
  page_t p;

  page_make(&p, 1000 + 20 * TAIL);
  conn_tcp(f, &c);
  check_is(pipe(fds), 0);
  check_is(weir_sendfile(&r.op, &c.stream, fds[0], 0, 1000, on_done), 0);
  run_some_turns(f);
  for (i = 0; i < 20; i++)
    check_is(write_part(&more[i], &c.stream, &p, 1000 + i * TAIL, TAIL), 0);
  run_some_turns(f);
  check_is(write(fds[1], p.bytes, 400), 400);
  run_some_turns(f);
  check_is(write(fds[1], p.bytes + 400, 600), 600);
  pump(f, &more[19], c.peer, &taken);
  take_up_to(c.peer, &taken, 1000 + 20 * TAIL);
  expect_said(&r, 0, 1000);
  conn_close(f, &c);
  close(fds[0]);
  close(fds[1]);
  page_end(&p);
}

/* What stands behind one that waits for its file, and is ended meanwhile, waits
 * for nothing any more. */
static void check_behind(struct weir_fixture *f, int late) {
  struct request r = {.calls = 0};
  size_t taken = 0;
  struct conn c;
  int fds[2];
  page_t p;

  page_make(&p, BODY + 2 * TAIL);
  conn_tcp(f, &c);
  check_is(pipe(fds), 0);
  check_is(weir_sendfile(&r.op, &c.stream, fds[0], 0, 1000, on_done), 0);
  if (late)
    run_some_turns(f);
  check_is(write_part(&p.head, &c.stream, &p, 0, TAIL), 0);
  check_is(send_part(&p.body, &c.stream, &p, TAIL, BODY), 0);
  check_is(write_part(&p.tail, &c.stream, &p, TAIL + BODY, TAIL), 0);
  run_some_turns(f);
  check_is(p.head.calls, 0);
  weir_cancel(&r.op);
  pump(f, &p.tail, c.peer, &taken);
  take_up_to(c.peer, &taken, BODY + 2 * TAIL);
  expect_said(&r, UV_ECANCELED, 0);
  expect_said(&p.head, 0, TAIL);
  expect_said(&p.body, 0, BODY);
  close_both(f, &c, &p);
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(sendfile, what_is_behind_one_that_is_cancelled_goes) {
  check_behind(f, 0);
  check_behind(f, 1);
}

/* ---- Under faults ---- */

/* That this happens to the calls that send a file, to be passed over. */
static void check_fault(struct weir_fixture *f, weir_fault_rule_t rule) {
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  weir_fault_t *fault;
  struct conn c;

  conn_slow(f, &c);
  if (rule.what == WEIR_FAULT_SEND)
    check_is(weir_fileno(&c.stream, &rule.fd), 0);
  check_is(weir_fault_begin(&options, &fault), 0);
  check_page(f, &c.stream, c.peer, 1 << 20);
  cr_assert(weir_fault_count(fault, rule.what).failed +
                weir_fault_count(fault, rule.what).cut >
            0);
  conn_close(f, &c);
  weir_fault_end(fault);
}

WEIR_TEST(sendfile, goes_on_without_when_it_is_refused) {
  static const int refusals[] = {UV_EINVAL, UV_ENOSYS, UV_ENOTSUP,
                                 UV_EPERM,  UV_ENOMEM, UV_EINTR};
  size_t i;

  for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
    check_fault(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ,
                                       .nth = i + 1,
                                       .error = refusals[i]});
}

WEIR_TEST(sendfile, is_asked_again) {
  check_fault(f, (weir_fault_rule_t){.what = WEIR_FAULT_SEND,
                                     .nth = 2,
                                     .times = 10,
                                     .error = UV_EAGAIN});
  check_fault(f, (weir_fault_rule_t){.what = WEIR_FAULT_SEND,
                                     .nth = 2,
                                     .times = 10,
                                     .error = UV_ENOBUFS});
  check_fault(f, (weir_fault_rule_t){
                     .what = WEIR_FAULT_SEND, .times = 100, .bytes = 777});
}

/* The file's own error comes from both ways, with what went before it. */
WEIR_TEST(sendfile, an_error_of_the_device) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_FILE_READ,
                            .nth = 2,
                            .times = WEIR_FAULT_ALWAYS,
                            .error = UV_EIO};
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  weir_fault_t *fault;
  size_t taken = 0;
  struct conn c;
  page_t p;

  page_make(&p, SLOW_BYTES);
  check_is(weir_fault_begin(&options, &fault), 0);
  fixture_reattach(f, 0); /* a ring that is subject to it */
  conn_slow(f, &c);
  check_is(send_part(&p.body, &c.stream, &p, 0, SLOW_BYTES), 0);
  pump(f, &p.body, c.peer, &taken);
  expect_said(&p.body, UV_EIO, p.body.n);
  cr_assert(p.body.n > 0);
  check_is(write_part(&p.tail, &c.stream, &p, p.body.n, TAIL), 0);
  pump(f, &p.tail, c.peer, &taken);
  take_up_to(c.peer, &taken, p.body.n + TAIL);
  close_both(f, &c, &p);
  weir_fault_end(fault);
}

/* So much is asked for at a time, so that a turn has a bound, also by what
 * could take it all; nothing of it comes into the program. */
WEIR_TEST(sendfile, goes_in_pieces) {
  enum { SIZE = 4 << 20, PIECE = 512 << 10 };
  weir_fault_options_t options = {.cut = 0};
  struct scratch target;
  weir_fault_t *fault;
  uint64_t blocks;
  struct conn c = {.peer = -1};
  page_t p;

  page_make(&p, SIZE);
  scratch_make(&target, 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, dup(target.fd)), 0);
  blocks = stats_of(f).allocations;
  check_is(weir_fault_begin(&options, &fault), 0);
  check_is(send_part(&p.body, &c.stream, &p, 0, SIZE), 0);
  finish(f, &p.body, 0, SIZE);
  cr_assert(weir_fault_count(fault, WEIR_FAULT_FILE_READ).asked >=
            SIZE / PIECE);
  weir_fault_end(fault);
  check_is(stats_of(f).allocations, blocks);
  scratch_expect(&target, 0, SIZE);
  close_stream(f, &c);
  scratch_remove(&target);
  page_end(&p);
}
