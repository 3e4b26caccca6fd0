/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Buffers that a program lends to a ring, which chooses one when something has
 * come. The table is the program's memory: it may add to it, and take back what
 * is left in it, whenever the ring is not entered. */

static group_t *group_of(ring_t *ring, unsigned number) {
  return number < GROUPS && ring->groups[number].table != NULL
             ? &ring->groups[number]
             : NULL;
}

/* What follows the number of the group has other names in other headers. */
static int has_flags(const struct io_uring_buf_reg *reg) {
  static const char none[sizeof(*reg)];
  size_t at = offsetof(struct io_uring_buf_reg, bgid) + sizeof(reg->bgid);
  return memcmp((const char *)reg + at, none, sizeof(*reg) - at) != 0;
}

int lent_begin(ring_t *ring, const struct io_uring_buf_reg *reg) {
  unsigned n = reg->ring_entries;
  if (has_flags(reg) || reg->ring_addr == 0 || reg->ring_addr % 4096 != 0 ||
      n == 0 || (n & (n - 1)) != 0 || n >= 65536)
    return -EINVAL;
  if (reg->bgid >= GROUPS)
    machine_fail("a group of buffers with the number %u", reg->bgid);
  if (group_of(ring, reg->bgid) != NULL)
    return -EEXIST;
  ring->groups[reg->bgid] =
      (group_t){.table = (void *)(uintptr_t)reg->ring_addr, .mask = n - 1};
  return 0;
}

int lent_end(ring_t *ring, const struct io_uring_buf_reg *reg) {
  group_t *group = group_of(ring, reg->bgid);
  if (group == NULL)
    return -ENOENT;
  group->table = NULL;
  return 0;
}

int lent_status(ring_t *ring, lent_status_t *status) {
  const group_t *group = group_of(ring, status->group);
  if (group == NULL)
    return -ENOENT;
  status->head = group->head;
  return 0;
}

static uint16_t left_in(const group_t *group) {
  return (uint16_t)(*(volatile uint16_t *)&group->table->tail - group->head);
}

static const struct io_uring_buf *at(const group_t *group, unsigned i) {
  return &group->table->bufs[(group->head + i) & group->mask];
}

/* What is in the table belongs to the kernel, and lies there once. */
static void judge(const group_t *group) {
  const struct io_uring_buf *first = at(group, 0);
  unsigned n = left_in(group);
  if (n > group->mask + 1)
    machine_fail("%u buffers in a table of %u", n, group->mask + 1);
  for (unsigned i = 1; i < n; i++)
    if (at(group, i)->bid == first->bid || at(group, i)->addr == first->addr)
      machine_fail("buffer %u was lent twice", first->bid);
}

int lent_next(ring_t *ring, unsigned number, size_t size, struct iovec *v) {
  const group_t *group = group_of(ring, number);
  if (group == NULL || left_in(group) == 0)
    return -ENOBUFS;
  judge(group);
  const struct io_uring_buf *buffer = at(group, 0);
  v->iov_base = (void *)(uintptr_t)buffer->addr;
  v->iov_len = size == 0 || size > buffer->len ? buffer->len : size;
  return 0;
}

unsigned lent_take(ring_t *ring, unsigned number) {
  group_t *group = group_of(ring, number);
  unsigned bid = at(group, 0)->bid;
  group->head++;
  machine_note("chosen", (long)number, (long)bid);
  return IORING_CQE_F_BUFFER | bid << IORING_CQE_BUFFER_SHIFT;
}
