/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "inside.h"

/* A file with a position of its own. What is outstanding there goes one after
 * the other, so that the model moves when each callback comes. */

enum { READ = 3, WRITE = 4 };
enum { ONCE, ALL };

enum { ROOM = SLOTS * SLOT, MOST = SLOT };

static size_t left_of(const file_t *file) {
  return file->place < file->size ? file->size - file->place : 0;
}

static void check_read(const job_t *job, int status, size_t n) {
  const file_t *file = job->on;
  size_t left = left_of(file);
  uint8_t got[MOST];

  if (status == 0 && job->form == READ && job->way == ALL)
    must_be(job->p, (long long)n, (long long)job->len, "bytes of a whole read");
  else if (status == 0)
    must(job->p, n > 0 || left == 0 || job->len == 0, "a read of nothing");
  else if (status == UV_EOF)
    must(job->p, job->way == ALL && n == left && n < job->len,
         "an end at %zu of %zu", n, left);
  must(job->p, n <= left, "%zu bytes of %zu at the position", n, left);
  cut_read(&job->cut, got, n);
  must(job->p, memcmp(got, file->bytes + file->place, n) == 0,
       "other bytes at the position");
}

static void check_write(const job_t *job, int status, size_t n) {
  file_t *file = job->on;

  if (status == 0)
    must(job->p, n == job->len || (job->way == ONCE && n > 0),
         "%zu bytes of %zu were written", n, job->len);
  if (n == 0)
    return;
  if (file->place > file->size)
    memset(file->bytes + file->size, 0, file->place - file->size);
  cut_read(&job->cut, file->bytes + file->place, n);
  if (file->place + n > file->size)
    file->size = file->place + n;
}

static void moved(job_t *job, int status, size_t n) {
  file_t *file = job->on;

  must(job->p,
       status == 0 || (status == UV_ECANCELED && job->cancelled) ||
           (status == UV_EOF && job->form == READ),
       "a transfer at the position got %s", said(status));
  must(job->p, n <= job->len, "%zu bytes of %zu", n, job->len);
  must(job->p, status != UV_ECANCELED || job->way == ALL || n == 0,
       "%zu bytes of what was cancelled", n);
  if (job->form == READ)
    check_read(job, status, n);
  else
    check_write(job, status, n);
  file->place += n;
  file->ahead -= job->len;
  if (--file->turns == 0)
    must_be(job->p, weir_file_tell(&file->object), (long long)file->place,
            "the position");
}

static void on_moved(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;

  status = job_reports(job, status, n);
  moved(job, status, n);
  file_over(job);
}

static int call(job_t *job, weir_op_cb cb) {
  file_t *file = job->on;
  weir_mseq_t into = job->cut.seq;
  weir_seq_t from = weir_seq_from(into);

  if (job->form == READ)
    return job->way == ALL
               ? weir_file_read_all(&job->op, &file->object, into, cb)
               : weir_file_read(&job->op, &file->object, into, cb);
  return job->way == ALL
             ? weir_file_write_all(&job->op, &file->object, from, cb)
             : weir_file_write(&job->op, &file->object, from, cb);
}

static void transfer(job_t *job, int at_once) {
  program_t *p = job->p;
  int r;

  p->inside = 1;
  r = call(job, at_once ? NULL : on_moved);
  p->inside = 0;
  cut_begun(&job->cut);
  trace(p, "  file %d, %s of %zu: %d", job->form, job->way ? "all" : "once",
        job->len, r);
  if (!at_once) {
    must_be(p, r, 0, "beginning at the position");
    return;
  }
  job_reports(job, r < 0 ? r : 0, weir_file_moved(&job->op));
  moved(job, r < 0 ? r : 0, weir_file_moved(&job->op));
  job->goes_on = 0;
  file_over(job);
}

static void place_move(file_t *file, int form, random_t *dice) {
  size_t len = random_below(dice, MOST + 1);
  uint8_t bytes[MOST];
  job_t *job;

  if (form == WRITE &&
      (file->looks > 0 || file->place + file->ahead + len > ROOM))
    return;
  job = file_job(file, form, dice);
  job->way = (int)random_below(dice, 2);
  job->len = len;
  cut_make(&job->cut, len, dice, random_below(dice, 2) ? file->p->pool : NULL);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (uint8_t)random_next(dice);
  cut_write(&job->cut, bytes, len);
  file->turns++;
  file->ahead += len;
  transfer(job, file->turns == 1 && random_below(dice, 6) == 0);
}

static void place_seek(file_t *file, random_t *dice) {
  size_t to = random_below(dice, ROOM + 1);
  program_t *p = file->p;

  must_be(p, weir_file_seek(&file->object, -1), UV_EINVAL, "a wrong seek");
  if (file->turns > 0)
    return;
  trace(p, "  seek %zu", to);
  must_be(p, weir_file_seek(&file->object, (int64_t)to), 0, "a seek");
  file->place = to;
}

void place_open(file_t *file) {
  file->place = file->ahead = 0;
  file->turns = 0;
  must_be(file->p, weir_file_init(file->p->loop, &file->object, file->fd), 0,
          "a file object");
}

void place_do(file_t *file, random_t *dice) {
  size_t what = random_below(dice, 8);

  if (what < 3)
    place_move(file, READ, dice);
  else if (what < 7)
    place_move(file, WRITE, dice);
  else
    place_seek(file, dice);
}
