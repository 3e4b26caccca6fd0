/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "scripted.h"

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
