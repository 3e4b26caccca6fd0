/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Bytes on their way from one side to the other. */

size_t vector_size(const struct iovec *v, int n) {
  size_t size = 0;
  for (int i = 0; i < n; i++)
    size += v[i].iov_len;
  return size;
}

static void make_room(bytes_t *bytes, size_t more) {
  if (bytes->start > 0) {
    memmove(bytes->data, bytes->data + bytes->start, bytes->size);
    bytes->start = 0;
  }
  if (bytes->size + more <= bytes->room)
    return;
  bytes->room = 2 * (bytes->size + more);
  bytes->data = realloc(bytes->data, bytes->room);
  if (bytes->data == NULL)
    machine_fail("the machine has no memory");
}

void bytes_put(bytes_t *bytes, const struct iovec *v, int n, size_t at_most) {
  if (bytes->start + bytes->size + at_most > bytes->room)
    make_room(bytes, at_most);
  for (int i = 0; i < n && at_most > 0; i++) {
    size_t part = v[i].iov_len < at_most ? v[i].iov_len : at_most;
    if (part == 0)
      continue;
    memcpy(bytes->data + bytes->start + bytes->size, v[i].iov_base, part);
    bytes->size += part;
    at_most -= part;
  }
}

size_t bytes_take(bytes_t *bytes, const struct iovec *v, int n,
                  size_t at_most) {
  size_t taken = 0;
  if (at_most > bytes->size)
    at_most = bytes->size;
  for (int i = 0; i < n && taken < at_most; i++) {
    size_t part = at_most - taken;
    if (v[i].iov_len < part)
      part = v[i].iov_len;
    if (part == 0)
      continue;
    memcpy(v[i].iov_base, bytes->data + bytes->start + taken, part);
    taken += part;
  }
  bytes->start += taken;
  bytes->size -= taken;
  if (bytes->size == 0)
    bytes->start = 0;
  return taken;
}

/* The last ones are lost. */
void bytes_cut(bytes_t *bytes, size_t size) {
  if (size < bytes->size)
    bytes->size = size;
}

void bytes_free(bytes_t *bytes) {
  free(bytes->data);
  memset(bytes, 0, sizeof(*bytes));
}

size_t some_of(size_t size) {
  if (size < 2 || !happens(options()->shortened))
    return size;
  return 1 + chance_of((unsigned)(size - 1));
}
