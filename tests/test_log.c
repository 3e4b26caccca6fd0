/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../samples/log.h"
#include "../samples/log_crc.h"

#include "support/plan.h"
#include "support/scratch.h"

/* The log of the sample wal: what makes a record, and disks that fail. */

enum { SEGMENT = 64 << 10, MANY = 1000 };

struct book {
  log_t log;
  char dir[SCRATCH_DIR];
  int failures;
};

struct waiter {
  log_wait_t wait;
  int calls;
  int status;
};

static void on_failed(log_t *log, int status) {
  struct book *b = (struct book *)log;

  check_is(status, log->status);
  b->failures++;
}

static int open_book(struct weir_fixture *f, struct book *b) {
  log_end_t end;

  memset(&b->log, 0, sizeof(b->log));
  b->failures = 0;
  b->log.failed = on_failed;
  return log_open(&b->log, f->loop, b->dir, SEGMENT, &end);
}

static void close_book(struct weir_fixture *f, struct book *b) {
  log_close(&b->log);
  run_out(f);
  log_free(&b->log);
}

static void remove_book(struct book *b) {
  char path[SEGMENT_PATH];

  for (uint32_t i = 0; i < 100; i++)
    if (segment_path(path, b->dir, i) == 0)
      (void)unlink(path);
  check_is(rmdir(b->dir), 0);
}

static void on_waited(log_wait_t *wait, int status) {
  struct waiter *w = (struct waiter *)wait;

  w->calls++;
  w->status = status;
}

static void append(struct book *b, struct waiter *w) {
  memset(w, 0, sizeof(*w));
  check_is(log_append(&b->log, "a record", 8), 0);
  log_wait(&b->log, &w->wait, b->log.next - 1, on_waited);
}

static void wait_for(struct weir_fixture *f, struct waiter *w, int status) {
  while (w->calls == 0)
    uv_run(&f->uv, UV_RUN_ONCE);
  check_is(w->calls, 1);
  check_is(w->status, status);
}

/* One record, and a segment to spare: no sync is under way. */
static void begin_book(struct weir_fixture *f, struct book *b) {
  struct waiter w;

  scratch_dir(b->dir);
  check_is(open_book(f, b), 0);
  append(b, &w);
  wait_for(f, &w, 0);
  while (b->log.spare < 0)
    uv_run(&f->uv, UV_RUN_ONCE);
}

/* ---- Records ---- */

Test(log, the_sum_is_castagnolis) {
  cr_assert(log_crc(0, "123456789", 9) == 0xe3069283u);
  cr_assert(log_crc(log_crc(0, "1234", 4), "56789", 5) == 0xe3069283u);
}

Test(log, a_record_with_a_bit_changed_is_none) {
  static const char bytes[] = "nineteen bytes long";
  const place_t here = {3, 64}, there = {3, 72}, elsewhere = {4, 64};
  const record_t record = {7, 1, bytes, 19};
  char at[64];
  record_t got;

  check_is(record_size(19), 40);
  record_put(at, here, &record);
  check_is(record_get(at, 40, here, &got), 1);
  check_is(got.number, 7);
  check_is(got.first, 1);
  check_is(got.len, 19);
  check_is(memcmp(got.bytes, bytes, 19), 0);
  check_is(record_get(at, 39, here, &got), 0);
  check_is(record_get(at, 40, there, &got), 0);
  check_is(record_get(at, 40, elsewhere, &got), 0);
  for (int bit = 0; bit < (RECORD_HEAD + 19) * 8; bit++) {
    at[bit / 8] = (char)(at[bit / 8] ^ 1 << bit % 8);
    check_is(record_get(at, 40, here, &got), 0);
    at[bit / 8] = (char)(at[bit / 8] ^ 1 << bit % 8);
  }
  memset(at, 0, sizeof(at));
  check_is(record_get(at, 40, here, &got), 0);
}

/* ---- Batches ---- */

WEIR_TEST(log, what_comes_in_a_turn_is_one_batch) {
  static struct waiter waiters[MANY];
  struct book b;

  begin_book(f, &b);
  uint64_t commits = b.log.commits;
  for (int i = 0; i < MANY; i++)
    append(&b, &waiters[i]);
  wait_for(f, &waiters[MANY - 1], 0);
  for (int i = 0; i < MANY; i++)
    check_is(waiters[i].calls, 1);
  check_is(b.log.commits, commits + 1);
  check_is(b.log.on_disk, 1 + MANY);
  close_book(f, &b);
  check_is(open_book(f, &b), 0);
  check_is(b.log.next, 2 + MANY);
  close_book(f, &b);
  remove_book(&b);
}

WEIR_TEST(log, what_there_is_no_room_for_waits) {
  static char bytes[RECORD_MAX];
  struct waiter w = {{0}, 0, 0};
  struct book b;
  int rc;

  begin_book(f, &b);
  check_is(log_append(&b.log, bytes, RECORD_MAX + 1), UV_EMSGSIZE);
  for (int i = 0; i < 10; i++) {
    while ((rc = log_append(&b.log, bytes, RECORD_MAX)) == 0)
      ;
    check_is(rc, UV_EAGAIN);
    log_wait(&b.log, &w.wait, b.log.on_disk + 1, on_waited);
    wait_for(f, &w, 0);
    w.calls = 0;
  }
  close_book(f, &b);
  remove_book(&b);
}

/* ---- Disks that fail ---- */

/* The next sync would succeed: it is not asked for. */
static void fails_for_good(struct weir_fixture *f, weir_fault_rule_t rule) {
  weir_fault_t *fault = fault_begin_empty(f);
  struct waiter first, second;
  struct book b;

  begin_book(f, &b);
  fault_add(fault, rule);
  size_t syncs = weir_fault_count(fault, WEIR_FAULT_SYNC).asked;
  append(&b, &first);
  append(&b, &second);
  wait_for(f, &first, rule.error);
  wait_for(f, &second, rule.error);
  check_is(b.failures, 1);
  check_is(b.log.on_disk, 1);
  check_is(log_append(&b.log, "x", 1), rule.error);
  for (int i = 0; i < 10; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  check_is(weir_fault_count(fault, WEIR_FAULT_SYNC).asked,
           syncs + (rule.what == WEIR_FAULT_SYNC));
  close_book(f, &b);

  /* It may be there, but what was promised is. */
  check_is(open_book(f, &b), 0);
  cr_assert(b.log.next >= 2);
  append(&b, &first);
  wait_for(f, &first, 0);
  close_book(f, &b);
  remove_book(&b);
  weir_fault_end(fault);
}

WEIR_TEST(log, a_sync_that_failed_is_final) {
  fails_for_good(f,
                 (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EIO});
}

WEIR_TEST(log, a_write_that_failed_is_final) {
  fails_for_good(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                        .error = UV_ENOSPC});
}

static int is_of_files(void *unused, int fd) {
  struct stat info;

  (void)unused;
  return fstat(fd, &info) != 0 || S_ISREG(info.st_mode) ||
         S_ISDIR(info.st_mode);
}

/* Each thing that it takes fails once; the log's directory is opened twice
 * before. */
static void is_made_again(struct weir_fixture *f, weir_fault_rule_t rule) {
  weir_fault_options_t options;
  weir_fault_t *fault;
  struct waiter w;
  struct book b;

  memset(&options, 0, sizeof(options));
  options.rules = &rule;
  options.nrules = 1;
  options.chosen = is_of_files;
  fault = fault_begin(f, &options);
  scratch_dir(b.dir);
  check_is(open_book(f, &b), 0);
  append(&b, &w);
  wait_for(f, &w, 0);
  check_is(weir_fault_count(fault, rule.what).failed, 1);
  check_is(b.failures, 0);
  check_is(b.log.on_disk, 1);
  close_book(f, &b);
  remove_book(&b);
  weir_fault_end(fault);
}

WEIR_TEST(log, a_segment_that_finds_no_descriptor_is_made_later) {
  is_made_again(f, (weir_fault_rule_t){
                       .what = WEIR_FAULT_OPEN, .nth = 3, .error = UV_EMFILE});
}

WEIR_TEST(log, a_segment_that_finds_no_space_is_made_later) {
  is_made_again(f, (weir_fault_rule_t){.what = WEIR_FAULT_FILE_WRITE,
                                       .error = UV_ENOSPC});
}

WEIR_TEST(log, a_segment_that_is_not_synced_is_made_anew) {
  is_made_again(f,
                (weir_fault_rule_t){.what = WEIR_FAULT_SYNC, .error = UV_EIO});
}

WEIR_TEST(log, a_segment_whose_name_is_not_synced_is_made_anew) {
  is_made_again(f, (weir_fault_rule_t){
                       .what = WEIR_FAULT_SYNC, .nth = 2, .error = UV_EIO});
}
