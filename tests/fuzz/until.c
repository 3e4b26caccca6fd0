/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir.h>
#include <weir/test.h>

/* The input chooses a buffer, a delimiter and what the transfers do; the rest
 * of it is what the stream delivers. A read until the delimiter, call after
 * call, has to find what a plain search of all the bytes finds. */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

enum { CAPACITY = 64, STEPS = 8, DELIMITER = 8 };

static const uint8_t *next_input, *end_input;
static uv_loop_t uv;
static weir_loop_t *loop;

typedef struct reader_s {
  weir_op_t op;
  int called;
  int status;
  size_t n;
} reader_t;

/* What one run reads, and how far it is. */
typedef struct run_s {
  weir_stream_t stream;
  weir_test_stream_t *script;
  weir_buffer_t buffer;
  weir_until_t until;
  const uint8_t *bytes;
  size_t size;
  size_t consumed;
} run_t;

static void expect(int truth) {
  if (!truth)
    abort();
}

static size_t take(size_t bound) {
  return next_input < end_input ? *next_input++ % bound : 0;
}

static void attach(void) {
  weir_loop_options_t options = {.backend = WEIR_BACKEND_UV};

  if (loop != NULL)
    return;
  expect(uv_loop_init(&uv) == 0);
  expect(weir_loop_attach(&uv, &options, &loop) == 0);
}

static void make_buffer(weir_buffer_t *buffer, char storage[CAPACITY]) {
  static const char filler[CAPACITY];
  size_t kind = take(4);
  size_t limit = 1 + take(CAPACITY);
  weir_buffer_options_t options = {.max_size = limit, .block_size = 128};

  if (kind == 0)
    expect(weir_flat_init(buffer, &options) == 0);
  else if (kind == 1)
    weir_flat_init_fixed(buffer, storage, limit);
  else if (kind == 2)
    weir_ring_init_fixed(buffer, storage, limit);
  else
    expect(weir_chain_init(buffer, &options) == 0);
  limit = take(limit + 1);
  expect(weir_buffer_put(buffer, weir_seq_block(filler, limit)) == 0);
  expect(weir_buffer_consume(buffer, limit) == limit);
}

static void make_steps(weir_test_step_t steps[STEPS]) {
  size_t i;

  for (i = 0; i < STEPS; i++) {
    size_t what = take(256);

    memset(&steps[i], 0, sizeof(steps[i]));
    steps[i].bytes = 1 + what % 13;
    steps[i].turns = what >> 4 & 1;
    if (what >> 5 == 7)
      steps[i].status = UV_ETIMEDOUT;
    else if (what >> 5 == 6)
      steps[i].status = UV_EOF;
  }
}

static void on_done(weir_op_t *op, int status, size_t n) {
  reader_t *r = (reader_t *)op;

  r->called++;
  r->status = status;
  r->n = n;
}

/* The offset just past the first match in the first `held` bytes of what is
 * not consumed, or 0. */
static size_t search(const run_t *run, size_t held) {
  const uint8_t *bytes = run->bytes + run->consumed;
  size_t at;

  for (at = run->until.len; at <= held; at++)
    if (memcmp(bytes + at - run->until.len, run->until.bytes, run->until.len) ==
        0)
      return at;
  return 0;
}

/* Reads once; returns whether there is more to come. */
static int read_once(run_t *run) {
  reader_t r = {.called = 0};
  size_t held, match, used = 0;

  expect(weir_read_until(&r.op, &run->stream, &run->buffer, run->until,
                         on_done) == 0);
  while (!r.called)
    uv_run(&uv, UV_RUN_ONCE);
  held = weir_buffer_size(&run->buffer);
  expect(run->consumed + held == weir_test_delivered(run->script));
  expect(weir_buffer_prepared(&run->buffer) == 0);
  expect(weir_seq_compare(weir_buffer_data(&run->buffer),
                          weir_seq_block(run->bytes + run->consumed, held)) ==
         0);
  match = search(run, held);
  if (r.status == 0) {
    expect(r.n != 0 && r.n == match);
    used = r.n;
  } else {
    expect(match == 0 && r.n == held);
    if (r.status == UV_ENOBUFS) {
      expect(held == weir_buffer_max_size(&run->buffer));
      used = take(held) + 1;
    }
  }
  run->consumed += used;
  expect(weir_buffer_consume(&run->buffer, used) == used);
  return r.status != UV_EOF;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  char storage[CAPACITY], delimiter[DELIMITER];
  weir_test_step_t steps[STEPS];
  weir_test_options_t options = {.read = {.steps = steps, .nsteps = STEPS}};
  run_t run = {.consumed = 0};
  size_t i, len;

  next_input = input;
  end_input = input + size;
  attach();
  make_buffer(&run.buffer, storage);
  make_steps(steps);
  len = 1 + take(DELIMITER);
  for (i = 0; i < len; i++)
    delimiter[i] = (char)('a' + take(2));
  run.until = weir_until_bytes(delimiter, len);
  run.until.cap = take(16);
  options.read.rest.bytes = take(8);
  run.bytes = next_input;
  run.size = (size_t)(end_input - next_input);
  options.input = run.bytes;
  options.input_size = run.size;
  expect(weir_test_stream(loop, &run.stream, &options, &run.script) == 0);
  while (read_once(&run))
    ;
  expect(weir_close(&run.stream, NULL) == 0);
  uv_run(&uv, UV_RUN_DEFAULT);
  expect(weir_test_stream_free(run.script) == 0);
  expect(weir_buffer_reset(&run.buffer) == 0);
  return 0;
}
