/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* The steps of a program, on the turns of a loop; and the end, to which all of
 * it has to come. */

enum { WATCHDOG_MS = 10000, SPINS = 100000, JOBS = 300 };

void must(const program_t *p, int truth, const char *what, ...) {
  va_list args;

  if (truth)
    return;
  fprintf(stderr, "program %s: ", p->name);
  va_start(args, what);
  vfprintf(stderr, what, args);
  va_end(args);
  fprintf(stderr, "\n");
  abort();
}

void must_be(const program_t *p, long long actual, long long expected,
             const char *what) {
  must(p, actual == expected, "%s: %lld, not %lld", what, actual, expected);
}

const char *said(int status) {
  return status < 0 ? uv_err_name(status) : "success";
}

void trace(const program_t *p, const char *what, ...) {
  va_list args;

  if (!p->trace)
    return;
  va_start(args, what);
  vfprintf(stderr, what, args);
  va_end(args);
  fprintf(stderr, "\n");
}

/* ---- Programs ---- */

size_t program_make(uint64_t seed, size_t steps, uint8_t bytes[PROGRAM_MOST]) {
  random_t dice = {seed};
  size_t most = (PROGRAM_MOST - PROGRAM_HEAD) / PROGRAM_STEP;
  size_t size =
      PROGRAM_HEAD + PROGRAM_STEP * (1 + random_below(&dice, steps) % most);

  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(random_next(&dice) >> 32);
  return size;
}

random_t step_dice(const step_t *step) {
  uint64_t seed = (uint64_t)step->what << 24 | (uint64_t)step->which << 16 |
                  (uint64_t)step->a << 8 | step->b;
  random_t dice = {seed * 0x9e3779b97f4a7c15u};

  return dice;
}

/* ---- Turns ---- */

static void on_tick(uv_timer_t *tick) {
  uv_stop(tick->loop);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

static int run(program_t *p, uv_run_mode mode) {
  int alive;

  p->running = 1;
  alive = uv_run(&p->uv, mode);
  p->running = 0;
  return alive;
}

/* In the ring wait no mode of uv_run is safe from sleeping. */
static void turn(program_t *p, random_t *dice) {
  static const uv_run_mode modes[] = {UV_RUN_NOWAIT, UV_RUN_ONCE,
                                      UV_RUN_DEFAULT};
  size_t mode = random_below(dice, 4);
  uv_idle_t idle;

  trace(p, "  turn %zu", mode);
  uv_timer_start(&p->tick, on_tick, random_below(dice, 6) == 0, 0);
  if (mode < 3) {
    run(p, modes[mode]);
  } else {
    uv_idle_init(&p->uv, &idle);
    uv_idle_start(&idle, on_idle);
    run(p, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)&idle, NULL);
    run(p, UV_RUN_NOWAIT);
  }
  uv_timer_stop(&p->tick);
}

/* ---- Steps within the callbacks of other handles ---- */

static void run_deferred(program_t *p, size_t k) {
  size_t n = p->ndeferred[k];

  p->ndeferred[k] = 0;
  for (size_t i = 0; i < n; i++) {
    step_t step = p->deferred[k][i];
    program_step(p, &step);
  }
}

static void on_timer(uv_timer_t *timer) {
  run_deferred(timer->data, 0);
}

static void on_prepare(uv_prepare_t *prepare) {
  uv_prepare_stop(prepare);
  run_deferred(prepare->data, 1);
}

static void on_check(uv_check_t *check) {
  uv_check_stop(check);
  run_deferred(check->data, 2);
}

static void on_idle_step(uv_idle_t *idle) {
  uv_idle_stop(idle);
  run_deferred(idle->data, 3);
}

static void defer(program_t *p, random_t *dice) {
  size_t k = random_below(dice, 4);
  step_t step = {(uint8_t)random_next(dice), (uint8_t)random_next(dice),
                 (uint8_t)random_next(dice), (uint8_t)random_next(dice)};

  if (p->ndeferred[k] == DEFERRED)
    return;
  p->deferred[k][p->ndeferred[k]++] = step;
  if (k == 0)
    uv_timer_start(&p->timer, on_timer, random_below(dice, 2), 0);
  else if (k == 1)
    uv_prepare_start(&p->prepare, on_prepare);
  else if (k == 2)
    uv_check_start(&p->check, on_check);
  else
    uv_idle_start(&p->idle, on_idle_step);
}

/* ---- Steps ---- */

static job_t *any_job(program_t *p, random_t *dice) {
  job_t *job = p->jobs.next;

  for (size_t i = random_below(dice, p->njobs); i > 0; i--)
    job = job->next;
  return job;
}

static void cancel_one(program_t *p, random_t *dice) {
  job_t *job;

  if (p->njobs == 0)
    return;
  job = any_job(p, dice);
  if (random_below(dice, 3) == 0)
    job_limit(job, dice);
  else
    job_cancel(job);
}

static void quieten_one(program_t *p, random_t *dice) {
  if (p->njobs > 0)
    job_quiet(any_job(p, dice));
}

/* Whoever has begun something is waited for. */
static void check_alive(program_t *p) {
  const job_t *job = p->jobs.next;

  while (job != &p->jobs && job->quiet)
    job = job->next;
  must(p, job == &p->jobs || uv_loop_alive(&p->uv),
       "nothing keeps the loop, and %d is outstanding", job->form);
}

/* With a pool and perhaps more of it in use, a loop cannot go. */
static void try_to_detach(program_t *p) {
  must_be(p, weir_loop_detach(p->loop, NULL), UV_EBUSY, "detaching");
}

static void end_step(program_t *p, const step_t *step) {
  random_t dice = step_dice(step);
  end_t *e = end_pick(p, step);

  if (e != NULL)
    trace(p, " end %d of %zu", e == e->link->ends + 1,
          (size_t)(e->link - p->links));
  if (e != NULL)
    end_do(e, &dice);
}

/* So that all that can be full is full at once. */
static void flood(program_t *p, random_t *dice) {
  for (size_t i = 0; i < p->nlinks * 2; i++) {
    end_t *e = &p->links[i / 2].ends[i % 2];

    if (e->state == END_OPEN && e->stream != NULL)
      write_much(e, dice);
  }
}

void program_step(program_t *p, const step_t *step) {
  random_t dice = step_dice(step);
  size_t what = step->what % 72;

  if (p->draining || p->begun > JOBS)
    return;
  trace(p, "step %zu%s", what, p->running ? " in a callback" : "");
  p->progress++;
  if (what < 36)
    end_step(p, step);
  else if (what < 48 && !p->running)
    turn(p, &dice);
  else if (what < 49 || p->nlinks == 0)
    link_make(p, &dice);
  else if (what < 52)
    dock_do(p, step);
  else if (what < 56)
    file_do(p, step);
  else if (what < 59)
    cancel_one(p, &dice);
  else if (what < 60)
    leases_do(p, &dice);
  else if (what < 62)
    defer(p, &dice);
  else if (what < 63)
    flood(p, &dice);
  else if (what < 64)
    try_to_detach(p);
  else if (what < 66)
    post_do(p, &dice);
  else if (what < 68)
    message_do(p, &dice);
  else
    quieten_one(p, &dice);
  check_alive(p);
}

/* ---- The end ---- */

static int end_over(const end_t *e) {
  return e->state == END_NONE || e->state == END_GONE;
}

static int over(const program_t *p) {
  for (size_t i = 0; i < p->nlinks; i++)
    if (!end_over(&p->links[i].ends[0]) || !end_over(&p->links[i].ends[1]))
      return 0;
  for (size_t i = 0; i < FILES; i++)
    if (p->files[i].state != FILE_NONE)
      return 0;
  return p->njobs == 0 && p->strays == 0 && p->notes == NULL &&
         (p->dock.state == DOCK_NONE || p->dock.state == DOCK_GONE);
}

/* Says what has not come to an end. */
static void fail_waiting(const program_t *p, const char *why) {
  for (size_t i = 0; i < p->nlinks * 2; i++) {
    const link_t *link = &p->links[i / 2];
    const end_t *e = &link->ends[i % 2];

    if (!end_over(e))
      fprintf(stderr, "link %zu, end %zu, of kind %d: state %d, %u jobs\n",
              i / 2, i % 2, link->paired ? -1 : (int)link->kind, (int)e->state,
              e->jobs);
  }
  for (size_t i = 0; i < FILES; i++)
    if (p->files[i].state != FILE_NONE)
      fprintf(stderr, "file %zu: state %d, %u jobs\n", i,
              (int)p->files[i].state, p->files[i].jobs);
  must(p, 0, "%s: listener in state %d, %zu jobs, %u strays", why,
       (int)p->dock.state, p->njobs, p->strays);
}

static void drain_all(program_t *p) {
  jobs_keep(p);
  relays_drain(p);
  message_drain(p);
  for (size_t i = 0; i < p->nlinks * 2; i++)
    end_drain(&p->links[i / 2].ends[i % 2]);
  for (size_t i = 0; i < FILES; i++)
    file_drain(&p->files[i]);
  dock_drain(p);
  leases_drain(p);
}

/* Closes what is open, without a word. */
static void break_off(program_t *p, unsigned how) {
  for (size_t i = 0; i < p->nlinks * 2; i++) {
    end_t *e = &p->links[i / 2].ends[i % 2];

    if (e->state == END_OPEN || e->state == END_CONNECTING)
      end_close(e, (how + i) % 5 == 0);
  }
}

static void come_to_an_end(program_t *p, unsigned how) {
  unsigned long before = p->progress;
  int alive, spins = 0;

  trace(p, "to the end");
  p->draining = 1;
  if (how % 3 == 0)
    break_off(p, how);
  for (drain_all(p); !over(p); drain_all(p)) {
    before = p->progress;
    alive = run(p, UV_RUN_ONCE);
    spins = before == p->progress ? spins + 1 : 0;
    if (!alive && spins > 2)
      fail_waiting(p, "uv_run has returned");
    if (spins > SPINS)
      fail_waiting(p, "the loop turns in vain");
  }
}

/* Nothing has come to an end, nor begun, for a whole period. */
static void on_watchdog(uv_timer_t *timer) {
  program_t *p = timer->data;

  if (p->progress == p->seen)
    fail_waiting(p, "stuck");
  p->seen = p->progress;
}

static void init_handles(program_t *p) {
  uv_timer_init(&p->uv, &p->watchdog);
  uv_timer_init(&p->uv, &p->tick);
  uv_timer_init(&p->uv, &p->timer);
  uv_prepare_init(&p->uv, &p->prepare);
  uv_check_init(&p->uv, &p->check);
  uv_idle_init(&p->uv, &p->idle);
  p->watchdog.data = p->timer.data = p;
  p->prepare.data = p->check.data = p->idle.data = p;
  uv_timer_start(&p->watchdog, on_watchdog, WATCHDOG_MS, WATCHDOG_MS);
  uv_unref((uv_handle_t *)&p->watchdog);
}

static void close_handles(program_t *p) {
  uv_close((uv_handle_t *)&p->watchdog, NULL);
  uv_close((uv_handle_t *)&p->tick, NULL);
  uv_close((uv_handle_t *)&p->timer, NULL);
  uv_close((uv_handle_t *)&p->prepare, NULL);
  uv_close((uv_handle_t *)&p->check, NULL);
  uv_close((uv_handle_t *)&p->idle, NULL);
}

static int detached;

static void on_detached(weir_loop_t *loop) {
  (void)loop;
  detached++;
}

static void leave(program_t *p) {
  must_be(p, weir_pool_destroy(p->pool), 0, "a pool in use");
  leases_end(p);
  detached = 0;
  must_be(p, weir_loop_detach(p->loop, on_detached), 0, "detaching");
  close_handles(p);
  must_be(p, run(p, UV_RUN_DEFAULT), 0, "what keeps the loop");
  must_be(p, detached, 1, "detached");
}

/* All but the loop of libuv's, which goes on. */
static void begin(program_t *p) {
  p->nlinks = p->begun = p->bytes = 0;
  p->draining = p->lost = 0;
  p->dock.state = DOCK_NONE;
  memset(p->ndeferred, 0, sizeof(p->ndeferred));
  p->jobs.next = p->jobs.prev = &p->jobs;
}

static void tell(const program_t *p, weir_loop_t *loop) {
  if (p->world->attached != NULL)
    p->world->attached(p->world, loop);
}

/* Attaches, plays and detaches. */
static int act(program_t *p, unsigned how, const uint8_t *steps, size_t n) {
  int r = weir_loop_attach(&p->uv, &p->options, &p->loop);

  if (r != 0)
    return r;
  tell(p, p->loop);
  begin(p);
  init_handles(p);
  must_be(p, weir_pool_create(p->loop, 4, 4096, &p->pool), 0, "a pool");
  leases_begin(p, how);
  for (size_t i = 0; i < n; i++) {
    const uint8_t *s = steps + i * PROGRAM_STEP;
    program_step(p, &(step_t){s[0], s[1], s[2], s[3]});
  }
  come_to_an_end(p, how);
  links_check(p);
  must(p, retired_free(&p->retired), "memory was written to behind the end");
  tell(p, NULL);
  leave(p);
  return 0;
}

int program_play(world_t *world, const char *name,
                 const weir_loop_options_t *options, const uint8_t *bytes,
                 size_t size) {
  static const unsigned entries[] = {0, 0, 0, 1, 2, 4, 8, 64};
  static program_t p;
  const program_t blank = {.world = world,
                           .name = name,
                           .options = *options,
                           .trace = getenv("WEIR_PROGRAM_TRACE") != NULL};
  unsigned head[PROGRAM_HEAD] = {size > 0 ? bytes[0] : 0,
                                 size > 1 ? bytes[1] : 0};
  size_t n = size < PROGRAM_HEAD ? 0 : (size - PROGRAM_HEAD) / PROGRAM_STEP;
  size_t first = head[1] % 8 == 0 ? n / 2 : n;
  const uint8_t *steps = bytes + PROGRAM_HEAD;
  int descriptors = world->descriptors(world), r;

  p = blank;
  must_be(&p, uv_loop_init(&p.uv), 0, "a loop");
  p.options.entries = entries[head[0] % 8];
  r = act(&p, head[1] >> 3, steps, first);
  p.options.entries = entries[head[0] >> 3 & 7];
  if (r == 0 && first < n)
    r = act(&p, head[1] >> 4, steps + first * PROGRAM_STEP, n - first);
  must_be(&p, uv_loop_close(&p.uv), 0, "closing the loop");
  must_be(&p, world->descriptors(world), descriptors, "descriptors");
  return r;
}
