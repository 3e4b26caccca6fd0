/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h" /* before all others: copy_file_range, SEEK_DATA */

#include <errno.h>
#include <fcntl.h>
#if defined(__linux__)
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "os.h"

/* Files to files. */

int weir__os_appends(uv_file file) {
  int flags = fcntl(file, F_GETFL);
  return flags >= 0 && (flags & O_APPEND) != 0;
}

#if defined(__linux__)
enum { CLONE = 0x40049409 }; /* FICLONE */

int weir__os_clone(uv_file from, uv_file to) {
  int r = ioctl(to, CLONE, from);
  return r < 0 ? uv_translate_sys_error(errno) : 0;
}
#else
int weir__os_clone(uv_file from, uv_file to) {
  (void)from, (void)to;
  return UV_ENOTSUP;
}
#endif

/* Not every C library has a function for it. */
#if defined(SYS_copy_file_range)
int weir__os_copy_range(uv_file from, uv_file to, int64_t offset, size_t size) {
  int64_t in, out;
  long n;
  do {
    in = out = offset;
    n = syscall(SYS_copy_file_range, (long)from, &in, (long)to, &out, size, 0L);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? uv_translate_sys_error(errno) : (int)n;
}
#else
int weir__os_copy_range(uv_file from, uv_file to, int64_t offset, size_t size) {
  (void)from, (void)to, (void)offset, (void)size;
  return UV_ENOSYS;
}
#endif

#if defined(SEEK_DATA) && defined(SEEK_HOLE)
int weir__os_find_data(uv_file file, int64_t *offset, int64_t *end) {
  off_t data = lseek(file, (off_t)*offset, SEEK_DATA);
  if (data < 0)
    return uv_translate_sys_error(errno);
  off_t hole = lseek(file, data, SEEK_HOLE);
  if (hole < 0)
    return uv_translate_sys_error(errno);
  *offset = data;
  *end = hole;
  return hole > data ? 0 : UV_ENOTSUP;
}
#else
int weir__os_find_data(uv_file file, int64_t *offset, int64_t *end) {
  (void)file, (void)offset, (void)end;
  return UV_ENOTSUP;
}
#endif
