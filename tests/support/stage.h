/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef STAGE_H
#define STAGE_H

#include "net.h"
#include "scratch.h"

/* One operation of any sort, begun at any place of a turn: whatever it is and
 * wherever that was, it goes on without another event to wake the loop. */

struct stage;

/* What is begun. */
struct job {
  const char *name;
  void (*set_up)(struct stage *s);
  void (*begin)(struct stage *s);
  /* What it waits for; NULL: for nothing. */
  void (*later)(struct stage *s);
  int slow; /* a thread may have to do it: 1; one of the kernel's does: 2 */
};

enum { JOBS = 15, LATER_JOBS = 3 };
extern const struct job jobs[JOBS];
extern const struct job later_jobs[LATER_JOBS];

/* Where it is begun. The last two want stage_go_behind. */
enum {
  OUTSIDE,
  TIMER,
  IDLE,
  PREPARE,
  CHECK,
  ASYNC,
  CLOSING,
  LAST_TIMER,
  CALLBACK,
  READ_CALLBACK,
  CALLBACK_BEHIND_POLL,
  CLOSE_CALLBACK,
  PLACES,
  PREPARE_BEHIND = PLACES,
  CHECK_BEHIND
};

/* The operation, its surroundings, and the handles to begin it from. */
struct stage {
  struct weir_fixture *f;
  const struct job *job;
  const char *where;
  weir_op_t op;
  struct request others[WEIR_WINDOW];
  struct conn c;
  struct conn accepted;
  struct scratch file;
  weir_loop_t *second;
  int begun;
  int done;
  int needed; /* callbacks, until it is done */
  int expected;
  char bytes[16];
  char *much;
  /* The place where it is begun. */
  weir_op_t first;
  struct conn beside;
  uv_idle_t awake;
  union {
    uv_handle_t handle;
    uv_timer_t timer;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
  } at;
  uv_timer_t timer;
};

/* Everything is ready, nothing has begun. */
void stage_open(struct weir_fixture *f, struct stage *s, const struct job *job);

/* Has it begun at that place in the next turn; until then nobody sleeps. Or
 * within one call of uv_run, or in the next, if that is where the timers behind
 * the poll are looked at. */
void stage_arrange(struct stage *s, int place);
void stage_begin(struct stage *s, int place, uv_run_mode mode);

int stage_is_done(const struct stage *s);
void stage_close(struct stage *s);

/* Attaches the loop anew, behind a prepare and a check handle of the
 * application's, which libuv then runs behind the library's, or skips the test.
 * Takes them away again. */
void stage_go_behind(struct weir_fixture *f);
void stage_come_back(struct weir_fixture *f);

/* Sends a byte to the stage's stream. */
void stage_send(struct stage *s);

#endif
