/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../lib/uv_backend.h"
#include "../lib/uv_poll.h"

static void find_prepare(uv_handle_t *handle, void *found) {
  if (handle->type == UV_PREPARE && uv_is_active(handle))
    *(int *)found = 1;
}

static void choose_wait(weir_loop_t *loop, weir_wait_t wanted) {
  int has_prepare = 0;
  loop->wait = WEIR_WAIT_UV;
  if (wanted == WEIR_WAIT_AUTO) {
    loop->wait_why = "the libuv wait serves every mode of uv_run";
    return;
  }
  if (wanted == WEIR_WAIT_UV) {
    loop->wait_why = "the libuv wait was asked for";
    return;
  }
  uv_walk(loop->uv, find_prepare, &has_prepare);
  if (uv_version() < 0x012c00) {
    loop->wait_why = "the ring wait needs libuv 1.44.0";
  } else if (has_prepare) {
    loop->wait_why = "a prepare handle was active before the ring wait could "
                     "be the last to run";
  } else {
    loop->wait = WEIR_WAIT_RING;
    loop->wait_why = "the ring wait was asked for";
  }
}

/* All of the ring but its handles in libuv. */
static void let_go(weir__ring_t *ring) {
  weir__ring_close(ring);
  weir__notices_free(ring);
  weir__stats_free(ring);
  if (ring->eventfd >= 0)
    close(ring->eventfd);
  weir__free(ring->slots);
  ring->slots = NULL;
}

static int make(weir__ring_t *ring, const char **step) {
  if (ring->loop->wait == WEIR_WAIT_UV) {
    *step = "the eventfd";
    ring->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->eventfd < 0)
      return -errno;
  }
  int r = weir__ring_open(ring, step);
  if (r != 0)
    return r;
  *step = "memory for the ring";
  if (weir__slots_init(ring, ring->uring.sq.ring_entries) != 0)
    return UV_ENOMEM;
  *step = "the eventfd";
  return ring->eventfd >= 0 ? weir__ring_watch(ring) : 0;
}

static int attach(weir_loop_t *loop, const weir_loop_options_t *options) {
  unsigned entries = options != NULL ? options->entries : 0;
  const char *step;
  unsigned caps;
  int r =
      weir__ring_caps(&caps, loop->fallback_why, sizeof(loop->fallback_why));
  if (r != 0)
    return r;
  weir__ring_t *ring = weir__calloc(1, sizeof(*ring));
  if (ring == NULL) {
    snprintf(loop->fallback_why, sizeof(loop->fallback_why), "out of memory");
    return UV_ENOMEM;
  }
  ring->loop = loop;
  ring->caps = caps;
  ring->entries = entries == 0 ? 256 : entries;
  ring->uring.ring_fd = -1;
  ring->gone = -1;
  ring->eventfd = -1;
  choose_wait(loop, options != NULL ? options->wait : WEIR_WAIT_AUTO);
  r = make(ring, &step);
  if (r != 0) {
    snprintf(loop->fallback_why, sizeof(loop->fallback_why), "%s: %s", step,
             uv_strerror(r));
    let_go(ring);
    weir__free(ring);
    return r;
  }
  loop->impl = ring;
  return 0;
}

/* Without anything having ended. */
enum { ABANDON_TRIES = 100 };

/* The kernel may not write into memory that the application takes back: it is
 * asked to cancel everything, and whatever it does not, ends with the ring. */
static void cancel_in_kernel(weir__ring_t *ring) {
  struct io_uring_sync_cancel_reg all;
  if (!(ring->caps & WEIR__CAP_SYNC_CANCEL))
    return;
  memset(&all, 0, sizeof(all));
  all.fd = -1;
  all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  all.timeout.tv_nsec = 100 * 1000000LL;
  io_uring_register_sync_cancel(&ring->uring, &all);
}

void weir__ring_end_all(weir__ring_t *ring, int status) {
  ring->redo_head = WEIR__NO_SLOT;
  ring->missed = WEIR__NO_SLOT;
  for (uint32_t i = 0; i < ring->slot_count; i++) {
    ring->slots[i].flags &=
        ~(unsigned)(WEIR__SLOT_MOVED | WEIR__SLOT_MISSED | WEIR__SLOT_CUT);
    weir__ring_complete(ring, weir__slot_tag(ring, i), status, 0);
  }
  weir__poll_end_all(ring->loop, status);
}

void weir__ring_give_up(weir__ring_t *ring) {
  if (ring->uring.ring_fd < 0)
    return;
  weir__ring_reap(ring);
  cancel_in_kernel(ring);
  weir__ring_close(ring);
  weir__ring_end_all(ring, ring->error);
}

/* Cancels what is in the ring, as much as there is room for, and waits a moment
 * for its end. */
static void cancel_all(weir__ring_t *ring) {
  ring->paused = 0;
  weir__ring_cancel_missed(ring);
  for (uint32_t i = 0; i < ring->slot_count; i++)
    if (weir__ring_cancel(ring, weir__slot_tag(ring, i)) != 0)
      break;
  weir__ring_redo(ring);
  if (ring->inflight > 0 && !ring->paused)
    weir__ring_enter(ring, 1, 100);
  if (ring->error == 0)
    weir__ring_reap(ring);
  if (ring->paused)
    uv_sleep(1);
}

/* Has everything in the ring end, and waits until it has, but not for ever. */
static void abandon(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  weir__uv_abandon_files(loop);
  for (int tries = 0; ring->inflight > 0 && ring->error == 0;) {
    size_t before = ring->inflight;
    cancel_all(ring);
    if (ring->inflight == before && ++tries == ABANDON_TRIES)
      ring->error = UV_ECANCELED;
  }
  if (ring->error != 0)
    weir__ring_give_up(ring);
}

/* The poll for libuv's descriptor would keep that open for a while. */
static void unwatch_backend(weir__ring_t *ring) {
  for (int tries = 0; ring->poll_tag != 0 && ring->error == 0 && tries < 10;
       tries++) {
    weir__ring_cancel(ring, ring->poll_tag);
    if (ring->poll_tag != 0)
      weir__ring_enter(ring, 1, 100);
    weir__ring_reap(ring);
  }
}

static void detach(weir_loop_t *loop) {
  weir__ring_t *ring = weir__ring(loop);
  uv_handle_t *poll = (uv_handle_t *)&ring->poll;
  unwatch_backend(ring);
  weir__uv_free_files(loop);
  if (ring->eventfd >= 0 && !uv_is_closing(poll))
    uv_close(poll, NULL);
  let_go(ring);
}

static void release(weir_loop_t *loop) {
  weir__free(weir__ring(loop));
}

static int owns(const weir_loop_t *loop, const uv_handle_t *handle) {
  const weir__ring_t *ring = weir__ring(loop);
  return (ring->eventfd >= 0 && handle == (const uv_handle_t *)&ring->poll) ||
         weir__poll_owns(loop, handle);
}

const weir__backend_t weir__backend_uring = {
    .id = WEIR_BACKEND_URING,
    .sockets = &weir__socket_kind,
    .others = &weir__uv_kind,
    .attach = attach,
    .detach = detach,
    .release = release,
    .turn = weir__ring_turn,
    .check = weir__ring_check,
    .owns = owns,
    .abandon = abandon,
    .move = weir__ring_move,
    .lose = weir__ring_lose,
    .renew = weir__ring_renew,
    .file_start = weir__ring_file_start,
    .file_cancel = weir__ring_file_cancel,
    .memory_add = weir__ring_memory_add,
    .memory_remove = weir__ring_memory_remove,
    .lend_begin = weir__ring_lend_begin,
    .lend_end = weir__ring_lend_end,
    .lend = weir__ring_lend,
    .recall = weir__ring_recall,
};
