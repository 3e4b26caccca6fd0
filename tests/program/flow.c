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
  free(flow->gaps);
  free(flow->got);
}

static size_t add(flow_t *flow, piece_t piece) {
  flow->pieces = grown(flow->pieces, flow->npieces + 1, &flow->pieces_room,
                       sizeof(piece_t));
  flow->pieces[flow->npieces] = piece;
  return flow->npieces++;
}

size_t flow_write(flow_t *flow, size_t len) {
  size_t start = flow->next;

  flow->next += len;
  return add(flow, (piece_t){.key = flow->key, .start = start, .len = len});
}

size_t flow_write_same(flow_t *flow, unsigned key, size_t len) {
  return add(flow, (piece_t){.key = key, .len = len});
}

void flow_pass(flow_t *flow, const flow_t *from, size_t at, size_t n) {
  add(flow, (piece_t){.from = from, .start = at, .len = n, .n = n});
}

void flow_passed(flow_t *flow, size_t n) {
  if (n == 0)
    return;
  flow->gaps =
      grown(flow->gaps, flow->ngaps + 1, &flow->gaps_room, sizeof(gap_t));
  flow->gaps[flow->ngaps++] = (gap_t){flow->ngot, n};
  flow->got = grown(flow->got, flow->ngot + n, &flow->got_room, 1);
  memset(flow->got + flow->ngot, 0, n);
  flow->ngot += n;
}

void flow_fill(const flow_t *flow, size_t piece, size_t offset, void *bytes,
               size_t len) {
  const piece_t *from = &flow->pieces[piece];

  for (size_t i = 0; i < len; i++)
    ((uint8_t *)bytes)[i] = pattern(from->key, from->start + offset + i);
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

/* How many of n bytes are those of flow from a place on. */
static size_t same(const flow_t *flow, size_t at, const uint8_t *bytes,
                   size_t n);

static size_t same_piece(const piece_t *piece, size_t offset,
                         const uint8_t *bytes, size_t n) {
  size_t i = 0;

  if (piece->from != NULL)
    return same(piece->from, piece->start + offset, bytes, n);
  while (i < n && bytes[i] == pattern(piece->key, piece->start + offset + i))
    i++;
  return i;
}

static size_t same(const flow_t *flow, size_t at, const uint8_t *bytes,
                   size_t n) {
  size_t first = 0, done = 0;

  for (size_t i = 0; done < n && i < flow->npieces; i++) {
    const piece_t *piece = &flow->pieces[i];
    size_t offset = at + done - first, part, are;

    first += piece->n;
    if (at + done >= first)
      continue;
    part = piece->n - offset < n - done ? piece->n - offset : n - done;
    are = same_piece(piece, offset, bytes + done, part);
    done += are;
    if (are < part)
      break;
  }
  return done;
}

const char *flow_wrong(const flow_t *flow, int all, size_t *at) {
  size_t sent = flow_sent(flow), k = 0;

  *at = sent < flow->ngot ? sent : flow->ngot;
  if (flow->ngot > sent)
    return "more has come than went";
  if (all && flow->ngot < sent)
    return "less has come than went";
  for (size_t i = 0; i <= flow->ngaps; i++) {
    size_t end = i < flow->ngaps ? flow->gaps[i].at : flow->ngot;

    *at = k;
    if (k < end)
      *at += same(flow, k, flow->got + k, end - k);
    if (*at < end)
      return "other bytes have come than went";
    k = i < flow->ngaps ? end + flow->gaps[i].len : end;
  }
  return NULL;
}
