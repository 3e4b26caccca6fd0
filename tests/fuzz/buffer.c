/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "seq.h"

/* The input is a program of steps on a buffer of the kind that its first byte
 * names; after each step the buffer must agree with a plain array. */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

#define MOST 1024

static const uint8_t *next_input, *end_input;

typedef struct state_s {
  weir_buffer_t buffer;
  char bytes[2 * MOST];
  size_t size;
  weir_mseq_t room;
  size_t prepared;
  char counter;
} state_t;

static void expect(int truth) {
  if (!truth)
    abort();
}

static size_t take(size_t bound) {
  return next_input < end_input ? *next_input++ % bound : 0;
}

static void release(void *arg, const uv_buf_t *memory) {
  expect(arg == memory->base);
  free(memory->base);
}

static void prepare(state_t *t) {
  size_t n = take(256);
  int err;

  if (t->size + n > MOST)
    return;
  err = weir_buffer_prepare(&t->buffer, n, &t->room);
  expect(err == 0 || err == UV_ENOBUFS);
  if (err == 0)
    t->prepared = n;
}

static void commit(state_t *t) {
  size_t n = take(256);
  size_t i;

  for (i = 0; i < t->prepared; i++)
    t->bytes[t->size + i] = t->counter++;
  if (t->prepared != 0)
    weir_seq_copy(t->room, weir_seq_block(t->bytes + t->size, t->prepared),
                  SIZE_MAX);
  if (n > t->prepared)
    n = t->prepared;
  expect(weir_buffer_commit(&t->buffer, n) == n);
  t->size += n;
  t->prepared = 0;
}

static void consume(state_t *t) {
  size_t n = take(256);

  if (n > t->size)
    n = t->size;
  expect(weir_buffer_consume(&t->buffer, n) == n);
  t->size -= n;
  memmove(t->bytes, t->bytes + n, t->size);
}

static void adopt(state_t *t) {
  size_t n = take(64);
  char *mem = malloc(n + 1);
  size_t i;

  expect(mem != NULL);
  for (i = 0; i < n; i++)
    mem[i] = t->counter++;
  if (t->size + n > MOST ||
      weir_chain_adopt(&t->buffer, mem, n, release, mem) != 0) {
    free(mem);
    return;
  }
  if (n == 0)
    return;
  memcpy(t->bytes + t->size, mem, n);
  t->size += n;
  t->prepared = 0;
}

static void split(state_t *t) {
  size_t n = take(256);
  weir_buffer_t front;

  expect(weir_chain_init(&front, NULL) == 0);
  if (weir_chain_split(&t->buffer, n, &front) != 0)
    return;
  expect(weir__buffer_check(&front));
  if (n > t->size)
    n = t->size;
  expect(weir_buffer_size(&front) == n);
  if (take(2) == 0) {
    expect(weir_chain_append(&front, &t->buffer) == 0);
    expect(weir_chain_append(&t->buffer, &front) == 0);
    t->prepared = 0;
  } else {
    t->size -= n;
    memmove(t->bytes, t->bytes + n, t->size);
  }
  expect(weir_buffer_reset(&front) == 0);
}

static void pullup(state_t *t) {
  size_t n = take(256);
  const void *at;

  if (weir_chain_pullup(&t->buffer, n, &at) == 0)
    expect(n <= t->size && (n == 0 || memcmp(at, t->bytes, n) == 0));
}

static void check(const state_t *t) {
  static char out[2 * MOST];
  weir_seq_t data = weir_buffer_data(&t->buffer);

  expect(weir__buffer_check(&t->buffer));
  expect(weir_buffer_size(&t->buffer) == t->size);
  expect(weir_buffer_prepared(&t->buffer) == t->prepared);
  expect(weir_seq_copy(weir_mseq_block(out, sizeof(out)), data, SIZE_MAX) ==
         t->size);
  expect(memcmp(out, t->bytes, t->size) == 0);
}

static void make(state_t *t, char *storage) {
  weir_buffer_options_t options = {0};
  size_t kind = take(5);
  size_t n = take(256);
  int err = 0;

  options.block_size = n / 4 + 1;
  options.max_size = 4 * n;
  if (kind == 0)
    err = weir_flat_init(&t->buffer, &options);
  else if (kind == 1)
    weir_flat_init_fixed(&t->buffer, storage, n);
  else if (kind == 2)
    err = weir_ring_init(&t->buffer, n, &options);
  else if (kind == 3)
    weir_ring_init_fixed(&t->buffer, storage, n);
  else
    err = weir_chain_init(&t->buffer, &options);
  expect(err == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  char storage[256];
  state_t t;

  memset(&t, 0, sizeof(t));
  next_input = input;
  end_input = input + size;
  make(&t, storage);
  while (next_input < end_input) {
    switch (take(8)) {
    case 0:
    case 1:
      prepare(&t);
      break;
    case 2:
      commit(&t);
      break;
    case 3:
      consume(&t);
      break;
    case 4:
      adopt(&t);
      break;
    case 5:
      split(&t);
      break;
    case 6:
      pullup(&t);
      break;
    default:
      weir_buffer_shrink(&t.buffer);
      break;
    }
    check(&t);
  }
  expect(weir_buffer_reset(&t.buffer) == 0);
  return 0;
}
