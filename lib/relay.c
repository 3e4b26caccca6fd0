/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/relay.h>

#include <assert.h>
#include <string.h>

#include "op.h"
#include "options.h"
#include "splice.h"
#include "stream.h"

/* A relay is two operations and a ring between them. At most one read and one
 * write are outstanding; whichever ends starts what can be started then. What
 * is in a pipe has its place in the ring all the same, for the day when it has
 * to go there. */

/* weir_relay_t.state */
enum {
  RELAY_READING = 1, /* read_op is outstanding */
  RELAY_WRITING = 2, /* write_op is, or stands for the end */
  RELAY_ENDING = 4,  /* it is the end that is written */
  RELAY_WHOLE = 8,   /* all was passed on, and the end */
  RELAY_TOPUP = 16,
  RELAY_EOF = 32,   /* the end is to be passed on */
  RELAY_SPLICE = 64 /* splicing is asked for */
};

enum {
  RELAY_FLAGS = WEIR_RELAY_NO_TOPUP | WEIR_RELAY_NO_EOF | WEIR_RELAY_SPLICE
};

/* Of so many reads one is to be spliced if that can be. */
enum { READS_A_TRY = 64 };

/* The options of the first version end here. */
enum { FIRST_SIZE = offsetof(weir_relay_options_t, held) + sizeof(size_t) };

static int is(const weir_relay_t *relay, int state) {
  return (relay->state & state) != 0;
}

static size_t vacant(const weir_relay_t *relay) {
  return relay->capacity - relay->held;
}

/* The place n bytes behind the first that is held. */
static size_t behind(const weir_relay_t *relay, size_t n) {
  size_t rest = relay->capacity - relay->start;
  return n < rest ? relay->start + n : n - rest;
}

/* The free part of the ring, behind what is held. */
static weir_mseq_t room(const weir_relay_t *relay) {
  return weir_mseq_ring(relay->ring, relay->capacity,
                        behind(relay, relay->held), vacant(relay));
}

/* ---- The end ---- */

/* The relay may be gone when its callback returns. */
static void over(weir_relay_t *relay) {
  weir_pool_t *pool = relay->pool;
  uv_buf_t buf = uv_buf_init(relay->ring, 0);
  int r = weir__splice_end(&relay->splice, relay->source->loop,
                           weir_relay_held(relay));
  if (r != 0)
    relay->held = 0;
  relay->cb(relay, relay->status);
  if (pool != NULL)
    weir_pool_release(pool, &buf);
}

static int is_over(const weir_relay_t *relay) {
  return !is(relay, RELAY_READING | RELAY_WRITING) &&
         (relay->status != 0 || is(relay, RELAY_WHOLE));
}

static void end(weir_relay_t *relay, int status) {
  if (relay->status != 0)
    return;
  relay->status = status;
  if (is(relay, RELAY_READING))
    weir_cancel(&relay->read_op);
}

static void on_over(weir_op_t *op, int status, size_t n) {
  (void)status;
  (void)n;
  over(op->data);
}

static void cancel_over(weir_op_t *op) {
  (void)op;
}

static const weir__op_class_t over_class = {
    .name = "relay",
    .cancel = cancel_over,
};

/* In a call of the program, where no callback may run: an operation that is
 * done already. */
static void over_later(weir_relay_t *relay) {
  weir_op_t *op = &relay->write_op;
  if (!is_over(relay))
    return;
  relay->state |= RELAY_WRITING;
  weir__op_begin_plain(op, relay->source->loop, relay, &over_class, on_over);
  weir__op_finish(op, 0);
}

/* A stream that is closed while nothing of it is outstanding says so only when
 * it is asked for more. */
static int said(int status) {
  return status == UV_EBADF ? UV_ECANCELED : status;
}

/* ---- Reading ---- */

/* What came of our own cancelling is no news of the source. */
static void have_read(weir_relay_t *relay, int status, size_t n) {
  if (status != UV_ECANCELED || relay->status == 0)
    relay->read_status = status;
  relay->held += n;
  relay->bytes_read += n;
  relay->reads += n > 0;
}

/* Whether nothing is to come to memory: what is there has to be gone before the
 * first splice. Where there was no pipe that is so once in a while, so that it
 * can be tried again. */
static int splices(const weir_relay_t *relay) {
  if (relay->splice.pipe != NULL)
    return 1;
  return relay->splice.on &&
         (relay->splice.status == 0 || relay->reads % READS_A_TRY == 0);
}

/* A pipe that is not empty might be what a read waits for. */
static int may_read(const weir_relay_t *relay) {
  if (is(relay, RELAY_READING) || relay->read_status != 0 || relay->status != 0)
    return 0;
  return is(relay, RELAY_TOPUP) && !splices(relay)
             ? vacant(relay) >= relay->capacity - relay->capacity / 2
             : relay->held == 0;
}

static void on_read(weir_op_t *op, int status, size_t n);

static int read_more(weir_relay_t *relay) {
  int r;
  if (relay->splice.on && relay->held == 0)
    r = weir__splice_read(&relay->splice, &relay->read_op, relay->source,
                          room(relay), on_read);
  else
    r = weir_read_some(&relay->read_op, relay->source, room(relay), on_read);
  if (r == 0)
    relay->state |= RELAY_READING;
  return r;
}

/* What the source has at this moment, to where what is held is. */
static int read_now(weir_relay_t *relay, size_t *n) {
  if (relay->splice.pipe != NULL)
    return weir__splice_more(&relay->splice, relay->source, vacant(relay), n);
  return splices(relay) ? UV_EAGAIN
                        : weir_read_now(relay->source, room(relay), n);
}

/* Takes what the source has at this moment into the room that a write made, so
 * that the next write offers it as well. */
static void top_up(weir_relay_t *relay, int was_short) {
  size_t n = 0;
  if (!is(relay, RELAY_TOPUP) || is(relay, RELAY_READING) ||
      relay->read_status != 0 || relay->status != 0 ||
      (!was_short && !may_read(relay)))
    return;
  int r = read_now(relay, &n);
  if (r != UV_EAGAIN)
    have_read(relay, said(r), n);
}

/* ---- Writing ---- */

static void on_written(weir_op_t *op, int status, size_t n);

static int write_some(weir_relay_t *relay) {
  weir_seq_t data = weir_relay_held(relay);
  relay->offered = relay->held;
  if (relay->splice.pipe != NULL)
    return weir__splice_write(&relay->splice, &relay->write_op, relay->sink,
                              data, on_written);
  return weir_write_some(&relay->write_op, relay->sink, data, on_written);
}

static int write_end(weir_relay_t *relay) {
  relay->state |= RELAY_ENDING;
  return weir_write_eof(&relay->write_op, relay->sink, weir_seq_block(NULL, 0),
                        on_written);
}

static void write_more(weir_relay_t *relay) {
  if (relay->held == 0 && !is(relay, RELAY_EOF)) {
    relay->state |= RELAY_WHOLE;
    return;
  }
  int r = relay->held > 0 ? write_some(relay) : write_end(relay);
  if (r == 0) {
    relay->state |= RELAY_WRITING;
    return;
  }
  relay->write_status = said(r);
  end(relay, said(r));
}

/* ---- Both ---- */

/* Whether there is something to write: bytes, or the end. */
static int may_write(const weir_relay_t *relay) {
  return relay->status == 0 && relay->sink != NULL &&
         !is(relay, RELAY_WRITING | RELAY_WHOLE) &&
         (relay->held > 0 || relay->read_status != 0);
}

/* The write comes first: what it offers is settled then, and the room behind
 * that is the read's. */
static void start_any(weir_relay_t *relay) {
  int failed = relay->read_status != 0 && relay->read_status != UV_EOF;
  if (failed && (relay->held == 0 || relay->sink == NULL))
    end(relay, relay->read_status);
  if (may_write(relay))
    write_more(relay);
}

static void go_on(weir_relay_t *relay) {
  start_any(relay);
  if (!may_read(relay))
    return;
  int r = read_more(relay);
  if (r != 0) {
    have_read(relay, said(r), 0);
    start_any(relay);
  }
}

static void came_back(weir_relay_t *relay) {
  if (is_over(relay))
    over(relay);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  weir_relay_t *relay = op->data;
  relay->state &= ~RELAY_READING;
  have_read(relay, status, n);
  go_on(relay);
  came_back(relay);
}

static void on_ended(weir_relay_t *relay, int status) {
  relay->state &= ~RELAY_ENDING;
  if (status == 0) {
    relay->state |= RELAY_WHOLE;
    relay->status = 0;
    relay->write_status = UV_EOF;
  }
}

static void took(weir_relay_t *relay, size_t n) {
  relay->start = behind(relay, n);
  relay->held -= n;
  relay->bytes_written += n;
  relay->writes += n > 0;
  relay->short_writes += n > 0 && n < relay->offered;
  if (relay->splice.pipe != NULL)
    weir__splice_took(&relay->splice, relay->source->loop, n, relay->held);
}

static void on_written(weir_op_t *op, int status, size_t n) {
  weir_relay_t *relay = op->data;
  relay->state &= ~RELAY_WRITING;
  if (is(relay, RELAY_ENDING))
    on_ended(relay, status);
  else
    took(relay, n);
  if (status != 0) {
    if (status != UV_ECANCELED || relay->status == 0)
      relay->write_status = status;
    end(relay, status);
  }
  if (n > 0 && relay->progress != NULL)
    relay->progress(relay, n);
  if (!is(relay, RELAY_WHOLE))
    top_up(relay, n < relay->offered);
  go_on(relay);
  came_back(relay);
}

/* ---- The calls ---- */

static int take_ring(weir_relay_t *relay, const weir_relay_options_t *options) {
  uv_buf_t buf;
  relay->ring = options->ring;
  relay->capacity = options->capacity;
  relay->held = options->held;
  relay->bytes_read = options->held;
  if (options->pool == NULL)
    return options->ring == NULL || options->capacity == 0 ||
                   options->held > options->capacity
               ? UV_EINVAL
               : 0;
  if (options->held > 0)
    return UV_EINVAL;
  int r = weir_pool_acquire(options->pool, &buf);
  if (r != 0)
    return r;
  relay->pool = options->pool;
  relay->ring = buf.base;
  relay->capacity = weir_pool_buffer_size(options->pool);
  return 0;
}

/* As soon as there are two streams. */
static void begin_splicing(weir_relay_t *relay) {
  if (is(relay, RELAY_SPLICE) && relay->sink != NULL)
    weir__splice_begin(&relay->splice, relay->source, relay->sink);
  else
    relay->splice.status = is(relay, RELAY_SPLICE) ? UV_ENOTCONN : UV_ENOTSUP;
}

static void prepare(weir_relay_t *relay, weir_stream_t *source,
                    weir_stream_t *sink, const weir_relay_options_t *options,
                    weir_relay_cb cb) {
  memset(&relay->source, 0, sizeof(*relay) - offsetof(weir_relay_t, source));
  relay->source = source;
  relay->sink = sink;
  relay->progress = options->progress;
  relay->cb = cb;
  if ((options->flags & WEIR_RELAY_NO_TOPUP) == 0)
    relay->state |= RELAY_TOPUP;
  if ((options->flags & WEIR_RELAY_NO_EOF) == 0)
    relay->state |= RELAY_EOF;
  if ((options->flags & WEIR_RELAY_SPLICE) != 0)
    relay->state |= RELAY_SPLICE;
  begin_splicing(relay);
  relay->read_op.data = relay;
  relay->write_op.data = relay;
}

/* What was read before goes first: only behind it the source may be asked. */
static int begin(weir_relay_t *relay) {
  if (relay->held == 0)
    return read_more(relay);
  if (relay->source->reader != NULL)
    return UV_EALREADY;
  go_on(relay);
  over_later(relay);
  return 0;
}

static int check_sink(const weir_stream_t *source, const weir_stream_t *sink) {
  if (source->loop != sink->loop)
    return UV_EINVAL;
  return weir__stream_usable(sink);
}

int weir_relay_start(weir_relay_t *relay, weir_stream_t *source,
                     weir_stream_t *sink, const weir_relay_options_t *options,
                     weir_relay_cb cb) {
  weir_relay_options_t ours = {0};
  if (relay == NULL || source == NULL || options == NULL || cb == NULL)
    return UV_EINVAL;
  int r = weir__options_take(&ours, sizeof(ours), FIRST_SIZE, options);
  if (r == 0 && (ours.flags & ~(unsigned)RELAY_FLAGS) != 0)
    r = UV_EINVAL;
  if (r == 0)
    r = weir__stream_usable(source);
  if (r == 0 && sink != NULL)
    r = check_sink(source, sink);
  if (r != 0)
    return r;
  prepare(relay, source, sink, &ours, cb);
  r = take_ring(relay, &ours);
  if (r == 0)
    r = begin(relay);
  if (r != 0 && relay->pool != NULL) {
    uv_buf_t buf = uv_buf_init(relay->ring, 0);
    weir_pool_release(relay->pool, &buf);
  }
  return r;
}

int weir_relay_set_sink(weir_relay_t *relay, weir_stream_t *sink) {
  if (relay == NULL || sink == NULL)
    return UV_EINVAL;
  if (relay->sink != NULL)
    return UV_EALREADY;
  if (relay->status != 0)
    return UV_ECANCELED;
  int r = check_sink(relay->source, sink);
  if (r != 0)
    return r;
  relay->sink = sink;
  begin_splicing(relay);
  go_on(relay);
  over_later(relay);
  return 0;
}

void weir_relay_stop(weir_relay_t *relay) {
  if (is(relay, RELAY_WHOLE))
    return;
  end(relay, UV_ECANCELED);
  if (is(relay, RELAY_WRITING))
    weir_cancel(&relay->write_op);
  over_later(relay);
}

weir_seq_t weir_relay_held(const weir_relay_t *relay) {
  return weir_seq_ring(relay->ring, relay->capacity, relay->start, relay->held);
}

void weir_relay_info(const weir_relay_t *relay, weir_relay_info_t *info,
                     size_t size) {
  const weir_relay_info_t now = {
      .bytes_read = relay->bytes_read,
      .bytes_written = relay->bytes_written,
      .reads = relay->reads,
      .writes = relay->writes,
      .short_writes = relay->short_writes,
      .read_status = relay->read_status,
      .write_status = relay->write_status,
      .bytes_spliced = relay->splice.bytes,
      .splice_status = relay->splice.status,
  };
  size_t known = size < sizeof(now) ? size : sizeof(now);
  memset(info, 0, size);
  memcpy(info, &now, known);
}
