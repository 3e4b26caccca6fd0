/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "inside.h"

/* A stream that closes in a while, and one whose handle goes back to the
 * application, which has it adopted again. */

static void close_after(end_t *e, random_t *dice) {
  static const uint64_t limits[] = {0, 1, 3600 * 1000, 3600 * 1000};
  size_t which = random_below(dice, 4);
  program_t *p = e->p;
  int want = e->leaving || weir_is_closing(e->stream) ? UV_EALREADY : 0;

  trace(p, "  close after %d", (int)limits[which]);
  p->inside = 1;
  must_be(p, weir_close_after(e->stream, limits[which], end_closed), want,
          "closing after a time");
  p->inside = 0;
  if (want != 0)
    return;
  e->leaving = 1;
  e->leaves_soon = which < 2;
  e->ended = END_ENDED;
}

/* ---- Releasing ---- */

static void adopt_again(end_t *e) {
  program_t *p = e->p;
  weir_stream_t *stream = stream_new(p);
  int r = weir_adopt(p->loop, stream, e->handle);

  if (r == 0) {
    end_open(e, stream);
    return;
  }
  must(p, r == UV_ENOTCONN && end_broken(e), "adopting again got %s", said(r));
  free(stream);
  uv_close((uv_handle_t *)e->handle, end_handle_closed);
  e->handle = NULL;
  e->state = END_GONE;
}

static void on_released(weir_stream_t *stream) {
  end_t *e = stream->data;
  program_t *p = e->p;

  trace(p, "    released");
  must(p, !p->inside && e->releasing && e->stream == stream,
       "a release came inside of a call, or again");
  must(p, e->jobs == 0, "a release came before %u others", e->jobs);
  must(p, !uv_is_closing((uv_handle_t *)e->handle),
       "a handle that was released is closing");
  p->progress++;
  e->releasing = e->has_water = e->is_high = 0;
  e->stream = NULL;
  free(stream);
  leases_forget(e);
  adopt_again(e);
}

/* What was written silently, and what has failed, nobody would know. */
static int may_release(const end_t *e) {
  return weir_stream_queued(e->stream) == 0 && e->write_status == 0 &&
         e->ended == END_RUNS && !e->writes_soon && !e->read_failed;
}

static void release(end_t *e) {
  program_t *p = e->p;

  if (e->handle != NULL && !may_release(e))
    return;
  trace(p, "  release");
  p->inside = 1;
  must_be(p, weir_release(e->stream, on_released),
          e->handle != NULL ? 0 : UV_EINVAL, "releasing");
  p->inside = 0;
  if (e->handle == NULL)
    return;
  e->releasing = 1;
  e->state = END_CLOSING;
}

void leave_do(end_t *e, random_t *dice) {
  if (e->state != END_OPEN || e->lost || e->passed_from != NULL ||
      e->passed_to != NULL)
    return;
  if (random_below(dice, 2) && !e->leaving)
    release(e);
  else if (random_below(dice, 2))
    close_after(e, dice);
}
