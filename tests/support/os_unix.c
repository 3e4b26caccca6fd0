/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "host.h"

#include <dirent.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int os_count_descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  int count = 0;

  if (dir == NULL)
    return 0;
  while (readdir(dir) != NULL)
    count++;
  closedir(dir);
  return count;
}

int64_t os_disk_bytes(int fd) {
  struct stat info;

  return fstat(fd, &info) == 0 ? (int64_t)info.st_blocks * 512 : -1;
}

/* By the system call itself: sanitizers make mlock() do nothing. */
int os_may_lock(size_t size) {
  void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long r;

  if (p == MAP_FAILED)
    return 0;
  r = syscall(SYS_mlock, p, size);
  munmap(p, size);
  return r == 0;
}

int os_allow_descriptors(size_t count) {
  struct rlimit limit;
  rlim_t wanted = (rlim_t)count;

  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 0;
  if (limit.rlim_cur >= wanted)
    return 1;
  limit.rlim_cur = wanted;
  if (limit.rlim_max < wanted)
    limit.rlim_max = wanted;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

const char *os_without(const char *suite, const char *name) {
  (void)suite;
  (void)name;
  return NULL;
}

int os_has_pipes(void) {
  return 1;
}

int os_tells_resets(void) {
  return 1;
}

int os_has_option(int level, int name) {
  (void)level;
  (void)name;
  return 1;
}

/* The kernel adds as much for what it needs itself. */
int os_buffer_size(int size) {
  return size * 2;
}

int os_own_network(void) {
  struct ifreq lo;
  int fd, r;

  if (unshare(CLONE_NEWNET) != 0)
    return 0;
  fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memset(&lo, 0, sizeof(lo));
  strcpy(lo.ifr_name, "lo");
  r = ioctl(fd, SIOCGIFFLAGS, &lo);
  lo.ifr_flags |= IFF_UP;
  if (r == 0)
    r = ioctl(fd, SIOCSIFFLAGS, &lo);
  close(fd);
  return r == 0;
}
