/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/child.h"
#include "support/patience.h"
#include "support/scratch.h"
#include "support/worker.h"

/* A fork with operations that have just begun and that the kernel does not know
 * of yet: the parent's happen, once, and the child's end. */

enum { LEN = 16 };

/* The child ends at once, or makes the loop its own: where it was forked, or
 * when the turn is over. */
enum { GOES, RENEWS, RENEWS_LATER };

struct fresh {
  struct weir_fixture *f;
  struct conn beside, reads, writes, ends, waits;
  struct scratch file;
  weir_stream_t listener, client;
  int dialler; /* in the listener's backlog */
  struct request trigger;
  struct request read, write, end, wait, pread, pwrite, accept;
  char into[LEN], from[LEN], of_file[LEN], to_file[LEN], never[LEN];
  pid_t child;
  int renews;
};

static void listen_open(struct weir_fixture *f, struct fresh *a) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &a->listener), 0);
  check_is(weir_tcp_bind(&a->listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&a->listener, 5), 0);
  check_is(weir_getsockname(&a->listener, (struct sockaddr *)&addr, &len), 0);
  a->dialler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(a->dialler, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void fresh_open(struct weir_fixture *f, struct fresh *a, int renews) {
  memset(a, 0, sizeof(*a));
  a->f = f;
  a->renews = renews;
  conn_tcp(f, &a->beside);
  conn_tcp(f, &a->reads);
  conn_tcp(f, &a->writes);
  conn_unix(f, &a->ends);
  conn_unix(f, &a->waits);
  scratch_make(&a->file, 2 * LEN);
  listen_open(f, a);
  peer_send(&a->reads, 0, LEN);
  pattern_fill(a->from, 0, LEN);
  memset(a->to_file, 'w', LEN);
  run_some_turns(f);
}

static void begin_files(struct fresh *a) {
  check_is(weir_file_pread(a->f->loop, &a->pread.op, a->file.fd,
                           weir_mseq_block(a->of_file, LEN), 0, on_done),
           0);
  check_is(weir_file_pwrite(a->f->loop, &a->pwrite.op, a->file.fd,
                            weir_seq_block(a->to_file, LEN), LEN, on_done),
           0);
}

static void begin_all(struct fresh *a) {
  weir_seq_t from = weir_seq_block(a->from, LEN);

  check_is(weir_read_some(&a->read.op, &a->reads.stream,
                          weir_mseq_block(a->into, LEN), on_done),
           0);
  check_is(weir_read_some(&a->wait.op, &a->waits.stream,
                          weir_mseq_block(a->never, LEN), on_done),
           0);
  check_is(weir_write(&a->write.op, &a->writes.stream, from, on_done), 0);
  check_is(weir_write_eof(&a->end.op, &a->ends.stream, from, on_done), 0);
  check_is(weir_accept(&a->accept.op, &a->listener, &a->client, on_done), 0);
  begin_files(a);
}

static struct request *const *requests_of(struct fresh *a) {
  static struct request *all[8];

  all[0] = &a->read;
  all[1] = &a->wait;
  all[2] = &a->write;
  all[3] = &a->end;
  all[4] = &a->accept;
  all[5] = &a->pread;
  all[6] = &a->pwrite;
  all[7] = NULL;
  return all;
}

static int calls_of(struct fresh *a) {
  struct request *const *r = requests_of(a);
  int calls = 0;

  while (*r != NULL)
    calls += (*r++)->calls;
  return calls;
}

/* ---- In the child ---- */

/* It makes the loop its own: nothing has happened there. */
static void child_ends(struct weir_fixture *f, void *arg) {
  struct conn *conns[5];
  struct fresh *a = arg;
  struct request *const *r = requests_of(a);

  conns[0] = &a->beside;
  conns[1] = &a->reads;
  conns[2] = &a->writes;
  conns[3] = &a->ends;
  conns[4] = &a->waits;
  while (*r != NULL)
    must_finish(f, *r++, UV_ECANCELED, 0);
  must_work(f);
  for (int i = 0; i < 5; i++)
    must_close(f, conns[i]);
  must(weir_close(&a->listener, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

static void child_renews(struct weir_fixture *f, void *arg) {
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  child_ends(f, arg);
}

/* It goes on without the loop, as one that calls exec. */
static void child_goes(struct weir_fixture *f, void *arg) {
  (void)f;
  must(calls_of(arg) == 0);
}

/* ---- In the parent ---- */

static void expect_all(struct weir_fixture *f, struct fresh *a) {
  finish(f, &a->read, 0, LEN);
  cr_assert(pattern_holds(a->into, 0, LEN));
  finish(f, &a->write, 0, LEN);
  peer_take(&a->writes, 0, LEN);
  check_is(peer_take_available(&a->writes), 0);
  finish(f, &a->end, 0, LEN);
  peer_take(&a->ends, 0, LEN);
  peer_expect_end(&a->ends);
  finish(f, &a->accept, 0, 0);
  finish(f, &a->pread, 0, LEN);
  cr_assert(pattern_holds(a->of_file, 0, LEN));
  finish(f, &a->pwrite, 0, LEN);
  check_is(a->wait.calls, 0);
  peer_send(&a->waits, 0, LEN);
  finish(f, &a->wait, 0, LEN);
}

static void fresh_close(struct weir_fixture *f, struct fresh *a) {
  conn_close(f, &a->beside);
  conn_close(f, &a->reads);
  conn_close(f, &a->writes);
  conn_close(f, &a->ends);
  conn_close(f, &a->waits);
  check_is(weir_close(&a->listener, NULL), 0);
  check_is(weir_close(&a->client, NULL), 0);
  run_out(f);
  close(a->dialler);
  scratch_remove(&a->file);
}

/* ---- In a callback ---- */

static void fork_in_callback(weir_op_t *op, int status, size_t n) {
  struct fresh *a = op->data;

  on_done(op, status, n);
  begin_all(a);
  a->child = fork();
  if (a->child != 0)
    return;
  alarm(patience(20));
  if (a->renews == GOES)
    child_leave(0);
  must(uv_loop_fork(&a->f->uv) == 0);
  if (a->renews == RENEWS)
    must(weir_loop_fork(a->f->loop) == 0);
}

/* What was begun before the fork does not go on behind the callback. */
static void child_goes_on(struct weir_fixture *f, struct fresh *a) {
  if (a->renews == RENEWS_LATER) {
    must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
    must(calls_of(a) == 0);
    must(weir_loop_fork(f->loop) == 0);
  }
  child_ends(f, a);
  child_leave(0);
}

static void in_callback(struct weir_fixture *f, int renews) {
  struct fresh a;

  fresh_open(f, &a, renews);
  a.trigger.op.data = &a;
  check_is(weir_write(&a.trigger.op, &a.beside.stream, weir_seq_block("", 0),
                      fork_in_callback),
           0);
  run_until(f, &a.trigger.calls);
  if (a.child == 0)
    child_goes_on(f, &a);
  child_end(a.child);
  expect_all(f, &a);
  fresh_close(f, &a);
}

WEIR_TEST(fork, a_callback_forks_what_has_just_begun) {
  in_callback(f, RENEWS);
}

WEIR_TEST(fork, a_callback_forks_what_has_just_begun_and_the_turn_ends) {
  in_callback(f, RENEWS_LATER);
}

WEIR_TEST(fork, a_callback_forks_what_has_just_begun_and_the_child_goes) {
  in_callback(f, GOES);
}

/* ---- Outside of uv_run ---- */

/* The other thread forks, and its child is the one that goes on. */
static void fork_job(void *arg) {
  struct fresh *a = arg;

  a->child =
      child_begin(a->renews == RENEWS ? child_renews : child_goes, a->f, a);
}

static void outside(struct weir_fixture *f, int renews, int elsewhere) {
  struct fresh a;
  struct worker w;

  fresh_open(f, &a, renews);
  begin_all(&a);
  if (elsewhere) {
    worker_begin(&w);
    worker_do(&w, fork_job, &a);
  } else {
    fork_job(&a);
  }
  check_is(calls_of(&a), 0);
  child_end(a.child);
  expect_all(f, &a);
  fresh_close(f, &a);
  if (elsewhere)
    worker_end(&w);
}

WEIR_TEST(fork, what_has_just_begun_outside) {
  outside(f, RENEWS, 0);
}

WEIR_TEST(fork, what_has_just_begun_outside_and_the_child_goes) {
  outside(f, GOES, 0);
}

WEIR_TEST(fork, another_thread_forks_what_has_just_begun) {
  outside(f, RENEWS, 1);
}

WEIR_TEST(fork, another_thread_forks_what_has_just_begun_and_the_child_goes) {
  outside(f, GOES, 1);
}
