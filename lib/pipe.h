/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__PIPE_H
#define WEIR__PIPE_H

#include "loop.h"
#include "os_fd.h"

/* Pipes through which bytes are spliced. Who holds one holds it only while
 * there are bytes in it, so that few serve many. */
typedef struct weir__pipe_s {
  weir_node_t node; /* in weir__pipes_t */
  weir__fd_t in;    /* where bytes go in; -1: it was lost in a fork */
  weir__fd_t out;
  size_t asked; /* the largest size that was asked for */
} weir__pipe_t;

/* Of one loop: those that are out, and those that wait for the next. */
enum { WEIR__PIPES_OUT = 256, WEIR__PIPES_IDLE = 32 };

/* An empty pipe, of about that size if the system allows it. 0; UV_ENOBUFS when
 * WEIR__PIPES_OUT are out; or why there is none. */
int weir__pipe_take(weir_loop_t *loop, size_t size, weir__pipe_t **pipe);

/* Gives one back; if it is not known to be empty it is closed. */
void weir__pipe_give(weir_loop_t *loop, weir__pipe_t *pipe, int empty);

/* The loop is left, or this is the child of a fork: what is in the pipes is the
 * parent's. Closes all; those that are out are lost, and given back yet. */
void weir__pipes_close(weir_loop_t *loop);

#endif
