/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/until.h>

#include <assert.h>

#include "read.h"

/* Reads into a dynamic buffer, in which something is prepared exactly while a
 * transfer is asked for. What comes is searched where it was read to,
 * before it is committed, so that no read walks the buffer from its front. */

enum { LEAST_CAP = 4096 };

/* weir_until_t.how */
enum { UNTIL_BYTE = 1, UNTIL_BYTES, UNTIL_MATCH };

typedef struct match_s {
  weir_match_fn fn;
  void *arg;
} match_t;

/* What such a read keeps in its op, whose `form` tells which it is. */
typedef struct state_s {
  weir_buffer_t *buffer;
  size_t cap;
  union {
    weir_search_t search;
    match_t match;
  } u;
} state_t;

static_assert(sizeof(state_t) <= WEIR_OP_ROOM,
              "the state of a read until fits in an op");

static state_t *state_of(weir_op_t *op) {
  return weir__op_room(op);
}

static int match(const match_t *m, weir_seq_t piece, size_t *end) {
  uv_buf_t segment;
  size_t before = 0;
  while (weir_seq_next(&piece, &segment)) {
    size_t at = 0;
    int r = m->fn(m->arg, segment.base, segment.len, &at);
    if (r != 0) {
      *end = before + (at < segment.len ? at : segment.len);
      return r < 0 ? r : 1;
    }
    before += segment.len;
  }
  return 0;
}

/* Looks at a piece that begins `before` bytes into the data. */
static int look(weir_op_t *op, weir_seq_t piece, size_t before) {
  state_t *state = state_of(op);
  size_t end;
  int r = 0;
  if (op->form == UNTIL_MATCH)
    r = match(&state->u.match, piece, &end);
  else
    r = weir_search_feed(&state->u.search, piece, &end);
  if (r > 0)
    op->done = before + end;
  return r;
}

static int held(weir_op_t *op) {
  state_t *state = state_of(op);
  op->done = weir_buffer_size(state->buffer);
  return look(op, weir_buffer_data(state->buffer), 0);
}

static int hold_all(weir_op_t *op) {
  op->done = weir_buffer_size(state_of(op)->buffer);
  return 0;
}

static int prepare(weir_op_t *op) {
  state_t *state = state_of(op);
  weir_mseq_t room;
  size_t size = weir_buffer_size(state->buffer);
  size_t capacity = weir_buffer_capacity(state->buffer);
  size_t allowed = weir_buffer_max_size(state->buffer) - size;
  size_t n = state->cap;
  if (allowed == 0)
    return UV_ENOBUFS;
  if (n == WEIR_CAP_DEFAULT)
    n = capacity > size + LEAST_CAP ? capacity - size : LEAST_CAP;
  if (n > allowed)
    n = allowed;
  int r = weir_buffer_prepare(state->buffer, n, &room);
  if (r != 0)
    return r;
  weir_buffer_hold(state->buffer, WEIR_HOLD_ROOM);
  op->seq = weir_seq_from(room);
  op->left = n;
  return 0;
}

static void commit(weir_op_t *op, size_t n) {
  state_t *state = state_of(op);
  weir_buffer_unhold(state->buffer, WEIR_HOLD_ROOM);
  weir_buffer_commit(state->buffer, n);
}

static int took(weir_op_t *op, size_t n) {
  size_t before = weir_buffer_size(state_of(op)->buffer);
  op->done = before + n;
  int r = look(op, weir_seq_prefix(op->seq, n), before);
  commit(op, n);
  return r;
}

static int take_all(weir_op_t *op, size_t n) {
  op->done = weir_buffer_size(state_of(op)->buffer) + n;
  commit(op, n);
  return 0;
}

static const weir__read_plan_t until_plan = {
    .type = {.name = "read_until", .cancel = weir__read_cancel},
    .held = held,
    .prepare = prepare,
    .took = took,
    .at_end = UV_EOF,
};

static const weir__read_plan_t to_end_plan = {
    .type = {.name = "read_to_end", .cancel = weir__read_cancel},
    .held = hold_all,
    .prepare = prepare,
    .took = take_all,
    .at_end = 0,
};

/* ---- The calls ---- */

weir_until_t weir_until_byte(unsigned char byte) {
  return (weir_until_t){.how = UNTIL_BYTE, .byte = byte};
}

weir_until_t weir_until_bytes(const void *bytes, size_t len) {
  return (weir_until_t){.how = UNTIL_BYTES, .bytes = bytes, .len = len};
}

weir_until_t weir_until_match(weir_match_fn fn, void *arg) {
  return (weir_until_t){.how = UNTIL_MATCH, .match = fn, .arg = arg};
}

static int begin(weir_op_t *op, weir_stream_t *stream, weir_buffer_t *buffer,
                 const weir__read_plan_t *plan, size_t cap, weir_op_cb cb) {
  if (buffer == NULL)
    return UV_EINVAL;
  const weir_seq_t none = weir_seq_block(NULL, 0);
  int r = weir__read_begin(op, stream, &none, 0, plan, cb);
  if (r != 0)
    return r;
  state_t *state = state_of(op);
  state->buffer = buffer;
  state->cap = cap;
  op->done = weir_buffer_size(buffer);
  return 0;
}

static void look_for(weir_op_t *op, const weir_until_t *until) {
  state_t *state = state_of(op);
  op->form = (unsigned char)until->how;
  if (until->how == UNTIL_MATCH) {
    state->u.match.fn = until->match;
    state->u.match.arg = until->arg;
  } else if (until->how == UNTIL_BYTES) {
    weir_search_init(&state->u.search, until->bytes, until->len);
  } else {
    /* The op stays where it is, and so does the byte in it. */
    unsigned char *byte = (unsigned char *)&op->need;
    *byte = until->byte;
    weir_search_init(&state->u.search, byte, 1);
  }
}

int weir_read_until(weir_op_t *op, weir_stream_t *stream, weir_buffer_t *buffer,
                    weir_until_t until, weir_op_cb cb) {
  if (until.how < UNTIL_BYTE || until.how > UNTIL_MATCH ||
      (until.how == UNTIL_BYTES && (until.bytes == NULL || until.len == 0)) ||
      (until.how == UNTIL_MATCH && until.match == NULL))
    return UV_EINVAL;
  int r = begin(op, stream, buffer, &until_plan, until.cap, cb);
  if (r != 0)
    return r;
  look_for(op, &until);
  if (until.how != UNTIL_MATCH)
    weir__read_go(stream);
  else
    weir__stream_want(stream, WEIR__WANT_READ);
  return 0;
}

int weir_read_to_end(weir_op_t *op, weir_stream_t *stream,
                     weir_buffer_t *buffer, size_t cap, weir_op_cb cb) {
  int r = begin(op, stream, buffer, &to_end_plan, cap, cb);
  return r == 0 ? weir__read_go(stream) : r;
}
