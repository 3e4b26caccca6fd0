/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* Relays from one link to a later one, or back to where it came from, so that
 * no byte goes round and round. What they passed on, nobody sees until it comes
 * out at the other end. */

typedef struct passing_s {
  weir_relay_t relay;
  job_t *job;
  end_t *source, *sink;
  size_t at; /* in what comes to the source */
  uint8_t *ring;
  size_t capacity;
  int ends; /* passes the end on */
} passing_t;

static flow_t *into(end_t *e) {
  return &peer_of(e)->out;
}

/* ---- The end ---- */

static void account(passing_t *g, const weir_relay_info_t *info) {
  weir_seq_t held = weir_relay_held(&g->relay);
  program_t *p = g->job->p;
  uv_buf_t segment;

  must_be(p, (long long)weir_seq_size(held),
          (long long)(info->bytes_read - info->bytes_written),
          "bytes that a relay holds");
  must(p, info->bytes_read == 0 || !g->source->got_end, "bytes behind the end");
  flow_passed(into(g->source), (size_t)info->bytes_written);
  while (weir_seq_next(&held, &segment))
    flow_got(into(g->source), segment.base, segment.len);
  flow_pass(&g->sink->out, into(g->source), g->at, (size_t)info->bytes_written);
  if (info->bytes_written > 0)
    g->sink->last_write = (long)g->sink->out.npieces - 1;
}

static void check_source(passing_t *g, int status) {
  program_t *p = g->job->p;

  if (status == UV_EOF) {
    end_met(g->source);
  } else if (status != 0 && status != UV_ECANCELED && status != UV_ETIMEDOUT) {
    must(p, end_broken(g->source), "a relay's source got %s", said(status));
    g->source->read_failed = 1;
  }
}

static void check_sink(passing_t *g, const weir_relay_info_t *info) {
  int status = info->write_status, over = info->read_status == UV_EOF;
  program_t *p = g->job->p;
  end_t *sink = g->sink;

  if (status == UV_EOF) {
    sink->ended = END_ENDED;
    return;
  }
  if (!over)
    sink->ended = END_RUNS;
  if (status == 0 || status == UV_ECANCELED)
    return;
  must(p,
       end_broken(sink) || (status == UV_ETIMEDOUT && sink->writes_soon) ||
           (status == UV_ENOTSOCK && over),
       "a relay's sink got %s", said(status));
  must(p, write_same(sink, status), "%s behind a write with %s", said(status),
       said(sink->write_status));
  sink->write_status = status;
  sink->failed = sink->out.npieces - 1;
}

static void check_status(passing_t *g, int status,
                         const weir_relay_info_t *info) {
  program_t *p = g->job->p;

  if (status == 0)
    must(p,
         info->read_status == UV_EOF && info->bytes_read == info->bytes_written,
         "a relay succeeded before the end");
  else if (status == UV_ECANCELED)
    must(p, g->job->cancelled, "a relay was stopped by nobody");
  else if (status == UV_ETIMEDOUT)
    must(p, g->source->reads_soon || g->sink->writes_soon,
         "a relay was late of itself");
}

static void on_passed(weir_relay_t *relay, int status) {
  passing_t *g = relay->data;
  job_t *job = g->job;
  weir_relay_info_t info;

  weir_relay_info(relay, &info, sizeof(info));
  check_status(g, status, &info);
  job_reports(job, status == UV_ETIMEDOUT ? UV_ECANCELED : status,
              (size_t)info.bytes_written);
  g->source->readers--;
  g->source->passed_from = g->sink->passed_to = NULL;
  if (g->sink != g->source)
    g->sink->jobs--;
  account(g, &info);
  /* The one error of a reset may be the sink's, when that is the source. */
  check_sink(g, &info);
  check_source(g, info.read_status);
  if (g->ring != NULL)
    memset(g->ring, 0xe5, g->capacity);
  free(g->ring);
  memset(&g->relay, 0xe5, sizeof(g->relay));
  free(g);
  job->passing = NULL;
  job_end(job);
}

/* ---- The beginning ---- */

static int may_pass(const end_t *e) {
  return e->state == END_OPEN && e->stream != NULL && !e->lost && !e->leaving;
}

static end_t *find_sink(end_t *source, random_t *dice) {
  program_t *p = source->p;
  size_t first = (size_t)(source->link - p->links);
  size_t i = first + random_below(dice, p->nlinks - first);
  end_t *sink = &p->links[i].ends[random_below(dice, 2)];

  if (i == first)
    sink = source;
  if (sink == source && source != source->link->ends)
    return NULL;
  return may_pass(sink) && sink->can_write && sink->passed_to == NULL &&
                 sink->ended == END_RUNS
             ? sink
             : NULL;
}

static void start(passing_t *g, random_t *dice) {
  weir_relay_options_t options = {.flags = (unsigned)random_below(dice, 4)};
  end_t *source = g->source, *sink = g->sink;
  program_t *p = source->p;
  job_t *job = g->job;
  int r;

  g->ends = (options.flags & WEIR_RELAY_NO_EOF) == 0;
  options.capacity = g->capacity;
  options.ring = g->ring;
  memset(&g->relay, 0xa5, sizeof(g->relay));
  g->relay.data = g;
  g->at = into(source)->ngot;
  p->inside = 1;
  r = weir_relay_start(&g->relay, source->stream, sink->stream, &options,
                       on_passed);
  p->inside = 0;
  trace(p, "  relay from %zu to %zu by %zu: %d",
        (size_t)(source->link - p->links), (size_t)(sink->link - p->links),
        g->capacity, r);
  must_be(p, r, 0, "starting a relay");
  job->passing = g;
  source->readers++;
  source->passed_from = sink->passed_to = job;
  sink->ended = g->ends ? END_PERHAPS : END_RUNS;
  if (sink != source)
    sink->jobs++;
}

/* Whoever reads has to have been told before: else what he has read would be
 * known only later than what the relay has. */
void relay_do(end_t *e, random_t *dice) {
  end_t *sink = may_pass(e) && e->can_read ? find_sink(e, dice) : NULL;
  program_t *p = e->p;
  passing_t *g;

  if (sink == NULL || e->readers > 0)
    return;
  g = calloc(1, sizeof(*g));
  must(p, g != NULL, "no memory");
  g->capacity = 1 + random_below(dice, random_below(dice, 2) ? 100 : 9000);
  g->ring = malloc(g->capacity);
  must(p, g->ring != NULL, "no memory");
  g->source = e;
  g->sink = sink;
  g->job = job_new(p, e, dice);
  start(g, dice);
}

void relay_stop(job_t *job) {
  job->cancelled = 1;
  weir_relay_stop(&job->passing->relay);
}

void relays_drain(program_t *p) {
  p->inside = 1;
  for (job_t *job = p->jobs.next; job != &p->jobs; job = job->next)
    if (job->passing != NULL)
      relay_stop(job);
  p->inside = 0;
}
