/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <weir.h>

#include "../samples/message.h"
#include "candidate.h"

/* What a workload is, and what it is given. Each run of one is a process of its
 * own, so that nothing of it has to be closed: it ends where it is when the
 * time is over. The other side of a connection is another process (peer.h).
 *
 * A new workload is a file that defines one of these and a line in workloads.h.
 */

typedef struct bench_shape_s {
  const char *name; /* what is said behind the workload's, "64x4K"; or NULL */
  unsigned count; /* connections, or operations at a time; 0: no more shapes */
  size_t bytes;   /* of one operation; 1 where it has none */
} bench_shape_t;

typedef struct bench_workload_s {
  const char *name;
  const char *unit; /* one operation */
  const char *what; /* in one line */
  enum {
    BENCH_RATE,  /* operations in a second */
    BENCH_BYTES, /* bytes for each of count */
    BENCH_INNER  /* only its instructions are counted */
  } measure;
  void (*prepare)(void); /* what all candidates need; or NULL */
  void (*outside)(void); /* the other side, when instructions are counted */
  void (*raw)(void);     /* each runs until the process ends, or is NULL */
  void (*libuv)(void);
  void (*weir)(void);
  bench_shape_t shapes[16];
} bench_workload_t;

typedef union bench_uv_u {
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
} bench_uv_t;

/* The run that this process is. */
typedef struct bench_s {
  const bench_workload_t *workload;
  const bench_shape_t *shape;
  candidate_t candidate;
  unsigned count;
  size_t bytes;
  int counted;           /* instructions are, as candidate.h says */
  uint64_t ops;          /* to be measured; 0: as many as there is time for */
  unsigned milliseconds; /* to be measured */
  int cpu, peer_cpu;     /* the processors to run on; -1: any */
  int file;              /* of bench_file_size() bytes, without a name */
  const char *directory; /* for other files */

  int *fds, *others; /* the ends of connections, ours and the peer's */
  unsigned sockets;

  uv_loop_t uv;
  weir_loop_t *weir;
  struct io_uring ring;

  uint64_t moved; /* bytes of operations that are done */
  uint64_t mark;  /* with so many there is something to be looked at */
} bench_t;

extern bench_t bench;

/* ---- For workloads ---- */

/* Make n connections. peer runs in the other process, in which bench.others are
 * its ends; never when instructions are counted. */
void bench_connect(unsigned n, void (*peer)(void));

/* Makes the loop or the ring of the candidate. */
void bench_open(void);

/* Put a descriptor of bench.fds into a stream. */
void bench_open_uv(bench_uv_t *stream, int fd);
void bench_open_weir(weir_stream_t *stream, int fd);

/* Runs what bench_open made, for ever. on_completion is for the ring. */
_Noreturn void bench_go(void (*on_completion)(uint64_t data, int result));

/* A place in the ring's queue, which is submitted if it is full. */
struct io_uring_sqe *bench_sqe(void);

/* n bytes of operations are done: warms up, measures, and ends the process. */
void bench_mark(void);
static inline void bench_moved(size_t n) {
  bench.moved += n;
  if (bench.moved >= bench.mark)
    bench_mark();
}

/* Zeroed memory; where it is a page or more it begins with one. */
void *bench_memory(size_t size);

/* End the process with a figure of its own, or without one. */
_Noreturn void bench_report(double value);
_Noreturn void bench_skip(const char *what, int error);

/* A new file in bench.directory without a name, with so many bytes in it. */
int bench_make_file(size_t size);

enum { BENCH_FILE = 64 << 20, BENCH_COUNTED_FILE = 1 << 20 };

static inline size_t bench_file_size(void) {
  return bench.counted ? BENCH_COUNTED_FILE : BENCH_FILE;
}

/* ---- For the program ---- */

enum { BENCH_FIGURES = 4 };

/* What a run says of itself. */
typedef struct bench_result_s {
  double figures[BENCH_FIGURES]; /* the value; for each operation microseconds
                                    of processor time, calls, allocations */
  char why[160];                 /* it was skipped; else empty */
} bench_result_t;

/* Runs what bench says, in this process; the result is written to fd. */
_Noreturn void bench_run(int fd);

#endif
