/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* Files of the C library, pipes, memory and the environment. */

#undef open
#undef close
#undef dup
#undef read
#undef write
#undef mkdir
#undef fopen

#include <criterion/criterion.h>

#include "os_windows.h"

/* ---- Descriptors ---- */

/* As libuv does it: a directory, and a file that is written to at its end
 * alone. */
static int open_as(const char *path, DWORD access, DWORD flags) {
  HANDLE file = CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE,
                            NULL, OPEN_EXISTING, flags, NULL);
  return file == INVALID_HANDLE_VALUE ? -1 : _open_osfhandle((intptr_t)file, 0);
}

int os_open(const char *path, int flags, ...) {
  va_list args;
  int mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_start(args, flags);
    mode = va_arg(args, int) & 0200 ? _S_IREAD | _S_IWRITE : _S_IREAD;
    va_end(args);
  }
  if (strcmp(path, "/dev/null") == 0)
    path = "NUL";
  else if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0)
    cr_skip("there is no %s", path);
  if ((flags & (O_APPEND | O_CREAT | O_RDWR)) == O_APPEND)
    return open_as(path, FILE_GENERIC_WRITE & ~FILE_WRITE_DATA, 0);
  int fd = _open(path, (flags & ~O_NONBLOCK) | O_BINARY, mode);
  return fd < 0 && errno == EACCES && (flags & (O_WRONLY | O_RDWR)) == 0
             ? open_as(path, GENERIC_READ, FILE_FLAG_BACKUP_SEMANTICS)
             : fd;
}

int os_close(int fd) {
  return os_is_socket(fd) ? os_close_socket(fd) : _close(fd);
}

int os_dup(int fd) {
  if (os_is_socket(fd))
    cr_skip("a socket has no second descriptor");
  return _dup(fd);
}

int os_fcntl(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  int value = va_arg(args, int);
  va_end(args);
  if (command == F_DUPFD_CLOEXEC)
    return os_dup(fd);
  if (command == F_GETFD || command == F_SETFD)
    return command == F_GETFD ? FD_CLOEXEC : 0;
  if (!os_is_socket(fd))
    cr_skip("what is no socket is never non-blocking");
  if (command == F_SETFL)
    return os_set_nonblocking(fd, (value & O_NONBLOCK) != 0);
  cr_skip("a socket does not say whether it is non-blocking");
}

int os_ioctl(int fd, unsigned long command, ...) {
  va_list args;
  va_start(args, command);
  int *value = va_arg(args, int *);
  va_end(args);
  u_long count = 0;
  if (command != FIONREAD || !os_is_socket(fd))
    cr_skip("there is no ioctl()");
  int r = ioctlsocket((SOCKET)fd, (long)FIONREAD, &count);
  *value = (int)count;
  return r;
}

int os_pipe2(int fds[2], int flags) {
  if ((flags & O_NONBLOCK) != 0)
    cr_skip("a pipe is never non-blocking");
  return _pipe(fds, 65536, O_BINARY | O_NOINHERIT);
}

int os_pipe(int fds[2]) {
  return os_pipe2(fds, 0);
}

ssize_t os_read(int fd, void *bytes, size_t len) {
  if (os_is_socket(fd))
    return os_recv(fd, bytes, len, 0);
  return _read(fd, bytes, (unsigned)len);
}

ssize_t os_write(int fd, const void *bytes, size_t len) {
  if (os_is_socket(fd))
    return os_send(fd, bytes, len, 0);
  return _write(fd, bytes, (unsigned)len);
}

/* At an offset, and the file's own position stays. */
static ssize_t at(int fd, int writes, void *bytes, size_t len, off_t offset) {
  HANDLE file = (HANDLE)_get_osfhandle(fd);
  OVERLAPPED place = {.Offset = (DWORD)offset,
                      .OffsetHigh = (DWORD)(offset >> 32)};
  LARGE_INTEGER none = {.QuadPart = 0}, was;
  DWORD n = 0;
  SetFilePointerEx(file, none, &was, FILE_CURRENT);
  int good = writes ? WriteFile(file, bytes, (DWORD)len, &n, &place)
                    : ReadFile(file, bytes, (DWORD)len, &n, &place);
  int ended = !good && GetLastError() == ERROR_HANDLE_EOF;
  SetFilePointerEx(file, was, NULL, FILE_BEGIN);
  if (good || ended)
    return (ssize_t)n;
  errno = EIO;
  return -1;
}

ssize_t os_pread(int fd, void *bytes, size_t len, off_t offset) {
  return at(fd, 0, bytes, len, offset);
}

ssize_t os_pwrite(int fd, const void *bytes, size_t len, off_t offset) {
  return at(fd, 1, (void *)bytes, len, offset);
}

int os_fsync(int fd) {
  return _commit(fd);
}

int os_mkdir(const char *path, mode_t mode) {
  (void)mode;
  return _mkdir(path);
}

char *os_mkdtemp(char *name) {
  return _mktemp(name) != NULL && _mkdir(name) == 0 ? name : NULL;
}

/* Without the e for close-on-exec. */
FILE *os_fopen(const char *path, const char *mode) {
  char binary[3] = {mode[0], 'b', '\0'};
  return fopen(path, binary);
}

/* ---- Memory ---- */

static DWORD protection_of(int protection) {
  if (protection & PROT_WRITE)
    return PAGE_READWRITE;
  return protection & PROT_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

void *os_mmap(void *at, size_t size, int protection, int flags, int fd,
              off_t offset) {
  (void)fd;
  (void)offset;
  if (!(flags & MAP_ANONYMOUS))
    cr_skip("there is no mmap() of files");
  void *memory = VirtualAlloc(at, size, MEM_COMMIT | MEM_RESERVE,
                              protection_of(protection));
  return memory != NULL ? memory : MAP_FAILED;
}

int os_munmap(void *memory, size_t size) {
  (void)size;
  return VirtualFree(memory, 0, MEM_RELEASE) ? 0 : -1;
}

int os_mprotect(void *memory, size_t size, int protection) {
  DWORD was;
  return VirtualProtect(memory, size, protection_of(protection), &was) ? 0 : -1;
}

long os_sysconf(int name) {
  SYSTEM_INFO info;
  (void)name;
  GetSystemInfo(&info);
  return (long)info.dwPageSize;
}

/* ---- The environment ---- */

int os_setenv(const char *name, const char *value, int replace) {
  if (!replace && getenv(name) != NULL)
    return 0;
  return _putenv_s(name, value);
}

int os_unsetenv(const char *name) {
  return _putenv_s(name, "");
}

/* ---- What is open ---- */

/* As far as the C library tells. */
int64_t os_disk_bytes(int fd) {
  (void)fd;
  cr_skip("what a file takes of the disk is not told");
}

int os_count_descriptors(void) {
  enum { MOST = 512 };
  int count = os_count_sockets();
  for (int fd = 0; fd < MOST; fd++)
    count += _get_osfhandle(fd) != -1;
  return count;
}
