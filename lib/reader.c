/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/reader.h>

#include <assert.h>
#include <weir/file.h>

#include "file.h"
#include "op.h"
#include "options.h"
#include "os.h"
#include "pool.h"
#include "queue.h"

/* Reading ahead: a circle of slots, in the order of the file. Those from the
 * head on are in use, each with a buffer and a read of all of it, in flight or
 * over. The operation that the program knows is in none of the kernel's hands;
 * it lies with those of files, so that it ends with the loop. */

/* weir_file_reader_t.state */
enum {
  READER_PAUSED = 1,
  READER_ENDING = 2,  /* with reader->status, when nothing is in flight */
  READER_AT_WORK = 4, /* advance does the rest */
  READER_KICKED = 8,  /* and will be called */
  READER_WAITS = 16,  /* for a buffer */
  READER_TO_END = 32
};

enum { READER_DEPTH = 4 };

/* The options of the first version end here. */
enum {
  FIRST_SIZE = offsetof(weir_file_reader_options_t, depth) + sizeof(unsigned)
};

static_assert(sizeof(weir__taker_t) <= sizeof(((weir_file_reader_t *)0)->taker),
              "a taker fits in a reader");

static int is(const weir_file_reader_t *reader, int state) {
  return (reader->state & state) != 0;
}

static weir__taker_t *taker_of(weir_file_reader_t *reader) {
  return (weir__taker_t *)(void *)reader->taker.bytes;
}

static weir_file_reader_slot_t *slot_at(weir_file_reader_t *reader,
                                        unsigned place) {
  return &reader->slots[(reader->head + place) % reader->depth];
}

/* ---- The end ---- */

static void end(weir_file_reader_t *reader, int status) {
  if (is(reader, READER_ENDING))
    return;
  reader->state |= READER_ENDING;
  reader->status = status;
  if (is(reader, READER_WAITS))
    weir__pool_leave(reader->pool, taker_of(reader));
  for (unsigned i = 0; i < reader->used; i++)
    if (!slot_at(reader, i)->read)
      weir_cancel(&slot_at(reader, i)->op);
}

/* The reader may be gone when the callback, which is due then, has run. */
static void end_if_idle(weir_file_reader_t *reader) {
  weir_pool_t *pool = reader->pool;
  if (!is(reader, READER_ENDING) || reader->inflight > 0 ||
      is(reader, READER_KICKED))
    return;
  for (unsigned i = 0; i < reader->used; i++)
    weir_pool_release(pool, &slot_at(reader, i)->buf);
  weir__pool_unuse(pool);
  weir__queue_remove(&reader->op->node);
  weir__op_finish(reader->op, reader->status);
}

/* ---- Reading ---- */

static void advance(weir_file_reader_t *reader);

static void on_read(weir_op_t *op, int status, size_t n) {
  weir_file_reader_t *reader = op->data;
  weir_file_reader_slot_t *slot =
      (weir_file_reader_slot_t *)((uintptr_t)op -
                                  offsetof(weir_file_reader_slot_t, op));
  slot->n = n;
  slot->status = status;
  slot->read = 1;
  reader->inflight--;
  advance(reader);
}

/* Into the buffer that the taker has. */
static void read_next(weir_file_reader_t *reader) {
  weir_file_reader_slot_t *slot = slot_at(reader, reader->used++);
  weir__taker_t *taker = taker_of(reader);
  slot->buf = weir__pool_buffer(reader->pool, taker->number);
  taker->number = WEIR__NO_BUFFER;
  size_t len =
      reader->left < slot->buf.len ? (size_t)reader->left : slot->buf.len;
  slot->n = 0;
  slot->op.data = reader;
  slot->status = weir_file_pread_all(reader->op->loop, &slot->op, reader->file,
                                     weir_mseq_block(slot->buf.base, len),
                                     reader->offset, on_read);
  slot->read = slot->status != 0;
  reader->inflight += !slot->read;
  reader->offset += (int64_t)len;
  reader->left -= len;
}

static void fill(weir_file_reader_t *reader) {
  while (!is(reader, READER_ENDING | READER_WAITS) && reader->left > 0 &&
         reader->used < reader->depth) {
    if (weir__pool_take(reader->pool, taker_of(reader)) != 0)
      reader->state |= READER_WAITS;
    else
      read_next(reader);
  }
}

/* ---- Handing out ---- */

static int has_block(weir_file_reader_t *reader) {
  return !is(reader, READER_PAUSED | READER_ENDING) && reader->used > 0 &&
         slot_at(reader, 0)->read;
}

/* The slot is free before the program hears of its block. */
static void hand_out(weir_file_reader_t *reader) {
  weir_file_reader_slot_t *slot = slot_at(reader, 0);
  weir_lease_t lease = {.pool = reader->pool, .buf = slot->buf};
  int status = slot->status;
  lease.buf.len = (weir__len_t)slot->n;
  reader->head = (reader->head + 1) % reader->depth;
  reader->used--;
  reader->op->done += lease.buf.len;
  if (lease.buf.len > 0)
    reader->block(reader, lease);
  else
    weir_lease_release(&lease);
  if (status == UV_EOF && is(reader, READER_TO_END))
    end(reader, 0);
  else if (status != 0)
    end(reader, status);
}

/* In a callback: hands out what is there, and reads on. */
static void advance(weir_file_reader_t *reader) {
  reader->state |= READER_AT_WORK;
  do {
    while (has_block(reader))
      hand_out(reader);
    fill(reader);
  } while (has_block(reader));
  if (reader->used + reader->left == 0)
    end(reader, 0);
  reader->state &= ~READER_AT_WORK;
  end_if_idle(reader);
}

static void on_kick(weir_op_t *op, int status, size_t n) {
  weir_file_reader_t *reader = op->data;
  (void)status;
  (void)n;
  reader->state &= ~READER_KICKED;
  advance(reader);
}

static void cancel_kick(weir_op_t *op) {
  (void)op;
}

static const weir__op_class_t kick_class = {"file_reader", cancel_kick};

/* In a call of the program, where no callback may run: an operation that is
 * done already. */
static void advance_later(weir_file_reader_t *reader) {
  if (is(reader, READER_AT_WORK | READER_KICKED))
    return;
  reader->state |= READER_KICKED;
  reader->kick.data = reader;
  weir__op_begin_plain(&reader->kick, reader->op->loop, NULL, &kick_class,
                       on_kick);
  weir__op_finish(&reader->kick, 0);
}

/* A buffer was given back, for which it has waited. */
static void go(weir__waiter_t *waiter) {
  weir_file_reader_t *reader =
      (weir_file_reader_t *)((uintptr_t)waiter -
                             offsetof(weir_file_reader_t, taker));
  reader->state &= ~READER_WAITS;
  read_next(reader);
  fill(reader);
  if (has_block(reader))
    advance_later(reader);
}

/* ---- Calls ---- */

static void cancel(weir_op_t *op) {
  weir_file_reader_t *reader = weir__file_owner(op);
  end(reader, UV_ECANCELED);
  if (!is(reader, READER_AT_WORK))
    end_if_idle(reader);
}

static const weir__op_class_t reader_class = {"file_reader", cancel};

static int take_options(weir_file_reader_t *reader,
                        const weir_file_reader_options_t *options) {
  weir_file_reader_options_t mine = {.size = 0};
  int r = options == NULL
              ? 0
              : weir__options_take(&mine, sizeof(mine), FIRST_SIZE, options);
  if (r != 0 || mine.offset < 0 || mine.depth > WEIR_FILE_READER_DEPTH)
    return UV_EINVAL;
  reader->offset = mine.offset;
  reader->left = (uint64_t)(INT64_MAX - mine.offset);
  reader->depth = mine.depth == 0 ? READER_DEPTH : mine.depth;
  reader->state = mine.len == 0 ? READER_TO_END : 0;
  if (mine.len != 0 && mine.len < reader->left)
    reader->left = mine.len;
  return 0;
}

int weir_file_reader_start(weir_loop_t *loop, weir_op_t *op,
                           weir_file_reader_t *reader, uv_file file,
                           weir_pool_t *pool,
                           const weir_file_reader_options_t *options,
                           weir_file_reader_cb block, weir_op_cb cb) {
  if (loop == NULL || op == NULL || reader == NULL || pool == NULL ||
      block == NULL || cb == NULL || take_options(reader, options) != 0)
    return UV_EINVAL;
  int r = weir__loop_check(loop);
  if (r != 0)
    return r;
  if (!weir__os_is_file(file))
    return UV_ESPIPE;
  if (!weir__pool_use(pool, loop))
    return UV_EINVAL;
  weir__op_begin_plain(op, loop, NULL, &reader_class, cb);
  weir__file_set_owner(op, reader);
  weir__queue_push(&loop->file_ops, &op->node);
  reader->op = op;
  reader->pool = pool;
  reader->block = block;
  reader->file = file;
  reader->head = reader->used = reader->inflight = 0;
  *taker_of(reader) =
      (weir__taker_t){.waiter.go = go, .number = WEIR__NO_BUFFER};
  fill(reader);
  if (has_block(reader) || reader->used + reader->left == 0)
    advance_later(reader);
  return 0;
}

void weir_file_reader_pause(weir_file_reader_t *reader) {
  reader->state |= READER_PAUSED;
}

void weir_file_reader_resume(weir_file_reader_t *reader) {
  reader->state &= ~READER_PAUSED;
  if (has_block(reader))
    advance_later(reader);
}
