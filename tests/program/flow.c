/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

/* Lines, so that there is something to be found in it. */
static uint8_t pattern(unsigned key, size_t i) {
  uint32_t h = ((uint32_t)i + key * 40503u) * 2654435761u;

  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  switch (h & 31) {
  case 0:
    return '\n';
  case 1:
    return '\r';
  default:
    return (uint8_t)(h >> 8);
  }
}

static void *grown(void *array, size_t n, size_t *room, size_t size) {
  if (n <= *room)
    return array;
  *room = 2 * n + 16;
  array = realloc(array, *room * size);
  if (array == NULL)
    abort();
  return array;
}

void flow_init(flow_t *flow, unsigned key) {
  *flow = (flow_t){.key = key};
}

void flow_free(flow_t *flow) {
  free(flow->pieces);
  free(flow->got);
}

size_t flow_write(flow_t *flow, size_t len) {
  flow->pieces = grown(flow->pieces, flow->npieces + 1, &flow->pieces_room,
                       sizeof(piece_t));
  flow->pieces[flow->npieces] = (piece_t){.start = flow->next, .len = len};
  flow->next += len;
  return flow->npieces++;
}

void flow_fill(const flow_t *flow, size_t piece, size_t offset, void *bytes,
               size_t len) {
  size_t start = flow->pieces[piece].start + offset;

  for (size_t i = 0; i < len; i++)
    ((uint8_t *)bytes)[i] = pattern(flow->key, start + i);
}

void flow_got(flow_t *flow, const void *bytes, size_t len) {
  if (len == 0)
    return;
  flow->got = grown(flow->got, flow->ngot + len, &flow->got_room, 1);
  memcpy(flow->got + flow->ngot, bytes, len);
  flow->ngot += len;
}

size_t flow_sent(const flow_t *flow) {
  size_t sent = 0;

  for (size_t i = 0; i < flow->npieces; i++)
    sent += flow->pieces[i].n;
  return sent;
}

const char *flow_wrong(const flow_t *flow, int all, size_t *at) {
  size_t sent = flow_sent(flow), k = 0;

  *at = sent < flow->ngot ? sent : flow->ngot;
  if (flow->ngot > sent)
    return "more has come than went";
  if (all && flow->ngot < sent)
    return "less has come than went";
  for (size_t i = 0; i < flow->npieces; i++) {
    const piece_t *piece = &flow->pieces[i];

    for (size_t j = 0; j < piece->n && k < flow->ngot; j++, k++) {
      *at = k;
      if (flow->got[k] != pattern(flow->key, piece->start + j))
        return "other bytes have come than went";
    }
  }
  return NULL;
}
