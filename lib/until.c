/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/until.h>

#include <assert.h>

#include "stream.h"
#include "until.h"

/* Reads into a dynamic buffer. What comes is searched where it was read to,
 * before it is committed, so that no read walks the buffer from its front. */

enum { LEAST_CAP = 4096 };

/* weir_until_t.how */
enum { UNTIL_BYTE = 1, UNTIL_BYTES, UNTIL_MATCH };

typedef struct match_s {
  weir_match_fn fn;
  void *arg;
} match_t;

/* What such a read keeps in its op, whose `offset` tells which it is. */
typedef struct state_s {
  weir_buffer_t *buffer;
  size_t cap;
  union {
    weir_search_t search;
    match_t match;
  } u;
} state_t;

static_assert(sizeof(state_t) <= sizeof(((weir_op_t *)0)->scratch),
              "the state of a read until fits in an op");

static state_t *state_of(weir_op_t *op) {
  return (state_t *)(void *)op->scratch;
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
  if (op->type == WEIR__READ_TO_END)
    return 0;
  if (op->offset == UNTIL_MATCH)
    r = match(&state->u.match, piece, &end);
  else
    r = weir_search_feed(&state->u.search, piece, &end);
  if (r > 0)
    op->done = before + end;
  return r;
}

int weir__until_held(weir_op_t *op) {
  state_t *state = state_of(op);
  op->done = weir_buffer_size(state->buffer);
  return look(op, weir_buffer_data(state->buffer), 0);
}

int weir__until_prepare(weir_op_t *op) {
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

int weir__until_transferred(weir_op_t *op, size_t n) {
  state_t *state = state_of(op);
  size_t before = weir_buffer_size(state->buffer);
  op->done = before + n;
  int r = look(op, weir_seq_prefix(op->seq, n), before);
  weir_buffer_unhold(state->buffer, WEIR_HOLD_ROOM);
  weir_buffer_commit(state->buffer, n);
  return r;
}

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
                 weir__op_type_t type, size_t cap, weir_op_cb cb) {
  if (buffer == NULL)
    return UV_EINVAL;
  int r = weir__read_begin(op, stream, weir_seq_block(NULL, 0), type, 0, cb);
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
  op->offset = until->how;
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
  int r = begin(op, stream, buffer, WEIR__READ_UNTIL, until.cap, cb);
  if (r == 0)
    look_for(op, &until);
  return r;
}

int weir_read_to_end(weir_op_t *op, weir_stream_t *stream,
                     weir_buffer_t *buffer, size_t cap, weir_op_cb cb) {
  return begin(op, stream, buffer, WEIR__READ_TO_END, cap, cb);
}
