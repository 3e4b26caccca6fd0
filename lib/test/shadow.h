/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__TEST_SHADOW_H
#define WEIR__TEST_SHADOW_H

#include "plan.h"

#if WEIR_HAVE_URING

#include <pthread.h>

#include "system.h"

/* A ring of weir's that is subject to a plan. weir has the kernel's submission
 * queue, whose entries are changed before the kernel looks at them. But the
 * completion queue that it reads is ours: what is in the kernel's is taken from
 * there, and shown when it is due. */

/* What is to be done when a request completes. */
typedef struct weir__record_s {
  struct weir__record_s *next;
  uint64_t user_data;
  int error; /* what it completes with instead; 0: as it does */
  unsigned rounds;
  struct msghdr msg; /* what its entry points to in place of weir's */
  struct iovec *iov;
} weir__record_t;

/* A completion that weir has not seen. */
typedef struct weir__late_s {
  uint64_t user_data;
  uint64_t due;
  int32_t result;
  uint32_t flags;
} weir__late_t;

/* An entry as it was, and whether there is a record for it. */
typedef struct weir__saved_s {
  struct io_uring_sqe sqe;
  int recorded;
} weir__saved_t;

enum { WEIR__BUCKETS = 64 };

typedef struct weir__shadow_s {
  struct weir__shadow_s *next;
  struct io_uring *ring; /* weir's */
  struct io_uring real;  /* the same, as it was made */
  weir_fault_t *plan;    /* NULL: it has ended */
  pthread_t owner;       /* who entered it last */
  int eventfd;           /* or -1 */
  uint64_t round;
  unsigned head; /* of the completions that weir sees */
  unsigned tail;
  struct io_uring_cqe *cqes;
  weir__late_t *late; /* in the order of their coming */
  unsigned nlate;
  weir__record_t *records[WEIR__BUCKETS];
  weir__saved_t *saved; /* what is offered to the kernel */
} weir__shadow_t;

/* Puts one between ring, which was just made, and weir. 0 or -ENOMEM. */
int weir__shadow_begin(struct io_uring *ring, weir_fault_t *plan);

/* That of a ring, or of its descriptor, which becomes this thread's; or NULL.
 */
weir__shadow_t *weir__shadow_of(const struct io_uring *ring);
weir__shadow_t *weir__shadow_of_fd(unsigned fd);

/* Before the ring is gone: it is the kernel's again. */
void weir__shadow_remove(weir__shadow_t *shadow);

/* What io_uring_enter2 does. */
int weir__shadow_enter(weir__shadow_t *shadow, unsigned submit, unsigned wait,
                       unsigned flags, sigset_t *mask, size_t size);

/* ---- Records ---- */

/* One more, for user_data; NULL without memory. */
weir__record_t *weir__record_add(weir__shadow_t *shadow, uint64_t user_data);

/* The last one that was added for it is taken back. */
void weir__record_undo(weir__shadow_t *shadow, uint64_t user_data);

/* ---- batch.c ---- */

/* Does to the next n entries what the plan says. */
void weir__batch_begin(weir__shadow_t *shadow, unsigned n);

/* From position `from` on, n entries were offered, and the kernel has taken
 * some: the others are as they were. */
void weir__batch_end(weir__shadow_t *shadow, unsigned from, unsigned n);

/* ---- All of this thread ---- */

/* A round: shows what is due, and tells the eventfd. */
void weir__shadows_look(void);

/* Whether something is held back that somebody wants to be woken by. */
int weir__shadows_hold(void);

/* Shows the first of what is held back. */
void weir__shadows_release(void);

/* That plan ends. */
void weir__shadows_end(const weir_fault_t *plan);

#else

static inline void weir__shadows_look(void) {
}

static inline int weir__shadows_hold(void) {
  return 0;
}

static inline void weir__shadows_release(void) {
}

static inline void weir__shadows_end(const weir_fault_t *plan) {
  (void)plan;
}

#endif
#endif
