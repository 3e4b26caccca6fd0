/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "plan.h"
#include "over.h"
#include "shadow.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* What is to happen: rules, then chance. Each kind of call has a series of
 * random numbers of its own, so that one more of one kind changes nothing for
 * the others. */

enum { OPCODES = 256, SERIES = WEIR_FAULT_OPCODE + OPCODES };

typedef struct rule_s {
  struct rule_s *next;
  weir_fault_rule_t rule;
  size_t seen;
} rule_t;

struct weir_fault_s {
  weir_fault_options_t options;
  pthread_mutex_t lock; /* of the rest, for the threads of the pool */
  rule_t *rules;
  rule_t **last;
  weir_fault_count_t counts[SERIES];
  uint64_t drawn[WEIR_FAULT_WHATS];
  int spared[WEIR_FAULT_WHATS]; /* whose last was EAGAIN, and 1; 0: none */
};

_Thread_local weir_fault_t *weir__plan;

/* ---- Chance ---- */

/* The finaliser of a well-known generator (splitmix64): all bits of the sum
 * matter for all of the result. */
static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static unsigned draw(weir_fault_t *plan, unsigned what, unsigned n) {
  uint64_t z = plan->options.seed + ((uint64_t)what << 48);
  z = mix(mix(z) + ++plan->drawn[what] * 0x9e3779b97f4a7c15u);
  return n == 0 ? 0 : (unsigned)(z % n);
}

unsigned weir__plan_draw(weir_fault_t *plan, unsigned what, unsigned n) {
  pthread_mutex_lock(&plan->lock);
  unsigned drawn = draw(plan, what, n);
  pthread_mutex_unlock(&plan->lock);
  return drawn;
}

static int happens(weir_fault_t *plan, unsigned what, unsigned rate) {
  return rate > 0 && draw(plan, what, 1000) < rate;
}

int weir__plan_reorders(weir_fault_t *plan, unsigned what) {
  pthread_mutex_lock(&plan->lock);
  int r = happens(plan, what, plan->options.reorder);
  plan->counts[what].reordered += (size_t)r;
  pthread_mutex_unlock(&plan->lock);
  return r;
}

/* What was not to be had the last time is to be had now. */
static int again(weir_fault_t *plan, const weir__ask_t *ask) {
  int *spared = &plan->spared[ask->what];
  int was = *spared == ask->fd + 1;
  if (was)
    *spared = 0;
  if (was || !happens(plan, ask->what, plan->options.again))
    return 0;
  *spared = ask->fd + 1;
  return EAGAIN;
}

static int interrupted(weir_fault_t *plan, const weir__ask_t *ask) {
  if (!happens(plan, ask->what, plan->options.interrupt))
    return 0;
  return ask->can & WEIR__CAN_ABORT && draw(plan, ask->what, 2) ? ECONNABORTED
                                                                : EINTR;
}

static void by_chance(weir_fault_t *plan, const weir__ask_t *ask,
                      weir__verdict_t *verdict) {
  const weir_fault_options_t *o = &plan->options;
  unsigned rounds = o->rounds == 0 ? 4 : o->rounds;
  if (ask->can & WEIR__CAN_DELAY && happens(plan, ask->what, o->delay))
    verdict->rounds = 1 + draw(plan, ask->what, rounds);
  if (ask->can & WEIR__CAN_INTERRUPT)
    verdict->error = interrupted(plan, ask);
  if (verdict->error == 0 && ask->can & WEIR__CAN_AGAIN)
    verdict->error = again(plan, ask);
  if (verdict->error == 0 && ask->can & WEIR__CAN_MISS &&
      happens(plan, ask->what, o->miss))
    verdict->error = ENOENT;
  if (verdict->error == 0 && ask->can & WEIR__CAN_CUT && ask->size > 1 &&
      !(o->whole & 1u << ask->what) && happens(plan, ask->what, o->cut)) {
    size_t most = ask->size - 1 < UINT_MAX ? ask->size - 1 : UINT_MAX;
    verdict->bytes = 1 + draw(plan, ask->what, (unsigned)most);
  }
}

/* ---- Rules ---- */

static int fits(const weir_fault_rule_t *rule, const weir__ask_t *ask) {
  if (rule->fd != 0 && rule->fd != ask->fd)
    return 0;
  return rule->what == ask->what ||
         (ask->opcode != 0 && rule->what == WEIR_FAULT_OPCODE + ask->opcode);
}

/* All rules count, and the first that is due is what happens. */
static int by_rule(weir_fault_t *plan, const weir__ask_t *ask,
                   weir__verdict_t *verdict) {
  int found = 0;
  for (rule_t *r = plan->rules; r != NULL; r = r->next) {
    const weir_fault_rule_t *rule = &r->rule;
    if (!fits(rule, ask))
      continue;
    r->seen++;
    if (found || r->seen < rule->nth || r->seen - rule->nth >= rule->times)
      continue;
    found = 1;
    verdict->error = -rule->error;
    verdict->rounds = rule->rounds;
    if (rule->bytes != 0)
      verdict->bytes = rule->bytes;
  }
  return found;
}

static void count(weir_fault_count_t *counts, const weir__ask_t *ask,
                  const weir__verdict_t *verdict) {
  counts->asked++;
  counts->failed += verdict->error != 0;
  counts->cut += verdict->error == 0 && verdict->bytes < ask->size;
  counts->delayed += verdict->rounds != 0;
}

/* A ring's own descriptor is not what anybody means. */
static int is_chosen(const weir_fault_t *plan, const weir__ask_t *ask) {
  const weir_fault_options_t *o = &plan->options;
  return o->chosen == NULL || ask->fd < 0 || ask->what == WEIR_FAULT_ENTER ||
         o->chosen(o->arg, ask->fd);
}

weir__verdict_t weir__plan_ask(weir_fault_t *plan, const weir__ask_t *ask) {
  /* A signal's handler may write, as libuv's does. */
  static _Thread_local volatile sig_atomic_t asking;
  weir__verdict_t verdict = {.bytes = SIZE_MAX};
  if (plan == NULL || asking || !is_chosen(plan, ask))
    return verdict;
  asking = 1;
  pthread_mutex_lock(&plan->lock);
  if (!by_rule(plan, ask, &verdict))
    by_chance(plan, ask, &verdict);
  if (verdict.bytes >= ask->size)
    verdict.bytes = SIZE_MAX;
  count(&plan->counts[ask->what], ask, &verdict);
  if (ask->opcode != 0)
    count(&plan->counts[WEIR_FAULT_OPCODE + ask->opcode], ask, &verdict);
  pthread_mutex_unlock(&plan->lock);
  asking = 0;
  return verdict;
}

int weir__plan_error(unsigned what, int fd) {
  weir__ask_t ask = {.what = what, .fd = fd};
  return weir__plan == NULL ? 0 : weir__plan_ask(weir__plan, &ask).error;
}

const weir_fault_options_t *weir__plan_options(const weir_fault_t *plan) {
  return &plan->options;
}

/* ---- Beginning and ending ---- */

static int means_something(const weir_fault_rule_t *rule) {
  int what = rule->what < WEIR_FAULT_WHATS ||
             (rule->what > WEIR_FAULT_OPCODE && rule->what < SERIES);
  int said = (rule->error != 0) + (rule->bytes != 0) + (rule->rounds != 0);
  return what && said == 1 && rule->error <= 0 && rule->fd >= 0;
}

int weir_fault_add(weir_fault_t *fault, const weir_fault_rule_t *rule) {
  if (fault == NULL || rule == NULL || !means_something(rule))
    return UV_EINVAL;
  rule_t *r = calloc(1, sizeof(*r));
  if (r == NULL)
    return UV_ENOMEM;
  r->rule = *rule;
  r->rule.nth += r->rule.nth == 0;
  r->rule.times += r->rule.times == 0;
  pthread_mutex_lock(&fault->lock);
  *fault->last = r;
  fault->last = &r->next;
  pthread_mutex_unlock(&fault->lock);
  return 0;
}

static void release(weir_fault_t *fault) {
  while (fault->rules != NULL) {
    rule_t *r = fault->rules;
    fault->rules = r->next;
    free(r);
  }
  pthread_mutex_destroy(&fault->lock);
  free(fault);
}

/* Two at the same time differ by where they are. */
static uint64_t new_seed(const weir_fault_t *fault) {
  uint64_t seed = mix(uv_hrtime() ^ (uint64_t)(uintptr_t)fault);
  return seed == 0 ? 1 : seed;
}

static int add_all(weir_fault_t *fault) {
  const weir_fault_options_t *o = &fault->options;
  int r = 0;
  for (size_t i = 0; r == 0 && i < o->nrules; i++)
    r = weir_fault_add(fault, &o->rules[i]);
  return r;
}

int weir_fault_begin(const weir_fault_options_t *options,
                     weir_fault_t **fault) {
  if (options == NULL || fault == NULL ||
      (options->rules == NULL && options->nrules != 0))
    return UV_EINVAL;
  if (weir__plan != NULL)
    return UV_EALREADY;
  /* Somebody else's functions may be called, or none can come before. */
  if (!weir__over_in_place())
    return UV_ENOTSUP;
  weir_fault_t *plan = calloc(1, sizeof(*plan));
  if (plan == NULL)
    return UV_ENOMEM;
  pthread_mutex_init(&plan->lock, NULL);
  plan->options = *options;
  plan->last = &plan->rules;
  if (options->seed == 0)
    plan->options.seed = new_seed(plan);
  int r = add_all(plan);
  if (r != 0) {
    release(plan);
    return r;
  }
  weir__plan = *fault = plan;
  return 0;
}

void weir_fault_end(weir_fault_t *fault) {
  if (fault == NULL)
    return;
  if (weir__plan == fault)
    weir__plan = NULL;
  weir__shadows_end(fault);
  release(fault);
}

uint64_t weir_fault_seed(const weir_fault_t *fault) {
  return fault->options.seed;
}

weir_fault_count_t weir_fault_count(weir_fault_t *fault, unsigned what) {
  weir_fault_count_t counts = {0, 0, 0, 0, 0};
  if (what >= SERIES)
    return counts;
  pthread_mutex_lock(&fault->lock);
  counts = fault->counts[what];
  pthread_mutex_unlock(&fault->lock);
  return counts;
}
