/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "inside.h"

/* A listener, who connects to it, and whom it accepts. Which connection an
 * accepted stream is, its address says. */

enum { CONNECT, ACCEPT };

/* ---- Listening ---- */

static void on_dock_closed(weir_stream_t *stream) {
  program_t *p = stream->data;

  must_be(p, p->dock.jobs, 0, "accepts behind the close of a listener");
  p->progress++;
  p->dock.state = DOCK_GONE;
  free(stream);
}

static void dock_close(program_t *p) {
  trace(p, "  close the listener");
  must_be(p, weir_close(p->dock.stream, on_dock_closed), 0, "closing");
  p->dock.state = DOCK_CLOSING;
}

static int bind_tcp(dock_t *dock, weir_loop_t *loop) {
  struct sockaddr_in any;
  int len = sizeof(dock->address), r;

  memset(&any, 0, sizeof(any));
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  r = weir_tcp_init(loop, dock->stream);
  r = r ? r : weir_tcp_bind(dock->stream, (struct sockaddr *)&any, 0);
  return r ? r
           : weir_getsockname(dock->stream, (struct sockaddr *)&dock->address,
                              &len);
}

static void dock_open(program_t *p, random_t *dice) {
  dock_t *dock = &p->dock;
  int r;

  dock->stream = stream_new(p);
  dock->is_unix = random_below(dice, 2) == 0;
  if (!dock->is_unix) {
    r = bind_tcp(dock, p->loop);
  } else {
    p->world->path(p->world, dock->path, "d");
    r = weir_pipe_init(p->loop, dock->stream);
    r = r ? r : weir_pipe_bind(dock->stream, dock->path);
  }
  must_be(p, r, 0, "binding");
  trace(p, "  listen %d", dock->is_unix);
  dock->stream->data = p;
  must_be(p,
          weir_listen(dock->stream,
                      dock->is_unix ? (int)random_below(dice, 4) : 64),
          0, "listening");
  dock->state = DOCK_OPEN;
}

/* ---- Accepting ---- */

static unsigned tag_of(const struct sockaddr_storage *address) {
  const struct sockaddr_un *un = (const void *)address;

  if (address->ss_family == AF_INET)
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
  return (unsigned)strtoul(strrchr(un->sun_path, 'c') + 1, NULL, 10);
}

static unsigned own_tag(weir_stream_t *stream) {
  struct sockaddr_storage address;
  int len = sizeof(address);

  if (weir_getsockname(stream, (struct sockaddr *)&address, &len) != 0)
    return 0;
  return tag_of(&address);
}

static link_t *link_of(program_t *p, unsigned tag) {
  for (size_t i = p->nlinks; i > 0; i--) {
    link_t *link = &p->links[i - 1];
    end_t *e = &link->ends[0];

    if (!link->dialed || link->ends[1].state != END_NONE)
      continue;
    if (link->tag == 0 && e->stream != NULL)
      link->tag = own_tag(e->stream);
    if (link->tag == tag)
      return link;
  }
  return NULL;
}

static void on_stray_closed(weir_stream_t *stream) {
  program_t *p = stream->data;

  p->progress++;
  p->strays--;
  free(stream);
}

static void accepted(program_t *p, weir_stream_t *stream) {
  struct sockaddr_storage address;
  int len = sizeof(address);
  link_t *link = NULL;

  memset(&address, 0, sizeof(address));
  if (weir_getpeername(stream, (struct sockaddr *)&address, &len) == 0)
    link = link_of(p, tag_of(&address));
  if (link != NULL) {
    end_open(&link->ends[1], stream);
    return;
  }
  stream->data = p;
  p->strays++;
  must_be(p, weir_close(stream, on_stray_closed), 0, "closing a stray");
}

static void on_accept(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  program_t *p = job->p;

  status = job_reports(job, status, n);
  p->dock.jobs--;
  must(p, p->dock.state == DOCK_OPEN || p->dock.state == DOCK_CLOSING,
       "an accept of a closed listener");
  if (status == 0) {
    accepted(p, job->on);
  } else {
    must(p,
         status == UV_ECANCELED &&
             (job->cancelled || p->dock.state == DOCK_CLOSING),
         "an accept got %s", said(status));
    free(job->on);
  }
  job_end(job);
}

static void accept_one(program_t *p, random_t *dice) {
  job_t *job = job_new(p, NULL, dice);

  job->form = ACCEPT;
  job->on = stream_new(p);
  p->dock.jobs++;
  trace(p, "  accept");
  p->inside = 1;
  must_be(p, weir_accept(&job->op, p->dock.stream, job->on, on_accept), 0,
          "accepting");
  p->inside = 0;
}

/* ---- Connecting ---- */

static void on_connect(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  program_t *p = job->p;
  end_t *e = job->end;
  int refused = status == UV_ECONNREFUSED || status == UV_ENOENT ||
                status == UV_ECONNRESET;
  /* It was accepted, and the other side has closed it. */
  int cut = status == UV_ECONNRESET &&
            (peer_of(e)->reset || peer_of(e)->state >= END_CLOSING);

  status = job_reports(job, status, n);
  if (status == 0) {
    if (e->state == END_CONNECTING)
      e->state = END_OPEN;
  } else if (status == UV_ECANCELED) {
    must(p, job->cancelled || e->state == END_CLOSING,
         "a connect was cancelled by nobody");
  } else {
    must(p,
         cut || (status == UV_EAGAIN && p->dock.is_unix) ||
             (refused && p->dock.state != DOCK_OPEN),
         "connecting got %s", said(status));
  }
  job_end(job);
}

static int call(job_t *job, weir_stream_t *stream) {
  program_t *p = job->p;
  link_t *link = job->end->link;
  char path[WORLD_PATH], name[16];
  int r;

  if (!p->dock.is_unix)
    return weir_tcp_connect(&job->op, stream,
                            (const struct sockaddr *)&p->dock.address,
                            on_connect);
  link->tag = (unsigned)(link - p->links) + 1;
  snprintf(name, sizeof(name), "c%u", link->tag);
  p->world->path(p->world, path, name);
  r = weir_pipe_bind(stream, path);
  return r ? r : weir_pipe_connect(&job->op, stream, p->dock.path, on_connect);
}

static void connect_one(program_t *p, random_t *dice) {
  link_t *link = &p->links[p->nlinks];
  weir_stream_t *stream;
  end_t *e = &link->ends[0];
  job_t *job;
  int r;

  if (p->nlinks == LINKS)
    return;
  link_open(p, link);
  p->nlinks++;
  link->dialed = 1;
  link->kind = p->dock.is_unix ? WORLD_UNIX : WORLD_TCP;
  stream = stream_new(p);
  r = p->dock.is_unix ? weir_pipe_init(p->loop, stream)
                      : weir_tcp_init(p->loop, stream);
  must_be(p, r, 0, "making a stream");
  end_open(e, stream);
  e->state = END_CONNECTING;
  job = job_new(p, e, dice);
  job->form = CONNECT;
  trace(p, "  connect link %zu", p->nlinks - 1);
  p->inside = 1;
  must_be(p, call(job, stream), 0, "connecting");
  p->inside = 0;
}

void dock_do(program_t *p, const step_t *step) {
  random_t dice = step_dice(step);
  size_t what = random_below(&dice, 24);

  if (p->dock.state == DOCK_NONE)
    dock_open(p, &dice);
  if (p->dock.state != DOCK_OPEN)
    return;
  if (what < 11)
    connect_one(p, &dice);
  else if (what < 23)
    accept_one(p, &dice);
  else
    dock_close(p);
}

/* Nobody is kept waiting for it. */
void dock_drain(program_t *p) {
  if (p->dock.state != DOCK_OPEN)
    return;
  for (size_t i = 0; i < p->nlinks; i++) {
    const end_t *e = &p->links[i].ends[0];

    if (e->state == END_CONNECTING && e->jobs > 0)
      return;
  }
  dock_close(p);
}
