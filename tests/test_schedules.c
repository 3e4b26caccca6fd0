/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "random.h"
#include "support/net.h"
#include "support/scripted.h"

/* Thousands of short lives of a stream, whose kind and whose user both do what
 * a seed says: transfers that are cut, wait, are refused, fail or do not hear,
 * and operations that are begun, cancelled, gathered and closed. What the
 * stream has taken and given is, byte for byte, what the operations say. */

enum { LIVES = 6000, STEPS = 12, ACTS = 24, OPS = 40, MOST = 24, INPUT = 400 };

struct act {
  weir_op_t op;
  int outstanding;
  int read;
  int some;
  int eof;
  int status;
  size_t at; /* of a read: where its bytes go; of a write: of the pattern */
  size_t len;
  size_t n;
  char bytes[MOST + 3];
};

struct life {
  struct weir_fixture *f;
  random_t *dice;
  struct scripted s;
  weir_test_step_t steps[2][STEPS];
  struct act acts[OPS];
  size_t used;
  struct act *reading;
  size_t offset;    /* of the next write, in the pattern */
  size_t got;       /* bytes that reads have had */
  struct act *last; /* write that succeeded */
  int inside;       /* a call of the library: no callback comes */
  int closing;
};

static char input[INPUT];

static size_t below(struct life *l, size_t bound) {
  return random_below(l->dice, bound);
}

/* ---- The kind ---- */

static weir_test_step_t any_step(struct life *l) {
  weir_test_step_t step = {.bytes = below(l, 9)};

  switch (below(l, 16)) {
  case 0:
    step = (weir_test_step_t){.status = UV_EAGAIN};
    break;
  case 1:
    if (below(l, 12) == 0)
      step = (weir_test_step_t){.status = UV_EBUSY};
    break;
  case 2:
    step.turns = WEIR_TEST_NEVER;
    break;
  case 3:
    if (below(l, 4) == 0)
      step.status = UV_ETIMEDOUT;
    break;
  case 4:
    step.flags = WEIR_TEST_DEAF;
    step.turns = 1;
    break;
  default:
    step.turns = (unsigned)below(l, 3);
  }
  return step;
}

static void life_open(struct life *l) {
  weir_test_options_t options = {.input = input,
                                 .input_size = INPUT,
                                 .at_end = below(l, 2) ? 0 : WEIR_PENDING,
                                 .no_now = below(l, 2) == 0};
  weir_test_script_t *sides[] = {&options.read, &options.write};

  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < STEPS; i++)
      l->steps[side][i] = any_step(l);
    sides[side]->steps = l->steps[side];
    sides[side]->nsteps = below(l, STEPS + 1);
    sides[side]->rest.bytes = below(l, 7);
    sides[side]->rest.turns = (unsigned)below(l, 2);
  }
  options.shutdown.turns = (unsigned)below(l, 3);
  scripted_open(l->f, &l->s, &options);
}

/* A transfer that waits ends now. */
static void finish_one(struct life *l) {
  weir_test_step_t step = {.bytes = below(l, 9)};

  (void)weir_test_finish(l->s.script,
                         below(l, 2) ? WEIR_TEST_READ : WEIR_TEST_WRITE, &step);
}

/* ---- The user ---- */

static void act(struct life *l);

static void check_read(struct life *l, const struct act *a) {
  cr_assert(a->n == 0 || memcmp(a->bytes, input + l->got, a->n) == 0,
            "a read has other bytes");
  l->got += a->n;
  if (a->status == 0)
    cr_assert(a->some ? a->n > 0 || a->len == 0 : a->n == a->len);
}

/* Successes come in the order of the calls. */
static void check_write(struct life *l, struct act *a) {
  if (a->status != 0) {
    cr_assert(a->n < a->len || a->len == 0 || a->eof || a->some,
              "%s with all bytes moved", uv_err_name(a->status));
    return;
  }
  cr_assert(a->some ? a->n > 0 || a->len == 0 : a->n == a->len);
  cr_assert(l->last == NULL || a > l->last, "writes ended in another order");
  l->last = a;
}

static void on_act(weir_op_t *op, int status, size_t n) {
  struct life *l = op->data;
  struct act *a = (struct act *)op;

  check_is(l->inside, 0);
  check_is(a->outstanding, 1);
  cr_assert(n <= a->len);
  a->outstanding = 0;
  a->status = status;
  a->n = n;
  if (a->read) {
    l->reading = NULL;
    check_read(l, a);
  } else {
    check_write(l, a);
  }
  if (below(l, 3) == 0)
    act(l);
}

static struct act *act_new(struct life *l, int read) {
  struct act *a = &l->acts[l->used];

  *a = (struct act){.read = read, .len = below(l, MOST + 1)};
  a->op.data = l;
  return a;
}

/* Up to three segments that do not touch. */
static size_t cut(struct life *l, struct act *a, uv_buf_t bufs[3]) {
  size_t first = below(l, a->len + 1), second = below(l, a->len - first + 1);

  /* In one place, or in three. */
  if (a->read || below(l, 2)) {
    bufs[0] = uv_buf_init(a->bytes, (unsigned)a->len);
    pattern_fill(a->bytes, l->offset, a->read ? 0 : a->len);
    return 1;
  }
  bufs[0] = uv_buf_init(a->bytes, (unsigned)first);
  bufs[1] = uv_buf_init(a->bytes + first + 1, (unsigned)second);
  bufs[2] = uv_buf_init(a->bytes + first + second + 2,
                        (unsigned)(a->len - first - second));
  pattern_fill(bufs[0].base, l->offset, first);
  pattern_fill(bufs[1].base, l->offset + first, second);
  pattern_fill(bufs[2].base, l->offset + first + second,
               a->len - first - second);
  return 3;
}

static void begin_read(struct life *l) {
  struct act *a = act_new(l, 1);
  uv_buf_t bufs[3];
  weir_mseq_t into = weir_mseq_bufs(bufs, cut(l, a, bufs));
  int r;

  if (l->reading != NULL)
    return;
  a->some = below(l, 2) == 0;
  r = a->some ? weir_read_some(&a->op, &l->s.stream, into, on_act)
              : weir_read(&a->op, &l->s.stream, into, weir_all(), on_act);
  check_is(r, l->closing ? UV_EBADF : 0);
  if (r != 0)
    return;
  a->outstanding = 1;
  l->reading = a;
  l->used++;
}

/* By one of the calls that queue. */
static int queue_write(struct life *l, struct act *a, weir_seq_t from) {
  size_t form = below(l, 16);

  a->some = form < 3;
  a->eof = form == 3 && below(l, 3) == 0;
  if (a->some)
    return weir_write_some(&a->op, &l->s.stream, from, on_act);
  if (a->eof)
    return weir_write_eof(&a->op, &l->s.stream, from, on_act);
  return weir_write(&a->op, &l->s.stream, from, on_act);
}

static void begin_write(struct life *l) {
  struct act *a = act_new(l, 0);
  uv_buf_t bufs[3];
  weir_seq_t from = weir_seq_bufs(bufs, cut(l, a, bufs));
  int r;

  a->at = l->offset;
  if (below(l, 5) == 0) {
    r = weir_write_now(&a->op, &l->s.stream, from, &a->n, on_act);
    a->outstanding = r == WEIR_PENDING;
    if (r == 0)
      check_is(a->n, a->len);
  } else {
    r = queue_write(l, a, from);
    a->outstanding = r == 0;
  }
  l->offset += a->len;
  l->used++;
}

static void cancel_one(struct life *l) {
  if (l->used == 0)
    return;
  struct act *a = &l->acts[below(l, l->used)];
  if (a->outstanding)
    weir_cancel(&a->op);
}

static void close_it(struct life *l) {
  if (!l->closing)
    scripted_close_begin(&l->s);
  l->closing = 1;
}

static void act(struct life *l) {
  size_t what = below(l, 40);

  l->inside = 1;
  if (what < 4)
    cancel_one(l);
  else if (what < 7)
    finish_one(l);
  else if (what == 7)
    close_it(l);
  else if (l->used == OPS)
    ;
  else if (what < 18)
    begin_read(l);
  else
    begin_write(l);
  l->inside = 0;
}

/* ---- A life ---- */

/* The stream has taken what the writes say that they moved, in the order of
 * the calls, and given what the reads say. */
static void check_bytes(const struct life *l) {
  size_t size, at = 0;
  const char *written = weir_test_written(l->s.script, &size);

  for (size_t i = 0; i < l->used; i++) {
    const struct act *a = &l->acts[i];

    check_is(a->outstanding, 0);
    if (a->read)
      continue;
    cr_assert(at + a->n <= size, "%zu bytes of write %zu are missing",
              at + a->n - size, i);
    cr_assert(pattern_holds(written + at, a->at, a->n),
              "write %zu arrived with other bytes", i);
    at += a->n;
  }
  check_is(at, size);
  check_is(l->got, weir_test_delivered(l->s.script));
}

static void live(struct weir_fixture *f, random_t *dice) {
  static struct life l;

  l = (struct life){.f = f, .dice = dice};
  life_open(&l);
  for (size_t i = 1 + below(&l, ACTS); i > 0; i--) {
    act(&l);
    if (below(&l, 2))
      uv_run(&f->uv, UV_RUN_NOWAIT);
  }
  close_it(&l);
  run_until(f, &l.s.closed);
  check_is(weir_stream_queued(&l.s.stream), 0);
  check_bytes(&l);
  scripted_close_end(f, &l.s);
}

WEIR_TEST(schedules, whatever_a_kind_does_the_counts_are_those_of_the_bytes) {
  random_t dice = random_seeded("schedules");

  pattern_fill(input, 0, INPUT);
  for (int i = 0; i < LIVES; i++)
    live(f, &dice);
}
