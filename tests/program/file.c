/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"

/* Files. What runs side by side in one has places of its own, so that the model
 * knows every byte. */

enum { OPEN, CLOSE, SYNC, READ, WRITE };

/* By which function. */
enum { ONCE, ALL, WITH, WITH_ALL, SYNCED, WAYS };

void file_over(job_t *job) {
  file_t *file = job->on;

  file->jobs--;
  job_end(job);
}

static void file_end(job_t *job) {
  file_t *file = job->on;

  if (job->form == READ)
    file->readers[job->piece]--;
  if (job->form == WRITE)
    file->writers[job->piece] = 0;
  file_over(job);
}

/* ---- Opening and closing ---- */

static void opened(file_t *file, int fd) {
  file->state = FILE_OPEN;
  file->fd = fd;
  if (file->placed)
    place_open(file);
}

static void on_open(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  file_t *file = job->on;

  status = job_reports(job, status, n);
  must_be(job->p, (long long)n, 0, "bytes of an open");
  if (status == 0) {
    opened(file, weir_file_result(op));
  } else {
    must(job->p, status == UV_ECANCELED && job->cancelled, "open got %s",
         said(status));
    file->state = FILE_NONE;
    job->p->world->remove(job->p->world, file->path);
  }
  file_end(job);
}

job_t *file_job(file_t *file, int form, random_t *dice) {
  job_t *job = job_new(file->p, NULL, dice);

  job->on = file;
  job->form = form;
  file->jobs++;
  return job;
}

static void file_open(file_t *file, random_t *dice) {
  program_t *p = file->p;
  char name[16];
  job_t *job;

  for (size_t i = 0; i < sizeof(file->bytes); i++)
    file->bytes[i] = (uint8_t)random_next(dice);
  memset(file->sent, 0, sizeof(file->sent));
  file->placed = random_below(dice, 3) == 0;
  file->size = sizeof(file->bytes);
  if (file->placed)
    file->size = random_below(dice, sizeof(file->bytes) + 1);
  snprintf(name, sizeof(name), "f%d", (int)(file - p->files));
  p->world->path(p->world, file->path, name);
  must_be(p, p->world->make(p->world, file->path, file->bytes, file->size), 0,
          "making a file");
  trace(p, "  open");
  if (random_below(dice, 4) == 0) {
    int fd = weir_file_open(p->loop, NULL, file->path, O_RDWR, 0, NULL);
    must(p, fd >= 0, "open got %d", fd);
    opened(file, fd);
    return;
  }
  job = file_job(file, OPEN, dice);
  file->state = FILE_OPENING;
  p->inside = 1;
  must_be(p, weir_file_open(p->loop, &job->op, file->path, O_RDWR, 0, on_open),
          0, "opening a file");
  p->inside = 0;
}

/* The file holds what the model does. */
static void look(file_t *file) {
  static uint8_t bytes[SLOTS * SLOT + 1];
  program_t *p = file->p;
  ssize_t n = p->world->look(p->world, file->path, bytes, sizeof(bytes));

  must_be(p, (long long)n, (long long)file->size, "size of a file");
  for (size_t i = 0; i < file->size; i++)
    must(p, bytes[i] == file->bytes[i], "the file has another byte at %zu", i);
  p->world->remove(p->world, file->path);
  file->state = FILE_NONE;
}

/* One that was cancelled may have closed it all the same, or not at all. */
static void on_close(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  file_t *file = job->on;

  status = job_reports(job, status, n);
  if (status == UV_ECANCELED && job->cancelled) {
    file->state = FILE_OPEN;
  } else {
    must_be(job->p, status, 0, "closing a file");
    look(file);
  }
  file_end(job);
}

static void file_close(file_t *file, random_t *dice) {
  program_t *p = file->p;
  job_t *job;

  if (file->jobs > 0)
    return;
  trace(p, "  close a file");
  if (random_below(dice, 4) == 0) {
    must_be(p, weir_file_close(p->loop, NULL, file->fd, NULL), 0, "closing");
    look(file);
    return;
  }
  job = file_job(file, CLOSE, dice);
  file->state = FILE_CLOSING;
  p->inside = 1;
  must_be(p, weir_file_close(p->loop, &job->op, file->fd, on_close), 0,
          "closing a file");
  p->inside = 0;
}

/* ---- Reading and writing ---- */

static int is_whole(const job_t *job) {
  return job->way == ALL || job->way == WITH_ALL || job->way == SYNCED;
}

/* Holds for a result, wherever it comes from. */
static void moved(job_t *job, int status, size_t n) {
  file_t *file = job->on;
  uint8_t *bytes = file->bytes + job->piece * SLOT;
  uint8_t got[SLOT];

  must(job->p, status == 0 || (status == UV_ECANCELED && job->cancelled),
       "a file operation got %s", said(status));
  must(job->p, n <= job->len && (status == 0 || n == 0 || is_whole(job)),
       "%zu bytes of %zu", n, job->len);
  if (job->form == SYNC)
    return;
  must(job->p, status != 0 || n == job->len || (n > 0 && !is_whole(job)),
       "%zu bytes of %zu, and no error", n, job->len);
  if (job->form == WRITE) {
    cut_read(&job->cut, bytes, n);
    return;
  }
  cut_read(&job->cut, got, n);
  must(job->p, memcmp(got, bytes, n) == 0, "other bytes of a file");
}

static void on_moved(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;

  status = job_reports(job, status, n);
  moved(job, status, n);
  file_end(job);
}

static int bring(job_t *job, weir_op_cb cb) {
  const file_t *file = job->on;
  weir_loop_t *loop = job->p->loop;
  int64_t at = (int64_t)(job->piece * SLOT);

  switch (job->way) {
  case ONCE:
    return weir_file_fsync(loop, &job->op, file->fd, cb);
  case ALL:
    return weir_file_fdatasync(loop, &job->op, file->fd, cb);
  default:
    return weir_file_sync_range(loop, &job->op, file->fd, at, SLOT,
                                job->way == WITH, cb);
  }
}

static int get(job_t *job, weir_op_cb cb) {
  const file_t *file = job->on;
  weir_loop_t *loop = job->p->loop;
  weir_mseq_t into = job->cut.seq;
  int64_t at = (int64_t)(job->piece * SLOT);

  switch (job->way) {
  case ONCE:
    return weir_file_pread(loop, &job->op, file->fd, into, at, cb);
  case ALL:
    return weir_file_pread_all(loop, &job->op, file->fd, into, at, cb);
  default:
    return weir_file_pread_with(loop, &job->op, file->fd, into, at,
                                is_whole(job) ? WEIR_FILE_ALL : 0, cb);
  }
}

static int put(job_t *job, weir_op_cb cb) {
  const file_t *file = job->on;
  weir_loop_t *loop = job->p->loop;
  weir_seq_t from = weir_seq_from(job->cut.seq);
  int64_t at = (int64_t)(job->piece * SLOT);
  unsigned flags = job->way == WITH_ALL ? WEIR_FILE_ALL : 0;

  switch (job->way) {
  case ONCE:
    return weir_file_pwrite(loop, &job->op, file->fd, from, at, cb);
  case ALL:
    return weir_file_pwrite_all(loop, &job->op, file->fd, from, at, cb);
  case SYNCED:
    return weir_file_pwrite_sync(loop, &job->op, file->fd, from, at, cb);
  default:
    return weir_file_pwrite_with(loop, &job->op, file->fd, from, at,
                                 flags | WEIR_FILE_DSYNC, cb);
  }
}

static int call(job_t *job, weir_op_cb cb) {
  if (job->form == SYNC)
    return bring(job, cb);
  return job->form == READ ? get(job, cb) : put(job, cb);
}

static void transfer(job_t *job, random_t *dice) {
  program_t *p = job->p;
  int at_once = random_below(dice, 6) == 0, r;
  size_t n;

  p->inside = 1;
  r = call(job, at_once ? NULL : on_moved);
  p->inside = 0;
  cut_begun(&job->cut);
  trace(p, "  file %d of %zu at %zu: %d", job->form, job->len, job->piece, r);
  if (!at_once) {
    must_be(p, r, 0, "beginning a file operation");
    return;
  }
  n = r < 0 ? 0 : (size_t)r;
  if (job->form != SYNC && is_whole(job))
    n = weir_file_moved(&job->op);
  job_reports(job, r < 0 ? r : 0, n);
  moved(job, r < 0 ? r : 0, n);
  job->goes_on = 0;
  file_end(job);
}

static void file_move(file_t *file, int form, random_t *dice) {
  size_t slot = random_below(dice, SLOTS);
  uint8_t bytes[SLOT];
  job_t *job;

  if (form != SYNC &&
      (file->writers[slot] != 0 ||
       (form == WRITE &&
        (file->readers[slot] > 0 || file->sent[slot] || file->looks > 0))))
    return;
  job = file_job(file, form, dice);
  job->way = (int)random_below(dice, WAYS);
  if (form != SYNC) {
    job->piece = slot;
    job->len = random_below(dice, SLOT + 1);
    cut_make(&job->cut, job->len, dice,
             random_below(dice, 2) ? job->p->pool : NULL);
    for (size_t i = 0; i < job->len; i++)
      bytes[i] = (uint8_t)random_next(dice);
    cut_write(&job->cut, bytes, job->len);
    file->readers[slot] += form == READ;
    file->writers[slot] = form == WRITE;
  }
  transfer(job, dice);
}

void file_do(program_t *p, const step_t *step) {
  random_t dice = step_dice(step);
  file_t *file = &p->files[step->which % FILES];
  size_t what = random_below(&dice, 16);

  file->p = p;
  if (file->state == FILE_NONE && !p->draining)
    file_open(file, &dice);
  if (file->state != FILE_OPEN)
    return;
  if (what > 13)
    file_move(file, SYNC, &dice);
  else if (what > 10)
    whole_do(file, &dice);
  else if (file->placed)
    place_do(file, &dice);
  else
    file_move(file, what < 6 ? READ : WRITE, &dice);
  if (what == 15)
    file_close(file, &dice);
}

file_t *file_lend(program_t *p, random_t *dice, size_t *slot) {
  file_t *file = &p->files[random_below(dice, FILES)];

  *slot = random_below(dice, SLOTS);
  if (file->state != FILE_OPEN || file->placed || file->looks > 0 ||
      file->writers[*slot] != 0 || file->sent[*slot] ||
      file->readers[*slot] > 0)
    return NULL;
  file->writers[*slot] = 1;
  file->jobs++;
  return file;
}

void file_fill(file_t *file, size_t slot, const uint8_t *bytes, size_t len) {
  const program_t *p = file->p;
  weir_op_t op;

  memcpy(file->bytes + slot * SLOT, bytes, len);
  must_be(p,
          weir_file_pwrite_all(p->loop, &op, file->fd,
                               weir_seq_block(bytes, len),
                               (int64_t)(slot * SLOT), NULL),
          0, "filling a place");
}

void file_back(file_t *file, size_t slot) {
  file->writers[slot] = 0;
  file->sent[slot] = 1;
  file->jobs--;
}

void file_drain(file_t *file) {
  random_t dice = {file->bytes[0]};

  whole_drain(file);
  if (file->state == FILE_OPEN)
    file_close(file, &dice);
}
