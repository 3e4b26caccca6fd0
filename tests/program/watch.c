/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "inside.h"

/* What is told of a stream, and what ends it: water marks, and deadlines for
 * one that stands still. */

/* ---- Water ---- */

static void on_water(weir_water_t *water, weir_stream_t *stream, int high) {
  end_t *e = water->data;
  program_t *p = e->p;
  size_t queued = weir_stream_queued(stream);

  trace(p, "    water %d, %zu", high, queued);
  must(p, !p->inside, "water was told inside of a call");
  must(p, e->stream == stream && e->has_water && !weir_is_closing(stream),
       "water of a stream that is closing");
  must(p, !high || !e->is_high, "the high mark was told again");
  must(p, high ? queued > e->low : queued < e->high,
       "%zu bytes are queued, and the water is %s", queued,
       high ? "high" : "low");
  p->progress++;
  e->is_high = high;
}

static void set_water(end_t *e, random_t *dice) {
  program_t *p = e->p;
  size_t high = 1 + random_below(dice, 4000);
  size_t low = random_below(dice, high);
  int off = random_below(dice, 4) == 0;
  int want = off || !end_is_closing(e) ? 0 : UV_EBADF;

  trace(p, "  water at %zu and %zu%s", high, low, off ? ": off" : "");
  e->water.data = e;
  p->inside = 1;
  must_be(
      p,
      weir_stream_water(e->stream, &e->water, high, low, off ? NULL : on_water),
      want, "setting water marks");
  p->inside = 0;
  if (want != 0)
    return;
  if (off || !e->has_water)
    e->is_high = 0;
  e->has_water = !off;
  e->high = high;
  e->low = low;
}

/* ---- Deadlines ---- */

/* Whatever is outstanding may end early from now on. */
static void hurry(end_t *e, int writes) {
  if (!writes) {
    e->reads_soon = 1;
    return;
  }
  e->writes_soon = 1;
  if (e->ender != NULL && !e->leaving)
    e->ended = END_PERHAPS;
}

static void set_deadline(end_t *e, random_t *dice, int writes) {
  static const uint64_t limits[] = {0, 1, 3600 * 1000, 3600 * 1000};
  size_t which = random_below(dice, 4);
  weir_deadline_t *still = &e->still[writes];
  program_t *p = e->p;
  int r;

  trace(p, "  a deadline for %s: %d", writes ? "writes" : "reads",
        (int)limits[which]);
  p->inside = 1;
  if (random_below(dice, 4) == 0) {
    weir_deadline_stop(still);
    r = 0;
  } else {
    r = writes ? weir_deadline_write(still, e->stream, limits[which])
               : weir_deadline_read(still, e->stream, limits[which]);
    if (which < 2)
      hurry(e, writes);
  }
  p->inside = 0;
  must_be(p, r, end_is_closing(e) && r != 0 ? UV_EBADF : 0, "a deadline");
}

void watch_drain(end_t *e) {
  weir_deadline_stop(&e->still[0]);
  weir_deadline_stop(&e->still[1]);
}

void watch_do(end_t *e, random_t *dice) {
  if (e->lost || e->state == END_CONNECTING)
    return;
  if (random_below(dice, 2))
    set_water(e, dice);
  else
    set_deadline(e, dice, random_below(dice, 3) == 0);
}
