/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/map.h>

#include "support/child.h"
#include "support/net.h"
#include "support/scratch.h"

/* Files in memory, and what becomes of them when they are cut. */

TestSuite(map, .timeout = 60);

enum { PAGES = 8, REST = 100 };

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* A file of PAGES pages and REST bytes. */
static size_t make(struct scratch *s) {
  size_t len = PAGES * page_size() + REST;
  scratch_make(s, len);
  return len;
}

static void cut(const struct scratch *s, size_t len) {
  check_is(ftruncate(s->fd, (off_t)len), 0);
}

/* Puts the pattern back. */
static void mend(const struct scratch *s, size_t len) {
  char *bytes = malloc(len);
  cr_assert(bytes != NULL);
  pattern_fill(bytes, 0, len);
  check_is(pwrite(s->fd, bytes, len, 0), len);
  free(bytes);
}

static const char *base_of(weir_seq_t seq) {
  uv_buf_t segment = uv_buf_init(NULL, 0);
  weir_seq_next(&seq, &segment);
  return segment.base;
}

static const char *look(weir_map_t *map, int64_t offset, size_t len) {
  weir_seq_t seq;
  check_is(weir_map_window(map, offset, len, &seq), 0);
  check_is(weir_seq_size(seq), len);
  return base_of(seq);
}

static void walk(int fd, size_t offset, size_t len, size_t window) {
  weir_map_t map;
  weir_seq_t seq;
  size_t seen = 0;

  check_is(weir_map_open(&map, fd, (int64_t)offset, (int64_t)len, window, 0),
           0);
  check_is(weir_map_size(&map), len);
  for (;;) {
    check_is(weir_map_window(&map, (int64_t)seen, SIZE_MAX, &seq), 0);
    size_t n = weir_seq_size(seq);
    if (n == 0)
      break;
    cr_assert(window == 0 || n <= window);
    cr_assert(n == len - seen || n == window);
    cr_assert(pattern_holds(base_of(seq), offset + seen, n));
    check_is(weir_map_check(&map), 0);
    seen += n;
  }
  check_is(seen, len);
  weir_map_close(&map);
}

Test(map, is_walked_in_windows_of_any_size) {
  struct scratch s;
  size_t page = page_size();
  size_t len = make(&s);
  const size_t windows[] = {333, page - 1, page, page + 1, 3 * page, len, 0};
  const size_t offsets[] = {0, 1, page - 1, page, 2 * page + 7, len - 1, len};

  for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
    for (size_t k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++) {
      walk(s.fd, offsets[k], len - offsets[k], windows[i]);
      walk(s.fd, offsets[k], (len - offsets[k]) / 2, windows[i]);
    }
  scratch_remove(&s);
}

Test(map, stays_where_it_is_while_it_has_the_bytes) {
  struct scratch s;
  size_t page = page_size();
  weir_map_t map;

  size_t len = make(&s);
  check_is(weir_map_open(&map, s.fd, 0, -1, 2 * page, 0), 0);
  check_is(weir_map_size(&map), len);
  const char *base = look(&map, 0, 2 * page);
  cr_assert(look(&map, 10, 20) == base + 10);
  cr_assert(look(&map, (int64_t)page, page) == base + page);
  cr_assert(pattern_holds(look(&map, (int64_t)page + 1, page), page + 1, page));
  cr_assert(pattern_holds(look(&map, 0, 1), 0, 1), "it goes back, too");
  weir_map_close(&map);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, takes_ranges_behind_four_gib) {
  const int64_t far = ((int64_t)5 << 30) + 12345;
  struct scratch s;
  weir_map_t map;

  scratch_make(&s, 0);
  check_is(pwrite(s.fd, "weir", 4, (off_t)far), 4);
  check_is(weir_map_open(&map, s.fd, 0, -1, 100, 0), 0);
  cr_assert_eq(weir_map_size(&map), far + 4);
  cr_assert(memcmp(look(&map, far, 4), "weir", 4) == 0);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, refuses_what_it_cannot_stand_for) {
  struct scratch s;
  int64_t len = (int64_t)make(&s);
  weir_map_t map;
  weir_seq_t seq;
  int fds[2];

  check_is(weir_map_open(NULL, s.fd, 0, -1, 0, 0), UV_EINVAL);
  check_is(weir_map_open(&map, s.fd, -1, -1, 0, 0), UV_EINVAL);
  check_is(weir_map_open(&map, s.fd, 0, -2, 0, 0), UV_EINVAL);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, 4), UV_EINVAL);
  weir_map_close(&map);
  weir_map_close(NULL);
  check_is(weir_map_open(&map, s.fd, len + 1, -1, 0, 0), UV_EOF);
  check_is(weir_map_open(&map, s.fd, 0, len + 1, 0, 0), UV_EOF);
  check_is(weir_map_open(&map, s.fd, 1, INT64_MAX, 0, 0), UV_EOF);
  check_is(weir_map_open(&map, -1, 0, -1, 0, 0), UV_EBADF);
  check_is(pipe(fds), 0);
  check_is(weir_map_open(&map, fds[0], 0, -1, 0, 0), UV_ENODEV);
  close(fds[0]);
  close(fds[1]);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, 0), 0);
  check_is(weir_map_window(&map, -1, 1, &seq), UV_EINVAL);
  check_is(weir_map_window(&map, len + 1, 1, &seq), UV_EINVAL);
  cr_assert(weir_seq_empty(seq));
  check_is(weir_map_window(&map, 0, 1, NULL), UV_EINVAL);
  check_is(weir_map_window(NULL, 0, 1, &seq), UV_EINVAL);
  check_is(weir_map_window(&map, len, 1, &seq), 0);
  cr_assert(weir_seq_empty(seq));
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, needs_to_read_the_file) {
  struct scratch s;
  weir_map_t map;
  weir_seq_t seq;

  make(&s);
  int fd = open(s.path, O_WRONLY | O_CLOEXEC);
  cr_assert(fd >= 0);
  check_is(weir_map_open(&map, fd, 0, -1, 0, 0), 0);
  check_is(weir_map_window(&map, 0, 1, &seq), UV_EACCES);
  cr_assert(weir_seq_empty(seq));
  check_is(weir_map_check(&map), 0);
  weir_map_close(&map);
  close(fd);
  scratch_remove(&s);
}

Test(map, of_an_empty_file_has_no_bytes) {
  struct scratch s;
  weir_map_t map;
  weir_seq_t seq;

  scratch_make(&s, 0);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, 0), 0);
  check_is(weir_map_window(&map, 0, SIZE_MAX, &seq), 0);
  cr_assert(weir_seq_empty(seq));
  check_is(weir_map_check(&map), 0);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, private_changes_are_its_own) {
  struct scratch s;
  weir_map_t map;
  weir_mseq_t into;
  weir_seq_t seq;
  size_t len = make(&s);

  check_is(weir_map_open(&map, s.fd, 0, -1, 0, WEIR_MAP_PRIVATE), 0);
  check_is(weir_map_private(&map, 10, 5, &into), 0);
  check_is(weir_seq_copy(into, weir_seq_block("weirs", 5), SIZE_MAX), 5);
  check_is(weir_map_window(&map, 10, 5, &seq), 0);
  check_is(weir_seq_compare(seq, weir_seq_block("weirs", 5)), 0);
  scratch_expect(&s, 0, len);
  weir_map_close(&map);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, 0), 0);
  check_is(weir_map_private(&map, 0, 1, &into), UV_EACCES);
  cr_assert(weir_mseq_empty(into));
  check_is(weir_map_private(&map, 0, 1, NULL), UV_EINVAL);
  check_is(weir_map_private(NULL, 0, 1, &into), UV_EINVAL);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, takes_advice_and_keeps_its_bytes) {
  struct scratch s;
  weir_map_t map;
  size_t len = make(&s);

  check_is(weir_map_open(&map, s.fd, 0, -1, 0, 0), 0);
  for (int i = WEIR_ADVICE_NORMAL; i <= WEIR_ADVICE_DONTNEED; i++) {
    check_is(weir_map_advise(&map, (weir_advice_t)i), 0);
    cr_assert(pattern_holds(look(&map, 0, len), 0, len));
    check_is(weir_map_advise(&map, (weir_advice_t)i), 0);
    cr_assert(pattern_holds(look(&map, 0, len), 0, len));
  }
  check_is(weir_map_advise(&map, (weir_advice_t)(WEIR_ADVICE_DONTNEED + 1)),
           UV_EINVAL);
  check_is(weir_map_advise(NULL, WEIR_ADVICE_NORMAL), UV_EINVAL);
  weir_map_close(&map);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, WEIR_MAP_PRIVATE), 0);
  check_is(weir_map_advise(&map, WEIR_ADVICE_DONTNEED), UV_EINVAL);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, tells_that_the_file_is_shorter) {
  struct scratch s;
  size_t page = page_size();
  weir_map_t map;
  weir_seq_t seq;
  size_t len = make(&s);

  check_is(weir_map_open(&map, s.fd, 0, -1, 2 * page, 0), 0);
  look(&map, 0, 2 * page);
  cut(&s, page + 1);
  check_is(weir_map_check(&map), UV_EOF);
  check_is(weir_map_window(&map, 0, 2 * page, &seq), UV_EOF);
  cr_assert(weir_seq_empty(seq));
  check_is(weir_map_window(&map, (int64_t)(4 * page), 1, &seq), UV_EOF);
  cr_assert(pattern_holds(look(&map, 0, page + 1), 0, page + 1));
  mend(&s, len);
  check_is(weir_map_check(&map), 0);
  cr_assert(pattern_holds(look(&map, 0, 2 * page), 0, 2 * page));
  weir_map_close(&map);
  check_is(weir_map_check(&map), 0);
  check_is(weir_map_check(NULL), UV_EINVAL);
  scratch_remove(&s);
}

/* ---- Operations ---- */

WEIR_TEST(map, a_cut_file_is_an_error_of_a_write_to_a_file) {
  struct scratch from;
  struct scratch to;
  struct request r;
  size_t page = page_size();
  weir_map_t map;
  weir_seq_t seq;

  memset(&r, 0, sizeof(r));
  scratch_make(&to, 0);
  size_t len = make(&from);
  check_is(weir_map_open(&map, from.fd, 0, -1, 0, 0), 0);
  check_is(weir_map_window(&map, 0, SIZE_MAX, &seq), 0);
  check_is(weir_file_pwrite_all(f->loop, &r.op, to.fd, seq, 0, on_done), 0);
  finish(f, &r, 0, len);
  scratch_expect(&to, 0, len);
  cut(&from, 3 * page);
  memset(&r, 0, sizeof(r));
  check_is(weir_file_pwrite_all(f->loop, &r.op, to.fd, seq, 0, on_done), 0);
  finish(f, &r, UV_EFAULT, 3 * page);
  weir_map_close(&map);
  scratch_remove(&from);
  scratch_remove(&to);
}

/* A socket may give up what it has of the last piece. */
static void cut_below_stream(struct weir_fixture *f, struct conn *c,
                             unsigned flags) {
  struct scratch s;
  struct request r;
  size_t page = page_size();
  weir_map_t map;
  weir_seq_t seq;

  memset(&r, 0, sizeof(r));
  make(&s);
  check_is(weir_map_open(&map, s.fd, 0, -1, 0, flags), 0);
  check_is(weir_map_window(&map, 0, SIZE_MAX, &seq), 0);
  cut(&s, 3 * page);
  check_is(weir_write(&r.op, &c->stream, seq, on_done), 0);
  run_until(f, &r.calls);
  check_is(r.status, UV_EFAULT);
  cr_assert(r.n <= 3 * page);
  peer_take(c, 0, r.n);
  check_is(weir_map_check(&map), UV_EOF);
  weir_map_close(&map);
  conn_close(f, c);
  scratch_remove(&s);
}

WEIR_TEST(map, a_cut_file_is_an_error_of_a_write_to_a_stream) {
  struct conn c;
  conn_tcp(f, &c);
  cut_below_stream(f, &c, 0);
  conn_unix(f, &c);
  cut_below_stream(f, &c, 0);
}

WEIR_TEST(map, a_guard_changes_nothing_of_that) {
  struct conn c;
  conn_tcp(f, &c);
  cut_below_stream(f, &c, WEIR_MAP_GUARDED);
}

/* ---- Looks ---- */

/* How a child ends that maps a file, cuts it and looks behind the end. */
static int look_in_child(unsigned flags, void (*before)(void),
                         void (*after)(void)) {
  struct scratch s;
  int status;

  make(&s);
  pid_t child = fork();
  cr_assert(child >= 0);
  if (child == 0) {
    weir_map_t map;
    weir_seq_t seq;
    size_t page = page_size();
    if (before != NULL)
      before();
    must(weir_map_open(&map, s.fd, 0, -1, 0, flags) == 0);
    must(weir_map_window(&map, 0, SIZE_MAX, &seq) == 0);
    if (after != NULL)
      after();
    must(ftruncate(s.fd, (off_t)page) == 0);
    must(weir_seq_byte(seq, 2 * page) == 0);
    must(weir_map_check(&map) == UV_EOF);
    child_leave(0);
  }
  check_is(waitpid(child, &status, 0), child);
  scratch_remove(&s);
  return status;
}

/* What a failed look would end Criterion's own handlers in. */
static void default_action(void) {
  signal(SIGBUS, SIG_DFL);
}

static void handled(int number) {
  (void)number;
  child_leave(77);
}

static void own_handler(void) {
  signal(SIGBUS, handled);
}

static void handled_more(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  child_leave(info->si_addr != NULL ? 78 : 1);
}

static void own_long_handler(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = handled_more;
  sigaction(SIGBUS, &action, NULL);
}

/* A guarded map elsewhere, which is not concerned. */
static void guard_another(void) {
  static struct scratch s;
  static weir_map_t map;
  weir_seq_t seq;

  make(&s);
  must(weir_map_open(&map, s.fd, 0, -1, 0, WEIR_MAP_GUARDED) == 0);
  must(weir_map_window(&map, 0, SIZE_MAX, &seq) == 0);
  must(unlink(s.path) == 0 && rmdir(s.dir) == 0);
}

static void send_signal(void) {
  guard_another();
  raise(SIGBUS);
  child_leave(3);
}

static void ignore(void) {
  signal(SIGBUS, SIG_IGN);
  guard_another();
  raise(SIGBUS);
  raise(SIGBUS);
}

Test(map, a_look_behind_the_end_is_a_signal) {
  int status = look_in_child(0, default_action, NULL);
  cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

Test(map, unless_it_is_guarded) {
  int status = look_in_child(WEIR_MAP_GUARDED, default_action, NULL);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  status = look_in_child(WEIR_MAP_GUARDED, ignore, NULL);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "signals that were ignored still are");
}

Test(map, passes_on_what_is_not_its_own) {
  int status = look_in_child(0, default_action, guard_another);
  cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  status = look_in_child(0, own_handler, guard_another);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 77);
  status = look_in_child(0, own_long_handler, guard_another);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 78);
  status = look_in_child(0, default_action, send_signal);
  cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  status = look_in_child(0, own_handler, send_signal);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 77);
}

Test(map, a_guard_lets_zeros_be_found_and_tells) {
  struct scratch s;
  size_t page = page_size();
  weir_map_t map;
  size_t len = make(&s);

  check_is(weir_map_open(&map, s.fd, 0, -1, 0, WEIR_MAP_GUARDED), 0);
  const volatile char *bytes = look(&map, 0, len);
  cut(&s, 2 * page + 5);
  for (size_t i = 2 * page + 5; i < len; i++)
    cr_assert(bytes[i] == 0);
  cr_assert(pattern_holds((const char *)bytes, 0, 2 * page + 5));
  check_is(weir_map_check(&map), UV_EOF);
  mend(&s, len);
  check_is(weir_map_check(&map), UV_EIO);
  check_is(bytes[3 * page], 0);
  cr_assert(pattern_holds(look(&map, 0, len), 0, len), "it is mapped anew");
  check_is(weir_map_check(&map), 0);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, a_guard_lets_a_private_one_be_written) {
  struct scratch s;
  size_t page = page_size();
  weir_map_t map;
  weir_mseq_t into;
  size_t len = make(&s);

  check_is(
      weir_map_open(&map, s.fd, 0, -1, 0, WEIR_MAP_GUARDED | WEIR_MAP_PRIVATE),
      0);
  check_is(weir_map_private(&map, 0, len, &into), 0);
  cut(&s, page);
  char *bytes = (char *)(uintptr_t)base_of(weir_seq_from(into));
  memset(bytes, 'x', len);
  check_is(bytes[len - 1], 'x');
  check_is(weir_map_check(&map), UV_EOF);
  weir_map_close(&map);
  scratch_remove(&s);
}

Test(map, guards_are_few_and_come_back) {
  static weir_map_t maps[WEIR_MAP_GUARDS + 1];
  struct scratch s;
  size_t page = page_size();
  weir_map_t *last = &maps[WEIR_MAP_GUARDS];
  size_t len = make(&s);

  for (int i = 0; i < WEIR_MAP_GUARDS; i++) {
    check_is(weir_map_open(&maps[i], s.fd, 0, -1, 0, WEIR_MAP_GUARDED), 0);
    look(&maps[i], 0, len);
  }
  check_is(weir_map_open(last, s.fd, 0, -1, 0, WEIR_MAP_GUARDED), UV_ENOBUFS);
  weir_map_close(last);
  weir_map_close(&maps[100]);
  check_is(weir_map_open(last, s.fd, 0, -1, 0, WEIR_MAP_GUARDED), 0);
  const volatile char *bytes = look(last, 0, len);
  cut(&s, page);
  check_is(bytes[len - 1], 0);
  mend(&s, len);
  check_is(weir_map_check(last), UV_EIO);
  check_is(weir_map_check(&maps[99]), 0);
  for (int i = 0; i <= WEIR_MAP_GUARDS; i++)
    weir_map_close(&maps[i]);
  scratch_remove(&s);
}
