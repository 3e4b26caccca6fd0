/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "inside.h"

/* Waits for readiness, besides whatever else goes on. Each has to come to an
 * end by itself when all is read, or ended. */

static void count(end_t *e, int events, int by) {
  e->waits[0] += (events & WEIR_READABLE) != 0 ? by : 0;
  e->waits[1] += (events & WEIR_WRITABLE) != 0 ? by : 0;
}

/* What is waited for already; or that is over, and its callback is due. */
static int waits(const end_t *e) {
  return (e->waits[0] > 0 ? WEIR_READABLE : 0) |
         (e->waits[1] > 0 ? WEIR_WRITABLE : 0);
}

static void on_ready(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  program_t *p = job->p;
  end_t *e = job->end;
  int result = status == 0 ? weir_wait_result(op) : 0;

  status = job_reports(job, status, n);
  count(e, job->form, -1);
  must_be(p, (long long)n, 0, "bytes of a wait");
  if (status == UV_ECANCELED)
    must(p, job->cancelled || end_is_closing(e),
         "a wait was cancelled by nobody");
  else if (status != 0)
    must(p, end_broken(e), "a wait got %s", said(status));
  else
    must(p, result != 0 && (result & ~job->form) == 0, "%d of %d is ready",
         result, job->form);
  job_end(job);
}

static int wanted(const end_t *e, int events) {
  int r = end_refuses(e);

  if (r == 0 && e->link->paired)
    return UV_ENOTSUP;
  if (r == 0 && (events & WEIR_WRITABLE) != 0 && e->ended == END_ENDED)
    return UV_EPIPE;
  return r == 0 && (events & waits(e)) != 0 ? UV_EALREADY : r;
}

/* What is over, or connected, may be told later. */
static int may_be(const end_t *e, int events, int r, int want) {
  if (r == want || (r == UV_EPIPE && e->ended == END_PERHAPS))
    return 1;
  if (e->state == END_CONNECTING)
    return r == 0 || r == UV_EPIPE ||
           (r == UV_EALREADY && (events & waits(e)) != 0);
  return r == 0 && want == UV_EALREADY;
}

void wait_do(end_t *e, random_t *dice) {
  int events = 1 + (int)random_below(dice, 3);
  program_t *p = e->p;
  job_t *job;
  int r;

  events &=
      (e->can_read ? WEIR_READABLE : 0) | (e->can_write ? WEIR_WRITABLE : 0);
  if (events == 0)
    return;
  job = job_new(p, e, dice);
  job->form = events;
  p->inside = 1;
  r = weir_wait(&job->op, e->stream, events, on_ready);
  p->inside = 0;
  trace(p, "  wait for %d: %d", events, r);
  must(p, may_be(e, events, r, wanted(e, events)), "a wait got %s, not %s",
       said(r), said(wanted(e, events)));
  if (r == 0)
    count(e, events, 1);
  else
    job_refused(job);
}
