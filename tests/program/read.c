/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* Reads of every form. Some are into a dynamic buffer. */

enum {
  SOME,
  ALL,
  AT_LEAST,
  EXACTLY,
  WHEN,
  LEASE,
  UNTIL_BYTE,
  UNTIL_BYTES,
  UNTIL_MATCH,
  TO_END,
  NOW,
  FORMS
};

static int is_buffered(int form) {
  return form >= UNTIL_BYTE && form <= TO_END;
}

enum { MOST = 70000, MOST_HELD = 40000 };

static flow_t *into(end_t *e) {
  return &peer_of(e)->out;
}

static size_t any_size(random_t *dice) {
  switch (random_below(dice, 10)) {
  case 0:
    return 0;
  case 1:
    return 1 + random_below(dice, 3);
  case 2:
    return 1 + random_below(dice, MOST);
  default:
    return 1 + random_below(dice, 3000);
  }
}

/* ---- Conditions and matchers ---- */

/* Asks for ever other amounts, until there is as much as is needed. */
static size_t when(void *arg, size_t n) {
  job_t *job = arg;

  must(job->p, n <= job->len && n - job->went <= job->asked,
       "%zu bytes behind %zu, with %zu asked for", n, job->went, job->asked);
  job->went = n;
  job->asked = n >= job->need ? 0 : 1 + (n * 7 + job->need) % 900;
  return job->asked;
}

/* So many ends of lines. */
static int match(void *arg, const char *bytes, size_t len, size_t *end) {
  job_t *job = arg;

  for (size_t i = 0; i < len; i++) {
    job->found += bytes[i] == '\n';
    if (job->found == job->need) {
      *end = i + 1;
      return 1;
    }
  }
  return 0;
}

/* Where the model finds what the read looks for: behind it, or 0. */
static size_t expected(const job_t *job, const uint8_t *bytes, size_t len) {
  size_t found = 0;

  for (size_t i = 0; i < len; i++) {
    if (job->form == UNTIL_BYTE && bytes[i] == job->words[0])
      return i + 1;
    if (job->form == UNTIL_BYTES && i + 1 >= job->need &&
        memcmp(bytes + i + 1 - job->need, job->words, job->need) == 0)
      return i + 1;
    found += bytes[i] == '\n';
    if (job->form == UNTIL_MATCH && found == job->need)
      return i + 1;
  }
  return 0;
}

/* ---- The buffer of an end ---- */

static void make_buffer(end_t *e, random_t *dice) {
  weir_buffer_options_t options = {
      .max_size = 1 + random_below(dice, MOST_HELD), .block_size = 128};
  int r;

  if (e->has_buffer)
    return;
  e->has_buffer = 1;
  switch (random_below(dice, 3)) {
  case 0:
    r = weir_flat_init(&e->buffer, &options);
    break;
  case 1:
    options.flags = random_below(dice, 4) ? 0 : WEIR_BUFFER_MIRROR;
    r = weir_ring_init(&e->buffer, options.max_size, &options);
    break;
  default:
    r = weir_chain_init(&e->buffer, &options);
  }
  must_be(e->p, r, 0, "making a buffer");
}

static void consume(end_t *e, size_t n) {
  if (n > e->held_len)
    n = e->held_len;
  if (n == 0)
    return;
  must_be(e->p, (long long)weir_buffer_consume(&e->buffer, n), (long long)n,
          "bytes consumed");
  e->held_len -= n;
  memmove(e->held, e->held + n, e->held_len);
}

/* What is in the buffer begins with what was in it, and the rest has come. */
static void take_buffer(end_t *e) {
  program_t *p = e->p;
  size_t size = weir_buffer_size(&e->buffer), was = e->held_len;
  weir_seq_t data = weir_buffer_data(&e->buffer);

  must(p, size >= was, "the buffer has lost bytes");
  must_be(p, (long long)weir_buffer_prepared(&e->buffer), 0,
          "what is prepared");
  must(p,
       weir_seq_compare(weir_seq_prefix(data, was),
                        weir_seq_block(e->held, was)) == 0,
       "the buffer has other bytes");
  e->held = realloc(e->held, size + 1);
  must(p, e->held != NULL, "no memory");
  e->held_len = size;
  weir_seq_copy(weir_mseq_block(e->held + was, size - was),
                weir_seq_slice(data, was, SIZE_MAX), SIZE_MAX);
  flow_got(into(e), e->held + was, size - was);
}

/* ---- The end of one ---- */

static void check_status(const job_t *job, int status, size_t moved) {
  program_t *p = job->p;
  end_t *e = job->end;

  must(p, moved == 0 || !e->got_end, "bytes behind the end");
  if (status == UV_EOF) {
    end_met(e);
  } else if (status == UV_ECANCELED) {
    must(p, job->cancelled || e->reads_soon || end_is_closing(e),
         "a read was cancelled by nobody");
  } else if (status != UV_ENOBUFS || !is_buffered(job->form)) {
    must(p, end_broken(e), "a read got %s, and nothing was wrong",
         said(status));
    e->read_failed = 1;
  }
}

static void check_plain(job_t *job, int status, size_t n) {
  program_t *p = job->p;
  size_t len = job->len, need = job->need;

  must(p, n <= len, "%zu bytes of %zu", n, len);
  cut_take(&job->cut, n, into(job->end));
  if (status != 0) {
    must(p, n < need || n == 0, "%s with %zu bytes", said(status), n);
    check_status(job, status, n);
    return;
  }
  must(p, n >= (need < len ? need : len), "a read succeeded with %zu of %zu", n,
       need);
  if (job->form == EXACTLY)
    must_be(p, (long long)n, (long long)need, "bytes of exactly so many");
  if (job->form == WHEN)
    must(p, n - job->went <= job->asked, "%zu bytes more than were asked for",
         n - job->went);
  must(p, n == 0 || !job->end->got_end, "bytes behind the end");
}

static void check_buffered(job_t *job, int status, size_t n) {
  program_t *p = job->p;
  end_t *e = job->end;
  size_t was = e->held_len, match_end;

  take_buffer(e);
  match_end = job->form == TO_END ? 0 : expected(job, e->held, e->held_len);
  if (job->form == TO_END && status == 0) {
    must_be(p, (long long)n, (long long)e->held_len, "bytes up to the end");
    check_status(job, UV_EOF, e->held_len - was);
    return;
  }
  if (status == 0) {
    must(p, n == match_end && n > 0, "a match at %zu, not at %zu", n,
         match_end);
    return;
  }
  must_be(p, (long long)n, (long long)e->held_len, "bytes that are held");
  if (status != UV_ECANCELED)
    must(p, match_end == 0, "%s with a match at %zu", said(status), match_end);
  if (status == UV_ENOBUFS)
    must_be(p, (long long)e->held_len,
            (long long)weir_buffer_max_size(&e->buffer), "a full buffer");
  check_status(job, status, e->held_len - was);
}

static void check_lease(job_t *job, int status, size_t n) {
  if (status != 0) {
    check_status(job, status, 0);
  } else {
    must(job->p, !job->end->got_end, "bytes behind the end");
    flow_got(into(job->end), job->lease.buf.base, n);
  }
  lease_check(job, status, n);
}

static void on_read(weir_op_t *op, int status, size_t n) {
  job_t *job = op->data;
  end_t *e = job->end;

  status = job_reports(job, status, n);
  e->readers--;
  if (is_buffered(job->form))
    check_buffered(job, status, n);
  else if (job->form == LEASE)
    check_lease(job, status, n);
  else
    check_plain(job, status, n);
  job_end(job);
}

/* ---- The beginning ---- */

static weir_cond_t condition(job_t *job, random_t *dice) {
  weir_cond_t cond;

  job->need = random_below(dice, job->len + 1);
  switch (job->form) {
  case ALL:
    job->need = job->len;
    cond = weir_all();
    break;
  case AT_LEAST:
    cond = weir_at_least(job->need);
    break;
  case EXACTLY:
    cond = weir_exactly(job->need);
    break;
  default:
    cond = weir_when(when, job);
  }
  if (random_below(dice, 4) == 0)
    cond.cap = 1 + random_below(dice, 500);
  return cond;
}

static int call_plain(job_t *job, random_t *dice) {
  weir_stream_t *s = job->end->stream;
  weir_cond_t cond;

  if (job->form == LEASE)
    return lease_read(job, dice, on_read);
  cut_make(&job->cut, job->len, dice,
           random_below(dice, 4) ? NULL : job->p->pool);
  if (job->form == SOME) {
    job->need = job->len > 0;
    return weir_read_some(&job->op, s, job->cut.seq, on_read);
  }
  cond = condition(job, dice);
  return weir_read(&job->op, s, job->cut.seq, cond, on_read);
}

static int call_until(job_t *job, random_t *dice) {
  static const uint8_t words[] = "\n\r\n\r";
  end_t *e = job->end;
  weir_until_t until;

  memcpy(job->words, words + random_below(dice, 2), sizeof(job->words) - 1);
  job->need = 1 + random_below(dice, 3);
  if (job->form == UNTIL_BYTE)
    until = weir_until_byte(job->words[0]);
  else if (job->form == UNTIL_BYTES)
    until = weir_until_bytes(job->words, job->need);
  else
    until = weir_until_match(match, job);
  if (random_below(dice, 3) == 0)
    until.cap = 1 + random_below(dice, 600);
  if (job->form == TO_END)
    return weir_read_to_end(&job->op, e->stream, &e->buffer, until.cap,
                            on_read);
  return weir_read_until(&job->op, e->stream, &e->buffer, until, on_read);
}

/* What is over, or connected, may be told later. */
static void check_call(end_t *e, int r) {
  int want = end_refuses(e);

  if (want == UV_ENOTCONN && r != want)
    want = 0;
  if (want == 0 && e->readers > 0)
    want = UV_EALREADY;
  if (r == 0 && want == UV_EALREADY)
    return;
  must(e->p, r == want, "a read got %s, not %s", said(r), said(want));
}

static void begin(end_t *e, random_t *dice, int form, size_t len) {
  program_t *p = e->p;
  job_t *job = job_new(p, e, dice);
  int r;

  job->form = form;
  job->side = SIDE_READ;
  job->len = len;
  if (is_buffered(form))
    make_buffer(e, dice);
  if (is_buffered(form) && random_below(dice, 2))
    consume(e, random_below(dice, e->held_len + 1));
  p->inside = 1;
  r = is_buffered(form) ? call_until(job, dice) : call_plain(job, dice);
  p->inside = 0;
  cut_begun(&job->cut);
  trace(p, "  read %d of %zu, %zu: %d", form, len, job->need, r);
  check_call(e, r);
  e->readers += r == 0;
  if (r != 0)
    job_refused(job);
}

static void read_now(end_t *e, random_t *dice, size_t len) {
  program_t *p = e->p;
  cut_t cut = {.memory = NULL};
  size_t n = 1;
  int r;

  cut_make(&cut, len, dice, NULL);
  p->inside = 1;
  r = weir_read_now(e->stream, cut.seq, &n);
  p->inside = 0;
  trace(p, "  read now of %zu: %d, %zu", len, r, n);
  must(p, n <= len && (r == 0 || n == 0), "%zu bytes of %zu", n, len);
  cut_take(&cut, n, into(e));
  cut_end(&cut, &p->retired);
  if (r == UV_EBADF || r == UV_ENOTCONN || r == UV_EALREADY) {
    check_call(e, r);
  } else if (r == 0) {
    must(p, (n > 0 && !e->got_end) || len == 0, "no byte and no error");
  } else if (r != UV_EAGAIN || e->got_end) {
    job_t as = {.p = p, .end = e, .form = NOW};
    check_status(&as, r, n);
  }
}

void read_do(end_t *e, random_t *dice) {
  int form = (int)random_below(dice, FORMS + 3);
  size_t len = any_size(dice);

  if (!e->can_read || e->passed_from != NULL)
    return;
  /* Neither in the buffer of another one nor past what that has read. */
  if (e->readers > 0 && (is_buffered(form) || form == NOW))
    return;
  if (form == NOW)
    read_now(e, dice, len);
  else
    begin(e, dice, form >= FORMS ? SOME : form, len);
}

/* Up to the end, by one form after the other. */
void read_drain(end_t *e) {
  static const int forms[] = {SOME, ALL, LEASE};
  random_t dice = {into(e)->ngot};

  if (e->can_read && e->readers == 0 && !e->got_end && !e->read_failed)
    begin(e, &dice, forms[random_below(&dice, 3)],
          1 + random_below(&dice, 5000));
}
