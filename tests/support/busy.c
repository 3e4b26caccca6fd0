/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "busy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void listen_begin(struct weir_fixture *f, struct busy *b) {
  struct sockaddr_in addr;

  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &b->listener), 0);
  check_is(weir_tcp_bind(&b->listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&b->listener, 5), 0);
  check_is(weir_accept(&b->accept.op, &b->listener, &b->client, on_done), 0);
}

void busy_begin(struct weir_fixture *f, struct busy *b) {
  memset(b, 0, sizeof(*b));
  conn_tcp(f, &b->reads);
  conn_slow(f, &b->writes);
  conn_tcp(f, &b->idle);
  listen_begin(f, b);
  check_is(weir_pool_create(f->loop, 4, 4096, &b->pool), 0);
  check_is(weir_pool_acquire(b->pool, &b->buf), 0);
  memset(b->buf.base, 'p', b->buf.len);
  check_is(weir_read(&b->read.op, &b->reads.stream,
                     weir_mseq_block(b->bytes, WHOLE), weir_all(), on_done),
           0);
  peer_send(&b->reads, 0, PART);
  b->much = malloc(SLOW_BYTES);
  pattern_fill(b->much, 0, SLOW_BYTES);
  check_is(weir_write(&b->write.op, &b->writes.stream,
                      weir_seq_block(b->much, SLOW_BYTES), on_done),
           0);
  check_is(pipe2(b->pipe, O_CLOEXEC), 0);
  run_some_turns(f);
  check_is(b->read.calls + b->write.calls + b->accept.calls, 0);
}

void busy_end(struct weir_fixture *f, struct busy *b) {
  struct drain drain;

  drain_start(&drain, b->writes.peer);
  finish(f, &b->write, 0, SLOW_BYTES);
  check_is(shutdown(b->writes.peer, SHUT_RD), 0);
  close_stream(f, &b->writes);
  drain_join(&drain);
  cr_assert(drain.good);
  close_peer(&b->writes);
  free(b->much);

  peer_send(&b->reads, PART, WHOLE - PART);
  finish(f, &b->read, 0, WHOLE);
  cr_assert(pattern_holds(b->bytes, 0, WHOLE));
  conn_close(f, &b->reads);
  conn_close(f, &b->idle);

  check_is(weir_close(&b->listener, NULL), 0);
  finish(f, &b->accept, UV_ECANCELED, 0);
  cr_assert(b->buf.base[0] == 'p' && b->buf.base[4095] == 'p');
  check_is(weir_pool_release(b->pool, &b->buf), 0);
  check_is(weir_pool_destroy(b->pool), 0);
  close(b->pipe[0]);
  close(b->pipe[1]);
  run_out(f);
}

void busy_in_child(struct weir_fixture *f, child_fn body) {
  struct busy b;

  busy_begin(f, &b);
  child_run(body, f, &b);
  busy_end(f, &b);
}

/* ---- In a child ---- */

static void refuses_streams(struct weir_fixture *f, struct busy *b) {
  weir_stream_t s;
  weir_op_t op;
  size_t n;

  must(weir_tcp_init(f->loop, &s) == UV_ESRCH);
  must(weir_pipe_init(f->loop, &s) == UV_ESRCH);
  must(weir_read_some(&op, &b->idle.stream, weir_mseq_block(&b->byte, 1),
                      on_done) == UV_ESRCH);
  must(weir_read_now(&b->idle.stream, weir_mseq_block(&b->byte, 1), &n) ==
       UV_ESRCH);
  must(weir_write(&op, &b->idle.stream, weir_seq_block("x", 1), on_done) ==
       UV_ESRCH);
  must(weir_write_now(&op, &b->idle.stream, weir_seq_block("x", 1), &n,
                      on_done) == UV_ESRCH);
  must(weir_write_try(&b->idle.stream, weir_seq_block("x", 1), &n) == UV_ESRCH);
  must(weir_write_eof(&op, &b->idle.stream, weir_seq_block("x", 1), on_done) ==
       UV_ESRCH);
  must(weir_accept(&op, &b->listener, &s, on_done) == UV_ESRCH);
  must(weir_close(&b->idle.stream, NULL) == UV_ESRCH);
  must(weir_close_reset(&b->idle.stream, NULL) == UV_ESRCH);
  must(!weir_is_closing(&b->idle.stream));
  weir_cancel(&b->read.op);
  weir_cancel(&b->write.op);
  weir_cancel(&b->accept.op);
}

static void refuses_all_else(struct weir_fixture *f, struct busy *b) {
  weir_pool_t *pool;
  weir_op_t op;

  must(weir_file_open(f->loop, &op, "/dev/null", UV_FS_O_RDONLY, 0, on_done) ==
       UV_ESRCH);
  must(weir_file_pread(f->loop, &op, b->pipe[0], weir_mseq_block(&b->byte, 1),
                       -1, on_done) == UV_ESRCH);
  must(weir_file_pwrite(f->loop, &op, b->pipe[1], weir_seq_block("x", 1), -1,
                        on_done) == UV_ESRCH);
  must(weir_file_fsync(f->loop, &op, b->pipe[1], on_done) == UV_ESRCH);
  must(weir_file_close(f->loop, &op, b->pipe[1], on_done) == UV_ESRCH);
  must(weir_pool_create(f->loop, 1, 1, &pool) == UV_ESRCH);
  must(weir_pool_release(b->pool, &b->buf) == 0);
  must(weir_pool_destroy(b->pool) == UV_ESRCH);
  must(weir_loop_detach(f->loop, NULL) == UV_ESRCH);
}

void busy_is_refused(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;
  int i;

  for (i = 0; i < 2; i++) {
    refuses_streams(f, b);
    refuses_all_else(f, b);
    must(weir_pool_acquire(b->pool, &b->buf) == 0);
    must(uv_loop_fork(&f->uv) == 0);
    must(uv_run(&f->uv, UV_RUN_NOWAIT) == 0);
  }
  must(b->read.calls + b->write.calls + b->accept.calls == 0);
}

void busy_must_end(struct weir_fixture *f, struct busy *b) {
  must_finish(f, &b->read, UV_ECANCELED, PART);
  must_finish(f, &b->accept, UV_ECANCELED, 0);
  while (b->write.calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0);
  must(b->write.calls == 1 && b->write.status == UV_ECANCELED);
  must(b->write.n > 0 && b->write.n < SLOW_BYTES);
}

/* Streams that were the parent's are the child's as well. */
static void use_inherited(struct weir_fixture *f, struct busy *b) {
  struct request r = {0}, w = {0};
  char byte = 0;

  must(send(b->idle.peer, "y", 1, MSG_NOSIGNAL) == 1);
  must(weir_read_some(&r.op, &b->idle.stream, weir_mseq_block(&byte, 1),
                      on_done) == 0);
  must_finish(f, &r, 0, 1);
  must(byte == 'y');
  must(weir_write(&w.op, &b->idle.stream, weir_seq_block("z", 1), on_done) ==
       0);
  must_finish(f, &w, 0, 1);
  must(recv(b->idle.peer, &byte, 1, 0) == 1 && byte == 'z');
}

/* The pool's memory is new, and its buffers are where they were. */
static void use_pool(struct weir_fixture *f, struct busy *b) {
  struct request p = {0};
  uint64_t fixed = stats_of(f).fixed_ops;
  int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  uv_buf_t all[4];
  int i;

  must(weir_pool_available(b->pool) == 3);
  must(b->buf.base[0] == 0 && b->buf.base[4095] == 0);
  memset(b->buf.base, 'c', b->buf.len);
  must(weir_file_pread(f->loop, &p.op, file,
                       weir_mseq_block(b->buf.base, b->buf.len), 0,
                       on_done) == 0);
  must_finish(f, &p, 0, 4096);
  must(b->buf.base[0] == 0 && b->buf.base[4095] == 0);
  if (weir_pool_status(b->pool, NULL) == 0)
    must(stats_of(f).fixed_ops == fixed + 1);
  close(file);
  for (i = 0; i < 3; i++)
    must(weir_pool_acquire(b->pool, &all[i]) == 0);
  must(weir_pool_acquire(b->pool, &all[3]) == UV_ENOBUFS);
  for (i = 0; i < 3; i++)
    must(weir_pool_release(b->pool, &all[i]) == 0);
}

void busy_must_close(struct weir_fixture *f, struct busy *b) {
  must_close(f, &b->reads);
  must_close(f, &b->writes);
  must_close(f, &b->idle);
  must(weir_close(&b->listener, NULL) == 0);
  must(weir_pool_release(b->pool, &b->buf) == 0);
  must(weir_pool_destroy(b->pool) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

void busy_must_go_on(struct weir_fixture *f, struct busy *b) {
  busy_must_end(f, b);
  must(weir_loop_backend(f->loop) == f->backend);
  must(weir_loop_fork(f->loop) == 0);
  must_work(f);
  use_pool(f, b);
  use_inherited(f, b);
  busy_must_close(f, b);
}

void busy_goes_on(struct weir_fixture *f, void *arg) {
  struct busy *b = arg;
  int descriptors = count_descriptors();

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  must(count_descriptors() == descriptors);
  must(b->read.calls + b->write.calls + b->accept.calls == 0);
  busy_must_go_on(f, b);
}
