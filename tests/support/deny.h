/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef DENY_H
#define DENY_H

/* From now on the system call of that number fails with error in this thread,
 * as container run-times do it. Returns 0, or an errno where it is not to be
 * had. There is no way back. */
int deny_syscall(int number, int error);

/* The same for sockets of that family, as without IPv6. */
int deny_family(int family, int error);

/* The numbers, which are the same on every architecture. */
enum {
  CALL_URING_SETUP = 425,
  CALL_URING_ENTER = 426,
  CALL_URING_REGISTER = 427
};

/* Why this thread cannot use io_uring already, an errno; 0 if it can. Attaching
 * would tell, too, but a process does not ask the kernel again. */
int uring_denied(void);

/* io_uring_enter is denied for every ring but those that are spared: newer
 * versions of libuv have rings of their own, which are there when a loop was
 * initialised, and end the program if they cannot be entered. */
enum { MAX_OPEN_RINGS = 8 };
struct open_rings {
  int fds[MAX_OPEN_RINGS];
  int count;
};
void find_open_rings(struct open_rings *rings);
int deny_enter(int error, const struct open_rings *spared);

#endif
