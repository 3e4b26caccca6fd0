/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/os.h"

/* What the kernel can do, found out with a small ring. */

/* All that is used beyond Linux 5.11, and with which version it came. Less is
 * refused, and says so; what asks for more has a bit here, and so has what
 * there is another way for. */
static const struct {
  const char *name;
  unsigned bit;
  unsigned major;
  unsigned minor;
} caps_known[] = {
    {"statx", WEIR__CAP_STATX, 5, 6},
    {"tagged_buffers", WEIR__CAP_TAGGED_BUFFERS, 5, 13},
    {"worker_limits", WEIR__CAP_WORKER_LIMITS, 5, 15},
    {"paths", WEIR__CAP_PATHS, 5, 15},
    {"submit_all", WEIR__CAP_SUBMIT_ALL, 5, 18},
    {"coop_taskrun", WEIR__CAP_COOP_TASKRUN, 5, 19},
    {"sparse_buffers", WEIR__CAP_SPARSE_BUFFERS, 5, 19},
    {"poll_first", WEIR__CAP_POLL_FIRST, 5, 19},
    {"sync_cancel", WEIR__CAP_SYNC_CANCEL, 6, 0},
    {"chains", WEIR__CAP_CHAINS, 6, 0},
    {"defer_taskrun", WEIR__CAP_DEFER_TASKRUN, 6, 1},
    {"send_zc", WEIR__CAP_SEND_ZC, 6, 2},
    {"buffer_ring", WEIR__CAP_BUFFER_RING, 6, 8},
    {"truncate", WEIR__CAP_TRUNCATE, 6, 9},
    {"accept_poll_first", WEIR__CAP_ACCEPT_POLL_FIRST, 6, 11},
    {"readv_fixed", WEIR__CAP_READV_FIXED, 6, 15},
    {"writev_fixed", WEIR__CAP_WRITEV_FIXED, 6, 15},
    {"nosignal", WEIR__CAP_NOSIGNAL, 6, 18},
};

enum { CAPS_KNOWN = sizeof(caps_known) / sizeof(caps_known[0]) };

static const unsigned char required[] = {
    IORING_OP_READ,           IORING_OP_WRITE,    IORING_OP_READV,
    IORING_OP_WRITEV,         IORING_OP_RECV,     IORING_OP_SEND,
    IORING_OP_RECVMSG,        IORING_OP_SENDMSG,  IORING_OP_READ_FIXED,
    IORING_OP_WRITE_FIXED,    IORING_OP_ACCEPT,   IORING_OP_CONNECT,
    IORING_OP_ASYNC_CANCEL,   IORING_OP_OPENAT,   IORING_OP_CLOSE,
    IORING_OP_FSYNC,          IORING_OP_POLL_ADD, IORING_OP_FALLOCATE,
    IORING_OP_SYNC_FILE_RANGE};

enum { ENTER_TRIES = 100 };

/* What came after that version of Linux. */
static unsigned later_than(unsigned major, unsigned minor) {
  unsigned later = 0;
  for (unsigned i = 0; i < CAPS_KNOWN; i++)
    if (caps_known[i].major > major ||
        (caps_known[i].major == major && caps_known[i].minor > minor))
      later |= caps_known[i].bit;
  return later;
}

/* Adds to *off what a word names: a capability, or with a version of Linux all
 * that came later. Returns whether there is such a word. */
static int take_off(const char *word, unsigned *off) {
  unsigned major, minor;
  char more;
  if (sscanf(word, "%u.%u%c", &major, &minor, &more) == 2) {
    *off |= later_than(major, minor);
    return 1;
  }
  for (unsigned i = 0; i < CAPS_KNOWN; i++)
    if (strcmp(caps_known[i].name, word) == 0) {
      *off |= caps_known[i].bit;
      return 1;
    }
  return 0;
}

/* A word that means nothing is refused: a test with it would prove nothing. */
static int caps_off(unsigned *off, char *why, size_t size) {
  const char *s = weir__os_getenv("WEIR_URING_CAPS_OFF");
  *off = 0;
  while (s != NULL && *s != '\0') {
    char word[24];
    size_t len = strcspn(s, ",");
    snprintf(word, sizeof(word), "%.*s", (int)len, s);
    if (len > 0 && !take_off(word, off)) {
      snprintf(why, size, "WEIR_URING_CAPS_OFF: there is no %s", word);
      return UV_EINVAL;
    }
    s += len + (s[len] == ',');
  }
  return 0;
}

/* Enters the ring until one completion is there. Signals and want of memory
 * come and go, but something that says so for ever must not hold up attach. */
static int wait_for_one(struct io_uring *uring) {
  int r;
  int tries = 0;
  do {
    r = io_uring_submit_and_wait(uring, 1);
  } while ((r == -EINTR || r == -EAGAIN ||
            (r >= 0 && io_uring_cq_ready(uring) == 0)) &&
           ++tries < ENTER_TRIES);
  return r;
}

/* One request through the ring and back; returns its result. */
static int round_trip(struct io_uring *uring, unsigned opcode, int fd,
                      unsigned ioprio, unsigned rw_flags) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
  struct io_uring_cqe *cqe;
  if (sqe == NULL)
    return UV_EBUSY;
  memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = (uint8_t)opcode;
  sqe->fd = fd;
  sqe->ioprio = (uint16_t)ioprio;
  sqe->rw_flags = (int)rw_flags;
  int r = wait_for_one(uring);
  if (r < 0)
    return r;
  r = io_uring_peek_cqe(uring, &cqe);
  if (r < 0)
    return r;
  r = cqe->res;
  io_uring_cqe_seen(uring, cqe);
  return r;
}

/* Whether a write can be told not to raise SIGPIPE, tried with no bytes: 1, 0,
 * or an error that leaves it open. */
static int has_nosignal(struct io_uring *uring) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0)
    return -errno;
  int r = round_trip(uring, IORING_OP_WRITE, fds[1], 0, WEIR__RWF_NOSIGNAL);
  close(fds[0]);
  close(fds[1]);
  if (r == -EOPNOTSUPP || r == -EINVAL)
    return 0;
  return r < 0 ? r : 1;
}

/* The same for a send that is to tell whether it was copied; that came after
 * the opcode. The ring is of no further use: there may be a second
 * completion. */
static int reports_usage(struct io_uring *uring) {
  int r = round_trip(uring, WEIR__OP_SEND_ZC, -1, WEIR__SEND_ZC_FLAGS, 0);
  if (r == -EINVAL || r == -EOPNOTSUPP)
    return 0;
  return r == -EBADF ? 1 : r;
}

static void keep(unsigned *caps, unsigned cap, int supported) {
  if (!supported)
    *caps &= ~cap;
}

static int probe_opcodes(struct io_uring *uring, unsigned *caps) {
  union {
    struct io_uring_probe probe;
    unsigned char room[sizeof(struct io_uring_probe) +
                       256 * sizeof(struct io_uring_probe_op)];
  } u;
  memset(&u, 0, sizeof(u));
  int r = io_uring_register_probe(uring, &u.probe, 256);
  if (r < 0)
    return r;
  for (size_t i = 0; i < sizeof(required); i++)
    if (!io_uring_opcode_supported(&u.probe, required[i]))
      return UV_ENOSYS;
  /* Both came with Linux 5.19. */
  keep(caps, WEIR__CAP_POLL_FIRST,
       io_uring_opcode_supported(&u.probe, IORING_OP_SOCKET));
  /* It came with 6.10, and the other with the next. */
  keep(caps, WEIR__CAP_ACCEPT_POLL_FIRST,
       io_uring_opcode_supported(&u.probe, WEIR__OP_BIND));
  /* It came last of them. */
  keep(caps, WEIR__CAP_PATHS,
       io_uring_opcode_supported(&u.probe, IORING_OP_LINKAT));
  keep(caps, WEIR__CAP_STATX,
       io_uring_opcode_supported(&u.probe, IORING_OP_STATX));
  keep(caps, WEIR__CAP_TRUNCATE,
       io_uring_opcode_supported(&u.probe, WEIR__OP_FTRUNCATE));
  /* It came with 6.0, as the cancellation that waits. */
  keep(caps, WEIR__CAP_SEND_ZC | WEIR__CAP_CHAINS,
       io_uring_opcode_supported(&u.probe, WEIR__OP_SEND_ZC));
  keep(caps, WEIR__CAP_READV_FIXED,
       io_uring_opcode_supported(&u.probe, WEIR__OP_READV_FIXED));
  keep(caps, WEIR__CAP_WRITEV_FIXED,
       io_uring_opcode_supported(&u.probe, WEIR__OP_WRITEV_FIXED));
  return 0;
}

/* The step that failed is left in *step. */
static int probe_with(struct io_uring *uring, unsigned *caps,
                      const char **step) {
  const unsigned features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                            IORING_FEAT_EXT_ARG | IORING_FEAT_RW_CUR_POS;
  *step = "the features of Linux 5.11";
  if ((uring->features & features) != features)
    return UV_ENOSYS;
  *step = "io_uring_register";
  int r = io_uring_register((unsigned)uring->ring_fd,
                            IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  if (r < 0)
    return r;
  r = probe_opcodes(uring, caps);
  if (r < 0)
    return r;
  r = io_uring_register_buffers_sparse(uring, 1);
  keep(caps, WEIR__CAP_SPARSE_BUFFERS, r != -EINVAL);
  /* It may be denied where io_uring_setup is not. */
  *step = "io_uring_enter";
  r = round_trip(uring, IORING_OP_NOP, -1, 0, 0);
  if (r != 0)
    return r;
  *step = "a write to a pipe";
  r = has_nosignal(uring);
  keep(caps, WEIR__CAP_NOSIGNAL, r > 0);
  if (r < 0)
    return r;
  *step = "a send without a copy";
  if (*caps & WEIR__CAP_SEND_ZC)
    r = reports_usage(uring);
  keep(caps, WEIR__CAP_SEND_ZC, r > 0);
  return r < 0 ? r : 0;
}

static int probe(unsigned *caps, const char **step) {
  struct io_uring uring;
  *step = "io_uring_setup";
  *caps = WEIR__CAP_ALL;
  int r = weir__ring_setup(&uring, 8, caps);
  if (r != 0)
    return r;
  r = probe_with(&uring, caps, step);
  io_uring_queue_exit(&uring);
  return r;
}

static const char *hint(int error) {
  switch (error) {
  case UV_EPERM:
  case UV_EACCES:
    return " (kernel.io_uring_disabled, a container's seccomp filter or a "
           "security policy)";
  case UV_ENOMEM:
    return " (RLIMIT_MEMLOCK may be too low)";
  case UV_EINVAL:
    return " (weir needs Linux 5.11 or later)";
  default:
    return "";
  }
}

int weir__ring_caps(unsigned *caps, char *why, size_t size) {
  /* Only success is remembered; two threads that probe at once get the same. */
  static atomic_uint known;
  const unsigned valid = WEIR__CAP_ALL + 1;
  unsigned found = atomic_load(&known);
  unsigned off;
  const char *step;
  int r = caps_off(&off, why, size);
  if (r != 0)
    return r;
  if (!(found & valid)) {
    r = probe(&found, &step);
    if (r < 0) {
      snprintf(why, size, "%s: %s%s", step, uv_strerror(r), hint(r));
      return r;
    }
    atomic_store(&known, found | valid);
  }
  *caps = found & ~valid & ~off;
  return 0;
}
