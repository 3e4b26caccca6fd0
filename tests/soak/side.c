/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "side.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poster.h"

enum { FAULTS_SAID = 20 };

static _Noreturn void quit(const char *what, int status) {
  fprintf(stderr, "soak: %s: %s\n", what, uv_strerror(status));
  _exit(1);
}

size_t side_random(side_t *side, size_t bound) {
  side->random ^= side->random << 13;
  side->random ^= side->random >> 7;
  side->random ^= side->random << 17;
  return (size_t)((side->random >> 11) % bound);
}

size_t side_random_size(side_t *side, size_t most) {
  size_t bits = 1;

  while (most >> bits != 0)
    bits++;
  bits = 1 + side_random(side, bits);
  size_t size = 1 + side_random(side, (size_t)1 << bits);
  return size < most ? size : most;
}

void side_fault(side_t *side, const char *actor, const char *what, int status) {
  report_t *report = side->report;
  char text[FAULT_SIZE];

  snprintf(text, sizeof(text), "%s of %s: %s%s%s",
           report == &side->board->reports[SERVER] ? "server" : "client", actor,
           what, status < 0 ? ": " : "", status < 0 ? uv_strerror(status) : "");
  if (report->faults < FAULTS_SAID)
    fprintf(stderr, "soak: %s\n", text);
  if (report->faults == 0)
    memcpy(report->fault, text, sizeof(text));
  report->faults++;
}

static void on_tick(uv_timer_t *timer) {
  side_t *side = timer->data;
  weir_loop_stats_t stats;

  weir_loop_stats(side->loop, &stats, sizeof(stats));
  side->report->fixed = stats.fixed_ops;
  if (side->ticks++ % 100 == 0)
    side->report->rss = gauge_rss();
  side->on_tick(side);
}

/* With those that libuv keeps once it had a loop. */
static size_t count_fds(void) {
  uv_loop_t first;

  if (uv_loop_init(&first) == 0)
    uv_loop_close(&first);
  return gauge_fds();
}

void side_open(side_t *side, const plan_t *plan, board_t *board, int which,
               const variant_t *variant) {
  weir_loop_options_t options;
  int r;

  memset(side, 0, sizeof(*side));
  memset(&options, 0, sizeof(options));
  side->plan = plan;
  side->board = board;
  side->report = &board->reports[which];
  side->random = (plan->seed * 2 + (uint64_t)which) | 1u << 20;
  side->fds = count_fds();
  options.backend = variant->backend;
  options.wait = variant->wait;
  if ((r = uv_loop_init(&side->uv)) != 0)
    quit("uv_loop_init", r);
  if ((r = weir_loop_attach(&side->uv, &options, &side->loop)) != 0)
    quit(variant->name, r);
  if ((r = weir_pool_create(side->loop, POOL_COUNT, POOL_SIZE, &side->pool)) !=
      0)
    quit("weir_pool_create", r);
  if ((r = weir_pool_create(side->loop, SMALL_COUNT, SMALL_SIZE,
                            &side->small)) != 0)
    quit("weir_pool_create", r);
  uv_timer_init(&side->uv, &side->tick);
  side->tick.data = side;
  uv_timer_start(&side->tick, on_tick, TICK_MS, TICK_MS);
  poster_start(side);
}

void side_rest(side_t *side) {
  report_t *report = side->report;

  gauge_read(&report->now, side->loop);
  if (report->rests == 0)
    report->first = report->now;
  atomic_store(&report->rests, side->board->rest);
}

void side_leave(side_t *side, void *more) {
  gauge_t gauge;
  int r;

  uv_close((uv_handle_t *)&side->tick, NULL);
  poster_end();
  r = weir_pool_destroy(side->small);
  if (r == 0)
    r = weir_pool_destroy(side->pool);
  if (r != 0)
    side_fault(side, "the end", "weir_pool_destroy", r);
  r = weir_loop_detach(side->loop, NULL);
  if (r != 0)
    side_fault(side, "the end", "weir_loop_detach", r);
  uv_run(&side->uv, UV_RUN_DEFAULT);
  r = uv_loop_close(&side->uv);
  if (r != 0)
    side_fault(side, "the end", "uv_loop_close", r);
  gauge_read(&gauge, NULL);
  if (gauge.blocks != 0)
    side_fault(side, "the end", "memory of the library is left", 0);
  if (gauge.fds != side->fds)
    side_fault(side, "the end", "descriptors are left", 0);
  free(side->peers);
  free(more);
  exit(side->report->faults != 0);
}
