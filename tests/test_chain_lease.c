/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <string.h>

#include "support/alloc.h"
#include "support/parser.h"

/* Leases in chains. */

/* A buffer of the pool with this text, held once. */
static weir_lease_t lease_of(weir_pool_t *pool, const char *text) {
  weir_lease_t lease = {.pool = pool};

  check_is(weir_pool_acquire(pool, &lease.buf), 0);
  lease.buf.len = strlen(text);
  memcpy(lease.buf.base, text, lease.buf.len);
  return lease;
}

static void push(weir_buffer_t *chain, weir_lease_t *lease) {
  check_is(weir_chain_push_lease(chain, lease), 0);
  check_is(weir_lease_release(lease), 0);
}

static void expect_text(const weir_buffer_t *chain, const char *text) {
  check_is(weir_buffer_size(chain), strlen(text));
  check_is(weir_seq_compare(weir_buffer_data(chain),
                            weir_seq_block(text, strlen(text))),
           0);
}

WEIR_TEST(chain_lease, goes_back_with_its_last_byte) {
  weir_pool_t *pool = new_pool(f, 3);
  weir_lease_t lease = lease_of(pool, "abc");
  weir_buffer_t chain;

  check_is(weir_chain_init(&chain, NULL), 0);
  check_is(weir_chain_push_lease(&chain, &lease), 0);
  cr_assert(lease.pool == pool);
  check_is(weir_buffer_put(&chain, weir_seq_block("--", 2)), 0);
  lease.buf.base++;
  lease.buf.len = 1;
  check_is(weir_chain_push_lease(&chain, &lease), 0);
  expect_text(&chain, "abc--b");
  check_is(weir_lease_release(&lease), 0);
  weir_buffer_consume(&chain, 5);
  check_is(pool_out(pool), 1);
  weir_buffer_consume(&chain, 1);
  check_is(pool_out(pool), 0);
  lease = lease_of(pool, "xyz");
  push(&chain, &lease);
  check_is(weir_buffer_reset(&chain), 0);
  end_pool(pool);
}

WEIR_TEST(chain_lease, a_thousand_segments) {
  enum { COUNT = 1000 };
  weir_pool_t *pool = new_pool(f, 4);
  weir_buffer_t chain;
  weir_lease_t lease[4];
  struct parser p;
  size_t i;

  parser_open(f, &p, pool, 0, 0);
  check_is(weir_chain_init(&chain, NULL), 0);
  for (i = 0; i < 4; i++) {
    check_is(weir_pool_acquire(pool, &lease[i].buf), 0);
    lease[i].pool = pool;
    pattern_fill(lease[i].buf.base, 0, COUNT);
    lease[i].buf.base[COUNT / 4 - 1] = '\n';
    lease[i].buf.len = 1;
  }
  for (i = 0; i < COUNT; i++) {
    check_is(weir_chain_push_lease(&p.chain, &lease[i % 4]), 0);
    lease[i % 4].buf.base++;
  }
  for (i = 0; i < 4; i++)
    check_is(weir_lease_release(&lease[i]), 0);
  check_is(weir_seq_count(weir_buffer_data(&p.chain)), COUNT);
  for (i = 0; weir_buffer_size(&p.chain) > 0; i++) {
    parser_read(&p);
    run_until(f, &p.r.calls);
    check_is(p.r.status, 0);
    check_is(weir_chain_split(&p.chain, p.r.n, &chain), 0);
  }
  check_is(weir_buffer_size(&chain), COUNT);
  weir_buffer_consume(&chain, COUNT - 4);
  check_is(pool_out(pool), 4);
  for (i = 4; i > 0; i--) {
    weir_buffer_consume(&chain, 1);
    check_is(pool_out(pool), i - 1);
  }
  parser_close(f, &p);
  end_pool(pool);
}

/* Parts of one go their ways: apart, together, in one piece. */
WEIR_TEST(chain_lease, is_split_and_joined) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t lease = lease_of(pool, "abcdef");
  weir_buffer_t chain, front;
  const void *at;

  check_is(weir_chain_init_leases(&chain, pool, 0, NULL), 0);
  check_is(weir_chain_init(&front, NULL), 0);
  push(&chain, &lease);
  check_is(weir_chain_split(&chain, 2, &front), 0);
  weir_buffer_consume(&chain, 4);
  check_is(pool_out(pool), 1);
  expect_text(&front, "ab");
  lease = lease_of(pool, "ghi");
  push(&front, &lease);
  check_is(weir_chain_append(&chain, &front), 0);
  expect_text(&chain, "abghi");
  check_is(weir_chain_pullup(&chain, 3, &at), 0);
  check_is(memcmp(at, "abg", 3), 0);
  check_is(pool_out(pool), 1);
  weir_buffer_consume(&chain, 5);
  check_is(pool_out(pool), 0);
  end_pool(pool);
}

/* What a pullup copied is not kept for reads: they take leases. */
WEIR_TEST(chain_lease, a_pullup_leaves_no_room) {
  weir_pool_t *pool = new_pool(f, 3);
  weir_lease_t one = lease_of(pool, "one"), two = lease_of(pool, "two");
  struct parser p;
  const void *at;

  parser_open(f, &p, pool, 1, 0);
  push(&p.chain, &one);
  push(&p.chain, &two);
  check_is(weir_chain_pullup(&p.chain, 6, &at), 0);
  weir_buffer_consume(&p.chain, 6);
  check_is(weir_buffer_capacity(&p.chain), 0);
  parser_read(&p);
  parser_feed(&p, 0, 10);
  parser_feed_end(&p);
  parser_expect(f, &p, 0, 10);
  check_is(pool_out(pool), 1);
  parser_close(f, &p);
  end_pool(pool);
}

/* A chain over a pool writes nothing into a buffer that somebody else holds but
 * behind what he has of it. */
WEIR_TEST(chain_lease, what_somebody_holds_is_not_filled_anew) {
  weir_pool_t *pool = new_pool(f, 3);
  weir_buffer_options_t options = {.size = 0};
  weir_lease_t kept = {.pool = pool};
  weir_mseq_t room;
  weir_buffer_t chain;
  weir_seq_t data;
  uv_buf_t part;

  check_is(weir_pool_source(pool, &options), 0);
  check_is(weir_chain_init(&chain, &options), 0);
  check_is(weir_buffer_put(&chain, weir_seq_block("kept", 4)), 0);
  data = weir_buffer_data(&chain);
  cr_assert(weir_seq_next(&data, &kept.buf));
  check_is(weir_lease_retain(&kept), 0);
  check_is(weir_buffer_prepare(&chain, 4, &room), 0);
  weir_buffer_consume(&chain, 4);
  check_is(weir_buffer_prepare(&chain, BORROW_SIZE / 2, &room), 0);
  while (weir_mseq_next(&room, &part))
    memset(part.base, 'x', part.len);
  check_is(memcmp(kept.buf.base, "kept", 4), 0);
  check_is(weir_buffer_reset(&chain), 0);
  check_is(weir_lease_release(&kept), 0);
  end_pool(pool);
}

/* ---- Refused ---- */

WEIR_TEST(chain_lease, refuses_bad_arguments) {
  weir_pool_t *pool = new_pool(f, 2);
  weir_lease_t lease = lease_of(pool, "abc"), none = {.pool = NULL}, stale;
  weir_buffer_options_t options = {.max_size = 4};
  weir_buffer_t chain, flat;

  check_is(weir_chain_init_leases(&chain, NULL, 0, NULL), UV_EINVAL);
  check_is(weir_pool_source(pool, &options), 0);
  check_is(weir_chain_init_leases(&chain, pool, 0, &options), UV_EINVAL);
  options = (weir_buffer_options_t){.max_size = 4, .flags = 128};
  check_is(weir_chain_init_leases(&chain, pool, 0, &options), UV_EINVAL);
  options.flags = 0;
  check_is(weir_chain_init_leases(&chain, pool, 0, &options), 0);
  check_is(weir_flat_init(&flat, NULL), 0);
  check_is(weir_chain_push_lease(&flat, &lease), UV_EINVAL);
  check_is(weir_chain_push_lease(&chain, NULL), UV_EINVAL);
  check_is(weir_chain_push_lease(&chain, &none), UV_EINVAL);
  weir_buffer_hold(&chain, WEIR_HOLD_ROOM);
  check_is(weir_chain_push_lease(&chain, &lease), UV_EBUSY);
  weir_buffer_unhold(&chain, WEIR_HOLD_ROOM);
  push(&chain, &(weir_lease_t){.pool = pool, .buf = lease.buf});
  lease = lease_of(pool, "de");
  check_is(weir_chain_push_lease(&chain, &lease), UV_ENOBUFS);
  expect_text(&chain, "abc");
  stale = lease;
  lease.buf.len = 0;
  check_is(weir_chain_push_lease(&chain, &lease), 0);
  check_is(weir_lease_release(&lease), 0);
  check_is(pool_out(pool), 1);
  stale.buf.len = 1;
  check_is(weir_chain_push_lease(&chain, &stale), UV_EINVAL);
  check_is(weir_buffer_reset(&chain), 0);
  end_pool(pool);
}

WEIR_TEST(chain_lease, refuses_another_loops_stream) {
  weir_loop_options_t options = {.backend = f->backend};
  weir_loop_t *second;
  weir_pool_t *pool;
  struct parser p;
  uv_loop_t uv;

  check_is(uv_loop_init(&uv), 0);
  options.size = sizeof(options);
  check_is(weir_loop_attach(&uv, &options, &second), 0);
  check_is(weir_pool_create(second, 1, BORROW_SIZE, &pool), 0);
  parser_open(f, &p, pool, 0, 0);
  check_is(weir_read_until(&p.r.op, &p.c.stream, &p.chain, weir_until_byte(0),
                           on_done),
           UV_EINVAL);
  check_is(weir_read_to_end(&p.r.op, &p.c.stream, &p.chain, 0, NULL),
           UV_EINVAL);
  parser_close(f, &p);
  check_is(weir_pool_destroy(pool), 0);
  check_is(weir_loop_detach(second, NULL), 0);
  check_is(uv_run(&uv, UV_RUN_DEFAULT), 0);
  check_is(uv_loop_close(&uv), 0);
}

/* A read that is refused leaves the pool free. */
WEIR_TEST(chain_lease, a_refused_read_uses_no_pool) {
  weir_pool_t *pool = new_pool(f, 2);
  struct request second;
  struct parser p;

  parser_open(f, &p, pool, 0, 0);
  parser_read(&p);
  check_is(weir_read_until(&second.op, &p.c.stream, &p.chain,
                           weir_until_byte(0), on_done),
           UV_EALREADY);
  weir_cancel(&p.r.op);
  finish(f, &p.r, UV_ECANCELED, 0);
  check_is(weir_read_until(&second.op, &p.c.stream, &p.chain,
                           weir_until_byte(0), NULL),
           UV_EINVAL);
  check_is(weir_pool_destroy(pool), 0);
  conn_close(f, &p.c);
}

/* Nothing has changed then. The first of a buffer needs no memory but once for
 * its pool, any other some. */
WEIR_TEST(chain_lease, without_memory) {
  weir_pool_t *pool;
  weir_buffer_t chain;
  weir_lease_t lease;

  alloc_install();
  pool = new_pool(f, 2);
  alloc_fail_after(0);
  check_is(weir_chain_init_leases(&chain, pool, 0, NULL), UV_ENOMEM);
  check_is(weir_chain_init(&chain, NULL), 0);
  lease = lease_of(pool, "abc");
  check_is(weir_chain_push_lease(&chain, &lease), UV_ENOMEM);
  check_is(weir_buffer_size(&chain), 0);
  alloc_fail_after(1);
  check_is(weir_chain_push_lease(&chain, &lease), 0);
  check_is(weir_chain_push_lease(&chain, &lease), UV_ENOMEM);
  check_is(weir_lease_release(&lease), 0);
  expect_text(&chain, "abc");
  weir_buffer_consume(&chain, 3);
  check_is(pool_out(pool), 0);
  lease = lease_of(pool, "def");
  push(&chain, &lease);
  check_is(weir_buffer_reset(&chain), 0);
  check_is(weir_chain_init_leases(&chain, pool, 0, NULL), 0);
  alloc_fail_after(SIZE_MAX);
  end_pool(pool);
}
