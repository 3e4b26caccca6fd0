/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "shadow.h"

#if WEIR_HAVE_URING

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static weir__shadow_t *shadows;
static atomic_uint how_many;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Records ---- */

static weir__record_t **bucket(weir__shadow_t *shadow, uint64_t user_data) {
  return &shadow->records[(user_data ^ user_data >> 32) % WEIR__BUCKETS];
}

weir__record_t *weir__record_add(weir__shadow_t *shadow, uint64_t user_data) {
  weir__record_t **first = bucket(shadow, user_data);
  weir__record_t *record = calloc(1, sizeof(*record));
  if (record == NULL)
    return NULL;
  record->user_data = user_data;
  record->next = *first;
  *first = record;
  return record;
}

static void drop(weir__record_t **at) {
  weir__record_t *record = *at;
  *at = record->next;
  free(record->iov);
  free(record);
}

void weir__record_undo(weir__shadow_t *shadow, uint64_t user_data) {
  weir__record_t **at = bucket(shadow, user_data);
  while (*at != NULL && (*at)->user_data != user_data)
    at = &(*at)->next;
  if (*at != NULL)
    drop(at);
}

/* The oldest. */
static weir__record_t **find(weir__shadow_t *shadow, uint64_t user_data) {
  weir__record_t **found = NULL;
  for (weir__record_t **at = bucket(shadow, user_data); *at != NULL;
       at = &(*at)->next)
    if ((*at)->user_data == user_data)
      found = at;
  return found;
}

/* ---- Completions ---- */

static unsigned shown(const weir__shadow_t *shadow) {
  return shadow->tail - shadow->head;
}

static weir__late_t late_of(weir__shadow_t *shadow,
                            const struct io_uring_cqe *cqe) {
  weir__late_t late = {cqe->user_data, shadow->round, cqe->res, cqe->flags};
  weir__record_t **at = find(shadow, cqe->user_data);
  if (at == NULL)
    return late;
  late.due += (*at)->rounds;
  if ((*at)->error != 0)
    late.result = -(*at)->error;
  if (!(cqe->flags & IORING_CQE_F_MORE))
    drop(at);
  return late;
}

/* Takes what the kernel has completed, as far as weir's queue has room. */
static void take(weir__shadow_t *shadow) {
  const struct io_uring_cq *cq = &shadow->real.cq;
  unsigned head = *cq->khead;
  unsigned tail = io_uring_smp_load_acquire(cq->ktail);
  while (head != tail && shown(shadow) + shadow->nlate < cq->ring_entries)
    shadow->late[shadow->nlate++] =
        late_of(shadow, &cq->cqes[head++ & cq->ring_mask]);
  io_uring_smp_store_release(cq->khead, head);
}

static void show(weir__shadow_t *shadow, const weir__late_t *late) {
  struct io_uring_cqe *cqe =
      &shadow->cqes[shadow->tail & shadow->real.cq.ring_mask];
  cqe->user_data = late->user_data;
  cqe->res = late->result;
  cqe->flags = late->flags;
  io_uring_smp_store_release(&shadow->tail, shadow->tail + 1);
}

/* The order of several completions of one request is not free. */
static void shuffle(weir__shadow_t *shadow) {
  weir__late_t *late = shadow->late;
  if (shadow->plan == NULL || shadow->nlate < 2 ||
      !weir__plan_reorders(shadow->plan, WEIR_FAULT_ENTER))
    return;
  for (unsigned i = 0; i < shadow->nlate; i++)
    if (late[i].flags & IORING_CQE_F_MORE)
      return;
  for (unsigned i = shadow->nlate - 1; i > 0; i--) {
    unsigned j = weir__plan_draw(shadow->plan, WEIR_FAULT_ENTER, i + 1);
    weir__late_t other = late[i];
    late[i] = late[j];
    late[j] = other;
  }
}

/* Shows what is due by then. Returns how much that was. */
static unsigned show_due(weir__shadow_t *shadow, uint64_t round) {
  unsigned kept = 0;
  unsigned n = shadow->nlate;
  for (unsigned i = 0; i < n; i++) {
    if (shadow->late[i].due <= round)
      show(shadow, &shadow->late[i]);
    else
      shadow->late[kept++] = shadow->late[i];
  }
  shadow->nlate = kept;
  return n - kept;
}

static unsigned show_round(weir__shadow_t *shadow) {
  shadow->round++;
  take(shadow);
  shuffle(shadow);
  return show_due(shadow, shadow->round);
}

/* Shows what is due first of all that is held back. */
static void show_first(weir__shadow_t *shadow) {
  uint64_t first = UINT64_MAX;
  for (unsigned i = 0; i < shadow->nlate; i++)
    if (shadow->late[i].due < first)
      first = shadow->late[i].due;
  show_due(shadow, first);
}

static int wakes(const weir__shadow_t *shadow) {
  const unsigned *flags = shadow->real.cq.kflags;
  return shadow->eventfd >= 0 &&
         (flags == NULL ||
          !(IO_URING_READ_ONCE(*flags) & IORING_CQ_EVENTFD_DISABLED));
}

static void wake(const weir__shadow_t *shadow) {
  const uint64_t one = 1;
  ssize_t n = weir__system_get()->write(shadow->eventfd, &one, sizeof(one));
  (void)n;
}

/* ---- Entering ---- */

/* How many completions the kernel has to wait for, so that weir sees `wait`. */
static unsigned to_wait(const weir__shadow_t *shadow, unsigned wait) {
  unsigned here = shown(shadow) + shadow->nlate;
  return here < wait ? wait - here : 0;
}

static weir__verdict_t ask(const weir__shadow_t *shadow, unsigned submit,
                           unsigned wait) {
  unsigned can = wait > 0 ? WEIR__CAN_INTERRUPT : 0;
  if (submit > 0)
    can |= WEIR__CAN_AGAIN | WEIR__CAN_CUT;
  weir__ask_t ask = {.what = WEIR_FAULT_ENTER,
                     .fd = shadow->real.ring_fd,
                     .can = can,
                     .size = submit};
  return weir__plan_ask(shadow->plan, &ask);
}

/* The end of a wait is told only if nothing was submitted; a submission that
 * stopped half-way does not wait. */
int weir__shadow_enter(weir__shadow_t *shadow, unsigned submit, unsigned wait,
                       unsigned flags, sigset_t *mask, size_t size) {
  const struct io_uring *real = &shadow->real;
  weir__verdict_t verdict = ask(shadow, submit, wait);
  int ended = verdict.error == EINTR || verdict.error == ETIME;
  if (verdict.error != 0 && (!ended || (submit == 0 && wait == 0)))
    return -verdict.error;
  int stopped = verdict.bytes < submit;
  if (stopped)
    submit = (unsigned)verdict.bytes;
  if (stopped || ended)
    wait = 0;
  unsigned from = *real->sq.khead;
  weir__batch_begin(shadow, submit);
  take(shadow);
  int r = weir__system_get()->io_uring_enter2((unsigned)real->ring_fd, submit,
                                              to_wait(shadow, wait), flags,
                                              mask, size);
  weir__batch_end(shadow, from, submit);
  show_round(shadow);
  while (shown(shadow) < wait && shadow->nlate > 0)
    show_first(shadow);
  return r == 0 && ended && submit == 0 ? -verdict.error : r;
}

/* ---- Which there are ---- */

/* Only the forking thread is in the child, and the mappings are not. */
static void forget(void) {
  shadows = NULL;
  atomic_store(&how_many, 0);
}

static void forget_after_fork(void) {
  pthread_atfork(NULL, NULL, forget);
}

static void let_go(weir__shadow_t *shadow) {
  for (unsigned i = 0; i < WEIR__BUCKETS; i++)
    while (shadow->records[i] != NULL)
      drop(&shadow->records[i]);
  free(shadow->cqes);
  free(shadow->late);
  free(shadow->saved);
  free(shadow);
}

static weir__shadow_t *make(struct io_uring *ring, weir_fault_t *plan) {
  weir__shadow_t *shadow = calloc(1, sizeof(*shadow));
  if (shadow == NULL)
    return NULL;
  shadow->ring = ring;
  shadow->real = *ring;
  shadow->plan = plan;
  shadow->owner = pthread_self();
  shadow->eventfd = -1;
  shadow->cqes = calloc(ring->cq.ring_entries, sizeof(*shadow->cqes));
  shadow->late = calloc(ring->cq.ring_entries, sizeof(*shadow->late));
  shadow->saved = calloc(ring->sq.ring_entries, sizeof(*shadow->saved));
  if (shadow->cqes == NULL || shadow->late == NULL || shadow->saved == NULL) {
    let_go(shadow);
    return NULL;
  }
  return shadow;
}

int weir__shadow_begin(struct io_uring *ring, weir_fault_t *plan) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  weir__shadow_t *shadow = make(ring, plan);
  if (shadow == NULL)
    return -ENOMEM;
  pthread_once(&once, forget_after_fork);
  ring->cq.khead = &shadow->head;
  ring->cq.ktail = &shadow->tail;
  ring->cq.cqes = shadow->cqes;
  pthread_mutex_lock(&lock);
  shadow->next = shadows;
  shadows = shadow;
  atomic_fetch_add(&how_many, 1);
  pthread_mutex_unlock(&lock);
  return 0;
}

weir__shadow_t *weir__shadow_of(const struct io_uring *ring) {
  if (atomic_load(&how_many) == 0)
    return NULL;
  pthread_mutex_lock(&lock);
  weir__shadow_t *shadow = shadows;
  while (shadow != NULL && shadow->ring != ring)
    shadow = shadow->next;
  pthread_mutex_unlock(&lock);
  return shadow;
}

weir__shadow_t *weir__shadow_of_fd(unsigned fd) {
  if (atomic_load(&how_many) == 0)
    return NULL;
  pthread_mutex_lock(&lock);
  weir__shadow_t *shadow = shadows;
  while (shadow != NULL && (unsigned)shadow->real.ring_fd != fd)
    shadow = shadow->next;
  if (shadow != NULL)
    shadow->owner = pthread_self();
  pthread_mutex_unlock(&lock);
  return shadow;
}

void weir__shadow_remove(weir__shadow_t *shadow) {
  pthread_mutex_lock(&lock);
  weir__shadow_t **at = &shadows;
  while (*at != shadow)
    at = &(*at)->next;
  *at = shadow->next;
  atomic_fetch_sub(&how_many, 1);
  pthread_mutex_unlock(&lock);
  let_go(shadow);
}

/* The next of this thread's after the given one, or the first. */
static weir__shadow_t *next(weir__shadow_t *shadow) {
  if (atomic_load(&how_many) == 0)
    return NULL;
  pthread_mutex_lock(&lock);
  shadow = shadow == NULL ? shadows : shadow->next;
  while (shadow != NULL && !pthread_equal(shadow->owner, pthread_self()))
    shadow = shadow->next;
  pthread_mutex_unlock(&lock);
  return shadow;
}

void weir__shadows_look(void) {
  weir__shadow_t *shadow = NULL;
  while ((shadow = next(shadow)) != NULL)
    if (show_round(shadow) > 0 && wakes(shadow))
      wake(shadow);
}

int weir__shadows_hold(void) {
  weir__shadow_t *shadow = NULL;
  while ((shadow = next(shadow)) != NULL)
    if (shadow->nlate > 0 && wakes(shadow))
      return 1;
  return 0;
}

void weir__shadows_release(void) {
  weir__shadow_t *shadow = NULL;
  while ((shadow = next(shadow)) != NULL)
    if (shadow->nlate > 0 && wakes(shadow)) {
      show_first(shadow);
      wake(shadow);
    }
}

void weir__shadows_end(const weir_fault_t *plan) {
  weir__shadow_t *shadow = NULL;
  while ((shadow = next(shadow)) != NULL) {
    if (shadow->plan != plan)
      continue;
    shadow->plan = NULL;
    if (show_due(shadow, UINT64_MAX) > 0 && wakes(shadow))
      wake(shadow);
  }
}

#endif
