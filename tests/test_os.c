/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os.h"
#include "os_memory.h"
#include "support/gate.h"
#include "support/net.h"
#include "support/scratch.h"

/* The system calls that both backends make directly. What the kernel rarely
 * says, it says here. */

TestSuite(os, .timeout = 20);

/* By what the C library's functions of these names go. */
#ifdef SYS_poll
enum { CALL_POLL = SYS_poll };
#else
enum { CALL_POLL = SYS_ppoll };
#endif
#ifdef SYS_rt_sigtimedwait
enum { CALL_SIGTIMEDWAIT = SYS_rt_sigtimedwait };
#else
enum { CALL_SIGTIMEDWAIT = SYS_rt_sigtimedwait_time64 };
#endif

static void begin(struct weir_fixture *f, const int *calls, size_t count) {
  fixture_prepare(f, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  gate_open(f, calls, count);
}

/* The next call of that number is interrupted three times. */
enum { TIMES = 3 };

static void interrupt(int call) {
  gate_fail(call, EINTR, TIMES);
}

static void check_interrupted(int call) {
  check_is(gate_failures(call), TIMES);
  gate_pass();
}

static const uv_buf_t *bufs(char *bytes, unsigned n) {
  static uv_buf_t two[2];

  two[0] = uv_buf_init(bytes, n);
  two[1] = uv_buf_init(bytes + n, n);
  return two;
}

/* ---- What is interrupted is done again ---- */

Test(os, sending_and_receiving_is_done_again) {
  const int calls[] = {SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg};
  char bytes[8] = "weirweir", back[8] = "";
  struct weir_fixture f;
  size_t n = 0;
  int fds[2];

  begin(&f, calls, 4);
  pair_unix(fds);
  interrupt(SYS_sendto);
  check_is(weir__os_write(fds[0], 1, 0, bufs(bytes, 4), 1, &n), 0);
  check_is(n, 4);
  check_interrupted(SYS_sendto);
  interrupt(SYS_recvfrom);
  check_is(weir__os_read(fds[1], 1, bufs(back, 4), 1, &n), 0);
  check_is(n, 4);
  check_interrupted(SYS_recvfrom);
  interrupt(SYS_sendmsg);
  check_is(weir__os_write(fds[0], 1, 0, bufs(bytes, 4), 2, &n), 0);
  check_is(n, 8);
  check_interrupted(SYS_sendmsg);
  interrupt(SYS_recvmsg);
  check_is(weir__os_read(fds[1], 1, bufs(back, 4), 2, &n), 0);
  check_is(n, 8);
  check_interrupted(SYS_recvmsg);
  cr_assert(memcmp(bytes, back, 8) == 0);
  check_is(weir__os_read(fds[1], 1, bufs(back, 4), 2, &n), UV_EAGAIN);
  close(fds[0]);
  close(fds[1]);
  fixture_finish(&f);
}

Test(os, reading_and_writing_is_done_again) {
  const int calls[] = {SYS_readv, SYS_writev};
  char bytes[8] = "weirweir", back[8] = "";
  struct weir_fixture f;
  size_t n = 0;
  int fds[2];

  begin(&f, calls, 2);
  check_is(pipe(fds), 0);
  interrupt(SYS_writev);
  check_is(weir__os_write(fds[1], 0, 0, bufs(bytes, 4), 2, &n), 0);
  check_is(n, 8);
  check_interrupted(SYS_writev);
  interrupt(SYS_readv);
  check_is(weir__os_read(fds[0], 0, bufs(back, 4), 2, &n), 0);
  check_is(n, 8);
  check_interrupted(SYS_readv);
  interrupt(SYS_writev);
  check_is(weir__os_pwrite(fds[1], bufs(bytes, 4), 2, -1), 8);
  interrupt(SYS_readv);
  check_is(weir__os_pread(fds[0], bufs(back, 4), 2, -1), 8);
  check_is(gate_failures(SYS_readv) + gate_failures(SYS_writev), 4 * TIMES);
  cr_assert(memcmp(bytes, back, 8) == 0);
  close(fds[0]);
  close(fds[1]);
  fixture_finish(&f);
}

Test(os, reading_and_writing_at_an_offset_is_done_again) {
  const int calls[] = {SYS_preadv, SYS_pwritev};
  struct scratch scratch;
  struct weir_fixture f;
  char bytes[8];

  begin(&f, calls, 2);
  scratch_make(&scratch, 100);
  interrupt(SYS_preadv);
  check_is(weir__os_pread(scratch.fd, bufs(bytes, 4), 2, 92), 8);
  check_interrupted(SYS_preadv);
  cr_assert(pattern_holds(bytes, 92, 8));
  interrupt(SYS_pwritev);
  check_is(weir__os_pwrite(scratch.fd, bufs(bytes, 4), 2, 100), 8);
  check_interrupted(SYS_pwritev);
  scratch_expect(&scratch, 0, 100);
  scratch_remove(&scratch);
  fixture_finish(&f);
}

/* Without a call that does not wait, the system is asked before. */
static void moves_now(struct weir_fixture *f, int error) {
  const int calls[] = {SYS_preadv2, SYS_pwritev2};
  char bytes[8] = "weirweir", back[8] = "";
  int fds[2], times = 0, written;

  begin(f, calls, 2);
  check_is(pipe(fds), 0);
  gate_fail(SYS_preadv2, error, error == EINTR ? TIMES : GATE_FOR_EVER);
  gate_fail(SYS_pwritev2, error, error == EINTR ? TIMES : GATE_FOR_EVER);
  check_is(weir__os_pread_now(fds[0], bufs(back, 4), 2), UV_EAGAIN);
  check_is(weir__os_pwrite_now(fds[1], bufs(bytes, 4), 2), 8);
  check_is(weir__os_pread_now(fds[0], bufs(back, 4), 2), 8);
  cr_assert(memcmp(bytes, back, 8) == 0);
  check_is(fcntl(fds[1], F_SETPIPE_SZ, 4096), 4096);
  while ((written = weir__os_pwrite_now(fds[1], bufs(bytes, 4), 2)) == 8)
    cr_assert(++times <= 4096 / 8);
  check_is(written, UV_EAGAIN);
  cr_assert(gate_failures(SYS_preadv2) > 0);
  cr_assert(gate_failures(SYS_pwritev2) > 0);
  close(fds[0]);
  close(fds[1]);
  fixture_finish(f);
}

Test(os, what_does_not_wait_is_done_again) {
  struct weir_fixture f;

  moves_now(&f, EINTR);
}

Test(os, an_old_kernel_is_asked_before) {
  struct weir_fixture f;

  moves_now(&f, EOPNOTSUPP);
}

Test(os, a_very_old_kernel_is_asked_before) {
  struct weir_fixture f;

  moves_now(&f, ENOSYS);
}

Test(os, waiting_is_done_again) {
  const int calls[] = {CALL_POLL};
  struct weir_fixture f;
  int fds[2], stop[2];

  begin(&f, calls, 1);
  check_is(pipe(fds), 0);
  check_is(pipe(stop), 0);
  interrupt(CALL_POLL);
  check_is(weir__os_await(fds[0], 0, stop[0], 0), 0);
  check_is(weir__os_await(fds[1], 1, stop[0], -1), 1);
  check_interrupted(CALL_POLL);
  gate_fail(CALL_POLL, ENOMEM, 1);
  check_is(weir__os_await(fds[1], 1, stop[0], -1), UV_ENOMEM);
  check_is(write(stop[1], "x", 1), 1);
  check_is(weir__os_await(fds[0], 0, stop[0], -1), UV_ECANCELED);
  check_is(weir__os_await(fds[1], 1, stop[0], -1), UV_ECANCELED);
  check_is(weir__os_await(-1, 0, -1, -1), 1);
  for (int i = 0; i < 2; i++) {
    close(fds[i]);
    close(stop[i]);
  }
  fixture_finish(&f);
}

/* What errno held before is no news. */
Test(os, the_end_is_told_whatever_was_before) {
  char bytes[8] = "weirweir";
  struct scratch scratch;
  size_t n = 7;
  int fds[2];

  pair_unix(fds);
  close(fds[0]);
  errno = EINTR;
  check_is(weir__os_read(fds[1], 1, bufs(bytes, 4), 1, &n), UV_EOF);
  errno = EINTR;
  check_is(weir__os_read(fds[1], 1, bufs(bytes, 4), 2, &n), UV_EOF);
  close(fds[1]);
  check_is(pipe(fds), 0);
  close(fds[1]);
  errno = EINTR;
  check_is(weir__os_read(fds[0], 0, bufs(bytes, 4), 2, &n), UV_EOF);
  errno = EINTR;
  check_is(weir__os_pread(fds[0], bufs(bytes, 4), 2, -1), 0);
  errno = EINTR;
  check_is(weir__os_pread_now(fds[0], bufs(bytes, 4), 2), 0);
  close(fds[0]);
  check_is(n, 7);
  scratch_make(&scratch, 4);
  errno = EINTR;
  check_is(weir__os_pread(scratch.fd, bufs(bytes, 4), 2, 4), 0);
  scratch_remove(&scratch);
}

/* ---- Accepting ---- */

static int make_listener(struct sockaddr_in *addr) {
  socklen_t len = sizeof(*addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  check_is(uv_ip4_addr("127.0.0.1", 0, addr), 0);
  check_is(bind(fd, (struct sockaddr *)addr, len), 0);
  check_is(getsockname(fd, (struct sockaddr *)addr, &len), 0);
  check_is(weir__os_listen(fd, 5), 0);
  return fd;
}

static void accepts_behind(int error) {
  const int calls[] = {SYS_accept4};
  struct sockaddr_in addr;
  struct weir_fixture f;
  uv_os_sock_t got = -1;
  int listener, fd;

  begin(&f, calls, 1);
  listener = make_listener(&addr);
  check_is(weir__os_accept(listener, &got), UV_EAGAIN);
  check_is(got, -1);
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_is(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
  gate_fail(SYS_accept4, error, TIMES);
  check_is(weir__os_accept(listener, &got), 0);
  check_interrupted(SYS_accept4);
  check_is(fcntl(got, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  check_is(fcntl(got, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  close(got);
  close(fd);
  close(listener);
  fixture_finish(&f);
}

Test(os, accepting_is_done_again) {
  accepts_behind(EINTR);
}

Test(os, an_aborted_connection_is_passed_over) {
  accepts_behind(ECONNABORTED);
}

/* Where the standard input was closed. */
Test(os, the_descriptor_0_is_one) {
  struct sockaddr_in addr;
  uv_os_sock_t got = -1;
  int input = dup(0), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int listener = make_listener(&addr);

  check_is(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
  close(0);
  check_is(weir__os_accept(listener, &got), 0);
  check_is(got, 0);
  check_is(weir__os_check_socket(0), 0);
  check_is(weir__os_await(0, 1, -1, -1), 1);
  check_is(weir__os_await(0, 0, -1, 0), 0);
  check_is(dup2(input, 0), 0);
  close(input);
  close(fd);
  close(listener);
}

Test(os, what_else_accept_says_is_told) {
  const int calls[] = {SYS_accept4};
  struct weir_fixture f;
  uv_os_sock_t got = -1;

  begin(&f, calls, 1);
  gate_fail(SYS_accept4, EMFILE, 1);
  check_is(weir__os_accept(0, &got), UV_EMFILE);
  check_is(got, -1);
  check_is(weir__os_listen(-1, 5), UV_EBADF);
  fixture_finish(&f);
}

/* ---- Connecting ---- */

/* One of TCP goes on by itself; one to a path has not begun. */
Test(os, connecting_goes_on) {
  const int calls[] = {SYS_connect};
  struct weir_fixture f;
  struct sockaddr_in addr;
  uv_os_sock_t fds[3];
  char dir[SCRATCH_DIR];
  char name[SCRATCH_DIR + 8];
  weir__path_t path;
  int listener;

  begin(&f, calls, 1);
  listener = make_listener(&addr);
  scratch_dir(dir);
  snprintf(name, sizeof(name), "%s/socket", dir);
  check_is(weir__os_set_path(&path, name, strlen(name)), 0);
  check_is(weir__os_socket(AF_INET, 1, &fds[0]), 0);
  check_is(weir__os_socket(AF_UNIX, 1, &fds[1]), 0);
  check_is(weir__os_socket(AF_UNIX, 1, &fds[2]), 0);
  check_is(weir__os_bind_path(fds[1], &path), 0);
  check_is(weir__os_listen(fds[1], 5), 0);
  gate_fail(SYS_connect, EINTR, 1);
  check_is(weir__os_connect(fds[0], (struct sockaddr *)&addr), UV_EALREADY);
  interrupt(SYS_connect);
  check_is(weir__os_connect_path(fds[2], &path), 0);
  check_is(gate_failures(SYS_connect), 1 + TIMES);
  for (int i = 0; i < 3; i++)
    close(fds[i]);
  close(listener);
  weir__os_unlink(name);
  check_is(rmdir(dir), 0);
  fixture_finish(&f);
}

/* ---- SIGPIPE ---- */

static int sigpipe_is(int (*where)(sigset_t *set)) {
  sigset_t set;

  check_is(where(&set), 0);
  return sigismember(&set, SIGPIPE);
}

static int blocked(sigset_t *set) {
  return pthread_sigmask(SIG_BLOCK, NULL, set);
}

static void block_sigpipe(void) {
  sigset_t set;

  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  check_is(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

/* To a pipe that nobody reads, in each way; the fixture counts signals. */
static void writes_to_nobody(void) {
  char bytes[8] = "weirweir";
  size_t n = 0;
  int fds[2];

  check_is(pipe(fds), 0);
  close(fds[0]);
  check_is(weir__os_write(fds[1], 0, 0, bufs(bytes, 4), 2, &n), UV_EPIPE);
  check_is(weir__os_pwrite(fds[1], bufs(bytes, 4), 2, -1), UV_EPIPE);
  check_is(weir__os_pwrite_now(fds[1], bufs(bytes, 4), 2), UV_EPIPE);
  close(fds[1]);
  pair_unix(fds);
  close(fds[0]);
  check_is(weir__os_write(fds[1], 1, 0, bufs(bytes, 4), 1, &n), UV_EPIPE);
  check_is(weir__os_write(fds[1], 1, 0, bufs(bytes, 4), 2, &n), UV_EPIPE);
  close(fds[1]);
}

/* It stays as it was. */
static void sigpipe_stays(int is_blocked, int is_pending) {
  struct weir_fixture f;

  fixture_prepare(&f, WEIR_BACKEND_UV, WEIR_WAIT_UV);
  if (is_blocked)
    block_sigpipe();
  if (is_pending)
    check_is(raise(SIGPIPE), 0);
  writes_to_nobody();
  check_is(sigpipe_is(blocked), is_blocked);
  check_is(sigpipe_is(sigpending), is_pending);
  fixture_finish(&f);
}

Test(os, sigpipe_is_not_raised) {
  sigpipe_stays(0, 0);
}

Test(os, a_sigpipe_that_is_blocked_stays_so) {
  sigpipe_stays(1, 0);
}

Test(os, a_sigpipe_that_was_pending_stays_so) {
  sigpipe_stays(1, 1);
}

Test(os, taking_the_sigpipe_is_done_again) {
  const int calls[] = {CALL_SIGTIMEDWAIT};
  struct weir_fixture f;
  char bytes[8] = "weirweir";
  int fds[2];

  begin(&f, calls, 1);
  check_is(pipe(fds), 0);
  close(fds[0]);
  interrupt(CALL_SIGTIMEDWAIT);
  check_is(weir__os_pwrite(fds[1], bufs(bytes, 4), 2, -1), UV_EPIPE);
  check_interrupted(CALL_SIGTIMEDWAIT);
  close(fds[1]);
  fixture_finish(&f);
}

/* ---- Names, paths and options ---- */

Test(os, a_path_has_to_fit_with_its_zero) {
  enum { ROOM = sizeof(((struct sockaddr_un *)0)->sun_path) };
  char name[ROOM + 1];
  weir__path_t path;

  memset(name, 'x', sizeof(name));
  check_is(weir__os_set_path(&path, name, ROOM - 1), 0);
  check_is(path.size, ROOM);
  check_is(strlen(path.bytes), ROOM - 1);
  check_is(weir__os_set_path(&path, name, ROOM), UV_ENAMETOOLONG);
  name[ROOM - 1] = 0;
  check_is(weir__os_set_path(&path, name, ROOM), 0);
  check_is(path.size, ROOM);
  check_is(weir__os_set_path(&path, name, ROOM + 1), UV_EINVAL);
  check_is(weir__os_set_path(&path, "", 0), UV_EINVAL);
  check_is(weir__os_set_path(&path, "", 1), UV_EINVAL);
  check_is(weir__os_set_path(&path, "x", 1), 0);
  check_is(path.size, 2);
  check_is(weir__os_set_path(&path, "x\0y", 3), UV_EINVAL);
}

Test(os, an_abstract_name_needs_no_zero) {
  enum { ROOM = sizeof(((struct sockaddr_un *)0)->sun_path) };
  char name[ROOM + 1] = {0};
  weir__path_t path;

  name[2] = 'x';
  check_is(weir__os_set_path(&path, name, ROOM), 0);
  check_is(path.size, ROOM);
  check_is(weir__os_set_path(&path, name, ROOM + 1), UV_ENAMETOOLONG);
  check_is(weir__os_set_path(&path, name, 3), 0);
  check_is(path.size, 3);
}

Test(os, names_of_what_is_none) {
  struct sockaddr_storage name;
  int fds[2], len = -1;

  check_is(pipe(fds), 0);
  check_is(weir__os_sockname(fds[0], (struct sockaddr *)&name, &len),
           UV_EINVAL);
  len = 0;
  check_is(weir__os_sockname(fds[0], (struct sockaddr *)&name, &len),
           UV_ENOTSUP);
  check_is(weir__os_peername(-1, (struct sockaddr *)&name, &len), UV_EBADF);
  check_is(weir__os_check_socket(fds[0]), UV_ENOTSOCK);
  check_is(weir__os_check_socket(-1), UV_EBADF);
  check_is(weir__os_shutdown(fds[0]), UV_ENOTSOCK);
  check_is(weir__os_set_option(fds[0], WEIR__OPTION_NODELAY, 1), UV_ENOTSUP);
  check_is(weir__os_reset_at_close(fds[0]), UV_ENOTSUP);
  close(fds[0]);
  close(fds[1]);
}

static int option(int fd, int level, int name) {
  int value[2] = {-1, -1};
  socklen_t len = sizeof(value);

  check_is(getsockopt(fd, level, name, value, &len), 0);
  return value[0];
}

Test(os, options_are_set_and_taken_back) {
  int fds[2];

  pair_tcp(fds, 0, 0);
  check_is(weir__os_set_option(fds[0], WEIR__OPTION_NODELAY, 5), 0);
  cr_assert(option(fds[0], IPPROTO_TCP, TCP_NODELAY) != 0);
  check_is(weir__os_set_option(fds[0], WEIR__OPTION_NODELAY, 0), 0);
  check_is(option(fds[0], IPPROTO_TCP, TCP_NODELAY), 0);
  check_is(option(fds[0], SOL_SOCKET, SO_LINGER), 0);
  check_is(weir__os_reset_at_close(fds[0]), 0);
  cr_assert(option(fds[0], SOL_SOCKET, SO_LINGER) != 0);
  close(fds[0]);
  close(fds[1]);
  pair_unix(fds);
  check_is(weir__os_reset_at_close(fds[0]), UV_ENOTSUP);
  check_is(option(fds[0], SOL_SOCKET, SO_LINGER), 0);
  close(fds[0]);
  close(fds[1]);
}

Test(os, an_option_that_is_refused_is_told) {
  const int calls[] = {SYS_setsockopt, SYS_getsockname};
  struct weir_fixture f;
  int fds[2];

  begin(&f, calls, 2);
  pair_tcp(fds, 0, 0);
  gate_fail(SYS_getsockname, ENOBUFS, 1);
  check_is(weir__os_set_option(fds[0], WEIR__OPTION_TOS, 8), UV_ENOBUFS);
  check_is(option(fds[0], IPPROTO_IP, IP_TOS), 0);
  gate_fail(SYS_setsockopt, ENOMEM, 2);
  check_is(weir__os_set_option(fds[0], WEIR__OPTION_NODELAY, 1), UV_ENOMEM);
  check_is(weir__os_reset_at_close(fds[0]), UV_ENOMEM);
  /* As macOS says when the connection is over. */
  gate_fail(SYS_setsockopt, EINVAL, 1);
  check_is(weir__os_reset_at_close(fds[0]), 0);
  close(fds[0]);
  close(fds[1]);
  fixture_finish(&f);
}

/* Whatever went wrong before. */
Test(os, nothing_is_no_error) {
  char bytes[8];
  int fds[2];

  check_is(pipe(fds), 0);
  errno = EIO;
  check_is(weir__os_pwrite(fds[1], bufs(bytes, 4), 0, -1), 0);
  errno = EIO;
  check_is(weir__os_pwrite_now(fds[1], bufs(bytes, 4), 0), 0);
  close(fds[1]);
  errno = EIO;
  check_is(weir__os_pread(fds[0], bufs(bytes, 4), 2, -1), 0);
  errno = EIO;
  check_is(weir__os_pread_now(fds[0], bufs(bytes, 4), 2), 0);
  close(fds[0]);
}

Test(os, what_waits_for_nobody) {
  int fds[2], dir = open(".", O_RDONLY | O_CLOEXEC);
  struct scratch scratch;

  scratch_make(&scratch, 1);
  check_is(pipe(fds), 0);
  check_is(weir__os_is_file(scratch.fd), 1);
  check_is(weir__os_is_file(dir), 1);
  check_is(weir__os_is_file(fds[0]), 0);
  check_is(weir__os_is_file(-1), 0);
  close(fds[0]);
  close(fds[1]);
  close(dir);
  scratch_remove(&scratch);
}

/* Pages of this process, used or not. */
static long mapped(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long pages = 0;

  if (file == NULL || fscanf(file, "%ld", &pages) != 1)
    cr_skip("there is no /proc/self/statm");
  fclose(file);
  return pages;
}

/* A huge page is mapped too much for one that begins at such a page. */
Test(os, a_slab_leaves_nothing_behind) {
  size_t size = ((size_t)2 << 20) + 65536;
  void *slabs[8];
  long before = mapped();

  for (size_t i = 0; i < 8; i++) {
    slabs[i] = weir__os_slab(size);
    cr_assert(slabs[i] != NULL);
    check_is((uintptr_t)slabs[i] % ((size_t)2 << 20), 0);
  }
  for (size_t i = 0; i < 8; i++)
    weir__os_slab_free(slabs[i], size);
  cr_assert((mapped() - before) * sysconf(_SC_PAGESIZE) < (long)size);
}
