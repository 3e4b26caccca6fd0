/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#if WEIR_HAVE_URING

#include "../uring/ring.h"

#include <string.h>

#include "../lib/test/system.h"
#include "support/net.h"

/* Reads in the ring: one of a socket that was just emptied waits before it
 * tries, which would be in vain. */

enum { SOME = 8 };

static struct {
  weir__system_t was;
  weir__ring_t *ring;
  unsigned reads, first; /* submitted; of them, those that wait first */
} seen;

static int look(unsigned fd, unsigned submit, unsigned wait, unsigned flags,
                sigset_t *mask, size_t size) {
  const struct io_uring_sq *sq = &seen.ring->uring.sq;

  for (unsigned i = *sq->khead; i != sq->sqe_tail; i++) {
    const struct io_uring_sqe *sqe = &sq->sqes[i & sq->ring_mask];

    if (sqe->opcode != IORING_OP_RECV)
      continue;
    seen.reads++;
    seen.first += (sqe->ioprio & IORING_RECVSEND_POLL_FIRST) != 0;
  }
  return seen.was.io_uring_enter2(fd, submit, wait, flags, mask, size);
}

static void look_begin(struct weir_fixture *f) {
  memset(&seen, 0, sizeof(seen));
  seen.was = *weir__system_get();
  seen.ring = weir__ring(f->loop);
  weir__system_get()->io_uring_enter2 = look;
}

static void look_end(void) {
  *weir__system_get() = seen.was;
}

static void await_byte(struct conn *c, struct request *r, char *byte) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(byte, 1), on_done), 0);
}

static int can_wait_first(void) {
  return (seen.ring->caps & WEIR__CAP_POLL_FIRST) != 0;
}

/* Each is asked for before it comes. */
WEIR_RING_TEST(emptied, waits_before_it_tries_if_the_last_one_had_to) {
  struct request r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  look_begin(f);
  for (size_t i = 0; i < SOME; i++) {
    await_byte(&c, &r, &byte);
    run_turn(f);
    run_turn(f);
    peer_send(&c, i, 1);
    finish(f, &r, 0, 1);
    cr_assert(pattern_holds(&byte, i, 1));
  }
  check_is(seen.reads, SOME);
  check_is(seen.first, can_wait_first() ? SOME - 1 : 0);
  look_end();
  conn_close(f, &c);
}

/* All are there before they are asked for: a wait would be in vain. */
WEIR_RING_TEST(emptied, tries_first_while_more_is_there) {
  struct request r;
  struct conn c;
  char byte;

  conn_tcp(f, &c);
  peer_send(&c, 0, SOME + 1);
  look_begin(f);
  for (size_t i = 0; i < SOME; i++) {
    await_byte(&c, &r, &byte);
    finish(f, &r, 0, 1);
    cr_assert(pattern_holds(&byte, i, 1));
  }
  check_is(seen.reads, SOME);
  check_is(seen.first, 0);
  look_end();
  conn_close(f, &c);
}

#else

#include <criterion/criterion.h>

Test(emptied, is_for_io_uring) {
  cr_skip("this libweir was built without io_uring");
}

#endif
