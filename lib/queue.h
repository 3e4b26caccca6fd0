/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__QUEUE_H
#define WEIR__QUEUE_H

#include <stddef.h>

#include <weir/op.h>

/* A queue that goes round through the nodes in it and one more, which stands
 * for the queue. A node is taken out without knowing which queue it is in. */

static inline void weir__queue_init(weir_node_t *queue) {
  queue->next = queue;
  queue->prev = queue;
}

static inline int weir__queue_empty(const weir_node_t *queue) {
  return queue->next == queue;
}

static inline void weir__queue_push(weir_node_t *queue, weir_node_t *node) {
  weir_node_t *last = queue->prev;
  node->prev = last;
  last->next = node;
  node->next = queue;
  queue->prev = node;
}

static inline void weir__queue_push_front(weir_node_t *queue,
                                          weir_node_t *node) {
  weir__queue_push(queue->next, node);
}

static inline void weir__queue_remove(weir_node_t *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
}

/* Takes the nodes from first to last out of the queue that they are in, where
 * they lie one behind the other, and puts them at the end of queue. */
static inline void weir__queue_move(weir_node_t *queue, weir_node_t *first,
                                    weir_node_t *last) {
  weir_node_t *end = queue->prev;
  first->prev->next = last->next;
  last->next->prev = first->prev;
  first->prev = end;
  end->next = first;
  last->next = queue;
  queue->prev = last;
}

/* The first, taken out; NULL when there is none. */
static inline weir_node_t *weir__queue_pop(weir_node_t *queue) {
  weir_node_t *node = queue->next;
  if (node == queue)
    return NULL;
  weir__queue_remove(node);
  return node;
}

#endif
