/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sys/stat.h>

#include "world.h"

/* Pipes. A write of up to PIPE_BUF bytes is whole or not at all, and the
 * writing side is ready where there is room for one. */

enum { ATOMIC = 4096 };

typedef struct pipe_s {
  object_t base; /* this end; the bytes are with the reading one */
  struct pipe_s *other;
  bytes_t bytes;
  size_t limit;
} pipe_t;

static unsigned in_ready(const object_t *object) {
  const pipe_t *in = (const pipe_t *)object;
  unsigned events = in->bytes.size > 0 ? POLLIN : 0;
  return in->other == NULL ? events | POLLHUP : events;
}

static size_t space(const pipe_t *in) {
  return in->bytes.size < in->limit ? in->limit - in->bytes.size : 0;
}

static unsigned out_ready(const object_t *object) {
  const pipe_t *out = (const pipe_t *)object;
  if (out->other == NULL)
    return POLLOUT | POLLERR;
  return space(out->other) >= ATOMIC ? POLLOUT : 0;
}

static ssize_t in_read(object_t *object, const struct iovec *v, int n,
                       int64_t offset, int flags) {
  pipe_t *in = (pipe_t *)object;
  (void)flags;
  if (offset >= 0)
    return -ESPIPE;
  size_t wanted = vector_size(v, n);
  if (wanted == 0)
    return 0;
  if (in->bytes.size == 0)
    return in->other == NULL ? 0 : -EAGAIN;
  size_t most = wanted < in->bytes.size ? wanted : in->bytes.size;
  size_t got = bytes_take(&in->bytes, v, n, some_of(most));
  object_moved(object);
  if (in->other != NULL)
    object_changed(&in->other->base);
  return (ssize_t)got;
}

static ssize_t out_write(object_t *object, const struct iovec *v, int n,
                         int64_t offset, int flags) {
  pipe_t *out = (pipe_t *)object;
  pipe_t *in = out->other;
  (void)flags;
  if (offset >= 0)
    return -ESPIPE;
  size_t size = vector_size(v, n);
  if (in == NULL)
    return -EPIPE;
  if (size == 0)
    return 0;
  size_t room = space(in);
  if (room == 0 || (size <= ATOMIC && room < size))
    return -EAGAIN;
  if (size > ATOMIC)
    size = some_of(size < room ? size : room);
  bytes_put(&in->bytes, v, n, size);
  object_moved(object);
  object_changed(&in->base);
  return (ssize_t)size;
}

static void pipe_close(object_t *object) {
  pipe_t *pipe = (pipe_t *)object;
  pipe_t *other = pipe->other;
  pipe->other = NULL;
  if (other == NULL)
    return;
  other->other = NULL;
  object_changed(&other->base);
}

static void pipe_free(object_t *object) {
  bytes_free(&((pipe_t *)object)->bytes);
}

const kind_t pipe_in_kind = {.name = "pipe's reading end",
                             .type = S_IFIFO,
                             .ready = in_ready,
                             .read = in_read,
                             .close = pipe_close,
                             .free = pipe_free};
const kind_t pipe_out_kind = {.name = "pipe's writing end",
                              .type = S_IFIFO,
                              .ready = out_ready,
                              .write = out_write,
                              .close = pipe_close,
                              .free = pipe_free};

int pipe_new(int fds[2], int nonblocking) {
  pipe_t *in = object_new(&pipe_in_kind, sizeof(*in));
  pipe_t *out = object_new(&pipe_out_kind, sizeof(*out));
  in->other = out;
  out->other = in;
  in->limit = 65536;
  in->base.nonblocking = out->base.nonblocking = nonblocking;
  fds[0] = fd_new(&in->base);
  if (fds[0] < 0) {
    pipe_close(&out->base);
    object_drop(&out->base);
    return fds[0];
  }
  fds[1] = fd_new(&out->base);
  if (fds[1] < 0)
    fd_close(fds[0]);
  return fds[1] < 0 ? fds[1] : 0;
}
