/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "support/net.h"

/* Transfers of a stream that are cancelled when they have begun, and before the
 * ring was entered. */

struct unseen {
  struct conn c;
  struct request transfer;
  struct request first; /* begins the transfer */
  struct request then;  /* cancels it: nothing was submitted between */
  int write;
  char byte;
};

static struct unseen unseen;

static void on_then(weir_op_t *op, int status, size_t n) {
  on_done(op, status, n);
  weir_cancel(&unseen.transfer.op);
}

/* Moves no byte, and so is done as soon as it was begun. */
static void begin_nothing(weir_loop_t *loop, struct request *r, weir_op_cb cb) {
  check_is(weir_file_pread(loop, &r->op, -1, weir_mseq_block(NULL, 0), 0, cb),
           0);
}

static void on_first(weir_op_t *op, int status, size_t n) {
  struct unseen *u = &unseen;
  weir_op_t *transfer = &u->transfer.op;
  on_done(op, status, n);
  if (u->write)
    check_is(
        weir_write(transfer, &u->c.stream, weir_seq_block("x", 1), on_done), 0);
  else
    check_is(weir_read_some(transfer, &u->c.stream,
                            weir_mseq_block(&u->byte, 1), on_done),
             0);
  begin_nothing(weir_stream_loop(&u->c.stream), &u->then, on_then);
}

static void cancel_unseen(struct weir_fixture *f, int write) {
  struct unseen *u = &unseen;
  memset(u, 0, sizeof(*u));
  u->write = write;
  conn_unix(f, &u->c);
  peer_send(&u->c, 0, 1);
  begin_nothing(f->loop, &u->first, on_first);
  finish(f, &u->first, 0, 0);
  finish(f, &u->then, 0, 0);
  finish(f, &u->transfer, UV_ECANCELED, 0);
}

WEIR_RING_TEST(unseen, a_read_takes_nothing) {
  struct unseen *u = &unseen;
  struct request r = {0};
  cancel_unseen(f, 0);
  check_is(weir_read_some(&r.op, &u->c.stream, weir_mseq_block(&u->byte, 1),
                          on_done),
           0);
  finish(f, &r, 0, 1);
  conn_close(f, &u->c);
}

WEIR_RING_TEST(unseen, a_write_sends_nothing) {
  struct unseen *u = &unseen;
  struct request w = {0};
  cancel_unseen(f, 1);
  check_is(peer_take_available(&u->c), 0);
  check_is(weir_write(&w.op, &u->c.stream, weir_seq_block("y", 1), on_done), 0);
  finish(f, &w, 0, 1);
  conn_close(f, &u->c);
}
