/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/net.h"
#include "support/scripted.h"

/* Writes of one block each that share a window, which is cut short at each of
 * its bytes: what each write has moved, in which order their callbacks come,
 * and what is still queued. */

enum { MORE = 4, COUNT = WEIR_WINDOW + MORE };

struct crew_s;

typedef struct piece_s {
  struct request r;
  struct crew_s *crew;
  size_t at; /* of its first byte, among all */
  size_t len;
  char bytes[4]; /* no piece touches the next, or they would be one segment */
} piece_t;

typedef struct crew_s {
  struct weir_fixture *f;
  struct scripted s;
  piece_t pieces[COUNT];
  size_t window; /* bytes of the first */
  size_t total;
  size_t ended;  /* callbacks */
  piece_t *next; /* that may */
} crew_t;

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* How many of its bytes are among the first `moved` of all. */
static size_t part(const piece_t *p, size_t moved) {
  return moved <= p->at ? 0 : smaller(moved - p->at, p->len);
}

/* They come in the order of the calls, but of those that were cancelled. */
static void on_piece(weir_op_t *op, int status, size_t n) {
  piece_t *p = op->data;
  crew_t *crew = p->crew;

  on_done(op, status, n);
  crew->ended++;
  if (status == UV_ECANCELED)
    return;
  cr_assert(p >= crew->next, "write %zu ended behind a later one",
            (size_t)(p - crew->pieces));
  crew->next = p + 1;
}

static void crew_write(crew_t *crew, size_t i) {
  piece_t *p = &crew->pieces[i];

  p->crew = crew;
  p->r.op.data = p;
  p->at = crew->total;
  p->len = 1 + i % 3;
  crew->total += p->len;
  pattern_fill(p->bytes, p->at, p->len);
  check_is(weir_write(&p->r.op, &crew->s.stream,
                      weir_seq_block(p->bytes, p->len), on_piece),
           0);
  check_is(crew->ended, 0);
}

/* As many as fill a window have been begun. */
static void crew_open(struct weir_fixture *f, crew_t *crew,
                      const weir_test_options_t *options) {
  memset(crew, 0, sizeof(*crew));
  crew->f = f;
  crew->next = crew->pieces;
  scripted_open(f, &crew->s, options);
  for (size_t i = 0; i < WEIR_WINDOW; i++)
    crew_write(crew, i);
  crew->window = crew->total;
}

static void crew_write_more(crew_t *crew) {
  for (size_t i = WEIR_WINDOW; i < COUNT; i++)
    crew_write(crew, i);
}

/* The stream got exactly the first `moved` bytes. */
static void crew_expect_written(const crew_t *crew, size_t moved) {
  size_t size;
  const char *written = weir_test_written(crew->s.script, &size);

  check_is(size, moved);
  cr_assert(pattern_holds(written, 0, moved));
}

/* Those that have moved whole ended with success, the others with status and
 * what they moved. */
static void crew_expect_end(crew_t *crew, size_t moved, int status) {
  for (size_t i = 0; i < COUNT && crew->pieces[i].crew != NULL; i++) {
    piece_t *p = &crew->pieces[i];
    size_t n = part(p, moved);

    finish(crew->f, &p->r, n == p->len ? 0 : status, n);
  }
  check_is(weir_stream_queued(&crew->s.stream), 0);
  crew_expect_written(crew, moved);
}

static size_t first_window(void) {
  size_t total = 0;

  for (size_t i = 0; i < WEIR_WINDOW; i++)
    total += 1 + i % 3;
  return total;
}

/* The i-th transfer was offered a full window from that byte on: what is left
 * of one write, and whole ones behind it. */
static void expect_offer(const crew_t *crew, size_t i, size_t from) {
  const weir_test_call_t *call = weir_test_call(crew->s.script, i);
  unsigned used = 0;

  cr_assert(call != NULL, "there was no call %zu", i);
  for (size_t k = 0; k < COUNT && used < WEIR_WINDOW; k++) {
    const piece_t *p = &crew->pieces[k];
    size_t done = part(p, from);

    if (p->crew == NULL || done == p->len)
      continue;
    cr_assert(used < call->segments, "the window has %u segments only",
              call->segments);
    check_is(call->sizes[used++], p->len - done);
  }
  check_is(call->segments, used);
}

/* The first window is cut, at once within the call that filled it, or later;
 * then nothing goes. */
static void stuck_behind(struct weir_fixture *f, size_t cut, int no_now,
                         unsigned turns) {
  weir_test_step_t first = {.bytes = cut, .turns = turns};
  weir_test_options_t options = {.no_now = no_now,
                                 .write = {.steps = &first,
                                           .nsteps = 1,
                                           .rest = {.turns = WEIR_TEST_NEVER}}};
  size_t whole = 0;
  crew_t crew;

  crew_open(f, &crew, &options);
  check_is(weir_stream_queued(&crew.s.stream),
           crew.window - (turns == 0 ? cut : 0));
  crew_write_more(&crew);
  run_some_turns(f);
  while (whole < COUNT &&
         part(&crew.pieces[whole], cut) == crew.pieces[whole].len)
    whole++;
  check_is(crew.ended, whole);
  check_is(weir_stream_queued(&crew.s.stream), crew.total - cut);
  expect_offer(&crew, 0, 0);
  expect_offer(&crew, 1, cut);
  scripted_close_begin(&crew.s);
  crew_expect_end(&crew, cut, UV_ECANCELED);
  scripted_close_end(f, &crew.s);
}

WEIR_TEST(gather, a_cut_at_each_byte_leaves_the_rest_queued) {
  for (size_t cut = 1; cut <= first_window(); cut++) {
    stuck_behind(f, cut, 0, 0);
    stuck_behind(f, cut, 1, 0);
    stuck_behind(f, cut, 1, 1);
  }
}

/* All goes on behind the cut. */
static void goes_on_behind(struct weir_fixture *f, size_t cut, int no_now,
                           unsigned turns) {
  weir_test_step_t first = {.bytes = cut, .turns = turns};
  weir_test_options_t options = {
      .no_now = no_now,
      .write = {.steps = &first, .nsteps = 1, .rest = {.turns = turns}}};
  crew_t crew;

  crew_open(f, &crew, &options);
  crew_write_more(&crew);
  crew_expect_end(&crew, crew.total, 0);
  expect_offer(&crew, 1, cut);
  scripted_close(f, &crew.s);
}

WEIR_TEST(gather, all_goes_on_behind_a_cut_at_each_byte) {
  for (size_t cut = 1; cut < first_window(); cut++) {
    goes_on_behind(f, cut, 0, 0);
    goes_on_behind(f, cut, 1, 0);
    goes_on_behind(f, cut, 1, 1);
  }
}

/* The same again and again, so that each window begins amid a write. */
WEIR_TEST(gather, every_transfer_is_cut) {
  for (size_t most = 1; most <= first_window(); most++) {
    weir_test_options_t options = {.write = {.rest = {.bytes = most}}};
    crew_t crew;
    size_t moved = 0;

    crew_open(f, &crew, &options);
    check_is(weir_stream_queued(&crew.s.stream), crew.window - most);
    crew_write_more(&crew);
    crew_expect_end(&crew, crew.total, 0);
    for (size_t i = 1; moved + most < crew.total; i++) {
      moved += most;
      expect_offer(&crew, i, moved);
    }
    scripted_close(f, &crew.s);
  }
}

/* Bytes go before an error. */
static void fails_behind(struct weir_fixture *f, size_t cut, int no_now,
                         unsigned turns) {
  weir_test_options_t options = {
      .no_now = no_now,
      .write = {
          .fail_at = 1,
          .failure = {.bytes = cut, .status = UV_ETIMEDOUT, .turns = turns}}};
  crew_t crew;

  crew_open(f, &crew, &options);
  check_is(weir_stream_queued(&crew.s.stream), turns == 0 ? 0 : crew.window);
  crew_expect_end(&crew, cut, UV_ETIMEDOUT);
  scripted_close(f, &crew.s);
}

WEIR_TEST(gather, an_error_behind_each_byte_fails_the_rest) {
  for (size_t cut = 0; cut < first_window(); cut++) {
    fails_behind(f, cut, 0, 0);
    fails_behind(f, cut, 1, 0);
    fails_behind(f, cut, 1, 1);
  }
}

/* ---- One of them is cancelled while the window is on its way ---- */

/* What the victim had not moved is left out, and the others go on. */
static void expect_without(crew_t *crew, size_t victim, size_t cut) {
  size_t size, at = 0;
  const char *written = NULL;

  for (size_t i = 0; i < WEIR_WINDOW; i++) {
    piece_t *p = &crew->pieces[i];
    size_t n = i == victim ? part(p, cut) : p->len;

    run_until(crew->f, &p->r.calls);
    check_is(p->r.status, n == p->len ? 0 : UV_ECANCELED);
    check_is(p->r.n, n);
  }
  check_is(weir_stream_queued(&crew->s.stream), 0);
  written = weir_test_written(crew->s.script, &size);
  for (size_t i = 0; i < WEIR_WINDOW; i++) {
    const piece_t *p = &crew->pieces[i];

    cr_assert(at + p->r.n <= size);
    cr_assert(pattern_holds(written + at, p->at, p->r.n));
    at += p->r.n;
  }
  check_is(size, at);
}

static void cancelled_amid(struct weir_fixture *f, size_t cut, size_t victim) {
  weir_test_step_t first = {.bytes = cut, .turns = 2, .flags = WEIR_TEST_DEAF};
  weir_test_options_t options = {.no_now = 1,
                                 .write = {.steps = &first, .nsteps = 1}};
  crew_t crew;

  crew_open(f, &crew, &options);
  weir_cancel(&crew.pieces[victim].r.op);
  check_is(crew.pieces[victim].r.calls, 0);
  expect_without(&crew, victim, cut);
  scripted_close(f, &crew.s);
}

WEIR_TEST(gather, one_is_cancelled_and_the_window_cut_at_each_byte) {
  for (size_t cut = 1; cut <= first_window(); cut++)
    for (size_t victim = 0; victim < WEIR_WINDOW; victim++)
      cancelled_amid(f, cut, victim);
}
