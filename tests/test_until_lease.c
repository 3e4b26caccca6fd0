/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/alloc.h"
#include "support/parser.h"
#include "support/scratch.h"

/* Reads up to a delimiter into a chain over leases. */

enum { SIZE = BORROW_SIZE };

/* Where the chain's data begin. */
static uv_buf_t first_of(const weir_buffer_t *chain) {
  weir_seq_t data = weir_buffer_data(chain);
  uv_buf_t segment = {.base = NULL};

  weir_seq_next(&data, &segment);
  return segment;
}

WEIR_TEST(until_lease, a_line_lies_where_it_was_received) {
  weir_pool_t *pool = new_pool(f, 4);
  uv_buf_t all[4], first;
  struct parser p;
  size_t i, found;

  for (i = 0; i < 4; i++)
    check_is(weir_pool_acquire(pool, &all[i]), 0);
  for (i = 0; i < 4; i++)
    check_is(weir_pool_release(pool, &all[i]), 0);
  parser_open(f, &p, pool, 0, 0);
  parser_read(&p);
  run_some_turns(f);
  check_is(pool_out(pool), 0);
  parser_feed(&p, 0, 100);
  parser_feed_end(&p);
  parser_expect(f, &p, 0, 100);
  check_is(pool_out(pool), 1);
  first = first_of(&p.chain);
  check_is(first.len, 101);
  for (i = found = 0; i < 4; i++)
    found += first.base == all[i].base;
  check_is(found, 1);
  check_is(weir_buffer_consume(&p.chain, 100), 100);
  check_is(pool_out(pool), 1);
  check_is(weir_buffer_consume(&p.chain, 1), 1);
  check_is(pool_out(pool), 0);
  parser_close(f, &p);
  end_pool(pool);
}

/* Many lines in one transfer: each is found where it lies, and the buffer goes
 * back with the last. */
WEIR_TEST(until_lease, what_is_behind_the_line_stays) {
  enum { LINES = 20, EACH = 30 };
  weir_pool_t *pool = new_pool(f, 2);
  const char *at;
  struct parser p;
  size_t i;

  parser_open(f, &p, pool, 0, 0);
  for (i = 0; i < LINES; i++) {
    parser_feed(&p, i, EACH);
    parser_feed_end(&p);
  }
  run_some_turns(f);
  parser_read(&p);
  parser_expect(f, &p, 0, EACH);
  at = first_of(&p.chain).base;
  check_is(weir_buffer_size(&p.chain), LINES * (EACH + 1));
  weir_loop_stats_t before = stats_of(f);
  for (i = 0; i < LINES; i++) {
    if (i > 0)
      parser_read(&p);
    parser_expect(f, &p, i, EACH);
    check_is(pool_out(pool), 1);
    cr_assert(first_of(&p.chain).base == at + i * (EACH + 1));
    check_is(weir_buffer_consume(&p.chain, EACH + 1), EACH + 1);
  }
  check_is(stats_of(f).reads, before.reads);
  check_is(pool_out(pool), 0);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_lease, bytes_that_come_one_by_one_share_a_buffer) {
  weir_pool_t *pool = new_pool(f, 2);
  struct parser p;
  size_t i;

  parser_open(f, &p, pool, 1, 0);
  parser_read(&p);
  for (i = 0; i < 50; i++) {
    parser_feed(&p, i, 1);
    run_some_turns(f);
    check_is(p.r.calls, 0);
    check_is(pool_out(pool), 1);
    check_is(weir_buffer_size(&p.chain), i + 1);
  }
  parser_feed_end(&p);
  parser_line(f, &p, 0, 50);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_lease, nothing_is_allocated) {
  enum { EACH = 3 * SIZE };
  weir_pool_t *pool;
  struct parser p;
  size_t i, calls = 0;

  alloc_install();
  pool = new_pool(f, 8);
  parser_open(f, &p, pool, 0, 0);
  for (i = 0; i < 30; i++) {
    if (i == 2)
      calls = alloc_calls();
    parser_read(&p);
    parser_feed(&p, i, EACH);
    parser_feed_end(&p);
    parser_line(f, &p, i, EACH);
  }
  check_is(alloc_calls(), calls);
  parser_close(f, &p);
  end_pool(pool);
}

/* The delimiter over the edge of two buffers, at each of its bytes. */
WEIR_TEST(until_lease, a_delimiter_is_found_over_the_edge) {
  static const char end[] = "\r\n.\r\n";
  enum { LEN = sizeof(end) - 1 };
  weir_pool_t *pool = new_pool(f, 4);
  char bytes[SIZE + LEN];
  struct parser p;
  size_t before;

  parser_open(f, &p, pool, 0, 0);
  for (before = SIZE - LEN; before <= SIZE; before++) {
    memset(bytes, '\r', sizeof(bytes));
    memcpy(bytes + before, end, LEN);
    check_is(write(p.c.peer, bytes, before + LEN), before + LEN);
    p.r.calls = 0;
    check_is(weir_read_until(&p.r.op, &p.c.stream, &p.chain,
                             weir_until_bytes(end, LEN), on_done),
             0);
    finish(f, &p.r, 0, before + LEN);
    check_is(weir_seq_compare(weir_buffer_data(&p.chain),
                              weir_seq_block(bytes, before + LEN)),
             0);
    check_is(pool_out(pool), before + LEN > SIZE ? 2 : 1);
    weir_buffer_consume(&p.chain, before + LEN - 1);
    check_is(pool_out(pool), 1);
    weir_buffer_consume(&p.chain, 1);
    check_is(pool_out(pool), 0);
  }
  parser_close(f, &p);
  end_pool(pool);
}

/* Who retains its segments has a line for as long as he likes. */
WEIR_TEST(until_lease, a_line_can_be_kept) {
  enum { EACH = SIZE + 500 };
  weir_pool_t *pool = new_pool(f, 6);
  weir_lease_t kept[4];
  size_t i, count = 0, n = EACH;
  weir_seq_t line;
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  parser_feed(&p, 0, EACH);
  parser_feed_end(&p);
  parser_feed(&p, EACH, 100);
  parser_read(&p);
  parser_expect(f, &p, 0, EACH);
  line = weir_seq_prefix(weir_buffer_data(&p.chain), EACH);
  while (weir_seq_next(&line, &kept[count].buf)) {
    kept[count].pool = pool;
    check_is(weir_lease_retain(&kept[count]), 0);
    count++;
  }
  cr_assert(count >= 2);
  weir_buffer_consume(&p.chain, EACH + 1);
  check_is(weir_chain_push_lease(&p.chain, &kept[0]), 0);
  check_is(weir_buffer_reset(&p.chain), 0);
  for (i = 0; i < 10; i++) {
    parser_read(&p);
    parser_feed(&p, i, EACH);
    parser_feed_end(&p);
    if (i > 0)
      parser_line(f, &p, i, EACH);
    else
      run_until(f, &p.r.calls);
    check_is(weir_buffer_reset(&p.chain), 0);
  }
  for (i = 0; i < count; i++) {
    weir_seq_cursor_t at = weir_seq_cursor(weir_lease_seq(&kept[i]));
    while (n > 0 && weir_seq_cursor_offset(&at) < kept[i].buf.len) {
      char want;
      pattern_fill(&want, EACH - n, 1);
      check_is((char)weir_seq_cursor_byte(&at), want == '\n' ? 0 : want);
      n--;
    }
    check_is(weir_lease_release(&kept[i]), 0);
  }
  check_is(n, 0);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_lease, a_line_goes_to_a_file_by_the_registration) {
  weir_pool_t *pool = new_pool(f, 4);
  uint64_t fixed = weir_pool_status(pool, NULL) == 0, before;
  struct request w = {.calls = 0};
  struct scratch s;
  struct parser p;

  scratch_make(&s, 100);
  parser_open(f, &p, pool, 0, 0);
  parser_feed(&p, 0, 100);
  parser_feed_end(&p);
  parser_read(&p);
  parser_expect(f, &p, 0, 100);
  before = stats_of(f).fixed_ops;
  check_is(weir_file_pwrite(f->loop, &w.op, s.fd,
                            weir_seq_prefix(weir_buffer_data(&p.chain), 100), 0,
                            on_done),
           0);
  finish(f, &w, 0, 100);
  check_is(stats_of(f).fixed_ops - before, fixed);
  weir_buffer_consume(&p.chain, 101);
  parser_close(f, &p);
  scratch_remove(&s);
  end_pool(pool);
}

/* ---- Ends ---- */

WEIR_TEST(until_lease, the_end_leaves_what_has_come) {
  weir_pool_t *pool = new_pool(f, 4);
  struct parser p;
  int i;

  for (i = 0; i < 3; i++) {
    size_t n = i == 0 ? 0 : i == 1 ? 10 : SIZE + 10;
    parser_open(f, &p, pool, 0, 0);
    parser_feed(&p, 0, n);
    parser_read(&p);
    run_some_turns(f);
    check_is(shutdown(p.c.peer, SHUT_WR), 0);
    finish(f, &p.r, UV_EOF, n);
    check_is(weir_buffer_size(&p.chain), n);
    check_is(pool_out(pool), (n + SIZE - 1) / SIZE);
    parser_read(&p);
    finish(f, &p.r, UV_EOF, n);
    parser_close(f, &p);
  }
  end_pool(pool);
}

WEIR_TEST(until_lease, reads_to_the_end) {
  enum { TOTAL = 10 * SIZE + 77 };
  weir_pool_t *pool = new_pool(f, 16);
  struct parser p;
  uv_buf_t part;
  weir_seq_t data;
  size_t at = 0;

  parser_open(f, &p, pool, 0, 0);
  check_is(weir_read_to_end(&p.r.op, &p.c.stream, &p.chain, 0, on_done), 0);
  p.r.calls = 0;
  peer_send(&p.c, 0, TOTAL);
  check_is(shutdown(p.c.peer, SHUT_WR), 0);
  finish(f, &p.r, 0, TOTAL);
  for (data = weir_buffer_data(&p.chain); weir_seq_next(&data, &part);
       at += part.len)
    cr_assert(pattern_holds(part.base, at, part.len));
  check_is(at, TOTAL);
  check_is(pool_out(pool), 11);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_lease, max_size_bounds_it) {
  weir_pool_t *pool = new_pool(f, 4);
  struct parser p;

  parser_open(f, &p, pool, 0, SIZE + 10);
  parser_feed(&p, 0, SIZE + 100);
  parser_read(&p);
  finish(f, &p.r, UV_ENOBUFS, SIZE + 10);
  check_is(weir_buffer_size(&p.chain), SIZE + 10);
  parser_read(&p);
  finish(f, &p.r, UV_ENOBUFS, SIZE + 10);
  weir_buffer_consume(&p.chain, SIZE + 10);
  parser_feed_end(&p);
  parser_read(&p);
  parser_line(f, &p, SIZE + 10, 90);
  parser_close(f, &p);
  end_pool(pool);
}

/* Not begun, under way, with bytes before and behind: nothing is lost. */
WEIR_TEST(until_lease, cancelled_at_any_time_it_loses_nothing) {
  weir_pool_t *pool = new_pool(f, 2);
  size_t sent = 0, i;
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  for (i = 0; i < 40; i++) {
    parser_read(&p);
    if (i % 2 > 0)
      run_some_turns(f);
    if (i % 4 > 1) {
      parser_feed(&p, sent, 7);
      sent += 7;
    }
    if (i % 8 > 3)
      run_turn(f);
    weir_cancel(&p.r.op);
    run_until(f, &p.r.calls);
    check_is(p.r.status, UV_ECANCELED);
    check_is(p.r.n, weir_buffer_size(&p.chain));
    cr_assert(p.r.n <= sent);
  }
  parser_feed_end(&p);
  parser_read(&p);
  parser_line(f, &p, 0, sent);
  parser_close(f, &p);
  end_pool(pool);
}

WEIR_TEST(until_lease, closed_at_any_time_it_leaves_what_has_come) {
  weir_pool_t *pool = new_pool(f, 2);
  struct parser p;
  int i;

  for (i = 0; i < 12; i++) {
    parser_open(f, &p, pool, 0, 0);
    if (i % 2 > 0)
      parser_feed(&p, 0, 10);
    parser_read(&p);
    if (i % 4 > 1)
      run_some_turns(f);
    if (i % 3 > 0)
      parser_feed(&p, 10, 10);
    conn_close(f, &p.c);
    check_is(p.r.calls, 1);
    check_is(p.r.status, UV_ECANCELED);
    check_is(p.r.n, weir_buffer_size(&p.chain));
    check_is(pool_out(pool), p.r.n > 0);
    check_is(weir_buffer_reset(&p.chain), 0);
  }
  end_pool(pool);
}

WEIR_TEST(until_lease, the_buffer_is_the_reads) {
  weir_pool_t *pool = new_pool(f, 2);
  struct parser p;
  weir_mseq_t room;

  parser_open(f, &p, pool, 0, 0);
  parser_read(&p);
  run_some_turns(f);
  check_is(weir_buffer_prepare(&p.chain, 10, &room), UV_EBUSY);
  check_is(weir_buffer_reset(&p.chain), UV_EBUSY);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  parser_feed(&p, 0, 10);
  run_some_turns(f);
  check_is(weir_buffer_prepare(&p.chain, 10, &room), UV_EBUSY);
  weir_cancel(&p.r.op);
  finish(f, &p.r, UV_ECANCELED, 10);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  weir_buffer_hold(&p.chain, WEIR_HOLD_ROOM);
  parser_read(&p);
  finish(f, &p.r, UV_EBUSY, 10);
  weir_buffer_unhold(&p.chain, WEIR_HOLD_ROOM);
  /* What the program prepared is filled first. */
  check_is(weir_buffer_reset(&p.chain), 0);
  check_is(weir_buffer_prepare(&p.chain, 10, &room), 0);
  check_is(pool_out(pool), 1);
  parser_feed(&p, 0, 5);
  parser_feed_end(&p);
  parser_read(&p);
  parser_line(f, &p, 0, 5);
  parser_close(f, &p);
  end_pool(pool);
}

/* ---- Many ---- */

static size_t crowd_size(void) {
  const char *given = getenv("WEIR_TEST_CROWD");

  return given != NULL ? strtoul(given, NULL, 10) : 200;
}

/* Idle ones hold nothing, those in the midst of a line one buffer each. */
WEIR_TEST(until_lease, a_crowd_that_is_idle_holds_no_buffers) {
  enum { BUFFERS = 16 };
  size_t i, crowd = crowd_size();
  struct parser *all;
  weir_pool_t *pool;

  fixture_descriptors(f, crowd);
  pool = new_pool(f, BUFFERS);
  all = calloc(crowd, sizeof(*all));
  for (i = 0; i < crowd; i++) {
    parser_open(f, &all[i], pool, 0, 0);
    parser_read(&all[i]);
  }
  run_some_turns(f);
  check_is(pool_out(pool), 0);
  for (i = 0; i < BUFFERS / 2; i++)
    parser_feed(&all[i], i, 100);
  run_some_turns(f);
  check_is(pool_out(pool), BUFFERS / 2);
  for (i = 0; i < crowd; i++) {
    if (i >= BUFFERS / 2)
      parser_feed(&all[i], i, 100);
    parser_feed_end(&all[i]);
    parser_line(f, &all[i], i, 100);
    parser_read(&all[i]);
  }
  run_some_turns(f);
  check_is(pool_out(pool), 0);
  for (i = 0; i < crowd; i++)
    parser_close(f, &all[i]);
  free(all);
  end_pool(pool);
}
