/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include "support/plan.h"
#include "support/scratch.h"

/* Files with a position of their own. */

enum { CHUNK = 1000, MANY = 50 };

/* With a byte between them, since neighbours are one. */
static char bytes[MANY][CHUNK + 1];
static struct request requests[MANY];

static weir_mseq_t room(int i) {
  return weir_mseq_block(bytes[i], CHUNK);
}

static weir_seq_t chunk(int i) {
  return weir_seq_block(bytes[i], CHUNK);
}

static void clear(void) {
  memset(requests, 0, sizeof(requests));
  memset(bytes, 0, sizeof(bytes));
}

static void fill_chunks(void) {
  for (int i = 0; i < MANY; i++)
    pattern_fill(bytes[i], (size_t)i * CHUNK, CHUNK);
}

static void open_it(struct weir_fixture *f, struct scratch *s,
                    weir_file_t *file, size_t len) {
  clear();
  scratch_make(s, len);
  memset(file, 0xff, sizeof(*file));
  check_is(weir_file_init(f->loop, file, s->fd), 0);
  check_is(weir_file_descriptor(file), s->fd);
  check_is(weir_file_tell(file), 0);
}

WEIR_TEST(fileobj, goes_on_where_the_last_transfer_ended) {
  struct request *r = &requests[0];
  weir_file_t file;
  struct scratch s;

  open_it(f, &s, &file, (size_t)3 * CHUNK + 7);
  for (size_t i = 0; i < 3; i++) {
    r->calls = 0;
    check_is(weir_file_read_all(&r->op, &file, room(0), on_done), 0);
    finish(f, r, 0, CHUNK);
    cr_assert(pattern_holds(bytes[0], i * CHUNK, CHUNK));
    check_is(weir_file_tell(&file), (i + 1) * CHUNK);
  }
  r->calls = 0;
  check_is(weir_file_read_all(&r->op, &file, room(0), on_done), 0);
  finish(f, r, UV_EOF, 7);
  check_is(weir_file_tell(&file), 3 * CHUNK + 7);
  r->calls = 0;
  check_is(weir_file_read(&r->op, &file, room(0), on_done), 0);
  finish(f, r, 0, 0);
  check_is(weir_file_tell(&file), 3 * CHUNK + 7);
  check_is(lseek(s.fd, 0, SEEK_CUR), 0);
  scratch_remove(&s);
}

WEIR_TEST(fileobj, one_transfer_moves_by_what_it_moved) {
  struct request *r = &requests[0];
  weir_file_t file;
  struct scratch s;
  size_t at = 0;

  open_it(f, &s, &file, CHUNK);
  do {
    r->calls = 0;
    check_is(weir_file_read(&r->op, &file, room(0), on_done), 0);
    run_until(f, &r->calls);
    check_is(r->status, 0);
    cr_assert(pattern_holds(bytes[0], at, r->n));
    at += r->n;
    check_is(weir_file_tell(&file), at);
  } while (r->n > 0);
  check_is(at, CHUNK);
  scratch_remove(&s);
}

static void finish_all(struct weir_fixture *f) {
  for (int i = 0; i < MANY; i++) {
    run_until(f, &requests[i].calls);
    check_is(requests[i].calls, 1);
    check_is(requests[i].status, 0);
    check_is(requests[i].n, CHUNK);
  }
}

static void write_many(struct weir_fixture *f, weir_file_t *file) {
  fill_chunks();
  for (int i = 0; i < MANY; i++)
    check_is(weir_file_write_all(&requests[i].op, file, chunk(i), on_done), 0);
  check_is(weir_file_seek(file, 0), UV_EBUSY);
  check_is(weir_file_write(NULL, file, chunk(0), NULL), UV_EBUSY);
  check_is(weir_file_read_all(NULL, file, room(0), NULL), UV_EBUSY);
  finish_all(f);
  check_is(weir_file_tell(file), MANY * CHUNK);
}

static void read_many(struct weir_fixture *f, weir_file_t *file) {
  clear();
  check_is(weir_file_seek(file, 0), 0);
  for (int i = 0; i < MANY; i++)
    check_is(weir_file_read_all(&requests[i].op, file, room(i), on_done), 0);
  finish_all(f);
  for (int i = 0; i < MANY; i++)
    cr_assert(pattern_holds(bytes[i], (size_t)i * CHUNK, CHUNK));
}

WEIR_TEST(fileobj, many_outstanding_go_in_their_order) {
  weir_file_t file;
  struct scratch s;

  open_it(f, &s, &file, 0);
  write_many(f, &file);
  scratch_expect(&s, 0, (size_t)MANY * CHUNK);
  read_many(f, &file);
  scratch_remove(&s);
}

WEIR_TEST(fileobj, two_files_of_a_descriptor_know_nothing_of_each_other) {
  struct request *r = requests;
  weir_file_t one, other;
  struct scratch s;

  open_it(f, &s, &one, (size_t)2 * CHUNK);
  check_is(weir_file_init(f->loop, &other, s.fd), 0);
  check_is(weir_file_seek(&other, CHUNK), 0);
  check_is(weir_file_read_all(&r[0].op, &one, room(0), on_done), 0);
  check_is(weir_file_read_all(&r[1].op, &other, room(1), on_done), 0);
  finish(f, &r[0], 0, CHUNK);
  finish(f, &r[1], 0, CHUNK);
  cr_assert(pattern_holds(bytes[0], 0, CHUNK));
  cr_assert(pattern_holds(bytes[1], CHUNK, CHUNK));
  scratch_remove(&s);
}

WEIR_TEST(fileobj, an_error_moves_by_what_went_before_it) {
  weir_fault_rule_t rule = {
      .what = WEIR_FAULT_FILE_WRITE, .nth = 2, .error = UV_ENOSPC};
  weir_fault_t *fault;
  uv_buf_t bufs[2 * WEIR_WINDOW];
  struct request *r = requests;
  weir_file_t file;
  struct scratch s;

  fault = fault_begin_rule(f, rule);
  open_it(f, &s, &file, 0);
  fill_chunks();
  for (int i = 0; i < 2 * WEIR_WINDOW; i++)
    bufs[i] = uv_buf_init(bytes[i], CHUNK);
  check_is(weir_file_write_all(&r[0].op, &file,
                               weir_seq_bufs(bufs, 2 * WEIR_WINDOW), on_done),
           0);
  check_is(weir_file_write_all(&r[1].op, &file, chunk(WEIR_WINDOW), on_done),
           0);
  finish(f, &r[0], UV_ENOSPC, (size_t)WEIR_WINDOW * CHUNK);
  finish(f, &r[1], 0, CHUNK);
  check_is(weir_file_tell(&file), (WEIR_WINDOW + 1) * CHUNK);
  scratch_expect(&s, 0, (size_t)(WEIR_WINDOW + 1) * CHUNK);
  fault_end(f, fault);
  scratch_remove(&s);
}

WEIR_TEST(fileobj, without_a_callback_is_synchronous) {
  weir_file_t file;
  struct scratch s;
  weir_op_t op;

  open_it(f, &s, &file, 0);
  fill_chunks();
  check_is(weir_file_write_all(&op, &file, chunk(0), NULL), 0);
  check_is(weir_file_moved(&op), CHUNK);
  check_is(weir_file_write(&op, &file, chunk(1), NULL), CHUNK);
  check_is(weir_file_moved(&op), CHUNK);
  check_is(weir_file_write(NULL, &file, chunk(2), NULL), CHUNK);
  check_is(weir_file_tell(&file), 3 * CHUNK);
  scratch_expect(&s, 0, (size_t)3 * CHUNK);
  check_is(weir_file_seek(&file, CHUNK / 2), 0);
  clear();
  check_is(weir_file_read_all(&op, &file, room(0), NULL), 0);
  check_is(weir_file_read(NULL, &file, room(1), NULL), CHUNK);
  check_is(weir_file_read_all(&op, &file, room(2), NULL), UV_EOF);
  check_is(weir_file_moved(&op), CHUNK / 2);
  cr_assert(pattern_holds(bytes[1], CHUNK + CHUNK / 2, CHUNK));
  check_is(weir_file_tell(&file), 3 * CHUNK);
  check_is(weir_file_init(f->loop, &file, -1), 0);
  check_is(weir_file_read(&op, &file, room(0), NULL), UV_EBADF);
  check_is(weir_file_moved(&op), 0);
  check_is(weir_file_tell(&file), 0);
  scratch_remove(&s);
}

WEIR_TEST(fileobj, nothing_to_move_takes_no_turn) {
  const weir_mseq_t none = weir_mseq_block(NULL, 0);
  struct request *r = requests;
  weir_file_t file;
  struct scratch s;

  open_it(f, &s, &file, CHUNK);
  check_is(weir_file_read_all(&r[0].op, &file, room(0), on_done), 0);
  check_is(weir_file_read(&r[1].op, &file, none, on_done), 0);
  finish(f, &r[1], 0, 0);
  finish(f, &r[0], 0, CHUNK);
  scratch_remove(&s);
}

WEIR_TEST(fileobj, refuses_nonsense) {
  struct request *r = requests;
  weir_file_t file;

  clear();
  check_is(weir_file_init(NULL, &file, 0), UV_EINVAL);
  check_is(weir_file_init(f->loop, NULL, 0), UV_EINVAL);
  check_is(weir_file_init(f->loop, &file, 0), 0);
  check_is(weir_file_read(&r->op, NULL, room(0), on_done), UV_EINVAL);
  check_is(weir_file_read_all(NULL, NULL, room(0), NULL), UV_EINVAL);
  check_is(weir_file_write(NULL, &file, chunk(0), on_done), UV_EINVAL);
  check_is(weir_file_write_all(NULL, &file, chunk(0), on_done), UV_EINVAL);
  check_is(weir_file_seek(NULL, 0), UV_EINVAL);
  check_is(weir_file_seek(&file, -1), UV_EINVAL);
}

/* ---- Ended before its turn, and in it ---- */

/* Three reads of a pipe, the first of which has its turn. */
static void begin_three(struct weir_fixture *f, weir_file_t *file, int fds[2]) {
  clear();
  check_is(pipe(fds), 0);
  check_is(weir_file_init(f->loop, file, fds[0]), 0);
  for (int i = 0; i < 3; i++)
    check_is(weir_file_read_all(&requests[i].op, file, room(i), on_done), 0);
  run_some_turns(f);
}

static void put_chunk(const int fds[2], int i) {
  char data[CHUNK];

  pattern_fill(data, (size_t)i * CHUNK, CHUNK);
  check_is(write(fds[1], data, CHUNK), CHUNK);
}

static void end_pipe(const int fds[2]) {
  close(fds[0]);
  close(fds[1]);
}

WEIR_TEST(fileobj, what_has_no_positions_goes_on_with_what_comes) {
  weir_file_t file;
  int fds[2];

  begin_three(f, &file, fds);
  for (int i = 0; i < 3; i++) {
    check_is(requests[i].calls, 0);
    put_chunk(fds, i);
    finish(f, &requests[i], 0, CHUNK);
    cr_assert(pattern_holds(bytes[i], (size_t)i * CHUNK, CHUNK));
    check_is(weir_file_tell(&file), (i + 1) * CHUNK);
  }
  end_pipe(fds);
}

WEIR_TEST(fileobj, cancelled_before_its_turn_has_moved_nothing) {
  struct request *r = requests;
  weir_file_t file;
  int fds[2];

  begin_three(f, &file, fds);
  weir_cancel(&r[1].op);
  finish(f, &r[1], UV_ECANCELED, 0);
  check_is(r[0].calls, 0);
  put_chunk(fds, 0);
  finish(f, &r[0], 0, CHUNK);
  put_chunk(fds, 1);
  finish(f, &r[2], 0, CHUNK);
  cr_assert(pattern_holds(bytes[2], CHUNK, CHUNK));
  end_pipe(fds);
}

WEIR_TEST(fileobj, cancelled_in_its_turn_leaves_it_to_the_next) {
  struct request *r = requests;
  weir_file_t file;
  int fds[2];

  begin_three(f, &file, fds);
  weir_cancel(&r[0].op);
  finish(f, &r[0], UV_ECANCELED, 0);
  put_chunk(fds, 0);
  finish(f, &r[1], 0, CHUNK);
  cr_assert(pattern_holds(bytes[1], 0, CHUNK));
  weir_cancel(&r[2].op);
  finish(f, &r[2], UV_ECANCELED, 0);
  check_is(weir_file_tell(&file), CHUNK);
  check_is(weir_file_seek(&file, 0), 0);
  end_pipe(fds);
}

static void expect_cancelled(void) {
  for (int i = 0; i < 3; i++) {
    check_is(requests[i].calls, 1);
    check_is(requests[i].status, UV_ECANCELED);
    check_is(requests[i].n, 0);
  }
}

WEIR_TEST(fileobj, all_end_with_the_loop) {
  weir_file_t file;
  int fds[2];

  begin_three(f, &file, fds);
  check_is(weir_loop_shutdown(f->loop, NULL, NULL), 0);
  run_out(f);
  expect_cancelled();
  check_is(weir_loop_attach(&f->uv, NULL, &f->loop), 0);
  end_pipe(fds);
}

WEIR_TEST(fileobj, all_end_where_the_handles_are_closed) {
  weir_file_t file;
  int fds[2];

  begin_three(f, &file, fds);
  uv_walk(&f->uv, close_each, NULL);
  check_is(weir_loop_detach(f->loop, NULL), UV_EBUSY);
  check_is(weir_file_read(&requests[0].op, &file, room(0), on_done),
           UV_ECANCELED);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  expect_cancelled();
  check_is(weir_loop_detach(f->loop, NULL), 0);
  f->loop = NULL;
  end_pipe(fds);
}

WEIR_TEST(fileobj, its_memory_may_go_in_the_last_callback) {
  enum { ROUNDS = 200 };
  weir_file_t file;
  struct scratch s;

  open_it(f, &s, &file, (size_t)MANY * CHUNK);
  for (int i = 0; i < ROUNDS; i++) {
    struct request *r = &requests[i % MANY];
    memset(r, 0, sizeof(*r));
    check_is(weir_file_seek(&file, (int64_t)(i % MANY) * CHUNK), 0);
    check_is(weir_file_read_all(&r->op, &file, room(0), on_done), 0);
    finish(f, r, 0, CHUNK);
    memset(&file, 0xff, sizeof(file));
    check_is(weir_file_init(f->loop, &file, s.fd), 0);
  }
  scratch_remove(&s);
}
