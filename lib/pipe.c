/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "pipe.h"

#include "alloc.h"
#include "os.h"
#include "queue.h"

/* What a program without rights gets for a pipe, mostly; and a new one has. */
enum { LARGEST = 1 << 20, USUAL = 1 << 16 };

static weir__pipe_t *pipe_of(weir_node_t *node) {
  return (weir__pipe_t *)((uintptr_t)node - offsetof(weir__pipe_t, node));
}

static void lose(weir_loop_t *loop, weir__pipe_t *pipe) {
  if (pipe->in < 0)
    return;
  loop->stats.syscalls += 2;
  weir__os_close(pipe->in);
  weir__os_close(pipe->out);
  pipe->in = -1;
  pipe->out = -1;
}

static void destroy(weir_loop_t *loop, weir__pipe_t *pipe) {
  lose(loop, pipe);
  weir__free(pipe);
}

static int make(weir_loop_t *loop, weir__pipe_t **made) {
  weir__fd_t fds[2];
  weir__pipe_t *pipe = weir__malloc(sizeof(*pipe));
  if (pipe == NULL)
    return UV_ENOMEM;
  loop->stats.syscalls++;
  int r = weir__os_pipe(fds);
  if (r != 0) {
    weir__free(pipe);
    return r;
  }
  pipe->out = fds[0];
  pipe->in = fds[1];
  pipe->asked = USUAL;
  *made = pipe;
  return 0;
}

/* How much all pipes of a user may hold is limited, too: then it is half of
 * that, or less. */
static void widen(weir_loop_t *loop, weir__pipe_t *pipe, size_t size) {
  if (size > LARGEST)
    size = LARGEST;
  if (size <= pipe->asked)
    return;
  int r = UV_EPERM;
  for (size_t less = size; r == UV_EPERM && less > pipe->asked; less /= 2) {
    loop->stats.syscalls++;
    r = weir__os_set_pipe_size(pipe->in, less);
  }
  pipe->asked = size;
}

int weir__pipe_take(weir_loop_t *loop, size_t size, weir__pipe_t **taken) {
  weir__pipes_t *pipes = &loop->pipes;
  if (pipes->n_out == WEIR__PIPES_OUT)
    return UV_ENOBUFS;
  if (!weir__queue_empty(&pipes->idle)) {
    *taken = pipe_of(pipes->idle.prev);
    weir__queue_remove(&(*taken)->node);
    pipes->n_idle--;
  } else {
    int r = make(loop, taken);
    if (r != 0)
      return r;
  }
  widen(loop, *taken, size);
  weir__queue_push(&pipes->out, &(*taken)->node);
  pipes->n_out++;
  return 0;
}

void weir__pipe_give(weir_loop_t *loop, weir__pipe_t *pipe, int empty) {
  weir__pipes_t *pipes = &loop->pipes;
  weir__queue_remove(&pipe->node);
  pipes->n_out--;
  if (!empty || pipe->in < 0 || pipes->n_idle == WEIR__PIPES_IDLE) {
    destroy(loop, pipe);
    return;
  }
  weir__queue_push(&pipes->idle, &pipe->node);
  pipes->n_idle++;
}

void weir__pipes_close(weir_loop_t *loop) {
  weir__pipes_t *pipes = &loop->pipes;
  weir_node_t *node;
  while ((node = weir__queue_pop(&pipes->idle)) != NULL)
    destroy(loop, pipe_of(node));
  pipes->n_idle = 0;
  for (node = pipes->out.next; node != &pipes->out; node = node->next)
    lose(loop, pipe_of(node));
}
