/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#if WEIR_HAVE_URING

#include "../uring/ring.h"

#include <string.h>

#include "support/first.h"
#include "support/net.h"

/* Reads in the ring: one of a socket that was just emptied waits before it
 * tries, which would be in vain. */

enum { SOME = 8 };

static void await_byte(struct conn *c, struct request *r, char *byte) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(byte, 1), on_done), 0);
}

static void look_begin(const struct weir_fixture *f, first_t *seen) {
  first_begin(f, seen, IORING_OP_RECV, IORING_RECVSEND_POLL_FIRST);
}

/* Each is asked for before it comes. */
WEIR_RING_TEST(emptied, waits_before_it_tries_if_the_last_one_had_to) {
  struct request r;
  struct conn c;
  first_t seen;
  char byte;

  conn_tcp(f, &c);
  look_begin(f, &seen);
  for (size_t i = 0; i < SOME; i++) {
    await_byte(&c, &r, &byte);
    run_turn(f);
    run_turn(f);
    peer_send(&c, i, 1);
    finish(f, &r, 0, 1);
    cr_assert(pattern_holds(&byte, i, 1));
  }
  check_is(seen.asked, SOME);
  check_is(seen.first, first_has(f, WEIR__CAP_POLL_FIRST) ? SOME - 1 : 0);
  first_end();
  conn_close(f, &c);
}

/* All are there before they are asked for: a wait would be in vain. */
WEIR_RING_TEST(emptied, tries_first_while_more_is_there) {
  struct request r;
  struct conn c;
  first_t seen;
  char byte;

  conn_tcp(f, &c);
  peer_send(&c, 0, SOME + 1);
  look_begin(f, &seen);
  for (size_t i = 0; i < SOME; i++) {
    await_byte(&c, &r, &byte);
    finish(f, &r, 0, 1);
    cr_assert(pattern_holds(&byte, i, 1));
  }
  check_is(seen.asked, SOME);
  check_is(seen.first, 0);
  first_end();
  conn_close(f, &c);
}

#else

#include <criterion/criterion.h>

Test(emptied, is_for_io_uring) {
  cr_skip("this libweir was built without io_uring");
}

#endif
