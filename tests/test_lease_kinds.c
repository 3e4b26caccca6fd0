/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/borrow.h"
#include "support/descriptor.h"
#include "support/scratch.h"
#include "support/scripted.h"

/* Leases of streams of any sort. */

WEIR_TEST(lease, serves_pipes_and_files) {
  weir_pool_t *pool = new_pool(f, 2);
  struct scratch s;
  struct borrow b;
  struct conn c = {.peer = -1};
  int fds[2];

  make_pipe(fds, 0);
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  c.stream.data = &c;
  check_is(weir_pipe_open(&c.stream, fds[0]), 0);
  borrow(&b, &c.stream, pool);
  run_some_turns(f);
  check_is(write(fds[1], "abc", 3), 3);
  finish(f, &b.r, 0, 3);
  check_is(memcmp(b.lease.buf.base, "abc", 3), 0);
  give_back(&b);
  close_stream(f, &c);
  close(fds[1]);
  scratch_make(&s, BORROW_SIZE + 10);
  c = (struct conn){.peer = -1};
  check_is(weir_pipe_init(f->loop, &c.stream), 0);
  c.stream.data = &c;
  check_is(weir_pipe_open(&c.stream, dup(s.fd)), 0);
  check_is(lseek(s.fd, 0, SEEK_SET), 0);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, 0, BORROW_SIZE);
  give_back(&b);
  borrow(&b, &c.stream, pool);
  expect_bytes(f, &b, BORROW_SIZE, 10);
  give_back(&b);
  borrow(&b, &c.stream, pool);
  expect_none(f, &b, UV_EOF);
  close_stream(f, &c);
  scratch_remove(&s);
  end_pool(pool);
}

WEIR_TEST(lease, serves_kinds_of_ones_own) {
  const weir_test_step_t steps[] = {{.bytes = 10, .turns = 2},
                                    {.status = UV_EAGAIN},
                                    {.bytes = 5},
                                    {.status = UV_ECONNRESET, .bytes = 3},
                                    {.turns = WEIR_TEST_NEVER}};
  char input[100];
  weir_test_options_t options = {
      .read = {.steps = steps, .nsteps = 5}, .input = input, .input_size = 100};
  weir_pool_t *pool = new_pool(f, 1);
  struct scripted s;
  struct borrow b;

  pattern_fill(input, 0, 100);
  scripted_open(f, &s, &options);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 0, 10);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 10, 5);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_bytes(f, &b, 15, 3);
  give_back(&b);
  borrow(&b, &s.stream, pool);
  expect_none(f, &b, UV_ECONNRESET);
  borrow(&b, &s.stream, pool);
  run_some_turns(f);
  check_is(weir_pool_available(pool), 0);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  scripted_close(f, &s);
  end_pool(pool);
}

/* For a kind that fills the window when something has come. */
WEIR_TEST(lease, shows_kinds_of_ones_own_its_buffer) {
  weir_test_options_t options = {.read = {.rest = {.turns = WEIR_TEST_NEVER}}};
  weir_pool_t *pool = new_pool(f, 1);
  uv_buf_t window[WEIR_WINDOW], all;
  struct scripted s;
  struct borrow b;

  check_is(weir_pool_acquire(pool, &all), 0);
  check_is(weir_pool_release(pool, &all), 0);
  scripted_open(f, &s, &options);
  borrow(&b, &s.stream, pool);
  check_is(weir_stream_read_window(&s.stream, window), 1);
  cr_assert(window[0].base == all.base);
  check_is(window[0].len, BORROW_SIZE);
  weir_cancel(&b.r.op);
  expect_none(f, &b, UV_ECANCELED);
  scripted_close(f, &s);
  end_pool(pool);
}

/* Ready for ever, and nothing there: another reads it first. */
WEIR_TEST(lease, what_another_has_taken_is_waited_for_again) {
  weir_pool_t *pool = new_pool(f, 1);
  struct borrow b;
  struct conn c;
  char bytes[10];
  uv_buf_t all;
  uv_os_fd_t fd;

  conn_tcp(f, &c);
  check_is(weir_pool_acquire(pool, &all), 0);
  borrow(&b, &c.stream, pool);
  peer_send(&c, 0, 10);
  run_some_turns(f);
  check_is(weir_fileno(&c.stream, &fd), 0);
  check_is(recv(fd, bytes, 10, 0), 10);
  check_is(weir_pool_release(pool, &all), 0);
  run_some_turns(f);
  check_is(b.r.calls, 0);
  check_is(weir_pool_available(pool), 1);
  peer_send(&c, 10, 10);
  expect_bytes(f, &b, 10, 10);
  give_back(&b);
  conn_close(f, &c);
  end_pool(pool);
}
