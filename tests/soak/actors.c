/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "actors.h"

/* ---- Both directions at a time ---- */

static void both(peer_t *p) {
  p->left = 2;
  peer_take(p, TO_END, peer_part);
  if (!(p->flags & PEER_OVER))
    peer_send(p, p->out.total, PEER_ENDING, peer_part);
}

static void both_wavering(peer_t *p) {
  p->flags |= PEER_FICKLE;
  both(p);
}

/* ---- Breaking off ---- */

static void break_off(peer_t *p) {
  add(&p->side->report->broken, 1);
  if (peer_random(p, 3) == 0)
    peer_close(p);
  else
    peer_reset(p);
}

static void both_for_a_while(peer_t *p) {
  peer_poke(p, (unsigned)peer_random(p, 8), break_off);
  both(p);
}

static void both_for_no_time(peer_t *p) {
  both(p);
  if (!(p->flags & PEER_OVER))
    break_off(p);
}

/* ---- Staying ---- */

static int is_to_stay(const peer_t *p) {
  return side_phase(p->side) == PHASE_GATHER;
}

static void leave_in_order(peer_t *p) {
  if (is_to_stay(p))
    peer_poke(p, 1 + (unsigned)peer_random(p, 25), leave_in_order);
  else
    peer_send(p, p->out.total, PEER_ENDING, peer_part);
}

static void leave_rudely(peer_t *p) {
  if (is_to_stay(p))
    peer_poke(p, 1 + (unsigned)peer_random(p, 25), leave_rudely);
  else
    break_off(p);
}

static void begin_stay(peer_t *p) {
  if (--p->left > 0)
    return;
  p->left = 2;
  p->flags |= PEER_STAYS;
  p->side->report->staying++;
  peer_poke(p, 1 + (unsigned)peer_random(p, 25),
            peer_is_rude(p) ? leave_rudely : leave_in_order);
  peer_take(p, TO_END, peer_part);
}

/* Sends a few bytes, has them back, and stays with a read outstanding. */
static void play_guest(peer_t *p) {
  p->left = 2;
  peer_send(p, p->out.total, 0, begin_stay);
  if (!(p->flags & PEER_OVER))
    peer_take(p, p->in.total, begin_stay);
}

/* ---- All of them ---- */

enum { KIB = 1024 };

const actor_t actors[] = {
    {"echo", 8, 64 * KIB, ECHOED, 0, both, serve_echo},
    {"lines", 4, 16 * KIB, ECHOED, 0, both, serve_lines},
    {"file", 6, 256 * KIB, ECHOED, 0, both, serve_file},
    {"fetch", 4, 0, 512 * KIB, 0, both, both},
    {"push", 4, 512 * KIB, 0, 0, both, both},
    {"both", 6, 128 * KIB, 128 * KIB, 0, both, both},
    {"waver", 6, 128 * KIB, 128 * KIB, 0, both_wavering, both_wavering},
    {"waver_echo", 3, 64 * KIB, ECHOED, 0, both_wavering, serve_echo},
    {"guest", 6, 1 * KIB, ECHOED, ACTOR_STAYS, play_guest, serve_echo},
    {"rude_guest", 2, 1 * KIB, ECHOED, ACTOR_STAYS | ACTOR_RUDE, play_guest,
     serve_echo},
    {"breaker", 6, 256 * KIB, 256 * KIB, ACTOR_RUDE, both_for_a_while, both},
    {"broken", 4, 256 * KIB, 256 * KIB, ACTOR_RUDE, both, both_for_a_while},
    {"brief", 4, 64 * KIB, 64 * KIB, ACTOR_RUDE, both_for_no_time, both},
    {"rude_file", 4, 256 * KIB, ECHOED, ACTOR_RUDE, both_for_a_while,
     serve_file},
    {"rude_lines", 2, 64 * KIB, ECHOED, ACTOR_RUDE, both_for_a_while,
     serve_lines},
    {"relay", 4, 256 * KIB, ECHOED, 0, both, serve_relay},
    {"rude_relay", 2, 256 * KIB, ECHOED, ACTOR_RUDE, both_for_a_while,
     serve_relay},
    {"leases", 4, 128 * KIB, ECHOED, 0, both, serve_leases},
    {"rude_leases", 2, 128 * KIB, ECHOED, ACTOR_RUDE, both_for_a_while,
     serve_leases},
    {"ready", 4, 64 * KIB, ECHOED, 0, both, serve_when_ready},
    {"copies", 4, 256 * KIB, 256 * KIB, 0, both_copied, both_copied},
    {"rude_copies", 2, 256 * KIB, 256 * KIB, ACTOR_RUDE, both_copied,
     both_for_a_while},
    {"parting", 3, 256 * KIB, 0, 0, play_parting, serve_parting},
    {"late", 2, 1 * KIB, 0, ACTOR_RUDE, play_late, serve_late},
    {"named", 3, 64 * KIB, ECHOED, ACTOR_NAMED, both, serve_echo},
    {"hasty_named", 2, 1 * KIB, ECHOED, ACTOR_RUDE | ACTOR_HASTY | ACTOR_NAMED,
     both_for_a_while, serve_echo},
    {"hasty", 4, 1 * KIB, ECHOED, ACTOR_RUDE | ACTOR_HASTY, both_for_a_while,
     serve_echo},
};

const unsigned actor_count = sizeof(actors) / sizeof(actors[0]);

_Static_assert(sizeof(actors) / sizeof(actors[0]) <= MOST_ACTORS, "");
