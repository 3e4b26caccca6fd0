/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "proxy.h"

#include "os.h"

#include <sys/socket.h>
#include <unistd.h>

void proxy_open(struct weir_fixture *f, proxy_t *p, connect_fn connect_a,
                connect_fn connect_b, size_t ring, unsigned flags) {
  connect_a(f, &p->a);
  connect_b(f, &p->b);
  passage_init(&p->up, ring);
  passage_init(&p->down, ring);
  p->up.options.flags = flags;
  p->down.options.flags = flags;
}

void proxy_start_up(proxy_t *p) {
  passage_start(&p->up, &p->a.stream, &p->b.stream);
}

void proxy_start(proxy_t *p) {
  proxy_start_up(p);
  passage_start(&p->down, &p->b.stream, &p->a.stream);
}

/* What was asked to splice has, where there is such a call. */
static void check_mode(const passage_t *p) {
  int splices = p->calls > 0 && (p->options.flags & WEIR_RELAY_SPLICE) != 0 &&
                weir__os_set_pipe_size(-1, 0) != UV_ENOSYS;
  check_is(p->info.bytes_spliced, splices ? p->info.bytes_written : 0);
}

void proxy_close(struct weir_fixture *f, proxy_t *p) {
  check_mode(&p->up);
  check_mode(&p->down);
  conn_close(f, &p->a);
  conn_close(f, &p->b);
  passage_free(&p->up);
  passage_free(&p->down);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* The peers move what can be moved, then the loop has a turn, in which nobody
 * sleeps. */
void proxy_pump(struct weir_fixture *f, proxy_t *p, size_t total, size_t *sent,
                size_t *taken) {
  uv_idle_t idle;

  check_is(uv_idle_init(&f->uv, &idle), 0);
  check_is(uv_idle_start(&idle, on_idle), 0);
  while (p->up.calls == 0) {
    if (*sent < total) {
      offer_pattern(p->a.peer, sent, total);
      if (*sent == total)
        check_is(shutdown(p->a.peer, SHUT_WR), 0);
    }
    uv_run(&f->uv, UV_RUN_NOWAIT);
    cr_assert(take_pattern(p->b.peer, taken));
  }
  uv_close((uv_handle_t *)&idle, NULL);
  uv_run(&f->uv, UV_RUN_NOWAIT);
}

void proxy_take_rest(const proxy_t *p, size_t *taken, uint64_t total) {
  while (*taken < total)
    cr_assert(take_pattern(p->b.peer, taken));
  check_is(*taken, total);
}

size_t proxy_fill(struct weir_fixture *f, const proxy_t *p) {
  size_t sent = 0, before;

  do {
    before = sent;
    offer_pattern(p->a.peer, &sent, MUCH);
    run_some_turns(f);
    usleep(1000);
    run_some_turns(f);
  } while (sent > before);
  cr_assert(sent < MUCH);
  return sent;
}
