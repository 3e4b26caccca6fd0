/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TESTS_MACHINE_RING_H
#define WEIR_TESTS_MACHINE_RING_H

#include <liburing.h>

#include "world.h"

/* What the requests of a ring and the ring itself have of each other. */

enum { SEGMENTS = 64, BUFFERS = 64, GROUPS = 64, SQARRAY_OFF = 1 << 16 };

/* Newer than the headers of the oldest liburing that is supported. */
enum { REGISTER_PBUF_STATUS = 26 };

typedef struct lent_status_s {
  uint32_t group;
  uint32_t head;
  uint32_t reserved[8];
} lent_status_t;

/* A table of buffers that the program lends. */
typedef struct group_s {
  struct io_uring_buf_ring *table; /* NULL: there is none */
  unsigned mask;
  uint16_t head;
} group_t;

typedef struct ring_s {
  object_t base;
  struct ring_s *next;
  unsigned setup; /* IORING_SETUP_* */
  int disabled;
  int fd;

  /* What is shared with the program. */
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  unsigned *sq_array;
  unsigned sq_head, sq_tail, sq_mask, sq_entries, sq_flags, sq_dropped;
  unsigned cq_head, cq_tail, cq_mask, cq_entries, cq_flags, cq_overflow;

  object_t *eventfd;
  object_t *file; /* registered; the rest of that table does not matter */
  struct iovec buffers[BUFFERS];
  unsigned nbuffers;
  group_t groups[GROUPS];

  request_t *requests; /* all of them */
  request_t *work;     /* those that can go on in the context of the thread */
  unsigned nwork;
  struct io_uring_cqe *overflow;
  unsigned noverflow;
  unsigned overflow_room;
  long last_id;

  int failing;    /* the last enter was refused */
  unsigned spell; /* enters that fail */
  int spell_error;
  int refused;
} ring_t;

enum request_state {
  LINKED, /* its turn comes behind another's */
  ARMED,  /* waits for its descriptor */
  READY,  /* is to try again */
  QUEUED, /* for a thread of the kernel */
  RUNNING,
  TOLD, /* all but that its memory is needed no more */
  DONE  /* has a result */
};

struct request_s {
  ring_t *ring;
  request_t *next, **link;               /* of the ring's */
  request_t *next_waiter, **waiter_link; /* of the object's */
  request_t *next_work;
  request_t *linked; /* comes after it */
  struct io_uring_sqe sqe;
  struct iovec v[SEGMENTS];
  int n;
  long id;
  object_t *file;
  enum request_state state;
  int in_work;
  uint64_t since; /* it is there */
  unsigned tries;
  int result;
  unsigned cqe_flags;
  int told; /* its result; then it holds so many bytes, which are these */
  size_t held;
  uint64_t hash;
};

/* ---- ring.c ---- */

/* Something for the ring's thread to do. */
void ring_work_add(ring_t *ring, request_t *request);
void ring_post(ring_t *ring, uint64_t user_data, int result, unsigned flags);

/* ---- lent.c ---- */

int lent_begin(ring_t *ring, const struct io_uring_buf_reg *reg);
int lent_end(ring_t *ring, const struct io_uring_buf_reg *reg);
int lent_status(ring_t *ring, lent_status_t *status);

/* The buffer of a group whose turn it is, at most size bytes of it, 0 for all:
 * 0, or -ENOBUFS. */
int lent_next(ring_t *ring, unsigned number, size_t size, struct iovec *v);

/* Takes that buffer, of which there is one: what the completion says of it. */
unsigned lent_take(ring_t *ring, unsigned number);

/* ---- request.c ---- */

/* Takes an entry; begins it, and then what is linked to it. What is done at
 * once is posted. */
request_t *request_make(ring_t *ring, const struct io_uring_sqe *sqe);
void request_begin(request_t *request);

/* Goes on in the context of the ring's thread. */
void request_work(request_t *request);

/* The result of a cancellation. */
int request_cancel(request_t *request);
void request_free(request_t *request);

#endif
