/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "famine.h"

#include <unistd.h>

#include "fixture.h"

void famine_begin(struct famine *famine) {
  struct rlimit low;

  check_is(getrlimit(RLIMIT_NOFILE, &famine->limit), 0);
  low = famine->limit;
  low.rlim_cur = 128;
  check_is(setrlimit(RLIMIT_NOFILE, &low), 0);
  famine->n = 0;
  while (famine->n < 256 && (famine->fds[famine->n] = dup(0)) >= 0)
    famine->n++;
  cr_assert(famine->n < 256);
}

void famine_end(struct famine *famine) {
  while (famine->n > 0)
    close(famine->fds[--famine->n]);
  check_is(setrlimit(RLIMIT_NOFILE, &famine->limit), 0);
}
