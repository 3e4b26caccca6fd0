/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PEER_H
#define PEER_H

#include "side.h"

/* One end of a connection, and what actors are made of. What goes either way is
 * a piece of the pattern, so that whoever receives knows each byte.
 *
 * An actor is what a client does in its connection, and what the server does in
 * the other end. */

typedef struct peer_s peer_t;
typedef void (*peer_cb)(peer_t *p);

typedef struct actor_s {
  const char *name;
  unsigned weight; /* how often, among the others */
  size_t up;       /* at most so many bytes from the client */
  size_t down;     /* the same from the server; ECHOED: what came up */
  unsigned flags;
  peer_cb play;  /* the client's, who is connected and has greeted */
  peer_cb serve; /* the server's, who was greeted */
} actor_t;

#define ECHOED SIZE_MAX

enum {
  ACTOR_RUDE = 1u,  /* breaks off, and so does its peer */
  ACTOR_HASTY = 2u, /* perhaps before it is connected */
  ACTOR_NAMED = 8u, /* connects by name */
  ACTOR_STAYS = 4u  /* in a crowd, and only there until that disperses */
};

/* What a client says first. */
enum { GREETING = 0x77656972 };

typedef struct greeting_s {
  uint32_t magic;
  uint32_t actor;
  uint32_t up_seed;
  uint32_t up;
  uint32_t down_seed;
  uint32_t down;
} greeting_t;

/* One direction. */
typedef struct way_s {
  size_t seed;  /* where in the pattern it begins */
  size_t total; /* bytes, in all */
  size_t done;  /* of them */
  peer_cb then; /* when as much was done as was asked for */
} way_t;

enum { WRITES = 3 };

typedef struct piece_s {
  weir_op_t op;
  peer_t *peer;
  size_t from; /* of the way */
  size_t len;
  int ends; /* it is the end of this side, too */
} piece_t;

struct peer_s {
  weir_stream_t stream;
  side_t *side;
  peer_t *next;
  const actor_t *actor;
  greeting_t greeting;

  way_t in;
  size_t until; /* as much is to come; TO_END: all, and the end */
  weir_op_t read;

  way_t out;
  piece_t pieces[WRITES];
  unsigned busy;  /* the pieces that are in use */
  unsigned ended; /* this side */
  unsigned flags;

  unsigned outstanding;
  unsigned left; /* parts of the actor that are not done */
  unsigned ticks;
  peer_cb on_poke;
  peer_t *poked;
  peer_cb on_gone; /* closed; may be NULL */
  void *more;      /* the actor's own; freed then */
  char room[];
};

#define TO_END SIZE_MAX

enum {
  PEER_READING = 1u,
  PEER_ALONE = 2u,   /* the next piece has to wait for the last */
  PEER_ENDING = 4u,  /* out.total is followed by the end */
  PEER_FICKLE = 8u,  /* cancels what it began, and goes on with it */
  PEER_OVER = 16u,   /* is being closed */
  PEER_OPEN = 32u,   /* counts as open */
  PEER_LISTED = 64u, /* is in the list of those to be poked */
  PEER_STAYS = 128u  /* counts as staying */
};

/* ---- Those of a side ---- */

/* count of them; ends the process if there is no memory. */
void peers_make(side_t *side, unsigned count, size_t room);

/* A free one, cleared; or NULL. */
peer_t *peer_take_free(side_t *side);

/* Gives one back whose stream was not made. */
void peer_drop(peer_t *p);

/* The connection is there. */
void peer_opened(peer_t *p, const actor_t *actor);

/* Perhaps gives the socket little room. */
void peer_narrow(peer_t *p);

/* Calls those whose time it is. */
void peers_poke(side_t *side);

/* ---- What they do ---- */

/* Sends out until total bytes in all; with PEER_ENDING in flags, and the end.
 */
void peer_send(peer_t *p, size_t total, unsigned flags, peer_cb then);

/* Sends a greeting. */
void peer_greet(peer_t *p);

/* Takes in until so many bytes in all, or TO_END. */
void peer_take(peer_t *p, size_t until, peer_cb then);

/* Has cb called in so many ticks, unless the peer is closed before. */
void peer_poke(peer_t *p, unsigned ticks, peer_cb cb);

/* Looks at n bytes that came. */
void peer_check(peer_t *p, const void *bytes, size_t n);

/* An operation ended with an error: a fault, unless the actor is rude. Closes
 * the stream. */
void peer_trouble(peer_t *p, const char *what, int status);
void peer_fault(peer_t *p, const char *what, int status);

/* All was as agreed. */
void peer_whole(peer_t *p);

/* One of p->left parts was. */
void peer_part(peer_t *p);

/* Its own close callback: all was as agreed, unless it broke off. */
void peer_left(weir_stream_t *stream);

/* Breaks off: with an end, with a reset. */
void peer_close(peer_t *p);
void peer_reset(peer_t *p);

/* For operations of an actor's own. begun counts one if r is 0, and is trouble
 * if not; returns whether it was begun. */
int peer_begun(peer_t *p, int r, const char *what);

/* In its callback: whether the peer goes on. */
int peer_done(peer_t *p);

static inline int peer_is_rude(const peer_t *p) {
  return p->actor == NULL || (p->actor->flags & ACTOR_RUDE) != 0;
}

static inline size_t peer_random(peer_t *p, size_t bound) {
  return side_random(p->side, bound);
}

#endif
