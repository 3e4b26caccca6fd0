/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "use.h"

#include <string.h>

#include "net.h"
#include "scratch.h"

void use(struct weir_fixture *f) {
  struct request r = {0}, w = {0}, p = {0};
  struct scratch s;
  struct conn c;
  char bytes[100];

  conn_tcp(f, &c);
  peer_send(&c, 0, 100);
  check_is(
      weir_read_some(&r.op, &c.stream, weir_mseq_block(bytes, 100), on_done),
      0);
  finish(f, &r, 0, 100);
  check_is(weir_write(&w.op, &c.stream, weir_seq_block(bytes, 100), on_done),
           0);
  finish(f, &w, 0, 100);
  peer_take(&c, 0, 100);
  conn_close(f, &c);

  scratch_make(&s, 100);
  memset(bytes, 0, sizeof(bytes));
  check_is(weir_file_pread(f->loop, &p.op, s.fd, weir_mseq_block(bytes, 100), 0,
                           on_done),
           0);
  finish(f, &p, 0, 100);
  cr_assert(pattern_holds(bytes, 0, 100));
  scratch_remove(&s);
}
