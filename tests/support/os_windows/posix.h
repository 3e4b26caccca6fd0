/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef OS_WINDOWS_POSIX_H
#define OS_WINDOWS_POSIX_H

/* POSIX for the tests, as far as their subject exists on Windows. It is
 * included before each of their sources (-include), and whatever header of
 * POSIX they ask for is this one. A descriptor is a file of the C library's or
 * the number of a socket, which are told apart. What cannot be had skips the
 * test that calls it, with the reason. */

#define WIN32_LEAN_AND_MEAN
#include <uv.h>

#include <direct.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* ---- Sockets ---- */

enum {
  SOCK_CLOEXEC = 0x80000,
  SOCK_NONBLOCK = 0x800,
  MSG_DONTWAIT = 0x400000,
  MSG_NOSIGNAL = 0x800000
};
enum { SHUT_RD = SD_RECEIVE, SHUT_WR = SD_SEND, SHUT_RDWR = SD_BOTH };

int os_socket(int domain, int type, int protocol);
int os_socketpair(int domain, int type, int protocol, int fds[2]);
int os_bind(int fd, const struct sockaddr *addr, socklen_t len);
int os_listen(int fd, int backlog);
int os_accept(int fd, struct sockaddr *addr, socklen_t *len);
int os_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int os_connect(int fd, const struct sockaddr *addr, socklen_t len);
int os_shutdown(int fd, int how);
int os_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int os_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int os_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int os_setsockopt(int fd, int level, int name, const void *value,
                  socklen_t len);
ssize_t os_send(int fd, const void *bytes, size_t len, int flags);
ssize_t os_recv(int fd, void *bytes, size_t len, int flags);

typedef unsigned long nfds_t;
int os_poll(struct pollfd *fds, nfds_t count, int timeout);

struct sockaddr_un {
  unsigned short sun_family;
  char sun_path[108];
};

#ifndef TCP_KEEPIDLE
enum { TCP_KEEPIDLE = 3, TCP_KEEPCNT = 16, TCP_KEEPINTVL = 17 };
#endif

/* Unknown to a socket here. */
enum {
  SIOCOUTQNSD = 0x7ffe0000,
  SO_REUSEPORT = 0x7fff0000,
  TCP_CORK,
  TCP_FASTOPEN,
  TCP_INFO,
  TCP_NOTSENT_LOWAT
};

/* ---- Descriptors ---- */

enum {
  O_CLOEXEC = O_NOINHERIT,
  O_NONBLOCK = 0x1000000,
  O_DIRECT = 0,
  O_DIRECTORY = 0,
  O_NOCTTY = 0,
  F_GETFD = 1,
  F_SETFD = 2,
  F_GETFL = 3,
  F_SETFL = 4,
  F_DUPFD_CLOEXEC = 5,
  FD_CLOEXEC = 1
};

int os_open(const char *path, int flags, ...);
int os_close(int fd);
int os_dup(int fd);
int os_fcntl(int fd, int command, ...);
int os_ioctl(int fd, unsigned long command, ...);
int os_pipe(int fds[2]);
int os_pipe2(int fds[2], int flags);
ssize_t os_read(int fd, void *bytes, size_t len);
ssize_t os_write(int fd, const void *bytes, size_t len);
ssize_t os_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t os_pwrite(int fd, const void *bytes, size_t len, off_t offset);
int os_fsync(int fd);
int os_mkdir(const char *path, mode_t mode);
char *os_mkdtemp(char *name);
FILE *os_fopen(const char *path, const char *mode);

/* ---- Memory: anonymous only ---- */

enum {
  PROT_NONE = 0,
  PROT_READ = 1,
  PROT_WRITE = 2,
  MAP_SHARED = 1,
  MAP_PRIVATE = 2,
  MAP_ANONYMOUS = 32,
  MAP_NORESERVE = 0
};
#define MAP_FAILED ((void *)-1)

void *os_mmap(void *at, size_t size, int protection, int flags, int fd,
              off_t offset);
int os_munmap(void *memory, size_t size);
int os_mprotect(void *memory, size_t size, int protection);

/* ---- Processes, signals and limits ---- */

enum {
  SIGBUS = 7,
  SIGUSR1 = 10,
  SIGPIPE = 13,
  SIGALRM = 14,
  SIGXFSZ = 25,
  SIGPROF = 27,
  SA_RESTART = 1,
  SA_SIGINFO = 2
};
typedef int sigset_t;
typedef struct siginfo_s {
  void *si_addr;
} siginfo_t;
struct os_sigaction {
  void (*sa_handler)(int signum);
  void (*sa_sigaction)(int signum, siginfo_t *info, void *context);
  sigset_t sa_mask;
  int sa_flags;
};

int os_sigaction(int signum, const struct os_sigaction *action,
                 struct os_sigaction *old);
int os_sigemptyset(sigset_t *set);
int os_kill(int process, int signum);
int os_pthread_kill(pthread_t thread, int signum);
unsigned os_alarm(unsigned seconds);
int os_fork(void);
int os_waitpid(int process, int *status, int options);

#define WIFSIGNALED(status) 0
#define WTERMSIG(status) 0
#define WIFEXITED(status) 1
#define WEXITSTATUS(status) (status)

typedef unsigned uid_t;
typedef unsigned long rlim_t;
struct rlimit {
  rlim_t rlim_cur;
  rlim_t rlim_max;
};
enum { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_MEMLOCK, RLIMIT_DATA };
#define RLIM_INFINITY (~(rlim_t)0)

int os_getrlimit(int resource, struct rlimit *limit);
int os_setrlimit(int resource, const struct rlimit *limit);

/* For what would deny them. */
enum {
  SYS_accept4 = 1,
  SYS_bind,
  SYS_connect,
  SYS_fcntl,
  SYS_getsockopt,
  SYS_listen,
  SYS_sendmsg,
  SYS_sendto,
  SYS_setsockopt,
  SYS_socket
};

long os_syscall(long number, ...);
int os_gettid(void);
int os_geteuid(void);
int os_seteuid(uid_t id);
int os_mkfifo(const char *path, int mode);
long os_readlink(const char *path, char *target, size_t size);
int os_eventfd(unsigned count, int flags);
enum { EFD_CLOEXEC, EFD_NONBLOCK };

enum { _SC_PAGESIZE = 1, PTHREAD_STACK_MIN = 65536 };
long os_sysconf(int name);

/* ---- The environment ---- */

int os_setenv(const char *name, const char *value, int replace);
int os_unsetenv(const char *name);

/* Some of these names are those of suites, too, which are not called. */
#define socket os_socket
#define socketpair os_socketpair
#define bind os_bind
#define listen os_listen
#define accept os_accept
#define accept4 os_accept4
#define connect(...) os_connect(__VA_ARGS__)
#define shutdown(...) os_shutdown(__VA_ARGS__)
#define getsockname os_getsockname
#define getpeername os_getpeername
#define getsockopt os_getsockopt
#define setsockopt os_setsockopt
#define send os_send
#define recv os_recv
#define poll os_poll
#define open os_open
#define close(...) os_close(__VA_ARGS__)
#define dup os_dup
#define fcntl os_fcntl
#define ioctl os_ioctl
#define pipe os_pipe
#define pipe2 os_pipe2
#define read(...) os_read(__VA_ARGS__)
#define write(...) os_write(__VA_ARGS__)
#define pread os_pread
#define pwrite os_pwrite
#define mkdir os_mkdir
#define mkdtemp os_mkdtemp
#define fopen os_fopen
#define setenv os_setenv
#define unsetenv os_unsetenv
#define mmap os_mmap
#define munmap os_munmap
#define mprotect os_mprotect
#define sigaction os_sigaction
#define sigemptyset os_sigemptyset
#define kill os_kill
#define pthread_kill os_pthread_kill
#define alarm os_alarm
#define fork os_fork
#define waitpid os_waitpid
#define getrlimit os_getrlimit
#define setrlimit os_setrlimit
#define syscall os_syscall
#define weir_fault_begin os_fault_begin
#define weir_pipe_init os_pipe_init
#define uv_poll_init(loop, poll, fd) uv_poll_init_socket(loop, poll, fd)
#define gettid os_gettid
#define geteuid os_geteuid
#define seteuid os_seteuid
#define mkfifo os_mkfifo
#define readlink os_readlink
#define eventfd os_eventfd
#define sysconf os_sysconf
#define fsync os_fsync

/* What the tests name so, windows.h has named before. */
#undef CALLBACK
#undef FILE_OPEN
#undef far
#undef near
#undef small
#define byte os_byte
#define tell os_tell
#define INPUT OS_INPUT
#define LONG OS_LONG
#define SHORT OS_SHORT
#define SIZE OS_SIZE

#endif
