/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "support/child.h"
#include "support/rings.h"
#include "support/worker.h"

/* Writes without a copy. Over loopback the system copies all the same, when the
 * peer reads: so each is asked for anew. */

enum { SIZE = 65536, LEAST = 4096 };

static weir_pool_t *large_pool(struct weir_fixture *f, size_t count) {
  weir_pool_t *pool = NULL;

  check_is(weir_pool_create(f->loop, count, SIZE, &pool), 0);
  return pool;
}

static uv_buf_t taken(weir_pool_t *pool, size_t offset) {
  uv_buf_t buf;

  check_is(weir_pool_acquire(pool, &buf), 0);
  pattern_fill(buf.base, offset, buf.len);
  return buf;
}

/* Skips a test that says nothing where it is not to be had. */
static void need_zerocopy(struct weir_fixture *f) {
  weir_pool_t *pool;
  int status;

  if (!ring_sends_uncopied(f))
    fixture_skip(f, "the kernel copies what is sent");
  pool = large_pool(f, 1);
  status = weir_pool_status(pool, NULL);
  check_is(weir_pool_destroy(pool), 0);
  if (status != 0)
    fixture_skip(f, "memory cannot be registered");
}

static void turn_on(struct conn *c) {
  check_is(weir_tcp_zerocopy(&c->stream, LEAST, WEIR_ZEROCOPY_LOOPBACK), 0);
}

static size_t in_force(const struct conn *c) {
  size_t least = 1;

  check_is(weir_tcp_get_zerocopy(&c->stream, &least), 0);
  return least;
}

static uint64_t outstanding(struct weir_fixture *f) {
  weir_loop_stats_t stats = stats_of(f);

  return stats.zerocopy_sends - stats.zerocopy_over;
}

static void run_until_over(struct weir_fixture *f) {
  while (outstanding(f) > 0)
    run_turn(f);
}

/* ---- The setting ---- */

WEIR_TEST(zerocopy, is_set_and_asked) {
  int refused = ring_sends_uncopied(f) ? 0 : UV_ENOTSUP;
  struct conn c, local;
  size_t least = 7;

  conn_tcp(f, &c);
  conn_unix(f, &local);
  check_is(weir_tcp_zerocopy(NULL, 1, 0), UV_EINVAL);
  check_is(weir_tcp_zerocopy(&c.stream, 1, 2), UV_EINVAL);
  check_is(weir_tcp_get_zerocopy(&c.stream, NULL), UV_EINVAL);
  check_is(weir_tcp_get_zerocopy(NULL, &least), UV_EINVAL);
  check_is(weir_tcp_zerocopy(&local.stream, 1, 0), UV_ENOTSUP);
  check_is(weir_tcp_get_zerocopy(&local.stream, &least), UV_ENOTSUP);
  check_is(least, 7);
  check_is(weir_tcp_zerocopy(&c.stream, 5, 0), refused);
  if (refused == 0) {
    check_is(in_force(&c), 5);
    turn_on(&c);
    check_is(in_force(&c), LEAST);
    check_is(weir_tcp_zerocopy(&c.stream, 0, 0), 0);
    check_is(in_force(&c), 0);
    check_is(weir_tcp_zerocopy(&c.stream, 0, 0), 0);
    turn_on(&c);
  }
  conn_close(f, &local);
  check_is(weir_close(&c.stream, on_conn_closed), 0);
  check_is(weir_tcp_zerocopy(&c.stream, 5, 0), UV_EBADF);
  run_until(f, &c.closed);
  close_peer(&c);
}

WEIR_RING_TEST(zerocopy, is_refused_by_an_older_kernel) {
  struct conn c;

  fixture_lacks("send_zc");
  fixture_reattach(f, 64);
  conn_tcp(f, &c);
  check_is(weir_tcp_zerocopy(&c.stream, 1, 0), UV_ENOTSUP);
  conn_close(f, &c);
  fixture_lacks(NULL);
}

/* ---- What goes so ---- */

WEIR_RING_TEST(zerocopy, never_to_this_machine_by_itself) {
  struct request w = {0};
  weir_pool_t *pool;
  struct conn c;
  uv_buf_t buf;

  need_zerocopy(f);
  pool = large_pool(f, 1);
  conn_tcp(f, &c);
  check_is(weir_tcp_zerocopy(&c.stream, LEAST, 0), 0);
  buf = taken(pool, 0);
  check_is(
      weir_write(&w.op, &c.stream, weir_seq_block(buf.base, buf.len), on_done),
      0);
  finish(f, &w, 0, SIZE);
  peer_take(&c, 0, SIZE);
  check_is(stats_of(f).zerocopy_sends, 0);
  check_is(in_force(&c), 0);
  check_is(weir_pool_release(pool, &buf), 0);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
}

/* Small or large, of a pool or not, alone or behind others: the peer reads it
 * in order, and the large ones of the pool went uncopied. */
WEIR_RING_TEST(zerocopy, what_is_large_and_of_a_pool) {
  static char heap[SIZE];
  struct request w[4] = {{.calls = 0}};
  weir_pool_t *pool;
  uv_buf_t buf, both[2];
  struct conn c;
  struct drain d;

  need_zerocopy(f);
  pool = large_pool(f, 2);
  conn_tcp(f, &c);
  drain_start(&d, c.peer);
  turn_on(&c);
  /* Not of a pool; too small. */
  pattern_fill(heap, 0, SIZE);
  check_is(weir_write(&w[0].op, &c.stream, weir_seq_block(heap, SIZE), on_done),
           0);
  finish(f, &w[0], 0, SIZE);
  buf = taken(pool, SIZE);
  check_is(weir_write(&w[1].op, &c.stream, weir_seq_block(buf.base, LEAST - 1),
                      on_done),
           0);
  finish(f, &w[1], 0, LEAST - 1);
  check_is(stats_of(f).zerocopy_sends, 0);
  /* A header before it, and a trailer behind. */
  both[0] = uv_buf_init(heap, 100);
  both[1] = uv_buf_init(buf.base + LEAST, SIZE - LEAST);
  pattern_fill(heap, SIZE + LEAST - 1, 100);
  pattern_fill(both[1].base, SIZE + LEAST - 1 + 100, both[1].len);
  check_is(weir_write(&w[2].op, &c.stream, weir_seq_bufs(both, 2), on_done), 0);
  check_is(
      weir_write(&w[3].op, &c.stream, weir_seq_block(heap + 100, 0), on_done),
      0);
  finish(f, &w[2], 0, 100 + both[1].len);
  run_until(f, &w[3].calls);
  cr_assert(stats_of(f).zerocopy_sends >= 1);
  run_until_over(f);
  check_is(stats_of(f).zerocopy_copied > 0, in_force(&c) == 0);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_available(pool), 2);
  close_stream(f, &c);
  drain_join(&d);
  cr_assert(d.good);
  check_is(d.received, SIZE + LEAST - 1 + 100 + SIZE - LEAST);
  close_peer(&c);
  check_is(weir_pool_destroy(pool), 0);
}

/* Many, more than a socket takes at once: short writes, and waits for room. */
static void send_many(struct weir_fixture *f, struct conn *c, size_t count) {
  weir_pool_t *pool = large_pool(f, 8);
  struct request w[4];
  struct drain d;
  size_t sent = 0;

  drain_start(&d, c->peer);
  for (size_t i = 0; i < count; i++) {
    uv_buf_t bufs[4];
    memset(w, 0, sizeof(w));
    for (int k = 0; k < 4; k++) {
      while (weir_pool_acquire(pool, &bufs[k]) != 0)
        run_turn(f);
      pattern_fill(bufs[k].base, sent, SIZE);
      sent += SIZE;
      turn_on(c);
      check_is(weir_write(&w[k].op, &c->stream,
                          weir_seq_block(bufs[k].base, SIZE), on_done),
               0);
    }
    for (int k = 0; k < 4; k++) {
      run_until(f, &w[k].calls);
      check_is(w[k].status, 0);
      check_is(w[k].n, SIZE);
      check_is(weir_pool_release(pool, &bufs[k]), 0);
    }
  }
  cr_assert(stats_of(f).zerocopy_sends >= count);
  run_until_over(f);
  check_is(weir_pool_available(pool), 8);
  close_stream(f, c);
  drain_join(&d);
  cr_assert(d.good);
  check_is(d.received, sent);
  close_peer(c);
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_RING_TEST(zerocopy, many) {
  struct conn c;

  need_zerocopy(f);
  conn_tcp(f, &c);
  send_many(f, &c, 20);
}

WEIR_RING_TEST(zerocopy, many_to_a_slow_peer) {
  struct conn c;

  need_zerocopy(f);
  conn_slow(f, &c);
  send_many(f, &c, 2);
}

/* ---- With the system still at it ---- */

/* A write whose bytes are in the socket's queue, some behind what the peer has
 * room for. */
struct held {
  struct conn c;
  weir_pool_t *pool;
  size_t n;
};

/* Nothing is under way any more, and something is left that the peer lets wait:
 * only then it has the buffer until the peer reads. A busy system is late to
 * bring what is on its way, and with that is done with the buffer. */
static int stuck(const struct conn *c) {
  int queued = 0, unsent = 0;
  uv_os_fd_t fd;

  check_is(weir_fileno(&c->stream, &fd), 0);
  check_is(ioctl(fd, SIOCOUTQ, &queued), 0);
  check_is(ioctl(fd, SIOCOUTQNSD, &unsent), 0);
  return unsent > 0 && unsent == queued;
}

static void hold(struct weir_fixture *f, struct held *h) {
  h->pool = large_pool(f, 2);
  conn_slow(f, &h->c);
  h->n = 0;
  while (outstanding(f) == 0) {
    struct request w = {0};
    uv_buf_t buf = taken(h->pool, h->n);
    turn_on(&h->c);
    check_is(weir_write_some(&w.op, &h->c.stream,
                             weir_seq_block(buf.base, buf.len), on_done),
             0);
    run_until(f, &w.calls);
    check_is(w.status, 0);
    h->n += w.n;
    check_is(weir_pool_release(h->pool, &buf), 0);
    while (outstanding(f) > 0 && !stuck(&h->c))
      run_turn(f);
    run_some_turns(f);
  }
}

/* Writes into all that the pool gives. */
static void spoil(weir_pool_t *pool, size_t expected) {
  uv_buf_t bufs[2];
  size_t n = 0;

  check_is(weir_pool_available(pool), expected);
  while (weir_pool_acquire(pool, &bufs[n]) == 0)
    memset(bufs[n].base, 0xa5, bufs[n].len), n++;
  check_is(n, expected);
  while (n > 0)
    check_is(weir_pool_release(pool, &bufs[--n]), 0);
}

WEIR_RING_TEST(zerocopy, a_buffer_is_kept_until_the_system_is_done) {
  struct held h;
  uv_buf_t buf;

  need_zerocopy(f);
  hold(f, &h);
  spoil(h.pool, 1);
  /* Whose it is not any more. */
  buf = taken(h.pool, 0);
  check_is(weir_pool_release(h.pool, &buf), 0);
  check_is(weir_pool_release(h.pool, &buf), UV_EINVAL);
  check_is(weir_pool_retain(h.pool, &buf), UV_EINVAL);
  peer_take(&h.c, 0, h.n);
  run_until_over(f);
  spoil(h.pool, 2);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

/* A read that waits for a buffer gets it when the system is done. */
WEIR_RING_TEST(zerocopy, who_waits_for_the_buffer_is_woken) {
  struct request r = {0};
  weir_lease_t lease;
  struct conn other;
  struct held h;
  uv_buf_t buf;

  need_zerocopy(f);
  hold(f, &h);
  buf = taken(h.pool, 0);
  conn_tcp(f, &other);
  peer_send(&other, 0, 10);
  check_is(weir_read_lease(&r.op, &other.stream, h.pool, &lease, 0, on_done),
           0);
  run_some_turns(f);
  check_is(r.calls, 0);
  peer_take(&h.c, 0, h.n);
  /* It sleeps, and is woken by this alone. */
  finish(f, &r, 0, 10);
  check_is(weir_lease_release(&lease), 0);
  check_is(weir_pool_release(h.pool, &buf), 0);
  run_until_over(f);
  conn_close(f, &other);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

WEIR_RING_TEST(zerocopy, does_not_keep_the_loop_going) {
  struct held h;

  need_zerocopy(f);
  hold(f, &h);
  run_out(f);
  check_is(outstanding(f), 1);
  peer_take(&h.c, 0, h.n);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

/* Neither the stream nor the pool nor the loop waits; what was sent arrives as
 * it was. */
static void leave(struct weir_fixture *f, int reset) {
  struct held h;

  need_zerocopy(f);
  hold(f, &h);
  check_is((reset ? weir_close_reset : weir_close)(&h.c.stream, on_conn_closed),
           0);
  run_until(f, &h.c.closed);
  if (!reset)
    check_is(outstanding(f), 1);
  check_is(weir_pool_destroy(h.pool), 0);
  fixture_reattach(f, 64);
  if (!reset) {
    peer_take(&h.c, 0, h.n);
    peer_expect_end(&h.c);
  }
  close_peer(&h.c);
}

WEIR_RING_TEST(zerocopy, close_destroy_and_detach_do_not_wait) {
  leave(f, 0);
}

WEIR_RING_TEST(zerocopy, reset_destroy_and_detach_do_not_wait) {
  leave(f, 1);
}

/* What comes after the pool has gone touches nothing. */
WEIR_RING_TEST(zerocopy, the_pool_may_go_first) {
  struct held h;
  uv_buf_t bufs[2];

  need_zerocopy(f);
  hold(f, &h);
  check_is(weir_pool_destroy(h.pool), 0);
  /* Perhaps in the same place. */
  h.pool = large_pool(f, 2);
  for (int i = 0; i < 2; i++)
    bufs[i] = taken(h.pool, 0);
  peer_take(&h.c, 0, h.n);
  run_until_over(f);
  check_is(weir_pool_available(h.pool), 0);
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_release(h.pool, &bufs[i]), 0);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

static void on_shut(weir_loop_t *loop) {
  *(int *)weir_loop_data(loop) = 1;
}

WEIR_RING_TEST(zerocopy, a_shutdown_does_not_wait) {
  struct held h;
  int shut = 0;

  need_zerocopy(f);
  hold(f, &h);
  weir_loop_set_data(f->loop, &shut);
  check_is(weir_loop_shutdown(f->loop, on_conn_closed, on_shut), 0);
  run_until(f, &shut);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
  check_is(h.c.closed, 1);
  peer_take(&h.c, 0, h.n);
  close_peer(&h.c);
}

WEIR_RING_TEST(zerocopy, handles_that_the_application_closes) {
  struct held h;

  need_zerocopy(f);
  hold(f, &h);
  uv_walk(&f->uv, close_owned, f->loop);
  run_some_turns(f);
  check_is(weir_close(&h.c.stream, on_conn_closed), 0);
  run_until(f, &h.c.closed);
  check_is(weir_pool_destroy(h.pool), 0);
  peer_take(&h.c, 0, h.n);
  close_peer(&h.c);
}

/* ---- Cancelling ---- */

/* At once, or after so many turns: what went is told, and the peer has it. */
WEIR_RING_TEST(zerocopy, cancelled_at_any_time) {
  weir_pool_t *pool;
  size_t sent = 0;
  struct conn c;

  need_zerocopy(f);
  pool = large_pool(f, 2);
  conn_tcp(f, &c);
  for (int turns = 0; turns < 8; turns++) {
    struct request w = {0};
    uv_buf_t buf = taken(pool, sent);

    turn_on(&c);
    check_is(
        weir_write(&w.op, &c.stream, weir_seq_block(buf.base, SIZE), on_done),
        0);
    for (int i = 0; i < turns / 2 && w.calls == 0; i++)
      run_turn(f);
    if (w.calls == 0)
      weir_cancel(&w.op);
    run_until(f, &w.calls);
    cr_assert(w.status == (w.n == SIZE ? 0 : UV_ECANCELED));
    cr_assert(turns > 1 || w.n == 0);
    check_is(weir_pool_release(pool, &buf), 0);
    peer_take(&c, sent, w.n);
    run_until_over(f);
    sent += w.n;
  }
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
}

/* With a full socket the write waits as any other does. */
WEIR_RING_TEST(zerocopy, cancelled_while_there_is_no_room) {
  struct request w = {0};
  struct held h;
  uv_buf_t buf;

  need_zerocopy(f);
  hold(f, &h);
  buf = taken(h.pool, h.n);
  turn_on(&h.c);
  check_is(weir_write(&w.op, &h.c.stream, weir_seq_block(buf.base, buf.len),
                      on_done),
           0);
  run_some_turns(f);
  check_is(w.calls, 0);
  weir_cancel(&w.op);
  run_until(f, &w.calls);
  check_is(w.status, UV_ECANCELED);
  h.n += w.n;
  check_is(weir_pool_release(h.pool, &buf), 0);
  peer_take(&h.c, 0, h.n);
  run_until_over(f);
  check_is(weir_pool_available(h.pool), 2);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

/* ---- Another thread, another process ---- */

WEIR_RING_TEST(zerocopy, in_another_thread) {
  struct worker w;
  struct held h;
  struct drain d;

  need_zerocopy(f);
  hold(f, &h);
  drain_start(&d, h.c.peer);
  elsewhere(f, &w, ENDED);
  run_until_over(f);
  check_is(weir_pool_available(h.pool), 2);
  back(&w, ENDED);
  close_stream(f, &h.c);
  drain_join(&d);
  cr_assert(d.good);
  check_is(d.received, h.n);
  close_peer(&h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

static void in_a_child(struct weir_fixture *f, void *arg) {
  struct held *h = arg;

  must(weir_loop_fork(f->loop) == 0);
  must(uv_loop_fork(&f->uv) == 0);
  must(weir_pool_available(h->pool) == 2);
  must_work(f);
  must_close(f, &h->c);
  must(weir_pool_destroy(h->pool) == 0);
  must_leave(f);
  child_leave(0);
}

WEIR_RING_TEST(zerocopy, in_a_child) {
  struct held h;

  need_zerocopy(f);
  hold(f, &h);
  child_run(in_a_child, f, &h);
  check_is(weir_pool_available(h.pool), 1);
  peer_take(&h.c, 0, h.n);
  run_until_over(f);
  check_is(weir_pool_available(h.pool), 2);
  conn_close(f, &h.c);
  check_is(weir_pool_destroy(h.pool), 0);
}

/* ---- Which addresses are this machine's ---- */

#if WEIR_HAVE_URING

#include "../uring/ring.h"

static int stays(const char *own, const char *peer) {
  struct sockaddr_storage a, b;

  if (strchr(own, ':') == NULL) {
    check_is(uv_ip4_addr(own, 1, (struct sockaddr_in *)&a), 0);
    check_is(uv_ip4_addr(peer, 2, (struct sockaddr_in *)&b), 0);
  } else {
    check_is(uv_ip6_addr(own, 1, (struct sockaddr_in6 *)&a), 0);
    check_is(uv_ip6_addr(peer, 2, (struct sockaddr_in6 *)&b), 0);
  }
  return weir__zerocopy_is_local((struct sockaddr *)&a, (struct sockaddr *)&b);
}

Test(zerocopy, addresses_of_this_machine) {
  struct sockaddr_storage local = {.ss_family = AF_UNIX};

  check_is(stays("127.0.0.1", "127.0.0.1"), 1);
  check_is(stays("127.0.0.1", "127.8.0.2"), 1);
  check_is(stays("10.0.0.1", "10.0.0.1"), 1);
  check_is(stays("10.0.0.1", "10.0.0.2"), 0);
  check_is(stays("10.0.0.1", "128.0.0.1"), 0);
  check_is(stays("10.0.0.127", "10.0.0.1"), 0);
  check_is(stays("::1", "::1"), 1);
  check_is(stays("::ffff:127.0.0.1", "::ffff:127.0.0.2"), 1);
  check_is(stays("::ffff:10.0.0.1", "::ffff:10.0.0.2"), 0);
  check_is(stays("fe80::1", "fe80::1"), 1);
  check_is(stays("fe80::1", "fe80::2"), 0);
  check_is(weir__zerocopy_is_local((struct sockaddr *)&local,
                                   (struct sockaddr *)&local),
           1);
}

#endif
