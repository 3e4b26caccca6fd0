/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* Leases that are held for a while, and other buffers of their pool. What is in
 * them stays as it was until they are given back. */

enum { SPOILT = 0xe5 };

static const size_t counts[] = {1, 2, 4, 16};

void leases_begin(program_t *p, unsigned how) {
  p->nholds = 0;
  must_be(p,
          weir_pool_create(p->loop, counts[how % 4], 700 + how % 3 * 900,
                           &p->leased),
          0, "a pool for leases");
}

void leases_end(program_t *p) {
  must_be(p, (long long)weir_pool_available(p->leased),
          (long long)weir_pool_count(p->leased), "buffers that came back");
  must_be(p, weir_pool_destroy(p->leased), 0, "a pool for leases in use");
}

/* ---- Holding ---- */

static void hold(program_t *p, end_t *e, weir_lease_t lease, size_t refs) {
  hold_t *held = &p->holds[p->nholds++];

  *held = (hold_t){
      .end = e, .lease = lease, .refs = refs, .copy = malloc(lease.buf.len)};
  must(p, held->copy != NULL, "no memory");
  memcpy(held->copy, lease.buf.base, lease.buf.len);
}

/* One holder less, of a lease that was found to be as it was; after the last
 * one the memory is not theirs. */
static void let_go(program_t *p, hold_t *held) {
  weir_lease_t lease = held->lease;

  must(p, memcmp(lease.buf.base, held->copy, lease.buf.len) == 0,
       "a lease has other bytes than came");
  if (--held->refs == 0) {
    memset(lease.buf.base, SPOILT, lease.buf.len);
    free(held->copy);
    *held = p->holds[--p->nholds];
  }
  trace(p, "  let go, %zu held", p->nholds);
  p->progress++;
  p->inside = 1;
  must_be(p, weir_lease_release(&lease), 0, "giving back a lease");
  p->inside = 0;
}

static void acquire(program_t *p) {
  weir_lease_t lease = {.pool = p->leased};
  int r;

  if (p->nholds == HOLDS)
    return;
  p->inside = 1;
  r = weir_pool_acquire(p->leased, &lease.buf);
  p->inside = 0;
  trace(p, "  acquire: %d", r);
  must(p, r == 0 || r == UV_ENOBUFS, "acquiring got %s", said(r));
  if (r != 0)
    return;
  memset(lease.buf.base, (int)p->progress, lease.buf.len);
  hold(p, NULL, lease, 1);
}

void leases_do(program_t *p, random_t *dice) {
  if (random_below(dice, 4) == 0)
    acquire(p);
  else if (p->nholds > 0)
    let_go(p, &p->holds[random_below(dice, p->nholds)]);
}

void leases_forget(end_t *e) {
  for (size_t i = 0; i < e->p->nholds; i++)
    if (e->p->holds[i].end == e)
      e->p->holds[i].end = NULL;
}

void leases_drain(program_t *p) {
  while (p->nholds > 0)
    let_go(p, &p->holds[p->nholds - 1]);
}

/* ---- Reading ---- */

int lease_read(job_t *job, random_t *dice, weir_op_cb cb) {
  job->most = random_below(dice, 4);
  return weir_read_lease(&job->op, job->end->stream, job->p->leased,
                         &job->lease, job->most, cb);
}

void lease_keep(program_t *p, weir_lease_t lease, int keeps) {
  if (p->nholds == HOLDS) {
    must_be(p, weir_lease_release(&lease), 0, "giving back a lease");
    return;
  }
  hold(p, NULL, lease, 1);
  if (p->draining || !keeps)
    let_go(p, &p->holds[p->nholds - 1]);
}

static size_t held_of(const end_t *e) {
  size_t n = 0;

  for (size_t i = 0; i < e->p->nholds; i++)
    n += e->p->holds[i].end == e;
  return n;
}

void lease_check(job_t *job, int status, size_t n) {
  program_t *p = job->p;
  weir_lease_t lease = job->lease;
  int twice = job->goes_on;

  if (status != 0) {
    must(p, lease.pool == NULL && n == 0, "%s, and a lease", said(status));
    return;
  }
  must(p, lease.pool == p->leased && n > 0 && lease.buf.len == n,
       "a lease of %zu, not %zu", (size_t)lease.buf.len, n);
  must(p, job->most == 0 || held_of(job->end) < job->most,
       "one lease more than %zu", job->most);
  if (twice)
    must_be(p, weir_lease_retain(&lease), 0, "one holder more");
  hold(p, job->end, lease, 1 + (size_t)twice);
  if (p->draining || p->nholds == HOLDS || job->then.a % 2 == 0)
    let_go(p, &p->holds[p->nholds - 1]);
}
