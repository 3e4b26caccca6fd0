/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "uv_poll.h"

#include <weir/ready.h>

/* Watching is stopped lazily: only what is ready with nobody waiting is not
 * watched any more, since stop and start for each wait would cost two system
 * calls. */

enum { BOTH = UV_READABLE | UV_WRITABLE };

static inline int watched(const weir__own_t *own) {
  return (int)(own->flags >> WEIR__OWN_WATCHED);
}

static inline void set_watched(weir__own_t *own, int events) {
  const unsigned rest = (1u << WEIR__OWN_WATCHED) - 1;
  own->flags = (own->flags & rest) | (unsigned)events << WEIR__OWN_WATCHED;
}

static_assert((int)WEIR_READABLE == UV_READABLE &&
                  (int)WEIR_WRITABLE == UV_WRITABLE,
              "events are libuv's");

static int waits(const weir__own_t *own) {
  int events = (own->read_ready != NULL ? UV_READABLE : 0) |
               (own->write_ready != NULL ? UV_WRITABLE : 0);
  for (const weir_op_t *op = own->waits; op != NULL;
       op = weir__wait_of(op)->next)
    if (weir__wait_of(op)->polled)
      events |= weir__wait_of(op)->events;
  return events;
}

static inline void notify(weir_stream_t *stream, weir__ready_cb *slot,
                          int status) {
  weir__ready_cb ready = *slot;
  *slot = NULL;
  if (ready != NULL)
    ready(stream, status);
}

static inline void end(weir_stream_t *stream, int events, int status) {
  weir__own_t *own = weir__own(stream);
  if ((events & UV_WRITABLE) != 0)
    notify(stream, &own->write_ready, status);
  if ((events & UV_READABLE) != 0)
    notify(stream, &own->read_ready, status);
}

static void end_wait(weir_op_t *op, int status, int events) {
  weir__wait_of(op)->polled = 0;
  weir__wait_done(op, status, events);
}

static void end_waits(weir_stream_t *stream, int events, int status) {
  weir_op_t *op = weir__own(stream)->waits;
  weir_op_t *next;
  for (; op != NULL; op = next) {
    const weir__wait_t *wait = weir__wait_of(op);
    next = wait->next;
    if (wait->polled && (wait->events & events) != 0)
      end_wait(op, status, events);
  }
}

void weir__poll_end(weir_stream_t *stream, int events, int status) {
  end(stream, events, status);
}

void weir__poll_end_all(weir_loop_t *loop, int status) {
  weir_stream_t *stream = NULL;
  while ((stream = weir__stream_next(loop, stream)) != NULL)
    if (weir__kind(stream) != NULL) {
      weir__poll_end(stream, BOTH, status);
      end_waits(stream, BOTH, status);
    }
}

#ifdef _WIN32
/* A connection that was reset shows itself to those who want to read. */
static int with_errors(int events) {
  return (events & UV_WRITABLE) != 0 ? BOTH : events;
}

/* libuv would ask the system again at once, and tell what it says now when that
 * may be over. */
static int kept(const weir__own_t *own, int events) {
  return events & with_errors(waits(own));
}

static int init_poll(uv_loop_t *uv, uv_poll_t *poll, weir__fd_t fd) {
  return uv_poll_init_socket(uv, poll, (uv_os_sock_t)fd);
}
#else
static int with_errors(int events) {
  return events;
}

static int kept(const weir__own_t *own, int events) {
  (void)own;
  return events;
}

static int init_poll(uv_loop_t *uv, uv_poll_t *poll, weir__fd_t fd) {
  return uv_poll_init(uv, poll, fd);
}
#endif

static int watch(weir_stream_t *stream, int events);

static void on_poll(uv_poll_t *poll, int status, int events) {
  weir_stream_t *stream = poll->data;
  weir__own_t *own = weir__own(stream);
  int keep = watched(own) & ~(events & ~waits(own));
  if (weir__loop_foreign(stream->loop)) {
    set_watched(own, 0);
    uv_poll_stop(poll);
    return;
  }
  /* After an error libuv has stopped the handle; the transfer will tell which
   * error it was. */
  if (status < 0) {
    events = watched(own);
    set_watched(own, 0);
  }
  end(stream, events, 0);
  if (own->waits != NULL)
    end_waits(stream, events, 0);
  keep = status < 0 ? waits(own) : kept(own, keep);
  int r = keep != watched(own) ? watch(stream, keep) : 0;
  if (r != 0) {
    weir__poll_end(stream, BOTH, r);
    end_waits(stream, BOTH, r);
  }
}

/* The descriptor may be known to libuv as that of an adopted handle which the
 * application has just closed, so that its number came again. */
static int open_poll(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  int r = init_poll(stream->loop->uv, &own->u.poll, own->fd);
  if (r == UV_EEXIST) {
    weir__adopted_check(stream->loop);
    r = init_poll(stream->loop->uv, &own->u.poll, own->fd);
  }
  if (r != 0)
    return r;
  uv_unref((uv_handle_t *)&own->u.poll);
  own->u.poll.data = stream;
  own->flags |= WEIR__OWN_POLL;
  return 0;
}

/* The application may have closed the handle. */
static int watch(weir_stream_t *stream, int events) {
  weir__own_t *own = weir__own(stream);
  int r = 0;
  if ((own->flags & WEIR__OWN_POLL) == 0)
    r = open_poll(stream);
  else if (uv_is_closing((uv_handle_t *)&own->u.poll))
    r = UV_ECANCELED;
  if (r != 0)
    return r;
  r = events != 0 ? uv_poll_start(&own->u.poll, events, on_poll)
                  : uv_poll_stop(&own->u.poll);
  if (r == 0)
    set_watched(own, events);
  return r;
}

/* Has events watched that are not, perhaps. */
static inline int watch_too(weir_stream_t *stream, int events) {
  const weir__own_t *own = weir__own(stream);
  if (weir__own_fd(stream) < 0)
    return UV_EBADF;
  if ((watched(own) & events) == events &&
      !weir__loop_closes(stream->loop, (const uv_handle_t *)&own->u.poll))
    return 0;
  return watch(stream, watched(own) | with_errors(events));
}

/* A poll handle would not mind that the descriptor is closed; libuv's poll
 * would. */
int weir__poll_await(weir_stream_t *stream, int event, weir__ready_cb ready) {
  weir__own_t *own = weir__own(stream);
  int r = watch_too(stream, event);
  if (r != 0)
    return r;
  if (event == UV_READABLE)
    own->read_ready = ready;
  else
    own->write_ready = ready;
  return WEIR_PENDING;
}

int weir__poll_wait(weir_stream_t *stream, weir_op_t *op) {
  int r = watch_too(stream, weir__wait_of(op)->events);
  if (r != 0)
    return r;
  weir__wait_of(op)->polled = 1;
  return WEIR_PENDING;
}

int weir__poll_unwait(weir_stream_t *stream, weir_op_t *op) {
  (void)stream;
  end_wait(op, UV_ECANCELED, 0);
  return 0;
}

void weir__poll_close(weir_stream_t *stream) {
  weir__own_t *own = weir__own(stream);
  uv_handle_t *poll = (uv_handle_t *)&own->u.poll;
  if ((own->flags & WEIR__OWN_POLL) != 0 && !uv_is_closing(poll))
    uv_close(poll, NULL);
  set_watched(own, 0);
}

/* No other handle has that callback, which libuv clears when it makes one. */
int weir__poll_owns(const weir_loop_t *loop, const uv_handle_t *handle) {
  const weir_stream_t *stream = handle->data;
  return handle->type == UV_POLL &&
         ((const uv_poll_t *)handle)->poll_cb == on_poll &&
         stream->loop == loop;
}
