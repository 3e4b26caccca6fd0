/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/until.h>

#include <assert.h>

#include "buffer_lease.h"
#include "lease.h"
#include "read.h"

/* Reads into a dynamic buffer, in which something is prepared exactly while a
 * transfer is asked for. What comes is searched where it was read to,
 * before it is committed, so that no read walks the buffer from its front. */

enum { LEAST_CAP = 4096 };

/* weir_until_t.how */
enum { UNTIL_NOTHING, UNTIL_BYTE, UNTIL_BYTES, UNTIL_MATCH };

typedef struct match_s {
  weir_match_fn fn;
  void *arg;
} match_t;

/* What such a read keeps in its op: the most bytes of a transfer in `need`,
 * here in `form` and in the scratch what it looks for, and in the room this. */
typedef union look_s {
  unsigned char byte;
  weir_search_t search;
  match_t match;
} look_t;

typedef struct state_s {
  weir__borrow_t borrow; /* of a chain over leases */
  weir_buffer_t *buffer;
} state_t;

static_assert(sizeof(state_t) <= WEIR_OP_ROOM &&
                  sizeof(look_t) <= WEIR_OP_SCRATCH,
              "the state of a read until fits in an op");

static weir_buffer_t *buffer_of(const weir_op_t *op) {
  return ((state_t *)weir__op_room(op))->buffer;
}

static look_t *look_of(const weir_op_t *op) {
  return weir__op_scratch(op);
}

static int find_byte(unsigned char byte, weir_seq_t piece, size_t *end) {
  size_t at = weir_seq_find_byte(piece, byte);
  *end = at + 1;
  return at != SIZE_MAX;
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

static int find(weir_op_t *op, weir_seq_t piece, size_t *end) {
  look_t *look = look_of(op);
  switch (op->form) {
  case UNTIL_NOTHING:
    return 0;
  case UNTIL_BYTE:
    return find_byte(look->byte, piece, end);
  case UNTIL_BYTES:
    return weir_search_feed(&look->search, piece, end);
  default:
    return match(&look->match, piece, end);
  }
}

/* Looks at a piece of n bytes that begins `before` bytes into the data. */
static int look_at(weir_op_t *op, weir_seq_t piece, size_t before, size_t n) {
  size_t end = 0;
  int r = find(op, piece, &end);
  op->done = before + (r > 0 ? end : n);
  return r;
}

static int held(weir_op_t *op) {
  const weir_buffer_t *buffer = buffer_of(op);
  return look_at(op, weir_buffer_data(buffer), 0, weir_buffer_size(buffer));
}

/* ---- Into what is prepared ---- */

static int prepare_room(weir_op_t *op, size_t n) {
  weir_buffer_t *buffer = buffer_of(op);
  weir_mseq_t room;
  int r = weir_buffer_prepare(buffer, n, &room);
  if (r != 0)
    return r;
  weir_buffer_hold(buffer, WEIR_HOLD_ROOM);
  op->seq = weir_seq_from(room);
  op->left = n;
  return 0;
}

static int prepare(weir_op_t *op) {
  const weir_buffer_t *buffer = buffer_of(op);
  size_t size = weir_buffer_size(buffer);
  size_t capacity = weir_buffer_capacity(buffer);
  size_t allowed = weir_buffer_max_size(buffer) - size;
  size_t n = op->need;
  if (allowed == 0)
    return UV_ENOBUFS;
  if (n == WEIR_CAP_DEFAULT)
    n = capacity > size + LEAST_CAP ? capacity - size : LEAST_CAP;
  return prepare_room(op, weir__smaller(n, allowed));
}

static int took(weir_op_t *op, size_t n) {
  weir_buffer_t *buffer = buffer_of(op);
  int r = look_at(op, weir_seq_prefix(op->seq, n), weir_buffer_size(buffer), n);
  weir_buffer_unhold(buffer, WEIR_HOLD_ROOM);
  weir_buffer_commit(buffer, n);
  return r;
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
    .held = held,
    .prepare = prepare,
    .took = took,
    .at_end = 0,
};

/* ---- Into a lease ---- */

/* What the last buffer has left is filled first, so that bytes that come one by
 * one do not take a buffer each. Where nothing is left, no room is prepared but
 * held all the same. */
static int prepare_lease(weir_op_t *op) {
  const weir_buffer_t *buffer = buffer_of(op);
  size_t size = weir_buffer_size(buffer);
  size_t spare = weir_buffer_capacity(buffer) - size;
  size_t n = weir_buffer_max_size(buffer) - size;
  weir__borrow_t *borrow = weir__borrow_of(op);
  if (n == 0)
    return UV_ENOBUFS;
  if (op->need != WEIR_CAP_DEFAULT)
    n = weir__smaller(n, op->need);
  borrow->most =
      (unsigned)weir__smaller(n, weir_pool_buffer_size(borrow->pool));
  return prepare_room(op, weir__smaller(n, spare));
}

/* All leases that the stream may have lie in the data. */
static int is_at_its_limit(const weir_stream_t *stream, const weir_op_t *op) {
  size_t max = weir__borrow_of(op)->max;
  return max != 0 && weir__tally_count(&stream->leases) >= max &&
         weir__chain_holds_all(buffer_of(op), &stream->leases);
}

/* While it waits for the pool, what is in the data stays there. */
static void keep(const weir_op_t *op) {
  if (!weir__borrow_waits(op))
    return;
  weir_buffer_hold(buffer_of(op), WEIR_HOLD_DATA);
  weir__chain_keep(buffer_of(op), weir__pool_keep);
}

static void unkeep(const weir_op_t *op) {
  if (!weir__borrow_waits(op))
    return;
  weir__chain_keep(buffer_of(op), weir__pool_unkeep);
  weir_buffer_unhold(buffer_of(op), WEIR_HOLD_DATA);
}

static void go(weir__waiter_t *waiter) {
  unkeep(weir__borrow_op(waiter));
  weir__borrow_go(waiter);
}

/* Who would wait for ever, since all buffers lie in the data of those who wait,
 * does not wait. */
static int ask_lease(weir_stream_t *stream, weir_op_t *op, size_t *n) {
  if (weir_buffer_prepared(buffer_of(op)) > 0)
    return weir__read_plainly(stream, n);
  if (is_at_its_limit(stream, op))
    return UV_ENOBUFS;
  int r = weir__borrow_ask(stream, op, n);
  if (r != WEIR__READ_PARKED)
    return r;
  keep(op);
  if (weir__pool_is_stuck(weir__borrow_of(op)->pool)) {
    unkeep(op);
    weir__borrow_leave(op);
    return UV_ENOBUFS;
  }
  weir_buffer_unhold(buffer_of(op), WEIR_HOLD_ROOM);
  return r;
}

static int took_lease(weir_op_t *op, size_t n) {
  weir_buffer_t *buffer = buffer_of(op);
  if (weir_buffer_prepared(buffer) > 0)
    return took(op, n);
  weir_buffer_unhold(buffer, WEIR_HOLD_ROOM);
  if (n == 0) {
    weir__borrow_vain(op);
    return 0;
  }
  const uv_buf_t buf = weir__borrow_taken(op);
  size_t before = weir_buffer_size(buffer);
  int r = look_at(op, weir_seq_block(buf.base, n), before, n);
  weir__chain_lend(buffer, &buf, n);
  return r;
}

static void cancel_lease(weir_op_t *op) {
  unkeep(op);
  weir__borrow_leave(op);
  weir__read_cancel(op);
}

static const weir__read_plan_t until_lease_plan = {
    .type = {.name = "read_until", .cancel = cancel_lease},
    .held = held,
    .prepare = prepare_lease,
    .ask = ask_lease,
    .took = took_lease,
    .ended = weir__borrow_end,
    .at_end = UV_EOF,
};

static const weir__read_plan_t to_end_lease_plan = {
    .type = {.name = "read_to_end", .cancel = cancel_lease},
    .held = held,
    .prepare = prepare_lease,
    .ask = ask_lease,
    .took = took_lease,
    .ended = weir__borrow_end,
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

/* What a read does, into most buffers and into a chain over leases. */
typedef struct plans_s {
  const weir__read_plan_t *plain;
  const weir__read_plan_t *lease;
} plans_t;

static int begin(weir_op_t *op, weir_stream_t *stream, weir_buffer_t *buffer,
                 plans_t plans, size_t cap, weir_op_cb cb) {
  const weir_seq_t none = weir_seq_block(NULL, 0);
  if (stream == NULL || buffer == NULL)
    return UV_EINVAL;
  weir_pool_t *pool =
      weir__chain_leases(buffer) ? weir__chain_pool(buffer) : NULL;
  if (pool != NULL && !weir__pool_use(pool, stream->loop))
    return UV_EINVAL;
  int r = weir__read_begin(op, stream, &none, 0,
                           pool == NULL ? plans.plain : plans.lease, cb);
  if (r == 0 && pool != NULL) {
    weir__borrow_begin(op, pool, weir__chain_max(buffer));
    weir__borrow_of(op)->taker.waiter.go = go;
  } else if (pool != NULL) {
    weir__pool_unuse(pool);
  }
  if (r != 0)
    return r;
  ((state_t *)weir__op_room(op))->buffer = buffer;
  op->need = cap;
  op->form = UNTIL_NOTHING;
  op->done = weir_buffer_size(buffer);
  return 0;
}

static void look_for(weir_op_t *op, const weir_until_t *until) {
  look_t *look = look_of(op);
  op->form = (unsigned char)until->how;
  if (until->how == UNTIL_MATCH)
    look->match = (match_t){.fn = until->match, .arg = until->arg};
  else if (until->how == UNTIL_BYTES)
    weir_search_init(&look->search, until->bytes, until->len);
  else
    look->byte = until->byte;
}

int weir_read_until(weir_op_t *op, weir_stream_t *stream, weir_buffer_t *buffer,
                    weir_until_t until, weir_op_cb cb) {
  const plans_t plans = {&until_plan, &until_lease_plan};
  if (until.how < UNTIL_BYTE || until.how > UNTIL_MATCH ||
      (until.how == UNTIL_BYTES && (until.bytes == NULL || until.len == 0)) ||
      (until.how == UNTIL_MATCH && until.match == NULL))
    return UV_EINVAL;
  int r = begin(op, stream, buffer, plans, until.cap, cb);
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
  const plans_t plans = {&to_end_plan, &to_end_lease_plan};
  int r = begin(op, stream, buffer, plans, cap, cb);
  return r == 0 ? weir__read_go(stream) : r;
}
