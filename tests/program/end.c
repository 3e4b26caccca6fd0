/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include <weir/test.h>

#include "inside.h"

/* The ends of links: made in every way, and closed. */

int end_is_closing(const end_t *e) {
  return e->state >= END_CLOSING || (e->leaving && weir_is_closing(e->stream));
}

int end_broken(end_t *e) {
  const end_t *peer = peer_of(e);

  return e->reset || e->leaving || peer->leaving || e->state >= END_CLOSING ||
         peer->reset || peer->state == END_NONE || peer->state >= END_CLOSING;
}

int end_refuses(const end_t *e) {
  if (e->state == END_OPEN)
    return end_is_closing(e) ? UV_EBADF : 0;
  return e->state == END_CONNECTING ? UV_ENOTCONN : UV_EBADF;
}

/* The one error of a reset may be a write's, whose callback is due. */
static int must_see_reset(end_t *e) {
  const end_t *peer = peer_of(e);

  return peer->reset && peer->ended == END_RUNS && !e->read_failed &&
         e->link->kind <= WORLD_TCP_SLOW && e->write_status == 0 &&
         e->jobs <= e->readers && write_silent(e) == 0;
}

void end_met(end_t *e) {
  const end_t *peer = peer_of(e);

  must(e->p, peer->ended != END_RUNS || peer->state != END_OPEN,
       "an end that nobody has made");
  must(e->p, !must_see_reset(e), "an end instead of a reset");
  e->got_end = 1;
  e->got_all |= peer->state == END_OPEN && !peer->leaving;
}

void end_open(end_t *e, weir_stream_t *stream) {
  e->state = END_OPEN;
  e->stream = stream;
  stream->data = e;
}

/* ---- Closing ---- */

void end_closed(weir_stream_t *stream) {
  end_t *e = stream->data;
  program_t *p = e->p;

  trace(p, "    closed %d of %zu", e == e->link->ends + 1,
        (size_t)(e->link - p->links));
  must(p, !p->inside, "a close callback came inside of a call");
  must(p,
       e->stream == stream && e->state < END_GONE &&
           (e->close_called || e->leaving),
       "a close callback came again");
  must(p, e->jobs == 0, "a close callback came before %u others", e->jobs);
  must(p,
       !weir_deadline_is_set(&e->still[0]) &&
           !weir_deadline_is_set(&e->still[1]),
       "a deadline is left");
  p->progress++;
  e->state = END_GONE;
  e->stream = NULL;
  free(stream);
  if (!e->lost)
    free(e->handle);
  if (!e->lost)
    e->handle = NULL;
}

/* The streams of a relay stay until that is over. */
static int relay_has(end_t *e) {
  program_t *p = e->p;

  p->inside = 1;
  if (e->passed_from != NULL)
    relay_stop(e->passed_from);
  if (e->passed_to != NULL)
    relay_stop(e->passed_to);
  p->inside = 0;
  return e->passed_from != NULL || e->passed_to != NULL;
}

/* A reset of what cannot be reset changes nothing. */
static int close_reset(end_t *e) {
  int r = weir_close_reset(e->stream, end_closed);

  must(e->p, r == 0 || r == UV_ENOTSUP || r == UV_ENOTCONN || r == UV_EBADF,
       "a reset got %s", said(r));
  if (r == 0)
    must(e->p, e->link->kind <= WORLD_TCP_SLOW, "a reset of what is not TCP");
  return r;
}

void end_close(end_t *e, int reset) {
  program_t *p = e->p;
  int r = UV_ENOTSUP, closes;

  trace(p, "    close%s", reset ? " with a reset" : "");
  if (e->stream == NULL) {
    bare_drop(e, reset);
    return;
  }
  if (relay_has(e))
    return;
  closes = weir_is_closing(e->stream);
  e->dropped |= !closes && weir_stream_queued(e->stream) > 0;
  must(p, !e->close_called || closes, "a close was forgotten");
  p->inside = 1;
  if (reset && !closes)
    r = close_reset(e);
  e->reset |= r == 0;
  if (r != 0)
    r = weir_close(e->stream, end_closed);
  p->inside = 0;
  must_be(p, r, closes ? UV_EALREADY : 0, "closing");
  must_be(p, weir_is_closing(e->stream), 1, "whether it closes");
  if (e->releasing)
    return;
  e->close_called = 1;
  e->state = END_CLOSING;
}

/* The application closes a handle that it had lent. */
static void end_lose(end_t *e) {
  program_t *p = e->p;

  if (relay_has(e) || end_is_closing(e))
    return;
  trace(p, "    lose");
  uv_close((uv_handle_t *)e->handle, NULL);
  e->lost = e->dropped = p->lost = 1;
  e->state = END_CLOSING;
}

/* ---- Making ---- */

weir_stream_t *stream_new(program_t *p) {
  weir_stream_t *stream = malloc(sizeof(*stream));

  must(p, stream != NULL, "no memory");
  return stream;
}

static int open_handle(end_t *e, int fd) {
  program_t *p = e->p;
  union {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } *handle = malloc(sizeof(*handle));
  int r;

  must(p, handle != NULL, "no memory");
  e->handle = (uv_stream_t *)handle;
  if (e->link->kind <= WORLD_TCP_SLOW) {
    r = uv_tcp_init(&p->uv, &handle->tcp);
    return r ? r : uv_tcp_open(&handle->tcp, fd);
  }
  r = uv_pipe_init(&p->uv, &handle->pipe, 0);
  return r ? r : uv_pipe_open(&handle->pipe, fd);
}

void end_handle_closed(uv_handle_t *handle) {
  free(handle);
}

/* Not where the number was that of a handle which the application has closed a
 * moment ago: then libuv takes it for one that is still in use. */
static int adopt(end_t *e, weir_stream_t *stream, int fd) {
  program_t *p = e->p;
  int r = open_handle(e, fd);

  if (r == UV_EEXIST && p->lost) {
    uv_close((uv_handle_t *)e->handle, end_handle_closed);
    e->handle = NULL;
    return 0;
  }
  must_be(p, r, 0, "opening a handle");
  must_be(p, weir_adopt(p->loop, stream, e->handle), 0, "adopting");
  return 1;
}

static void take_fd(end_t *e, weir_stream_t *stream, int fd, random_t *dice) {
  program_t *p = e->p;
  int r;

  if (e->link->kind != WORLD_PIPE && random_below(dice, 4) == 0 &&
      adopt(e, stream, fd))
    return;
  if (e->link->kind <= WORLD_TCP_SLOW && random_below(dice, 4) != 0) {
    r = weir_tcp_init(p->loop, stream);
    r = r ? r : weir_tcp_open(stream, fd);
  } else {
    r = weir_pipe_init(p->loop, stream);
    r = r ? r : weir_pipe_open(stream, fd);
  }
  must_be(p, r, 0, "opening a stream");
}

void link_open(program_t *p, link_t *link) {
  size_t number = (size_t)(link - p->links);

  *link = (link_t){.kind = WORLD_UNIX};
  for (unsigned i = 0; i < 2; i++) {
    end_t *e = &link->ends[i];

    *e = (end_t){.p = p, .link = link, .fd = -1, .last_write = -1};
    e->can_read = e->can_write = 1;
    flow_init(&e->out, (unsigned)number * 2 + i);
  }
}

static void make_pair(program_t *p, link_t *link, random_t *dice) {
  weir_stream_t *a = stream_new(p), *b = stream_new(p);

  link->paired = 1;
  must_be(p,
          weir_test_pair(
              p->loop, a, b,
              100 + random_below(dice, random_below(dice, 2) ? 400 : 20000)),
          0, "making a pair");
  end_open(&link->ends[0], a);
  end_open(&link->ends[1], b);
}

static void make_ends(program_t *p, link_t *link, random_t *dice) {
  size_t bare = random_below(dice, 6);
  int fds[2];

  if (p->world->pair(p->world, link->kind, fds) != 0)
    return;
  for (unsigned i = 0; i < 2; i++) {
    end_t *e = &link->ends[i];

    e->can_read = link->kind != WORLD_PIPE || i == 0;
    e->can_write = link->kind != WORLD_PIPE || i == 1;
    if (i == bare) {
      e->fd = fds[i];
      e->state = END_OPEN;
    } else {
      weir_stream_t *stream = stream_new(p);
      take_fd(e, stream, fds[i], dice);
      end_open(e, stream);
    }
  }
}

void link_make(program_t *p, random_t *dice) {
  link_t *link = &p->links[p->nlinks];
  size_t kind = random_below(dice, WORLD_LINKS + 1);

  if (p->nlinks == LINKS)
    return;
  link_open(p, link);
  p->nlinks++;
  trace(p, "  link %zu of kind %zu", p->nlinks - 1, kind);
  if (kind == WORLD_LINKS) {
    make_pair(p, link, dice);
    return;
  }
  link->kind = (world_link_t)kind;
  make_ends(p, link, dice);
}

/* ---- What an end does ---- */

void end_do(end_t *e, random_t *dice) {
  size_t what = random_below(dice, 24);

  if (e->stream == NULL)
    bare_do(e, dice);
  else if (e->lost)
    end_close(e, 0);
  else if (what < 7)
    write_do(e, dice);
  else if (what < 15)
    read_do(e, dice);
  else if (what < 18)
    copy_do(e, dice);
  else if (what < 20)
    wait_do(e, dice);
  else if (what < 21)
    watch_do(e, dice);
  else if (what < 22)
    relay_do(e, dice);
  else if (what < 23 && random_below(dice, 2))
    leave_do(e, dice);
  else if (random_below(dice, 3) == 0 && e->handle != NULL &&
           e->state == END_OPEN)
    end_lose(e);
  else if (random_below(dice, 3) == 0)
    end_close(e, random_below(dice, 3) == 0);
}

end_t *end_pick(program_t *p, const step_t *step) {
  size_t n = p->nlinks * 2;

  for (size_t i = 0; i < n; i++) {
    size_t k = (step->which + i) % n;
    end_t *e = &p->links[k / 2].ends[k % 2];

    if (e->state != END_NONE && e->state != END_GONE)
      return e;
  }
  return NULL;
}

/* All has been told, and what is queued has gone. */
static int may_close(const end_t *e) {
  return e->jobs == e->readers && !e->leaving && !e->is_high &&
         weir_stream_queued(e->stream) == 0;
}

/* To its end in good order: all is written and read. */
void end_drain(end_t *e) {
  if (e->state == END_CLOSING && e->lost && !e->close_called &&
      e->stream != NULL)
    end_close(e, 0);
  if (e->state == END_CONNECTING && e->jobs == 0)
    end_close(e, 0);
  if (e->state != END_OPEN)
    return;
  if (e->stream == NULL) {
    bare_drain(e);
    return;
  }
  watch_drain(e);
  write_drain(e);
  if (!end_is_closing(e))
    read_drain(e);
  if ((!e->can_read || e->got_end || e->read_failed ||
       e->write_status == UV_ETIMEDOUT) &&
      may_close(e))
    end_close(e, 0);
}

/* ---- All of it, at the end ---- */

/* Silent writes may have been lost at its end. */
static int unsure(const end_t *e) {
  return write_silent(e) > 0 && (e->dropped || e->writes_soon ||
                                 e->leaves_soon || e->write_status != 0);
}

static void end_check(end_t *e) {
  end_t *peer = peer_of(e);
  program_t *p = e->p;
  size_t at = 0;
  int read = flow_sent(&peer->out) == peer->out.ngot;
  int all = peer->got_end && !peer->read_failed && !e->reset && !unsure(e) &&
            (peer->got_all || read);
  const char *wrong = flow_wrong(&e->out, all, &at);

  must(p, wrong == NULL,
       "link %zu (kind %d), end %d: %s; at %zu, of %zu that went in %zu writes",
       (size_t)(e->link - p->links), e->link->paired ? -1 : (int)e->link->kind,
       e == e->link->ends + 1, wrong, at, flow_sent(&e->out), e->out.npieces);
}

void links_check(program_t *p) {
  for (size_t i = 0; i < p->nlinks * 2; i++)
    end_check(&p->links[i / 2].ends[i % 2]);
  for (size_t i = 0; i < p->nlinks * 2; i++) {
    end_t *e = &p->links[i / 2].ends[i % 2];

    flow_free(&e->out);
    free(e->held);
    free(e->handle);
    if (e->has_buffer)
      must_be(p, weir_buffer_reset(&e->buffer), 0, "a buffer in use");
  }
}
