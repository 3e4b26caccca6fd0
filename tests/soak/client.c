/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors.h"
#include "ends.h"

/* Keeps connections coming, each with an actor of its own. */

/* More that are not accepted yet would not fit into the backlog. */
enum { CONNECTING = 512, TURN_TICKS = 50, LONG_MS = 60000 };

static unsigned connecting;
static unsigned wanted;
static unsigned ticks;
static int has_no_port;

static int takes_part(const actor_t *actor, phase_t phase) {
  return phase == PHASE_RUN || (actor->flags & ACTOR_STAYS) != 0;
}

static const actor_t *choose_actor(side_t *side) {
  phase_t phase = side_phase(side);
  unsigned sum = 0, i;
  size_t at;

  for (i = 0; i < actor_count; i++)
    sum += takes_part(&actors[i], phase) ? actors[i].weight : 0;
  at = side_random(side, sum);
  for (i = 0; i < actor_count; i++) {
    unsigned weight = takes_part(&actors[i], phase) ? actors[i].weight : 0;

    if (at < weight)
      break;
    at -= weight;
  }
  return &actors[i];
}

/* ---- One connection ---- */

static void fill_greeting(peer_t *p, const actor_t *actor) {
  greeting_t *g = &p->greeting;
  size_t down = actor->down == ECHOED ? 0 : actor->down;

  g->magic = GREETING;
  g->actor = (uint32_t)(actor - actors);
  g->up_seed = (uint32_t)peer_random(p, 1 << 20);
  g->up = actor->up == 0 ? 0 : (uint32_t)side_random_size(p->side, actor->up);
  g->down_seed = (uint32_t)peer_random(p, 1 << 20);
  g->down = down == 0 ? 0 : (uint32_t)side_random_size(p->side, down);
  if (actor->down == ECHOED) {
    g->down_seed = g->up_seed;
    g->down = g->up;
  }
  p->out = (way_t){g->up_seed, g->up, 0, NULL};
  p->in = (way_t){g->down_seed, g->down, 0, NULL};
}

static void on_connected(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;

  (void)n;
  connecting--;
  if (!peer_done(p))
    return;
  if (status == UV_EADDRNOTAVAIL) {
    has_no_port = 1;
    add(&p->side->report->crowded, 1);
    peer_close(p);
  } else if (status == UV_ECANCELED && p->actor->flags & ACTOR_HASTY) {
    add(&p->side->report->broken, 1);
    peer_close(p);
  } else if (status != 0) {
    peer_trouble(p, "to connect", status);
  } else {
    add(&p->side->report->begun, 1);
    peer_narrow(p);
    peer_greet(p);
    if (!(p->flags & PEER_OVER))
      p->actor->play(p);
  }
}

static void be_hasty(peer_t *p) {
  add(&p->side->report->cancels, 1);
  switch (peer_random(p, 4)) {
  case 0:
    weir_cancel(&p->read);
    break;
  case 1:
    peer_close(p);
    break;
  case 2:
    peer_poke(p, 1, peer_reset);
    break;
  default:
    break;
  }
}

/* MemorySanitizer does not see how libuv copies a name for its thread. */
static int may_be_named(void) {
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
  return 0;
#endif
#endif
  return 1;
}

/* Some of the names of a host; the first may not be that of IPv4. */
static int begin_connect(peer_t *p, const struct sockaddr_in *address) {
  char host[20] = "localhost", port[8];

  if (!(p->actor->flags & ACTOR_NAMED) || !may_be_named())
    return weir_tcp_connect(&p->read, &p->stream,
                            (const struct sockaddr *)address, on_connected);
  p->more = malloc(sizeof(weir_connect_host_t));
  if (p->more == NULL)
    return UV_ENOMEM;
  if (peer_random(p, 2))
    inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
  snprintf(port, sizeof(port), "%u", ntohs(address->sin_port));
  return weir_connect_host(&p->read, &p->stream, p->more, host, port, LONG_MS,
                           on_connected);
}

static int connect_peer(peer_t *p, const actor_t *actor) {
  side_t *side = p->side;
  struct sockaddr_in address;
  size_t host = side_random(side, side->plan->hosts);

  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)side->board->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)host);
  if (weir_tcp_init(side->loop, &p->stream) != 0) {
    side_fault(side, actor->name, "weir_tcp_init", 0);
    peer_drop(p);
    return 0;
  }
  peer_opened(p, actor);
  fill_greeting(p, actor);
  if (!peer_begun(p, begin_connect(p, &address), "to connect"))
    return 0;
  connecting++;
  if (actor->flags & ACTOR_HASTY)
    be_hasty(p);
  return 1;
}

/* ---- All of them ---- */

static void bring(side_t *side) {
  phase_t phase = side_phase(side);

  if (phase != PHASE_GATHER && phase != PHASE_RUN)
    return;
  while (!has_no_port && connecting < CONNECTING &&
         side->report->open < wanted) {
    peer_t *p = peer_take_free(side);

    if (p == NULL || !connect_peer(p, choose_actor(side)))
      return;
  }
}

/* How many are wanted, which changes all the time. */
static void choose_wanted(side_t *side) {
  unsigned most = side->plan->connections;

  switch (side_phase(side)) {
  case PHASE_GATHER:
    wanted = side->plan->crowd;
    break;
  case PHASE_RUN:
    if (ticks++ % TURN_TICKS == 0)
      wanted = most / 4 + (unsigned)side_random(side, most - most / 4 + 1);
    break;
  default:
    wanted = 0;
    break;
  }
}

static void on_tick(side_t *side) {
  has_no_port = 0;
  choose_wanted(side);
  peers_poke(side);
  bring(side);
  if (side_phase(side) == PHASE_REST &&
      side->report->rests < side->board->rest && side->report->open == 0)
    side_rest(side);
  if (side_phase(side) == PHASE_LEAVE)
    uv_stop(&side->uv);
}

void client_run(const plan_t *plan, board_t *board, const variant_t *variant) {
  static side_t side;

  side_open(&side, plan, board, CLIENT, variant);
  peers_make(&side, plan_peers(plan), plan_room(plan));
  side.on_tick = on_tick;
  side.on_released = bring;
  uv_run(&side.uv, UV_RUN_DEFAULT);
  side_leave(&side, NULL);
}
