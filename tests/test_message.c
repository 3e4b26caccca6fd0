/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/net.h"

/* Writes of copies, and of one block to many streams. */

static int writes_are_due(const struct conn *c) {
  return weir_stream_queued(&c->stream) > 0;
}

static void run_written(struct weir_fixture *f, const struct conn *c) {
  while (writes_are_due(c))
    uv_run(&f->uv, UV_RUN_ONCE);
}

/* ---- Copies ---- */

static void copy_out(struct conn *c, size_t offset, size_t len) {
  char *bytes = malloc(len + 1);

  pattern_fill(bytes, offset, len);
  check_is(weir_write_copy(&c->stream, bytes, len), 0);
  memset(bytes, 'x', len);
  free(bytes);
}

WEIR_TEST(message, a_copy_needs_its_bytes_in_the_call_only) {
  static const size_t sizes[] = {1,    15,    16,    17,    240,   256,  272,
                                 4096, 16000, 16159, 16160, 16161, 50000};
  struct conn c;
  size_t offset = 0;

  conn_unix(f, &c);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    copy_out(&c, offset, sizes[i]);
    check_is(weir_stream_queued(&c.stream), sizes[i]);
    run_written(f, &c);
    peer_take(&c, offset, sizes[i]);
    offset += sizes[i];
  }
  check_is(weir_write_copy(&c.stream, NULL, 0), 0);
  run_out(f);
  conn_close(f, &c);
}

WEIR_TEST(message, copies_share_windows_and_their_memory_comes_again) {
  enum { COPIES = 1000, SIZE = 10, ROUNDS = 3 };
  weir_loop_stats_t before, after;
  struct conn c;
  size_t calls = 0;

  conn_unix(f, &c);
  for (size_t round = 0; round < ROUNDS; round++) {
    before = stats_of(f);
    calls = alloc_calls();
    for (size_t i = 0; i < COPIES; i++)
      copy_out(&c, (round * COPIES + i) * SIZE, SIZE);
    run_out(f);
    peer_take(&c, round * COPIES * SIZE, COPIES * SIZE);
  }
  after = stats_of(f);
  check_is(alloc_calls(), calls);
  check_is(after.allocations, before.allocations);
  check_is(after.writes - before.writes, COPIES);
  cr_assert(after.writes_gathered - before.writes_gathered >= COPIES * 9 / 10);
  conn_close(f, &c);
}

WEIR_TEST(message, copies_keep_their_place_among_writes) {
  struct request w = {0};
  struct conn c;
  char bytes[5000];

  conn_unix(f, &c);
  pattern_fill(bytes, 100, sizeof(bytes));
  copy_out(&c, 0, 100);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, sizeof(bytes)),
                      on_done),
           0);
  copy_out(&c, 100 + sizeof(bytes), 100);
  finish(f, &w, 0, sizeof(bytes));
  run_out(f);
  peer_take(&c, 0, 200 + sizeof(bytes));
  conn_close(f, &c);
}

WEIR_TEST(message, a_copy_that_is_refused_leaves_nothing) {
  static char large[20000];
  struct request w = {0};
  weir_stream_t raw;
  struct conn c;

  check_is(weir_write_copy(NULL, "x", 1), UV_EINVAL);
  check_is(weir_tcp_init(f->loop, &raw), 0);
  check_is(weir_write_copy(&raw, "x", 1), UV_ENOTCONN);
  check_is(weir_close(&raw, NULL), 0);
  check_is(weir_write_copy(&raw, "x", 1), UV_EBADF);
  conn_unix(f, &c);
  check_is(weir_write_copy(&c.stream, NULL, 1), UV_EINVAL);
  check_is(weir_write_copy(&c.stream, "x", SIZE_MAX), UV_ENOMEM);
  alloc_fail_after(0);
  check_is(weir_write_copy(&c.stream, large, sizeof(large)), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  check_is(weir_write_eof(&w.op, &c.stream, weir_seq_block(NULL, 0), on_done),
           0);
  check_is(weir_write_copy(&c.stream, "x", 1), UV_EPIPE);
  finish(f, &w, 0, 0);
  conn_close(f, &c);
}

/* The stream says it at the next write, whichever it is. */
WEIR_TEST(message, the_failure_of_a_copy_is_the_next_writes) {
  struct request w = {0};
  struct conn c;

  conn_tcp(f, &c);
  reset_peer(&c);
  copy_out(&c, 0, 100);
  run_out(f);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block("x", 1), on_done), 0);
  run_until(f, &w.calls);
  cr_assert(w.status == UV_ECONNRESET || w.status == UV_EPIPE, "%s",
            uv_strerror(w.status));
  check_is(w.n, 0);
  conn_close(f, &c);
}

WEIR_TEST(message, a_close_drops_copies) {
  struct conn c;

  conn_slow(f, &c);
  for (int i = 0; i < 100; i++)
    copy_out(&c, 0, 100000);
  run_some_turns(f);
  cr_assert(writes_are_due(&c));
  conn_close(f, &c);
}

/* ---- Messages ---- */

struct line {
  weir_message_t message;
  int released;
  char bytes[3000];
};

static void on_released(weir_message_t *message) {
  ++*(int *)message->data;
}

static void line_init(struct line *line, size_t len) {
  memset(line, 0, sizeof(*line));
  pattern_fill(line->bytes, 0, len);
  line->message.data = &line->released;
  check_is(weir_message_init(&line->message, weir_seq_block(line->bytes, len),
                             on_released),
           0);
}

WEIR_TEST(message, goes_to_many_without_a_copy) {
  enum { MANY = 100 };
  struct conn *all;
  struct line line;
  size_t calls;

  fixture_descriptors(f, MANY);
  all = calloc(MANY, sizeof(*all));
  for (size_t i = 0; i < MANY; i++)
    conn_unix(f, &all[i]);
  for (int round = 0; round < 2; round++) {
    line_init(&line, sizeof(line.bytes));
    calls = alloc_calls();
    for (size_t i = 0; i < MANY; i++)
      check_is(weir_message_write(&line.message, &all[i].stream), 0);
    weir_message_release(&line.message);
    check_is(line.released, 0);
    run_out(f);
    check_is(line.released, 1);
    for (size_t i = 0; i < MANY; i++)
      peer_take(&all[i], 0, sizeof(line.bytes));
    if (round > 0)
      check_is(alloc_calls(), calls);
  }
  for (size_t i = 0; i < MANY; i++)
    conn_close(f, &all[i]);
  free(all);
}

WEIR_TEST(message, of_many_segments_is_not_copied_either) {
  enum { SEGMENTS = 1000, EACH = 3 };
  static const size_t counts[] = {0, 1, 4, 5, 15, 16, 17, SEGMENTS};
  uv_buf_t segments[SEGMENTS];
  struct line line;
  struct conn c;
  size_t calls;

  conn_unix(f, &c);
  copy_out(&c, 0, 1);
  run_out(f);
  peer_take(&c, 0, 1);
  line_init(&line, sizeof(line.bytes));
  for (size_t i = 0; i < SEGMENTS; i++)
    segments[i] = uv_buf_init(line.bytes + EACH * i, EACH);
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    weir_seq_t seq = weir_seq_bufs(segments, counts[i]);

    check_is(weir_message_init(&line.message, seq, on_released), 0);
    line.released = 0;
    calls = alloc_calls();
    check_is(weir_message_write(&line.message, &c.stream), 0);
    check_is(alloc_calls(), calls);
    weir_message_release(&line.message);
    run_out(f);
    check_is(line.released, 1);
    peer_take(&c, 0, EACH * counts[i]);
  }
  conn_close(f, &c);
}

static void on_released_free(weir_message_t *message) {
  ++*(int *)message->data;
  free(message);
}

WEIR_TEST(message, may_be_freed_when_it_is_released) {
  weir_message_t *message = malloc(sizeof(*message));
  int released = 0;
  struct conn c;

  conn_unix(f, &c);
  message->data = &released;
  check_is(
      weir_message_init(message, weir_seq_block("weir", 4), on_released_free),
      0);
  check_is(weir_message_write(message, &c.stream), 0);
  weir_message_release(message);
  run_out(f);
  check_is(released, 1);
  conn_close(f, &c);
}

WEIR_TEST(message, that_nobody_writes_is_released_in_the_call) {
  struct line line;

  (void)f;
  line_init(&line, 10);
  weir_message_hold(&line.message);
  weir_message_release(&line.message);
  check_is(line.released, 0);
  weir_message_release(&line.message);
  check_is(line.released, 1);
  check_is(weir_message_init(&line.message, weir_seq_block(NULL, 0), NULL), 0);
  weir_message_release(&line.message);
  check_is(weir_message_init(NULL, weir_seq_block(NULL, 0), NULL), UV_EINVAL);
}

WEIR_TEST(message, is_not_held_by_what_was_refused) {
  struct line line;
  weir_stream_t raw;
  struct conn c;

  line_init(&line, 10);
  conn_unix(f, &c);
  check_is(weir_message_write(NULL, &c.stream), UV_EINVAL);
  check_is(weir_message_write(&line.message, NULL), UV_EINVAL);
  check_is(weir_tcp_init(f->loop, &raw), 0);
  check_is(weir_message_write(&line.message, &raw), UV_ENOTCONN);
  check_is(weir_close(&raw, NULL), 0);
  check_is(weir_message_write(&line.message, &raw), UV_EBADF);
  run_out(f);
  weir_message_release(&line.message);
  check_is(line.released, 1);
  conn_close(f, &c);
}

WEIR_TEST(message, without_memory_is_not_written) {
  struct line line;
  struct conn c;

  line_init(&line, 10);
  conn_unix(f, &c);
  alloc_fail_after(0);
  check_is(weir_message_write(&line.message, &c.stream), UV_ENOMEM);
  alloc_fail_after(SIZE_MAX);
  weir_message_release(&line.message);
  check_is(line.released, 1);
  conn_close(f, &c);
}

/* The slow one and the one that is closed hold it until their writes end. */
WEIR_TEST(message, is_released_by_streams_that_close) {
  struct line line;
  struct conn slow, quick;
  size_t n = 0;

  line_init(&line, sizeof(line.bytes));
  conn_slow(f, &slow);
  conn_unix(f, &quick);
  while (n++ < 1000)
    check_is(weir_message_write(&line.message, &slow.stream), 0);
  check_is(weir_message_write(&line.message, &quick.stream), 0);
  weir_message_release(&line.message);
  run_written(f, &quick);
  check_is(line.released, 0);
  conn_close(f, &slow);
  check_is(line.released, 1);
  peer_take(&quick, 0, sizeof(line.bytes));
  conn_close(f, &quick);
}
