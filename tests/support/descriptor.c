/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include "descriptor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pread_start(struct weir_fixture *f, struct request *r, int fd, void *base,
                 size_t len, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pread(f->loop, &r->op, fd, weir_mseq_block(base, len),
                           offset, on_done),
           0);
}

void pwrite_start(struct weir_fixture *f, struct request *r, int fd,
                  const void *base, size_t len, int64_t offset) {
  memset(r, 0, sizeof(*r));
  check_is(weir_file_pwrite(f->loop, &r->op, fd, weir_seq_block(base, len),
                            offset, on_done),
           0);
}

void make_pipe(int fds[2], int flags) {
  check_is(pipe2(fds, O_CLOEXEC | flags), 0);
}

void close_both(int fds[2]) {
  close(fds[0]);
  close(fds[1]);
}

void be_older(struct weir_fixture *f) {
  fixture_lacks("nosignal");
  fixture_reattach(f, 0);
}

void linger(struct weir_fixture *f) {
  int i;

  for (i = 0; i < 20; i++) {
    run_turn(f);
    usleep(1000);
  }
}

void expect_pending(struct weir_fixture *f, const struct request *r) {
  linger(f);
  check_is(r->calls, 0);
}

size_t pipe_fill(int fd) {
  static char bytes[65536];
  int flags = fcntl(fd, F_GETFL);
  size_t total = 0;
  ssize_t n;

  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while ((n = write(fd, bytes, sizeof(bytes))) > 0)
    total += (size_t)n;
  while (write(fd, bytes, 1) > 0)
    total++;
  fcntl(fd, F_SETFL, flags);
  return total;
}

void pipe_drain(int fd, size_t total) {
  static char bytes[65536];

  while (total > 0) {
    ssize_t n = read(fd, bytes, total < sizeof(bytes) ? total : sizeof(bytes));

    cr_assert(n > 0);
    total -= (size_t)n;
  }
}
