/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "world.h"

/* Regular files, which all lie in one directory: a path is a name. */

typedef struct node_s {
  struct node_s *next;
  char name[32]; /* empty: it was removed */
  uint64_t number;
  int refs;
  bytes_t bytes;
} node_t;

typedef struct file_s {
  object_t base;
  node_t *node;
  int64_t at;
  int flags;
} file_t;

static node_t *nodes;
static uint64_t last_number;

enum { DISK = 1 << 20 };

enum { RWF_NOWAIT_ = 8, RWF_APPEND_ = 16 };

int transfer_flags(unsigned rwf) {
  int flags = rwf & RWF_NOWAIT_ ? MSG_DONTWAIT : 0;
  return rwf & RWF_APPEND_ ? flags | AT_THE_END : flags;
}

static ssize_t file_read(object_t *object, const struct iovec *v, int n,
                         int64_t offset, int flags) {
  file_t *file = (file_t *)object;
  bytes_t *bytes = &file->node->bytes;
  size_t at = (size_t)(offset < 0 ? file->at : offset);
  size_t got = 0;
  (void)flags;
  if ((file->flags & O_ACCMODE) == O_WRONLY)
    return -EBADF;
  size_t wanted = vector_size(v, n);
  if (at < bytes->size && wanted > 0) {
    bytes_t rest = {.data = bytes->data + at, .size = bytes->size - at};
    size_t most = wanted < rest.size ? wanted : rest.size;
    got = bytes_take(&rest, v, n, some_of(most));
  }
  if (offset < 0)
    file->at += (int64_t)got;
  object_moved(object);
  return (ssize_t)got;
}

/* There are bytes up to size. */
static void extend(bytes_t *bytes, size_t size) {
  if (size > bytes->room) {
    bytes->room = 2 * size;
    bytes->data = realloc(bytes->data, bytes->room);
    if (bytes->data == NULL)
      machine_fail("the machine has no memory");
  }
  if (size > bytes->size) {
    memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
  }
}

static ssize_t file_write(object_t *object, const struct iovec *v, int n,
                          int64_t offset, int flags) {
  file_t *file = (file_t *)object;
  bytes_t *bytes = &file->node->bytes;
  size_t at = (size_t)(offset < 0 ? file->at : offset);
  size_t size = vector_size(v, n);
  if ((file->flags & O_ACCMODE) == O_RDONLY)
    return -EBADF;
  if (size == 0)
    return 0;
  if (file->flags & O_APPEND || flags & AT_THE_END)
    at = bytes->size;
  if (at >= DISK || happens(options()->disk_full))
    return -ENOSPC;
  size = some_of(size < DISK - at ? size : DISK - at);
  extend(bytes, at + size);
  bytes_t place = {.data = bytes->data + at, .room = size};
  bytes_put(&place, v, n, size);
  if (offset < 0)
    file->at = (int64_t)(at + size);
  object_moved(object);
  return (ssize_t)size;
}

static void node_drop(node_t *node) {
  if (--node->refs > 0)
    return;
  bytes_free(&node->bytes);
  free(node);
}

static void file_free(object_t *object) {
  node_drop(((file_t *)object)->node);
}

const kind_t file_kind = {.name = "file",
                          .type = S_IFREG,
                          .read = file_read,
                          .write = file_write,
                          .free = file_free};

static node_t **node_named(const char *path) {
  node_t **at = &nodes;
  while (*at != NULL && strcmp((*at)->name, path) != 0)
    at = &(*at)->next;
  return at;
}

int file_open(const char *path, int flags) {
  node_t **at = node_named(path);
  if (strlen(path) >= sizeof((*at)->name))
    return -ENAMETOOLONG;
  if (*at != NULL && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
    return -EEXIST;
  if (*at == NULL) {
    if (!(flags & O_CREAT))
      return -ENOENT;
    *at = take(sizeof(**at));
    strcpy((*at)->name, path);
    (*at)->refs = 1;
    (*at)->number = ++last_number;
  }
  if (flags & O_TRUNC)
    bytes_cut(&(*at)->bytes, 0);
  file_t *file = object_new(&file_kind, sizeof(*file));
  file->node = *at;
  file->node->refs++;
  file->flags = flags;
  return fd_new(&file->base);
}

int file_unlink(const char *path) {
  node_t **at = node_named(path);
  node_t *node = *at;
  if (node == NULL)
    return -ENOENT;
  *at = node->next;
  node_drop(node);
  return 0;
}

int64_t file_size(const object_t *object) {
  return (int64_t)((const file_t *)object)->node->bytes.size;
}

/* As the kernel lays it out: 256 bytes, of which a program here looks at the
 * kind, the number, the size and the blocks. */
int file_tell(const object_t *object, const char *path, void *record) {
  const node_t *node = object == NULL ? *node_named(path) : NULL;
  uint16_t mode = S_IFREG | 0600;
  if (object == NULL && node == NULL)
    return -ENOENT;
  if (object != NULL)
    mode = (uint16_t)(object->kind->type | 0600);
  if (object != NULL && object->kind == &file_kind)
    node = ((const file_t *)object)->node;
  uint64_t size = node == NULL ? 0 : node->bytes.size;
  memset(record, 0, 256);
  memcpy((char *)record + 28, &mode, sizeof(mode));
  memcpy((char *)record + 40, &size, sizeof(size));
  size = (size + 511) / 512;
  memcpy((char *)record + 48, &size, sizeof(size));
  if (node != NULL)
    memcpy((char *)record + 32, &node->number, sizeof(node->number));
  return 0;
}

int file_truncate(object_t *object, int64_t size) {
  bytes_t *bytes = &((file_t *)object)->node->bytes;
  bytes_cut(bytes, (size_t)size);
  extend(bytes, (size_t)size);
  return 0;
}

void files_reset(void) {
  while (nodes != NULL)
    file_unlink(nodes->name);
  last_number = 0;
}
