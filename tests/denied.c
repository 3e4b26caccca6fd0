/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Runs a command to which something is denied, as containers do it and for all
 * that it starts: denied setup|enter|register|ipv6 ERROR COMMAND... Exit status
 * 77 where nothing can be denied. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/deny.h"

struct word {
  const char *name;
  int value;
};

enum { IPV6 = -1 };

static const struct word calls[] = {{"setup", CALL_URING_SETUP},
                                    {"enter", CALL_URING_ENTER},
                                    {"register", CALL_URING_REGISTER},
                                    {"ipv6", IPV6},
                                    {NULL, 0}};

static const struct word errors[] = {{"eafnosupport", EAFNOSUPPORT},
                                     {"enosys", ENOSYS},
                                     {"eperm", EPERM},
                                     {NULL, 0}};

/* The value of name, or 0. */
static int find(const struct word *words, const char *name) {
  while (words->name != NULL && strcmp(words->name, name) != 0)
    words++;
  return words->value;
}

int main(int argc, char **argv) {
  int call = argc > 3 ? find(calls, argv[1]) : 0;
  int error = argc > 3 ? find(errors, argv[2]) : 0;
  if (call == 0 || error == 0) {
    fprintf(stderr, "usage: denied WHAT ERROR COMMAND...\n");
    return 2;
  }
  int r =
      call == IPV6 ? deny_family(AF_INET6, error) : deny_syscall(call, error);
  if (r != 0) {
    fprintf(stderr, "no seccomp filter here: %s\n", strerror(r));
    return 77;
  }
  execvp(argv[3], argv + 3);
  perror(argv[3]);
  return 127;
}
