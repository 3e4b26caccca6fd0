/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../lib/loop.h"
#include "support/busy.h"
#include "support/deny.h"
#include "support/patience.h"
#include "support/rings.h"

/* What may be outstanding when a child comes by a loop, and what the child may
 * have to do without. */

/* ---- The parent leaves ---- */

static void daemon_lives(struct weir_fixture *f, struct busy *b, int report) {
  must(setsid() >= 0);
  /* The parent is gone when this ends. */
  while (getppid() != 1 && getppid() == b->client.type)
    usleep(1000);
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  busy_must_go_on(f, b);
  must(write(report, "k", 1) == 1);
}

WEIR_TEST(fork, a_daemon_goes_on_without_its_parent) {
  struct busy b;
  int report[2];
  pid_t parent;
  char byte;

  busy_begin(f, &b);
  check_is(pipe(report), 0);
  parent = fork();
  if (parent == 0) {
    b.client.type = (int)getpid();
    if (fork() == 0) {
      alarm(patience(20));
      daemon_lives(f, &b, report[1]);
    }
    child_leave(0);
  }
  child_end(parent);
  close(report[1]);
  check_is(read(report[0], &byte, 1), 1);
  close(report[0]);
  busy_end(f, &b);
}

/* ---- Much outstanding ---- */

enum { MANY = 500 };

struct many {
  struct conn conns[MANY];
  struct request reads[MANY];
  char bytes[MANY];
};

static void child_has_many(struct weir_fixture *f, void *arg) {
  struct many *m = arg;
  int i;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  for (i = 0; i < MANY; i++)
    must_finish(f, &m->reads[i], UV_ECANCELED, 0);
  must_work(f);
  for (i = 0; i < MANY; i++)
    must(weir_close(&m->conns[i].stream, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

WEIR_TEST(fork, much_may_be_outstanding) {
  static struct many m;
  int i;

  memset(&m, 0, sizeof(m));
  fixture_descriptors(f, MANY);
  fixture_reattach(f, 8);
  for (i = 0; i < MANY; i++) {
    conn_unix(f, &m.conns[i]);
    check_is(weir_read_some(&m.reads[i].op, &m.conns[i].stream,
                            weir_mseq_block(&m.bytes[i], 1), on_done),
             0);
  }
  run_some_turns(f);
  child_run(child_has_many, f, &m);
  for (i = 0; i < MANY; i++) {
    peer_send(&m.conns[i], 0, 1);
    finish(f, &m.reads[i], 0, 1);
    conn_close(f, &m.conns[i]);
  }
}

/* Begun, but not looked at yet. */
static void child_has_begun(struct weir_fixture *f, void *arg) {
  struct request *r = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(uv_run(&f->uv, UV_RUN_NOWAIT) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &r[0], UV_ECANCELED, 0);
  must_finish(f, &r[1], UV_ECANCELED, 0);
  must_work(f);
}

WEIR_TEST(fork, what_was_begun_ends_too) {
  struct request r[2] = {{.calls = 0}};
  struct conn c;
  char bytes[2];

  conn_tcp(f, &c);
  check_is(
      weir_read_some(&r[0].op, &c.stream, weir_mseq_block(bytes, 1), on_done),
      0);
  check_is(weir_file_open(f->loop, &r[1].op, "/dev/null", UV_FS_O_RDONLY, 0,
                          on_done),
           0);
  child_run(child_has_begun, f, r);
  peer_send(&c, 0, 1);
  run_until(f, &r[1].calls);
  check_is(r[1].status, 0);
  close(weir_file_result(&r[1].op));
  finish(f, &r[0], 0, 1);
  conn_close(f, &c);
}

/* ---- Files ---- */

static void child_reads_file(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;
  int descriptors = count_descriptors();

  /* It is the parent's still. */
  weir_cancel(&b->file.op);
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  /* A thread of the parent's pool waits with a pipe of its own. */
  if (f->backend == WEIR_BACKEND_UV)
    descriptors -= 2;
  must(f->loop->uv_files_out == 0);
  must(count_descriptors() == descriptors);
  must_finish(f, &b->file, UV_ECANCELED, 0);
  busy_must_go_on(f, b);
}

/* On the libuv backend a thread is in it, and no such thread in the child. */
WEIR_TEST(fork, a_files_read_ends_in_the_child) {
  struct busy b;
  int descriptors;

  busy_begin(f, &b);
  descriptors = count_descriptors();
  check_is(weir_file_pread(f->loop, &b.file.op, b.pipe[0],
                           weir_mseq_block(&b.byte, 1), -1, on_done),
           0);
  run_some_turns(f);
  check_is(b.file.calls, 0);
  while (f->backend == WEIR_BACKEND_UV &&
         count_descriptors() != descriptors + 2)
    usleep(1000);
  usleep(10000);
  child_run(child_reads_file, f, &b);
  check_is(write(b.pipe[1], "f", 1), 1);
  finish(f, &b.file, 0, 1);
  cr_assert(b.byte == 'f');
  busy_end(f, &b);
}

/* ---- On its way out ---- */

static void child_closes_on(struct weir_fixture *f, void *arg) {
  struct conn *c = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(uv_run(&f->uv, UV_RUN_NOWAIT) == 0 || !c->closed);
  must(!c->closed);
  must(weir_loop_fork(f->loop) == 0);
  while (!c->closed)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0 || c->closed);
  must_work(f);
  must_leave(f);
}

WEIR_TEST(fork, a_closing_stream_is_closed_in_the_child) {
  struct request r = {0};
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  child_run(child_closes_on, f, &c);
  run_until(f, &c.closed);
  check_is(r.status, UV_ECANCELED);
  close_peer(&c);
}

static int detached;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detached++;
}

static void child_detaches_on(struct weir_fixture *f, void *arg) {
  (void)arg;
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(detached == 1);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(&f->uv) == 0);
}

WEIR_TEST(fork, a_detaching_loop_is_detached_in_the_child) {
  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  child_run(child_detaches_on, f, NULL);
  run_out(f);
  check_is(detached, 1);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  f->loop = NULL;
}

/* ---- No ring for the child ---- */

static void child_without_ring(struct weir_fixture *f, struct busy *b,
                               int error) {
  weir_pool_t *pool;
  weir_op_t op;

  busy_must_end(f, b);
  must(weir_write(&op, &b->idle.stream, weir_seq_block("x", 1), on_done) ==
       error);
  must(weir_pool_create(f->loop, 1, 1, &pool) == error);
  busy_must_close(f, b);
}

static void child_is_denied(struct weir_fixture *f, void *arg) {
  must(deny_syscall(CALL_URING_SETUP, EPERM) == 0);
  must(uv_loop_fork(&f->uv) == 0);
  if (f->backend == WEIR_BACKEND_UV) {
    must(weir_loop_fork(f->loop) == 0);
    busy_must_go_on(f, arg);
  } else {
    must(weir_loop_fork(f->loop) == UV_EPERM);
    child_without_ring(f, arg, UV_EPERM);
  }
}

WEIR_TEST(fork, without_a_ring_the_child_can_close) {
  busy_in_child(f, child_is_denied);
}

/* The ring's own descriptor was given back, but nothing else is free. */
static void child_is_short(struct weir_fixture *f, void *arg) {
  struct rlimit limit = {3, 3};

  must(uv_loop_fork(&f->uv) == 0);
  must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (f->backend == WEIR_BACKEND_UV) {
    must(weir_loop_fork(f->loop) == 0);
    busy_must_end(f, arg);
    busy_must_close(f, arg);
  } else {
    must(weir_loop_fork(f->loop) == UV_EMFILE);
    child_without_ring(f, arg, UV_EMFILE);
  }
}

WEIR_TEST(fork, without_descriptors_the_child_can_close) {
  busy_in_child(f, child_is_short);
}

/* ---- By another thread ---- */

struct forker {
  struct weir_fixture *f;
  struct busy *busy;
  pid_t child;
};

static void fork_in_thread(void *arg) {
  struct forker *forker = arg;

  forker->child = fork();
  if (forker->child != 0)
    return;
  alarm(patience(20));
  busy_goes_on(forker->f, forker->busy);
  child_leave(0);
}

WEIR_TEST(fork, another_thread_may_fork) {
  struct forker forker;
  struct busy b;
  uv_thread_t thread;

  busy_begin(f, &b);
  forker.f = f;
  forker.busy = &b;
  check_is(uv_thread_create(&thread, fork_in_thread, &forker), 0);
  check_is(uv_thread_join(&thread), 0);
  child_end(forker.child);
  busy_end(f, &b);
}

/* ---- Other streams ---- */

struct others {
  uv_pipe_t handle;
  weir_stream_t adopted;
  weir_stream_t fifo;
  struct request reads[2];
  int peer;
  int writer;
  char bytes[2];
};

static void others_begin(struct weir_fixture *f, struct others *o) {
  int fds[2];

  memset(o, 0, sizeof(*o));
  pair_unix(fds);
  o->peer = fds[1];
  check_is(uv_pipe_init(&f->uv, &o->handle, 0), 0);
  check_is(uv_pipe_open(&o->handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &o->adopted, (uv_stream_t *)&o->handle), 0);
  check_is(pipe2(fds, O_CLOEXEC), 0);
  o->writer = fds[1];
  check_is(weir_pipe_init(f->loop, &o->fifo), 0);
  check_is(weir_pipe_open(&o->fifo, fds[0]), 0);
  check_is(weir_read_some(&o->reads[0].op, &o->adopted,
                          weir_mseq_block(&o->bytes[0], 1), on_done),
           0);
  check_is(weir_read_some(&o->reads[1].op, &o->fifo,
                          weir_mseq_block(&o->bytes[1], 1), on_done),
           0);
  run_some_turns(f);
}

/* What the parent's ring takes by itself on an older kernel, it may take before
 * the child. */
static int parent_takes_it(const struct weir_fixture *f) {
  return f->backend == WEIR_BACKEND_URING && !ring_is_one_threads(f);
}

static void child_reads_adopted(struct weir_fixture *f, struct others *o) {
  struct request r = {0};

  must(weir_read_some(&r.op, &o->adopted, weir_mseq_block(o->bytes, 1),
                      on_done) == 0);
  must(send(o->peer, "x", 1, MSG_NOSIGNAL) == 1);
  must_finish(f, &r, 0, 1);
}

static void child_has_others(struct weir_fixture *f, void *arg) {
  struct others *o = arg;
  struct request r = {0};

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &o->reads[0], UV_ECANCELED, 0);
  must_finish(f, &o->reads[1], UV_ECANCELED, 0);
  must(weir_read_some(&r.op, &o->fifo, weir_mseq_block(o->bytes, 1), on_done) ==
       0);
  must(write(o->writer, "x", 1) == 1);
  must_finish(f, &r, 0, 1);
  if (!parent_takes_it(f))
    child_reads_adopted(f, o);
  must(weir_close(&o->adopted, NULL) == 0);
  must(weir_close(&o->fifo, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

WEIR_TEST(fork, adopted_handles_and_pipes_go_on) {
  struct others o;

  others_begin(f, &o);
  child_run(child_has_others, f, &o);
  /* The child has read its own byte before this one comes. */
  check_is(send(o.peer, "y", 1, MSG_NOSIGNAL), 1);
  check_is(write(o.writer, "z", 1), 1);
  finish(f, &o.reads[0], 0, 1);
  finish(f, &o.reads[1], 0, 1);
  cr_assert(o.bytes[0] == 'y' && o.bytes[1] == 'z');
  check_is(weir_close(&o.adopted, NULL), 0);
  check_is(weir_close(&o.fifo, NULL), 0);
  run_out(f);
  close(o.peer);
  close(o.writer);
}

/* ---- An older kernel ---- */

static void without(const char *capabilities, weir_wait_t wait) {
  struct weir_fixture f;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, wait);
  fixture_lacks(capabilities);
  fixture_attach(&f, NULL);
  busy_in_child(&f, busy_goes_on);
  fixture_finish(&f);
}

static void child_has_write(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must_finish(f, &b->file, UV_ECANCELED, 0);
  busy_must_go_on(f, b);
}

/* There a write to a pipe is the work of libuv's pool. */
Test(fork, without_nosignal, .timeout = 60) {
  static char full[1 << 16];
  struct weir_fixture f;
  struct busy b;

  need_uring();
  fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
  fixture_lacks("nosignal");
  fixture_attach(&f, NULL);
  busy_begin(&f, &b);
  check_is(fcntl(b.pipe[1], F_SETPIPE_SZ, sizeof(full)), sizeof(full));
  check_is(write(b.pipe[1], full, sizeof(full)), sizeof(full));
  check_is(weir_file_pwrite(f.loop, &b.file.op, b.pipe[1],
                            weir_seq_block("x", 1), -1, on_done),
           0);
  run_some_turns(&f);
  check_is(b.file.calls, 0);
  child_run(child_has_write, &f, &b);
  check_is(read(b.pipe[0], full, sizeof(full)), sizeof(full));
  finish(&f, &b.file, 0, 1);
  busy_end(&f, &b);
  fixture_finish(&f);
}

Test(fork, without_defer_taskrun, .timeout = 60) {
  without("defer_taskrun", WEIR_WAIT_UV);
}

Test(fork, without_any_capability, .timeout = 60) {
  without("5.11", WEIR_WAIT_RING);
}
