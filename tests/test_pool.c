/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/gate.h"
#include "support/net.h"
#include "support/rings.h"
#include "support/scratch.h"

static weir_pool_t *new_pool(struct weir_fixture *f, size_t count,
                             size_t size) {
  weir_pool_t *pool = NULL;

  check_is(weir_pool_create(f->loop, count, size, &pool), 0);
  cr_assert(pool != NULL);
  check_is(weir_pool_count(pool), count);
  check_is(weir_pool_buffer_size(pool), size);
  check_is(weir_pool_available(pool), count);
  return pool;
}

WEIR_TEST(pool, hands_out_every_buffer_once) {
  enum { COUNT = 10 };
  weir_pool_t *pool = new_pool(f, COUNT, 4096);
  uv_buf_t bufs[COUNT], none = uv_buf_init((char *)&none, 7);
  int i, k, round;

  for (round = 0; round < 3; round++) {
    for (i = 0; i < COUNT; i++) {
      check_is(weir_pool_acquire(pool, &bufs[i]), 0);
      check_is(bufs[i].len, 4096);
      check_is((uintptr_t)bufs[i].base % 4096, 0);
      memset(bufs[i].base, 'a' + i, 4096);
      for (k = 0; k < i; k++)
        cr_assert(bufs[k].base != bufs[i].base);
    }
    check_is(weir_pool_available(pool), 0);
    check_is(weir_pool_acquire(pool, &none), UV_ENOBUFS);
    cr_assert(none.base == (char *)&none && none.len == 7);
    for (i = 0; i < COUNT; i++) {
      cr_assert(bufs[i].base[0] == 'a' + i && bufs[i].base[4095] == 'a' + i);
      check_is(weir_pool_release(pool, &bufs[i]), 0);
    }
    check_is(weir_pool_available(pool), COUNT);
  }
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_TEST(pool, odd_sizes_are_aligned_to_a_cache_line) {
  weir_pool_t *pool = new_pool(f, 3, 1000);
  uv_buf_t bufs[3];
  int i;

  for (i = 0; i < 3; i++) {
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
    check_is(bufs[i].len, 1000);
    check_is((uintptr_t)bufs[i].base % 64, 0);
  }
  for (i = 0; i < 3; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_TEST(pool, release_takes_any_address_in_a_buffer_that_is_out) {
  weir_pool_t *pool = new_pool(f, 2, 4096);
  weir_pool_t *other = new_pool(f, 2, 4096);
  uv_buf_t a, b, foreign, slice, outside;
  char byte;

  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_acquire(pool, &b), 0);
  check_is(weir_pool_acquire(other, &foreign), 0);
  slice = uv_buf_init(a.base + 4095, 0);
  check_is(weir_pool_release(pool, &slice), 0);
  check_is(weir_pool_release(pool, &a), UV_EINVAL);
  check_is(weir_pool_release(pool, &slice), UV_EINVAL);
  check_is(weir_pool_release(pool, &foreign), UV_EINVAL);
  outside = uv_buf_init(&byte, 1);
  check_is(weir_pool_release(pool, &outside), UV_EINVAL);
  outside = uv_buf_init(NULL, 0);
  check_is(weir_pool_release(pool, &outside), UV_EINVAL);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_release(pool, &b), 0);
  check_is(weir_pool_release(other, &foreign), 0);
  check_is(weir_pool_destroy(other), 0);
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_TEST(pool, is_not_destroyed_with_a_buffer_out) {
  weir_pool_t *pool = new_pool(f, 2, 64);
  uv_buf_t a;

  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  memset(a.base, 1, a.len);
  check_is(weir_pool_available(pool), 1);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_TEST(pool, keeps_the_loop_attached) {
  weir_pool_t *pool = new_pool(f, 2, 64);

  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  check_is(weir_pool_destroy(pool), 0);
}

WEIR_TEST(pool, refuses_bad_arguments) {
  weir_pool_t *pool = NULL;

  check_is(weir_pool_create(NULL, 1, 1, &pool), UV_EINVAL);
  check_is(weir_pool_create(f->loop, 0, 1, &pool), UV_EINVAL);
  check_is(weir_pool_create(f->loop, 1, 0, &pool), UV_EINVAL);
  check_is(weir_pool_create(f->loop, 1, 1, NULL), UV_EINVAL);
  check_is(weir_pool_create(f->loop, 1, ((size_t)1 << 30) + 1, &pool),
           UV_EINVAL);
  check_is(weir_pool_create(f->loop, SIZE_MAX, SIZE_MAX, &pool), UV_EINVAL);
  cr_assert(pool == NULL);
}

WEIR_TEST(pool, says_whether_it_is_registered) {
  weir_pool_t *pool = new_pool(f, 4, 4096);
  const char *sentence = NULL;
  int status = weir_pool_status(pool, &sentence);

  cr_assert(sentence != NULL && strlen(sentence) > 0);
  check_is(weir_pool_status(pool, NULL), status);
  if (!ring_registers(f))
    check_is(status, UV_ENOTSUP);
  else
    cr_assert(status == 0 || status == UV_ENOMEM, "%s", sentence);
  check_is(weir_pool_destroy(pool), 0);
}

/* One transfer through a buffer of a pool; returns by how much the counter of
 * fixed operations grew. */
static uint64_t transfer(struct weir_fixture *f, const struct scratch *s,
                         uv_buf_t buf, size_t offset) {
  uint64_t before = stats_of(f).fixed_ops;
  struct request r = {0};

  memset(buf.base, 0, buf.len);
  check_is(weir_file_pread(f->loop, &r.op, s->fd,
                           weir_mseq_block(buf.base, buf.len), (int64_t)offset,
                           on_done),
           0);
  finish(f, &r, 0, buf.len);
  cr_assert(pattern_holds(buf.base, offset, buf.len));
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pwrite(f->loop, &r.op, s->fd,
                            weir_seq_block(buf.base, buf.len), (int64_t)offset,
                            on_done),
           0);
  finish(f, &r, 0, buf.len);
  scratch_expect(s, offset, buf.len);
  return stats_of(f).fixed_ops - before;
}

/* Each pool is told to the kernel, behind a table for all of them. */
WEIR_TEST(pool, what_registers_it_is_counted) {
  const int calls[] = {CALL_URING_REGISTER};
  weir_pool_t *pools[2];
  uint64_t before = stats_of(f).syscalls;
  int expected = ring_registers(f) ? 3 : 0;

  gate_open(f, calls, 1);
  for (int i = 0; i < 2; i++)
    pools[i] = new_pool(f, 2, 4096);
  check_is(gate_calls(CALL_URING_REGISTER), expected);
  check_is(stats_of(f).syscalls - before, expected);
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_destroy(pools[i]), 0);
  cr_assert(gate_calls(CALL_URING_REGISTER) >= expected);
  check_is(stats_of(f).syscalls - before, gate_calls(CALL_URING_REGISTER));
}

WEIR_TEST(pool, its_buffers_make_file_operations_fixed) {
  weir_pool_t *pool = new_pool(f, 4, 8192);
  uint64_t expected = weir_pool_status(pool, NULL) == 0 ? 2 : 0;
  struct scratch s;
  char plain[100];
  uv_buf_t a;

  scratch_make(&s, 65536);
  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(transfer(f, &s, a, 0), expected);
  check_is(transfer(f, &s, uv_buf_init(a.base + 100, 1000), 50), expected);
  check_is(transfer(f, &s, uv_buf_init(a.base + 8191, 1), 3), expected);
  check_is(transfer(f, &s, uv_buf_init(plain, 100), 7), 0);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_destroy(pool), 0);
  /* What was registered is not any more. */
  check_is(transfer(f, &s, uv_buf_init(plain, 100), 7), 0);
  scratch_remove(&s);
}

WEIR_TEST(pool, segments_in_and_out_of_it_may_be_mixed) {
  weir_pool_t *pool = new_pool(f, 4, 4096);
  struct request r = {0};
  struct scratch s;
  char plain[100];
  uv_buf_t a, b, bufs[3];

  scratch_make(&s, 1000);
  check_is(weir_pool_acquire(pool, &a), 0);
  check_is(weir_pool_acquire(pool, &b), 0);
  bufs[0] = uv_buf_init(a.base, 100);
  bufs[1] = uv_buf_init(plain, 100);
  bufs[2] = uv_buf_init(b.base + 10, 100);
  check_is(weir_file_pread(f->loop, &r.op, s.fd, weir_mseq_bufs(bufs, 3), 0,
                           on_done),
           0);
  finish(f, &r, 0, 300);
  cr_assert(pattern_holds(a.base, 0, 100));
  cr_assert(pattern_holds(plain, 100, 100));
  cr_assert(pattern_holds(b.base + 10, 200, 100));

  bufs[1] = uv_buf_init(b.base + 2000, 100);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pread(f->loop, &r.op, s.fd, weir_mseq_bufs(bufs, 3), 500,
                           on_done),
           0);
  finish(f, &r, 0, 300);
  cr_assert(pattern_holds(a.base, 500, 100));
  cr_assert(pattern_holds(b.base + 2000, 600, 100));
  cr_assert(pattern_holds(b.base + 10, 700, 100));
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_release(pool, &b), 0);
  check_is(weir_pool_destroy(pool), 0);
  scratch_remove(&s);
}

WEIR_TEST(pool, segments_of_two_pools_are_not_fixed) {
  weir_pool_t *pools[2] = {new_pool(f, 1, 4096), new_pool(f, 1, 4096)};
  struct scratch s;
  uv_buf_t a[2], bufs[2];

  scratch_make(&s, 1000);
  for (int i = 0; i < 2; i++)
    check_is(weir_pool_acquire(pools[i], &a[i]), 0);
  for (int i = 0; i < 2; i++) {
    struct request r = {0}, w = {0};

    bufs[0] = uv_buf_init(a[i].base, 100);
    bufs[1] = uv_buf_init(a[1 - i].base + 500, 100);
    check_is(weir_file_pread(f->loop, &r.op, s.fd, weir_mseq_bufs(bufs, 2), 300,
                             on_done),
             0);
    finish(f, &r, 0, 200);
    cr_assert(pattern_holds(bufs[0].base, 300, 100));
    cr_assert(pattern_holds(bufs[1].base, 400, 100));
    check_is(weir_file_pwrite(f->loop, &w.op, s.fd, weir_seq_bufs(bufs, 2), 300,
                              on_done),
             0);
    finish(f, &w, 0, 200);
  }
  check_is(stats_of(f).fixed_ops, 0);
  scratch_expect(&s, 0, 1000);
  for (int i = 0; i < 2; i++) {
    check_is(weir_pool_release(pools[i], &a[i]), 0);
    check_is(weir_pool_destroy(pools[i]), 0);
  }
  scratch_remove(&s);
}

WEIR_TEST(pool, its_buffers_serve_streams_too) {
  weir_pool_t *pool = new_pool(f, 2, 4096);
  struct request r = {0}, w = {0};
  struct conn c;
  uv_buf_t a;

  conn_tcp(f, &c);
  check_is(weir_pool_acquire(pool, &a), 0);
  peer_send(&c, 0, 3000);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(a.base, a.len), on_done),
      0);
  finish(f, &r, 0, 3000);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(a.base, 3000), on_done),
           0);
  finish(f, &w, 0, 3000);
  peer_take(&c, 0, 3000);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_destroy(pool), 0);
  conn_close(f, &c);
}

WEIR_TEST(pool, several_pools_find_their_own_memory) {
  enum { POOLS = 5 };
  weir_pool_t *pools[POOLS];
  uv_buf_t bufs[POOLS];
  struct scratch s;
  int i;

  scratch_make(&s, 65536);
  for (i = 0; i < POOLS; i++) {
    pools[i] = new_pool(f, 3, 4096);
    check_is(weir_pool_acquire(pools[i], &bufs[i]), 0);
  }
  for (i = POOLS - 1; i >= 0; i--)
    check_is(transfer(f, &s, bufs[i], (size_t)i * 100),
             weir_pool_status(pools[i], NULL) == 0 ? 2 : 0);
  for (i = 0; i < POOLS; i++) {
    check_is(weir_pool_release(pools[i], &bufs[i]), 0);
    check_is(weir_pool_destroy(pools[i]), 0);
  }
  scratch_remove(&s);
}

/* More than can be registered, of a page each. */
enum { CROWD = 70 };

struct crowd {
  weir_pool_t *pools[CROWD];
  uv_buf_t bufs[CROWD];
};

static void join(struct weir_fixture *f, struct crowd *c, int i) {
  c->pools[i] = new_pool(f, 1, 4096);
  check_is(weir_pool_acquire(c->pools[i], &c->bufs[i]), 0);
}

static void leave(struct crowd *c, int i) {
  check_is(weir_pool_release(c->pools[i], &c->bufs[i]), 0);
  check_is(weir_pool_destroy(c->pools[i]), 0);
  c->pools[i] = NULL;
}

/* Each finds what is its own; returns how many are registered. */
static int check_crowd(struct weir_fixture *f, const struct scratch *s,
                       const struct crowd *c) {
  int registered = 0;
  for (int i = 0; i < CROWD; i++) {
    if (c->pools[i] == NULL)
      continue;
    int fixed = weir_pool_status(c->pools[i], NULL) == 0;
    registered += fixed;
    check_is(transfer(f, s, c->bufs[i], (size_t)i * 10), fixed ? 2 : 0);
  }
  return registered;
}

WEIR_TEST(pool, a_crowd_finds_its_own_memory) {
  struct crowd c;
  struct scratch s;
  scratch_make(&s, 65536);
  for (int i = 0; i < CROWD; i++)
    join(f, &c, i);
  int all = check_crowd(f, &s, &c);
  cr_assert(all == 0 || (f->backend == WEIR_BACKEND_URING && all == 64));
  /* Some leave, from anywhere among them. */
  for (int i = 0; i < CROWD; i += 3)
    leave(&c, (i * 29) % CROWD);
  int fewer = check_crowd(f, &s, &c);
  cr_assert(fewer < all || all == 0);
  /* Their places in the table are taken again. */
  for (int i = 0; i < CROWD; i++)
    if (c.pools[i] == NULL)
      join(f, &c, i);
  check_is(check_crowd(f, &s, &c), all);
  for (int i = CROWD - 1; i >= 0; i--)
    leave(&c, i);
  scratch_remove(&s);
}

WEIR_TEST(pool, what_lies_in_two_is_not_fixed) {
  struct crowd c;
  struct scratch s;
  int touching = 0;
  scratch_make(&s, 65536);
  for (int i = 0; i < CROWD; i++)
    join(f, &c, i);
  for (int i = 0; i < CROWD; i++)
    for (int j = 0; j < CROWD; j++) {
      int fixed = weir_pool_status(c.pools[i], NULL) == 0 ? 2 : 0;
      if (c.bufs[i].base + 4096 != c.bufs[j].base)
        continue;
      touching++;
      char *edge = c.bufs[j].base;
      check_is(transfer(f, &s, uv_buf_init(edge - 1, 2), 5), 0);
      check_is(transfer(f, &s, uv_buf_init(edge - 4096, 8192), 7), 0);
      check_is(transfer(f, &s, uv_buf_init(edge - 1, 1), 9), fixed);
    }
  for (int i = 0; i < CROWD; i++)
    leave(&c, i);
  scratch_remove(&s);
  if (touching == 0)
    fixture_skip(f, "no two slabs touch");
}

WEIR_TEST(pool, what_comes_where_one_was_is_not_fixed) {
  weir_pool_t *pool = new_pool(f, 1, 4096);
  struct scratch s;
  uv_buf_t a;
  scratch_make(&s, 65536);
  check_is(weir_pool_acquire(pool, &a), 0);
  transfer(f, &s, a, 0);
  check_is(weir_pool_release(pool, &a), 0);
  check_is(weir_pool_destroy(pool), 0);
  void *again = mmap(a.base, 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (again == a.base)
    check_is(transfer(f, &s, a, 0), 0);
  munmap(again, 4096);
  scratch_remove(&s);
  if (again != a.base)
    fixture_skip(f, "the place of a pool was taken");
}

WEIR_TEST(pool, the_size_of_a_large_one_is_all_usable) {
  weir_pool_t *pool = new_pool(f, 5, 1 << 20);
  struct scratch s;
  uv_buf_t bufs[5];
  int i;

  scratch_make(&s, 1 << 20);
  for (i = 0; i < 5; i++) {
    check_is(weir_pool_acquire(pool, &bufs[i]), 0);
    transfer(f, &s, bufs[i], 0);
  }
  for (i = 0; i < 5; i++)
    check_is(weir_pool_release(pool, &bufs[i]), 0);
  check_is(weir_pool_destroy(pool), 0);
  scratch_remove(&s);
}

WEIR_TEST(pool, feeds_dynamic_buffers) {
  weir_pool_t *pool = new_pool(f, 4, 4096);
  uint64_t fixed = weir_pool_status(pool, NULL) == 0 ? 1 : 0;
  weir_buffer_options_t options = {0};
  struct request r = {0};
  weir_buffer_t buffer;
  weir_mseq_t room;
  struct scratch s;
  char bytes[1000];

  scratch_make(&s, 1000);
  check_is(weir_pool_source(NULL, &options), UV_EINVAL);
  check_is(weir_pool_source(pool, NULL), UV_EINVAL);
  check_is(weir_pool_source(pool, &options), 0);
  check_is(weir_flat_init(&buffer, &options), 0);
  check_is(weir_buffer_prepare(&buffer, 1000, &room), 0);
  check_is(weir_pool_available(pool), 3);
  uint64_t before = stats_of(f).fixed_ops;
  check_is(weir_file_pread(f->loop, &r.op, s.fd, room, 0, on_done), 0);
  finish(f, &r, 0, 1000);
  check_is(stats_of(f).fixed_ops - before, fixed);
  check_is(weir_buffer_commit(&buffer, 1000), 1000);
  check_is(weir_seq_copy(weir_mseq_block(bytes, sizeof(bytes)),
                         weir_buffer_data(&buffer), SIZE_MAX),
           1000);
  cr_assert(pattern_holds(bytes, 0, 1000));
  check_is(weir_buffer_prepare(&buffer, 4096, &room), UV_ENOBUFS);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  weir_buffer_reset(&buffer);
  check_is(weir_pool_available(pool), 4);
  check_is(weir_pool_destroy(pool), 0);
  scratch_remove(&s);
}
