/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/proxy.h"
#include "support/scratch.h"

/* A program that has closed its standard input gets the number 0 for a
 * descriptor, which is one as any other. */

static int input = -1;

/* The next descriptor has the number 0, until it is given back. */
static void free_zero(void) {
  input = fcntl(0, F_DUPFD_CLOEXEC, 10);
  cr_assert(input >= 10);
  check_is(close(0), 0);
}

static void give_back_zero(void) {
  check_is(fcntl(0, F_GETFD), -1);
  check_is(dup2(input, 0), 0);
  check_is(close(input), 0);
}

/* What was opened for a stream of the program's stays open. */
static void close_zero(void) {
  check_is(close(0), 0);
  give_back_zero();
}

static void expect_zero(const weir_stream_t *stream) {
  uv_os_fd_t fd = -1;

  check_is(weir_fileno(stream, &fd), 0);
  check_is(fd, 0);
}

/* Bytes go to and fro, at once, later and as far as there is room. */
static void use(struct weir_fixture *f, struct conn *c) {
  static char many[1 << 20];
  struct request r = {0}, w = {0};
  char bytes[8];
  size_t n = 0;

  check_is(
      weir_read_some(&r.op, &c->stream, weir_mseq_block(bytes, 8), on_done), 0);
  run_some_turns(f);
  peer_send(c, 0, 8);
  finish(f, &r, 0, 8);
  cr_assert(pattern_holds(bytes, 0, 8));
  peer_send(c, 8, 4);
  check_is(weir_read_now(&c->stream, weir_mseq_block(bytes, 8), &n), 0);
  check_is(n, 4);
  check_is(weir_write_try(&c->stream, weir_seq_block(bytes, 4), &n), 0);
  check_is(n, 4);
  peer_take(c, 8, 4);
  pattern_fill(many, 0, sizeof(many));
  check_is(weir_write(&w.op, &c->stream, weir_seq_block(many, sizeof(many)),
                      on_done),
           0);
  for (n = 0; w.calls == 0; run_turn(f))
    take_pattern(c->peer, &n);
  check_is(w.status, 0);
  while (n < sizeof(many))
    take_pattern(c->peer, &n);
}

static void wait_for(struct weir_fixture *f, struct conn *c, int events) {
  struct request r = {0};

  check_is(weir_wait(&r.op, &c->stream, events, on_done), 0);
  run_some_turns(f);
  if (events == WEIR_READABLE) {
    check_is(r.calls, 0);
    check_is(write(c->peer, "x", 1), 1);
  }
  finish(f, &r, 0, 0);
  check_is(weir_wait_result(&r.op), events);
}

static void pass(struct weir_fixture *f, struct conn *c) {
  struct request r = {0}, w = {0};
  const uv_file sent = input;
  uv_file got = -1;
  weir_fds_t fds = {.fds = &got, .room = 1};
  char byte;
  uv_pid_t pid = 0;

  check_is(weir_peer_cred(&c->stream, &pid, NULL, NULL), 0);
  check_is(pid, getpid());
  check_is(weir_write_fd(&w.op, &c->stream, weir_seq_block("x", 1), &sent, 1,
                         on_done),
           0);
  finish(f, &w, 0, 1);
  check_is(recv(c->peer, &byte, 1, 0), 1);
  check_is(
      weir_read_fd(&r.op, &c->stream, weir_mseq_block(&byte, 1), &fds, on_done),
      0);
  run_some_turns(f);
  check_is(send(c->peer, "x", 1, 0), 1);
  finish(f, &r, 0, 1);
  check_is(fds.count, 0);
}

WEIR_TEST(zero, serves_a_unix_socket) {
  struct request r = {0};
  struct conn c;
  size_t n;
  int size = 0;
  char byte;

  free_zero();
  conn_unix(f, &c);
  expect_zero(&c.stream);
  use(f, &c);
  wait_for(f, &c, WEIR_WRITABLE);
  wait_for(f, &c, WEIR_READABLE);
  check_is(weir_read_now(&c.stream, weir_mseq_block(&byte, 1), &n), 0);
  pass(f, &c);
  check_is(weir_send_buffer_size(&c.stream, &size), 0);
  cr_assert(size > 0);
  check_is(weir_write_eof(&r.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  finish(f, &r, 0, 0);
  peer_expect_end(&c);
  conn_close(f, &c);
  close_zero();
}

static void relay(struct weir_fixture *f, unsigned flags) {
  proxy_t p;

  free_zero();
  proxy_open(f, &p, conn_unix, conn_unix, RING, flags);
  expect_zero(&p.a.stream);
  /* A splice from what blocks would wait. */
  if (flags != 0)
    check_is(fcntl(0, F_SETFL, 0), 0);
  proxy_start(&p);
  if (flags != 0)
    cr_assert((fcntl(0, F_GETFL) & O_NONBLOCK) != 0);
  peer_send(&p.a, 0, SOME);
  peer_send(&p.b, 0, SOME);
  check_is(shutdown(p.a.peer, SHUT_WR), 0);
  check_is(shutdown(p.b.peer, SHUT_WR), 0);
  passage_end(f, &p.up, 0);
  passage_end(f, &p.down, 0);
  peer_take(&p.b, 0, SOME);
  peer_take(&p.a, 0, SOME);
  check_is(p.up.info.bytes_spliced, flags != 0 ? SOME : 0);
  check_is(p.down.info.bytes_spliced, flags != 0 ? SOME : 0);
  proxy_close(f, &p);
  close_zero();
}

WEIR_TEST(zero, is_relayed) {
  relay(f, 0);
  relay(f, WEIR_RELAY_SPLICE);
}

WEIR_TEST(zero, serves_a_pipe) {
  struct request r = {0};
  struct conn c;
  char byte = 0;
  int fds[2];

  memset(&c, 0, sizeof(c));
  free_zero();
  check_is(pipe(fds), 0);
  c.peer = fds[1];
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  expect_zero(&c.stream);
  wait_for(f, &c, WEIR_READABLE);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  finish(f, &r, 0, 1);
  check_is(byte, 'x');
  memset(&r, 0, sizeof(r));
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  check_is(write(c.peer, "y", 1), 1);
  finish(f, &r, 0, 1);
  check_is(byte, 'y');
  conn_close(f, &c);
  close_zero();
}

/* A socket that listens, of which libuv knows nothing. */
static int listen_apart(struct sockaddr_in *addr) {
  socklen_t len = sizeof(*addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(bind(fd, (struct sockaddr *)addr, len), 0);
  check_is(listen(fd, 5), 0);
  check_is(getsockname(fd, (struct sockaddr *)addr, &len), 0);
  return fd;
}

WEIR_TEST(zero, is_connected) {
  weir_connect_host_t host;
  struct sockaddr_in addr;
  struct conn c;
  char port[8];
  int fd = listen_apart(&addr);

  snprintf(port, sizeof(port), "%d", ntohs(addr.sin_port));
  free_zero();
  for (int i = 0; i < 2; i++) {
    struct request r = {0};

    memset(&c, 0, sizeof(c));
    check_is(weir_tcp_init(f->loop, &c.stream), 0);
    if (i == 0)
      check_is(
          weir_tcp_connect(&r.op, &c.stream, (struct sockaddr *)&addr, on_done),
          0);
    else
      check_is(weir_connect_host(&r.op, &c.stream, &host, "127.0.0.1", port, 0,
                                 on_done),
               0);
    finish(f, &r, 0, 0);
    expect_zero(&c.stream);
    c.peer = accept(fd, NULL, NULL);
    cr_assert(c.peer > 0);
    check_is(weir_tcp_nodelay(&c.stream, 1), 0);
    use(f, &c);
    if (i == 0)
      check_is(weir_close_reset(&c.stream, on_conn_closed), 0);
    else
      check_is(weir_close_after(&c.stream, 0, on_conn_closed), 0);
    run_until(f, &c.closed);
    close_peer(&c);
  }
  give_back_zero();
  close(fd);
}

WEIR_TEST(zero, is_accepted) {
  struct request r = {0};
  weir_stream_t listener;
  struct sockaddr_in addr;
  int len = sizeof(addr);
  struct conn c;

  memset(&c, 0, sizeof(c));
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener, 5), 0);
  check_is(weir_getsockname(&listener, (struct sockaddr *)&addr, &len), 0);
  c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  free_zero();
  check_is(weir_accept(&r.op, &listener, &c.stream, on_done), 0);
  run_some_turns(f);
  check_is(connect(c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
  finish(f, &r, 0, 0);
  expect_zero(&c.stream);
  use(f, &c);
  conn_close(f, &c);
  give_back_zero();
  check_is(weir_close(&listener, NULL), 0);
  run_out(f);
}

WEIR_TEST(zero, listens) {
  struct request r = {0};
  struct sockaddr_in addr;
  int len = sizeof(addr);
  weir_stream_t listener;
  struct conn c;

  memset(&c, 0, sizeof(c));
  c.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  free_zero();
  check_is(weir_tcp_init(f->loop, &listener), 0);
  check_is(weir_listen_host(&listener, "127.0.0.1", "0", 5, 0), 0);
  expect_zero(&listener);
  check_is(weir_getsockname(&listener, (struct sockaddr *)&addr, &len), 0);
  check_is(weir_accept(&r.op, &listener, &c.stream, on_done), 0);
  run_some_turns(f);
  check_is(connect(c.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
  finish(f, &r, 0, 0);
  conn_close(f, &c);
  check_is(weir_close(&listener, NULL), 0);
  run_out(f);
  give_back_zero();
}

static uv_file opened;

static void on_open(weir_op_t *op, int status, size_t n) {
  opened = weir_file_result(op);
  on_done(op, status, n);
}

WEIR_TEST(zero, is_a_file) {
  struct request r[5];
  struct scratch s;
  char bytes[8];

  memset(r, 0, sizeof(r));
  scratch_make(&s, 8);
  free_zero();
  check_is(weir_file_open(f->loop, &r[0].op, s.path, O_RDWR, 0, on_open), 0);
  finish(f, &r[0], 0, 0);
  check_is(opened, 0);
  check_is(weir_file_pread(f->loop, &r[1].op, 0, weir_mseq_block(bytes, 8), 0,
                           on_done),
           0);
  finish(f, &r[1], 0, 8);
  cr_assert(pattern_holds(bytes, 0, 8));
  check_is(weir_file_pwrite(f->loop, &r[2].op, 0, weir_seq_block(bytes, 8), 0,
                            on_done),
           0);
  finish(f, &r[2], 0, 8);
  check_is(weir_file_fsync(f->loop, &r[3].op, 0, on_done), 0);
  finish(f, &r[3], 0, 0);
  check_is(weir_file_close(f->loop, &r[4].op, 0, on_done), 0);
  finish(f, &r[4], 0, 0);
  give_back_zero();
  scratch_expect(&s, 0, 8);
  scratch_remove(&s);
}

/* What a loop opens for itself. */
WEIR_TEST(zero, is_the_loops) {
  struct conn c;

  free_zero();
  fixture_reattach(f, 8);
  if (fcntl(0, F_GETFD) == -1)
    check_is(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  conn_unix(f, &c);
  use(f, &c);
  conn_close(f, &c);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  close(0);
  give_back_zero();
  fixture_attach(f, NULL);
}
