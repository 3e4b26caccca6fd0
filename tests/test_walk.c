/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/test/system.h"
#include "support/net.h"

/* Whose the handles are that an application meets in uv_walk. */

static void start_read(struct request *r, weir_stream_t *stream, char *byte) {
  memset(r, 0, sizeof(*r));
  check_is(weir_read_some(&r->op, stream, weir_mseq_block(byte, 1), on_done),
           0);
}

/* ---- As quick with many streams as with one ---- */

/* Every stream has a page of its own, on all machines. */
enum { STREAMS = 2000, PAGE = 65536 };

struct member {
  struct request read;
  uv_pipe_t handle; /* every other one has adopted it */
  int peer;
  char byte;
};

struct crowd {
  weir_loop_t *loop;
  char *pages;
  struct member members[STREAMS];
  int own;
};

static weir_stream_t *stream_of(const struct crowd *c, size_t i) {
  return (weir_stream_t *)(void *)(c->pages + i * PAGE);
}

static void crowd_open(struct weir_fixture *f, struct crowd *c) {
  size_t i;

  c->loop = f->loop;
  c->pages = mmap(NULL, (size_t)STREAMS * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert(c->pages != MAP_FAILED);
  for (i = 0; i < STREAMS; i++) {
    struct member *m = &c->members[i];
    int fds[2];

    pair_unix(fds);
    m->peer = fds[1];
    if (i % 2) {
      check_is(uv_pipe_init(&f->uv, &m->handle, 0), 0);
      check_is(uv_pipe_open(&m->handle, fds[0]), 0);
      check_is(weir_adopt(f->loop, stream_of(c, i), (uv_stream_t *)&m->handle),
               0);
    } else {
      check_is(weir_pipe_init(f->loop, stream_of(c, i)), 0);
      check_is(weir_pipe_open(stream_of(c, i), fds[0]), 0);
    }
    start_read(&m->read, stream_of(c, i), &m->byte);
  }
  run_some_turns(f);
}

static void crowd_close(struct weir_fixture *f, struct crowd *c) {
  size_t i;

  for (i = 0; i < STREAMS; i++) {
    check_is(weir_close(stream_of(c, i), NULL), 0);
    close(c->members[i].peer);
  }
  run_out(f);
  munmap(c->pages, (size_t)STREAMS * PAGE);
}

/* The stream that handle is part of or was adopted by; STREAMS: neither. */
static size_t index_of(const struct crowd *c, const uv_handle_t *handle) {
  uintptr_t at = (uintptr_t)handle;
  uintptr_t pages = (uintptr_t)c->pages;
  uintptr_t members = (uintptr_t)c->members;

  if (at >= pages && at < pages + (size_t)STREAMS * PAGE)
    return (at - pages) / PAGE;
  if (at >= members && at < members + sizeof(c->members))
    return (at - members) / sizeof(struct member);
  return STREAMS;
}

/* No other stream can be looked at meanwhile. */
static void ask_alone(uv_handle_t *handle, void *arg) {
  struct crowd *c = arg;
  size_t i = index_of(c, handle);

  check_is(mprotect(c->pages, (size_t)STREAMS * PAGE, PROT_NONE), 0);
  if (i < STREAMS)
    check_is(mprotect(c->pages + i * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
  if (weir_owns_handle(c->loop, handle))
    c->own++;
  else
    check_is(i, STREAMS);
  check_is(mprotect(c->pages, (size_t)STREAMS * PAGE, PROT_READ | PROT_WRITE),
           0);
}

static void count_own(uv_handle_t *handle, void *arg) {
  struct crowd *c = arg;

  c->own += weir_owns_handle(c->loop, handle);
}

WEIR_TEST(walk, asks_no_other_stream) {
  static struct crowd c;
  int before;

  fixture_descriptors(f, STREAMS);
  memset(&c, 0, sizeof(c));
  c.loop = f->loop;
  uv_walk(&f->uv, count_own, &c);
  before = c.own;
  crowd_open(f, &c);
  c.own = 0;
  uv_walk(&f->uv, ask_alone, &c);
  check_is(c.own - before,
           f->backend == WEIR_BACKEND_UV ? STREAMS + STREAMS / 2 : STREAMS / 2);
  crowd_close(f, &c);
}

/* ---- Until the end of a stream, and not beyond ---- */

struct census {
  weir_loop_t *loop;
  int own;
  int foreign;
};

static void count(uv_handle_t *handle, void *arg) {
  struct census *c = arg;

  if (weir_owns_handle(c->loop, handle))
    c->own++;
  else
    c->foreign++;
}

static struct census take_census(struct weir_fixture *f, weir_loop_t *loop) {
  struct census census = {loop, 0, 0};

  uv_walk(&f->uv, count, &census);
  return census;
}

static void on_check(uv_check_t *check) {
  struct weir_fixture *f = check->data;

  check_is(take_census(f, f->loop).foreign, 2);
}

/* Closes c and looks at each step on the way, also before libuv is done with
 * what was closed in a turn: nothing is foreign but the fixture's watchdog and
 * the handle to look from. */
static void close_stepwise(struct weir_fixture *f, struct conn *c) {
  uv_check_t check;

  check_is(uv_check_init(&f->uv, &check), 0);
  check.data = f;
  check_is(uv_check_start(&check, on_check), 0);
  c->closed = 0;
  check_is(weir_close(&c->stream, on_conn_closed), 0);
  while (!c->closed) {
    check_is(take_census(f, f->loop).foreign, 2);
    uv_run(&f->uv, UV_RUN_NOWAIT);
  }
  uv_close((uv_handle_t *)&check, NULL);
  run_turn(f);
}

WEIR_TEST(walk, handles_are_weirs_until_the_stream_is_closed) {
  struct request r;
  struct conn c, adopted;
  uv_tcp_t handle;
  int fds[2];
  char byte;

  memset(&adopted, 0, sizeof(adopted));
  conn_tcp(f, &c);
  pair_tcp(fds, 0, 0);
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&handle), 0);
  check_is(weir_adopt(f->loop, &adopted.stream, (uv_stream_t *)&handle), 0);
  check_is(take_census(f, f->loop).foreign, 1);
  start_read(&r, &c.stream, &byte);
  run_some_turns(f);
  close_stepwise(f, &c);
  start_read(&r, &adopted.stream, &byte);
  run_some_turns(f);
  close_stepwise(f, &adopted);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&handle), 0);
  close(fds[1]);
  close_peer(&c);
}

/* ---- Two loops of weir's on one of libuv's ---- */

WEIR_TEST(walk, each_loop_knows_its_own) {
  const weir_loop_options_t options = {.size = sizeof(options),
                                       .backend = WEIR_BACKEND_UV};
  struct census mine, others;
  struct request r, s;
  struct conn c;
  weir_loop_t *second;
  weir_stream_t stream;
  uv_pipe_t handle;
  char bytes[2];
  int fds[2], lone;

  lone = take_census(f, f->loop).own;
  check_is(weir_loop_attach(&f->uv, &options, &second), 0);
  check_is(take_census(f, f->loop).own, lone);
  others = take_census(f, second);
  conn_tcp(f, &c);
  pair_unix(fds);
  check_is(uv_pipe_init(&f->uv, &handle, 0), 0);
  check_is(uv_pipe_open(&handle, fds[0]), 0);
  check_is(weir_adopt(second, &stream, (uv_stream_t *)&handle), 0);
  start_read(&r, &c.stream, &bytes[0]);
  start_read(&s, &stream, &bytes[1]);
  run_some_turns(f);

  mine = take_census(f, f->loop);
  check_is(mine.own, lone + (f->backend == WEIR_BACKEND_UV));
  check_is(take_census(f, second).own, others.own + 2);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&handle), 0);
  check_is(weir_owns_handle(second, (uv_handle_t *)&handle), 1);

  check_is(weir_close(&stream, NULL), 0);
  while (weir_loop_detach(second, NULL) == UV_EBUSY) {
    mine = take_census(f, f->loop);
    check_is(mine.own, lone + (f->backend == WEIR_BACKEND_UV));
    run_turn(f);
  }
  check_is(s.status, UV_ECANCELED);
  run_some_turns(f);
  close(fds[1]);
  conn_close(f, &c);
}

/* ---- In memory that was a stream ---- */

static void on_nothing(uv_handle_t *handle) {
  (void)handle;
}

static void check_foreign(struct weir_fixture *f, uv_handle_t *handle) {
  check_is(weir_owns_handle(f->loop, handle), 0);
  uv_close(handle, on_nothing);
  check_is(weir_owns_handle(f->loop, handle), 0);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

/* The application's handle gets the place of one that weir had there: of all
 * that libuv does not clear, nothing is taken for a sign. */
WEIR_TEST(walk, the_next_handle_in_its_memory_is_not_weirs) {
  static union {
    struct conn conn;
    char bytes[sizeof(struct conn) + sizeof(uv_pipe_t)];
  } memory, before;
  struct request r;
  size_t at;
  char byte;
  int fds[2];

  conn_unix(f, &memory.conn);
  start_read(&r, &memory.conn.stream, &byte);
  run_some_turns(f);
  conn_close(f, &memory.conn);
  before = memory;
  check_is(pipe(fds), 0);
  for (at = 0; at < sizeof(weir_stream_t); at += sizeof(void *)) {
    void *place = memory.bytes + at;

    memory = before;
    check_is(uv_poll_init(&f->uv, place, fds[0]), 0);
    check_foreign(f, place);
    memory = before;
    check_is(uv_check_init(&f->uv, place), 0);
    check_foreign(f, place);
    memory = before;
    check_is(uv_pipe_init(&f->uv, place, 0), 0);
    check_foreign(f, place);
  }
  close(fds[0]);
  close(fds[1]);
}

/* ---- Without an answer ---- */

#if WEIR_HAVE_URING

static int enter_in_vain(unsigned fd, unsigned submit, unsigned wait,
                         unsigned flags, sigset_t *mask, size_t size) {
  (void)fd;
  (void)submit;
  (void)wait;
  (void)flags;
  (void)mask;
  (void)size;
  return UV_EINTR;
}

/* The ring is asked for a while to end what is in it, and then done without. */
WEIR_RING_TEST(walk, a_ring_that_ends_nothing_is_given_up) {
  weir__system_t was = *weir__system_get();
  struct request r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  start_read(&r, &c.stream, &byte);
  run_some_turns(f);
  weir__system_get()->io_uring_enter2 = enter_in_vain;
  uv_walk(&f->uv, close_owned, f->loop);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  finish(f, &r, UV_ECANCELED, 0);
  run_until(f, &c.closed);
  *weir__system_get() = was;
  close_peer(&c);
}

#endif
