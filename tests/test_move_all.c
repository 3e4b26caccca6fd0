/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/busy.h"
#include "support/deny.h"
#include "support/rings.h"
#include "support/scratch.h"
#include "support/worker.h"

/* A loop that one thread runs after another: what is not a stream, and what
 * cannot go on. */

/* ---- Pools ---- */

/* A registered buffer, whoever made the pool. */
static void use_pool(struct weir_fixture *f, weir_pool_t *pool, int status) {
  struct request p = {0};
  uint64_t fixed = stats_of(f).fixed_ops;
  int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  uv_buf_t buf;

  check_is(weir_pool_status(pool, NULL), status);
  check_is(weir_pool_acquire(pool, &buf), 0);
  memset(buf.base, 'x', buf.len);
  check_is(weir_file_pread(f->loop, &p.op, file,
                           weir_mseq_block(buf.base, buf.len), 0, on_done),
           0);
  finish(f, &p, 0, buf.len);
  check_is(buf.base[0], 0);
  check_is(stats_of(f).fixed_ops, fixed + (status == 0));
  check_is(weir_pool_release(pool, &buf), 0);
  close(file);
}

WEIR_TEST(move, pools_are_registered_anew) {
  struct request r = {0};
  weir_pool_t *pools[3];
  struct worker w;
  struct conn c;
  int i, status;
  char byte;

  check_is(weir_pool_create(f->loop, 4, 4096, &pools[0]), 0);
  check_is(weir_pool_create(f->loop, 4, 4096, &pools[1]), 0);
  status = weir_pool_status(pools[0], NULL);
  use_pool(f, pools[0], status);
  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  elsewhere(f, &w, ALIVE);
  check_is(weir_pool_destroy(pools[0]), 0);
  /* The call itself moves the ring, before any turn. */
  check_is(weir_pool_create(f->loop, 4, 4096, &pools[0]), 0);
  check_is(weir_pool_status(pools[0], NULL), status);
  worker_do(&w, work_some_turns, f);
  check_is(weir_pool_create(f->loop, 4, 4096, &pools[2]), 0);
  for (i = 0; i < 3; i++)
    use_pool(f, pools[i], status);
  worker_do(&w, work_some_turns, f);
  for (i = 0; i < 3; i++)
    check_is(weir_pool_destroy(pools[i]), 0);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
  back(&w, ALIVE);
}

/* ---- Files ---- */

/* The descriptors of path, which are closed. */
static int close_all(const char *path) {
  char link[64], target[64];
  int fd, found = 0;

  for (fd = 0; fd < 200; fd++) {
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, target, sizeof(target) - 1);
    if (len <= 0)
      continue;
    target[len] = '\0';
    if (strcmp(target, path) == 0) {
      close(fd);
      found++;
    }
  }
  return found;
}

/* An open that waits for its peer, and is done when nobody looks. */
WEIR_TEST(move, what_may_be_done_is_not_done_twice) {
  struct request r = {0};
  struct scratch s;
  struct worker w;
  int found;

  scratch_make(&s, 0);
  check_is(unlink(s.path), 0);
  check_is(mkfifo(s.path, 0600), 0);
  check_is(weir_file_open(f->loop, &r.op, s.path,
                          UV_FS_O_RDONLY | UV_FS_O_CREAT, 0600, on_done),
           0);
  elsewhere(f, &w, ALIVE);
  check_is(r.calls, 0);
  /* This waits for the other side. */
  cr_assert(open(s.path, O_WRONLY | O_CLOEXEC) >= 0);
  usleep(50000);
  run_until(f, &r.calls);
  found = close_all(s.path);
  if (r.status == 0)
    check_is(found, 2);
  else
    check_is(r.status, UV_ECANCELED);
  back(&w, ALIVE);
  scratch_remove(&s);
}

/* Files that do not wait, begun before and after. */
WEIR_TEST(move, files_go_on) {
  struct request r = {0};
  struct scratch s;
  struct worker w;
  char bytes[100] = {0};
  int i;

  scratch_make(&s, 100);
  elsewhere(f, &w, ALIVE);
  for (i = 0; i < 4; i++) {
    memset(&r, 0, sizeof(r));
    check_is(weir_file_pread(f->loop, &r.op, s.fd, weir_mseq_block(bytes, 100),
                             0, on_done),
             0);
    if (i & 1)
      worker_do(&w, work_out, f);
    finish(f, &r, 0, 100);
    cr_assert(pattern_holds(bytes, 0, 100));
  }
  back(&w, ALIVE);
  scratch_remove(&s);
}

/* ---- Not submitted yet ---- */

struct swallow {
  uv_thread_t thread;
  int fd;
  size_t received;
};

static void swallow(void *arg) {
  struct swallow *s = arg;
  char bytes[4096];
  ssize_t n;

  while ((n = recv(s->fd, bytes, sizeof(bytes), 0)) > 0)
    s->received += (size_t)n;
}

/* Leaves no room in the stream's socket. */
static size_t fill_up(const weir_stream_t *stream) {
  static char bytes[65536];
  uv_os_fd_t fd;
  size_t sent = 0;
  ssize_t n;

  check_is(weir_fileno(stream, &fd), 0);
  while ((n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
    sent += (size_t)n;
  return sent;
}

/* The submission queue is full when something is begun outside of a turn. */
WEIR_TEST(move, the_queue_may_be_full) {
  enum { CONNS = 3, WRITES = 20, EACH = 1000 };
  static struct request writes[CONNS][WRITES];
  static char bytes[EACH];
  struct request r = {0};
  struct conn idle, c[CONNS];
  struct swallow s[CONNS];
  size_t sent[CONNS];
  struct worker w;
  char byte;
  int i, k;

  fixture_reattach(f, 1);
  conn_tcp(f, &idle);
  for (i = 0; i < CONNS; i++)
    conn_slow(f, &c[i]);
  check_is(
      weir_read_some(&r.op, &idle.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  elsewhere(f, &w, ALIVE);
  for (i = 0; i < CONNS; i++) {
    sent[i] = fill_up(&c[i].stream);
    /* So many are begun by the call. */
    for (k = 0; k < WRITES; k++)
      check_is(weir_write(&writes[i][k].op, &c[i].stream,
                          weir_seq_block(bytes, EACH), on_done),
               0);
  }
  for (i = 0; i < CONNS; i++) {
    s[i].fd = c[i].peer;
    s[i].received = 0;
    check_is(uv_thread_create(&s[i].thread, swallow, &s[i]), 0);
  }
  for (i = 0; i < CONNS; i++) {
    for (k = 0; k < WRITES; k++)
      finish(f, &writes[i][k], 0, EACH);
    close_stream(f, &c[i]);
    check_is(uv_thread_join(&s[i].thread), 0);
    check_is(s[i].received, sent[i] + WRITES * EACH);
    close_peer(&c[i]);
  }
  peer_send(&idle, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &idle);
  back(&w, ALIVE);
}

struct denial {
  struct open_rings libuvs;
  int error;
};

/* Those that are open while weir has none. */
static void find_rings(struct weir_fixture *f, struct open_rings *rings) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  find_open_rings(rings);
  fixture_attach(f, NULL);
}

static void be_denied(void *arg) {
  struct denial *denial = arg;

  denial->error = deny_enter(EAGAIN, &denial->libuvs);
}

/* The kernel took nothing of it from the other thread. */
WEIR_TEST(move, what_was_not_submitted_begins_here) {
  struct request r[2] = {{.calls = 0}};
  struct denial denial = {.error = 0};
  struct scratch s;
  struct worker w;
  struct conn c;
  char byte;

  find_rings(f, &denial.libuvs);
  scratch_make(&s, 1);
  conn_tcp(f, &c);
  elsewhere(f, &w, ALIVE);
  check_is(
      weir_read_some(&r[0].op, &c.stream, weir_mseq_block(&byte, 1), on_done),
      0);
  worker_do(&w, work_some_turns, f);
  worker_do(&w, be_denied, &denial);
  if (denial.error != 0)
    cr_skip("no seccomp filter here: %s", strerror(denial.error));
  check_is(weir_file_pwrite(f->loop, &r[1].op, s.fd, weir_seq_block("x", 1), 0,
                            on_done),
           0);
  worker_do(&w, work_some_turns, f);
  if (f->backend == WEIR_BACKEND_URING)
    check_is(r[1].calls, 0);
  finish(f, &r[1], 0, 1);
  check_is(pread(s.fd, &byte, 1, 0), 1);
  cr_assert(byte == 'x');
  peer_send(&c, 0, 1);
  finish(f, &r[0], 0, 1);
  conn_close(f, &c);
  back(&w, ALIVE);
  scratch_remove(&s);
}

/* ---- What cannot go on ---- */

enum { MANY = 200 };

struct many {
  struct conn conns[MANY];
  struct request reads[MANY];
  char bytes[MANY];
};

static void many_begin(struct weir_fixture *f, struct many *m) {
  int i;

  memset(m, 0, sizeof(*m));
  fixture_descriptors(f, MANY);
  for (i = 0; i < MANY; i++) {
    conn_unix(f, &m->conns[i]);
    check_is(weir_read_some(&m->reads[i].op, &m->conns[i].stream,
                            weir_mseq_block(&m->bytes[i], 1), on_done),
             0);
  }
}

static void many_end(struct weir_fixture *f, struct many *m) {
  int i;

  for (i = 0; i < MANY; i++)
    conn_close(f, &m->conns[i]);
}

static void on_idle(uv_idle_t *idle) {
  uv_close((uv_handle_t *)idle, NULL);
}

static void one_turn(void *arg) {
  struct weir_fixture *f = arg;
  static uv_idle_t idle;

  uv_idle_init(&f->uv, &idle);
  uv_idle_start(&idle, on_idle);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

/* A read reports the byte that it has taken, or an error that says that this is
 * not known: none forgets one silently. */
WEIR_TEST(move, no_completion_is_lost_silently) {
  static struct many m;
  weir_op_t op;
  struct worker w;
  int i, failed = 0;

  fixture_reattach(f, 1);
  many_begin(f, &m);
  elsewhere(f, &w, ALIVE);
  for (i = 0; i < MANY; i++)
    peer_send(&m.conns[i], (size_t)i, 1);
  worker_do(&w, one_turn, f);
  for (i = 0; i < MANY; i++) {
    run_until(f, &m.reads[i].calls);
    if (m.reads[i].status == 0) {
      check_is(m.reads[i].n, 1);
      cr_assert(pattern_holds(&m.bytes[i], (size_t)i, 1));
    } else {
      check_is(m.reads[i].status, UV_EIO);
      failed++;
    }
  }
  if (failed > 0)
    check_is(
        weir_write(&op, &m.conns[0].stream, weir_seq_block("x", 1), on_done),
        UV_EIO);
  many_end(f, &m);
  back(&w, ALIVE);
}

static void expect_the_end(struct weir_fixture *f, struct many *m, int error) {
  weir_pool_t *pool;
  weir_op_t op;
  int i;

  for (i = 0; i < MANY; i++)
    finish(f, &m->reads[i], error, 0);
  check_is(
      weir_write(&op, &m->conns[0].stream, weir_seq_block("x", 1), on_done),
      error);
  check_is(weir_pool_create(f->loop, 1, 1, &pool), error);
  many_end(f, m);
}

static void need_a_ring_that_moves(struct weir_fixture *f) {
  if (f->backend == WEIR_BACKEND_UV)
    fixture_skip(f, "libuv moves nothing");
  if (!ring_is_one_threads(f))
    fixture_skip(f, "any thread may enter the ring of an older kernel");
}

WEIR_TEST(move, without_descriptors_all_ends) {
  static struct many m;
  struct rlimit limit, few = {3, 0};
  struct worker w;

  need_a_ring_that_moves(f);
  many_begin(f, &m);
  elsewhere(f, &w, ALIVE);
  check_is(getrlimit(RLIMIT_NOFILE, &limit), 0);
  few.rlim_max = limit.rlim_max;
  check_is(setrlimit(RLIMIT_NOFILE, &few), 0);
  run_until(f, &m.reads[0].calls);
  check_is(setrlimit(RLIMIT_NOFILE, &limit), 0);
  expect_the_end(f, &m, UV_EMFILE);
  back(&w, ALIVE);
}

static void child_waits(struct weir_fixture *f, void *arg) {
  char byte;

  (void)f;
  must(read(*(int *)arg, &byte, 1) == 1);
}

/* The child holds the old ring's descriptor. */
WEIR_TEST(move, a_ring_that_a_child_keeps_ends_all) {
  static struct many m;
  struct worker w;
  pid_t child;
  int fds[2];

  need_a_ring_that_moves(f);
  many_begin(f, &m);
  elsewhere(f, &w, ALIVE);
  check_is(pipe(fds), 0);
  child = child_begin(child_waits, f, &fds[0]);
  expect_the_end(f, &m, UV_EIO);
  check_is(write(fds[1], "x", 1), 1);
  child_end(child);
  close(fds[0]);
  close(fds[1]);
  back(&w, ALIVE);
}

/* ---- Beside other loops ---- */

struct other {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_stream_t stream;
  weir_op_t op;
  char byte;
  int fds[2];
  int status;
};

static void on_other(weir_op_t *op, int status, size_t n) {
  (void)n;
  *(int *)op->data = status;
}

static void other_begin(void *arg) {
  struct other *o = arg;

  o->status = uv_run(&o->uv, UV_RUN_NOWAIT) == 1 ? 0 : 1;
}

/* Detaching a loop that another thread has run leaves this one's own alone. */
WEIR_TEST(move, an_unrelated_loop_goes_on) {
  weir_loop_options_t options;
  struct other o;
  struct worker w;
  struct busy b;

  busy_begin(f, &b);
  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  options.wait = WEIR_WAIT_UV;
  check_is(uv_loop_init(&o.uv), 0);
  check_is(weir_loop_attach(&o.uv, &options, &o.loop), 0);
  check_is(weir_pipe_init(o.loop, &o.stream), 0);
  pair_unix(o.fds);
  check_is(weir_pipe_open(&o.stream, o.fds[0]), 0);
  o.op.data = &o.status;
  check_is(
      weir_read_some(&o.op, &o.stream, weir_mseq_block(&o.byte, 1), on_other),
      0);
  worker_begin(&w);
  worker_do(&w, other_begin, &o);
  worker_end(&w);
  check_is(o.status, 0);
  check_is(weir_close(&o.stream, NULL), 0);
  check_is(uv_run(&o.uv, UV_RUN_DEFAULT), 0);
  check_is(o.status, UV_ECANCELED);
  check_is(weir_loop_detach(o.loop, NULL), 0);
  check_is(uv_run(&o.uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&o.uv), 0);
  close(o.fds[1]);
  busy_end(f, &b);
}

/* ---- And then a fork ---- */

static void moves_and_forks(struct weir_fixture *f) {
  struct worker w;
  struct busy b;

  busy_begin(f, &b);
  elsewhere(f, &w, ALIVE);
  run_some_turns(f);
  child_run(busy_goes_on, f, &b);
  worker_do(&w, work_some_turns, f);
  child_run(busy_goes_on, f, &b);
  busy_end(f, &b);
  back(&w, ALIVE);
}

WEIR_TEST(move, a_child_goes_on) {
  moves_and_forks(f);
}
