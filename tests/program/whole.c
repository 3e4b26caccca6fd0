/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* All of a file at a time, which nobody writes to meanwhile: read ahead into
 * leases, and copied. */

enum { READER = 5, COPY = 6 };

enum { ROOM = SLOTS * SLOT };

/* ---- Read ahead ---- */

struct reading_s {
  weir_file_reader_t reader;
  file_t *file;
  size_t from, at; /* of the next block */
  size_t end;      /* of what there is to come */
  int bounded;     /* by a length, which may be more than there is */
  size_t wanted;
  int paused;
  random_t dice;
};

static void pause_it(struct reading_s *r, int pause) {
  trace(r->file->p, "    %s a reader", pause ? "pause" : "resume");
  r->paused = pause;
  if (pause)
    weir_file_reader_pause(&r->reader);
  else
    weir_file_reader_resume(&r->reader);
}

static void on_block(weir_file_reader_t *reader, weir_lease_t lease) {
  struct reading_s *r = reader->data;
  file_t *file = r->file;
  program_t *p = file->p;
  size_t n = lease.buf.len;

  must(p, !p->inside, "a block came inside of a call");
  must(p, !r->paused, "a block came in a pause");
  must(p, n > 0 && n <= r->end - r->at, "%zu bytes at %zu of %zu", n, r->at,
       r->end);
  must(p, n == weir_pool_buffer_size(p->leased) || r->at + n == r->end,
       "a block of %zu in the midst", n);
  must(p, memcmp(lease.buf.base, file->bytes + r->at, n) == 0,
       "a block has other bytes at %zu", r->at);
  trace(p, "    a block of %zu at %zu", n, r->at);
  p->progress++;
  r->at += n;
  if (!p->draining && random_below(&r->dice, 4) == 0)
    pause_it(r, 1);
  lease_keep(p, lease, random_below(&r->dice, 2) == 0);
}

static void on_read_all(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  file_t *file = job->on;
  struct reading_s *r = file->reading;

  status = job_reports(job, status, n);
  must_be(job->p, (long long)n, (long long)(r->at - r->from),
          "bytes that were handed out");
  if (status == 0)
    must(job->p, r->at == r->end && (!r->bounded || n == r->wanted),
         "a reader ended at %zu of %zu", r->at, r->end);
  else if (status == UV_EOF)
    must(job->p, r->bounded && r->at == r->end && n < r->wanted,
         "a reader has met an end at %zu of %zu", r->at, r->end);
  else
    must(job->p, status == UV_ECANCELED && job->cancelled, "a reader got %s",
         said(status));
  file->reading = NULL;
  file->looks--;
  free(r);
  file_over(job);
}

static void read_ahead(file_t *file, random_t *dice) {
  struct reading_s *r = calloc(1, sizeof(*r));
  weir_file_reader_options_t options = {.size = sizeof(options)};
  program_t *p = file->p;
  job_t *job = file_job(file, READER, dice);

  must(p, r != NULL, "no memory");
  r->file = file;
  r->from = r->at = random_below(dice, ROOM);
  r->bounded = random_below(dice, 2) == 0;
  r->wanted = 1 + random_below(dice, ROOM);
  r->end = file->size > r->from ? file->size : r->from;
  if (r->bounded && r->end - r->from > r->wanted)
    r->end = r->from + r->wanted;
  r->dice.state = random_next(dice);
  r->reader.data = r;
  options.offset = (int64_t)r->from;
  options.len = r->bounded ? r->wanted : 0;
  options.depth = (unsigned)random_below(dice, WEIR_FILE_READER_DEPTH + 1);
  file->reading = r;
  file->looks++;
  trace(p, "  read ahead from %zu to %zu, %u at a time", r->from, r->end,
        options.depth);
  p->inside = 1;
  must_be(p,
          weir_file_reader_start(p->loop, &job->op, &r->reader, file->fd,
                                 p->leased, &options, on_block, on_read_all),
          0, "reading ahead");
  p->inside = 0;
}

/* ---- Copied ---- */

struct copying_s {
  int fd;
  char path[WORLD_PATH];
  uint64_t done;
  file_t *file;
};

static void on_progress(weir_op_t *op, uint64_t done, uint64_t total) {
  job_t *job = op->data;
  file_t *file = job->on;
  struct copying_s *c = file->copying;

  must(job->p, !job->p->inside, "progress came inside of a call");
  must(job->p, done >= c->done && done <= total && total == file->size,
       "%d of %d bytes are copied", (int)done, (int)total);
  c->done = done;
}

static void look_at_copy(const job_t *job, int status, size_t n) {
  static uint8_t bytes[ROOM + 1];
  const file_t *file = job->on;
  const struct copying_s *c = file->copying;
  program_t *p = job->p;
  ssize_t size = p->world->look(p->world, c->path, bytes, sizeof(bytes));

  must(p, n >= c->done, "%zu bytes were copied, and more were told of", n);
  must(p, n <= file->size && size >= (ssize_t)n, "%zu bytes of a copy of %d", n,
       (int)size);
  if (status == 0)
    must(p, n == file->size && size == (ssize_t)n, "a copy of %d with %zu",
         (int)size, n);
  must(p, memcmp(bytes, file->bytes, n) == 0, "a copy has other bytes");
}

static void on_copied(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  file_t *file = job->on;
  struct copying_s *c = file->copying;
  program_t *p = job->p;

  status = job_reports(job, status, n);
  must(p, status == 0 || (status == UV_ECANCELED && job->cancelled),
       "a copy got %s", said(status));
  look_at_copy(job, status, n);
  must_be(p, weir_file_close(p->loop, NULL, c->fd, NULL), 0, "closing a copy");
  p->world->remove(p->world, c->path);
  file->copying = NULL;
  file->looks--;
  free(c);
  file_over(job);
}

static void copy(file_t *file, random_t *dice) {
  weir_copy_options_t options = {.size = sizeof(options),
                                 .progress = on_progress};
  struct copying_s *c = calloc(1, sizeof(*c));
  program_t *p = file->p;
  job_t *job = file_job(file, COPY, dice);
  char name[16];

  must(p, c != NULL, "no memory");
  snprintf(name, sizeof(name), "c%d", (int)(file - p->files));
  p->world->path(p->world, c->path, name);
  c->fd = weir_file_open(p->loop, NULL, c->path, O_RDWR | O_CREAT, 0600, NULL);
  must(p, c->fd >= 0, "a file to copy to: %s", said(c->fd));
  options.flags = (unsigned)random_below(dice, 4);
  file->copying = c;
  file->looks++;
  trace(p, "  copy %zu", file->size);
  p->inside = 1;
  must_be(
      p,
      weir_file_copy(p->loop, &job->op, file->fd, c->fd, &options, on_copied),
      0, "copying");
  p->inside = 0;
}

/* ---- */

static int is_written_to(const file_t *file) {
  int any = file->turns > 0;

  for (size_t i = 0; i < SLOTS; i++)
    any |= file->writers[i];
  return any;
}

void whole_do(file_t *file, random_t *dice) {
  int copies = random_below(dice, 3) == 0;

  if (file->reading != NULL && file->reading->paused) {
    pause_it(file->reading, 0);
    return;
  }
  if (is_written_to(file))
    return;
  if (!copies && file->reading == NULL)
    read_ahead(file, dice);
  else if (copies && file->copying == NULL)
    copy(file, dice);
}

void whole_drain(file_t *file) {
  if (file->reading != NULL && file->reading->paused)
    pause_it(file->reading, 0);
}
