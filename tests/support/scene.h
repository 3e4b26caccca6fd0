/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SCENE_H
#define SCENE_H

#include "net.h"
#include "want.h"

/* Each scene is played again and again, and each time another allocation fails:
 * the first, the second, until there is none left to fail; that one alone, or
 * with all behind it; weir's or libuv's. What a call says then is UV_ENOMEM,
 * what was accepted ends once, nothing is leaked, and the same loop plays the
 * same scene without want. */

struct scene {
  struct weir_fixture *f;
  int plenty; /* nothing fails */
};

typedef void (*scene_fn)(struct scene *t);

/* Plays it; without want on the loop that was in want, or on another. */
enum { SAME_LOOP, NEW_LOOP };
void scene_play(struct weir_fixture *f, scene_fn body, int again);

/* The loop of a scene, which has so many places for operations at first. */
enum { SCENE_PLACES = 8 };
void scene_leave(struct weir_fixture *f);
void scene_arrive(struct weir_fixture *f);

/* ---- What a scene is made of ---- */

/* Whether it was accepted. */
int taken(const struct scene *t, int r);

/* Whether it ended with success, and n bytes. */
int got(const struct request *r, size_t n);

/* Waits for the end of what was accepted: whether n bytes went. */
int ended(struct scene *t, struct request *r, size_t n);

/* The same of two that need each other, one of which may have been refused. */
int both_end(struct scene *t, struct request *a, int has_a, size_t na,
             struct request *b, int has_b, size_t nb);

struct end {
  weir_stream_t stream;
  int closed;
  int open;
};

int scene_make(struct scene *t, struct end *e, int tcp);
void scene_pair(struct scene *t, struct end ends[2]);
void scene_close(struct scene *t, struct end *e);

/* The close callback of an end. */
void on_end_closed(weir_stream_t *stream);

/* Segments of one byte, apart from each other: n that have a pattern, and n to
 * read into; whether these hold it. */
enum { SCENE_MOST = 2000 };
extern uv_buf_t scene_from[SCENE_MOST], scene_into[SCENE_MOST];
void scene_lay_out(size_t n);
int scene_holds(size_t n);

#endif
