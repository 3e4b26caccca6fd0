/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include "fixture.h"

/* File operations on a descriptor of any sort, and pipes for them. */

void pread_start(struct weir_fixture *f, struct request *r, int fd, void *base,
                 size_t len, int64_t offset);
void pwrite_start(struct weir_fixture *f, struct request *r, int fd,
                  const void *base, size_t len, int64_t offset);

/* A pipe, with these flags of open; close-on-exec. */
void make_pipe(int fds[2], int flags);
void close_both(int fds[2]);

/* Writes as much as there is room for, and returns how many bytes; reads as
 * many. */
size_t pipe_fill(int fd);
void pipe_drain(int fd, size_t total);

/* Turns that give a thread time to get to where it waits; asserts then that r
 * does. */
void linger(struct weir_fixture *f);
void expect_pending(struct weir_fixture *f, const struct request *r);

/* From now on the loop is as on a kernel that does not know RWF_NOSIGNAL. */
void be_older(struct weir_fixture *f);

#endif
