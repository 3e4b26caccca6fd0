/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

#include "net.h"

/* A child process, which goes on with what the test has. Criterion's assertions
 * are for the test itself; a child has its own. */

typedef void (*child_fn)(struct weir_fixture *f, void *arg);

/* Begins a child that runs body and ends; waits for one, and asserts that all
 * its assertions held. A child that is stuck is killed. */
pid_t child_begin(child_fn body, struct weir_fixture *f, void *arg);
void child_end(pid_t child);

/* One after the other. */
void child_run(child_fn body, struct weir_fixture *f, void *arg);

/* In the child: */

/* Ends it as _exit does; lines that were counted for make coverage are kept. */
_Noreturn void child_leave(int status);

#define must(condition) must_at(__FILE__, __LINE__, #condition, (condition))
void must_at(const char *file, int line, const char *text, int holds);

/* What finish does in the test. */
void must_finish(struct weir_fixture *f, struct request *r, int status,
                 size_t n);
void must_close(struct weir_fixture *f, struct conn *c);

/* Uses new streams, a file and a pool. */
void must_work(struct weir_fixture *f);

/* Detaches, and closes the loop. */
void must_leave(struct weir_fixture *f);

#endif
