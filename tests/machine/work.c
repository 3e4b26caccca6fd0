/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <ucontext.h>

#include "calls.h"
#include "world.h"

/* libuv's pool of threads: its work runs at some later time, on a stack of its
 * own, so that it can wait while the loop goes on. */

enum { STACK = 65536 };

typedef struct work_s {
  object_t base;
  struct work_s *next;
  uv_work_t *req;
  uv_loop_t *loop;
  enum { QUEUED, RUNNING, CANCELLED, OVER } state;
  ucontext_t self;
  ucontext_t back; /* whoever runs it */
  char *stack;
  int (*woken)(void *arg); /* what it sleeps for */
  void *arg;
} work_t;

static work_t *works;
static work_t *running;
static char *spare;

static void work_free(object_t *object) {
  work_t *work = (work_t *)object;
  if (spare == NULL)
    spare = work->stack;
  else
    free(work->stack);
}

static const kind_t work_kind = {.name = "work", .free = work_free};

static void forget(work_t *work) {
  work_t **at = &works;
  while (*at != work)
    at = &(*at)->next;
  *at = work->next;
}

static void on_done(struct uv__work *w, int status) {
  uv_work_t *req =
      (uv_work_t *)(void *)((char *)w - offsetof(uv_work_t, work_req));
  work_t *work = req->reserved[0];
  int cancelled = work->state == CANCELLED;
  (void)status;
  req->loop->active_reqs.count--;
  forget(work);
  object_drop(&work->base);
  if (req->after_work_cb != NULL)
    req->after_work_cb(req, cancelled ? UV_ECANCELED : 0);
}

/* As libuv's threads: into the loop's list, and the loop is woken. */
static void report(work_t *work) {
  typedef void *node_t[2];
  node_t *head = (void *)&work->loop->wq;
  node_t *node = (void *)&work->req->work_req.wq;
  node_t *last = (*head)[1];
  work->req->work_req.work = NULL;
  (*node)[0] = head;
  (*node)[1] = last;
  (*last)[0] = node;
  (*head)[1] = node;
  uv_async_send(&work->loop->wq_async);
}

/* ---- Running ---- */

static void body(void) {
  work_t *work = running;
  work->req->work_cb(work->req);
  work->state = OVER;
  swapcontext(&work->self, &work->back);
}

static void run(work_t *work) {
  running = work;
  swapcontext(&work->back, &work->self);
  running = NULL;
  if (work->state == OVER)
    report(work);
}

static void begins(object_t *object, long arg) {
  work_t *work = (work_t *)object;
  (void)arg;
  if (work->state != QUEUED)
    return;
  /* Its stack is another's while that runs. */
  if (running != NULL) {
    later(1000, begins, object, 0);
    return;
  }
  work->state = RUNNING;
  work->stack = spare != NULL ? spare : take(STACK);
  spare = NULL;
  getcontext(&work->self);
  work->self.uc_stack.ss_sp = work->stack;
  work->self.uc_stack.ss_size = STACK;
  work->self.uc_link = NULL;
  makecontext(&work->self, body, 0);
  run(work);
}

int work_sleeps(int (*woken)(void *arg), void *arg) {
  work_t *work = running;
  if (work == NULL)
    return 0;
  if (!woken(arg)) {
    work->woken = woken;
    work->arg = arg;
    swapcontext(&work->self, &work->back);
  }
  return 1;
}

void works_wake(void) {
  if (running != NULL)
    return;
  for (work_t *work = works; work != NULL; work = work->next) {
    if (work->woken == NULL || !work->woken(work->arg))
      continue;
    work->woken = NULL;
    run(work);
    progress();
    return;
  }
}

/* ---- libuv's functions ---- */

int machine_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb cb,
                          uv_after_work_cb after) {
  call_begins("uv_queue_work", 0);
  work_t *work = object_new(&work_kind, sizeof(*work));
  req->type = UV_WORK;
  req->loop = loop;
  req->work_cb = cb;
  req->after_work_cb = after;
  req->work_req.loop = loop;
  req->work_req.done = on_done;
  req->reserved[0] = work;
  loop->active_reqs.count++;
  work->req = req;
  work->loop = loop;
  work->next = works;
  works = work;
  later(some_time(), begins, &work->base, 0);
  return 0;
}

int machine_uv_cancel(uv_req_t *req) {
  work_t *work = req->reserved[0];
  call_begins("uv_cancel", 0);
  int r = work->state == QUEUED ? 0 : UV_EBUSY;
  if (r == 0) {
    work->state = CANCELLED;
    report(work);
  }
  return (int)call_ends("uv_cancel", 0, r);
}

void works_reset(void) {
  if (works != NULL)
    machine_fail("work of libuv's pool is not over");
}
