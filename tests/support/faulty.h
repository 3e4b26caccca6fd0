/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef FAULTY_H
#define FAULTY_H

struct weir_fixture;

/* With WEIR_TEST_FAULTS set, the fixture runs a test over a plan of faults at
 * random: short transfers, EAGAIN, EINTR, cancellations that miss, completions
 * that are late or in another order. The seed is WEIR_TEST_SEED.
 * Subject to it are files, and what streams of the fixture's loop have: not the
 * test's own sockets. */

/* Puts the plan in force, or skips a test whose assertions are not true then,
 * with the reason. */
void faulty_begin(const struct weir_fixture *f);

/* For weir_fault_options_t.chosen, with the fixture as arg: whether the
 * descriptor is of a stream of its loop, or a file's. */
int faulty_owns(void *arg, int fd);

/* Ends it. */
void faulty_end(void);

#endif
