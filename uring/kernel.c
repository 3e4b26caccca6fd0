/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../lib/uv_backend.h"

/* The kernel's part of a ring: made, and made anew where the old one is out of
 * reach, in another thread or in a child after a fork. */

/* How long the kernel may take to let go of a ring: some 50 ms are usual. */
enum { GONE_MS = 5000 };

/* A pipe whose other end only the ring holds: it ends when the kernel has let
 * go of the ring, and so of all that was in it. */
static int open_gone(weir__ring_t *ring) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0)
    return -errno;
  int r = io_uring_register((unsigned)ring->uring.ring_fd,
                            IORING_REGISTER_FILES, &fds[1], 1);
  close(fds[1]);
  if (r < 0) {
    close(fds[0]);
    return r;
  }
  ring->gone = fds[0];
  return 0;
}

static int single_issuer(const weir__ring_t *ring) {
  return (ring->uring.flags & IORING_SETUP_SINGLE_ISSUER) != 0;
}

static int fill_in(weir__ring_t *ring, const char **step) {
  size_t entries = ring->uring.sq.ring_entries;
  *step = "memory for the ring";
  ring->vectors = weir__malloc(entries * sizeof(*ring->vectors));
  if (ring->vectors == NULL)
    return UV_ENOMEM;
  *step = "the eventfd";
  if (ring->eventfd >= 0) {
    int r = io_uring_register_eventfd(&ring->uring, ring->eventfd);
    if (r != 0)
      return r;
  }
  *step = "a pipe";
  return single_issuer(ring) ? open_gone(ring) : 0;
}

int weir__ring_open(weir__ring_t *ring, const char **step) {
  ring->enabled = 0;
  ring->gone = -1;
  *step = "io_uring_setup";
  int r = weir__ring_setup(&ring->uring, ring->entries, &ring->caps);
  if (r != 0) {
    ring->uring.ring_fd = -1;
    return r;
  }
  /* A forked child shares no mappings with us. */
  io_uring_ring_dontfork(&ring->uring);
  r = fill_in(ring, step);
  if (r != 0)
    weir__ring_close(ring);
  return r;
}

void weir__ring_close(weir__ring_t *ring) {
  if (ring->uring.ring_fd >= 0)
    io_uring_queue_exit(&ring->uring);
  if (ring->gone >= 0)
    close(ring->gone);
  weir__free(ring->vectors);
  ring->uring.ring_fd = -1;
  ring->gone = -1;
  ring->vectors = NULL;
}

/* The same, and waits until nothing is in the kernel any more, so that it
 * neither writes into memory nor takes an event that is waited for anew. It
 * does not come to that while a child, forked, keeps the ring's descriptor. 0
 * or UV_EIO. */
static int close_and_wait(weir__ring_t *ring) {
  struct pollfd gone;
  int busy = ring->inflight != 0 || ring->memory.has_table;
  int r = 1;
  gone.fd = ring->gone;
  gone.events = POLLIN;
  ring->gone = -1;
  weir__ring_close(ring);
  if (busy)
    do
      r = poll(&gone, 1, GONE_MS);
    while (r < 0 && errno == EINTR);
  close(gone.fd);
  return r > 0 ? 0 : UV_EIO;
}

/* ---- Another thread ---- */

/* What is in the submission queue still has not begun. */
static void mark_unsent(weir__ring_t *ring) {
  const struct io_uring_sq *sq = &ring->uring.sq;
  for (unsigned i = *sq->khead; i != sq->sqe_tail; i++) {
    uint64_t tag = sq->sqes[i & (sq->ring_entries - 1)].user_data;
    weir__slot_t *slot = weir__slot_find(ring, tag);
    if (slot != NULL)
      slot->flags |= WEIR__SLOT_UNSENT;
  }
}

/* What is in the ring for a socket waits, and only the thread that submitted it
 * could have gone on. */
static int may_be_done(const weir__slot_t *slot) {
  return slot->type->unseen &&
         !(slot->flags & (WEIR__SLOT_UNSENT | WEIR__SLOT_POLLING));
}

static void begin_anew(weir__ring_t *ring) {
  for (uint32_t i = 0; i < ring->slot_count; i++) {
    const weir__slot_t *slot = &ring->slots[i];
    if (slot->type == NULL || slot->flags & WEIR__SLOT_QUEUED)
      continue;
    if (may_be_done(slot))
      weir__ring_end(ring, weir__slot_tag(ring, i), UV_ECANCELED, 0);
    else
      weir__ring_anew(ring, weir__slot_tag(ring, i));
  }
}

/* Any thread may enter this ring. What the other one has submitted may end,
 * undone, together with it. */
static void stay(weir__ring_t *ring) {
  for (uint32_t i = 0; i < ring->slot_count; i++)
    if (ring->slots[i].type != NULL)
      ring->slots[i].flags |= WEIR__SLOT_MOVED;
}

void weir__ring_move(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  const char *step;
  if (!ring->enabled || ring->error != 0)
    return;
  if (!single_issuer(ring)) {
    stay(ring);
    return;
  }
  mark_unsent(ring);
  weir__ring_reap(ring);
  /* Completions that only the other thread could have had. */
  int lossy = (*ring->uring.sq.kflags & IORING_SQ_CQ_OVERFLOW) != 0;
  int r = close_and_wait(ring);
  if (r == 0 && lossy)
    r = UV_EIO;
  if (r == 0)
    r = weir__ring_open(ring, &step);
  if (r != 0) {
    ring->error = r;
    weir__loop_fail(loop, r);
    weir__ring_end_all(ring, r);
    return;
  }
  begin_anew(ring);
  weir__ring_memory_renew(ring);
}

/* ---- Another process ---- */

/* The child's own in place of the one that it shares with the parent, under the
 * number that libuv knows. */
static int replace_eventfd(weir__ring_t *ring) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0)
    return -errno;
  int r = dup3(fd, ring->eventfd, O_CLOEXEC) < 0 ? -errno : 0;
  close(fd);
  return r;
}

/* A ring that is empty and has no room. The mappings are gone, and what is
 * there now is not ours; but we may be in the midst of a turn. */
static void hollow_out(weir__ring_t *ring) {
  struct io_uring *uring = &ring->uring;
  memset(ring->hollow, 0, sizeof(ring->hollow));
  memset(&uring->sq, 0, sizeof(uring->sq));
  memset(&uring->cq, 0, sizeof(uring->cq));
  uring->sq.khead = uring->sq.ktail = &ring->hollow[0];
  uring->sq.kflags = &ring->hollow[1];
  uring->cq.khead = uring->cq.ktail = &ring->hollow[2];
  uring->cq.kflags = &ring->hollow[3];
}

void weir__ring_lose(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  int r = 0;
  hollow_out(ring);
  /* As little as possible keeps the parent's ring going. */
  if (ring->uring.ring_fd >= 0)
    close(ring->uring.ring_fd);
  ring->uring.ring_fd = -1;
  weir__ring_close(ring);
  if (ring->eventfd >= 0)
    r = replace_eventfd(ring);
  ring->error = r != 0 ? r : UV_ESRCH;
}

int weir__ring_renew(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  const char *step;
  int r = loop->error;
  weir__ring_end_all(ring, UV_ECANCELED);
  weir__uv_forget_files(loop);
  if (r == 0 && ring->error != UV_ESRCH)
    r = ring->error;
  if (r == 0)
    r = weir__ring_open(ring, &step);
  ring->error = r;
  if (r != 0)
    weir__loop_fail(loop, r);
  else
    weir__ring_memory_renew(ring);
  return r;
}
