/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__RING_H
#define WEIR__RING_H

/* Has to be the first header that a file includes: liburing.h needs this. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <liburing.h>
#include <uv.h>

#include "../lib/alloc.h"
#include "../lib/backend.h"
#include "../lib/settle.h"

/* What this kernel can do beyond Linux 5.11, which is required, or what may be
 * tried. The environment variable WEIR_URING_CAPS_OFF takes bits away, by their
 * names in lower case, separated by commas; a version of Linux, as 5.15, takes
 * all that came later. */
enum {
  WEIR__CAP_DEFER_TASKRUN = 1u,
  WEIR__CAP_COOP_TASKRUN = 2u,
  WEIR__CAP_SUBMIT_ALL = 4u,
  WEIR__CAP_SPARSE_BUFFERS = 8u,
  WEIR__CAP_READV_FIXED = 16u,
  WEIR__CAP_WRITEV_FIXED = 32u,
  WEIR__CAP_NOSIGNAL = 64u,
  WEIR__CAP_POLL_FIRST = 128u,
  WEIR__CAP_TAGGED_BUFFERS = 256u,
  WEIR__CAP_WORKER_LIMITS = 512u,
  WEIR__CAP_SYNC_CANCEL = 1024u,
  WEIR__CAP_BUFFER_RING = 2048u,
  WEIR__CAP_ACCEPT_POLL_FIRST = 4096u,
  WEIR__CAP_PATHS = 8192u, /* directories and links */
  WEIR__CAP_TRUNCATE = 16384u,
  WEIR__CAP_SEND_ZC = 32768u, /* and tells whether it has copied */
  WEIR__CAP_CHAINS = 65536u,  /* of which only the end is told */
  WEIR__CAP_STATX = 131072u,
  WEIR__CAP_ALL = 262143u
};

/* Newer than the headers of the oldest liburing that is supported. */
enum {
  WEIR__OP_SEND_ZC = 47,
  WEIR__OP_FTRUNCATE = 55,
  WEIR__OP_BIND = 56,
  WEIR__OP_READV_FIXED = 60,
  WEIR__OP_WRITEV_FIXED = 61
};
enum { WEIR__ACCEPT_POLL_FIRST = 4, WEIR__CQE_F_NOTIF = 8 };
enum { WEIR__SEND_ZC_FLAGS = 4 | 8 }; /* a fixed buffer; reports its usage */
#define WEIR__SETUP_NO_SQARRAY (1u << 16)
enum { WEIR__RWF_NOSIGNAL = 0x100 };
enum { WEIR__SQE_CQE_SKIP = 1 << 6 };

struct weir__ring_s;

/* What a request means to those who begin it: a table of theirs for each type.
 * owner is what they named when they took the slot. */
typedef struct weir__request_s {
  /* What it waits for when it cannot be done at once. */
  int (*fd)(const void *owner);
  unsigned (*events)(const void *owner);

  /* Whether the result is none: 0, WEIR__SLOT_POLLING to wait for readiness
   * first, or WEIR__SLOT_RESTART. waited: it has done so. May be NULL. */
  unsigned (*again)(void *owner, int result, int waited);

  /* It is ready, as events say. The slot is released in here, or the request
   * goes on. NULL: it is issued again. */
  void (*ready)(struct weir__ring_s *ring, uint64_t tag, void *owner,
                int events);

  /* Fills a new entry for it, which names the descriptor. NULL: it never asks
   * for that. waited: as above. */
  void (*restart)(struct weir__ring_s *ring, struct io_uring_sqe *sqe,
                  void *owner, int waited);

  /* A completion with more to come. NULL: there are none. */
  void (*more)(struct weir__ring_s *ring, uint64_t tag, void *owner, int result,
               unsigned flags);

  /* The last completion; the slot was released. */
  void (*ended)(struct weir__ring_s *ring, void *owner, int result,
                unsigned flags);

  int background; /* it is ours, and nobody waits for its end */
  int unseen;     /* a thread of the kernel may do it, and nobody be told */
  int settled;    /* it is done but for what is to be told: not to cancel */
} weir__request_t;

/* A request in the ring, named by the user_data of its entries. Its slot is
 * taken until the last completion. */
enum {
  WEIR__SLOT_POLLING = 1u,   /* waits for readiness, to be tried again then */
  WEIR__SLOT_QUEUED = 2u,    /* in the list of those to be issued again */
  WEIR__SLOT_CANCELLED = 4u, /* a cancellation was asked for */
  WEIR__SLOT_RESTART = 8u,   /* issue the request itself once more */
  WEIR__SLOT_WAITED = 16u,   /* the descriptor was ready since it began */
  WEIR__SLOT_MISSED = 32u,   /* in the list of those that one did not find */
  WEIR__SLOT_MOVED = 64u,    /* the thread that submitted it has changed */
  WEIR__SLOT_UNSENT = 128u,  /* was not submitted in a ring that is gone */
  WEIR__SLOT_CHAIN = 256u,   /* its entry has a second one: see chain.c */
  WEIR__SLOT_SECOND = 512u,  /* that is to be cancelled next */
  WEIR__SLOT_CUT = 1024u,    /* it was cut off: nobody tells that the first
                              * succeeds */
  WEIR__SLOT_GONE = 2048u    /* which was not found the last time */
};

typedef struct weir__slot_s {
  const weir__request_t *type; /* NULL: free */
  void *owner;
  uint32_t generation;
  uint32_t next;   /* free list, or list of those to be issued again */
  uint32_t missed; /* list of those that a cancellation did not find */
  unsigned flags;
  unsigned position; /* of its last entry */
} weir__slot_t;

#define WEIR__NO_SLOT UINT32_MAX

/* In the user_data of a cancellation, besides what it is to cancel: there are
 * not so many slots. */
#define WEIR__TAG_CANCEL (1u << 31)

/* In that of the second entry of a chain, and in the flags of its completion,
 * which are the kernel's but for this one. */
#define WEIR__TAG_SECOND (1u << 30)
#define WEIR__CQE_SECOND (1u << 15)

/* What an entry points to until it is submitted; there is one for each
 * position in the submission queue. */
typedef struct weir__vector_s {
  struct msghdr message;
  struct iovec segments[WEIR_WINDOW];
} weir__vector_t;

enum { WEIR__BUFFER_SLOTS = 64 };

/* Registered memory. */
typedef struct weir__range_s {
  uintptr_t start;
  size_t size;
  int index; /* in the kernel's table */
} weir__range_t;

typedef struct weir__memory_s {
  weir__range_t ranges[WEIR__BUFFER_SLOTS]; /* by address, without overlaps */
  unsigned count;
  unsigned hit; /* the one that was found last */
  int has_table;
  unsigned char taken[WEIR__BUFFER_SLOTS]; /* places in the table */
} weir__memory_t;

/* A descriptor, and how many writes to it are outstanding. */
typedef struct weir__plain_s {
  int fd;
  unsigned writes;
} weir__plain_t;

enum { WEIR__PLAIN_SLOTS = 64 };

/* A write without a copy, until the kernel needs its memory no more. */
typedef struct weir__notice_s weir__notice_t;

/* What the kernel says of a file. */
typedef struct weir__state_s weir__state_t;

typedef struct weir__ring_s {
  weir_loop_t *loop;
  struct io_uring uring;
  unsigned entries; /* as asked for */
  unsigned caps;
  int enabled;
  int gone;           /* ends when the kernel has let go of the ring; or -1 */
  unsigned hollow[4]; /* what a forked child sees of a ring */

  weir__vector_t *vectors;
  weir__slot_t *slots;
  uint32_t slot_count;
  uint32_t slot_free;
  uint32_t redo_head;
  uint32_t redo_tail;
  uint32_t missed;   /* may have been released since, and taken again */
  size_t inflight;   /* slots in use, but for those in the background */
  int refusal;       /* why weir__ring_begin said NULL */
  int paused;        /* the kernel could not take more in this turn */
  unsigned steps;    /* how often it was entered, and looked into */
  unsigned whole;    /* enters that took all and left nothing to do */
  int slept;         /* in the last of them */
  int error;         /* the ring cannot be entered any more */
  uint64_t poll_tag; /* of the poll for libuv's descriptor, or 0 */

  unsigned rounds;   /* how often a turn submits besides its wait */
  unsigned fruitful; /* turns in which that brought something each time */

  int eventfd; /* -1 in the ring wait */
  uv_poll_t poll;

  weir__plain_t plain[WEIR__PLAIN_SLOTS]; /* see plain.c */

  weir__memory_t memory;
  uint64_t groups;         /* of lent buffers, that are taken */
  weir__notice_t *notices; /* free ones */
  weir__state_t *states;   /* free ones */
} weir__ring_t;

/* The state of a socket, in weir__own_t.more. */
typedef struct weir__socket_s {
  unsigned flags;
  unsigned read_steps; /* of the ring when the read or accept was begun */
  uint64_t read_tag;   /* or an accept's */
  uint64_t write_tag;  /* or a connect's */
} weir__socket_t;

enum {
  WEIR__SOCKET_DRY = 1u,      /* the last read or accept had to wait, and left
                               * nothing */
  WEIR__SOCKET_FULL = 2u,     /* the last write was short: no room is left */
  WEIR__SOCKET_ZEROCOPY = 4u, /* see zc.c */
  WEIR__SOCKET_CUT = 8u       /* less is being written than was offered */
};

/* Whether the kernel has yet to tell of something. */
static inline int weir__ring_awaits(const weir__ring_t *ring) {
  return (ring->inflight | ring->loop->notices) != 0;
}

static inline weir__ring_t *weir__ring(const weir_loop_t *loop) {
  return loop->impl;
}

static inline weir__socket_t *weir__socket(const weir_stream_t *stream) {
  return (weir__socket_t *)(void *)weir__own(stream)->more.bytes;
}

/* ---- probe.c ---- */

/* The capabilities that remain after WEIR_URING_CAPS_OFF. 0, or the error that
 * says why there is no io_uring here, with a sentence in why. */
int weir__ring_caps(unsigned *caps, char *why, size_t size);

/* ---- setup.c ---- */

/* Makes the kernel's part of the ring, disabled; may grant fewer entries. */
int weir__ring_setup(struct io_uring *uring, unsigned entries, unsigned *caps);

/* Enables the ring for the calling thread, which is the only one to enter it
 * from then on. */
int weir__ring_enable(weir__ring_t *ring);

/* ---- kernel.c ---- */

/* Makes the kernel's part of the ring, disabled. On an error, which happened in
 * *step, there is none. */
int weir__ring_open(weir__ring_t *ring, const char **step);
void weir__ring_close(weir__ring_t *ring);

/* The loop runs in another thread than before. Only one thread may enter the
 * ring: what is in it is taken out and begun anew in another. Where that cannot
 * be had, the ring is at its end. May wait for the kernel. */
void weir__ring_move(weir_loop_t *loop);

/* In a child after a fork: the ring is the parent's. */
void weir__ring_lose(weir_loop_t *loop);

/* Ends with UV_ECANCELED what was in the parent's ring, and makes one for the
 * child. */
int weir__ring_renew(weir_loop_t *loop);

/* ---- request.c ---- */

/* What names the slot at index as long as it is taken. */
static inline uint64_t weir__slot_tag(const weir__ring_t *ring,
                                      uint32_t index) {
  return (uint64_t)ring->slots[index].generation << 32 | index;
}

int weir__slots_init(weir__ring_t *ring, uint32_t count);

/* There are more slots than before: 0 or UV_ENOMEM. */
int weir__slots_grow(weir__ring_t *ring);

/* Takes a slot, of which there is one, and leaves its user_data in *tag. */
static inline weir__slot_t *weir__slot_take(weir__ring_t *ring,
                                            const weir__request_t *type,
                                            void *owner, uint64_t *tag) {
  uint32_t index = ring->slot_free;
  weir__slot_t *slot = &ring->slots[index];
  ring->slot_free = slot->next;
  slot->type = type;
  slot->flags &= WEIR__SLOT_MISSED;
  slot->owner = owner;
  ring->inflight += !type->background;
  *tag = weir__slot_tag(ring, index);
  return slot;
}

/* The slot of tag; NULL if it has been released since. */
static inline weir__slot_t *weir__slot_find(const weir__ring_t *ring,
                                            uint64_t tag) {
  uint32_t index = (uint32_t)tag;
  if (index >= ring->slot_count)
    return NULL;
  weir__slot_t *slot = &ring->slots[index];
  return slot->generation == tag >> 32 && slot->type != NULL ? slot : NULL;
}

/* slot is that of tag. */
static inline void weir__slot_release(weir__ring_t *ring, weir__slot_t *slot,
                                      uint64_t tag) {
  ring->inflight -= !slot->type->background;
  slot->type = NULL;
  /* 0 as user_data names nothing, so no generation is 0. */
  if (++slot->generation == 0)
    slot->generation = 1;
  slot->next = ring->slot_free;
  ring->slot_free = (uint32_t)tag;
}

/* ---- submit.c ---- */

/* Makes room in the submission queue: 1, or 0 and ring->refusal. It enters the
 * ring for it where the core starts what waited, and nowhere else: a call of
 * the application's makes no system call, and in a turn the ring is entered in
 * its time. */
int weir__ring_make_room(weir__ring_t *ring);

static inline int weir__ring_has_room(const weir__ring_t *ring) {
  const struct io_uring_sq *sq = &ring->uring.sq;
  return ring->error == 0 &&
         sq->sqe_tail - IO_URING_READ_ONCE(*sq->khead) < sq->ring_entries;
}

/* An entry for tag, cleared but for these; there is room. */
static inline struct io_uring_sqe *
weir__ring_entry(weir__ring_t *ring, uint64_t tag, unsigned opcode, int fd) {
  struct io_uring_sq *sq = &ring->uring.sq;
  struct io_uring_sqe *sqe = &sq->sqes[sq->sqe_tail++ & sq->ring_mask];
  *sqe = (struct io_uring_sqe){
      .opcode = (uint8_t)opcode, .fd = fd, .user_data = tag};
  return sqe;
}

/* One more for the request of tag. NULL: ring->refusal says why. */
struct io_uring_sqe *weir__ring_sqe(weir__ring_t *ring, uint64_t tag,
                                    unsigned opcode, int fd);

/* Whether there are a slot and an entry to be taken. */
static inline int weir__ring_at_hand(const weir__ring_t *ring) {
  return ring->slot_free != WEIR__NO_SLOT && weir__ring_has_room(ring);
}

/* Sees to it that there are: 1, or 0 and ring->refusal. */
int weir__ring_provide(weir__ring_t *ring);

/* Takes both. */
static inline struct io_uring_sqe *weir__ring_take(weir__ring_t *ring,
                                                   const weir__request_t *type,
                                                   void *owner, unsigned opcode,
                                                   int fd, uint64_t *tag) {
  weir__slot_t *slot = weir__slot_take(ring, type, owner, tag);
  slot->position = ring->uring.sq.sqe_tail;
  return weir__ring_entry(ring, *tag, opcode, fd);
}

/* Provides and takes them. NULL: ring->refusal says why. */
static inline struct io_uring_sqe *
weir__ring_begin(weir__ring_t *ring, const weir__request_t *type, void *owner,
                 unsigned opcode, int fd, uint64_t *tag) {
  return weir__ring_provide(ring)
             ? weir__ring_take(ring, type, owner, opcode, fd, tag)
             : NULL;
}

/* The last entry of slot, which is that of tag, as long as the kernel has not
 * seen it; else NULL. */
struct io_uring_sqe *weir__slot_entry(const weir__ring_t *ring,
                                      const weir__slot_t *slot, uint64_t tag);

/* The vector that belongs to sqe, filled with bufs. */
weir__vector_t *weir__ring_vector(weir__ring_t *ring,
                                  const struct io_uring_sqe *sqe,
                                  const uv_buf_t *bufs, unsigned nbufs);

/* Sets what a POLL_ADD waits for; the kernel wants the halves the other way
 * round on big endian machines. */
static inline void weir__sqe_poll(struct io_uring_sqe *sqe, unsigned events) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  events = events << 16 | events >> 16;
#endif
  sqe->poll32_events = events;
}

/* Submits, and takes what completed into the completion queue. With wait it
 * sleeps until something did, at most timeout milliseconds; -1 is no limit.
 * Sets ring->paused where the kernel is short of something, ring->error where
 * it refuses for good. */
void weir__ring_enter(weir__ring_t *ring, int wait, int timeout);

static inline unsigned weir__ring_unsubmitted(const weir__ring_t *ring) {
  return io_uring_sq_ready(&ring->uring);
}

/* ---- reap.c ---- */

/* Takes what is in the completion queue and reports it. Returns the number of
 * completions. No system call. */
unsigned weir__ring_reap(weir__ring_t *ring);

/* Goes on with the request of tag, or ends it; flags are those of its
 * completion. */
void weir__ring_complete(weir__ring_t *ring, uint64_t tag, int result,
                         unsigned flags);

/* The request of tag is not in the kernel any more and has done nothing: has it
 * begin anew, or end if that was asked for. */
void weir__ring_anew(weir__ring_t *ring, uint64_t tag);

/* Releases its slot and reports the result. */
void weir__ring_end(weir__ring_t *ring, uint64_t tag, int result,
                    unsigned flags);

/* Has the request issued again (flags: WEIR__SLOT_POLLING or _RESTART) as soon
 * as there is room. */
void weir__slot_redo(weir__ring_t *ring, uint64_t tag, unsigned flags);

/* Issues what weir__slot_redo collected, as far as there is room. Those that
 * were cancelled end instead. */
void weir__ring_redo(weir__ring_t *ring);

/* ---- cancel.c ---- */

/* Has the request looked at again by weir__ring_cancel_missed; it is not in
 * that list. */
void weir__ring_missed(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag);

/* Asks for the end of a request. What the kernel has not seen ends within this
 * call. 0 or UV_EBUSY. */
int weir__ring_cancel(weir__ring_t *ring, uint64_t tag);

/* Asks once more for the end of those that a cancellation did not find, as far
 * as there is room. */
void weir__ring_cancel_missed(weir__ring_t *ring);

/* ---- chain.c ---- */

/* Has an fdatasync follow on the write in sqe, which was just taken for tag:
 * the kernel begins it when all of the write has gone, and tells of the end of
 * both as ended with WEIR__CQE_SECOND. Of a write that is short, or fails, it
 * tells as ever, and there is no sync. Without room nothing is changed. */
void weir__chain_sync(weir__ring_t *ring, struct io_uring_sqe *sqe,
                      uint64_t tag);

/* The slot's entry was not submitted, and is not to be: nor is its second. */
void weir__chain_drop(weir__ring_t *ring, weir__slot_t *slot);

/* The kernel has taken less than it was given: perhaps half of a chain. */
void weir__chain_mend(weir__ring_t *ring);

/* Of one that was cut: whether it is over, and was ended, 0; or UV_EBUSY: it is
 * to be looked at again. */
int weir__chain_look(weir__ring_t *ring, weir__slot_t *slot, uint64_t tag);

/* ---- uring.c ---- */

/* After ring->error was set: reports what the ring had completed, ends all else
 * with that error, and lets the kernel's part of the ring go. */
void weir__ring_give_up(weir__ring_t *ring);

/* Nothing is in the kernel any more: ends with status whatever was. */
void weir__ring_end_all(weir__ring_t *ring, int status);

/* ---- wait.c ---- */

void weir__ring_turn(weir_loop_t *loop);
void weir__ring_check(weir_loop_t *loop);
int weir__ring_watch(weir__ring_t *ring);

/* ---- stream.c ---- */

extern const weir__kind_t weir__socket_kind;

/* For the tables of requests whose owner is a stream. */
int weir__socket_fd(const void *owner);
unsigned weir__socket_readable(const void *owner);
unsigned weir__socket_writable(const void *owner);

/* Of a read or an accept that has ended. Where one had to wait and nothing is
 * left, the next one waits before it tries. That pays only if hardly any finds
 * something, so that one that was done when it was submitted forbids it: it is
 * found by the first look after that. */
static inline void weir__socket_note(const weir__ring_t *ring,
                                     weir__socket_t *sock, int came,
                                     unsigned flags) {
  int waited = ring->steps - sock->read_steps != 2 || ring->slept;
  sock->flags &= ~(unsigned)WEIR__SOCKET_DRY;
  if (came && waited && !(flags & IORING_CQE_F_SOCK_NONEMPTY))
    sock->flags |= WEIR__SOCKET_DRY;
}

/* ---- writable.c ---- */

/* Has the pending write of stream, which is not in the ring, started again when
 * there is room: WEIR_PENDING or an error. */
int weir__socket_await(weir_stream_t *stream);

/* ---- zc.c ---- */

/* As weir_tcp_zerocopy, of a stream that is open; what is in force. */
int weir__zerocopy_set(weir_stream_t *stream, size_t least, unsigned flags);
size_t weir__zerocopy_get(const weir_stream_t *stream);

/* Whether what goes from one address to the other stays in this machine. */
int weir__zerocopy_is_local(const struct sockaddr *own,
                            const struct sockaddr *peer);

/* For a socket with WEIR__SOCKET_ZEROCOPY, which has room: starts to write the
 * first segment if that is to go without a copy: WEIR_PENDING. 0: *nbufs of
 * them are to be written as ever. UV_EBUSY or an error. */
int weir__zerocopy_write(weir_stream_t *stream, int fd, const uv_buf_t *bufs,
                         unsigned *nbufs);

/* The pool that is registered there is destroyed. */
void weir__notices_forget(weir__ring_t *ring, int index);

/* The ring is at its end, and there are no pools. */
void weir__notices_free(weir__ring_t *ring);

/* ---- ready.c ---- */

/* The waits of the application. */
int weir__socket_wait(weir_stream_t *stream, weir_op_t *op);
int weir__socket_unwait(weir_stream_t *stream, weir_op_t *op);

/* ---- net.c ---- */

int weir__socket_connect(weir_stream_t *stream);
int weir__socket_accept(weir_stream_t *listener, weir__fd_t *fd);
int weir__socket_cancel(weir_stream_t *stream);

/* ---- plain.c ---- */

/* Whether a write to fd, which is about to begin, cannot raise SIGPIPE: 1, and
 * weir__plain_end has to follow. The system is asked once for all writes that
 * are outstanding together. */
int weir__plain_begin(weir__ring_t *ring, int fd);
void weir__plain_end(weir__ring_t *ring, int fd);

/* ---- file.c ---- */

int weir__ring_file_start(weir_loop_t *loop, weir_op_t *op);
int weir__ring_file_cancel(weir_loop_t *loop, weir_op_t *op);

/* ---- stat.c ---- */

/* Before op, which asks what there is to know of a file, has an entry: 0 or
 * UV_ENOMEM; and if it gets none after all. */
int weir__stat_begin(weir__ring_t *ring, weir_op_t *op);
void weir__stat_drop(weir__ring_t *ring, const weir_op_t *op);

void weir__stat_fill(struct io_uring_sqe *sqe, const weir_op_t *op);

/* It has ended so, and says it to the application. */
void weir__stat_ended(weir__ring_t *ring, const weir_op_t *op, int result);

/* The ring is at its end. */
void weir__stats_free(weir__ring_t *ring);

/* ---- buffers.c ---- */

int weir__ring_lend_begin(weir_loop_t *loop, weir__lent_t *lent, size_t count);
void weir__ring_lend_end(weir_loop_t *loop, weir__lent_t *lent);
int weir__ring_lend(weir__lent_t *lent, const uv_buf_t *buf, uint32_t number);
void weir__ring_recall(weir_loop_t *loop, weir__lent_t *lent,
                       weir__lent_cb back, void *arg);

/* ---- memory.c ---- */

int weir__ring_memory_add(weir_loop_t *loop, void *base, size_t len);
void weir__ring_memory_remove(weir_loop_t *loop, int index);

/* In a ring that was made anew: registers all pools once more. */
void weir__ring_memory_renew(weir__ring_t *ring);

/* The index of the registered memory that holds all of [base, base + len), or
 * -1. */
int weir__ring_memory_search(weir__ring_t *ring, const void *base, size_t len);

static inline int weir__range_holds(const weir__range_t *range,
                                    const void *base, size_t len) {
  size_t offset = (uintptr_t)base - range->start;
  return offset < range->size && len <= range->size - offset;
}

static inline int weir__ring_memory_find(weir__ring_t *ring, const void *base,
                                         size_t len) {
  const weir__range_t *range = &ring->memory.ranges[ring->memory.hit];
  return weir__range_holds(range, base, len)
             ? range->index
             : weir__ring_memory_search(ring, base, len);
}

#endif
