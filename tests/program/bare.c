/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "inside.h"

/* The peer of a stream, as a bare descriptor of the world's. */

enum { MOST = 20000 };

/* A pipe whose reader goes would raise a signal. */
static int may_give(end_t *e) {
  return e->can_write && e->ended == END_RUNS &&
         (e->link->kind != WORLD_PIPE || peer_of(e)->state == END_OPEN);
}

static void give(end_t *e, size_t len) {
  program_t *p = e->p;
  static uint8_t bytes[MOST];
  size_t piece;
  ssize_t n;

  if (!may_give(e))
    return;
  piece = flow_write(&e->out, len);
  flow_fill(&e->out, piece, 0, bytes, len);
  n = p->world->give(p->world, e->fd, bytes, len);
  trace(p, "  give %zu: %zd", len, n);
  must(p, n >= 0 || n == UV_EAGAIN || end_broken(e), "giving got %s",
       said((int)n));
  e->out.pieces[piece].n = n > 0 ? (size_t)n : 0;
  p->progress += n > 0;
  if (n < 0 && n != UV_EAGAIN)
    e->write_status = (int)n;
}

static void take(end_t *e, size_t len) {
  program_t *p = e->p;
  static uint8_t bytes[MOST];
  ssize_t n;

  if (!e->can_read || e->got_end || e->read_failed)
    return;
  n = p->world->take(p->world, e->fd, bytes, len);
  trace(p, "  take %zu: %zd", len, n);
  if (n == UV_EAGAIN)
    return;
  p->progress++;
  must(p, n >= 0 || end_broken(e), "taking got %s", said((int)n));
  if (n > 0)
    flow_got(&peer_of(e)->out, bytes, (size_t)n);
  else if (n == 0)
    end_met(e);
  else
    e->read_failed = 1;
}

static void finish(end_t *e) {
  if (e->ended != END_RUNS || !e->can_write || e->link->kind == WORLD_PIPE)
    return;
  trace(e->p, "  end");
  e->ended = END_ENDED;
  e->p->world->end(e->p->world, e->fd);
}

static void on_watch_closed(uv_handle_t *handle) {
  free(handle);
}

void bare_drop(end_t *e, int reset) {
  program_t *p = e->p;

  if (e->state != END_OPEN)
    return;
  if (e->watch != NULL)
    uv_close((uv_handle_t *)e->watch, on_watch_closed);
  e->watch = NULL;
  e->reset = reset;
  e->state = END_GONE;
  p->progress++;
  p->world->drop(p->world, e->fd, reset);
}

void bare_do(end_t *e, random_t *dice) {
  size_t what = random_below(dice, 32);

  if (what < 12)
    give(e, 1 + random_below(dice, random_below(dice, 4) ? 900 : MOST));
  else if (what < 28)
    take(e, 1 + random_below(dice, random_below(dice, 2) ? 900 : MOST));
  else if (what < 30)
    finish(e);
  else if (random_below(dice, 3) == 0)
    end_close(e, what == 31);
}

static void on_event(uv_poll_t *watch, int status, int events) {
  end_t *e = watch->data;

  (void)status;
  (void)events;
  take(e, MOST);
}

/* Not in the turn in which the application has closed an adopted handle that
 * had the same number. */
static int watch_init(end_t *e) {
  uv_poll_t *watch = malloc(sizeof(*watch));
  program_t *p = e->p;
  int r;

  must(p, watch != NULL, "no memory");
  r = uv_poll_init(&p->uv, watch, e->fd);
  if (r == UV_EEXIST && p->lost) {
    free(watch);
    return 0;
  }
  must_be(p, r, 0, "watching");
  watch->data = e;
  e->watch = watch;
  return 1;
}

/* libuv ends its watching when there is an error. */
static void watch(end_t *e) {
  if (e->watch == NULL && !watch_init(e))
    return;
  if (!uv_is_active((uv_handle_t *)e->watch))
    must_be(e->p, uv_poll_start(e->watch, UV_READABLE, on_event), 0,
            "watching");
}

void bare_drain(end_t *e) {
  finish(e);
  if (!e->can_read || e->got_end || e->read_failed)
    end_close(e, 0);
  else
    watch(e);
}
