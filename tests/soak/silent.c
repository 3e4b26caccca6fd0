/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "../../samples/pattern.h"
#include "actors.h"

/* What goes out is copied, for which nobody keeps an operation, as long as not
 * too much is queued; and deadlines are set that do not come. */

enum { HIGH = 2 << 10, LOW = 512, NEVER = 3600 * 1000 };

/* The loop keeps the memory of small ones, and so as much as was queued at a
 * time; that of large ones goes back. */
enum { SMALL = 1200, LARGE = 20000 };

typedef struct tap_s {
  weir_water_t water;
  weir_deadline_t still[2];
  peer_t *peer;
  peer_cb end; /* when all was written */
  int is_high;
} tap_t;

static void end_part(peer_t *p) {
  peer_send(p, p->out.total, PEER_ENDING, peer_part);
}

static void pour(tap_t *tap) {
  peer_t *p = tap->peer;

  while (!tap->is_high && p->out.done < p->out.total) {
    size_t left = p->out.total - p->out.done;
    size_t some = peer_random(p, 16) == 0 ? LARGE : 300 + peer_random(p, SMALL);
    size_t n = left < some ? left : some;
    int r =
        weir_write_copy(&p->stream, pattern_at(p->out.seed + p->out.done), n);

    if (r != 0) {
      peer_trouble(p, "to write a copy", r);
      return;
    }
    p->out.done += n;
    tap->is_high = weir_stream_queued(&p->stream) >= HIGH;
  }
  if (p->out.done == p->out.total && tap->end != NULL) {
    peer_cb end = tap->end;

    tap->end = NULL;
    end(p);
  }
}

static void on_water(weir_water_t *water, weir_stream_t *stream, int high) {
  tap_t *tap = water->data;

  (void)stream;
  tap->is_high = high;
  if (!high && !(tap->peer->flags & PEER_OVER))
    pour(tap);
}

static tap_t *tap_open(peer_t *p, peer_cb end) {
  tap_t *tap = p->more = calloc(1, sizeof(*tap));

  if (tap == NULL) {
    peer_fault(p, "no memory", 0);
    peer_close(p);
    return NULL;
  }
  tap->peer = p;
  tap->end = end;
  tap->water.data = tap;
  if (weir_stream_water(&p->stream, &tap->water, HIGH, LOW, on_water) != 0 ||
      weir_deadline_read(&tap->still[0], &p->stream, NEVER) != 0 ||
      weir_deadline_write(&tap->still[1], &p->stream, NEVER) != 0)
    peer_fault(p, "marks and deadlines", 0);
  return tap;
}

void both_copied(peer_t *p) {
  tap_t *tap = tap_open(p, end_part);

  p->left = 2;
  if (tap != NULL)
    peer_take(p, TO_END, peer_part);
  if (!(p->flags & PEER_OVER))
    pour(tap);
}

/* ---- Closing behind what is queued ---- */

static void leave(peer_t *p) {
  int r = weir_close_after(&p->stream, NEVER, peer_left);

  if (r != 0)
    peer_trouble(p, "to close after a time", r);
}

void play_parting(peer_t *p) {
  tap_t *tap = tap_open(p, leave);

  if (tap != NULL)
    pour(tap);
}

void serve_parting(peer_t *p) {
  peer_take(p, TO_END, peer_whole);
}

/* ---- Being late ---- */

enum { SOON = 30 };

/* Says less than the other side waits for, and is closed. */
void play_late(peer_t *p) {
  peer_take(p, TO_END, peer_whole);
}

void serve_late(peer_t *p) {
  weir_deadline_t *still = p->more = calloc(1, sizeof(*still));

  if (still == NULL || weir_deadline_read(still, &p->stream, SOON) != 0)
    peer_fault(p, "a deadline", 0);
  peer_take(p, TO_END, peer_whole);
}
