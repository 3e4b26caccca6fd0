/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "over.h"
#include "plan.h"
#include "shadow.h"
#include "system.h"
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>

/* What takes the place of what waits: for descriptors, and for connections. */

static int failed(int error) {
  errno = error;
  return -1;
}

static int interrupted(unsigned what, int timeout) {
  weir__ask_t ask = {
      .what = what, .fd = -1, .can = timeout != 0 ? WEIR__CAN_INTERRUPT : 0};
  return weir__plan == NULL ? 0 : weir__plan_ask(weir__plan, &ask).error;
}

/* ---- Descriptors ---- */

/* What a ring holds back must not keep anybody asleep. */
int weir__over_poll(struct pollfd *fds, nfds_t count, int timeout)
    WEIR__OVER("poll");
int weir__over_poll(struct pollfd *fds, nfds_t count, int timeout) {
  int error = interrupted(WEIR_FAULT_POLL, timeout);
  if (error != 0)
    return failed(error);
  weir__shadows_look();
  if (timeout != 0 && weir__shadows_hold())
    weir__shadows_release();
  return weir__system_get()->poll(fds, count, timeout);
}

/* What _FORTIFY_SOURCE makes of it where it knows the room. */
int weir__over_checked_poll(struct pollfd *fds, nfds_t count, int timeout,
                            size_t room) WEIR__OVER("__poll_chk");
int weir__over_checked_poll(struct pollfd *fds, nfds_t count, int timeout,
                            size_t room) {
  if (count > room / sizeof(*fds))
    abort();
  return weir__over_poll(fds, count, timeout);
}

typedef struct wait_s {
  int epfd;
  struct epoll_event *events;
  int count;
  const sigset_t *mask;
  int masked; /* it is epoll_pwait */
} wait_t;

static int wait_once(const wait_t *w, int timeout) {
  const weir__system_t *system = weir__system_get();
  return w->masked ? system->epoll_pwait(w->epfd, w->events, w->count, timeout,
                                         w->mask)
                   : system->epoll_wait(w->epfd, w->events, w->count, timeout);
}

/* Others are ready before those of the ring that are held back. */
static int wait_patiently(const wait_t *w, int timeout) {
  int n = 0;
  weir__shadows_look();
  if (timeout != 0 && weir__shadows_hold()) {
    n = wait_once(w, 0);
    if (n == 0)
      weir__shadows_release();
  }
  if (n == 0)
    n = wait_once(w, timeout);
  weir__shadows_look();
  return n;
}

static void shuffle(struct epoll_event *events, int n) {
  for (int i = n - 1; i > 0; i--) {
    unsigned j =
        weir__plan_draw(weir__plan, WEIR_FAULT_WAIT, (unsigned)(i + 1));
    struct epoll_event event = events[i];
    events[i] = events[j];
    events[j] = event;
  }
}

/* What has no place in a smaller array stays ready. */
static int wait_for(wait_t *w, int timeout) {
  enum { FEW = 4 };
  int error = interrupted(WEIR_FAULT_WAIT, timeout);
  if (error != 0)
    return failed(error);
  int reorder =
      weir__plan != NULL && weir__plan_reorders(weir__plan, WEIR_FAULT_WAIT);
  if (reorder && weir__plan_draw(weir__plan, WEIR_FAULT_WAIT, 2)) {
    int few = 1 + (int)weir__plan_draw(weir__plan, WEIR_FAULT_WAIT, FEW);
    w->count = few < w->count ? few : w->count;
  }
  int n = wait_patiently(w, timeout);
  if (reorder)
    shuffle(w->events, n);
  return n;
}

int weir__over_epoll_wait(int epfd, struct epoll_event *events, int count,
                          int timeout) WEIR__OVER("epoll_wait");
int weir__over_epoll_wait(int epfd, struct epoll_event *events, int count,
                          int timeout) {
  wait_t w = {epfd, events, count, NULL, 0};
  return wait_for(&w, timeout);
}

int weir__over_epoll_pwait(int epfd, struct epoll_event *events, int count,
                           int timeout, const sigset_t *mask)
    WEIR__OVER("epoll_pwait");
int weir__over_epoll_pwait(int epfd, struct epoll_event *events, int count,
                           int timeout, const sigset_t *mask) {
  wait_t w = {epfd, events, count, mask, 1};
  return wait_for(&w, timeout);
}

/* ---- Connections ---- */

int weir__over_accept4(int fd, struct sockaddr *addr, socklen_t *size,
                       int flags) WEIR__OVER("accept4");
int weir__over_accept4(int fd, struct sockaddr *addr, socklen_t *size,
                       int flags) {
  int error =
      weir__plan == NULL ? 0 : weir__accept_ask(weir__plan, fd, 0).error;
  return error != 0 ? failed(error)
                    : weir__system_get()->accept4(fd, addr, size, flags);
}

/* One that is interrupted goes on, but not that of a local socket, which has
 * not begun. */
int weir__over_connect(int fd, const struct sockaddr *addr, socklen_t size)
    WEIR__OVER("connect");
int weir__over_connect(int fd, const struct sockaddr *addr, socklen_t size) {
  weir__ask_t ask = {
      .what = WEIR_FAULT_CONNECT, .fd = fd, .can = WEIR__CAN_INTERRUPT};
  int error = weir__plan == NULL ? 0 : weir__plan_ask(weir__plan, &ask).error;
  if (error != 0 && (error != EINTR || addr->sa_family == AF_UNIX))
    return failed(error);
  int r = weir__system_get()->connect(fd, addr, size);
  if (r < 0 && errno == EINPROGRESS && error == EINTR)
    errno = EINTR;
  return r;
}

int weir__over_waits(void) {
  return weir__system_calls("epoll_pwait",
                            (void (*)(void))weir__over_epoll_pwait);
}
