/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "world.h"

/* Eventfds. */

typedef struct counter_s {
  object_t base;
  uint64_t count;
} counter_t;

static unsigned counter_ready(const object_t *object) {
  uint64_t count = ((const counter_t *)object)->count;
  return (count > 0 ? POLLIN : 0) | (count < UINT64_MAX - 1 ? POLLOUT : 0);
}

static ssize_t counter_read(object_t *object, const struct iovec *v, int n,
                            int64_t offset, int flags) {
  counter_t *counter = (counter_t *)object;
  (void)offset;
  (void)flags;
  if (n != 1 || v->iov_len < sizeof(counter->count))
    return -EINVAL;
  if (counter->count == 0)
    return -EAGAIN;
  memcpy(v->iov_base, &counter->count, sizeof(counter->count));
  counter->count = 0;
  object->moved++;
  object_changed(object);
  return sizeof(counter->count);
}

static ssize_t counter_write(object_t *object, const struct iovec *v, int n,
                             int64_t offset, int flags) {
  counter_t *counter = (counter_t *)object;
  uint64_t more;
  (void)offset;
  (void)flags;
  if (n != 1 || v->iov_len < sizeof(more))
    return -EINVAL;
  memcpy(&more, v->iov_base, sizeof(more));
  if (more == UINT64_MAX)
    return -EINVAL;
  if (more > UINT64_MAX - 1 - counter->count)
    return -EAGAIN;
  counter->count += more;
  object_changed(object);
  return sizeof(more);
}

const kind_t counter_kind = {.name = "eventfd",
                             .ready = counter_ready,
                             .read = counter_read,
                             .write = counter_write};

int counter_new(unsigned count, int nonblocking) {
  counter_t *counter = object_new(&counter_kind, sizeof(*counter));
  counter->count = count;
  counter->base.nonblocking = nonblocking;
  return fd_new(&counter->base);
}

void counter_signal(object_t *object) {
  ((counter_t *)object)->count++;
  object_changed(object);
}
