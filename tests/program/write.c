/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "inside.h"

/* Writes of every form. */

enum { ALL, SOME, AT_LEAST, TO_END, NOW, TRY, SENT };

enum { MOST_BYTES = 6 << 20 };

static size_t any_size(program_t *p, random_t *dice) {
  if (p->bytes > MOST_BYTES)
    return random_below(dice, 3);
  switch (random_below(dice, 10)) {
  case 0:
    return 0;
  case 1:
    return 1 + random_below(dice, 3);
  case 2:
    return 1 + random_below(dice, 40000);
  case 3:
    return random_below(dice, 8) ? 5000 : 65534 + random_below(dice, 5);
  default:
    return 1 + random_below(dice, 1500);
  }
}

static int any_form(random_t *dice) {
  static const unsigned char forms[] = {ALL, ALL,  ALL,      ALL,    ALL,
                                        ALL, SOME, AT_LEAST, TO_END, NOW,
                                        NOW, TRY,  SENT};

  return forms[random_below(dice, sizeof(forms))];
}

/* ---- The end of one ---- */

static void check_success(const job_t *job, size_t n) {
  program_t *p = job->p;
  end_t *e = job->end;

  if (job->form == SOME || job->form == AT_LEAST)
    must(p, n >= job->need, "a write succeeded with %zu of at least %zu", n,
         job->need);
  else
    must_be(p, (long long)n, (long long)job->len, "bytes of a whole write");
  must(p, (long)job->piece > e->last_write, "writes ended in another order");
  must(p, e->write_status == 0 || job->piece < e->failed,
       "a write succeeded behind one that failed");
  e->last_write = (long)job->piece;
}

/* What was late may have failed of itself meanwhile. */
static int is_late(const end_t *e) {
  return e->writes_soon || e->leaves_soon;
}

int write_same(const end_t *e, int status) {
  return e->write_status == 0 || status == e->write_status || is_late(e);
}

static void check_failure(const job_t *job, int status, size_t n) {
  program_t *p = job->p;
  end_t *e = job->end;
  int ends = job->form == TO_END;

  must(p, n < job->len || n == 0 || ends, "%s with all bytes moved",
       said(status));
  if (status == UV_ECANCELED) {
    must(p, job->cancelled || end_is_closing(e),
         "a write was cancelled by nobody");
    if (!job->cancelled && n < job->len)
      write_lost(e, job->piece);
    return;
  }
  must(p,
       status == UV_ETIMEDOUT || end_broken(e) ||
           (ends && status == UV_ENOTSOCK && !e->link->paired),
       "a write got %s, and nothing was wrong", said(status));
  if (e->write_status != 0) {
    must(p, write_same(e, status), "%s behind a write with %s", said(status),
         said(e->write_status));
    must(p, n == job->went || is_late(e) || job->piece < e->failed,
         "bytes behind an error");
  } else if (n < job->len || !ends) {
    e->write_status = status;
    e->failed = job->piece;
    write_lost(e, job->piece);
  }
}

static void check_queued(end_t *e) {
  program_t *p = e->p;
  size_t queued = e->stream == NULL ? 0 : weir_stream_queued(e->stream);

  if (e->state == END_OPEN && e->passed_to == NULL)
    must(p, queued <= e->writes_queued + write_silent(e),
         "%zu bytes are queued, not %zu", queued, e->writes_queued);
}

static void on_write(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  program_t *p = job->p;
  end_t *e = job->end;

  status = job_reports(job, status, n);
  job->cut.uncopied = e->uncopied;
  must(p, n <= job->len && n >= job->went, "%zu bytes of %zu, %zu before", n,
       job->len, job->went);
  e->out.pieces[job->piece].n = n;
  e->writes_queued -= job->len;
  if (status == 0)
    check_success(job, n);
  else
    check_failure(job, status, n);
  if (e->ender == job) {
    e->ender = NULL;
    if (e->leaving || (status != UV_ECANCELED && status != UV_ETIMEDOUT))
      e->ended = END_ENDED;
    else
      e->ended = e->writes_soon ? END_PERHAPS : END_RUNS;
  }
  if (job->on != NULL)
    file_back(job->on, (size_t)job->way);
  check_queued(e);
  job_end(job);
}

void write_lost(end_t *e, size_t behind) {
  for (size_t i = behind + 1; i < e->out.npieces; i++)
    if (e->out.pieces[i].silent)
      e->out.pieces[i].n = 0;
}

size_t write_silent(const end_t *e) {
  size_t bytes = 0;

  for (size_t i = (size_t)(e->last_write + 1); i < e->out.npieces; i++)
    if (e->out.pieces[i].silent)
      bytes += e->out.pieces[i].len;
  return bytes;
}

/* ---- The beginning ---- */

int write_refuses(const end_t *e) {
  int r = end_refuses(e);

  return r == 0 && e->ended == END_ENDED ? UV_EPIPE : r;
}

static int call(job_t *job, weir_seq_t from, random_t *dice) {
  weir_stream_t *s = job->end->stream;
  weir_op_t *op = &job->op;

  switch (job->form) {
  case SOME:
    job->need = job->len > 0;
    return weir_write_some(op, s, from, on_write);
  case AT_LEAST:
    job->need = random_below(dice, job->len + 1);
    return weir_write_at_least(op, s, from, job->need, on_write);
  case TO_END:
    return weir_write_eof(op, s, from, on_write);
  case NOW:
    return weir_write_now(op, s, from, &job->went, on_write);
  case TRY:
    return weir_write_try(s, from, &job->went);
  case SENT:
    return weir_sendfile(op, s, ((file_t *)job->on)->fd,
                         (int64_t)job->way * SLOT, job->len, on_write);
  default:
    return weir_write(op, s, from, on_write);
  }
}

/* What was refused, or failed within its call. */
static void check_refused(const job_t *job, int r, int want) {
  program_t *p = job->p;
  end_t *e = job->end;
  int at_once = job->form == NOW || job->form == TRY;

  if (want != 0) {
    must(p, r == want, "a write got %s, not %s", said(r), said(want));
  } else if (r == UV_EAGAIN) {
    must(p, job->form == TRY && job->went == 0, "a write got UV_EAGAIN");
  } else if (r != UV_EPIPE || e->ended != END_PERHAPS) {
    must(p, at_once && (end_broken(e) || (r == UV_ETIMEDOUT && e->writes_soon)),
         "a write was refused with %s", said(r));
    must(p, write_same(e, r), "%s behind a write with %s", said(r),
         said(e->write_status));
    e->write_status = r;
    e->failed = job->piece;
    write_lost(e, job->piece);
  }
}

static void was_now(job_t *job, int r, int want) {
  program_t *p = job->p;
  end_t *e = job->end;

  must(p, job->went <= job->len, "%zu bytes of %zu", job->went, job->len);
  e->out.pieces[job->piece].n = job->went;
  if (r != 0) {
    check_refused(job, r, want);
    return;
  }
  must(p, want == 0, "a write was not refused");
  if (job->form == NOW)
    must_be(p, (long long)job->went, (long long)job->len, "bytes at once");
  else
    must(p, job->went > 0 || job->len == 0, "UV_EAGAIN is not said");
}

/* What a write leaves in a buffer of the pool may be sent later then. */
static void set_zerocopy(end_t *e, random_t *dice) {
  program_t *p = e->p;
  size_t least = random_below(dice, 3) * random_below(dice, 300);
  int r;

  p->inside = 1;
  r = weir_tcp_zerocopy(e->stream, least, WEIR_ZEROCOPY_LOOPBACK);
  p->inside = 0;
  trace(p, "  zero copy from %zu: %d", least, r);
  must(p, r == 0 || r == UV_ENOTSUP || end_refuses(e) != 0, "zero copy got %s",
       said(r));
  e->uncopied |= r == 0;
}

/* The bytes lie in memory, or in a place of a file. */
static void fill(job_t *job, random_t *dice, file_t *file, size_t slot) {
  const flow_t *out = &job->end->out;
  uint8_t bytes[SLOT];

  if (file == NULL) {
    cut_make(&job->cut, job->len, dice,
             random_below(dice, 4) ? NULL : job->p->pool);
    cut_fill(&job->cut, out, job->piece);
    return;
  }
  cut_make(&job->cut, 0, dice, NULL);
  flow_fill(out, job->piece, 0, bytes, job->len);
  file_fill(file, slot, bytes, job->len);
  job->on = file;
  job->way = (int)slot;
}

static void begin(end_t *e, random_t *dice, int form, size_t len) {
  program_t *p = e->p;
  size_t slot = 0;
  file_t *file = form == SENT ? file_lend(p, dice, &slot) : NULL;
  if (form == SENT && file == NULL)
    return;
  if (file != NULL && len > SLOT)
    len = SLOT;
  job_t *job = job_new(p, e, dice);
  int open = e->ended == END_ENDED ? UV_EPIPE : 0;
  int want = write_refuses(e), r;

  job->form = form;
  job->side = SIDE_WRITE;
  job->len = len;
  job->piece = flow_write(&e->out, len);
  fill(job, dice, file, slot);
  if (random_below(dice, 4) == 0)
    set_zerocopy(e, dice);
  p->bytes += len;
  p->inside = 1;
  r = call(job, weir_seq_from(job->cut.seq), dice);
  p->inside = 0;
  /* That it is connected may be told later. */
  if (want == UV_ENOTCONN && r != want)
    want = open;
  cut_begun(&job->cut);
  trace(p, "  write %d of %zu in %zu: %d, %zu", form, len, job->cut.count, r,
        job->went);
  if (r == (form == NOW ? WEIR_PENDING : 0) && form != TRY) {
    must(p, want == 0, "a write was accepted, not %s", said(want));
    e->writes_queued += len;
    if (form == TO_END) {
      e->ended = e->writes_soon ? END_PERHAPS : END_ENDED;
      e->ender = job;
    }
  } else {
    was_now(job, r, want);
    if (file != NULL)
      file_back(file, slot);
    job_refused(job);
  }
  check_queued(e);
}

void write_do(end_t *e, random_t *dice) {
  int form = any_form(dice);
  size_t len = any_size(e->p, dice);

  if (!e->can_write || e->passed_to != NULL)
    return;
  if (form == TO_END && random_below(dice, 4) != 0)
    form = ALL;
  begin(e, dice, form, len);
}

void write_much(end_t *e, random_t *dice) {
  if (e->can_write && e->passed_to == NULL && e->p->bytes < MOST_BYTES)
    begin(e, dice, ALL, 3000 + random_below(dice, 60000));
}

/* A pipe cannot be ended: it is closed when its writes are done. */
void write_drain(end_t *e) {
  random_t dice = {(uint64_t)e->out.npieces};

  if (e->can_write && e->passed_to == NULL && e->ended != END_ENDED &&
      e->write_status == 0 && e->link->kind != WORLD_PIPE)
    begin(e, &dice, TO_END, random_below(&dice, 300));
}
