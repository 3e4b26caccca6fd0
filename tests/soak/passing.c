/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "actors.h"

/* What comes goes back from the buffers of a pool that all share: by a relay,
 * by leases, or when the stream says that there is something. */

static void end_both(peer_t *p) {
  peer_send(p, p->out.done, PEER_ENDING, peer_whole);
}

/* ---- A relay ---- */

typedef struct echo_s {
  weir_relay_t relay;
  peer_t *peer;
  char ring[2048]; /* where the pool has no buffer */
} echo_t;

static void on_passed(weir_relay_t *relay, int status) {
  echo_t *echo = (echo_t *)(void *)relay;
  peer_t *p = echo->peer;
  weir_relay_info_t info;

  weir_relay_info(relay, &info, sizeof(info));
  add(&p->side->report->bytes, info.bytes_written);
  if (status == 0 && !peer_is_rude(p) &&
      (info.bytes_written != p->in.total || info.bytes_read != p->in.total))
    peer_fault(p, "a count of a relay", 0);
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "a relay", status);
  else
    peer_whole(p);
}

void serve_relay(peer_t *p) {
  echo_t *echo = p->more = malloc(sizeof(*echo));
  weir_relay_options_t options = {.pool = p->side->small};
  int r;

  if (echo == NULL) {
    peer_fault(p, "no memory", 0);
    peer_close(p);
    return;
  }
  echo->peer = p;
  r = weir_relay_start(&echo->relay, &p->stream, &p->stream, &options,
                       on_passed);
  if (r == UV_ENOBUFS) {
    options = (weir_relay_options_t){.ring = echo->ring,
                                     .capacity = sizeof(echo->ring)};
    r = weir_relay_start(&echo->relay, &p->stream, &p->stream, &options,
                         on_passed);
  }
  peer_begun(p, r, "to relay");
}

/* ---- Leases ---- */

enum { AT_ONCE = 2 };

typedef struct loan_s {
  weir_lease_t lease; /* what was read, while it is written */
  size_t len;
} loan_t;

static void borrow(peer_t *p);

static void on_paid(weir_op_t *op, int status, size_t n) {
  peer_t *p = ((piece_t *)op->data)->peer;
  loan_t *loan = p->more;

  if (status == 0 && n != loan->len)
    peer_fault(p, "a count of what goes back", 0);
  if (weir_lease_release(&loan->lease) != 0)
    peer_fault(p, "a lease to release", 0);
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "to send back", status);
  else
    borrow(p);
}

static void on_borrowed(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  loan_t *loan = p->more;

  loan->len = n;
  if (status == 0)
    peer_check(p, loan->lease.buf.base, n);
  if (!peer_done(p)) {
    if (status == 0 && weir_lease_release(&loan->lease) != 0)
      peer_fault(p, "a lease to release", 0);
  } else if (status == UV_EOF) {
    end_both(p);
  } else if (status != 0) {
    peer_trouble(p, "to read a lease", status);
  } else if (!peer_begun(p,
                         weir_write(&p->pieces[0].op, &p->stream,
                                    weir_lease_seq(&loan->lease), on_paid),
                         "to send back") &&
             weir_lease_release(&loan->lease) != 0) {
    peer_fault(p, "a lease to release", 0);
  }
}

static void borrow(peer_t *p) {
  loan_t *loan = p->more;

  peer_begun(p,
             weir_read_lease(&p->read, &p->stream, p->side->small, &loan->lease,
                             AT_ONCE, on_borrowed),
             "to read a lease");
}

void serve_leases(peer_t *p) {
  p->more = calloc(1, sizeof(loan_t));
  if (p->more != NULL) {
    borrow(p);
    return;
  }
  peer_fault(p, "no memory", 0);
  peer_close(p);
}

/* ---- Readiness ---- */

static void wait_for(peer_t *p, int events);

/* What does not go at once waits until there is room. */
static void send_back(peer_t *p) {
  const way_t *in = &p->in;
  way_t *out = &p->out;
  size_t n = 0;
  int r = 0;

  if (out->done < in->done)
    r = weir_write_try(
        &p->stream, weir_seq_block(p->room + out->seed, in->done - out->done),
        &n);
  out->done += n;
  out->seed += n;
  if (r != 0 && r != UV_EAGAIN)
    peer_trouble(p, "to write at once", r);
  else
    wait_for(p, out->done < in->done ? WEIR_WRITABLE : WEIR_READABLE);
}

static void receive(peer_t *p) {
  weir_mseq_t room = weir_mseq_block(p->room, p->side->room);
  size_t n = 0;
  int r = weir_read_now(&p->stream, room, &n);

  if (r == 0) {
    peer_check(p, p->room, n);
    p->out.seed = 0;
    send_back(p);
  } else if (r == UV_EAGAIN) {
    wait_for(p, WEIR_READABLE);
  } else if (r == UV_EOF) {
    end_both(p);
  } else {
    peer_trouble(p, "to read at once", r);
  }
}

static void on_ready(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;

  (void)n;
  if (!peer_done(p))
    return;
  if (status != 0)
    peer_trouble(p, "a wait", status);
  else if (p->out.done < p->in.done)
    send_back(p);
  else
    receive(p);
}

static void wait_for(peer_t *p, int events) {
  peer_begun(p, weir_wait(&p->read, &p->stream, events, on_ready), "to wait");
}

void serve_when_ready(peer_t *p) {
  p->out.done = 0;
  wait_for(p, WEIR_READABLE);
}
