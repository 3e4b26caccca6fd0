/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/deadline.h>

#include <string.h>

#include "alarm.h"
#include "op.h"
#include "stream.h"
#include "watch.h"

/* Deadlines. That of an operation takes the place of its callback and, where it
 * is found from there, of its owner. That of a stream looks when its alarm
 * rings what has become of the stream meanwhile, so that a transfer costs it
 * but the time of day; while nothing is outstanding it is not set. */

static weir_deadline_t *of_alarm(weir_alarm_t *alarm) {
  return (weir_deadline_t *)((uintptr_t)alarm -
                             offsetof(weir_deadline_t, alarm));
}

static weir_deadline_t *of_watch(weir_watch_t *watch) {
  return (weir_deadline_t *)((uintptr_t)watch -
                             offsetof(weir_deadline_t, watch));
}

static int is_for_stream(const weir_deadline_t *deadline) {
  return deadline->watch.type != NULL;
}

static weir_loop_t *loop_of(const weir_deadline_t *deadline) {
  if (is_for_stream(deadline))
    return ((const weir_stream_t *)deadline->target)->loop;
  return ((const weir_op_t *)deadline->target)->loop;
}

void weir_deadline_init(weir_deadline_t *deadline) {
  void *data = deadline->data;
  memset(deadline, 0, sizeof(*deadline));
  deadline->data = data;
}

/* ---- Of an operation ---- */

static void give_back(weir_deadline_t *deadline) {
  weir_op_t *op = deadline->target;
  op->cb = deadline->own.op.cb;
  op->owner = deadline->own.op.owner;
  op->flags &= (unsigned short)~WEIR__OP_TIMED;
}

static void on_op(weir_op_t *op, int status, size_t n) {
  weir_deadline_stop(op->owner);
  op->cb(op, status, n);
}

static void op_late(weir_alarm_t *alarm) {
  weir_op_t *op = of_alarm(alarm)->target;
  if (op->state != WEIR__OP_DONE && !weir__op_ending(op))
    weir__op_end(op, UV_ETIMEDOUT);
}

int weir_deadline_op(weir_deadline_t *deadline, weir_op_t *op, uint64_t ms) {
  if (deadline == NULL || op == NULL)
    return UV_EINVAL;
  weir_deadline_stop(deadline);
  if (!weir_op_active(op))
    return UV_EINVAL;
  int r = weir__loop_check(op->loop);
  if (r == 0 && (op->flags & WEIR__OP_TIMED) != 0)
    r = UV_EALREADY;
  if (r != 0)
    return r;
  deadline->target = op;
  deadline->own.op.cb = op->cb;
  deadline->own.op.owner = op->owner;
  op->cb = on_op;
  op->owner = deadline;
  op->flags |= WEIR__OP_TIMED;
  deadline->alarm.ring = op_late;
  weir__alarm_after(op->loop, &deadline->alarm, ms);
  return 0;
}

/* ---- Of a stream ---- */

/* The time begins anew. */
static void begin(weir_deadline_t *deadline, weir_stream_t *stream) {
  deadline->own.still.since = uv_now(stream->loop->uv);
  if (!weir__alarm_is_set(&deadline->alarm))
    weir__alarm_after(stream->loop, &deadline->alarm, deadline->own.still.ms);
}

/* Whether it is over; else the rest of it begins. */
static int is_over(weir_deadline_t *deadline, weir_stream_t *stream) {
  uint64_t now = uv_now(stream->loop->uv);
  uint64_t ms = deadline->own.still.ms;
  uint64_t gone = now - deadline->own.still.since;
  if (gone >= ms)
    return 1;
  weir__alarm_after(stream->loop, &deadline->alarm, ms - gone);
  return 0;
}

static int reads(const weir_stream_t *stream) {
  return stream->reader != NULL;
}

static void read_late(weir_alarm_t *alarm) {
  weir_deadline_t *deadline = of_alarm(alarm);
  weir_stream_t *stream = deadline->target;
  if (reads(stream) && is_over(deadline, stream))
    weir__op_end(stream->reader, UV_ETIMEDOUT);
}

static void read_told(weir_watch_t *watch, weir_stream_t *stream,
                      weir__tidings_t tidings) {
  weir_deadline_t *deadline = of_watch(watch);
  if (tidings == WEIR__READS)
    begin(deadline, stream);
  else if (tidings == WEIR__READ)
    deadline->own.still.since = uv_now(stream->loop->uv);
  else if (tidings == WEIR__CLOSES)
    weir_deadline_stop(deadline);
}

static const weir__watch_class_t read_class = {read_told};

/* What is queued on a stream that is not connected are no writes. */
static int writes(const weir_stream_t *stream) {
  return stream->writers > 0;
}

static void write_late(weir_alarm_t *alarm) {
  weir_deadline_t *deadline = of_alarm(alarm);
  weir_stream_t *stream = deadline->target;
  if (writes(stream) && is_over(deadline, stream))
    weir__stream_writes_late(stream);
}

static void write_told(weir_watch_t *watch, weir_stream_t *stream,
                       weir__tidings_t tidings) {
  weir_deadline_t *deadline = of_watch(watch);
  if (tidings == WEIR__QUEUES && stream->writers == 1)
    begin(deadline, stream);
  else if (tidings == WEIR__WROTE)
    deadline->own.still.since = uv_now(stream->loop->uv);
  else if (tidings == WEIR__CLOSES)
    weir_deadline_stop(deadline);
}

static const weir__watch_class_t write_class = {write_told};

static int watch(weir_deadline_t *deadline, weir_stream_t *stream, uint64_t ms,
                 const weir__watch_class_t *type,
                 void (*ring)(weir_alarm_t *)) {
  if (deadline == NULL || stream == NULL)
    return UV_EINVAL;
  weir_deadline_stop(deadline);
  int r = weir__stream_check(stream);
  if (r != 0)
    return r;
  deadline->target = stream;
  deadline->own.still.ms = ms;
  deadline->alarm.ring = ring;
  weir__watch_add(stream, &deadline->watch, type);
  begin(deadline, stream);
  return 0;
}

int weir_deadline_read(weir_deadline_t *deadline, weir_stream_t *stream,
                       uint64_t ms) {
  return watch(deadline, stream, ms, &read_class, read_late);
}

int weir_deadline_write(weir_deadline_t *deadline, weir_stream_t *stream,
                        uint64_t ms) {
  return watch(deadline, stream, ms, &write_class, write_late);
}

/* ---- Of both ---- */

int weir_deadline_again(weir_deadline_t *deadline, uint64_t ms) {
  if (deadline == NULL || deadline->target == NULL)
    return UV_EINVAL;
  if (is_for_stream(deadline)) {
    deadline->own.still.ms = ms;
    weir__alarm_end(loop_of(deadline), &deadline->alarm);
    begin(deadline, deadline->target);
  } else {
    weir__alarm_after(loop_of(deadline), &deadline->alarm, ms);
  }
  return 0;
}

void weir_deadline_stop(weir_deadline_t *deadline) {
  if (deadline == NULL || deadline->target == NULL)
    return;
  weir__alarm_end(loop_of(deadline), &deadline->alarm);
  if (!is_for_stream(deadline))
    give_back(deadline);
  else
    weir__watch_remove(&deadline->watch);
  deadline->watch.type = NULL;
  deadline->target = NULL;
}

int weir_deadline_is_set(const weir_deadline_t *deadline) {
  return deadline != NULL && deadline->target != NULL;
}
