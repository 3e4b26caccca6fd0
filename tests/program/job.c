/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* Operations: each in memory of its own, that is freed in its callback. */

job_t *job_new(program_t *p, end_t *end, random_t *dice) {
  job_t *job = calloc(1, sizeof(*job));

  must(p, job != NULL, "no memory");
  job->p = p;
  job->end = end;
  job->goes_on = random_below(dice, 3) == 0;
  job->then = (step_t){(uint8_t)random_next(dice), (uint8_t)random_next(dice),
                       (uint8_t)random_next(dice), (uint8_t)random_next(dice)};
  memset(&job->op, (int)random_below(dice, 256), sizeof(job->op));
  job->op.data = job;
  job->prev = p->jobs.prev;
  job->next = &p->jobs;
  job->prev->next = job->next->prev = job;
  p->njobs++;
  p->begun++;
  if (end != NULL)
    end->jobs++;
  return job;
}

static void unlist(job_t *job) {
  program_t *p = job->p;

  job->prev->next = job->next;
  job->next->prev = job->prev;
  p->njobs--;
  if (job->end != NULL)
    job->end->jobs--;
}

/* A deadline of its stream may have ended it. */
static int is_hurried(const job_t *job) {
  const end_t *e = job->end;

  if (job->side == SIDE_READ)
    return e->reads_soon;
  return job->side == SIDE_WRITE && (e->writes_soon || e->leaves_soon);
}

int job_reports(job_t *job, int status, size_t n) {
  program_t *p = job->p;

  must(p, status != UV_ETIMEDOUT || job->late || is_hurried(job),
       "a deadline came of itself");
  must(p, !weir_deadline_is_set(&job->deadline), "a deadline is left");
  must(p, !p->inside, "a callback came inside of a call");
  must(p, job->op.data == job, "data was touched");
  must(p, job->end == NULL || job->end->state != END_GONE,
       "a callback came behind that of the close");
  trace(p, "    %d ends: %s %zu", job->form, said(status), n);
  p->progress++;
  unlist(job);
  if (status == UV_ETIMEDOUT && (job->late || job->side != SIDE_WRITE))
    return UV_ECANCELED;
  return status;
}

static void release(job_t *job) {
  cut_end(&job->cut, &job->p->retired);
  memset(job, 0xe5, sizeof(*job));
  free(job);
}

void job_refused(job_t *job) {
  unlist(job);
  release(job);
}

void job_end(job_t *job) {
  program_t *p = job->p;
  step_t then = job->then;
  int goes_on = job->goes_on && !p->draining;

  release(job);
  if (goes_on)
    program_step(p, &then);
}

/* It may end early from now on. */
static void endangered(job_t *job) {
  job->cancelled = 1;
  if (job->end != NULL && job->end->ender == job)
    job->end->ended = END_PERHAPS;
}

void job_limit(job_t *job, random_t *dice) {
  static const uint64_t limits[] = {0, 1, 3600 * 1000};
  size_t which = random_below(dice, 3);
  program_t *p = job->p;

  if (job->passing != NULL)
    return;

  trace(p, "    a deadline for %d: %d", job->form, (int)limits[which]);
  if (which < 2) {
    job->late = 1;
    endangered(job);
  }
  p->inside = 1;
  must_be(p, weir_deadline_op(&job->deadline, &job->op, limits[which]), 0,
          "a deadline");
  p->inside = 0;
}

void job_cancel(job_t *job) {
  program_t *p = job->p;

  trace(p, "    cancel %d", job->form);
  endangered(job);
  p->inside = 1;
  if (job->passing != NULL)
    relay_stop(job);
  else
    weir_cancel(&job->op);
  p->inside = 0;
}

/* ---- What keeps the loop going ---- */

void job_quiet(job_t *job) {
  if (job->passing != NULL)
    return;
  trace(job->p, "    %s %d", job->quiet ? "ref" : "unref", job->form);
  if (job->quiet)
    weir_ref(&job->op);
  else
    weir_unref(&job->op);
  job->quiet = !job->quiet;
}

void jobs_keep(program_t *p) {
  for (job_t *job = p->jobs.next; job != &p->jobs; job = job->next)
    if (job->quiet)
      job_quiet(job);
}

/* ---- Posts ---- */

static void on_posted(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  program_t *p = job->p;

  status = job_reports(job, status, n);
  must_be(p, (long long)n, 0, "bytes of a post");
  must(p, status == 0 || (status == UV_ECANCELED && job->cancelled),
       "a post got %s", said(status));
  if (status == 0) {
    must(p, job->piece >= p->posted, "posts in another order");
    p->posted = job->piece + 1;
  }
  job_end(job);
}

void post_do(program_t *p, random_t *dice) {
  job_t *job = job_new(p, NULL, dice);

  trace(p, "  post");
  job->piece = p->posts++;
  p->inside = 1;
  must_be(p, weir_post(&job->op, p->loop, on_posted), 0, "posting");
  p->inside = 0;
}
