/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/net.h"
#include "support/rings.h"
#include "support/worker.h"

/* What the kernel rarely says of a request in the ring: its completion is
 * changed before weir sees it, as if what had come were lost. The request has
 * to begin again, and ends with what comes next. */

#if WEIR_HAVE_URING

#include "../uring/ring.h"

TestSuite(forged, .timeout = 20);

typedef void (*body_fn)(struct weir_fixture *f, int result);

/* On a ring whose completions come by themselves, not when it is entered. */
static void each_result(body_fn body, const int *results, size_t count) {
  need_uring();
  for (size_t i = 0; i < count; i++) {
    struct weir_fixture f;

    fixture_prepare(&f, WEIR_BACKEND_URING, WEIR_WAIT_UV);
    fixture_lacks("defer_taskrun,coop_taskrun");
    fixture_attach(&f, NULL);
    body(&f, results[i]);
    fixture_finish(&f);
  }
}

/* Changes the one completion that is there or about to come: what it said. */
static int forge(struct weir_fixture *f, int result) {
  struct io_uring *uring = &weir__ring(f->loop)->uring;
  struct io_uring_cqe *cqe;
  int said, tries;

  for (tries = 0; io_uring_cq_ready(uring) == 0; tries++) {
    cr_assert(tries < 1000, "no completion has come");
    usleep(1000);
  }
  check_is(io_uring_cq_ready(uring), 1);
  check_is(io_uring_peek_cqe(uring, &cqe), 0);
  said = cqe->res;
  cqe->res = result;
  return said;
}

/* ---- Accepting ---- */

static int dial(const struct sockaddr_in *addr) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
  return fd;
}

static void accept_begin(struct weir_fixture *f, struct conn *listener,
                         struct conn *client, struct request *r,
                         struct sockaddr_in *addr) {
  int len = sizeof(*addr);

  memset(listener, 0, sizeof(*listener));
  memset(client, 0, sizeof(*client));
  listener->peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(weir_tcp_init(f->loop, &listener->stream), 0);
  check_is(weir_tcp_bind(&listener->stream, (struct sockaddr *)addr, 0), 0);
  check_is(weir_listen(&listener->stream, 5), 0);
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)addr, &len),
           0);
  check_is(weir_accept(&r->op, &listener->stream, &client->stream, on_done), 0);
  run_some_turns(f);
}

static void accepts_the_next(struct weir_fixture *f, int result) {
  struct conn listener, client;
  struct request r = {0};
  struct sockaddr_in addr;
  int lost;

  accept_begin(f, &listener, &client, &r, &addr);
  lost = dial(&addr);
  close(forge(f, result));
  run_some_turns(f);
  check_is(r.calls, 0);
  client.peer = dial(&addr);
  finish(f, &r, 0, 0);
  peer_send(&client, 0, 1);
  close(lost);
  conn_close(f, &client);
  conn_close(f, &listener);
}

Test(forged, an_accept_goes_on) {
  const int results[] = {-ECONNABORTED, -EINTR,  -EAGAIN,
                         -EMFILE,       -ENFILE, -512};

  each_result(accepts_the_next, results, 6);
}

static void accept_fails(struct weir_fixture *f, int result) {
  struct conn listener, client;
  struct request r = {0};
  struct sockaddr_in addr;
  int lost;

  accept_begin(f, &listener, &client, &r, &addr);
  lost = dial(&addr);
  close(forge(f, result));
  finish(f, &r, result, 0);
  close(lost);
  conn_close(f, &listener);
}

Test(forged, an_accept_that_fails_is_told) {
  const int results[] = {-ENOMEM, -EPROTO};

  each_result(accept_fails, results, 2);
}

/* ---- Connecting ---- */

static void connects_all_the_same(struct weir_fixture *f, int result) {
  struct conn listener, client, accepted;
  struct request r = {0}, a = {0};
  struct sockaddr_in addr;

  accept_begin(f, &listener, &accepted, &a, &addr);
  memset(&client, 0, sizeof(client));
  client.peer = dial(&addr);
  finish(f, &a, 0, 0);
  check_is(weir_tcp_init(f->loop, &client.stream), 0);
  check_is(weir_tcp_connect(&r.op, &client.stream, (struct sockaddr *)&addr,
                            on_done),
           0);
  weir__loop_run(f->loop);
  weir__ring_enter(weir__ring(f->loop), 0, 0);
  check_is(forge(f, result), 0);
  finish(f, &r, 0, 0);
  accepted.peer = -1;
  conn_close(f, &client);
  conn_close(f, &accepted);
  conn_close(f, &listener);
}

Test(forged, a_connect_goes_on) {
  const int results[] = {-EINTR, -EALREADY, -EINPROGRESS, -512};

  each_result(connects_all_the_same, results, 4);
}

/* ---- Reading ---- */

/* Begins a read of 8 bytes, which gets 3 and another result. */
static void forge_read(struct weir_fixture *f, struct conn *c,
                       struct request *r, char *bytes, int result) {
  conn_tcp(f, c);
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(bytes, 8), on_done),
      0);
  run_some_turns(f);
  peer_send(c, 0, 3);
  forge(f, result);
}

static void reads_the_next(struct weir_fixture *f, int result) {
  struct request r = {0};
  struct conn c;
  char bytes[8];

  forge_read(f, &c, &r, bytes, result);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_send(&c, 3, 4);
  finish(f, &r, 0, 4);
  cr_assert(pattern_holds(bytes, 3, 4));
  conn_close(f, &c);
}

Test(forged, a_read_goes_on) {
  const int results[] = {-EINTR, -512, -EAGAIN};

  each_result(reads_the_next, results, 3);
}

static void read_fails(struct weir_fixture *f, int result) {
  struct request r = {0};
  struct conn c;
  char bytes[8];

  forge_read(f, &c, &r, bytes, result);
  finish(f, &r, result, 0);
  conn_close(f, &c);
}

Test(forged, a_read_that_fails_is_told) {
  const int results[] = {-ECONNRESET, -ETIMEDOUT, -EIO};

  each_result(read_fails, results, 3);
}

/* ---- Writing ---- */

/* Forged so, what has gone goes once more. */
static void writes_again(struct weir_fixture *f, int result) {
  struct request w = {0};
  struct conn c;
  char bytes[8];

  pattern_fill(bytes, 0, 8);
  conn_tcp(f, &c);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 8), on_done), 0);
  weir__loop_run(f->loop);
  weir__ring_enter(weir__ring(f->loop), 0, 0);
  check_is(forge(f, result), 8);
  finish(f, &w, 0, 8);
  peer_take(&c, 0, 8);
  peer_take(&c, 0, 8);
  check_is(peer_take_available(&c), 0);
  check_is(stats_of(f).bytes_written, 8);
  conn_close(f, &c);
}

Test(forged, a_write_goes_on) {
  const int results[] = {-EINTR, -512, -EAGAIN, -ENOBUFS};

  each_result(writes_again, results, 4);
}

static void write_fails(struct weir_fixture *f, int result) {
  struct request w = {0};
  struct conn c;

  conn_tcp(f, &c);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("weir", 4), on_done), 0);
  weir__loop_run(f->loop);
  weir__ring_enter(weir__ring(f->loop), 0, 0);
  check_is(forge(f, result), 4);
  finish(f, &w, result, 0);
  conn_close(f, &c);
}

Test(forged, a_write_that_fails_is_told) {
  const int results[] = {-EPIPE, -ETIMEDOUT, -EIO};

  each_result(write_fails, results, 3);
}

/* ---- Readiness ---- */

static void forge_wait(struct weir_fixture *f, struct conn *c,
                       struct request *r, int result) {
  conn_tcp(f, c);
  check_is(weir_wait(&r->op, &c->stream, WEIR_READABLE, on_done), 0);
  run_some_turns(f);
  peer_send(c, 0, 1);
  forge(f, result);
}

static void waits_on(struct weir_fixture *f, int result) {
  struct request r = {0};
  struct conn c;

  forge_wait(f, &c, &r, result);
  finish(f, &r, 0, 0);
  check_is(weir_wait_result(&r.op), WEIR_READABLE);
  conn_close(f, &c);
}

static void waits_no_more(struct weir_fixture *f, int result) {
  struct request r = {0};
  struct conn c;

  forge_wait(f, &c, &r, result);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 0);
  check_is(weir_wait_result(&r.op), 0);
  conn_close(f, &c);
}

Test(forged, a_wait_goes_on) {
  const int results[] = {-EINTR, -EAGAIN, -512};

  each_result(waits_on, results, 3);
}

Test(forged, a_wait_that_was_cancelled_does_not) {
  const int results[] = {-EINTR, -EAGAIN, -512};

  each_result(waits_no_more, results, 3);
}

static void wait_fails(struct weir_fixture *f, int result) {
  struct request r = {0};
  struct conn c;

  forge_wait(f, &c, &r, result);
  finish(f, &r, result, 0);
  conn_close(f, &c);
}

Test(forged, a_wait_that_fails_is_told) {
  const int results[] = {-ENOMEM, -EBADF};

  each_result(wait_fails, results, 2);
}

/* ---- Files ---- */

static void file_reads_the_next(struct weir_fixture *f, int result) {
  struct request r = {0};
  int fds[2];
  char bytes[8];

  check_is(pipe(fds), 0);
  check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_block(bytes, 8),
                           -1, on_done),
           0);
  run_some_turns(f);
  check_is(write(fds[1], "lost", 4), 4);
  forge(f, result);
  run_some_turns(f);
  check_is(write(fds[1], "weir", 4), 4);
  run_until(f, &r.calls);
  check_is(r.status, 0);
  cr_assert(memcmp(bytes + r.n - 4, "weir", 4) == 0);
  close(fds[0]);
  close(fds[1]);
}

Test(forged, a_read_of_a_file_goes_on) {
  const int results[] = {-EINTR, -512};

  each_result(file_reads_the_next, results, 2);
}

/* It waits for room, and not for bytes. */
static void file_writes_again(struct weir_fixture *f, int result) {
  struct request w = {0};
  int fds[2];
  char bytes[8];

  /* Else it is libuv's pool that does it. */
  if (!(weir__ring(f->loop)->caps & WEIR__CAP_NOSIGNAL))
    fixture_skip(f, "this kernel cannot leave out SIGPIPE");
  check_is(pipe(fds), 0);
  check_is(weir_file_pwrite(f->loop, &w.op, fds[1], weir_seq_block("weir", 4),
                            -1, on_done),
           0);
  weir__loop_run(f->loop);
  weir__ring_enter(weir__ring(f->loop), 0, 0);
  check_is(forge(f, result), 4);
  finish(f, &w, 0, 4);
  check_is(read(fds[0], bytes, 8), 8);
  cr_assert(memcmp(bytes, "weirweir", 8) == 0);
  close(fds[0]);
  close(fds[1]);
}

Test(forged, a_write_of_a_file_goes_on) {
  const int results[] = {-EINTR, -EAGAIN};

  each_result(file_writes_again, results, 2);
}

/* As older kernels have a read that waits: the ring has no more of it than a
 * poll, and another thread's ring goes on with it. */
WEIR_RING_TEST(forged, a_read_of_a_file_that_polls_moves) {
  weir__ring_t *ring = weir__ring(f->loop);
  struct request r = {0};
  struct worker w;
  int fds[2];
  char byte;

  if (!ring_is_one_threads(f))
    fixture_skip(f, "any thread may enter this ring");
  check_is(pipe(fds), 0);
  check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_block(&byte, 1),
                           -1, on_done),
           0);
  run_some_turns(f);
  weir__ring_complete(ring, weir__file_args(&r.op)->tag, UV_EAGAIN, 0);
  run_some_turns(f);
  worker_begin(&w);
  worker_do(&w, work_some_turns, f);
  check_is(r.calls, 0);
  check_is(write(fds[1], "x", 1), 1);
  worker_do(&w, work_some_turns, f);
  worker_end(&w);
  finish(f, &r, 0, 1);
  close(fds[0]);
  close(fds[1]);
}

/* Some file systems say EAGAIN for ever but to who may wait. */
WEIR_RING_TEST(forged, a_read_of_a_file_that_waited_is_a_threads) {
  weir__ring_t *ring = weir__ring(f->loop);
  const struct io_uring_sq *sq = &ring->uring.sq;
  int fds[2];
  char byte;

  check_is(pipe(fds), 0);
  for (int waited = 0; waited < 2; waited++) {
    const struct io_uring_sqe *sqe;
    struct request r = {0};
    uint64_t tag;

    check_is(weir_file_pread(f->loop, &r.op, fds[0], weir_mseq_block(&byte, 1),
                             -1, on_done),
             0);
    run_some_turns(f);
    tag = weir__file_args(&r.op)->tag;
    weir__slot_redo(ring, tag,
                    WEIR__SLOT_RESTART | (waited ? WEIR__SLOT_WAITED : 0u));
    weir__ring_redo(ring);
    sqe = &sq->sqes[(sq->sqe_tail - 1) & sq->ring_mask];
    cr_assert(sqe->user_data == tag);
    check_is((sqe->flags & IOSQE_ASYNC) != 0, waited);
    weir_cancel(&r.op);
    finish(f, &r, UV_ECANCELED, 0);
  }
  close(fds[0]);
  close(fds[1]);
}

#else

Test(forged, nothing) {
  cr_skip("this libweir was built without io_uring");
}

#endif
