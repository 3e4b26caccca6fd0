/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors.h"
#include "ends.h"

/* Accepts whoever comes, reads the greeting and plays the other end. */

enum { ACCEPTS = 4, BACKLOG = 4096, TRIES = 50 };

/* Every other one is the library's to serve. */
typedef struct door_s {
  weir_stream_t listener;
  weir_server_t server;
  unsigned accepting;
} door_t;

static door_t *doors;

/* ---- Greetings ---- */

static void on_greeting(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  const greeting_t *g = &p->greeting;

  if (!peer_done(p))
    return;
  if (status != 0) {
    peer_trouble(p, "a greeting", status);
  } else if (n != sizeof(*g) || g->magic != GREETING ||
             g->actor >= actor_count) {
    peer_fault(p, "no greeting", 0);
    peer_close(p);
  } else {
    p->actor = &actors[g->actor];
    p->in = (way_t){g->up_seed, g->up, 0, NULL};
    p->out = (way_t){g->down_seed, g->down, 0, NULL};
    p->actor->serve(p);
  }
}

static void welcome(peer_t *p) {
  weir_mseq_t room = weir_mseq_block(&p->greeting, sizeof(p->greeting));

  add(&p->side->report->begun, 1);
  peer_opened(p, NULL);
  peer_narrow(p);
  peer_begun(p, weir_read(&p->read, &p->stream, room, weir_all(), on_greeting),
             "a greeting");
}

/* ---- Accepting ---- */

static void accept_all(side_t *side);

static void not_accepted(side_t *side, int status) {
  if (status == UV_EMFILE || status == UV_ENFILE)
    add(&side->report->crowded, 1); /* later it is tried again */
  else if (status != UV_ECONNABORTED && side_phase(side) != PHASE_LEAVE)
    side_fault(side, "accepting", "weir_accept", status);
}

static weir_stream_t *make_peer(weir_server_t *server) {
  peer_t *p = peer_take_free(server->data);

  return p == NULL ? NULL : &p->stream;
}

/* Without a free peer it asks again after a while. */
static void on_served(weir_server_t *server, weir_stream_t *client,
                      int status) {
  if (client == NULL)
    return;
  if (status == 0) {
    welcome(client->data);
    return;
  }
  peer_drop(client->data);
  not_accepted(server->data, status);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  peer_t *p = op->data;
  side_t *side = p->side;

  (void)n;
  doors[p->left].accepting--;
  if (status == 0) {
    welcome(p);
    accept_all(side);
    return;
  }
  peer_drop(p);
  not_accepted(side, status);
}

static int accept_one(side_t *side, unsigned i) {
  peer_t *p = peer_take_free(side);
  int r;

  if (p == NULL)
    return 0;
  p->left = i;
  r = weir_accept(&p->read, &doors[i].listener, &p->stream, on_accepted);
  if (r == 0) {
    doors[i].accepting++;
    return 1;
  }
  side_fault(side, "accepting", "to accept", r);
  peer_drop(p);
  return 0;
}

static void accept_all(side_t *side) {
  if (side_phase(side) == PHASE_LEAVE)
    return;
  for (unsigned i = 0; i < side->plan->hosts; i += 2)
    while (doors[i].accepting < ACCEPTS)
      if (!accept_one(side, i))
        return;
}

/* ---- Listening ---- */

static int open_door(side_t *side, door_t *door, unsigned host, int port) {
  struct sockaddr_in address;
  int r = weir_tcp_init(side->loop, &door->listener);

  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  if (r == 0)
    r = weir_tcp_bind(&door->listener, (struct sockaddr *)&address, 0);
  return r == 0 ? weir_listen(&door->listener, BACKLOG) : r;
}

static int port_of(door_t *door) {
  struct sockaddr_in address;
  int len = sizeof(address);

  return weir_getsockname(&door->listener, (struct sockaddr *)&address, &len) ==
                 0
             ? ntohs(address.sin_port)
             : 0;
}

/* One port at every address. */
static int open_doors(side_t *side) {
  unsigned i;
  int port = 0;

  for (i = 0; i < side->plan->hosts; i++) {
    if (open_door(side, &doors[i], i, port) != 0)
      break;
    if (i == 0)
      port = port_of(&doors[i]);
  }
  if (i == side->plan->hosts)
    return port;
  for (unsigned k = 0; k <= i; k++)
    weir_close(&doors[k].listener, NULL);
  uv_run(&side->uv, UV_RUN_NOWAIT);
  uv_run(&side->uv, UV_RUN_NOWAIT);
  return 0;
}

/* ---- Life ---- */

static void serve(side_t *side) {
  for (unsigned i = 1; i < side->plan->hosts; i += 2) {
    doors[i].server.data = side;
    if (weir_serve(&doors[i].server, &doors[i].listener, 0, make_peer,
                   on_served) != 0)
      side_fault(side, "serving", "weir_serve", 0);
  }
}

static void on_tick(side_t *side) {
  peers_poke(side);
  accept_all(side);
  if (side_phase(side) == PHASE_REST &&
      side->report->rests < side->board->rest && side->report->open == 0 &&
      side->board->reports[CLIENT].rests == side->board->rest)
    side_rest(side);
  if (side_phase(side) == PHASE_LEAVE)
    uv_stop(&side->uv);
}

void server_run(const plan_t *plan, board_t *board, const variant_t *variant) {
  static side_t side;
  int port = 0;

  side_open(&side, plan, board, SERVER, variant);
  peers_make(&side, plan_peers(plan), plan_room(plan));
  doors = calloc(plan->hosts, sizeof(*doors));
  side.on_tick = on_tick;
  side.on_released = accept_all;
  for (int i = 0; i < TRIES && port == 0 && doors != NULL; i++)
    port = open_doors(&side);
  if (port == 0) {
    fprintf(stderr, "soak: no port at %u addresses\n", plan->hosts);
    exit(1);
  }
  serve(&side);
  atomic_store(&board->port, port);
  uv_run(&side.uv, UV_RUN_DEFAULT);
  for (unsigned i = 0; i < plan->hosts; i++)
    weir_close(&doors[i].listener, NULL);
  side_leave(&side, doors);
}
