/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef FAMINE_H
#define FAMINE_H

#include <sys/resource.h>

/* Takes all descriptors that a low limit leaves, and gives them back. */
struct famine {
  struct rlimit limit;
  int fds[256];
  int n;
};

void famine_begin(struct famine *famine);
void famine_end(struct famine *famine);

#endif
