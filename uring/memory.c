/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

/* Before Linux 5.19 a table with holes is one of empty buffers; that takes 5.13
 * at least. */
static int register_empty(struct io_uring *uring) {
  struct iovec segments[WEIR__BUFFER_SLOTS];
  __u64 tags[WEIR__BUFFER_SLOTS];
  memset(segments, 0, sizeof(segments));
  memset(tags, 0, sizeof(tags));
  int r =
      io_uring_register_buffers_tags(uring, segments, tags, WEIR__BUFFER_SLOTS);
  return r == -EINVAL ? UV_ENOTSUP : r;
}

/* The table is made when the first memory comes; the kernel accounts what is
 * in it, not the table. */
static int make_table(weir__ring_t *ring) {
  int r;
  if (ring->has_buffers)
    return 0;
  ring->loop->stats.syscalls++;
  if (ring->caps & WEIR__CAP_SPARSE_BUFFERS)
    r = io_uring_register_buffers_sparse(&ring->uring, WEIR__BUFFER_SLOTS);
  else
    r = register_empty(&ring->uring);
  ring->has_buffers = r == 0;
  return r;
}

static int update(weir__ring_t *ring, unsigned index, void *base, size_t len) {
  struct iovec segment;
  __u64 tag = 0;
  segment.iov_base = base;
  segment.iov_len = len;
  ring->loop->stats.syscalls++;
  int r = io_uring_register_buffers_update_tag(&ring->uring, index, &segment,
                                               &tag, 1);
  return r < 0 ? r : 0;
}

int weir__ring_memory_add(weir_loop_t *loop, void *base, size_t len) {
  weir__ring_t *ring = weir__ring(loop);
  int r = make_table(ring);
  if (r != 0)
    return r;
  const unsigned char *slot = memchr(ring->buffers, 0, sizeof(ring->buffers));
  if (slot == NULL)
    return UV_ENOBUFS;
  int index = (int)(slot - ring->buffers);
  r = update(ring, (unsigned)index, base, len);
  if (r != 0)
    return r;
  ring->buffers[index] = 1;
  return index;
}

void weir__ring_memory_remove(weir_loop_t *loop, int index) {
  weir__ring_t *ring = weir__ring(loop);
  if (ring->error == 0)
    update(ring, (unsigned)index, NULL, 0);
  ring->buffers[index] = 0;
}
