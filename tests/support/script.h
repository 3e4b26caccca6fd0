/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "fixture.h"

/* A stream kind of a user's own, which does what a test tells it: the pattern
 * is what it delivers, and it keeps what is written. */
typedef enum script_mode_e {
  SCRIPT_INLINE,   /* transfers are done at once */
  SCRIPT_PENDING,  /* script_finish_* ends them, or a cancel */
  SCRIPT_BUSY_ONCE /* each transfer is refused once, then done at once */
} script_mode_t;

/* What one call of write_some was offered and took. */
struct script_call {
  unsigned nbufs;
  size_t offered;
  const char *first; /* base of the first segment */
  size_t took;
};

enum { SCRIPT_CALLS = 256, SCRIPT_SINK = 65536 };

struct script {
  weir_stream_t stream;
  int closed;
  weir_stream_kind_t kind;
  script_mode_t mode;

  size_t write_cap;   /* bytes that a write takes at most; 0: no limit */
  int fail_write_at;  /* number of the call that fails, from 1; 0: none */
  int write_error;    /* with this; 0: a success with n = 0 */
  int shutdown_error; /* what shutdown says */

  size_t read_cap; /* as for writing */
  int fail_read_at;
  int read_error;
  size_t read_end; /* UV_EOF after so many bytes; 0: never */

  int write_calls;
  int read_calls;
  int shutdowns;
  int write_cancels;
  int read_cancels;
  int refused;
  struct script_call calls[SCRIPT_CALLS]; /* the first writes */
  char sink[SCRIPT_SINK];                 /* the first bytes */
  size_t written;
  size_t read;

  uv_buf_t window[WEIR_WINDOW]; /* of the pending write */
  unsigned nwindow;
  int write_pending;
  int read_pending;
};

/* Makes a stream of it; the fields above mode are set to 0, the others, which
 * the test may change at any time, too. */
void script_open(struct weir_fixture *f, struct script *s);
void script_open_on(weir_loop_t *loop, struct script *s);
void script_close(struct weir_fixture *f, struct script *s);
void on_script_closed(weir_stream_t *stream);

/* End a pending transfer: success takes at most len bytes. */
void script_finish_write(struct script *s, int status, size_t len);
void script_finish_read(struct script *s, int status, size_t len);

#endif
