/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/busy.h"
#include "support/scene.h"
#include "support/worker.h"

/* Loops that begin, move and end without memory. */

/* ---- Another thread, handles that are gone ---- */

/* A ring that cannot be made anew ends, and the loop with it. */
static void moved(struct scene *t) {
  struct request r = {0}, p = {0}, next = {0};
  struct worker w;
  struct conn c;
  int fds[2];
  char bytes[3];

  conn_unix(t->f, &c);
  check_is(pipe(fds), 0);
  check_is(weir_read(&r.op, &c.stream, weir_mseq_block(bytes, 2), weir_all(),
                     on_done),
           0);
  check_is(weir_file_pread(t->f->loop, &p.op, fds[0],
                           weir_mseq_block(&bytes[2], 1), -1, on_done),
           0);
  peer_send(&c, 0, 1);
  elsewhere(t->f, &w, ENDED);
  peer_send(&c, 1, 1);
  ended(t, &r, 2);
  weir_cancel(&p.op);
  run_until(t->f, &p.calls);
  check_is(p.calls, 1);
  cr_assert(p.status == UV_ECANCELED || (!t->plenty && p.status == UV_ENOMEM));
  if (taken(t,
            weir_write(&next.op, &c.stream, weir_seq_block("x", 1), on_done)))
    ended(t, &next, 1);
  conn_close(t->f, &c);
  close(fds[0]);
  close(fds[1]);
}

/* The loop needs handles of its own to close anything, and memory for them. */
static void walked(struct scene *t) {
  struct request r = {0};
  struct end ends[2];
  char byte;

  scene_pair(t, ends);
  check_is(weir_read_some(&r.op, &ends[0].stream, weir_mseq_block(&byte, 1),
                          on_done),
           0);
  run_some_turns(t->f);
  uv_walk(&t->f->uv, close_owned, t->f->loop);
  run_some_turns(t->f);
  for (int i = 0; i < 2; i++) {
    while (!taken(t, weir_close(&ends[i].stream, on_end_closed)))
      want_end();
    run_until(t->f, &ends[i].closed);
    check_is(ends[i].closed, 1);
  }
  check_is(r.calls, 1);
  check_is(r.status, UV_ECANCELED);
}

/* ---- The beginning and the end ---- */

static void attach_as(struct scene *t, weir_backend_t backend) {
  char why[200] = "";
  weir_loop_options_t options = {.backend = backend,
                                 .wait = t->f->wait,
                                 .entries = SCENE_PLACES,
                                 .why = why,
                                 .why_size = sizeof(why)};
  weir_loop_t *loop = NULL;
  const char *sentence;
  uv_loop_t uv;

  if (!taken(t, uv_loop_init(&uv)))
    return;
  if (taken(t, weir_loop_attach(&uv, &options, &loop))) {
    check_is(why[0], 0);
    if (weir_loop_backend(loop) != t->f->backend) {
      check_is(weir_loop_fallback_reason(loop, &sentence), UV_ENOMEM);
      cr_assert(!t->plenty && sentence[0] != 0);
    }
    uv_run(&uv, UV_RUN_NOWAIT);
    check_is(weir_loop_detach(loop, NULL), 0);
  } else {
    cr_assert_null(loop);
    cr_assert(why[0] != 0);
  }
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
}

static void life(struct scene *t) {
  attach_as(t, t->f->backend);
}

static void life_of_any(struct scene *t) {
  attach_as(t, t->f->backend == WEIR_BACKEND_UV ? WEIR_BACKEND_UV
                                                : WEIR_BACKEND_AUTO);
}

/* ---- All of them ---- */

WEIR_TEST(want, attaching) {
  scene_play(f, life, SAME_LOOP);
}

WEIR_TEST(want, attaching_to_what_there_is) {
  scene_play(f, life_of_any, SAME_LOOP);
}

WEIR_TEST(want, another_thread) {
  scene_play(f, moved, NEW_LOOP);
}

WEIR_TEST(want, handles_that_are_gone) {
  scene_play(f, walked, NEW_LOOP);
}

/* ---- A child ---- */

struct family {
  struct busy busy;
  struct want want;
  size_t *failed; /* in the child; shared with it */
};

static void renews(struct weir_fixture *f, void *arg) {
  struct family *family = arg;
  struct busy *b = &family->busy;
  struct request r = {0};
  int error;

  must(uv_loop_fork(&f->uv) == 0);
  want_begin(&family->want);
  error = weir_loop_fork(f->loop);
  *family->failed = want_end();
  if (error == 0) {
    busy_must_go_on(f, b);
    return;
  }
  must(error == UV_ENOMEM && *family->failed > 0);
  busy_must_end(f, b);
  must(weir_read_some(&r.op, &b->idle.stream, weir_mseq_block(&b->byte, 1),
                      on_done) == UV_ENOMEM);
  busy_must_close(f, b);
}

WEIR_TEST(want, a_child) {
  struct family family = {.want = {.at = 0}};

  scene_leave(f);
  want_install();
  family.failed = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert(family.failed != MAP_FAILED);
  do {
    long blocks = want_blocks();

    *family.failed = 0;
    scene_arrive(f);
    busy_begin(f, &family.busy);
    child_run(renews, f, &family);
    busy_end(f, &family.busy);
    scene_leave(f);
    check_is(want_blocks(), blocks);
    family.want.at++;
  } while (*family.failed > 0);
  munmap(family.failed, sizeof(size_t));
  fixture_attach(f, NULL);
}
