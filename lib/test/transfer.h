/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TEST_TRANSFER_H
#define WEIR__TEST_TRANSFER_H

#include "plan.h"

#include <sys/uio.h>

/* A read or write of a descriptor, by a call or by a request in a ring. */
typedef struct weir__transfer_s {
  int fd;
  int write;
  int placed; /* it says at which offset */
  int nowait; /* its flags say so */
  int whole;  /* its flags say that it is all or nothing */
  unsigned opcode;
  size_t size;
} weir__transfer_t;

/* What the plan says; nothing of what is neither socket, pipe nor file. */
weir__verdict_t weir__transfer_ask(weir_fault_t *plan,
                                   const weir__transfer_t *transfer);

/* The same of an accept. */
weir__verdict_t weir__accept_ask(weir_fault_t *plan, int fd, unsigned opcode);

/* In this thread all transfers are those of files. */
extern _Thread_local int weir__in_pool;

/* Segments together. */
size_t weir__iov_size(const struct iovec *iov, size_t count);

/* The first `bytes` of count segments, in cut, which has room for `most`; how
 * many that are. */
size_t weir__iov_cut(const struct iovec *iov, size_t count, size_t bytes,
                     struct iovec *cut, size_t most);

#endif
