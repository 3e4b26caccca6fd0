/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "plan.h"

#include <string.h>

#include "faulty.h"

weir_fault_t *fault_begin(struct weir_fixture *f,
                          const weir_fault_options_t *options) {
  weir_fault_options_t mine = *options;
  weir_fault_t *fault;

  if (mine.chosen == NULL) {
    mine.chosen = faulty_owns;
    mine.arg = f;
  }
  check_is(weir_fault_begin(&mine, &fault), 0);
  fixture_reattach(f, 0);
  return fault;
}

weir_fault_t *fault_begin_rule(struct weir_fixture *f, weir_fault_rule_t rule) {
  weir_fault_options_t options;

  memset(&options, 0, sizeof(options));
  options.rules = &rule;
  options.nrules = 1;
  return fault_begin(f, &options);
}

weir_fault_t *fault_begin_empty(struct weir_fixture *f) {
  weir_fault_options_t options;

  memset(&options, 0, sizeof(options));
  return fault_begin(f, &options);
}

void fault_end(struct weir_fixture *f, weir_fault_t *fault) {
  check_is(weir_loop_detach(f->loop, NULL), 0);
  run_out(f);
  weir_fault_end(fault);
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

void fault_add(weir_fault_t *fault, weir_fault_rule_t rule) {
  check_is(weir_fault_add(fault, &rule), 0);
}

void fault_read(struct request *r, struct conn *c, char *bytes, size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(
      weir_read_some(&r->op, &c->stream, weir_mseq_block(bytes, len), on_done),
      0);
}

void fault_write(struct request *r, struct conn *c, const char *bytes,
                 size_t len) {
  memset(r, 0, sizeof(*r));
  check_is(weir_write(&r->op, &c->stream, weir_seq_block(bytes, len), on_done),
           0);
}

void fault_work(struct weir_fixture *f, struct conn *c) {
  struct request r;
  char out[FAULT_BYTES];
  char in[FAULT_BYTES];

  pattern_fill(out, 0, sizeof(out));
  fault_write(&r, c, out, sizeof(out));
  finish(f, &r, 0, sizeof(out));
  peer_take(c, 0, sizeof(out));
  peer_send(c, 0, sizeof(in));
  memset(&r, 0, sizeof(r));
  check_is(weir_read(&r.op, &c->stream, weir_mseq_block(in, sizeof(in)),
                     weir_all(), on_done),
           0);
  finish(f, &r, 0, sizeof(in));
  cr_assert(pattern_holds(in, 0, sizeof(in)));
}
