/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "scripted.h"

#include "net.h"

void scripted_open(struct weir_fixture *f, struct scripted *s,
                   const weir_test_options_t *options) {
  s->closed = 0;
  s->stream.data = s;
  check_is(weir_test_stream(f->loop, &s->stream, options, &s->script), 0);
}

static void on_closed(weir_stream_t *stream) {
  struct scripted *s = stream->data;

  s->closed = 1;
}

void scripted_close_begin(struct scripted *s) {
  check_is(weir_test_stream_free(s->script), UV_EBUSY);
  check_is(weir_close(&s->stream, on_closed), 0);
}

void scripted_close_end(struct weir_fixture *f, struct scripted *s) {
  run_until(f, &s->closed);
  check_is(weir_test_stream_free(s->script), 0);
}

void scripted_close(struct weir_fixture *f, struct scripted *s) {
  scripted_close_begin(s);
  scripted_close_end(f, s);
}

const weir_test_call_t *scripted_call(const struct scripted *s, size_t i,
                                      weir_test_what_t what) {
  const weir_test_call_t *call = weir_test_call(s->script, i);

  cr_assert(call != NULL, "there was no call %zu", i);
  check_is(call->what, what);
  return call;
}

void scripted_finish(struct scripted *s, weir_test_what_t what, int status,
                     size_t bytes) {
  weir_test_step_t step = {.status = status, .bytes = bytes};

  if (status == 0 && bytes == 0)
    step.flags = WEIR_TEST_NOTHING;
  check_is(weir_test_finish(s->script, what, &step), 0);
}

void scripted_expect(const struct scripted *s, size_t total) {
  size_t size;
  const void *written = weir_test_written(s->script, &size);

  check_is(size, total);
  cr_assert(pattern_holds(written, 0, total), "other bytes were written");
}
