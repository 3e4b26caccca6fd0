/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os.h"
#include "support/gate.h"
#include "support/net.h"
#include "support/scratch.h"

/* What makes no sense, and what the system refuses: the call says so, nothing
 * has changed, and what comes next works. */

/* ---- Arguments ---- */

WEIR_TEST(refused, places_that_are_missing) {
  struct sockaddr_in addr;
  struct request r = {0};
  weir_stream_t stream, pipe;
  struct conn c;
  int len = sizeof(addr);

  conn_tcp(f, &c);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_getsockname(&c.stream, NULL, &len), UV_EINVAL);
  check_is(weir_getsockname(&c.stream, (struct sockaddr *)&addr, NULL),
           UV_EINVAL);
  check_is(weir_getpeername(NULL, (struct sockaddr *)&addr, &len), UV_EINVAL);
  check_is(weir_fileno(&c.stream, NULL), UV_EINVAL);
  check_is(weir_tcp_open(NULL, 0), UV_EINVAL);
  check_is(weir_pipe_open(NULL, 0), UV_EINVAL);
  check_is(weir_tcp_bind(NULL, (struct sockaddr *)&addr, 0), UV_EINVAL);
  check_is(weir_pipe_bind(NULL, "x"), UV_EINVAL);
  check_is(weir_listen(NULL, 1), UV_EINVAL);
  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_tcp_bind(&stream, NULL, 0), UV_EINVAL);
  check_is(weir_tcp_connect(NULL, &stream, (struct sockaddr *)&addr, on_done),
           UV_EINVAL);
  check_is(weir_tcp_connect(&r.op, &stream, (struct sockaddr *)&addr, NULL),
           UV_EINVAL);
  check_is(weir_close(&stream, NULL), 0);
  check_is(weir_pipe_init(f->loop, &pipe), 0);
  check_is(weir_pipe_bind(&pipe, NULL), UV_EINVAL);
  check_is(weir_pipe_connect(NULL, &pipe, "x", on_done), UV_EINVAL);
  check_is(weir_pipe_connect(&r.op, &pipe, NULL, on_done), UV_EINVAL);
  check_is(weir_pipe_connect(&r.op, &pipe, "x", NULL), UV_EINVAL);
  check_is(weir_listen(&pipe, 1), UV_EINVAL);
  check_is(weir_close(&pipe, NULL), 0);
  check_is(weir_close(NULL, NULL), UV_EINVAL);
  check_is(weir_loop_detach(NULL, NULL), UV_EINVAL);
  check_is(weir_owns_handle(NULL, NULL), 0);
  check_is(weir_owns_handle(f->loop, NULL), 0);
  weir_cancel(NULL);
  run_out(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(refused, transfers_without_a_place) {
  weir_mseq_t into = weir_mseq_block(NULL, 0);
  weir_seq_t from = weir_seq_block(NULL, 0);
  struct request r = {0};
  struct conn c;
  size_t n = 1;

  conn_tcp(f, &c);
  check_is(weir_read_now(NULL, into, &n), UV_EINVAL);
  check_is(weir_read_now(&c.stream, into, NULL), UV_EINVAL);
  check_is(weir_read_some(NULL, &c.stream, into, on_done), UV_EINVAL);
  check_is(weir_read_some(&r.op, NULL, into, on_done), UV_EINVAL);
  check_is(weir_read_some(&r.op, &c.stream, into, NULL), UV_EINVAL);
  check_is(weir_write(NULL, &c.stream, from, on_done), UV_EINVAL);
  check_is(weir_write(&r.op, NULL, from, on_done), UV_EINVAL);
  check_is(weir_write(&r.op, &c.stream, from, NULL), UV_EINVAL);
  check_is(weir_write_try(NULL, from, &n), UV_EINVAL);
  check_is(n, 0);
  check_is(weir_write_try(&c.stream, from, NULL), UV_EINVAL);
  n = 1;
  check_is(weir_write_now(NULL, &c.stream, from, &n, on_done), UV_EINVAL);
  check_is(n, 0);
  check_is(weir_write_now(&r.op, &c.stream, from, &n, NULL), UV_EINVAL);
  check_is(weir_write_now(&r.op, &c.stream, from, NULL, on_done), UV_EINVAL);
  run_out(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(refused, files_without_a_place) {
  struct request r = {0};
  struct scratch s;
  weir_mseq_t into = weir_mseq_block(NULL, 0);
  weir_seq_t from = weir_seq_block(NULL, 0);

  scratch_make(&s, 4);
  check_is(weir_file_open(NULL, &r.op, s.path, O_RDONLY, 0, on_done),
           UV_EINVAL);
  check_is(weir_file_open(f->loop, &r.op, NULL, O_RDONLY, 0, on_done),
           UV_EINVAL);
  check_is(weir_file_open(f->loop, NULL, s.path, O_RDONLY, 0, on_done),
           UV_EINVAL);
  check_is(weir_file_close(f->loop, NULL, s.fd, on_done), UV_EINVAL);
  check_is(weir_file_fsync(f->loop, NULL, s.fd, on_done), UV_EINVAL);
  check_is(weir_file_pread(f->loop, NULL, s.fd, into, 0, on_done), UV_EINVAL);
  check_is(weir_file_pwrite(f->loop, NULL, s.fd, from, 0, on_done), UV_EINVAL);
  check_is(weir_file_pread(f->loop, &r.op, s.fd, into, -2, on_done), UV_EINVAL);
  check_is(weir_file_pwrite(f->loop, &r.op, s.fd, from, -2, on_done),
           UV_EINVAL);
  /* Nothing is moved without a callback, too. */
  check_is(weir_file_pread(f->loop, NULL, s.fd, into, 0, NULL), 0);
  check_is(weir_file_pwrite(f->loop, NULL, s.fd, from, 0, NULL), 0);
  run_out(f);
  check_is(r.calls, 0);
  scratch_remove(&s);
}

WEIR_TEST(refused, addresses_of_other_families) {
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  struct sockaddr_in6 six;
  struct sockaddr_in four;
  struct request r = {0};
  struct conn c;

  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &four), 0);
  check_is(uv_ip6_addr("::1", 0, &six), 0);
  check_is(weir_tcp_init(f->loop, &c.stream), 0);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&path, 0), UV_EINVAL);
  check_is(
      weir_tcp_connect(&r.op, &c.stream, (struct sockaddr *)&path, on_done),
      UV_EINVAL);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&four, UV_TCP_IPV6ONLY),
           UV_EINVAL);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&six, 64), UV_EINVAL);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&four, 0), 0);
  /* The socket is there, and of the other family. */
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&six, 0),
           UV_ENOPROTOOPT);
  check_is(weir_pipe_bind(&c.stream, "x"), UV_EINVAL);
  run_out(f);
  check_is(r.calls, 0);
  conn_close(f, &c);
}

WEIR_TEST(refused, a_stream_has_one_descriptor) {
  struct conn c, none;
  int fds[2];

  pair_tcp(fds, 0, 0);
  conn_tcp(f, &c);
  check_is(weir_tcp_open(&c.stream, fds[0]), UV_EBUSY);
  conn_close(f, &c);
  check_is(weir_tcp_open(&c.stream, fds[0]), UV_EBADF);
  memset(&none, 0, sizeof(none));
  none.peer = fds[1];
  check_is(weir_tcp_init(f->loop, &none.stream), 0);
  check_is(weir_pipe_open(&none.stream, fds[0]), UV_EINVAL);
  check_is(weir_tcp_open(&none.stream, 9999), UV_EBADF);
  check_is(weir_tcp_open(&none.stream, fds[0]), 0);
  conn_close(f, &none);
}

WEIR_TEST(refused, pools_that_make_no_sense) {
  const size_t gibibyte = (size_t)1 << 30;
  weir_buffer_options_t options;
  weir_pool_t *pool = NULL;
  uv_buf_t buf, other;
  char byte;

  /* Each takes a line of the cache, and so too much together. */
  check_is(weir_pool_create(f->loop, gibibyte / 32, 1, &pool), UV_EINVAL);
  cr_assert(pool == NULL);
  check_is(weir_pool_create(f->loop, 2, 100, &pool), 0);
  check_is(weir_pool_acquire(NULL, &buf), UV_EINVAL);
  check_is(weir_pool_acquire(pool, NULL), UV_EINVAL);
  check_is(weir_pool_source(NULL, &options), UV_EINVAL);
  check_is(weir_pool_source(pool, NULL), UV_EINVAL);
  check_is(weir_pool_destroy(NULL), UV_EINVAL);
  check_is(weir_pool_acquire(pool, &buf), 0);
  check_is(weir_pool_release(NULL, &buf), UV_EINVAL);
  check_is(weir_pool_release(pool, NULL), UV_EINVAL);
  other = uv_buf_init(&byte, 1);
  check_is(weir_pool_release(pool, &other), UV_EINVAL);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_release(pool, &buf), UV_EINVAL);
  check_is(weir_pool_available(pool), 2);
  check_is(weir_pool_destroy(pool), 0);
}

Test(refused, a_backend_has_a_name) {
  cr_assert(strcmp(weir_backend_name(WEIR_BACKEND_AUTO), "auto") == 0);
  cr_assert(strcmp(weir_backend_name(WEIR_BACKEND_UV), "libuv") == 0);
  cr_assert(strcmp(weir_backend_name(WEIR_BACKEND_URING), "io_uring") == 0);
}

/* ---- A loop that is on its way out ---- */

WEIR_TEST(refused, nothing_begins_on_a_loop_that_is_left) {
  struct sockaddr_in addr;
  struct request r[6];
  weir_stream_t stream, made;
  weir_pool_t *pool;
  struct scratch s;
  char byte;

  memset(r, 0, sizeof(r));
  scratch_make(&s, 1);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_close(&stream, NULL), 0);
  run_out(f);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  check_is(weir_loop_detach(f->loop, NULL), UV_EALREADY);
  check_is(weir_tcp_init(f->loop, &made), UV_ECANCELED);
  check_is(weir_pipe_init(f->loop, &made), UV_ECANCELED);
  check_is(weir_pool_create(f->loop, 1, 1, &pool), UV_ECANCELED);
  check_is(weir_file_open(f->loop, &r[0].op, s.path, O_RDONLY, 0, on_done),
           UV_ECANCELED);
  check_is(weir_file_close(f->loop, &r[1].op, s.fd, on_done), UV_ECANCELED);
  check_is(weir_file_fsync(f->loop, &r[2].op, s.fd, on_done), UV_ECANCELED);
  check_is(weir_file_pread(f->loop, &r[3].op, s.fd, weir_mseq_block(&byte, 1),
                           0, on_done),
           UV_ECANCELED);
  check_is(weir_file_pwrite(f->loop, &r[4].op, s.fd, weir_seq_block("x", 1), 0,
                            on_done),
           UV_ECANCELED);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  f->loop = NULL;
  for (int i = 0; i < 6; i++)
    check_is(r[i].calls, 0);
  scratch_remove(&s);
}

/* ---- System calls ---- */

/* At the gate, on libuv: the calls are the same for all. */
static void begin(struct weir_fixture *f, const int *calls, size_t count) {
  fixture_prepare(f, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  fixture_attach(f, NULL);
  gate_open(f, calls, count);
}

Test(refused, a_descriptor_whose_mode_stays) {
  const int calls[] = {SYS_fcntl};
  struct weir_fixture f;
  struct conn c;
  int fds[2];

  begin(&f, calls, 1);
  pair_tcp(fds, 0, 0);
  memset(&c, 0, sizeof(c));
  c.peer = fds[1];
  check_is(weir_tcp_init(f.loop, &c.stream), 0);
  gate_fail(SYS_fcntl, EPERM, 1);
  check_is(weir_tcp_open(&c.stream, fds[0]), UV_EPERM);
  gate_fail_later(SYS_fcntl, EPERM, 1, 1);
  check_is(weir_tcp_open(&c.stream, fds[0]), UV_EPERM);
  check_is(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
  check_is(weir_tcp_open(&c.stream, fds[0]), 0);
  check_is(fcntl(fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  conn_close(&f, &c);
  fixture_finish(&f);
}

Test(refused, a_socket_that_takes_no_option) {
  const int calls[] = {SYS_setsockopt};
  struct weir_fixture f;
  struct sockaddr_in6 six;
  struct sockaddr_in addr;
  struct conn c;

  begin(&f, calls, 1);
  memset(&c, 0, sizeof(c));
  c.peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(uv_ip6_addr("::1", 0, &six), 0);
  check_is(weir_tcp_init(f.loop, &c.stream), 0);
  gate_fail(SYS_setsockopt, ENOMEM, 1);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&addr, 0), UV_ENOMEM);
  check_is(weir_tcp_bind(&c.stream, (struct sockaddr *)&addr, 0), 0);
  conn_close(&f, &c);
  fixture_finish(&f);
}

Test(refused, a_connection_that_is_made_at_once) {
  const int calls[] = {SYS_connect, SYS_getsockopt};
  struct sockaddr_in addr;
  struct weir_fixture f;
  weir__path_t path;

  begin(&f, calls, 2);
  check_is(uv_ip4_addr("127.0.0.1", 9, &addr), 0);
  gate_fail(SYS_connect, EISCONN, 1);
  check_is(weir__os_connect(0, (struct sockaddr *)&addr), 0);
  gate_fail(SYS_connect, EINTR, 1);
  check_is(weir__os_connect(0, (struct sockaddr *)&addr), UV_EALREADY);
  gate_fail(SYS_connect, EINPROGRESS, 1);
  check_is(weir__os_connect(0, (struct sockaddr *)&addr), UV_EALREADY);
  gate_fail(SYS_connect, ENETUNREACH, 1);
  check_is(weir__os_connect(0, (struct sockaddr *)&addr), UV_ENETUNREACH);
  gate_fail(SYS_connect, EINTR, 3);
  check_is(weir__os_set_path(&path, "/x", 2), 0);
  check_is(weir__os_connect_path(-1, &path), UV_EBADF);
  check_is(gate_failures(SYS_connect), 7);
  gate_fail(SYS_getsockopt, ENOBUFS, 1);
  check_is(weir__os_error(0), UV_ENOBUFS);
  fixture_finish(&f);
}

/* The kernel says that there is a connection, and somebody else has it by
 * then. */
struct thief {
  int fd;
  int taken;
};

static void steal(uv_poll_t *poll, int status, int events) {
  struct thief *t = poll->data;
  int got = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  (void)status, (void)events;
  if (got >= 0) {
    close(got);
    t->taken++;
  }
  uv_poll_stop(poll);
}

WEIR_TEST(refused, a_connection_that_another_took) {
  struct conn listener, client;
  struct request a = {0};
  struct sockaddr_in addr;
  struct thief t = {0};
  uv_poll_t poll;
  uv_os_fd_t fd;
  int len = sizeof(addr), lost, trigger[2];

  memset(&listener, 0, sizeof(listener));
  memset(&client, 0, sizeof(client));
  listener.peer = -1;
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &listener.stream), 0);
  check_is(weir_tcp_bind(&listener.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener.stream, 5), 0);
  check_is(weir_getsockname(&listener.stream, (struct sockaddr *)&addr, &len),
           0);
  check_is(weir_fileno(&listener.stream, &fd), 0);
  check_is(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  pair_unix(trigger);
  t.fd = fd;
  check_is(uv_poll_init(&f->uv, &poll, trigger[0]), 0);
  poll.data = &t;
  check_is(uv_poll_start(&poll, UV_READABLE, steal), 0);
  check_is(weir_accept(&a.op, &listener.stream, &client.stream, on_done), 0);
  run_some_turns(f);
  check_is(write(trigger[1], "x", 1), 1);
  lost = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(lost, (struct sockaddr *)&addr, sizeof(addr)), 0);
  run_some_turns(f);
  check_is(a.calls + t.taken, 1);
  client.peer = lost;
  if (a.calls == 0) {
    client.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_is(connect(client.peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(lost);
  }
  finish(f, &a, 0, 0);
  uv_close((uv_handle_t *)&poll, NULL);
  conn_close(f, &client);
  conn_close(f, &listener);
  close(trigger[0]);
  close(trigger[1]);
}
