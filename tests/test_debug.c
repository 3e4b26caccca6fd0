/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/debug.h>

#include "support/child.h"
#include "support/net.h"
#include "support/scratch.h"

/* Debug mode: each planted misuse is found, and nothing else. */

static struct {
  int count;
  weir_misuse_t misuse;
  char what[32];
  char other[32];
  weir_trail_t began;
  weir_trail_t also;
} told;

static char mem[4096];

static void copy_trail(weir_trail_t *to, const weir_trail_t *from) {
  to->count = 0;
  if (from != NULL)
    *to = *from;
}

static void copy_word(char to[32], const char *from) {
  snprintf(to, 32, "%s", from == NULL ? "" : from);
}

static void on_report(weir_loop_t *loop, const weir_report_t *report) {
  (void)loop;
  told.count++;
  told.misuse = report->misuse;
  copy_word(told.what, report->what);
  copy_word(told.other, report->other);
  copy_trail(&told.began, report->began);
  copy_trail(&told.also, report->also);
}

static void debug(struct weir_fixture *f) {
  setenv("WEIR_DEBUG", "1", 1);
  fixture_reattach(f, 0);
  check_is(weir_debug_on_report(f->loop, on_report), 0);
  memset(&told, 0, sizeof(told));
}

static weir_seq_t some(size_t len) {
  return weir_seq_block(mem, len);
}

static weir_mseq_t room(size_t len) {
  return weir_mseq_block(mem, len);
}

static weir_pool_t *pool_of(struct weir_fixture *f, size_t count) {
  weir_pool_t *pool = NULL;
  check_is(weir_pool_create(f->loop, count, 1000, &pool), 0);
  return pool;
}

static uv_buf_t take(weir_pool_t *pool) {
  uv_buf_t buf;
  check_is(weir_pool_acquire(pool, &buf), 0);
  return buf;
}

static void ended(struct weir_fixture *f, struct request *r, int status) {
  run_until(f, &r->calls);
  check_is(r->status, status);
}

/* ---- Misuses ---- */

static void change_write(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write(&r.op, &c.stream, some(100), on_done), 0);
  mem[99] ^= 1;
  ended(f, &r, 0);
  conn_close(f, &c);
}

/* In the last byte of a piece that is not the last. */
static void change_piece(struct weir_fixture *f) {
  const uv_buf_t bufs[] = {uv_buf_init(mem, 10), uv_buf_init(mem + 20, 7),
                           uv_buf_init(NULL, 0), uv_buf_init(mem + 40, 9)};
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write(&r.op, &c.stream, weir_seq_bufs(bufs, 4), on_done), 0);
  mem[15] ^= 1;
  mem[26] ^= 1;
  ended(f, &r, 0);
  conn_close(f, &c);
}

static void change_queued(struct weir_fixture *f) {
  struct request first = {.calls = 0};
  struct request r = {.calls = 0};
  struct conn c;
  conn_unix(f, &c);
  check_is(weir_write(&first.op, &c.stream, some(100), on_done), 0);
  check_is(weir_write_some(&r.op, &c.stream, weir_seq_block(mem + 200, 100),
                           on_done),
           0);
  mem[200] ^= 1;
  ended(f, &r, 0);
  conn_close(f, &c);
}

static void change_last(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write_eof(&r.op, &c.stream, some(1), on_done), 0);
  mem[0] ^= 1;
  ended(f, &r, 0);
  conn_close(f, &c);
}

/* Also of one that is cancelled. */
static void change_cancelled(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write_at_least(&r.op, &c.stream, some(100), 100, on_done), 0);
  weir_cancel(&r.op);
  mem[5] ^= 1;
  run_until(f, &r.calls);
  conn_close(f, &c);
}

/* What weir_write_now could not write at once. */
static void change_rest(struct weir_fixture *f) {
  char *large = calloc(1, SLOW_BYTES);
  struct request r = {.calls = 0};
  struct conn c;
  size_t n;
  cr_assert(large != NULL);
  conn_slow(f, &c);
  check_is(weir_write_now(&r.op, &c.stream, weir_seq_block(large, SLOW_BYTES),
                          &n, on_done),
           WEIR_PENDING);
  large[SLOW_BYTES - 1] ^= 1;
  close_stream(f, &c);
  check_is(r.calls, 1);
  close_peer(&c);
  free(large);
}

static void change_file_write(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct scratch s;
  scratch_make(&s, 0);
  check_is(weir_file_pwrite(f->loop, &r.op, s.fd, some(100), 0, on_done), 0);
  mem[50] ^= 1;
  ended(f, &r, 0);
  scratch_remove(&s);
}

static void change_whole_write(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct scratch s;
  scratch_make(&s, 0);
  check_is(weir_file_pwrite_all(f->loop, &r.op, s.fd, some(100), 0, on_done),
           0);
  mem[50] ^= 1;
  ended(f, &r, 0);
  scratch_remove(&s);
}

static void begin_write_twice(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write(&r.op, &c.stream, some(100), on_done), 0);
  check_is(weir_write(&r.op, &c.stream, some(100), on_done), UV_EBUSY);
  finish(f, &r, 0, 100);
  conn_close(f, &c);
}

static void begin_other_twice(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct scratch s;
  struct conn c;
  conn_tcp(f, &c);
  scratch_make(&s, 100);
  check_is(weir_file_pread(f->loop, &r.op, s.fd, room(100), 0, on_done), 0);
  check_is(weir_read_some(&r.op, &c.stream, room(100), on_done), UV_EBUSY);
  finish(f, &r, 0, 100);
  conn_close(f, &c);
  scratch_remove(&s);
}

static void sync_twice(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct scratch s;
  scratch_make(&s, 0);
  check_is(weir_file_pwrite(f->loop, &r.op, s.fd, some(100), 0, on_done), 0);
  check_is(weir_file_fsync(f->loop, &r.op, s.fd, on_done), UV_EBUSY);
  finish(f, &r, 0, 100);
  scratch_remove(&s);
}

/* What a read is to fill is looked at before it has. */
static void write_what_is_read(struct weir_fixture *f) {
  struct request in = {.calls = 0};
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_read_some(&in.op, &c.stream, room(100), on_done), 0);
  check_is(weir_write(&r.op, &c.stream, weir_seq_block(mem + 99, 100), on_done),
           0);
  finish(f, &r, 0, 100);
  peer_send(&c, 0, 10);
  finish(f, &in, 0, 10);
  conn_close(f, &c);
}

static void read_twice_into_one(struct weir_fixture *f) {
  struct request r[2];
  struct conn c[2];
  memset(r, 0, sizeof(r));
  for (int i = 0; i < 2; i++) {
    conn_tcp(f, &c[i]);
    check_is(
        weir_read(&r[i].op, &c[i].stream, room(100), weir_at_least(5), on_done),
        0);
  }
  for (int i = 0; i < 2; i++) {
    peer_send(&c[i], 0, 5);
    finish(f, &r[i], 0, 5);
    conn_close(f, &c[i]);
  }
}

static void read_file_into_write(struct weir_fixture *f) {
  struct request out = {.calls = 0};
  struct request r = {.calls = 0};
  struct scratch s;
  struct conn c;
  conn_tcp(f, &c);
  scratch_make(&s, 0);
  check_is(weir_file_pread(f->loop, &r.op, s.fd, room(10), 0, on_done), 0);
  check_is(weir_file_pwrite(f->loop, &out.op, s.fd, some(10), 10, on_done), 0);
  run_until(f, &r.calls);
  run_until(f, &out.calls);
  conn_close(f, &c);
  scratch_remove(&s);
}

static void release_twice(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  const uv_buf_t within = uv_buf_init(buf.base + 17, 1);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_release(pool, &within), UV_EINVAL);
  check_is(weir_pool_destroy(pool), 0);
}

static void retain_free(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_retain(pool, &buf), UV_EINVAL);
  check_is(weir_pool_destroy(pool), 0);
}

static void release_lease_twice(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  struct request r = {.calls = 0};
  weir_lease_t lease;
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_read_lease(&r.op, &c.stream, pool, &lease, 0, on_done), 0);
  peer_send(&c, 0, 10);
  finish(f, &r, 0, 10);
  weir_lease_t copy = lease;
  check_is(weir_lease_release(&lease), 0);
  check_is(weir_lease_release(&copy), UV_EINVAL);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
}

static void release_foreign(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  const uv_buf_t buf = uv_buf_init(mem, 10);
  check_is(weir_pool_release(pool, &buf), UV_EINVAL);
  check_is(weir_pool_destroy(pool), 0);
}

static void release_to_another(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  weir_pool_t *other = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  check_is(weir_pool_release(other, &buf), UV_EINVAL);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
  check_is(weir_pool_destroy(other), 0);
}

static void write_to_free(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 1);
  uv_buf_t buf = take(pool);
  check_is(weir_pool_release(pool, &buf), 0);
  *(volatile char *)&buf.base[buf.len - 1] = 1;
  buf = take(pool);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
}

/* Nobody holds what is pinned but who has pinned it. */
static void release_in_use(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  weir_seq_t seq = weir_seq_pinned(weir_seq_bufs(&buf, 1));
  struct request r = {.calls = 0};
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_write(&r.op, &c.stream, seq, on_done), 0);
  check_is(weir_pool_release(pool, &buf), 0);
  finish(f, &r, 0, buf.len);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
}

static void leave_buffer(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  check_is(weir_pool_destroy(pool), UV_EBUSY);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
}

static void leave_buffer_in_loop(struct weir_fixture *f) {
  weir_pool_t *pool = pool_of(f, 2);
  uv_buf_t buf = take(pool);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  check_is(weir_pool_release(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
}

static void leave_operation(struct weir_fixture *f) {
  struct request r = {.calls = 0};
  struct scratch s;
  scratch_make(&s, 0);
  check_is(weir_file_pwrite(f->loop, &r.op, s.fd, some(100), 0, on_done), 0);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  finish(f, &r, 0, 100);
  scratch_remove(&s);
}

static void leave_stream(struct weir_fixture *f) {
  struct conn c;
  conn_tcp(f, &c);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  conn_close(f, &c);
}

static const struct {
  const char *name;
  void (*plant)(struct weir_fixture *f);
  weir_misuse_t misuse;
  const char *what;
  const char *other; /* NULL: either may end first */
} table[] = {
    {"write", change_write, WEIR_MISUSE_CHANGED, "write", ""},
    {"piece", change_piece, WEIR_MISUSE_CHANGED, "write", ""},
    {"queued", change_queued, WEIR_MISUSE_CHANGED, "write", ""},
    {"last", change_last, WEIR_MISUSE_CHANGED, "write", ""},
    {"cancelled", change_cancelled, WEIR_MISUSE_CHANGED, "write", ""},
    {"rest", change_rest, WEIR_MISUSE_CHANGED, "write", ""},
    {"file write", change_file_write, WEIR_MISUSE_CHANGED, "file write", ""},
    {"whole", change_whole_write, WEIR_MISUSE_CHANGED, "file write", ""},
    {"twice", begin_write_twice, WEIR_MISUSE_BEGUN_TWICE, "write", ""},
    {"another", begin_other_twice, WEIR_MISUSE_BEGUN_TWICE, "file read", ""},
    {"sync", sync_twice, WEIR_MISUSE_BEGUN_TWICE, "file write", ""},
    {"looks", write_what_is_read, WEIR_MISUSE_SHARED, "write", "read_some"},
    {"reads", read_twice_into_one, WEIR_MISUSE_SHARED, "read", "read"},
    {"files", read_file_into_write, WEIR_MISUSE_SHARED, NULL, NULL},
    {"double", release_twice, WEIR_MISUSE_RELEASED_TWICE, "buffer", ""},
    {"retain", retain_free, WEIR_MISUSE_RELEASED_TWICE, "buffer", ""},
    {"lease", release_lease_twice, WEIR_MISUSE_RELEASED_TWICE, "buffer", ""},
    {"foreign", release_foreign, WEIR_MISUSE_FOREIGN, "buffer", ""},
    {"wrong pool", release_to_another, WEIR_MISUSE_FOREIGN, "buffer", ""},
    {"free", write_to_free, WEIR_MISUSE_WRITTEN_FREE, "buffer", ""},
    {"in use", release_in_use, WEIR_MISUSE_RELEASED_IN_USE, "buffer", "write"},
    {"left", leave_buffer, WEIR_MISUSE_LEFT, "buffer", ""},
    {"with loop", leave_buffer_in_loop, WEIR_MISUSE_LEFT, "buffer", ""},
    {"operation", leave_operation, WEIR_MISUSE_LEFT, "file write", ""},
    {"stream", leave_stream, WEIR_MISUSE_LEFT, "stream", ""},
};

/* Whether what did it is there, or there is no trail at all, for want of a
 * system that can tell or of a place. */
static int leads_to(const weir_trail_t *trail,
                    void (*plant)(struct weir_fixture *)) {
  uintptr_t from = (uintptr_t)plant;
  for (unsigned i = 0; i < trail->count; i++)
    if ((uintptr_t)trail->at[i] - from < 8192)
      return 1;
  return trail->count == 0;
}

void __asan_poison_memory_region(const volatile void *at, size_t size)
    __attribute__((weak));
int __asan_address_is_poisoned(const volatile void *at) __attribute__((weak));

/* AddressSanitizer ends the program with what uses free memory. */
static int may_plant(weir_misuse_t misuse) {
  return __asan_poison_memory_region == NULL ||
         (misuse != WEIR_MISUSE_WRITTEN_FREE &&
          misuse != WEIR_MISUSE_RELEASED_IN_USE);
}

WEIR_TEST(debug, finds_each_misuse_and_where_it_began) {
  debug(f);
  for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
    const char *name = table[i].name;
    if (!may_plant(table[i].misuse))
      continue;
    memset(&told, 0, sizeof(told));
    table[i].plant(f);
    cr_assert(told.count == 1, "%s: %d reports, the last of %d", name,
              told.count, (int)told.misuse);
    cr_assert(told.misuse == table[i].misuse, "%s: %d", name, told.misuse);
    cr_assert(table[i].what == NULL || strcmp(told.what, table[i].what) == 0,
              "%s: %s", name, told.what);
    cr_assert(table[i].other == NULL || strcmp(told.other, table[i].other) == 0,
              "%s: %s", name, told.other);
    cr_assert(leads_to(&told.began, table[i].plant), "%s: began", name);
    cr_assert(leads_to(&told.also, table[i].plant), "%s: also", name);
  }
#if __has_include(<execinfo.h>)
  change_write(f);
  cr_assert(told.began.count > 0, "there is a trail");
#endif
}

WEIR_TEST(debug, tells_of_a_buffer_that_goes_with_a_shutdown) {
  debug(f);
  take(pool_of(f, 2));
  check_is(weir_loop_shutdown(f->loop, NULL, NULL), 0);
  run_out(f);
  check_is(told.count, 1);
  check_is(told.misuse, WEIR_MISUSE_LEFT);
  unsetenv("WEIR_DEBUG");
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
}

/* ---- What is none ---- */

WEIR_TEST(debug, says_nothing_of_what_is_right) {
  struct request r[2];
  struct scratch s;
  struct conn c;
  debug(f);
  weir_pool_t *pool = pool_of(f, 2);
  conn_tcp(f, &c);
  scratch_make(&s, 1000);
  for (int i = 0; i < 20; i++) {
    uv_buf_t a = take(pool);
    uv_buf_t b = take(pool);
    memset(r, 0, sizeof(r));
    check_is(weir_file_pread_all(f->loop, &r[0].op, s.fd,
                                 weir_mseq_block(a.base, a.len), 0, on_done),
             0);
    check_is(weir_read_some(&r[1].op, &c.stream, weir_mseq_block(b.base, 500),
                            on_done),
             0);
    finish(f, &r[0], 0, 1000);
    r[0].calls = 0;
    check_is(
        weir_write(&r[0].op, &c.stream, weir_seq_block(a.base, a.len), on_done),
        0);
    finish(f, &r[0], 0, 1000);
    peer_send(&c, 0, 500);
    run_until(f, &r[1].calls);
    peer_take(&c, 0, 1000);
    while (r[1].n < 500)
      check_is(weir_read_now(&c.stream,
                             weir_mseq_block(b.base + r[1].n, 500 - r[1].n),
                             &r[1].n),
               0);
    check_is(weir_pool_release(pool, &a), 0);
    check_is(weir_pool_release(pool, &b), 0);
  }
  conn_close(f, &c);
  scratch_remove(&s);
  check_is(weir_pool_destroy(pool), 0);
  check_is(told.count, 0);
  check_is(weir_debug_reports(f->loop), 0);
}

static void ends_in_child(struct weir_fixture *f, void *arg) {
  struct request *r = arg;
  must(uv_loop_fork(&f->uv) == 0 && weir_loop_fork(f->loop) == 0);
  while (r->calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) >= 0);
  must(told.count == 0);
}

/* The slab is all zeros there. */
WEIR_TEST(debug, compares_nothing_across_a_fork) {
  struct request r = {.calls = 0};
  struct conn c;
  debug(f);
  weir_pool_t *pool = pool_of(f, 4);
  uv_buf_t buf = take(pool);
  memset(buf.base, 'x', buf.len);
  conn_tcp(f, &c);
  check_is(
      weir_write(&r.op, &c.stream, weir_seq_block(buf.base, buf.len), on_done),
      0);
  child_run(ends_in_child, f, &r);
  finish(f, &r, 0, buf.len);
  check_is(weir_pool_release(pool, &buf), 0);
  conn_close(f, &c);
  check_is(weir_pool_destroy(pool), 0);
  check_is(told.count, 0);
}

WEIR_TEST(debug, has_free_buffers_poisoned_for_a_sanitizer) {
  debug(f);
  weir_pool_t *pool = pool_of(f, 1);
  uv_buf_t buf = take(pool);
  if (__asan_address_is_poisoned != NULL)
    check_is(__asan_address_is_poisoned(buf.base), 0);
  check_is((unsigned char)buf.base[0], 0xdb);
  check_is(weir_pool_release(pool, &buf), 0);
  if (__asan_address_is_poisoned != NULL)
    check_is(__asan_address_is_poisoned(buf.base), 1);
  check_is(weir_pool_destroy(pool), 0);
}

/* ---- Choosing it ---- */

static void attach_is(struct weir_fixture *f, const char *word,
                      weir_debug_t debug, int result, int on) {
  weir_loop_options_t options;
  char why[100];
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.debug = debug;
  options.why = why;
  options.why_size = sizeof(why);
  weir_loop_t *loop;
  setenv("WEIR_DEBUG", word, 1);
  check_is(weir_loop_attach(&f->uv, &options, &loop), result);
  cr_assert((why[0] != '\0') == (result != 0));
  if (result != 0)
    return;
  check_is(weir_debug_on_report(loop, NULL), on ? 0 : UV_ENOTSUP);
  check_is(weir_debug_reports(loop), 0);
  check_is(weir_loop_detach(loop, NULL), 0);
  run_out(f);
}

WEIR_TEST(debug, is_asked_for_by_an_option_or_the_environment) {
  attach_is(f, "", WEIR_DEBUG_AUTO, 0, 0);
  attach_is(f, "0", WEIR_DEBUG_AUTO, 0, 0);
  attach_is(f, "auto", WEIR_DEBUG_AUTO, 0, 0);
  attach_is(f, "1", WEIR_DEBUG_AUTO, 0, 1);
  attach_is(f, "abort", WEIR_DEBUG_AUTO, 0, 1);
  attach_is(f, "guard", WEIR_DEBUG_AUTO, 0, 1);
  attach_is(f, "yes", WEIR_DEBUG_AUTO, UV_EINVAL, 0);
  attach_is(f, "0", WEIR_DEBUG_ON, 0, 1);
  attach_is(f, "", WEIR_DEBUG_ABORT, 0, 1);
  attach_is(f, "", WEIR_DEBUG_GUARD, 0, 1);
  attach_is(f, "", (weir_debug_t)4, UV_EINVAL, 0);
  check_is(weir_debug_on_report(NULL, NULL), UV_EINVAL);
  unsetenv("WEIR_DEBUG");
}

Test(debug, prints_a_line_and_ends_the_program_if_asked) {
  char text[300];
  int fds[2];
  int status;
  check_is(pipe(fds), 0);
  pid_t child = fork();
  cr_assert(child >= 0);
  if (child == 0) {
    const uv_buf_t buf = uv_buf_init(mem, 10);
    weir_pool_t *pool = NULL;
    weir_loop_t *loop;
    uv_loop_t uv;
    setenv("WEIR_DEBUG", "abort", 1);
    signal(SIGABRT, SIG_DFL);
    dup2(fds[1], STDERR_FILENO);
    must(uv_loop_init(&uv) == 0 && weir_loop_attach(&uv, NULL, &loop) == 0 &&
         weir_pool_create(loop, 1, 1000, &pool) == 0);
    must(weir_pool_release(pool, &buf) == UV_EINVAL);
    child_leave(0);
  }
  check_is(waitpid(child, &status, 0), child);
  cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  ssize_t n = read(fds[0], text, sizeof(text) - 1);
  cr_assert(n > 0);
  text[n] = '\0';
  cr_assert(strstr(text, "weir: buffer: is not of the pool") == text, "%s",
            text);
  cr_assert(strchr(text, '\n') == text + n - 1);
  close(fds[0]);
  close(fds[1]);
}

Test(debug, a_line_says_all_that_a_report_does) {
  const weir_trail_t one = {.count = 2, .at = {mem, mem + 1}};
  const weir_trail_t two = {.count = 1, .at = {mem + 2}};
  weir_report_t report = {.misuse = WEIR_MISUSE_SHARED,
                          .what = "write",
                          .address = mem,
                          .size = 3,
                          .began = &one,
                          .other = "read",
                          .also = &two};
  char want[300];
  char line[300];
  char small[10];
  snprintf(want, sizeof(want),
           "weir: write: shares memory that is read into with another "
           "(3 bytes at %p); begun at %p %p; the other: read; begun at %p",
           (void *)mem, (void *)mem, (void *)(mem + 1), (void *)(mem + 2));
  check_is(weir_debug_line(&report, line, sizeof(line)), strlen(want));
  cr_assert_str_eq(line, want);
  memset(small, 'x', sizeof(small));
  check_is(weir_debug_line(&report, small, 9), strlen(want));
  cr_assert_str_eq(small, "weir: wr");
  check_is(small[9], 'x');
  check_is(weir_debug_line(&report, NULL, 0), strlen(want));
}
