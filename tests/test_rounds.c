/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/net.h"

/* How often a ring is entered. */

enum { TRIPS = 1000, SLOW_TRIPS = 200 };

struct trip {
  struct conn c;
  weir_op_t op;
  int left;
  char byte;
};

static void on_back(weir_op_t *op, int status, size_t n);

static void on_gone(weir_op_t *op, int status, size_t n) {
  struct trip *t = op->data;
  check_is(status, 0);
  check_is(n, 1);
  check_is(
      weir_read_some(op, &t->c.stream, weir_mseq_block(&t->byte, 1), on_back),
      0);
}

static void go(struct trip *t) {
  check_is(
      weir_write(&t->op, &t->c.stream, weir_seq_block(&t->byte, 1), on_gone),
      0);
}

static void on_back(weir_op_t *op, int status, size_t n) {
  struct trip *t = op->data;
  check_is(status, 0);
  check_is(n, 1);
  if (--t->left > 0)
    go(t);
}

/* A child that gives each byte back, after so many microseconds. */
static pid_t echo(int fd, int other, unsigned later) {
  pid_t child = fork();
  char byte;
  if (child != 0)
    return child;
  close(other);
  while (read(fd, &byte, 1) == 1 && usleep(later) == 0 &&
         write(fd, &byte, 1) == 1)
    continue;
  _exit(0);
}

/* The one that submits the write, and the one that submits the read and waits
 * for it: in the ring wait no third. */
WEIR_RING_TEST(rounds, a_round_trip_enters_twice) {
  struct trip t = {.left = TRIPS};
  int fds[2];
  t.op.data = &t;
  conn_unix(f, &t.c);
  check_is(weir_fileno(&t.c.stream, &fds[0]), 0);
  pid_t child = echo(t.c.peer, fds[0], 0);
  uint64_t enters = stats_of(f).enters;
  uint64_t syscalls = stats_of(f).syscalls;
  uint64_t sqes = stats_of(f).sqes;
  go(&t);
  run_out(f);
  enters = stats_of(f).enters - enters;
  syscalls = stats_of(f).syscalls - syscalls;
  check_is(t.left, 0);
  cr_assert(stats_of(f).sqes - sqes >= 2 * TRIPS);
  uint64_t most = f->wait == WEIR_WAIT_RING ? 9 * TRIPS / 4 : 4 * TRIPS;
  cr_assert(enters <= most, "%llu enters", (unsigned long long)enters);
  /* The rest are what woke the loop: once for each that came back. */
  cr_assert(syscalls - enters <= 5 * TRIPS / 4, "%llu wake-ups",
            (unsigned long long)(syscalls - enters));
  conn_close(f, &t.c);
  check_is(waitpid(child, NULL, 0), child);
}

static void on_byte(weir_op_t *op, int status, size_t n) {
  struct trip *t = op->data;
  check_is(status, 0);
  check_is(n, 1);
  if (--t->left == 0)
    return;
  check_is(
      weir_read_some(op, &t->c.stream, weir_mseq_block(&t->byte, 1), on_byte),
      0);
  check_is(weir_write_try(&t->c.stream, weir_seq_block("x", 1), &n), 0);
}

/* What a callback begins and is not done at once goes with the next wait. */
WEIR_RING_TEST(rounds, a_read_after_the_other_enters_once) {
  struct trip t = {.left = SLOW_TRIPS};
  int fds[2];
  t.op.data = &t;
  conn_unix(f, &t.c);
  check_is(weir_fileno(&t.c.stream, &fds[0]), 0);
  pid_t child = echo(t.c.peer, fds[0], 500);
  uint64_t enters = stats_of(f).enters;
  t.left++;
  on_byte(&t.op, 0, 1);
  run_out(f);
  enters = stats_of(f).enters - enters;
  check_is(t.left, 0);
  uint64_t most =
      f->wait == WEIR_WAIT_RING ? 5 * SLOW_TRIPS / 4 : 3 * SLOW_TRIPS;
  cr_assert(enters <= most, "%llu enters", (unsigned long long)enters);
  conn_close(f, &t.c);
  check_is(waitpid(child, NULL, 0), child);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* With nobody to sleep what is begun is not left for the next wait. */
WEIR_RING_TEST(rounds, a_busy_loop_submits_at_once) {
  struct request r = {0};
  uv_idle_t idle;
  char byte;
  check_is(uv_idle_init(&f->uv, &idle), 0);
  check_is(uv_idle_start(&idle, on_idle), 0);
  uint64_t turns = stats_of(f).turns;
  check_is(weir_file_pread(f->loop, &r.op, 1 << 20, weir_mseq_block(&byte, 1),
                           0, on_done),
           0);
  run_until(f, &r.calls);
  turns = stats_of(f).turns - turns;
  cr_assert(turns <= 2, "%llu turns", (unsigned long long)turns);
  finish(f, &r, UV_EBADF, 0);
  uv_close((uv_handle_t *)&idle, NULL);
  run_out(f);
}

/* ---- Who is rung ---- */

enum { LINKS = 200 };

struct chain {
  struct weir_fixture *f;
  weir_op_t op;
  int fd;
  int left;
  char byte;
};

static void next_link(weir_op_t *op, int status, size_t n) {
  struct chain *c = op->data;
  check_is(status, 0);
  check_is(n, 1);
  if (--c->left > 0)
    check_is(weir_file_pread(c->f->loop, op, c->fd,
                             weir_mseq_block(&c->byte, 1), -1, next_link),
             0);
}

/* Completions of a loop that is awake ring nobody: the eventfd is read no more
 * often than somebody slept. */
WEIR_RING_TEST(rounds, who_is_awake_is_not_rung) {
  static char bytes[LINKS];
  struct chain c = {.f = f, .left = LINKS};
  int fds[2];
  c.op.data = &c;
  check_is(pipe(fds), 0);
  check_is(write(fds[1], bytes, LINKS), LINKS);
  c.fd = fds[0];
  weir_loop_stats_t before = stats_of(f);
  check_is(weir_file_pread(f->loop, &c.op, c.fd, weir_mseq_block(&c.byte, 1),
                           -1, next_link),
           0);
  run_out(f);
  check_is(c.left, 0);
  uint64_t syscalls = stats_of(f).syscalls - before.syscalls;
  uint64_t enters = stats_of(f).enters - before.enters;
  check_is(syscalls - enters, 0);
  close(fds[0]);
  close(fds[1]);
}
