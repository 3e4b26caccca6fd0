/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PLAN_H
#define PLAN_H

#include <weir/fault.h>

#include "net.h"

/* A plan of faults for what is weir's, and for the rings, too, which are made
 * anew. */
weir_fault_t *fault_begin(struct weir_fixture *f,
                          const weir_fault_options_t *options);
weir_fault_t *fault_begin_rule(struct weir_fixture *f, weir_fault_rule_t rule);
weir_fault_t *fault_begin_empty(struct weir_fixture *f);

/* The end of it, behind the end of all that was subject to it; the loop is
 * attached anew. */
void fault_end(struct weir_fixture *f, weir_fault_t *fault);

void fault_add(weir_fault_t *fault, weir_fault_rule_t rule);

void fault_read(struct request *r, struct conn *c, char *bytes, size_t len);
void fault_write(struct request *r, struct conn *c, const char *bytes,
                 size_t len);

/* So many bytes from one side to the other and back, whole. */
enum { FAULT_BYTES = 100 };
void fault_work(struct weir_fixture *f, struct conn *c);

#endif
