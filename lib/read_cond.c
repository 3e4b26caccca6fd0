/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>

#include "rare.h"
#include "read.h"
#include "seq.h"

/* Reads into a sequence: some, and until a condition is met. */

/* weir_cond_t.how */
enum {
  WEIR__COND_ALL = 1,
  WEIR__COND_AT_LEAST,
  WEIR__COND_EXACTLY,
  WEIR__COND_WHEN
};

/* What a conditional read keeps in its op. */
typedef struct when_s {
  weir_cond_fn fn;
  void *arg;
  size_t cap; /* SIZE_MAX: none */
} when_t;

static_assert(sizeof(when_t) <= WEIR_OP_SCRATCH,
              "a read condition fits in an op");

static when_t *when_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

/* Asks the application, which also says how much is to come next. */
static int ask(weir_op_t *op) {
  const when_t *when = when_of(op);
  op->need = op->left == 0 ? 0 : when->fn(when->arg, op->done);
  return op->need == 0;
}

static size_t cap_of(const weir_op_t *op) {
  return when_of(op)->cap;
}

static size_t wish_of(const weir_op_t *op) {
  size_t cap = when_of(op)->cap;
  return op->need < cap ? op->need : cap;
}

static int took_and_ask(weir_op_t *op, size_t n) {
  if (n == 0)
    return 0;
  weir__seq_advance(&op->seq, n);
  op->done += n;
  op->left -= n;
  return ask(op);
}

static const weir__read_plan_t some = {
    .type = {.name = "read_some", .cancel = weir__read_cancel},
    .plain = 1,
    .at_end = UV_EOF,
};

static const weir__read_plan_t uncapped = {
    .type = {.name = "read", .cancel = weir__read_cancel},
    .plain = 1,
    .at_end = UV_EOF,
};

static const weir__read_plan_t counted = {
    .type = {.name = "read", .cancel = weir__read_cancel},
    .limit = cap_of,
    .at_end = UV_EOF,
};

static const weir__read_plan_t asked = {
    .type = {.name = "read when", .cancel = weir__read_cancel},
    .held = ask,
    .limit = wish_of,
    .took = took_and_ask,
    .at_end = UV_EOF,
};

static WEIR__APART int read_some(weir_op_t *op, weir_stream_t *stream,
                                 const weir_seq_t *into, weir_op_cb cb) {
  size_t size = weir__seq_size(into);
  int r = weir__read_begin(op, stream, into, size, &some, cb);
  if (r != 0)
    return r;
  op->need = size != 0;
  return weir__read_go(stream);
}

/* What is common is begun without a call. */
int weir_read_some(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
                   weir_op_cb cb) {
  const weir_seq_t *seq = &into.seq;
  if (op == NULL || stream == NULL || cb == NULL || stream->reader != NULL ||
      seq->left == 0 || !weir__stream_ready(stream, 0, seq))
    return read_some(op, stream, seq, cb);
  weir__op_begin_simple(op, stream->loop, stream, &some.type, seq, cb);
  op->need = 1;
  stream->reader = op;
  return weir__read_go(stream);
}

int weir_read(weir_op_t *op, weir_stream_t *stream, weir_mseq_t into,
              weir_cond_t cond, weir_op_cb cb) {
  size_t size = weir__seq_size(&into.seq);
  size_t need = cond.how == WEIR__COND_ALL ? size : cond.k;
  const weir__read_plan_t *plan = cond.cap == 0 ? &uncapped : &counted;
  if (cond.how < WEIR__COND_ALL || cond.how > WEIR__COND_WHEN || need > size)
    return UV_EINVAL;
  if (cond.how == WEIR__COND_EXACTLY) {
    into = weir_mseq_prefix(into, need);
    size = need;
  }
  if (cond.how == WEIR__COND_WHEN) {
    if (cond.fn == NULL)
      return UV_EINVAL;
    plan = &asked;
  }
  int r = weir__read_begin(op, stream, &into.seq, size, plan, cb);
  if (r != 0)
    return r;
  op->need = need;
  *when_of(op) =
      (when_t){cond.fn, cond.arg, cond.cap == 0 ? SIZE_MAX : cond.cap};
  if (plan != &asked)
    weir__read_go(stream);
  else
    weir__stream_want(stream, WEIR__WANT_READ);
  return 0;
}

weir_cond_t weir_all(void) {
  return (weir_cond_t){.how = WEIR__COND_ALL};
}

weir_cond_t weir_at_least(size_t k) {
  return (weir_cond_t){.how = WEIR__COND_AT_LEAST, .k = k};
}

weir_cond_t weir_exactly(size_t k) {
  return (weir_cond_t){.how = WEIR__COND_EXACTLY, .k = k};
}

weir_cond_t weir_when(weir_cond_fn fn, void *arg) {
  return (weir_cond_t){.how = WEIR__COND_WHEN, .fn = fn, .arg = arg};
}
