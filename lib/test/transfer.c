/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "transfer.h"
#include "system.h"

#include <fcntl.h>
#include <limits.h>

/* What may happen to a transfer depends on what its descriptor is. */

_Thread_local int weir__in_pool;

typedef enum nature_e { OTHER, SOCKET, MESSAGES, PIPE, PLAIN } nature_t;

static nature_t nature(int fd) {
  const weir__system_t *system = weir__system_get();
  struct stat info;
  int type = 0;
  socklen_t size = sizeof(type);
  if (system->fstat(fd, &info) != 0)
    return OTHER;
  if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))
    return PLAIN;
  if (S_ISFIFO(info.st_mode))
    return PIPE;
  if (!S_ISSOCK(info.st_mode))
    return OTHER;
  system->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_STREAM ? SOCKET : MESSAGES;
}

/* A pipe takes what is not larger than its buffer whole. What goes past the
 * page cache goes in blocks. */
static int may_be_cut(const weir__transfer_t *t, nature_t kind, int flags) {
  if (t->whole || kind == MESSAGES)
    return 0;
  if (kind == PIPE && t->write)
    return t->size > PIPE_BUF;
  return kind != PLAIN || !(flags & O_DIRECT);
}

static unsigned what_of(const weir__transfer_t *t, nature_t kind) {
  if (kind == PLAIN || weir__in_pool)
    return t->write ? WEIR_FAULT_FILE_WRITE : WEIR_FAULT_FILE_READ;
  return t->write ? WEIR_FAULT_SEND : WEIR_FAULT_RECV;
}

weir__verdict_t weir__transfer_ask(weir_fault_t *plan,
                                   const weir__transfer_t *t) {
  weir__verdict_t none = {.bytes = SIZE_MAX};
  if (plan == NULL)
    return none;
  nature_t kind = nature(t->fd);
  /* With an offset all but a file is refused before anything else. */
  if (kind == OTHER || (t->placed && kind != PLAIN))
    return none;
  int flags = weir__system_get()->fcntl(t->fd, F_GETFL, 0L);
  /* Of nothing, it succeeds. */
  unsigned can = t->size > 0 ? WEIR__CAN_INTERRUPT : 0;
  if (may_be_cut(t, kind, flags))
    can |= WEIR__CAN_CUT;
  if (t->size > 0 && kind != PLAIN && (t->nowait || flags & O_NONBLOCK))
    can |= WEIR__CAN_AGAIN;
  if (t->opcode != 0)
    can |= WEIR__CAN_DELAY;
  weir__ask_t ask = {what_of(t, kind), t->opcode, t->fd, can, t->size};
  return weir__plan_ask(plan, &ask);
}

weir__verdict_t weir__accept_ask(weir_fault_t *plan, int fd, unsigned opcode) {
  int flags = weir__system_get()->fcntl(fd, F_GETFL, 0L);
  unsigned can = WEIR__CAN_INTERRUPT | WEIR__CAN_ABORT;
  if (flags & O_NONBLOCK)
    can |= WEIR__CAN_AGAIN;
  if (opcode != 0)
    can |= WEIR__CAN_DELAY;
  weir__ask_t ask = {WEIR_FAULT_ACCEPT, opcode, fd, can, 0};
  return weir__plan_ask(plan, &ask);
}

size_t weir__iov_size(const struct iovec *iov, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += iov[i].iov_len;
  return size;
}

size_t weir__iov_cut(const struct iovec *iov, size_t count, size_t bytes,
                     struct iovec *cut, size_t most) {
  size_t n = 0;
  for (; n < count && n < most && bytes > 0; n++) {
    cut[n] = iov[n];
    if (cut[n].iov_len > bytes)
      cut[n].iov_len = bytes;
    bytes -= cut[n].iov_len;
  }
  return n;
}
