/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <string.h>

#include "../lib/os_memory.h"

/* Buffers that the kernel chooses from when something has come: a ring of them
 * for each pool that has any to lend, with the pool's buffers in the pool's own
 * memory. The kernel takes them only while the ring is entered, since its task
 * work is deferred: so what it has not taken can be had back at other times. */

enum { PAGE = 4096, MOST = 16384 };

/* Newer than the headers of the oldest liburing that is supported. */
enum { REGISTER_PBUF_STATUS = 26 };

typedef struct status_s {
  uint32_t group;
  uint32_t head;
  uint32_t reserved[8];
} status_t;

static struct io_uring_buf_ring *table_of(const weir__lent_t *lent) {
  return lent->table;
}

static size_t table_size(unsigned entries) {
  size_t size = entries * sizeof(struct io_uring_buf);
  return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static int tell(weir__ring_t *ring, unsigned what, const void *arg) {
  ring->loop->stats.syscalls++;
  return io_uring_register((unsigned)ring->uring.ring_fd, what, arg, 1);
}

static int add_table(weir__ring_t *ring, weir__lent_t *lent, unsigned entries) {
  struct io_uring_buf_reg reg;
  memset(&reg, 0, sizeof(reg));
  reg.ring_addr = (uint64_t)(uintptr_t)lent->table;
  reg.ring_entries = entries;
  reg.bgid = (uint16_t)lent->group;
  int r = tell(ring, IORING_REGISTER_PBUF_RING, &reg);
  if (r < 0)
    return r;
  ring->groups |= (uint64_t)1 << lent->group;
  lent->mask = entries - 1;
  lent->tail = 0;
  return 0;
}

int weir__ring_lend_begin(weir_loop_t *loop, weir__lent_t *lent, size_t count) {
  const unsigned caps = WEIR__CAP_BUFFER_RING | WEIR__CAP_DEFER_TASKRUN;
  weir__ring_t *ring = weir__ring(loop);
  unsigned entries = 1;
  if ((ring->caps & caps) != caps || ring->error != 0)
    return UV_ENOTSUP;
  for (lent->group = 0; ring->groups >> lent->group & 1; lent->group++)
    if (lent->group == WEIR__BUFFER_SLOTS - 1)
      return UV_ENOBUFS;
  while (entries < count && entries < MOST)
    entries *= 2;
  lent->table = weir__os_slab(table_size(entries));
  if (lent->table == NULL)
    return UV_ENOMEM;
  int r = add_table(ring, lent, entries);
  if (r != 0) {
    weir__os_slab_free(lent->table, table_size(entries));
    lent->table = NULL;
  }
  return r;
}

void weir__ring_lend_end(weir_loop_t *loop, weir__lent_t *lent) {
  weir__ring_t *ring = weir__ring(loop);
  struct io_uring_buf_reg reg;
  memset(&reg, 0, sizeof(reg));
  reg.bgid = (uint16_t)lent->group;
  if (ring->uring.ring_fd >= 0 && ring->groups >> lent->group & 1)
    tell(ring, IORING_UNREGISTER_PBUF_RING, &reg);
  ring->groups &= ~((uint64_t)1 << lent->group);
  weir__os_slab_free(lent->table, table_size(lent->mask + 1));
  lent->table = NULL;
}

/* The kernel's view of the end lies in a field of the first entry. */
static void publish(weir__lent_t *lent) {
  io_uring_smp_store_release(&table_of(lent)->tail, (uint16_t)lent->tail);
}

int weir__ring_lend(weir__lent_t *lent, const uv_buf_t *buf, uint32_t number) {
  struct io_uring_buf *entry =
      &table_of(lent)->bufs[(uint16_t)lent->tail & lent->mask];
  if (number > UINT16_MAX)
    return 0;
  entry->addr = (uint64_t)(uintptr_t)buf->base;
  entry->len = (uint32_t)buf->len;
  entry->bid = (uint16_t)number;
  lent->tail++;
  publish(lent);
  return 1;
}

void weir__ring_recall(weir_loop_t *loop, weir__lent_t *lent,
                       weir__lent_cb back, void *arg) {
  weir__ring_t *ring = weir__ring(loop);
  status_t status = {.group = (uint32_t)lent->group};
  if (ring->uring.ring_fd < 0 || tell(ring, REGISTER_PBUF_STATUS, &status) < 0)
    return;
  uint16_t left = (uint16_t)(lent->tail - status.head);
  lent->tail -= left;
  publish(lent);
  for (uint16_t i = 0; i < left; i++) {
    uint16_t at = (uint16_t)(lent->tail + i);
    back(arg, table_of(lent)->bufs[at & lent->mask].bid);
  }
}
