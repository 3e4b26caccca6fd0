/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* The copy to compare samples/cp with: the same loop (as many buffers, of the
 * same size, in one registered slab) written in raw liburing. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <liburing.h>

enum { PARTS = 16, PART_SIZE = 256 << 10, SLAB = PARTS * PART_SIZE };

typedef struct part_s {
  char *base;
  off_t offset;
  unsigned filled;
  unsigned written;
  int writing;
} part_t;

static struct io_uring ring;
static part_t parts[PARTS];
static int source, target;
static off_t next_offset;
static int outstanding;

static void fail(const char *what, int error) {
  fprintf(stderr, "cp_uring: %s: %s\n", what, strerror(error));
  exit(1);
}

static void *make_slab(void) {
  size_t huge = 2 << 20;
  char *map = mmap(NULL, SLAB + huge, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED)
    fail("mmap", errno);
  char *slab = (char *)(((uintptr_t)map + huge - 1) & ~(uintptr_t)(huge - 1));
  madvise(slab, SLAB, MADV_HUGEPAGE);
  memset(slab, 0, SLAB);
  return slab;
}

static void submit(part_t *part) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  if (part->writing)
    io_uring_prep_write_fixed(sqe, target, part->base + part->written,
                              part->filled - part->written,
                              (uint64_t)part->offset + part->written, 0);
  else
    io_uring_prep_read_fixed(sqe, source, part->base + part->filled,
                             PART_SIZE - part->filled,
                             (uint64_t)part->offset + part->filled, 0);
  io_uring_sqe_set_data(sqe, part);
  outstanding++;
}

static void next_part(part_t *part) {
  part->offset = next_offset;
  part->filled = 0;
  part->written = 0;
  part->writing = 0;
  next_offset += PART_SIZE;
  submit(part);
}

static void complete(part_t *part, int result) {
  outstanding--;
  if (result < 0)
    fail(part->writing ? "write" : "read", -result);
  if (part->writing)
    part->written += (unsigned)result;
  else
    part->filled += (unsigned)result;
  if (!part->writing) {
    part->writing = result == 0 || part->filled == PART_SIZE;
    if (part->filled > 0)
      submit(part);
  } else if (part->written < part->filled) {
    submit(part);
  } else if (part->filled == PART_SIZE) {
    next_part(part);
  }
}

int main(int argc, char **argv) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                            IORING_SETUP_DEFER_TASKRUN};
  int rc;
  if (argc != 3) {
    fputs("usage: cp_uring SRC DST\n", stderr);
    return 2;
  }
  source = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (source < 0)
    fail(argv[1], errno);
  target = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (target < 0)
    fail(argv[2], errno);
  rc = io_uring_queue_init_params(2 * PARTS, &ring, &params);
  if (rc < 0)
    fail("io_uring", -rc);
  struct iovec slab = {.iov_base = make_slab(), .iov_len = SLAB};
  rc = io_uring_register_buffers(&ring, &slab, 1);
  if (rc < 0)
    fail("registering buffers", -rc);

  for (int i = 0; i < PARTS; i++) {
    parts[i].base = (char *)slab.iov_base + (size_t)i * PART_SIZE;
    next_part(&parts[i]);
  }
  while (outstanding > 0) {
    struct io_uring_cqe *cqes[2 * PARTS];
    rc = io_uring_submit_and_wait(&ring, 1);
    if (rc < 0 && rc != -EINTR)
      fail("io_uring", -rc);
    unsigned n = io_uring_peek_batch_cqe(&ring, cqes, 2 * PARTS);
    for (unsigned i = 0; i < n; i++) {
      part_t *part = io_uring_cqe_get_data(cqes[i]);
      int result = cqes[i]->res;
      io_uring_cqe_seen(&ring, cqes[i]);
      complete(part, result);
    }
  }
  if (close(target) != 0)
    fail(argv[2], errno);
  io_uring_queue_exit(&ring);
  return 0;
}
