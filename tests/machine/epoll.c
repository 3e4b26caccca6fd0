/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "calls.h"
#include "world.h"

/* Epoll, by levels, and poll. */

typedef struct epoll_s {
  object_t base;
  watch_t *watches;
} epoll_t;

struct watch_s {
  watch_t *next;           /* of the epoll's */
  watch_t *next_of_object; /* of the object's */
  epoll_t *epoll;
  object_t *object;
  int fd;
  struct epoll_event event;
  unsigned moved; /* by the object when the loop last turned */
  unsigned turns; /* in which it could have been served, and was not */
};

/* So many of them are an injustice. */
enum { INJUSTICE = 60 };

static unsigned ready_of(const watch_t *w) {
  return w->object->kind->ready(w->object) &
         (w->event.events | POLLERR | POLLHUP);
}

static unsigned epoll_ready(const object_t *object) {
  const watch_t *w = ((const epoll_t *)object)->watches;
  while (w != NULL && ready_of(w) == 0)
    w = w->next;
  return w != NULL ? POLLIN : 0;
}

static void unlink_watch(watch_t *w) {
  watch_t **at = &w->epoll->watches;
  while (*at != w)
    at = &(*at)->next;
  *at = w->next;
  at = &w->object->watches;
  while (*at != w)
    at = &(*at)->next_of_object;
  *at = w->next_of_object;
  free(w);
}

static void epoll_close(object_t *object) {
  epoll_t *epoll = (epoll_t *)object;
  while (epoll->watches != NULL)
    unlink_watch(epoll->watches);
}

const kind_t epoll_kind = {
    .name = "epoll", .ready = epoll_ready, .close = epoll_close};

void watches_end(object_t *object) {
  while (object->watches != NULL)
    unlink_watch(object->watches);
}

void watches_changed(object_t *object) {
  for (watch_t *w = object->watches; w != NULL; w = w->next_of_object)
    if (ready_of(w) != 0)
      object_changed(&w->epoll->base);
}

static watch_t *find(const epoll_t *epoll, int fd, const object_t *object) {
  watch_t *w = epoll->watches;
  while (w != NULL && (w->fd != fd || w->object != object))
    w = w->next;
  return w;
}

static int control(epoll_t *epoll, int op, int fd, object_t *object,
                   const struct epoll_event *event) {
  watch_t *w = find(epoll, fd, object);
  if (object->kind->ready == NULL)
    return -EPERM;
  if (op == EPOLL_CTL_ADD && w != NULL)
    return -EEXIST;
  if (op != EPOLL_CTL_ADD && w == NULL)
    return -ENOENT;
  if (op == EPOLL_CTL_DEL) {
    unlink_watch(w);
    return 0;
  }
  if (op == EPOLL_CTL_ADD) {
    w = take(sizeof(*w));
    w->epoll = epoll;
    w->object = object;
    w->fd = fd;
    w->next = epoll->watches;
    epoll->watches = w;
    w->next_of_object = object->watches;
    object->watches = w;
  }
  w->event = *event;
  if (ready_of(w) != 0)
    object_changed(&epoll->base);
  return 0;
}

int machine_epoll_create1(int flags) {
  (void)flags;
  call_begins("epoll_create1", 0);
  epoll_t *epoll = object_new(&epoll_kind, sizeof(*epoll));
  return answer("epoll_create1", 0, fd_new(&epoll->base));
}

int machine_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
  call_begins("epoll_ctl", fd);
  object_t *epoll = fd_of_kind(epfd, &epoll_kind);
  object_t *object = fd_object(fd);
  int r = epoll == NULL || object == NULL ? -EBADF : 0;
  if (r == 0)
    r = control((epoll_t *)epoll, op, fd, object, event);
  machine_note("op", op, event != NULL ? (long)event->events : 0);
  return answer("epoll_ctl", fd, r);
}

/* ---- Waiting ---- */

static int epoll_woken(void *arg) {
  return rings_interrupt() || epoll_ready(arg) != 0;
}

static void judge(const epoll_t *epoll) {
  for (watch_t *w = epoll->watches; w != NULL; w = w->next) {
    if (ready_of(w) == 0 || w->object->moved != w->moved)
      w->turns = 0;
    else if (++w->turns > INJUSTICE)
      machine_fail("%d is starved: ready for %d turns, and not served", w->fd,
                   INJUSTICE);
    w->moved = w->object->moved;
  }
}

/* In any order: those that come first are not always the same. */
static int collect(epoll_t *epoll, struct epoll_event *events, int most) {
  int n = 0;
  int all = 0;
  for (const watch_t *w = epoll->watches; w != NULL; w = w->next) {
    unsigned ready = ready_of(w);
    if (ready == 0)
      continue;
    int at = (int)chance_of((unsigned)++all);
    if (n < most)
      n++;
    if (at >= n)
      continue;
    if (n == all || at != n - 1)
      events[n - 1] = events[at];
    events[at] = w->event;
    events[at].events = ready;
  }
  return n;
}

int machine_epoll_pwait(int epfd, struct epoll_event *events, int most,
                        int timeout, const sigset_t *mask) {
  call_begins("epoll_pwait", epfd);
  object_t *epoll = fd_of_kind(epfd, &epoll_kind);
  (void)mask;
  if (epoll == NULL)
    return answer("epoll_pwait", epfd, -EBADF);
  judge((epoll_t *)epoll);
  if (timeout != 0 && happens(options()->interrupted))
    return answer("epoll_pwait", epfd, -EINTR);
  uint64_t before = machine_now();
  if (timeout != 0)
    sleep_until(epoll_woken, epoll,
                timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000000);
  rings_slept(before);
  int interrupted = rings_interrupt();
  rings_work();
  int n = collect((epoll_t *)epoll, events, most);
  machine_note("timeout", timeout, 0);
  return answer("epoll_pwait", epfd, n == 0 && interrupted ? -EINTR : n);
}

typedef struct poll_wait_s {
  struct pollfd *fds;
  unsigned long n;
} poll_wait_t;

static int look(void *arg) {
  poll_wait_t *p = arg;
  int n = 0;
  for (unsigned long i = 0; i < p->n; i++) {
    struct pollfd *at = &p->fds[i];
    const object_t *object = fd_object(at->fd);
    unsigned ready = POLLNVAL;
    if (object != NULL && object->kind->ready == NULL)
      ready = POLLIN | POLLOUT;
    else if (object != NULL)
      ready = object->kind->ready(object);
    ready &= (unsigned short)at->events | POLLERR | POLLHUP | POLLNVAL;
    at->revents = at->fd < 0 ? 0 : (short)ready;
    n += at->revents != 0;
  }
  return n;
}

int machine_poll(struct pollfd *fds, nfds_t n, int timeout) {
  poll_wait_t p = {fds, n};
  call_begins("poll", n > 0 ? fds[0].fd : -1);
  if (timeout != 0 && happens(options()->interrupted))
    return answer("poll", fds[0].fd, -EINTR);
  if (timeout != 0)
    sleep_until(look, &p,
                timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000000);
  return answer("poll", n > 0 ? fds[0].fd : -1, look(&p));
}
