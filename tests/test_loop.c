/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/alloc.h"
#include "support/net.h"
#include "support/scratch.h"

static weir_loop_options_t options_of(const struct weir_fixture *f) {
  weir_loop_options_t options;

  memset(&options, 0, sizeof(options));
  options.backend = f->backend;
  options.wait = f->wait;
  return options;
}

WEIR_TEST(loop, tells_what_it_is) {
  const char *sentence = NULL;

  cr_assert(weir_loop_uv(f->loop) == &f->uv);
  check_is(weir_loop_backend(f->loop), f->backend);
  cr_assert(strcmp(weir_backend_name(WEIR_BACKEND_URING), "io_uring") == 0);
  cr_assert(strcmp(weir_backend_name(WEIR_BACKEND_UV), "libuv") == 0);
  if (f->backend == WEIR_BACKEND_URING)
    check_is(weir_loop_fallback_reason(f->loop, &sentence), 0);
  else
    cr_assert(weir_loop_fallback_reason(f->loop, &sentence) < 0);
  cr_assert(sentence != NULL && strlen(sentence) > 0);
}

WEIR_TEST(loop, leaves_the_applications_data_alone) {
  struct request r = {0};
  struct conn c;
  int mark;

  f->uv.data = &mark;
  conn_tcp(f, &c);
  c.stream.data = &mark;
  r.op.data = &mark;
  check_is(weir_write(&r.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &r, 0, 1);
  cr_assert(f->uv.data == &mark);
  cr_assert(c.stream.data == &mark);
  cr_assert(r.op.data == &mark);
  conn_close(f, &c);
  cr_assert(c.stream.data == &mark);
}

WEIR_TEST(loop, refuses_bad_options) {
  weir_loop_options_t options;
  weir_loop_t *loop = NULL;

  check_is(weir_loop_attach(NULL, NULL, &loop), UV_EINVAL);
  check_is(weir_loop_attach(&f->uv, NULL, NULL), UV_EINVAL);
  options = options_of(f);
  options.backend = (weir_backend_t)3;
  check_is(weir_loop_attach(&f->uv, &options, &loop), UV_EINVAL);
  options = options_of(f);
  options.wait = (weir_wait_t)3;
  check_is(weir_loop_attach(&f->uv, &options, &loop), UV_EINVAL);
  options = options_of(f);
  options.entries = 32769;
  check_is(weir_loop_attach(&f->uv, &options, &loop), UV_EINVAL);
  options = options_of(f);
  options.size = sizeof(options) - 1;
  check_is(weir_loop_attach(&f->uv, &options, &loop), UV_EINVAL);
  cr_assert(loop == NULL);
}

/* As a program gives them that was compiled with a later version. */
WEIR_TEST(loop, takes_larger_options_if_what_it_does_not_know_is_0) {
  struct {
    weir_loop_options_t known;
    unsigned char more[16];
  } options = {.known = options_of(f)};
  weir_loop_t *loop = NULL;
  uv_loop_t uv;

  options.known.size = sizeof(options);
  options.more[15] = 1;
  check_is(weir_loop_attach(&f->uv, &options.known, &loop), UV_EINVAL);
  cr_assert(loop == NULL);
  options.more[15] = 0;
  check_is(uv_loop_init(&uv), 0);
  check_is(weir_loop_attach(&uv, &options.known, &loop), 0);
  check_is(weir_loop_backend(loop), f->backend);
  check_is(weir_loop_detach(loop, NULL), 0);
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
}

WEIR_TEST(loop, stats_fill_what_the_caller_has_room_for) {
  struct {
    weir_loop_stats_t known;
    uint64_t more[2];
  } stats;
  weir_loop_stats_t all;
  size_t part = offsetof(weir_loop_stats_t, turns);

  run_some_turns(f);
  all = stats_of(f);
  cr_assert(all.turns > 0);
  memset(&stats, 0xab, sizeof(stats));
  weir_loop_stats(f->loop, &stats.known, part);
  check_is(memcmp(&stats, &all, part), 0);
  check_is(stats.known.turns, 0xabababababababab);
  weir_loop_stats(f->loop, &stats.known, sizeof(stats));
  check_is(memcmp(&stats, &all, sizeof(all)), 0);
  check_is(stats.more[0], 0);
  check_is(stats.more[1], 0);
}

WEIR_TEST(loop, works_with_any_number_of_entries) {
  static const unsigned entries[] = {1, 2, 3, 7, 1000};
  struct conn c;
  size_t i;
  int k;

  for (i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
    fixture_reattach(f, entries[i]);
    conn_tcp(f, &c);
    for (k = 0; k < 5; k++) {
      struct request r = {0}, w = {0};
      char byte;

      check_is(
          weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
          0);
      check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done),
               0);
      peer_send(&c, 0, 1);
      finish(f, &w, 0, 1);
      finish(f, &r, 0, 1);
    }
    conn_close(f, &c);
  }
}

/* ---- Detaching ---- */

static int detached;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detached++;
}

WEIR_TEST(loop, detaches_only_when_nothing_is_left) {
  struct request r = {0};
  struct conn c;
  char byte;

  detached = 0;
  conn_tcp(f, &c);
  check_is(weir_loop_detach(f->loop, on_detached), UV_EBUSY);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(weir_loop_detach(f->loop, on_detached), UV_EBUSY);
  run_some_turns(f);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_loop_detach(f->loop, on_detached), UV_EBUSY);
  run_until(f, &c.closed);
  finish(f, &r, UV_ECANCELED, 0);
  close_peer(&c);
  check_is(detached, 0);
}

WEIR_TEST(loop, detaches_once_and_later) {
  weir_stream_t stream;

  detached = 0;
  check_is(weir_loop_detach(NULL, NULL), UV_EINVAL);
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  check_is(detached, 0);
  check_is(weir_loop_detach(f->loop, on_detached), UV_EALREADY);
  check_is(weir_tcp_init(f->loop, &stream), UV_ECANCELED);
  run_out(f);
  check_is(detached, 1);
  f->loop = NULL;
  uv_close((uv_handle_t *)&f->watchdog, NULL);
}

static void detach_in_close(weir_stream_t *stream) {
  on_conn_closed(stream);
  check_is(weir_loop_detach(weir_stream_loop(stream), on_detached), 0);
}

WEIR_TEST(loop, detaches_from_within_a_callback) {
  struct conn c;

  detached = 0;
  conn_tcp(f, &c);
  check_is(weir_close(&c.stream, detach_in_close), 0);
  run_out(f);
  check_is(detached, 1);
  close_peer(&c);
  f->loop = NULL;
  uv_close((uv_handle_t *)&f->watchdog, NULL);
}

static void detach_in_timer(uv_timer_t *timer) {
  check_is(weir_loop_detach(timer->data, on_detached), 0);
  check_is(detached, 0);
  uv_close((uv_handle_t *)timer, NULL);
}

WEIR_TEST(loop, detaches_from_within_libuvs_callback) {
  uv_timer_t timer;

  detached = 0;
  timer.data = f->loop;
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, detach_in_timer, 1, 0), 0);
  run_out(f);
  check_is(detached, 1);
  f->loop = NULL;
  uv_close((uv_handle_t *)&f->watchdog, NULL);
}

/* ---- Attaching ---- */

struct late {
  struct weir_fixture *f;
  weir_loop_options_t options;
  struct conn conn;
  struct request write;
};

static void attach_in_timer(uv_timer_t *timer) {
  struct late *late = timer->data;
  struct weir_fixture *f = late->f;

  check_is(weir_loop_attach(&f->uv, &late->options, &f->loop), 0);
  check_is(weir_loop_backend(f->loop), f->backend);
  conn_tcp(f, &late->conn);
  check_is(weir_write(&late->write.op, &late->conn.stream,
                      weir_seq_block("x", 1), on_done),
           0);
  uv_close((uv_handle_t *)timer, NULL);
}

WEIR_TEST(loop, attaches_while_the_uv_loop_runs) {
  static struct late late;
  uv_timer_t timer;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  memset(&late, 0, sizeof(late));
  late.f = f;
  late.options = options_of(f);
  timer.data = &late;
  check_is(uv_timer_init(&f->uv, &timer), 0);
  check_is(uv_timer_start(&timer, attach_in_timer, 1, 0), 0);
  run_out(f);
  finish(f, &late.write, 0, 1);
  conn_close(f, &late.conn);
}

WEIR_TEST(loop, attaches_again_and_again) {
  int i;

  for (i = 0; i < 20; i++) {
    struct request w = {0};
    struct conn c;

    fixture_reattach(f, 0);
    conn_tcp(f, &c);
    check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
    finish(f, &w, 0, 1);
    conn_close(f, &c);
  }
}

WEIR_TEST(loop, two_on_one_uv_loop) {
  weir_loop_options_t options = options_of(f);
  struct weir_fixture second = *f;
  struct request w = {0}, r = {0};
  struct conn a, b;
  char byte;

  /* The second cannot be the last prepare handle. */
  check_is(weir_loop_attach(&f->uv, &options, &second.loop), 0);
  check_is(weir_loop_backend(second.loop), f->backend);
  conn_tcp(f, &a);
  memset(&b, 0, sizeof(b));
  b.peer = -1;
  check_is(weir_tcp_init(second.loop, &b.stream), 0);
  {
    int fds[2];

    pair_tcp(fds, 0, 0);
    b.peer = fds[1];
    check_is(weir_tcp_open(&b.stream, fds[0]), 0);
  }
  check_is(weir_read_some(&r.op, &b.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  check_is(weir_write(&w.op, &a.stream, weir_seq_block("x", 1), on_done), 0);
  finish(f, &w, 0, 1);
  peer_send(&b, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &a);
  conn_close(f, &b);
  detached = 0;
  check_is(weir_loop_detach(second.loop, on_detached), 0);
  run_until(f, &detached);
}

/* ---- An application that walks and closes ---- */

struct census {
  weir_loop_t *loop;
  int own;
  int foreign;
};

static void count_handle(uv_handle_t *handle, void *arg) {
  struct census *c = arg;

  if (weir_owns_handle(c->loop, handle))
    c->own++;
  else
    c->foreign++;
}

WEIR_TEST(loop, knows_its_own_handles) {
  struct census census = {f->loop, 0, 0};
  struct conn c;
  uv_timer_t timer;

  conn_tcp(f, &c);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  uv_walk(&f->uv, count_handle, &census);
  cr_assert(census.own >= 1);
  check_is(census.foreign, 2);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&timer), 0);
  check_is(weir_owns_handle(f->loop, NULL), 0);
  check_is(weir_owns_handle(NULL, (uv_handle_t *)&timer), 0);
  uv_close((uv_handle_t *)&timer, NULL);
  conn_close(f, &c);
}

static void close_foreign(uv_handle_t *handle, void *arg) {
  if (!weir_owns_handle(arg, handle) && !uv_is_closing(handle))
    uv_close(handle, NULL);
}

WEIR_TEST(loop, survives_a_walk_that_closes_all_other_handles) {
  struct request r = {0};
  struct conn c;
  uv_timer_t timer;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  check_is(uv_timer_init(&f->uv, &timer), 0);
  f->watchdog.data = NULL;
  uv_walk(&f->uv, close_foreign, f->loop);
  peer_send(&c, 0, 1);
  finish(f, &r, 0, 1);
  conn_close(f, &c);
  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  run_out(f);
  check_is(detached, 1);
  f->loop = NULL;
}

/* From another thread, so that nothing else wakes the loop. */
static void send_byte(void *arg) {
  const struct conn *c = arg;

  uv_sleep(20);
  (void)!write(c->peer, "x", 1);
}

static void walk_and_close(struct weir_fixture *f) {
  uv_walk(&f->uv, close_each, NULL);
}

/* Of the library's, those that watch a descriptor, the ring's among them. */
static void close_polls(uv_handle_t *handle, void *arg) {
  if (handle->type == UV_POLL && weir_owns_handle(arg, handle) &&
      !uv_is_closing(handle))
    uv_close(handle, NULL);
}

WEIR_RING_TEST(loop, survives_a_walk_that_closes_what_wakes_it) {
  struct request r = {0};
  struct conn c;
  uv_thread_t thread;
  char byte;

  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  uv_walk(&f->uv, close_polls, f->loop);
  run_some_turns(f);
  check_is(uv_thread_create(&thread, send_byte, &c), 0);
  finish(f, &r, 0, 1);
  uv_thread_join(&thread);
  conn_close(f, &c);
}

WEIR_TEST(loop, survives_a_walk_that_closes_everything) {
  struct request r = {0}, w = {0}, late = {0}, file = {0};
  struct scratch scratch;
  struct conn c;
  char byte, bytes[64];

  scratch_make(&scratch, 64);
  conn_tcp(f, &c);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  check_is(weir_file_pread(f->loop, &file.op, scratch.fd,
                           weir_mseq_block(bytes, 64), 0, on_done),
           0);
  walk_and_close(f);
  check_is(weir_write(&late.op, &c.stream, weir_seq_block("x", 1), on_done),
           UV_ECANCELED);
  uv_run(&f->uv, UV_RUN_DEFAULT);

  check_is(weir_close(&c.stream, on_conn_closed), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(c.closed, 1);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  check_is(w.calls, 1);
  check_is(file.calls, 1);
  check_is(late.calls, 0);
  close_peer(&c);
  scratch_remove(&scratch);

  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(detached, 1);
  f->loop = NULL;
}

WEIR_TEST(loop, survives_a_walk_that_closes_adopted_handles_and_listeners) {
  struct request r = {0}, a = {0};
  struct conn c, listener, accepted;
  struct sockaddr_in addr;
  uv_tcp_t handle;
  char byte;
  int fds[2];

  memset(&c, 0, sizeof(c));
  memset(&listener, 0, sizeof(listener));
  pair_tcp(fds, 0, 0);
  c.peer = fds[1];
  listener.peer = -1;
  check_is(uv_tcp_init(&f->uv, &handle), 0);
  check_is(uv_tcp_open(&handle, fds[0]), 0);
  check_is(weir_adopt(f->loop, &c.stream, (uv_stream_t *)&handle), 0);
  check_is(weir_owns_handle(f->loop, (uv_handle_t *)&handle), 1);
  check_is(uv_ip4_addr("127.0.0.1", 0, &addr), 0);
  check_is(weir_tcp_init(f->loop, &listener.stream), 0);
  check_is(weir_tcp_bind(&listener.stream, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&listener.stream, 1), 0);
  check_is(weir_accept(&a.op, &listener.stream, &accepted.stream, on_done), 0);
  check_is(weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
           0);
  run_some_turns(f);
  walk_and_close(f);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_close(&listener.stream, on_conn_closed), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(c.closed, 1);
  check_is(listener.closed, 1);
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
  check_is(a.calls, 1);
  check_is(a.status, UV_ECANCELED);
  close_peer(&c);
  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(detached, 1);
  f->loop = NULL;
}

struct choice {
  weir_loop_t *loop;
  uv_handle_type type;
  int which; /* of those of this type, as the walk meets them */
  int found;
};

static void close_chosen(uv_handle_t *handle, void *arg) {
  struct choice *c = arg;

  if (handle->type != c->type || !weir_owns_handle(c->loop, handle))
    return;
  if (c->found++ == c->which)
    close_each(handle, NULL);
}

/* A turn finds out, if nothing else does before. */
WEIR_TEST(loop, refuses_all_when_a_walk_has_closed_one_handle) {
  static const uv_handle_type types[] = {UV_PREPARE, UV_CHECK, UV_IDLE,
                                         UV_TIMER, UV_TIMER};

  for (int i = 0; i < 5; i++) {
    struct choice choice = {f->loop, types[i], i == 4, 0};
    struct request r = {0}, late = {0};
    struct conn c;
    char byte;

    conn_tcp(f, &c);
    check_is(
        weir_read_some(&r.op, &c.stream, weir_mseq_block(&byte, 1), on_done),
        0);
    run_some_turns(f);
    uv_walk(&f->uv, close_chosen, &choice);
    check_is(choice.found, i < 3 ? 1 : 2);
    run_some_turns(f);
    check_is(weir_write(&late.op, &c.stream, weir_seq_block("x", 1), on_done),
             UV_ECANCELED);
    check_is(r.calls, 0);
    check_is(weir_close(&c.stream, on_conn_closed), 0);
    run_until(f, &c.closed);
    check_is(r.calls, 1);
    check_is(r.status, UV_ECANCELED);
    check_is(late.calls, 0);
    close_peer(&c);
    fixture_reattach(f, 0);
  }
}

WEIR_TEST(loop, survives_a_walk_that_closes_an_idle_loop) {
  walk_and_close(f);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(detached, 1);
  f->loop = NULL;
}

WEIR_TEST(loop, detaches_right_after_a_walk_that_closes_everything) {
  walk_and_close(f);
  detached = 0;
  check_is(weir_loop_detach(f->loop, on_detached), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(detached, 1);
  f->loop = NULL;
}

/* On the loop's way out, after so many turns. */
WEIR_TEST(loop, detaches_while_a_walk_closes_everything) {
  int turns;

  for (turns = 0; turns < 4; turns++) {
    detached = 0;
    check_is(weir_loop_detach(f->loop, on_detached), 0);
    for (int i = 0; i < turns; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    walk_and_close(f);
    uv_run(&f->uv, UV_RUN_DEFAULT);
    check_is(detached, 1);
    fixture_attach(f, NULL);
  }
  walk_and_close(f);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(weir_loop_detach(f->loop, NULL), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  f->loop = NULL;
}

static void on_closed_detach_and_walk(weir_stream_t *stream) {
  check_is(weir_loop_detach(weir_stream_loop(stream), on_detached), 0);
  uv_walk(weir_loop_uv(weir_stream_loop(stream)), close_each, NULL);
}

WEIR_TEST(loop, detaches_in_a_callback_that_closes_everything) {
  weir_stream_t stream;

  detached = 0;
  check_is(weir_tcp_init(f->loop, &stream), 0);
  check_is(weir_close(&stream, on_closed_detach_and_walk), 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  check_is(detached, 1);
  f->loop = NULL;
}

/* ---- No memory ---- */

WEIR_TEST(loop, attach_without_memory_leaves_nothing_behind) {
  weir_loop_options_t options = options_of(f);
  weir_loop_t *loop;
  size_t count, blocks;
  int error;

  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
  for (count = 0; count < 20; count++) {
    blocks = alloc_blocks();
    alloc_fail_after(count);
    error = weir_loop_attach(&f->uv, &options, &loop);
    alloc_fail_after(SIZE_MAX);
    if (error == 0)
      break;
    check_is(error, UV_ENOMEM);
    run_out(f);
    check_is(alloc_blocks(), blocks);
  }
  cr_assert(count > 0 && count < 20);
  check_is(weir_loop_detach(loop, NULL), 0);
}

/* ---- Counters ---- */

WEIR_TEST(loop, counts_what_happens) {
  struct request r = {0}, w[3];
  weir_loop_stats_t before, after;
  struct conn c;
  char bytes[16];
  int i;

  memset(w, 0, sizeof(w));
  conn_tcp(f, &c);
  before = stats_of(f);
  for (i = 0; i < 3; i++)
    check_is(
        weir_write(&w[i].op, &c.stream, weir_seq_block("abcd", 4), on_done), 0);
  peer_send(&c, 0, 10);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 16), on_done), 0);
  finish(f, &r, 0, 10);
  for (i = 0; i < 3; i++)
    finish(f, &w[i], 0, 4);
  after = stats_of(f);
  check_is(after.reads - before.reads, 1);
  check_is(after.bytes_read - before.bytes_read, 10);
  check_is(after.writes - before.writes, 3);
  check_is(after.bytes_written - before.bytes_written, 12);
  check_is(after.writes_gathered - before.writes_gathered, 2);
  check_is(after.callbacks - before.callbacks, 4);
  check_is(after.short_writes, 0);
  cr_assert(after.turns > before.turns);
  if (f->backend == WEIR_BACKEND_URING) {
    cr_assert(after.enters > before.enters);
    cr_assert(after.syscalls >= after.enters);
    cr_assert(after.sqes - before.sqes >= 2);
    cr_assert(after.cqes - before.cqes >= 2);
  } else {
    check_is(after.enters + after.sqes + after.cqes, 0);
    cr_assert(after.syscalls > before.syscalls);
  }
  conn_close(f, &c);
}
