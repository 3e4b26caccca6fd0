/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "support/alloc.h"
#include "support/sweep.h"

/* Reads with a condition: every cut of the memory, every cut of what is
 * delivered, and an error at every transfer, with and without bytes. */

enum { SIZE = 5, TRANSFERS = 6 };

static const char INPUT[] = "abcdefgh";

/* What is varied. */
struct reading {
  struct sweep sweep;
  weir_cond_t cond;
  weir_mseq_t into;
  char memory[SIZE];
};

/* fn of a weir_when: two bytes at most in each transfer, four in all. */
static size_t two_and_two(void *arg, size_t n) {
  (void)arg;
  return n >= 4 ? 0 : (n >= 2 ? 4 - n : 2);
}

/* What a transfer may ask for after `done` bytes: 0 when it is finished. */
static size_t wanted(const weir_cond_t *c, const weir_cond_t *all,
                     const weir_cond_t *least, size_t done) {
  size_t n = SIZE - done;
  size_t limit = n;

  if (c->fn != NULL)
    limit = two_and_two(NULL, done);
  else if (c->how == all->how)
    limit = n;
  else if (done >= c->k)
    limit = 0;
  else if (c->how != least->how)
    limit = c->k - done;
  if (c->cap != 0 && limit > c->cap)
    limit = c->cap;
  return limit < n ? limit : n;
}

/* The contract in a few lines. */
static struct outcome expected(const struct reading *w, size_t fail_at,
                               int *reached) {
  weir_cond_t all = weir_all(), least = weir_at_least(0);
  struct outcome o = {0, 0};
  size_t ask;

  for (size_t transfer = 1;
       (ask = wanted(&w->cond, &all, &least, o.n)) > 0 && !*reached;
       transfer++) {
    size_t give;

    *reached = sweep_give(&w->sweep, transfer, fail_at, ask, &give);
    o.n += give;
  }
  if (ask > 0)
    o.status = UV_ETIMEDOUT;
  return o;
}

static int run(void *arg, size_t fail_at, int *reached) {
  struct reading *w = arg;
  weir_test_options_t options = {.read = sweep_script(&w->sweep, fail_at),
                                 .input = INPUT,
                                 .input_size = sizeof(INPUT) - 1};
  struct outcome o = expected(w, fail_at, reached);
  struct request r = {.calls = 0};
  struct scripted s;

  memset(w->memory, '-', SIZE);
  scripted_open(w->sweep.f, &s, &options);
  check_is(weir_read(&r.op, &s.stream, w->into, w->cond, on_done), 0);
  finish(w->sweep.f, &r, o.status, o.n);
  check_is(weir_test_failed(s.script), *reached);
  check_is(weir_test_delivered(s.script), o.n);
  cr_assert(memcmp(w->memory, INPUT, o.n) == 0);
  cr_assert(o.n == SIZE || w->memory[o.n] == '-');
  scripted_close(w->sweep.f, &s);
  return 0;
}

static int each_failure(void *arg, weir_mseq_t into) {
  struct reading *w = arg;

  w->into = into;
  sweep_failures(&w->sweep, run, TRANSFERS);
  return 0;
}

static void each_cut(struct sweep *sweep) {
  struct reading *w = (struct reading *)sweep;

  check_is(
      weir_test_msplits3(weir_mseq_block(w->memory, SIZE), each_failure, w), 0);
}

static void every_cut_and_failure(struct weir_fixture *f, weir_cond_t cond) {
  struct reading w = {.sweep = {.f = f}, .cond = cond};

  sweep_cuts(&w.sweep, SIZE, each_cut);
}

WEIR_TEST(read_cond, all_at_every_cut_and_failure) {
  every_cut_and_failure(f, weir_all());
}

WEIR_TEST(read_cond, at_least_at_every_cut_and_failure) {
  size_t k;

  for (k = 0; k <= SIZE; k += 1)
    every_cut_and_failure(f, weir_at_least(k));
}

WEIR_TEST(read_cond, exactly_at_every_cut_and_failure) {
  size_t k;

  for (k = 0; k <= SIZE; k++)
    every_cut_and_failure(f, weir_exactly(k));
}

WEIR_TEST(read_cond, when_at_every_cut_and_failure) {
  every_cut_and_failure(f, weir_when(two_and_two, NULL));
}

WEIR_TEST(read_cond, a_cap_bounds_each_transfer) {
  weir_cond_t cond = weir_all();

  cond.cap = 2;
  every_cut_and_failure(f, cond);
}

WEIR_TEST(read_cond, transfers_ask_for_what_the_condition_allows) {
  weir_test_options_t options = {.read = {.rest = {.bytes = 1}},
                                 .input = INPUT,
                                 .input_size = sizeof(INPUT) - 1};
  weir_cond_t cond = weir_at_least(2);
  struct request r = {.calls = 0};
  struct scripted s;
  char in[8];

  scripted_open(f, &s, &options);
  cond.cap = 3;
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), cond, on_done),
           0);
  finish(f, &r, 0, 2);
  r.calls = 0;
  check_is(weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_exactly(2),
                     on_done),
           0);
  finish(f, &r, 0, 2);
  check_is(scripted_call(&s, 0, WEIR_TEST_READ)->offered, 3);
  check_is(scripted_call(&s, 1, WEIR_TEST_READ)->offered, 3);
  check_is(scripted_call(&s, 2, WEIR_TEST_READ)->offered, 2);
  check_is(scripted_call(&s, 3, WEIR_TEST_READ)->offered, 1);
  scripted_close(f, &s);
}

WEIR_TEST(read_cond, the_end_of_the_stream_comes_with_the_count) {
  const weir_test_step_t steps[] = {{.bytes = 2},
                                    {.bytes = 1, .status = UV_EOF}};
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 2}, .input = INPUT, .input_size = 3};
  struct request r = {.calls = 0};
  struct scripted s;
  char in[8];

  scripted_open(f, &s, &options);
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_all(), on_done),
      0);
  finish(f, &r, UV_EOF, 3);
  r.calls = 0;
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_all(), on_done),
      0);
  finish(f, &r, UV_EOF, 0);
  check_is(weir_test_calls(s.script), 2);
  scripted_close(f, &s);

  /* Together with the last byte that was asked for: success first. */
  scripted_open(f, &s, &options);
  r.calls = 0;
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 3), weir_all(), on_done),
      0);
  finish(f, &r, 0, 3);
  r.calls = 0;
  check_is(weir_read_some(&r.op, &s.stream, weir_mseq_block(in, 3), on_done),
           0);
  finish(f, &r, UV_EOF, 0);
  check_is(weir_test_calls(s.script), 2);
  scripted_close(f, &s);
}

WEIR_TEST(read_cond, cancelled_in_the_middle) {
  const weir_test_step_t steps[] = {{.bytes = 2}, {.turns = WEIR_TEST_NEVER}};
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = 2},
                                 .input = INPUT,
                                 .input_size = sizeof(INPUT) - 1};
  struct request r = {.calls = 0};
  struct scripted s;
  char in[8];

  scripted_open(f, &s, &options);
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_all(), on_done),
      0);
  run_some_turns(f);
  weir_cancel(&r.op);
  finish(f, &r, UV_ECANCELED, 2);
  scripted_close(f, &s);
}

WEIR_TEST(read_cond, impossible_conditions_are_refused_before_any_call) {
  struct request r = {.calls = 0};
  struct scripted s;
  weir_cond_t none = {.how = 0};
  char in[8];
  weir_mseq_t into = weir_mseq_block(in, 8);

  scripted_open(f, &s, NULL);
  check_is(weir_read(&r.op, &s.stream, into, weir_at_least(9), on_done),
           UV_EINVAL);
  check_is(weir_read(&r.op, &s.stream, into, weir_exactly(9), on_done),
           UV_EINVAL);
  check_is(weir_read(&r.op, &s.stream, into, weir_when(NULL, NULL), on_done),
           UV_EINVAL);
  check_is(weir_read(&r.op, &s.stream, into, none, on_done), UV_EINVAL);
  run_some_turns(f);
  check_is(weir_test_calls(s.script), 0);
  check_is(r.calls, 0);
  scripted_close(f, &s);
}

WEIR_TEST(read_cond, nothing_is_allocated) {
  weir_test_options_t options = {.read = {.rest = {.bytes = 1}},
                                 .input = INPUT,
                                 .input_size = sizeof(INPUT) - 1};
  struct request r = {.calls = 0};
  struct scripted s;
  char in[8];
  size_t calls;

  scripted_open(f, &s, &options);
  calls = alloc_calls();
  check_is(
      weir_read(&r.op, &s.stream, weir_mseq_block(in, 8), weir_all(), on_done),
      0);
  finish(f, &r, 0, 8);
  check_is(alloc_calls(), calls);
  scripted_close(f, &s);
}
