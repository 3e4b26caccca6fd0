/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

/* What there is to know of a file. The kernel's form of it is larger than
 * libuv's, and than what an operation has room for: so it lies in memory of its
 * own, from the beginning of the request to the end, and is not given out again
 * before. */

/* In numbers of our own: the C library's headers may be older. */
enum { EMPTY_PATH = 0x1000, BASIC_STATS = 0x7ff, BIRTH_TIME = 0x800 };

typedef struct moment_s {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
} moment_t;

typedef struct record_s {
  uint32_t mask;
  uint32_t blksize;
  uint64_t attributes;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t reserved;
  uint64_t ino;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  moment_t accessed;
  moment_t born;
  moment_t changed;
  moment_t modified;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint64_t rest[14];
} record_t;

static_assert(sizeof(record_t) == 256, "as the kernel writes it");

struct weir__state_s {
  weir__state_t *next; /* in the list of free ones */
  record_t record;
};

int weir__stat_begin(weir__ring_t *ring, weir_op_t *op) {
  weir__state_t *state = ring->states;
  if (state != NULL) {
    ring->states = state->next;
  } else {
    state = weir__calloc(1, sizeof(*state));
    if (state == NULL)
      return UV_ENOMEM;
    ring->loop->stats.allocations++;
  }
  weir__file_more(op)->state = state;
  return 0;
}

static void give(weir__ring_t *ring, weir__state_t *state) {
  state->next = ring->states;
  ring->states = state;
}

void weir__stat_drop(weir__ring_t *ring, const weir_op_t *op) {
  give(ring, weir__file_more(op)->state);
}

/* As libuv asks. The same record may be filled again, when the request is
 * issued once more. */
void weir__stat_fill(struct io_uring_sqe *sqe, const weir_op_t *op) {
  const weir__file_more_t *more = weir__file_more(op);
  const int by_path = op->form == WEIR__FILE_STAT;
  sqe->opcode = IORING_OP_STATX;
  sqe->fd = by_path ? AT_FDCWD : weir__file_args(op)->file;
  sqe->addr = (uint64_t)(uintptr_t)(by_path ? more->path : "");
  sqe->addr2 = (uint64_t)(uintptr_t)&more->state->record;
  sqe->len = BASIC_STATS | BIRTH_TIME;
  sqe->statx_flags = by_path ? 0 : EMPTY_PATH;
}

static uv_timespec_t time_of(const moment_t *moment) {
  uv_timespec_t time;
  time.tv_sec = (__typeof__(time.tv_sec))moment->seconds;
  time.tv_nsec = (__typeof__(time.tv_nsec))moment->nanoseconds;
  return time;
}

static void translate(uv_stat_t *to, const record_t *from) {
  memset(to, 0, sizeof(*to));
  to->st_dev = makedev(from->dev_major, from->dev_minor);
  to->st_mode = from->mode;
  to->st_nlink = from->nlink;
  to->st_uid = from->uid;
  to->st_gid = from->gid;
  to->st_rdev = makedev(from->rdev_major, from->rdev_minor);
  to->st_ino = from->ino;
  to->st_size = from->size;
  to->st_blksize = from->blksize;
  to->st_blocks = from->blocks;
  to->st_atim = time_of(&from->accessed);
  to->st_mtim = time_of(&from->modified);
  to->st_ctim = time_of(&from->changed);
  to->st_birthtim = time_of(&from->born);
}

/* Where the ring has failed nobody knows whether a thread of the kernel is
 * still at it: the memory stays its own then, though not in a child. */
void weir__stat_ended(weir__ring_t *ring, const weir_op_t *op, int result) {
  const weir__file_more_t *more = weir__file_more(op);
  if (result == 0)
    translate(more->stat, &more->state->record);
  if (result == 0 || ring->error == 0 || ring->error == UV_ESRCH)
    give(ring, more->state);
}

void weir__stats_free(weir__ring_t *ring) {
  while (ring->states != NULL) {
    weir__state_t *state = ring->states;
    ring->states = state->next;
    weir__free(state);
  }
}
