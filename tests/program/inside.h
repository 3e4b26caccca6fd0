/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef PROGRAM_INSIDE_H
#define PROGRAM_INSIDE_H

#include "../random.h"
#include "cut.h"
#include "flow.h"
#include "program.h"

/* What the parts of the interpreter share. */

enum { LINKS = 16, FILES = 2, SLOTS = 8, SLOT = 700, DEFERRED = 8, HOLDS = 17 };

typedef struct program_s program_t;

/* One step, and what is drawn for it. */
typedef struct step_s {
  uint8_t what, which, a, b;
} step_t;

random_t step_dice(const step_t *step);

/* ---- Streams ---- */

typedef enum end_state_e {
  END_NONE,       /* nobody there, as before an accept */
  END_CONNECTING, /* or that failed */
  END_OPEN,
  END_CLOSING, /* also: the application has closed an adopted handle */
  END_GONE
} end_state_t;

struct link_s;
struct job_s;

/* One end of a link: a stream of weir's, or a bare descriptor. */
typedef struct end_s {
  program_t *p;
  struct link_s *link;
  end_state_t state;
  weir_stream_t *stream; /* NULL: it is bare */
  int fd;                /* of a bare one */
  uv_poll_t *watch;      /* of a bare one, while all is brought to an end */
  uv_stream_t *handle;   /* of an adopted one */
  int lost;              /* that was closed by the application */
  int close_called;
  int reset;
  int can_read, can_write;
  int leaving;     /* closes after its writes, or when its time is over */
  int leaves_soon; /* and that may be now */
  int dropped;     /* something was queued when it was closed */
  int releasing;   /* an adopted handle, that is to be adopted again */
  unsigned jobs;
  unsigned readers; /* of jobs; more than one: the callbacks are due */

  /* Writing. */
  flow_t out;
  enum { END_RUNS, END_PERHAPS, END_ENDED } ended;
  struct job_s *ender;     /* the write that is to end it */
  int write_status;        /* every later write gets it */
  size_t failed;           /* one that has got it */
  long last_write;         /* the last one that succeeded */
  size_t writes_queued;    /* their bytes, at most, but for silent ones */
  int uncopied;            /* they may go without a copy */
  int writes_soon;         /* they may be ended by a deadline of the stream's */
  struct job_s *passed_to; /* a relay that writes to it */

  /* Reading. */
  int got_end;
  int got_all; /* the end, while the other side was not closed */
  int read_failed;
  weir_buffer_t buffer;
  int has_buffer;
  uint8_t *held; /* what is in it, by the model */
  size_t held_len;
  struct job_s *passed_from; /* a relay that reads from it */
  int reads_soon;

  int waits[2]; /* to read, to write */

  /* What is told of it. */
  weir_water_t water;
  int has_water, is_high;
  size_t high, low;
  weir_deadline_t still[2];
} end_t;

typedef struct link_s {
  end_t ends[2];
  world_link_t kind;
  int paired;   /* by weir_test_pair */
  int dialed;   /* by connecting to the dock */
  unsigned tag; /* by which it is known when it is accepted */
} link_t;

static inline end_t *peer_of(end_t *e) {
  return &e->link->ends[e == &e->link->ends[0]];
}

/* Whether it is closing, by the program or by itself. */
int end_is_closing(const end_t *e);

/* Whether bytes may be lost here, and errors come: not all is well with the
 * other end, or this one is going with a reset. */
int end_broken(end_t *e);

/* 0 if operations on it are accepted, else what refuses them. */
int end_refuses(const end_t *e);

void end_open(end_t *e, weir_stream_t *stream);
void end_close(end_t *e, int reset);
void end_closed(weir_stream_t *stream);
void end_handle_closed(uv_handle_t *handle);

/* Closes in a while, or gives an adopted handle back and adopts it again. */
void leave_do(end_t *e, random_t *dice);

/* Its reading side has met the end of the stream. */
void end_met(end_t *e);

/* The end that a step means; one that is open, if it can be. */
end_t *end_pick(program_t *p, const step_t *step);

weir_stream_t *stream_new(program_t *p);
void link_make(program_t *p, random_t *dice);
void link_open(program_t *p, link_t *link);
void end_do(end_t *e, random_t *dice);
void end_drain(end_t *e);
void links_check(program_t *p);

void bare_do(end_t *e, random_t *dice);
void bare_drain(end_t *e);
void bare_drop(end_t *e, int reset);

void read_do(end_t *e, random_t *dice);
void read_drain(end_t *e);
void write_do(end_t *e, random_t *dice);
void write_much(end_t *e, random_t *dice);
void write_drain(end_t *e);

/* A write failed: what is queued behind it, of which nobody is told, is lost.
 */
void write_lost(end_t *e, size_t behind);

/* Whether a write may fail with this, behind those that did. */
int write_same(const end_t *e, int status);

/* Bytes that were written silently, and may not have gone. */
size_t write_silent(const end_t *e);

/* What a write is to be refused with, or 0. */
int write_refuses(const end_t *e);

/* Writes of which nobody is told: a copy, and a message to many. */
void copy_do(end_t *e, random_t *dice);
void message_do(program_t *p, random_t *dice);
void message_drain(program_t *p);

void wait_do(end_t *e, random_t *dice);

/* Marks, and deadlines of the stream's. */
void watch_do(end_t *e, random_t *dice);
void watch_drain(end_t *e);

/* From e to any other, or to e itself. */
void relay_do(end_t *e, random_t *dice);
void relay_stop(struct job_s *job);
void relays_drain(program_t *p);

/* ---- Operations ---- */

typedef struct job_s {
  weir_op_t op;
  struct job_s *next, *prev;
  program_t *p;
  end_t *end; /* NULL: no stream's that can transfer */
  void *on;   /* what else it is about */
  int form;
  int way;       /* of a file's */
  int cancelled; /* or has a deadline that may come */
  int late;      /* has such */
  int quiet;     /* does not keep the loop going */
  enum { SIDE_NONE, SIDE_READ, SIDE_WRITE } side; /* of its stream */
  weir_lease_t lease;
  struct passing_s *passing; /* of a relay, which has no other op */
  weir_deadline_t deadline;
  size_t piece; /* of a write, in its flow */
  size_t len;
  size_t need;
  size_t asked; /* of a read under a condition: what was said last */
  size_t went;  /* of a write, within its call */
  size_t found; /* by a matcher */
  uint8_t words[4];
  size_t most; /* leases of the stream */
  cut_t cut;
  int goes_on;
  step_t then;
} job_t;

job_t *job_new(program_t *p, end_t *end, random_t *dice);

/* In its callback, or when it was refused: what the model knows is the status
 * of one that was cancelled, also where a deadline did it. job_end goes on with
 * what was to follow, and may do anything. */
int job_reports(job_t *job, int status, size_t n);
void job_refused(job_t *job);
void job_end(job_t *job);
void job_cancel(job_t *job);

/* Gives it a deadline: at once, soon or never. */
void job_limit(job_t *job, random_t *dice);

/* Keeps the loop going, or does not; all do again. */
void job_quiet(job_t *job);
void jobs_keep(program_t *p);

/* One that does nothing but end. */
void post_do(program_t *p, random_t *dice);

/* ---- Leases ---- */

typedef struct hold_s {
  end_t *end; /* whose bytes they are; NULL: nobody's */
  weir_lease_t lease;
  size_t refs;
  uint8_t *copy;
} hold_t;

void leases_begin(program_t *p, unsigned how);
void leases_end(program_t *p);

/* Takes a buffer, or gives one back. */
void leases_do(program_t *p, random_t *dice);

/* Gives all back: reads wait for them. */
void leases_drain(program_t *p);

int lease_read(job_t *job, random_t *dice, weir_op_cb cb);

/* In the callback of such a read, whose bytes were taken note of. */
void lease_check(job_t *job, int status, size_t n);

/* One that came in another way: to be kept for a while, if there is room. */
void lease_keep(program_t *p, weir_lease_t lease, int keeps);

/* Its stream is another one now. */
void leases_forget(end_t *e);

/* ---- Files ---- */

typedef struct file_s {
  enum { FILE_NONE, FILE_OPENING, FILE_OPEN, FILE_CLOSING } state;
  program_t *p;
  int fd;
  unsigned jobs;
  unsigned readers[SLOTS];
  int writers[SLOTS];
  int sent[SLOTS]; /* the peer may see what is written there */
  unsigned looks;  /* those that need all of it to stay as it is */
  struct reading_s *reading;
  struct copying_s *copying;
  char path[WORLD_PATH];
  size_t size;
  uint8_t bytes[SLOTS * SLOT];

  /* One that is used at its position alone, and not by its places. */
  int placed;
  weir_file_t object;
  size_t place;
  size_t ahead; /* bytes that are outstanding there */
  unsigned turns;
} file_t;

void file_do(program_t *p, const step_t *step);
void file_drain(file_t *file);

job_t *file_job(file_t *file, int form, random_t *dice);
void file_over(job_t *job);

/* A place of an open file, and the bytes that are to be there; NULL: there is
 * none. It is the caller's until it is given back. */
file_t *file_lend(program_t *p, random_t *dice, size_t *slot);
void file_fill(file_t *file, size_t slot, const uint8_t *bytes, size_t len);
void file_back(file_t *file, size_t slot);

void place_open(file_t *file);
void place_do(file_t *file, random_t *dice);

void whole_do(file_t *file, random_t *dice);
void whole_drain(file_t *file);

/* ---- Listening ---- */

typedef struct dock_s {
  enum { DOCK_NONE, DOCK_OPEN, DOCK_CLOSING, DOCK_GONE } state;
  weir_stream_t *stream;
  unsigned jobs;
  int is_unix;
  char path[WORLD_PATH];
  struct sockaddr_storage address;
} dock_t;

void dock_do(program_t *p, const step_t *step);
void dock_drain(program_t *p);

/* ---- The program ---- */

struct program_s {
  world_t *world;
  const char *name;
  int trace;
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_loop_options_t options;
  weir_pool_t *pool;
  weir_pool_t *leased; /* for leases alone */
  hold_t holds[HOLDS];
  size_t nholds;
  struct note_s *notes; /* messages */
  unsigned nnotes;      /* that were ever made */
  size_t posts, posted; /* begun, and ended of itself */
  link_t links[LINKS];
  size_t nlinks;
  file_t files[FILES];
  dock_t dock;
  unsigned strays; /* streams that belong to no link, being closed */
  job_t jobs;      /* the outstanding ones, a ring */
  size_t njobs;
  size_t begun;
  size_t bytes;
  retired_t *retired;
  int inside;  /* in a call of weir's, where no callback comes */
  int running; /* within uv_run */
  int draining;
  int lost; /* an adopted handle was closed */
  unsigned long progress, seen;
  uv_timer_t watchdog, tick, timer;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  /* Steps for the callbacks of the last four. */
  step_t deferred[4][DEFERRED];
  size_t ndeferred[4];
};

/* Ends the process unless truth. */
void must(const program_t *p, int truth, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
void must_be(const program_t *p, long long actual, long long expected,
             const char *what);

/* The name of a status. */
const char *said(int status);

void trace(const program_t *p, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

void program_step(program_t *p, const step_t *step);

#endif
