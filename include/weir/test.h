/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_TEST_H
#define WEIR_TEST_H

#include <stddef.h>

#include <weir/kind.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Streams to test with, and runs over all the ways in which something can be
 * cut or fail. It is a library of its own, libweir-test (pkg-config name
 * weir-test), always static, and made of what kind.h offers to everybody.
 *
 * Nothing here prints, asserts or exits: results are for the test framework of
 * one's choice. Its memory comes from malloc and not from
 * weir_replace_allocator, so that an allocator which counts counts the library
 * under test only.
 *
 * A stream made here has an idle handle of its own on the uv_loop_t, which does
 * not keep uv_run going and is closed with the stream. An application that
 * closes all handles that it meets in uv_walk has to close these streams
 * first. */

/* ---- A pair of streams in memory ---- */

/* Makes a and b, memory that needs no initialisation, the two ends of a
 * connection: what is written to one is read from the other. Between them each
 * direction holds at most capacity bytes; a write that finds it full waits for
 * a read, and the other way round. They behave as sockets do: weir_write_eof
 * and weir_close give the peer UV_EOF when it has read what is there, and
 * writing to a closed peer gives UV_EPIPE. Both ends have to be closed.
 *
 * Returns 0; or, with nothing to close, UV_EINVAL (a NULL, a is b, a capacity
 * of 0), UV_ENOMEM, UV_ECANCELED. */
WEIR_MUST_USE int weir_test_pair(weir_loop_t *loop, weir_stream_t *a,
                                 weir_stream_t *b, size_t capacity);

/* ---- A stream that follows a script ---- */

/* Never completes by itself: waits for weir_test_finish or the cancellation. */
#define WEIR_TEST_NEVER ((unsigned)-1)

/* weir_test_step_t.flags */
enum {
  /* Says success with n = 0, which a kind must not. Moves nothing. */
  WEIR_TEST_NOTHING = 1,
  /* Says success with one byte more than was offered, which it must not
   * either. Moves nothing. */
  WEIR_TEST_TOO_MUCH = 2,
  /* Completes as it would have in spite of being cancelled. */
  WEIR_TEST_DEAF = 4
};

/* What one transfer does. All 0: at once, as much as it can. */
typedef struct weir_test_step_s {
  /* The most bytes that it moves. 0: as many as are offered if status is 0,
   * else none. */
  size_t bytes;
  /* 0, or the negative UV_E* that it ends with, with those bytes. With
   * UV_EAGAIN and UV_EBUSY, by which a kind asks to be called again, bytes has
   * to be 0. */
  int status;
  /* 0: it is done within the call; else that many turns of the loop later. */
  unsigned turns;
  int flags;
} weir_test_step_t;

/* What the transfers of one direction do, numbered from 1 on. */
typedef struct weir_test_script_s {
  const weir_test_step_t *steps; /* the first nsteps of them */
  size_t nsteps;
  weir_test_step_t rest;    /* all others */
  size_t fail_at;           /* the one that does `failure` instead; 0: none */
  weir_test_step_t failure; /* status 0 means UV_ECONNRESET, if flags is 0 */
} weir_test_script_t;

/* All 0, a stream that takes every write whole, and at whose end every read
 * is. */
typedef struct weir_test_options_s {
  weir_test_script_t read;
  weir_test_script_t write;
  weir_test_step_t shutdown; /* its bytes have no meaning */
  /* What reads deliver; it is not copied, and both it and the scripts' steps
   * have to live until the close callback. */
  const void *input;
  size_t input_size;
  /* What a read gets when all of it was delivered: a negative UV_E*, 0 for
   * UV_EOF, or WEIR_PENDING: it waits for its cancellation. */
  int at_end;
  /* 1: a kind without read_now and write_now. */
  int no_now;
} weir_test_options_t;

typedef struct weir_test_stream_s weir_test_stream_t;

/* Makes stream, memory that needs no initialisation, a connected stream that
 * does what options (copied; may be NULL) say, and *script, which remembers
 * what was asked of it. A call of read_now or write_now is one transfer of the
 * script as well; where the script says later, it gets UV_EAGAIN.
 *
 * Returns 0, UV_EINVAL (a NULL), UV_ENOMEM, UV_ECANCELED. */
WEIR_MUST_USE int weir_test_stream(weir_loop_t *loop, weir_stream_t *stream,
                                   const weir_test_options_t *options,
                                   weir_test_stream_t **script);

/* Which function of the kind was called. */
typedef enum weir_test_what_e {
  WEIR_TEST_READ,
  WEIR_TEST_WRITE,
  WEIR_TEST_READ_NOW,
  WEIR_TEST_WRITE_NOW,
  WEIR_TEST_CANCEL_READ,
  WEIR_TEST_CANCEL_WRITE,
  WEIR_TEST_SHUTDOWN,
  WEIR_TEST_CLOSE
} weir_test_what_t;

/* Ends the transfer of that direction (WEIR_TEST_READ, _WRITE, or _SHUTDOWN)
 * which waits, for ever or not, as step says, whose turns have no meaning here.
 * Returns 0; WEIR_PENDING when it waits on, since all of the input was
 * delivered; UV_EINVAL (a NULL, another direction, or none waits). */
int weir_test_finish(weir_test_stream_t *script, weir_test_what_t what,
                     const weir_test_step_t *step);

/* Frees what remembers, after the close callback of its stream; before it,
 * changes nothing and returns UV_EBUSY. NULL is 0. */
int weir_test_stream_free(weir_test_stream_t *script);

/* One call. */
typedef struct weir_test_call_s {
  weir_test_what_t what;
  unsigned segments;         /* that were offered */
  size_t sizes[WEIR_WINDOW]; /* of each */
  size_t offered;            /* together */
  int status;                /* WEIR_PENDING until it is done */
  size_t n;                  /* bytes moved, or said to have been */
} weir_test_call_t;

/* All calls in their order: their number, and the i-th from 0 on, NULL behind
 * the last. The pointer is good until the stream is called again. */
size_t weir_test_calls(const weir_test_stream_t *script);
const weir_test_call_t *weir_test_call(const weir_test_stream_t *script,
                                       size_t i);

/* How often one function was called. */
size_t weir_test_count(const weir_test_stream_t *script, weir_test_what_t what);

/* All bytes that were written so far, and their number in *size. The pointer
 * is good until the next write. */
const void *weir_test_written(const weir_test_stream_t *script, size_t *size);

/* How many bytes of the input were delivered. */
size_t weir_test_delivered(const weir_test_stream_t *script);

/* 1 if a transfer came to the fail_at of its script, else 0. */
int weir_test_failed(const weir_test_stream_t *script);

/* ---- Runs ---- */

/* A test body: 0 to go on, anything else to stop the runs and be returned. */
typedef int (*weir_test_seq_body)(void *arg, weir_seq_t seq);
typedef int (*weir_test_mseq_body)(void *arg, weir_mseq_t mseq);

/* Call body with seq cut in two in every place: size + 1 runs, the first and
 * the last with an empty part; and cut in three: (size + 1) * (size + 2) / 2
 * runs. Return 0, or what body returned last, or UV_EINVAL for a NULL body. */
int weir_test_splits2(weir_seq_t seq, weir_test_seq_body body, void *arg);
int weir_test_splits3(weir_seq_t seq, weir_test_seq_body body, void *arg);
int weir_test_msplits2(weir_mseq_t mseq, weir_test_mseq_body body, void *arg);
int weir_test_msplits3(weir_mseq_t mseq, weir_test_mseq_body body, void *arg);

/* Calls body with fail_at = 1, 2, 3, ..., which is meant for a script, until
 * one run is clean: *reached, 0 when body is called, has to be set to 1 by it
 * if the failure happened (see weir_test_failed). So every operation fails
 * once, and the last run fails none. *runs, if not NULL, is the number of
 * runs.
 *
 * Returns 0, what body returned if it is not 0, UV_EINVAL for a NULL body, or
 * UV_E2BIG when 100000 runs were not enough. */
typedef int (*weir_test_failure_body)(void *arg, size_t fail_at, int *reached);
int weir_test_each_failure(weir_test_failure_body body, void *arg,
                           size_t *runs);

#ifdef __cplusplus
}
#endif
#endif
