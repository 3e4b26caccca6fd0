/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_FAULT_H
#define WEIR_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A system that is short, late, interrupted and full, for tests on Linux. It is
 * part of libweir-test: what a program calls of the C library, libuv and
 * liburing, and what these and weir call of each other, goes through functions
 * that the program then has itself. Without a plan in force these only pass on.
 *
 * The real ones are found by the dynamic linker: nothing that is linked with
 * -static can have libweir-test.
 *
 * A plan is in force for the thread that began it, and for what that thread
 * gives to libuv's pool of threads. All that it does the system could have
 * done: nothing is lost, invented or said twice, and what it holds back comes
 * at the latest when somebody waits for it. What an error changes besides (a
 * connection that was reset is gone) it does not do.
 *
 * io_uring: rings that weir makes while a plan is in force are subject to one
 * until they are closed. A request that is to fail goes to the kernel as one
 * that does nothing, and what it completes with is the error. */

/* ---- What can be at fault ---- */

typedef enum weir_fault_what_e {
  /* Of sockets and pipes; calls and requests in a ring are the same, and a
   * splice, as sendfile, is both a read and a write. */
  WEIR_FAULT_RECV, /* recv, recvmsg, read, readv */
  WEIR_FAULT_SEND, /* send, sendmsg, write, writev */
  /* Of files, and of all that a thread of the pool does. */
  WEIR_FAULT_FILE_READ,  /* and preadv, preadv2 */
  WEIR_FAULT_FILE_WRITE, /* and pwritev, pwritev2 */
  WEIR_FAULT_OPEN,
  WEIR_FAULT_CLOSE, /* in a ring only */
  WEIR_FAULT_SYNC,
  WEIR_FAULT_SOCKET,
  WEIR_FAULT_BIND, /* and listen */
  WEIR_FAULT_ACCEPT,
  WEIR_FAULT_CONNECT,
  WEIR_FAULT_SHUTDOWN,
  WEIR_FAULT_NAME,    /* getsockname, getpeername */
  WEIR_FAULT_OPTION,  /* getsockopt, setsockopt */
  WEIR_FAULT_CONTROL, /* fcntl, ioctl */
  WEIR_FAULT_CREATE,  /* eventfd, pipe2, dup3, epoll_create1 */
  WEIR_FAULT_POLL,    /* poll, and a request that waits for readiness */
  WEIR_FAULT_WAIT,    /* epoll_wait, epoll_pwait */
  WEIR_FAULT_WATCH,   /* epoll_ctl */
  WEIR_FAULT_CANCEL,  /* a request in a ring that cancels another */
  /* Of a ring itself: io_uring_enter, _setup, _register. */
  WEIR_FAULT_ENTER,
  WEIR_FAULT_SETUP,
  WEIR_FAULT_REGISTER,
  WEIR_FAULT_WHATS, /* their number */
  /* WEIR_FAULT_OPCODE + IORING_OP_*: the requests of one opcode, which are
   * counted under it as well. */
  WEIR_FAULT_OPCODE = 256
} weir_fault_what_t;

/* ---- Exact rules ---- */

/* weir_fault_rule_t.times */
#define WEIR_FAULT_ALWAYS SIZE_MAX

/* What is to happen to certain calls or requests. One of the last three is
 * meant; a rule that has happened is as good as gone. */
typedef struct weir_fault_rule_s {
  unsigned what; /* a weir_fault_what_t, or WEIR_FAULT_OPCODE + an opcode */
  int fd;        /* of this descriptor; 0: of any that is chosen */
  size_t nth;    /* the first one that it is for, counted from 1; 0: 1 */
  size_t times;  /* and so many from there on; 0: 1 */
  /* It fails with this negative UV_E*. */
  int error;
  /* It moves at most so many bytes; of WEIR_FAULT_ENTER, submits so many
   * requests. */
  size_t bytes;
  /* Its completion comes so many rounds later (see delay below). Requests in a
   * ring only. */
  unsigned rounds;
} weir_fault_rule_t;

/* ---- A plan ---- */

/* weir_fault_options_t.lacks: what a kernel has not, the oldest last. */
enum {
  WEIR_FAULT_NO_DEFER_TASKRUN = 1,
  WEIR_FAULT_NO_COOP_TASKRUN = 2,
  WEIR_FAULT_NO_SUBMIT_ALL = 4,
  WEIR_FAULT_NO_SPARSE_BUFFERS = 8,
  WEIR_FAULT_NO_READV_FIXED = 16,
  WEIR_FAULT_NO_WRITEV_FIXED = 32,
  WEIR_FAULT_NO_NOSIGNAL = 64,
  WEIR_FAULT_NO_POLL_FIRST = 128,
  WEIR_FAULT_NO_SYNC_CANCEL = 256,
  WEIR_FAULT_NO_WORKER_LIMITS = 512,
  WEIR_FAULT_NO_TAGGED_BUFFERS = 1024,
  /* It is older than weir needs. */
  WEIR_FAULT_NO_FEATURES = 2048
};

/* All 0: a plan that only counts. */
typedef struct weir_fault_options_s {
  uint64_t seed; /* the same seed, the same faults; 0: one is made */

  /* At random, of a thousand: */
  unsigned cut;       /* transfers move less than they could, but something */
  unsigned whole;     /* but not these: 1u << WEIR_FAULT_* of each */
  unsigned again;     /* those of sockets and pipes, and accepts, that need not
                         wait find nothing (UV_EAGAIN); not twice in a row */
  unsigned interrupt; /* whatever a signal can interrupt is (UV_EINTR); accepts
                         find a connection that has ended (UV_ECONNABORTED) */
  unsigned miss;      /* cancellations do not find their request */
  unsigned delay;     /* completions are held back, for 1 to `rounds` rounds */
  unsigned rounds;    /* 0: 4. A round is one io_uring_enter or epoll_wait */
  unsigned reorder;   /* rounds bring their completions or events in another
                         order, or only some of the events */

  const weir_fault_rule_t *rules; /* copied; they go before what is random */
  size_t nrules;

  /* Says 1 for descriptors that are subject to the plan. NULL: all are. It is
   * called in the threads of the pool, too. */
  int (*chosen)(void *arg, int fd);
  void *arg;

  /* Rings get at most so many entries; 0: as they ask for. */
  unsigned sq_entries;
  unsigned cq_entries; /* not less than there are of the others */
  /* weir asks what the kernel can do once in a process, when it makes the first
   * ring. */
  unsigned lacks;
} weir_fault_options_t;

typedef struct weir_fault_s weir_fault_t;

/* Puts a plan in force in this thread. options are copied.
 *
 * Returns 0; UV_EINVAL (a NULL, or a rule that means nothing), UV_ENOMEM,
 * UV_EALREADY (this thread has a plan), UV_ENOTSUP (not Linux; a liburing that
 * is linked statically; or somebody else's functions are called in place of
 * ours). */
WEIR_MUST_USE int weir_fault_begin(const weir_fault_options_t *options,
                                   weir_fault_t **fault);

/* Ends it, in the same thread, and frees it; what it holds back comes. File
 * operations in libuv's pool have to be over. NULL does nothing. */
void weir_fault_end(weir_fault_t *fault);

/* One rule more, which counts from now on. 0, UV_EINVAL or UV_ENOMEM. */
WEIR_MUST_USE int weir_fault_add(weir_fault_t *fault,
                                 const weir_fault_rule_t *rule);

/* The seed, to be printed, and to be given to have the same again. */
uint64_t weir_fault_seed(const weir_fault_t *fault);

/* What was asked of the system, and what became of it. */
typedef struct weir_fault_count_s {
  size_t asked;     /* calls and requests */
  size_t failed;    /* with an error of ours */
  size_t cut;       /* which were offered less than they were to move */
  size_t delayed;   /* completions held back */
  size_t reordered; /* rounds, of WEIR_FAULT_ENTER and WEIR_FAULT_WAIT */
} weir_fault_count_t;

/* what is as in a rule; of anything else all are 0. */
weir_fault_count_t weir_fault_count(weir_fault_t *fault, unsigned what);

#ifdef __cplusplus
}
#endif
#endif
