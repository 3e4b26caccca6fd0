/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_MACHINE_MACHINE_H
#define WEIR_TESTS_MACHINE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* A kernel in memory, with a time of its own. While it is on, descriptors are
 * its own, and whoever sleeps is woken at once, at the time at which something
 * happens. One seed decides all that a kernel, a network and a disk are free
 * to decide. */

/* How often something happens, of a thousand times; sizes in bytes. */
typedef struct machine_options_s {
  uint64_t seed;
  unsigned fds; /* at most so many descriptors; 0: plenty */

  unsigned interrupted;  /* calls that end with EINTR */
  unsigned shortened;    /* transfers that move less than they could */
  unsigned no_buffers;   /* sends that end with ENOBUFS */
  unsigned slow;         /* what comes after some time, not at once */
  unsigned punted;       /* file operations that a kernel thread does */
  unsigned missed;       /* cancellations that come between two tries */
  unsigned short_of;     /* enters that begin a spell of EAGAIN or the like */
  unsigned partial;      /* enters that submit only part */
  unsigned refused;      /* enters with which the ring is refused for good */
  unsigned copied;       /* sends that were to be uncopied, and were not */
  unsigned unfinished;   /* enters that leave completions for the next */
  unsigned disk_full;    /* writes to a file that find the disk full */
  size_t buffer;         /* of a socket or pipe; 0: 64 KiB */
  int old_nonblocking;   /* the ring says EAGAIN of a non-blocking one */
  unsigned setup_refuse; /* flags of io_uring_setup that it does not know */
} machine_options_t;

/* Its descriptors are not below: there are those of the real system, of which
 * whoever switches it on sees to it that they are no more. */
enum { FIRST_FD = 64 };

void machine_begin(const machine_options_t *options);

/* Nothing may be left: every descriptor is closed. Returns the hash of all
 * that happened. */
uint64_t machine_end(void);

int machine_is_on(void);

/* Whether fd is one of the machine's. */
int machine_has(int fd);

/* Nanoseconds since the machine was switched on. */
uint64_t machine_now(void);

/* Says on standard error what happens. */
void machine_trace(int on);

/* What the program does is part of what happened. */
void machine_note(const char *what, long a, long b);

/* The run has failed, for this reason: says so, and what repeats it, and ends
 * the process. */
void machine_fail(const char *why, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void machine_on_fail(void (*say)(void));

/* Counts what the program has done, besides calls of the system's: if it counts
 * on, it does not spin. For the time that the machine is on. */
void machine_progress(uint64_t (*count)(void));

/* A chance that the machine's seed decides: 0 to n - 1. */
unsigned machine_chance(unsigned n);

/* How many descriptors are open. */
int machine_descriptors(void);

/* Two connected sockets; buffer is how much one side may send before the other
 * has read, 0 the usual. */
int machine_pair(int tcp, size_t buffer, int fds[2]);
int machine_is_socket(int fd);

/* A file's content is made, or looked at. */
int machine_make(const char *path, const void *bytes, size_t len);
long machine_look(const char *path, void *bytes, size_t room);

/* Whether the ring was refused for good in this run. */
int machine_was_refused(void);

#endif
