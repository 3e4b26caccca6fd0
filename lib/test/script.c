/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include <weir/loop.h>
#include <weir/test.h>

/* A stream that does what a script says and remembers each call. */

/* One direction. */
typedef struct side_s {
  weir_test_script_t script;
  size_t transfers; /* so far */
  /* The transfer that completes later. */
  int busy;
  weir_test_step_t step;
  uv_buf_t bufs[WEIR_WINDOW];
  unsigned nbufs;
  size_t record; /* its index in calls */
} side_t;

struct weir_test_stream_s {
  uv_idle_t idle;
  weir_stream_t *stream;
  weir_test_options_t options;
  side_t read;
  side_t write;
  side_t shutdown;
  weir_test_call_t *calls;
  size_t ncalls;
  size_t calls_room;
  char *written;
  size_t written_size;
  size_t written_room;
  size_t delivered;
  int failed;
  int closed;
};

/* Room for `need` things of `size` bytes at *array. */
static int grow(void **array, size_t *room, size_t need, size_t size) {
  size_t more = *room == 0 ? 64 : *room;
  if (need <= *room)
    return 0;
  while (more < need && more <= SIZE_MAX / 2)
    more *= 2;
  void *grown = more < need || more > SIZE_MAX / size
                    ? NULL
                    : realloc(*array, more * size);
  if (grown == NULL)
    return UV_ENOMEM;
  *array = grown;
  *room = more;
  return 0;
}

/* ---- Remembering ---- */

static int record(weir_test_stream_t *t, weir_test_what_t what,
                  const uv_buf_t *bufs, unsigned nbufs) {
  void *array = t->calls;
  int r = grow(&array, &t->calls_room, t->ncalls + 1, sizeof(*t->calls));
  if (r != 0)
    return r;
  t->calls = array;
  weir_test_call_t *call = &t->calls[t->ncalls++];
  *call = (weir_test_call_t){.what = what, .segments = nbufs};
  for (unsigned i = 0; i < nbufs; i++) {
    call->sizes[i] = bufs[i].len;
    call->offered += bufs[i].len;
  }
  return 0;
}

static int note(weir_test_stream_t *t, size_t index, int status, size_t n) {
  t->calls[index].status = status;
  t->calls[index].n = n;
  return status;
}

/* ---- One transfer ---- */

static weir_test_step_t next_step(weir_test_stream_t *t, side_t *side) {
  const weir_test_script_t *script = &side->script;
  size_t number = ++side->transfers;
  if (number == script->fail_at) {
    weir_test_step_t failure = script->failure;
    t->failed = 1;
    if (failure.status == 0 && failure.flags == 0)
      failure.status = UV_ECONNRESET;
    return failure;
  }
  return number <= script->nsteps ? script->steps[number - 1] : script->rest;
}

static int deliver(weir_test_stream_t *t, const uv_buf_t *bufs, unsigned nbufs,
                   size_t most, size_t *n) {
  const char *input = t->options.input;
  weir_seq_t rest = weir_seq_block(input == NULL ? NULL : input + t->delivered,
                                   t->options.input_size - t->delivered);
  *n = weir_seq_copy(weir_mseq_bufs(bufs, nbufs), rest, most);
  t->delivered += *n;
  return 0;
}

static int swallow(weir_test_stream_t *t, const uv_buf_t *bufs, unsigned nbufs,
                   size_t most, size_t *n) {
  weir_seq_t from = weir_seq_prefix(weir_seq_bufs(bufs, nbufs), most);
  size_t size = weir_seq_size(from);
  void *array = t->written;
  *n = 0;
  if (size == 0)
    return 0;
  int r = grow(&array, &t->written_room, t->written_size + size, 1);
  if (r != 0)
    return r;
  t->written = array;
  weir_mseq_t room = weir_mseq_block(t->written + t->written_size,
                                     t->written_room - t->written_size);
  *n = weir_seq_copy(room, from, SIZE_MAX);
  t->written_size += *n;
  return 0;
}

/* Does what step says. */
static int perform(weir_test_stream_t *t, const side_t *side,
                   const weir_test_step_t *step, const uv_buf_t *bufs,
                   unsigned nbufs, size_t *n) {
  int r = 0;
  size_t most = step->bytes;
  *n = 0;
  if ((step->flags & WEIR_TEST_NOTHING) != 0)
    return 0;
  if ((step->flags & WEIR_TEST_TOO_MUCH) != 0) {
    *n = weir_seq_size(weir_seq_bufs(bufs, nbufs)) + 1;
    return 0;
  }
  if (most == 0 && step->status == 0)
    most = SIZE_MAX;
  if (side == &t->write)
    r = swallow(t, bufs, nbufs, most, n);
  else
    r = deliver(t, bufs, nbufs, most, n);
  if (r != 0 || step->status != 0)
    return r != 0 ? r : step->status;
  if (*n == 0)
    return t->options.at_end == 0 ? UV_EOF : t->options.at_end;
  return 0;
}

static void on_idle(uv_idle_t *idle);

/* Whether the transfer has to wait, in which case it is put aside. */
static int put_aside(weir_test_stream_t *t, side_t *side,
                     const weir_test_step_t *step, const uv_buf_t *bufs,
                     unsigned nbufs) {
  side->busy = 1;
  side->step = *step;
  side->nbufs = nbufs;
  side->record = t->ncalls - 1;
  for (unsigned i = 0; i < nbufs; i++)
    side->bufs[i] = bufs[i];
  if (step->turns != WEIR_TEST_NEVER && !uv_is_closing((uv_handle_t *)&t->idle))
    uv_idle_start(&t->idle, on_idle);
  return note(t, side->record, WEIR_PENDING, 0);
}

static int transfer(weir_test_stream_t *t, side_t *side, weir_test_what_t what,
                    const uv_buf_t *bufs, unsigned nbufs, size_t *n) {
  int now = what == WEIR_TEST_READ_NOW || what == WEIR_TEST_WRITE_NOW;
  int r = record(t, what, bufs, nbufs);
  if (r != 0)
    return r;
  weir_test_step_t step = next_step(t, side);
  if (step.turns > 0)
    return now ? note(t, t->ncalls - 1, UV_EAGAIN, 0)
               : put_aside(t, side, &step, bufs, nbufs);
  r = perform(t, side, &step, bufs, nbufs, n);
  if (r == WEIR_PENDING) {
    if (now)
      return note(t, t->ncalls - 1, UV_EAGAIN, 0);
    step.turns = WEIR_TEST_NEVER;
    return put_aside(t, side, &step, bufs, nbufs);
  }
  return note(t, t->ncalls - 1, r, *n);
}

/* ---- Completing later ---- */

static void done(weir_test_stream_t *t, side_t *side, int status, size_t n) {
  side->busy = 0;
  note(t, side->record, status, n);
  if (side == &t->read)
    weir_stream_read_done(t->stream, status, n);
  else
    weir_stream_write_done(t->stream, status, n);
}

/* Does what the step of side says: 0, or WEIR_PENDING when it waits on, at the
 * end of the input. */
static int complete(weir_test_stream_t *t, side_t *side) {
  size_t n = 0;
  int status = side->step.status;
  if (side != &t->shutdown)
    status = perform(t, side, &side->step, side->bufs, side->nbufs, &n);
  if (status == WEIR_PENDING) {
    side->step.turns = WEIR_TEST_NEVER;
    return WEIR_PENDING;
  }
  done(t, side, status, n);
  return 0;
}

/* Returns whether side waits for another turn. */
static int tick(weir_test_stream_t *t, side_t *side) {
  if (!side->busy || side->step.turns == WEIR_TEST_NEVER)
    return 0;
  if (--side->step.turns > 0)
    return 1;
  complete(t, side);
  return 0;
}

static void on_idle(uv_idle_t *idle) {
  weir_test_stream_t *t = idle->data;
  int more = tick(t, &t->read);
  more |= tick(t, &t->write);
  more |= tick(t, &t->shutdown);
  if (!more)
    uv_idle_stop(idle);
}

static int cancel(weir_test_stream_t *t, side_t *side, weir_test_what_t what) {
  int deaf = (side->step.flags & WEIR_TEST_DEAF) != 0 &&
             side->step.turns != WEIR_TEST_NEVER;
  /* A call that cannot be remembered has to be obeyed all the same. */
  (void)record(t, what, NULL, 0);
  if (side->busy && !deaf)
    done(t, side, UV_ECANCELED, 0);
  return 0;
}

/* ---- The kind ---- */

static int script_read(weir_stream_t *stream, const uv_buf_t *bufs,
                       unsigned nbufs, size_t *n) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  return transfer(t, &t->read, WEIR_TEST_READ, bufs, nbufs, n);
}

static int script_write(weir_stream_t *stream, const uv_buf_t *bufs,
                        unsigned nbufs, size_t *n) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  return transfer(t, &t->write, WEIR_TEST_WRITE, bufs, nbufs, n);
}

static int script_read_now(weir_stream_t *stream, const uv_buf_t *bufs,
                           unsigned nbufs, size_t *n) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  return transfer(t, &t->read, WEIR_TEST_READ_NOW, bufs, nbufs, n);
}

static int script_write_now(weir_stream_t *stream, const uv_buf_t *bufs,
                            unsigned nbufs, size_t *n) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  return transfer(t, &t->write, WEIR_TEST_WRITE_NOW, bufs, nbufs, n);
}

static int script_cancel_read(weir_stream_t *stream) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  return cancel(t, &t->read, WEIR_TEST_CANCEL_READ);
}

static int script_cancel_write(weir_stream_t *stream) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  side_t *side = t->shutdown.busy ? &t->shutdown : &t->write;
  return cancel(t, side, WEIR_TEST_CANCEL_WRITE);
}

static int script_shutdown(weir_stream_t *stream) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  const weir_test_step_t *step = &t->options.shutdown;
  int r = record(t, WEIR_TEST_SHUTDOWN, NULL, 0);
  if (r != 0)
    return r;
  if (step->turns > 0)
    return put_aside(t, &t->shutdown, step, NULL, 0);
  return note(t, t->ncalls - 1, step->status, 0);
}

static void on_closed(uv_handle_t *handle) {
  weir_test_stream_t *t = handle->data;
  t->closed = 1;
  weir_stream_close_done(t->stream);
}

static void script_close(weir_stream_t *stream) {
  weir_test_stream_t *t = weir_stream_impl(stream);
  (void)record(t, WEIR_TEST_CLOSE, NULL, 0);
  if (!uv_is_closing((uv_handle_t *)&t->idle))
    uv_close((uv_handle_t *)&t->idle, on_closed);
  else
    on_closed((uv_handle_t *)&t->idle);
}

static const weir_stream_kind_t script_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "test script",
    .read_some = script_read,
    .write_some = script_write,
    .read_now = script_read_now,
    .write_now = script_write_now,
    .cancel_read = script_cancel_read,
    .cancel_write = script_cancel_write,
    .shutdown = script_shutdown,
    .close = script_close};

static const weir_stream_kind_t no_now_kind = {
    .size = sizeof(weir_stream_kind_t),
    .name = "test script",
    .read_some = script_read,
    .write_some = script_write,
    .cancel_read = script_cancel_read,
    .cancel_write = script_cancel_write,
    .shutdown = script_shutdown,
    .close = script_close};

/* ---- Making and asking ---- */

int weir_test_stream(weir_loop_t *loop, weir_stream_t *stream,
                     const weir_test_options_t *options,
                     weir_test_stream_t **script) {
  if (loop == NULL || stream == NULL || script == NULL)
    return UV_EINVAL;
  weir_test_stream_t *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return UV_ENOMEM;
  if (options != NULL)
    t->options = *options;
  t->read.script = t->options.read;
  t->write.script = t->options.write;
  t->stream = stream;
  int r = weir_stream_init(loop, stream,
                           t->options.no_now ? &no_now_kind : &script_kind, t);
  if (r != 0) {
    free(t);
    return r;
  }
  uv_idle_init(weir_loop_uv(loop), &t->idle);
  uv_unref((uv_handle_t *)&t->idle);
  t->idle.data = t;
  *script = t;
  return 0;
}

static side_t *side_of(weir_test_stream_t *t, weir_test_what_t what) {
  switch (what) {
  case WEIR_TEST_READ:
    return &t->read;
  case WEIR_TEST_WRITE:
    return &t->write;
  case WEIR_TEST_SHUTDOWN:
    return &t->shutdown;
  default:
    return NULL;
  }
}

int weir_test_finish(weir_test_stream_t *script, weir_test_what_t what,
                     const weir_test_step_t *step) {
  if (script == NULL || step == NULL)
    return UV_EINVAL;
  side_t *side = side_of(script, what);
  if (side == NULL || !side->busy)
    return UV_EINVAL;
  side->step = *step;
  return complete(script, side);
}

int weir_test_stream_free(weir_test_stream_t *script) {
  if (script == NULL)
    return 0;
  if (!script->closed)
    return UV_EBUSY;
  free(script->calls);
  free(script->written);
  free(script);
  return 0;
}

size_t weir_test_calls(const weir_test_stream_t *script) {
  return script->ncalls;
}

const weir_test_call_t *weir_test_call(const weir_test_stream_t *script,
                                       size_t i) {
  return i < script->ncalls ? &script->calls[i] : NULL;
}

size_t weir_test_count(const weir_test_stream_t *script,
                       weir_test_what_t what) {
  size_t n = 0;
  for (size_t i = 0; i < script->ncalls; i++)
    n += script->calls[i].what == what;
  return n;
}

const void *weir_test_written(const weir_test_stream_t *script, size_t *size) {
  *size = script->written_size;
  return script->written;
}

size_t weir_test_delivered(const weir_test_stream_t *script) {
  return script->delivered;
}

int weir_test_failed(const weir_test_stream_t *script) {
  return script->failed;
}
