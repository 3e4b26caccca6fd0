/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if WEIR_HAVE_URING
#include "../uring/ring.h"
#endif

#include "support/faulty.h"
#include "support/plan.h"
#include "support/scratch.h"

/* The layer of faults itself: what a plan says happens, once, to whom it says,
 * and nothing else does. */

/* ---- Connections and files ---- */

/* The same in segments that do not touch each other. */
static void work_scattered(struct weir_fixture *f, struct conn *c) {
  struct request r = {0};
  char bytes[2][FAULT_BYTES];
  uv_buf_t parts[2];

  for (int i = 0; i < 2; i++) {
    pattern_fill(bytes[i], (size_t)i * FAULT_BYTES / 2, FAULT_BYTES / 2);
    parts[i] = uv_buf_init(bytes[i], FAULT_BYTES / 2);
  }
  check_is(weir_write(&r.op, &c->stream, weir_seq_bufs(parts, 2), on_done), 0);
  finish(f, &r, 0, FAULT_BYTES);
  peer_take(c, 0, FAULT_BYTES);
  memset(bytes, 0, sizeof(bytes));
  memset(&r, 0, sizeof(r));
  peer_send(c, 0, FAULT_BYTES);
  check_is(weir_read(&r.op, &c->stream, weir_mseq_bufs(parts, 2), weir_all(),
                     on_done),
           0);
  finish(f, &r, 0, FAULT_BYTES);
  for (int i = 0; i < 2; i++)
    cr_assert(
        pattern_holds(bytes[i], (size_t)i * FAULT_BYTES / 2, FAULT_BYTES / 2));
}
static int fd_of(const struct conn *c) {
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  return fd;
}

static void read_file(struct weir_fixture *f, struct request *r, int fd,
                      char *bytes, size_t len, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pread(f->loop, &r->op, fd, weir_mseq_block(bytes, len),
                           offset, on_done),
           0);
}

/* ---- Beginning ---- */

Test(fault, a_plan_has_to_mean_something) {
  const weir_fault_rule_t bad[] = {
      {.what = WEIR_FAULT_RECV},
      {.what = WEIR_FAULT_WHATS, .error = UV_EIO},
      {.what = WEIR_FAULT_OPCODE + 256, .error = UV_EIO},
      {.what = WEIR_FAULT_RECV, .error = EIO},
      {.what = WEIR_FAULT_RECV, .error = UV_EIO, .bytes = 1},
      {.what = WEIR_FAULT_RECV, .error = UV_EIO, .fd = -1},
  };
  weir_fault_options_t options;
  weir_fault_t *fault = NULL;
  weir_fault_t *other;

  memset(&options, 0, sizeof(options));
  check_is(weir_fault_begin(NULL, &fault), UV_EINVAL);
  check_is(weir_fault_begin(&options, NULL), UV_EINVAL);
  options.nrules = 1;
  check_is(weir_fault_begin(&options, &fault), UV_EINVAL);
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    options.rules = &bad[i];
    check_is(weir_fault_begin(&options, &fault), UV_EINVAL);
  }
  options.nrules = 0;
  check_is(weir_fault_begin(&options, &fault), 0);
  check_is(weir_fault_begin(&options, &other), UV_EALREADY);
  check_is(weir_fault_add(fault, &bad[0]), UV_EINVAL);
  check_is(weir_fault_add(fault, NULL), UV_EINVAL);
  check_is(weir_fault_count(fault, 12345).asked, 0);
  cr_assert(weir_fault_seed(fault) != 0);
  weir_fault_end(fault);
  weir_fault_end(NULL);
  options.seed = 42;
  check_is(weir_fault_begin(&options, &fault), 0);
  check_is(weir_fault_seed(fault), 42);
  weir_fault_end(fault);
}

static uint64_t steps(const struct weir_fixture *f) {
  weir_loop_stats_t s = stats_of(f);

  return s.syscalls + s.sqes + s.cqes + s.callbacks;
}

/* What the loop does for a few exchanges. */
static uint64_t cost(struct weir_fixture *f) {
  struct conn c;
  uint64_t before;

  conn_unix(f, &c);
  fault_work(f, &c);
  before = steps(f);
  for (int i = 0; i < 10; i++)
    fault_work(f, &c);
  before = steps(f) - before;
  conn_close(f, &c);
  return before;
}

WEIR_TEST(fault, an_empty_plan_changes_nothing) {
  uint64_t without = cost(f);
  weir_fault_t *fault = fault_begin_empty(f);

  check_is(cost(f), without);
  check_is(weir_fault_count(fault, WEIR_FAULT_SEND).asked, 11);
  check_is(weir_fault_count(fault, WEIR_FAULT_SEND).failed, 0);
  weir_fault_end(fault);
  check_is(cost(f), without);
}

/* ---- Errors ---- */

static int bind_any(struct weir_fixture *f, struct conn *c) {
  struct sockaddr_in addr;

  memset(c, 0, sizeof(*c));
  c->peer = -1;
  memset(&addr, 0, sizeof(addr));
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check_is(weir_tcp_init(f->loop, &c->stream), 0);
  return weir_tcp_bind(&c->stream, (struct sockaddr *)&addr, 0);
}

static int try_read(struct weir_fixture *f, struct conn *c) {
  struct request r;
  char byte;

  peer_send(c, 0, 1);
  fault_read(&r, c, &byte, 1);
  run_until(f, &r.calls);
  return r.status;
}

static int try_write(struct weir_fixture *f, struct conn *c) {
  struct request r;

  fault_write(&r, c, "x", 1);
  run_until(f, &r.calls);
  return r.status;
}

static int try_eof(struct weir_fixture *f, struct conn *c) {
  struct request r = {0};

  check_is(weir_write_eof(&r.op, &c->stream, weir_seq_block(NULL, 0), on_done),
           0);
  run_until(f, &r.calls);
  return r.status;
}

static int try_nodelay(struct weir_fixture *f, struct conn *c) {
  (void)f;
  return weir_tcp_nodelay(&c->stream, 1);
}

static int try_name(struct weir_fixture *f, struct conn *c) {
  struct sockaddr_storage addr;
  int len = sizeof(addr);

  (void)f;
  return weir_getsockname(&c->stream, (struct sockaddr *)&addr, &len);
}

static int try_bind(struct weir_fixture *f, struct conn *c) {
  struct conn other;
  int r = bind_any(f, &other);

  (void)c;
  if (r == 0)
    r = weir_listen(&other.stream, 1);
  close_stream(f, &other);
  return r;
}

static int try_open(struct weir_fixture *f, struct conn *c) {
  struct conn other;
  int fds[2];
  int r;

  (void)c;
  pair_unix(fds);
  memset(&other, 0, sizeof(other));
  check_is(weir_pipe_init(f->loop, &other.stream), 0);
  r = weir_pipe_open(&other.stream, fds[0]);
  close_stream(f, &other);
  if (r != 0)
    close(fds[0]);
  close(fds[1]);
  return r;
}

/* On both backends, by a call or by a request. */
static const struct {
  unsigned what;
  int error;
  int (*attempt)(struct weir_fixture *f, struct conn *c);
} errors[] = {
    {WEIR_FAULT_RECV, UV_ECONNRESET, try_read},
    {WEIR_FAULT_SEND, UV_EPIPE, try_write},
    {WEIR_FAULT_SHUTDOWN, UV_ENOTCONN, try_eof},
    {WEIR_FAULT_OPTION, UV_EINVAL, try_nodelay},
    {WEIR_FAULT_NAME, UV_ENOBUFS, try_name},
    {WEIR_FAULT_SOCKET, UV_EMFILE, try_bind},
    {WEIR_FAULT_BIND, UV_EADDRINUSE, try_bind},
    {WEIR_FAULT_CONTROL, UV_EBADF, try_open},
};

static int is_any(void *arg, int fd) {
  (void)arg;
  (void)fd;
  return 1;
}

WEIR_TEST(fault, each_call_of_a_stream_fails_once) {
  weir_fault_options_t options;
  weir_fault_t *fault;

  memset(&options, 0, sizeof(options));
  options.chosen = is_any;
  fault = fault_begin(f, &options);

  for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
    size_t failed = weir_fault_count(fault, errors[i].what).failed;
    struct conn c;

    conn_tcp(f, &c);
    fault_add(fault, (weir_fault_rule_t){.what = errors[i].what,
                                         .error = errors[i].error});
    check_is(errors[i].attempt(f, &c), errors[i].error);
    check_is(weir_fault_count(fault, errors[i].what).failed, failed + 1);
    conn_close(f, &c);
    conn_tcp(f, &c);
    check_is(errors[i].attempt(f, &c), 0);
    conn_close(f, &c);
  }
  weir_fault_end(fault);
}

static void start_connect(struct weir_fixture *f, struct request *r,
                          struct conn *listener, struct conn *client) {
  struct sockaddr_storage addr;
  int len = sizeof(addr);

  memset(r, 0, sizeof(*r));
  memset(client, 0, sizeof(*client));
  client->peer = -1;
  check_is(weir_getsockname(&listener->stream, (struct sockaddr *)&addr, &len),
           0);
  check_is(weir_tcp_init(f->loop, &client->stream), 0);
  check_is(weir_tcp_connect(&r->op, &client->stream, (struct sockaddr *)&addr,
                            on_done),
           0);
}

WEIR_TEST(fault, connecting_and_accepting_fail) {
  weir_fault_t *fault = fault_begin_rule(
      f, (weir_fault_rule_t){.what = WEIR_FAULT_CONNECT, .error = UV_ENETDOWN});
  struct conn listener, client, accepted;
  struct request r, a = {0};

  memset(&accepted, 0, sizeof(accepted));
  accepted.peer = -1;
  check_is(bind_any(f, &listener), 0);
  check_is(weir_listen(&listener.stream, 4), 0);
  start_connect(f, &r, &listener, &client);
  finish(f, &r, UV_ENETDOWN, 0);
  close_stream(f, &client);
  start_connect(f, &r, &listener, &client);
  finish(f, &r, 0, 0);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_ACCEPT,
                                       .error = UV_ENOBUFS});
  check_is(weir_accept(&a.op, &listener.stream, &accepted.stream, on_done), 0);
  finish(f, &a, UV_ENOBUFS, 0);
  a.calls = 0;
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_ACCEPT,
                                       .error = UV_ECONNABORTED});
  check_is(weir_accept(&a.op, &listener.stream, &accepted.stream, on_done), 0);
  finish(f, &a, 0, 0);
  close_stream(f, &accepted);
  close_stream(f, &client);
  close_stream(f, &listener);
  weir_fault_end(fault);
}

WEIR_TEST(fault, file_operations_fail) {
  weir_fault_t *fault = fault_begin_empty(f);
  struct scratch s;
  struct request r = {0};
  char bytes[FAULT_BYTES];

  scratch_make(&s, FAULT_BYTES);
  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ, .error = UV_EIO});
  read_file(f, &r, s.fd, bytes, sizeof(bytes), 0);
  finish(f, &r, UV_EIO, 0);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                       .error = UV_ENOSPC});
  r.calls = 0;
  check_is(weir_file_pwrite(f->loop, &r.op, s.fd, weir_seq_block("x", 1), 0,
                            on_done),
           0);
  finish(f, &r, UV_ENOSPC, 0);
  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EROFS});
  r.calls = 0;
  check_is(weir_file_fsync(f->loop, &r.op, s.fd, on_done), 0);
  finish(f, &r, UV_EROFS, 0);
  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EROFS});
  r.calls = 0;
  check_is(weir_file_fdatasync(f->loop, &r.op, s.fd, on_done), 0);
  finish(f, &r, UV_EROFS, 0);
  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_OPEN, .error = UV_ENFILE});
  r.calls = 0;
  check_is(weir_file_open(f->loop, &r.op, s.path, O_RDONLY, 0, on_done), 0);
  finish(f, &r, UV_ENFILE, 0);
  read_file(f, &r, s.fd, bytes, sizeof(bytes), 0);
  finish(f, &r, 0, sizeof(bytes));
  cr_assert(pattern_holds(bytes, 0, sizeof(bytes)));
  scratch_remove(&s);
  weir_fault_end(fault);
}

WEIR_TEST(fault, without_descriptors_there_is_no_loop) {
  weir_fault_t *fault = fault_begin_empty(f);
  uv_loop_t uv;

  fault_add(fault,
            (weir_fault_rule_t){.what = WEIR_FAULT_CREATE, .error = UV_EMFILE});
  check_is(uv_loop_init(&uv), UV_EMFILE);
  check_is(uv_loop_init(&uv), 0);
  check_is(uv_loop_close(&uv), 0);
  weir_fault_end(fault);
}

/* ---- Which one ---- */

WEIR_TEST(fault, the_nth_and_some_more) {
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_RECV,
                                                .nth = 3,
                                                .times = 2,
                                                .error = UV_ENETUNREACH,
                                            });
  const int want[] = {0, 0, UV_ENETUNREACH, UV_ENETUNREACH, 0};

  for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
    struct conn c;

    conn_unix(f, &c);
    check_is(try_read(f, &c), want[i]);
    conn_close(f, &c);
  }
  check_is(weir_fault_count(fault, WEIR_FAULT_RECV).failed, 2);
  weir_fault_end(fault);
}

static int is_other(void *arg, int fd) {
  return fd != *(const int *)arg;
}

WEIR_TEST(fault, only_the_descriptor_that_is_meant) {
  weir_fault_options_t options;
  struct conn a, b;
  weir_fault_t *fault;
  int spared = -1;

  memset(&options, 0, sizeof(options));
  options.chosen = is_other;
  options.arg = &spared;
  fault = fault_begin(f, &options);
  conn_unix(f, &a);
  conn_unix(f, &b);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_SEND,
                                       .fd = fd_of(&b),
                                       .times = WEIR_FAULT_ALWAYS,
                                       .error = UV_EPERM});
  fault_work(f, &a);
  spared = fd_of(&b);
  fault_work(f, &b);
  spared = -1;
  check_is(try_write(f, &b), UV_EPERM);
  conn_close(f, &a);
  conn_close(f, &b);
  weir_fault_end(fault);
}

/* ---- Short, interrupted, in vain ---- */

WEIR_TEST(fault, short_transfers_move_all) {
  enum { LEN = 300, STEP = 7 };
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_SEND,
                                                .times = WEIR_FAULT_ALWAYS,
                                                .bytes = STEP,
                                            });
  uv_buf_t parts[2];
  char bytes[LEN + 1];
  struct request r;
  struct conn c;

  conn_unix(f, &c);
  pattern_fill(bytes, 0, LEN);
  fault_write(&r, &c, bytes, LEN);
  finish(f, &r, 0, LEN);
  peer_take(&c, 0, LEN);
  check_is(weir_fault_count(fault, WEIR_FAULT_SEND).cut, LEN / STEP);
  /* In segments. */
  parts[0] = uv_buf_init(bytes, LEN / 2);
  parts[1] = uv_buf_init(bytes + LEN / 2 + 1, LEN / 2);
  memmove(parts[1].base, bytes + LEN / 2, LEN / 2);
  memset(&r, 0, sizeof(r));
  check_is(weir_write(&r.op, &c.stream, weir_seq_bufs(parts, 2), on_done), 0);
  finish(f, &r, 0, LEN);
  peer_take(&c, 0, LEN);
  cr_assert(weir_fault_count(fault, WEIR_FAULT_SEND).cut >= 2 * (LEN / STEP));
  conn_close(f, &c);
  weir_fault_end(fault);
}

WEIR_TEST(fault, a_read_takes_what_it_is_left) {
  weir_fault_t *fault = fault_begin_rule(
      f, (weir_fault_rule_t){.what = WEIR_FAULT_RECV, .bytes = 3, .times = 2});
  char bytes[10];
  struct request r;
  struct conn c;

  conn_unix(f, &c);
  peer_send(&c, 0, 10);
  fault_read(&r, &c, bytes, 10);
  finish(f, &r, 0, 3);
  fault_read(&r, &c, bytes + 3, 7);
  finish(f, &r, 0, 3);
  fault_read(&r, &c, bytes + 6, 4);
  finish(f, &r, 0, 4);
  cr_assert(pattern_holds(bytes, 0, 10));
  check_is(weir_fault_count(fault, WEIR_FAULT_RECV).cut, 2);
  conn_close(f, &c);
  weir_fault_end(fault);
}

WEIR_TEST(fault, files_are_read_in_part) {
  weir_fault_t *fault = fault_begin_rule(
      f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_READ, .bytes = 5});
  struct scratch s;
  struct request r;
  char bytes[FAULT_BYTES];

  scratch_make(&s, FAULT_BYTES);
  read_file(f, &r, s.fd, bytes, sizeof(bytes), 0);
  finish(f, &r, 0, 5);
  cr_assert(pattern_holds(bytes, 0, 5));
  scratch_remove(&s);
  weir_fault_end(fault);
}

static const struct {
  unsigned what;
  int result;
} passing[] = {
    {WEIR_FAULT_RECV, UV_EINTR},  {WEIR_FAULT_RECV, UV_EAGAIN},
    {WEIR_FAULT_SEND, UV_EINTR},  {WEIR_FAULT_SEND, UV_EAGAIN},
    {WEIR_FAULT_ENTER, UV_EINTR}, {WEIR_FAULT_ENTER, UV_EAGAIN},
    {WEIR_FAULT_ENTER, UV_EBUSY}, {WEIR_FAULT_ENTER, UV_ENOMEM},
    {WEIR_FAULT_ENTER, -ETIME},   {WEIR_FAULT_WAIT, UV_EINTR},
};

/* What a restart is for is not seen from above. */
WEIR_TEST(fault, interruptions_are_nobodys_business) {
  weir_fault_t *fault = fault_begin_empty(f);
  struct conn c;

  conn_unix(f, &c);
  for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++) {
    weir_fault_rule_t rule = {.what = passing[i].what,
                              .error = passing[i].result};

    fault_add(fault, rule);
    fault_work(f, &c);
    fault_add(fault, rule);
    work_scattered(f, &c);
  }
  check_is(weir_fault_count(fault, WEIR_FAULT_RECV).failed, 4);
  check_is(weir_fault_count(fault, WEIR_FAULT_SEND).failed, 4);
  conn_close(f, &c);
  weir_fault_end(fault);
}

/* All of a submission at once. */
WEIR_TEST(fault, many_begin_again) {
  enum { COUNT = 50 };
  static struct request r[COUNT];
  static char bytes[COUNT][FAULT_BYTES];
  weir_fault_t *fault = fault_begin_rule(f, (weir_fault_rule_t){
                                                .what = WEIR_FAULT_FILE_READ,
                                                .times = COUNT,
                                                .error = UV_EINTR,
                                            });
  struct scratch s;

  scratch_make(&s, FAULT_BYTES);
  for (int i = 0; i < COUNT; i++)
    read_file(f, &r[i], s.fd, bytes[i], FAULT_BYTES, 0);
  for (int i = 0; i < COUNT; i++) {
    finish(f, &r[i], 0, FAULT_BYTES);
    cr_assert(pattern_holds(bytes[i], 0, FAULT_BYTES));
  }
  check_is(weir_fault_count(fault, WEIR_FAULT_FILE_READ).asked, 2 * COUNT);
  scratch_remove(&s);
  weir_fault_end(fault);
}

WEIR_TEST(fault, interrupted_files_begin_again) {
  static const unsigned whats[] = {WEIR_FAULT_FILE_READ, WEIR_FAULT_POLL};
  weir_fault_t *fault = fault_begin_empty(f);
  struct scratch s;
  struct request r;
  char bytes[FAULT_BYTES];

  scratch_make(&s, FAULT_BYTES);
  for (int i = 0; i < 2; i++)
    fault_add(fault, (weir_fault_rule_t){.what = whats[i], .error = UV_EINTR});
  read_file(f, &r, s.fd, bytes, sizeof(bytes), 0);
  finish(f, &r, 0, sizeof(bytes));
  check_is(weir_fault_count(fault, WEIR_FAULT_FILE_READ).asked, 2);
  scratch_remove(&s);
  weir_fault_end(fault);
}

/* ---- What a compiler calls instead ---- */

ssize_t checked_read(int fd, void *buf, size_t size,
                     size_t room) __asm__("__read_chk");
ssize_t checked_recv(int fd, void *buf, size_t size, size_t room,
                     int flags) __asm__("__recv_chk");
int checked_poll(struct pollfd *fds, nfds_t count, int timeout,
                 size_t room) __asm__("__poll_chk");

/* With _FORTIFY_SOURCE, in the program and in libuv. */
Test(fault, calls_that_check_the_room_are_asked) {
  weir_fault_options_t options;
  weir_fault_t *fault;
  struct pollfd p = {.events = POLLIN};
  char byte = 0;
  int fds[2];

  memset(&options, 0, sizeof(options));
  pair_unix(fds);
  check_is(write(fds[0], "abcd", 4), 4);
  check_is(weir_fault_begin(&options, &fault), 0);
  p.fd = fds[1];
  check_is(checked_poll(&p, 1, 1, sizeof(p)), 1);
  check_is(checked_read(fds[1], &byte, 1, 1), 1);
  check_is(byte, 'a');
  check_is(checked_recv(fds[1], &byte, 1, 1, 0), 1);
  check_is(byte, 'b');
  check_is(weir_fault_count(fault, WEIR_FAULT_POLL).asked, 1);
  check_is(weir_fault_count(fault, WEIR_FAULT_RECV).asked, 2);
  fault_add(fault, (weir_fault_rule_t){.what = WEIR_FAULT_RECV,
                                       .error = UV_ECONNRESET,
                                       .times = 2});
  check_is(checked_read(fds[1], &byte, 1, 1), -1);
  check_is(checked_recv(fds[1], &byte, 1, 1, 0), -1);
  check_is(errno, ECONNRESET);
  close(fds[0]);
  close(fds[1]);
  weir_fault_end(fault);
}

/* ---- By chance ---- */

static weir_fault_options_t wild(uint64_t seed) {
  weir_fault_options_t options;

  memset(&options, 0, sizeof(options));
  options.seed = seed;
  options.cut = options.again = options.interrupt = options.miss = 300;
  options.delay = options.reorder = 300;
  return options;
}

/* What each of many reads brought. */
enum { MANY = 200 };

static void play(struct weir_fixture *f, uint64_t seed, size_t sizes[MANY]) {
  weir_fault_options_t options = wild(seed);
  weir_fault_t *fault = fault_begin(f, &options);
  char bytes[FAULT_BYTES];
  struct conn c;

  conn_unix(f, &c);
  for (int i = 0; i < MANY; i++) {
    struct request r;
    size_t got = 0;

    peer_send(&c, 0, FAULT_BYTES);
    sizes[i] = 0;
    for (size_t reads = 1; got < FAULT_BYTES; reads++) {
      fault_read(&r, &c, bytes + got, FAULT_BYTES - got);
      run_until(f, &r.calls);
      check_is(r.status, 0);
      got += r.n;
      sizes[i] += reads * r.n;
    }
    cr_assert(pattern_holds(bytes, 0, FAULT_BYTES));
  }
  cr_assert(weir_fault_count(fault, WEIR_FAULT_RECV).cut > 0);
  cr_assert(weir_fault_count(fault, WEIR_FAULT_RECV).failed > 0);
  conn_close(f, &c);
  weir_fault_end(fault);
}

WEIR_TEST(fault, the_same_seed_is_the_same_again) {
  static size_t first[MANY], second[MANY], other[MANY];

  play(f, 1, first);
  play(f, 1, second);
  play(f, 2, other);
  check_is(memcmp(first, second, sizeof(first)), 0);
  cr_assert(memcmp(first, other, sizeof(first)) != 0);
}
