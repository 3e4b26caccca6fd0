/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "scene.h"

#include <unistd.h>

/* ---- What a scene is made of ---- */

int taken(const struct scene *t, int r) {
  if (t->plenty)
    check_is(r, 0);
  cr_assert(r == 0 || (r == UV_ENOMEM && want_failures() > 0), "%s",
            uv_strerror(r));
  return r == 0;
}

int got(const struct request *r, size_t n) {
  return r->calls == 1 && r->status == 0 && r->n == n;
}

int ended(struct scene *t, struct request *r, size_t n) {
  run_until(t->f, &r->calls);
  check_is(r->calls, 1);
  if (r->status == 0)
    check_is(r->n, n);
  cr_assert(r->status == 0 || (!t->plenty && r->n < n + !n));
  cr_assert(r->status == 0 || r->status == UV_ENOMEM ||
                r->status == UV_ECANCELED,
            "%s", uv_strerror(r->status));
  return r->status == 0;
}

int both_end(struct scene *t, struct request *a, int has_a, size_t na,
             struct request *b, int has_b, size_t nb) {
  if (!has_a && has_b)
    weir_cancel(&b->op);
  if (has_a && (!ended(t, a, na) || !has_b) && has_b && b->calls == 0)
    weir_cancel(&b->op);
  if (has_b)
    ended(t, b, nb);
  return has_a && has_b && got(a, na) && got(b, nb);
}

void on_end_closed(weir_stream_t *stream) {
  struct end *e = (struct end *)stream;

  e->closed++;
}

void scene_close(struct scene *t, struct end *e) {
  if (!e->open)
    return;
  check_is(weir_close(&e->stream, on_end_closed), 0);
  run_until(t->f, &e->closed);
  check_is(e->closed, 1);
}

int scene_make(struct scene *t, struct end *e, int tcp) {
  e->open = taken(t, tcp ? weir_tcp_init(t->f->loop, &e->stream)
                         : weir_pipe_init(t->f->loop, &e->stream));
  return e->open;
}

void scene_pair(struct scene *t, struct end ends[2]) {
  int fds[2];

  memset(ends, 0, 2 * sizeof(*ends));
  pair_unix(fds);
  for (int i = 0; i < 2; i++) {
    ends[i].open = scene_make(t, &ends[i], 0) &&
                   taken(t, weir_pipe_open(&ends[i].stream, fds[i]));
    if (!ends[i].open)
      close(fds[i]);
  }
}

/* ---- Bytes, apart from each other ---- */

static char sent[2 * SCENE_MOST], received[2 * SCENE_MOST];
uv_buf_t scene_from[SCENE_MOST], scene_into[SCENE_MOST];

void scene_lay_out(size_t n) {
  for (size_t i = 0; i < n; i++) {
    pattern_fill(&sent[2 * i], i, 1);
    received[2 * i] = 0;
    scene_from[i] = uv_buf_init(&sent[2 * i], 1);
    scene_into[i] = uv_buf_init(&received[2 * i], 1);
  }
}

int scene_holds(size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!pattern_holds(&received[2 * i], i, 1))
      return 0;
  return 1;
}

/* ---- How they are played ---- */

void scene_leave(struct weir_fixture *f) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  uv_close((uv_handle_t *)&f->watchdog, NULL);
  run_out(f);
}

void scene_arrive(struct weir_fixture *f) {
  weir_loop_options_t options = {.entries = SCENE_PLACES};

  fixture_attach(f, &options);
}

/* Plays the scene in want, and again without; returns how many allocations
 * failed. */
static size_t play(struct weir_fixture *f, scene_fn body,
                   const struct want *want, int again) {
  struct scene t = {f, 0};
  long blocks = want_blocks();
  size_t failed;

  scene_arrive(f);
  want_begin(want);
  body(&t);
  failed = want_end();
  if (again == NEW_LOOP) {
    scene_leave(f);
    scene_arrive(f);
  }
  t.plenty = 1;
  body(&t);
  scene_leave(f);
  check_is(want_blocks(), blocks);
  check_is(count_sigpipe(), 0);
  return failed;
}

void scene_play(struct weir_fixture *f, scene_fn body, int again) {
  const struct want never = {.at = SIZE_MAX};
  struct want want;
  int descriptors;

  scene_leave(f);
  want_install();
  /* What libuv opens once for a loop is no leak. */
  check_is(play(f, body, &never, again), 0);
  descriptors = count_descriptors();
  for (int how = 0; how < 4; how++) {
    want = (struct want){.of_uv = how & 1, .for_good = how >> 1};
    while (play(f, body, &want, again) > 0)
      want.at++;
    check_is(count_descriptors(), descriptors);
  }
  fixture_attach(f, NULL);
}
