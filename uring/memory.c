/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

/* Memory that is registered with the ring: the kernel's table, and its ranges
 * by address. */

/* Before Linux 5.19 a table with holes is one of empty buffers; that takes 5.13
 * at least. */
static int register_empty(weir__ring_t *ring) {
  struct iovec segments[WEIR__BUFFER_SLOTS];
  __u64 tags[WEIR__BUFFER_SLOTS];
  memset(segments, 0, sizeof(segments));
  memset(tags, 0, sizeof(tags));
  int r = io_uring_register_buffers_tags(&ring->uring, segments, tags,
                                         WEIR__BUFFER_SLOTS);
  return r == -EINVAL ? UV_ENOTSUP : r;
}

/* The table is made when the first memory comes; the kernel accounts what is
 * in it, not the table. */
static int make_table(weir__ring_t *ring) {
  int r;
  if (ring->memory.has_table)
    return 0;
  if (!(ring->caps & (WEIR__CAP_SPARSE_BUFFERS | WEIR__CAP_TAGGED_BUFFERS)))
    return UV_ENOTSUP;
  ring->loop->stats.syscalls++;
  if (ring->caps & WEIR__CAP_SPARSE_BUFFERS)
    r = io_uring_register_buffers_sparse(&ring->uring, WEIR__BUFFER_SLOTS);
  else
    r = register_empty(ring);
  ring->memory.has_table = r == 0;
  return r;
}

static int update(weir__ring_t *ring, unsigned index, void *base, size_t len) {
  struct iovec segment = {.iov_base = base, .iov_len = len};
  __u64 tag = 0;
  ring->loop->stats.syscalls++;
  int r = io_uring_register_buffers_update_tag(&ring->uring, index, &segment,
                                               &tag, 1);
  return r < 0 ? r : 0;
}

/* How many ranges begin at address or below it. */
static unsigned upto(const weir__memory_t *memory, uintptr_t address) {
  unsigned low = 0;
  unsigned high = memory->count;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (memory->ranges[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void add_range(weir__memory_t *memory, weir__range_t range) {
  unsigned at = upto(memory, range.start);
  memmove(&memory->ranges[at + 1], &memory->ranges[at],
          (memory->count++ - at) * sizeof(range));
  memory->ranges[at] = range;
  memory->hit = at;
}

static void remove_range(weir__memory_t *memory, int index) {
  unsigned at = 0;
  while (memory->ranges[at].index != index)
    at++;
  memmove(&memory->ranges[at], &memory->ranges[at + 1],
          (--memory->count - at) * sizeof(weir__range_t));
  /* What is behind the last holds nothing, in case that it was hit. */
  memory->ranges[memory->count].size = 0;
}

int weir__ring_memory_add(weir_loop_t *loop, void *base, size_t len) {
  weir__ring_t *ring = weir__ring(loop);
  weir__memory_t *memory = &ring->memory;
  int r = make_table(ring);
  if (r != 0)
    return r;
  const unsigned char *place = memchr(memory->taken, 0, sizeof(memory->taken));
  if (place == NULL)
    return UV_ENOBUFS;
  int index = (int)(place - memory->taken);
  r = update(ring, (unsigned)index, base, len);
  if (r != 0)
    return r;
  memory->taken[index] = 1;
  add_range(memory, (weir__range_t){(uintptr_t)base, len, index});
  return index;
}

void weir__ring_memory_remove(weir_loop_t *loop, int index) {
  weir__ring_t *ring = weir__ring(loop);
  weir__notices_forget(ring, index);
  if (ring->error == 0)
    update(ring, (unsigned)index, NULL, 0);
  ring->memory.taken[index] = 0;
  remove_range(&ring->memory, index);
}

void weir__ring_memory_renew(weir__ring_t *ring) {
  memset(&ring->memory, 0, sizeof(ring->memory));
  ring->groups = 0;
  weir__pools_renew(ring->loop);
}

int weir__ring_memory_search(weir__ring_t *ring, const void *base, size_t len) {
  weir__memory_t *memory = &ring->memory;
  unsigned n = upto(memory, (uintptr_t)base);
  if (n == 0 || !weir__range_holds(&memory->ranges[n - 1], base, len))
    return -1;
  memory->hit = n - 1;
  return memory->ranges[n - 1].index;
}
