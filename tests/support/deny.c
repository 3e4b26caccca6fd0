/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "deny.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTER_REGISTERED_RING = 1 << 4 };

/* Where the lower half of an argument lies. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { LOW_HALF = 4 };
#else
enum { LOW_HALF = 0 };
#endif
enum {
  SOCKET_FAMILY = offsetof(struct seccomp_data, args[0]) + LOW_HALF,
  ENTER_FD = offsetof(struct seccomp_data, args[0]) + LOW_HALF,
  ENTER_FLAGS = offsetof(struct seccomp_data, args[3]) + LOW_HALF
};

static int filter(struct sock_filter *code, size_t length) {
  struct sock_fprog program = {(unsigned short)length, code};

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return errno;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return errno;
  return 0;
}

int deny_syscall(int number, int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };

  return filter(code, sizeof(code) / sizeof(*code));
}

int deny_family(int family, int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SOCKET_FAMILY),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)family, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };

  return filter(code, sizeof(code) / sizeof(*code));
}

int deny_enter(int error, const struct open_rings *spared) {
  struct sock_filter code[8 + MAX_OPEN_RINGS] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL_URING_ENTER, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ENTER_FLAGS),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, ENTER_REGISTERED_RING,
               (uint8_t)(spared->count + 1), 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ENTER_FD),
  };
  struct sock_filter *end = code + 6;
  int i;

  for (i = 0; i < spared->count; i++)
    *end++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                          (unsigned)spared->fds[i],
                                          (uint8_t)(spared->count - i), 0);
  *end++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                        SECCOMP_RET_ERRNO | (unsigned)error);
  *end++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  return filter(code, (size_t)(end - code));
}

static int call(int number, long a, void *b, long c) {
  return (int)syscall(number, a, b, c, 0L, 0L, 0L);
}

int uring_denied(void) {
  enum { ENABLE_RINGS = 12, DISABLED = 1 << 6 };
  uint32_t params[30] = {[2] = DISABLED};
  int fd = call(CALL_URING_SETUP, 1, params, 0);
  int error = 0;

  if (fd < 0)
    return errno;
  if (call(CALL_URING_REGISTER, fd, (void *)(intptr_t)ENABLE_RINGS, 0) < 0 ||
      call(CALL_URING_ENTER, fd, NULL, 0) < 0)
    error = errno;
  close(fd);
  return error;
}

static int is_ring(DIR *dir, const char *name) {
  char target[64];
  ssize_t n = readlinkat(dirfd(dir), name, target, sizeof(target) - 1);

  if (n < 0)
    return 0;
  target[n] = '\0';
  return strcmp(target, "anon_inode:[io_uring]") == 0;
}

void find_open_rings(struct open_rings *rings) {
  DIR *dir = opendir("/proc/self/fd");
  struct dirent *entry;

  rings->count = 0;
  while (dir != NULL && (entry = readdir(dir)) != NULL)
    if (rings->count < MAX_OPEN_RINGS && is_ring(dir, entry->d_name))
      rings->fds[rings->count++] = atoi(entry->d_name);
  if (dir != NULL)
    closedir(dir);
}
