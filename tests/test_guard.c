/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/debug.h>

#include "support/borrow.h"
#include "support/child.h"
#include "support/sanitized.h"
#include "support/scratch.h"

/* Guard mode: what goes past a buffer is stopped where it does, and all else of
 * pools is as it was. */

static struct {
  sigjmp_buf back;
  void *volatile at; /* where it struck */
} hit;

static struct {
  int count;
  weir_misuse_t misuse;
  size_t size;
} told;

static void on_report(weir_loop_t *loop, const weir_report_t *report) {
  (void)loop;
  told.count++;
  told.misuse = report->misuse;
  told.size = report->size;
}

static void guard(struct weir_fixture *f) {
  setenv("WEIR_DEBUG", "guard", 1);
  fixture_reattach(f, 0);
  unsetenv("WEIR_DEBUG");
  check_is(weir_debug_on_report(f->loop, on_report), 0);
  memset(&told, 0, sizeof(told));
}

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static weir_pool_t *pool_with(struct weir_fixture *f,
                              weir_pool_options_t options) {
  weir_pool_t *pool = NULL;
  options.size = sizeof(options);
  check_is(weir_pool_create_with(f->loop, &options, &pool), 0);
  return pool;
}

static weir_pool_t *pool_of(struct weir_fixture *f, size_t count, size_t size) {
  return pool_with(f,
                   (weir_pool_options_t){.count = count, .buffer_size = size});
}

static uv_buf_t take(weir_pool_t *pool, size_t size) {
  uv_buf_t buf;
  check_is(weir_pool_acquire_size(pool, size, &buf), 0);
  return buf;
}

static void give(weir_pool_t *pool, const uv_buf_t *buf) {
  check_is(weir_pool_release(pool, buf), 0);
}

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  hit.at = info->si_addr;
  siglongjmp(hit.back, 1);
}

static void touch(volatile char *at, int writes) {
  char byte = *at;
  if (writes)
    *at = byte;
}

/* Whether a look, or a write, at that byte is stopped there. */
static int strikes(char *at, int writes) {
  const struct sigaction ours = {.sa_sigaction = on_signal,
                                 .sa_flags = SA_SIGINFO};
  struct sigaction before;
  hit.at = NULL;
  sigaction(SIGSEGV, &ours, &before);
  if (sigsetjmp(hit.back, 1) == 0)
    touch(at, writes);
  sigaction(SIGSEGV, &before, NULL);
  cr_assert(hit.at == NULL || hit.at == at);
  return hit.at != NULL;
}

static void expect_struck(char *at) {
  cr_assert(strikes(at, 0) && strikes(at, 1));
}

/* All of it can be used, and nothing behind it, nor before its first page. */
static void expect_guarded(const uv_buf_t *buf) {
  size_t page = page_size();
  char *end = buf->base + (buf->len + 63) / 64 * 64;
  char *first = buf->base - (uintptr_t)buf->base % page;
  check_is((uintptr_t)end % page, 0);
  check_is((uintptr_t)buf->base % (buf->len % 4096 == 0 ? 4096 : 64), 0);
  memset(buf->base, 'x', buf->len);
  check_is(strikes(buf->base, 1), 0);
  check_is(strikes(buf->base + buf->len - 1, 1), 0);
  for (size_t i = 0; i < page; i += page - 1) {
    expect_struck(end + i);
    expect_struck(first - 1 - i);
  }
}

WEIR_TEST(guard, stands_around_buffers_of_any_size) {
  const size_t page = page_size();
  const size_t sizes[] = {1,    63,           64,   1000,    4096,
                          page, 2 * page + 7, 5000, 3 * page};
  guard(f);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    weir_pool_t *pool = pool_of(f, 3, sizes[i]);
    uv_buf_t bufs[3];
    for (int k = 0; k < 3; k++) {
      bufs[k] = take(pool, sizes[i]);
      check_is(bufs[k].len, sizes[i]);
      check_is((unsigned char)bufs[k].base[sizes[i] - 1], 0xdb);
    }
    for (int k = 0; k < 3; k++)
      expect_guarded(&bufs[k]);
    for (int k = 0; k < 3; k++)
      give(pool, &bufs[k]);
    end_pool(pool);
  }
  check_is(told.count, 0);
}

WEIR_TEST(guard, stands_around_pieces_of_a_buffer) {
  enum { LEAST = 4096, WHOLE = 262144, MOST = 64 };
  uv_buf_t bufs[MOST];
  guard(f);
  weir_pool_t *pool = pool_with(
      f,
      (weir_pool_options_t){.count = 1, .buffer_size = WHOLE, .least = LEAST});
  for (size_t size = LEAST; size <= WHOLE; size *= 4) {
    size_t n = WHOLE / size;
    for (size_t i = 0; i < n; i++)
      bufs[i] = take(pool, size);
    for (size_t i = 0; i < n; i++) {
      check_is(bufs[i].len, size);
      expect_guarded(&bufs[i]);
    }
    for (size_t i = 0; i < n; i++)
      give(pool, &bufs[(i * 7 + 3) % n]);
    check_is(weir_pool_available(pool), 1);
  }
  bufs[0] = take(pool, 1);
  bufs[1] = take(pool, 65536);
  bufs[2] = take(pool, 16384);
  for (int i = 0; i < 3; i++)
    expect_guarded(&bufs[i]);
  for (int i = 0; i < 3; i++)
    give(pool, &bufs[i]);
  end_pool(pool);
  check_is(told.count, 0);
}

WEIR_TEST(guard, has_no_memory_where_nothing_is_out) {
  guard(f);
  weir_pool_t *pool = pool_of(f, 2, 4096);
  uv_buf_t a = take(pool, 1), b = take(pool, 1);
  memset(a.base, 'a', a.len);
  check_is(weir_pool_retain(pool, &a), 0);
  give(pool, &a);
  check_is(strikes(a.base, 1), 0);
  give(pool, &a);
  expect_struck(a.base);
  expect_struck(a.base + a.len - 1);
  check_is(strikes(b.base, 1), 0);
  uv_buf_t again = take(pool, 1);
  cr_assert(again.base == a.base);
  check_is((unsigned char)again.base[0], 0xdb);
  give(pool, &again);
  give(pool, &b);
  end_pool(pool);
}

/* In the pages that it has to itself. */
WEIR_TEST(guard, tells_of_bytes_beside_a_buffer) {
  enum { SIZE = 1000 };
  guard(f);
  weir_pool_t *pool = pool_of(f, 1, SIZE);
  for (int i = 0; i < 4; i++) {
    uv_buf_t buf = take(pool, SIZE);
    memset(buf.base, 'x', SIZE);
    if (i == 1)
      buf.base[-1] = 'x';
    else if (i == 2)
      buf.base[SIZE] = 'x';
    memset(&told, 0, sizeof(told));
    give(pool, &buf);
    check_is(told.count, i == 1 || i == 2);
    if (told.count > 0)
      cr_assert(told.misuse == WEIR_MISUSE_BESIDE && told.size == SIZE);
  }
  end_pool(pool);
}

WEIR_TEST(guard, says_why_nothing_is_registered) {
  const char *sentence;
  weir_buffer_options_t options = {.size = sizeof(options)};
  guard(f);
  weir_pool_t *pool = pool_of(f, 4, 4096);
  check_is(weir_pool_status(pool, &sentence), UV_ENOTSUP);
  cr_assert(strstr(sentence, "guard mode") != NULL, "%s", sentence);
  check_is(weir_pool_registered(pool), 0);
  check_is(weir_pool_count(pool), 4);
  check_is(weir_pool_available(pool), 4);
  check_is(weir_pool_buffer_size(pool), 4096);
  check_is(weir_pool_source(pool, &options), 0);
  end_pool(pool);
}

/* What lies between buffers is none. */
WEIR_TEST(guard, tells_buffers_from_what_is_between) {
  guard(f);
  weir_pool_t *pool = pool_of(f, 2, 5000);
  uv_buf_t buf = take(pool, 1);
  uv_buf_t inside = uv_buf_init(buf.base + 4999, 1);
  uv_buf_t behind = uv_buf_init(buf.base + 5000, 1);
  uv_buf_t before = uv_buf_init(buf.base - 1, 1);
  check_is(weir_pool_retain(pool, &behind), UV_EINVAL);
  check_is(weir_pool_release(pool, &before), UV_EINVAL);
  check_is(told.count, 2);
  check_is(told.misuse, WEIR_MISUSE_FOREIGN);
  check_is(weir_pool_retain(pool, &inside), 0);
  give(pool, &buf);
  give(pool, &inside);
  check_is(weir_pool_release(pool, &inside), UV_EINVAL);
  check_is(told.misuse, WEIR_MISUSE_RELEASED_TWICE);
  end_pool(pool);
}

WEIR_TEST(guard, takes_back_what_is_returned) {
  enum { LEAST = 64, WHOLE = 1024 };
  guard(f);
  weir_pool_t *pool = pool_with(
      f,
      (weir_pool_options_t){.count = 2, .buffer_size = WHOLE, .least = LEAST});
  for (size_t size = LEAST; size <= WHOLE; size *= 4) {
    uv_buf_t bufs[2 * WHOLE / LEAST], none;
    size_t n = 2 * WHOLE / size;
    for (size_t i = 0; i < n; i++)
      bufs[i] = take(pool, size);
    check_is(weir_pool_acquire_size(pool, size, &none), UV_ENOBUFS);
    for (size_t i = 0; i < n; i++)
      check_is(weir_pool_return(pool, &bufs[i]), 0);
    uv_buf_t whole = take(pool, WHOLE);
    check_is(weir_pool_available(pool), 1);
    give(pool, &whole);
  }
  uv_buf_t buf = take(pool, WHOLE);
  check_is(weir_pool_return(pool, &buf), 0);
  check_is(weir_pool_return(pool, &buf), 0);
  check_is(weir_pool_destroy(pool), 0);
  check_is(told.count, 1);
  check_is(told.misuse, WEIR_MISUSE_RELEASED_TWICE);
}

/* ---- Transfers ---- */

static void copy_file(struct weir_fixture *f, weir_pool_t *pool, size_t size) {
  struct request r = {.calls = 0};
  struct scratch from, to;
  uv_buf_t buf = take(pool, size);
  scratch_make(&from, size);
  scratch_make(&to, 0);
  check_is(weir_file_pread_all(f->loop, &r.op, from.fd,
                               weir_mseq_block(buf.base, size), 0, on_done),
           0);
  finish(f, &r, 0, size);
  r.calls = 0;
  check_is(weir_file_pwrite_all(f->loop, &r.op, to.fd,
                                weir_seq_block(buf.base, size), 0, on_done),
           0);
  finish(f, &r, 0, size);
  scratch_expect(&to, 0, size);
  scratch_remove(&from);
  scratch_remove(&to);
  give(pool, &buf);
}

WEIR_TEST(guard, leaves_files_as_they_are) {
  guard(f);
  weir_pool_t *pool = pool_with(
      f,
      (weir_pool_options_t){.count = 2, .buffer_size = 262144, .least = 4096});
  for (size_t size = 1; size <= 262144; size *= 3)
    copy_file(f, pool, size);
  copy_file(f, pool, 262144);
  check_is(weir_pool_available(pool), 2);
  end_pool(pool);
  check_is(told.count, 0);
}

WEIR_TEST(guard, leaves_streams_and_leases_as_they_are) {
  struct request r;
  struct borrow b;
  struct conn c;
  guard(f);
  weir_pool_t *pool = new_pool(f, 8);
  conn_tcp(f, &c);
  for (size_t i = 0; i < 40; i++) {
    borrow(&b, &c.stream, pool);
    if (i % 2 == 0)
      run_some_turns(f);
    peer_send(&c, i * 100, 100);
    expect_bytes(f, &b, i * 100, 100);
    memset(&r, 0, sizeof(r));
    check_is(weir_write(&r.op, &c.stream,
                        weir_seq_block(b.lease.buf.base, b.lease.buf.len),
                        on_done),
             0);
    give_back(&b);
    finish(f, &r, 0, 100);
    peer_take(&c, i * 100, 100);
  }
  conn_close(f, &c);
  end_pool(pool);
  check_is(told.count, 0);
}

/* The system stops where the buffer does. */
WEIR_TEST(guard, stops_a_read_that_goes_on_behind_a_buffer) {
  struct request r = {.calls = 0};
  struct conn c;
  guard(f);
  weir_pool_t *pool = pool_of(f, 2, 4096);
  uv_buf_t a = take(pool, 1), b = take(pool, 1);
  conn_tcp(f, &c);
  check_is(weir_read(&r.op, &c.stream, weir_mseq_block(a.base, 10000),
                     weir_all(), on_done),
           0);
  peer_send(&c, 0, 10000);
  run_until(f, &r.calls);
  check_is(r.status, UV_EFAULT);
  cr_assert(r.n <= 4096);
  check_is((unsigned char)b.base[0], 0xdb);
  conn_close(f, &c);
  give(pool, &a);
  give(pool, &b);
  end_pool(pool);
}

/* ---- What comes and goes ---- */

WEIR_TEST(guard, stands_around_what_a_pool_grows_by) {
  enum { MOST = 9, SIZE = 10000, PATIENCE = 5000 };
  uv_buf_t bufs[MOST], none;
  guard(f);
  weir_pool_t *pool = pool_with(
      f,
      (weir_pool_options_t){
          .count = 2, .buffer_size = SIZE, .most = MOST, .step = 3, .idle = 1});
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < MOST; i++)
      bufs[i] = take(pool, 1);
    check_is(weir_pool_acquire(pool, &none), UV_ENOBUFS);
    check_is(weir_pool_count(pool), MOST);
    check_is(weir_pool_registered(pool), 0);
    for (int i = 0; i < MOST; i++)
      expect_guarded(&bufs[i]);
    for (int i = 0; i < MOST; i++)
      give(pool, &bufs[i]);
    for (int i = 0; i < PATIENCE && weir_pool_count(pool) > 2; i++) {
      uv_sleep(2);
      run_turn(f);
    }
    check_is(weir_pool_count(pool), 2);
    for (int i = 0; i < MOST; i++)
      expect_struck(bufs[i].base);
  }
  end_pool(pool);
  check_is(told.count, 0);
}

/* Lets the child have no more memory, or no more addresses; not where that is
 * not heeded, as under qemu. */
static int limited(int addresses, struct rlimit *before) {
  must((addresses ? getrlimit(RLIMIT_AS, before)
                  : getrlimit(RLIMIT_DATA, before)) == 0);
  struct rlimit none = *before;
  none.rlim_cur = 1 << 20;
  must((addresses ? setrlimit(RLIMIT_AS, &none)
                  : setrlimit(RLIMIT_DATA, &none)) == 0);
  void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return 1;
  munmap(p, 1 << 20);
  return 0;
}

static void must_find_no_memory(struct weir_fixture *f, void *arg) {
  weir_pool_t *pool = arg;
  struct rlimit before;
  uv_buf_t buf = uv_buf_init(NULL, 0), again;
  must(uv_loop_fork(&f->uv) == 0 && weir_loop_fork(f->loop) == 0);
  if (!limited(0, &before))
    return;
  must(weir_pool_acquire(pool, &buf) == UV_ENOBUFS && buf.base == NULL);
  must(weir_pool_available(pool) == 4);
  must(setrlimit(RLIMIT_DATA, &before) == 0);
  must(weir_pool_acquire(pool, &buf) == 0);
  buf.base[0] = 'x';
  must(limited(0, &before));
  must(weir_pool_release(pool, &buf) == 0);
  must(weir_pool_acquire(pool, &again) == UV_ENOBUFS);
  must(setrlimit(RLIMIT_DATA, &before) == 0);
  must(weir_pool_destroy(pool) == 0);
}

WEIR_TEST(guard, has_no_buffer_where_there_is_no_memory) {
  guard(f);
  weir_pool_t *pool = pool_of(f, 4, 1 << 20);
  child_run(must_find_no_memory, f, pool);
  end_pool(pool);
}

static void must_find_no_addresses(struct weir_fixture *f, void *arg) {
  weir_pool_t *pool = NULL;
  struct rlimit before;
  (void)arg;
  must(uv_loop_fork(&f->uv) == 0 && weir_loop_fork(f->loop) == 0);
  if (!limited(1, &before))
    return;
  must(weir_pool_create(f->loop, 1000, 64, &pool) == UV_ENOMEM);
  must(setrlimit(RLIMIT_AS, &before) == 0);
  must(weir_pool_create(f->loop, 1000, 64, &pool) == 0);
  must(weir_pool_destroy(pool) == 0);
}

WEIR_TEST(guard, wants_addresses_for_all_of_a_pool) {
  if (SANITIZED) {
    fixture_skip(f, "a sanitizer wants addresses, too");
    return;
  }
  guard(f);
  child_run(must_find_no_addresses, f, NULL);
}

static void must_use_its_own(struct weir_fixture *f, void *arg) {
  uv_buf_t *buf = arg;
  must(uv_loop_fork(&f->uv) == 0 && weir_loop_fork(f->loop) == 0);
  buf->base[0] = 'c';
  must(told.count == 0);
}

WEIR_TEST(guard, gives_a_child_memory_of_its_own) {
  guard(f);
  weir_pool_t *pool = pool_of(f, 2, 5000);
  uv_buf_t buf = take(pool, 1);
  memset(buf.base, 'p', buf.len);
  child_run(must_use_its_own, f, &buf);
  check_is(buf.base[0], 'p');
  give(pool, &buf);
  end_pool(pool);
  check_is(told.count, 0);
}

/* Nobody is there to catch it. */
Test(guard, ends_the_program_by_a_signal) {
  for (int behind = 0; behind < 2; behind++) {
    int status;
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
      weir_pool_t *pool = NULL;
      weir_loop_t *loop;
      uv_loop_t uv;
      uv_buf_t buf;
      setenv("WEIR_DEBUG", "guard", 1);
      signal(SIGSEGV, SIG_DFL);
      must(uv_loop_init(&uv) == 0 && weir_loop_attach(&uv, NULL, &loop) == 0 &&
           weir_pool_create(loop, 1, 4096, &pool) == 0 &&
           weir_pool_acquire(pool, &buf) == 0);
      touch(behind ? buf.base + 4096 : buf.base - 1, 1);
      child_leave(0);
    }
    check_is(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  }
}
