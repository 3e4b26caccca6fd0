/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <criterion/criterion.h>
#include <string.h>

#include <weir/alloc.h>

#include "buffer.h"
#include "random.h"
#include "seq.h"

/* Random steps on each kind of buffer against a plain array of the same bytes:
 * with holds, with allocations and a source that fail, and with what is
 * prepared being filled only at its commit. */

TestSuite(buffer_model, .timeout = 300);

#define STEPS 100000
#define MOST 512

static random_t seed;
static unsigned int fail_one_in;

static int fails(void) {
  return fail_one_in != 0 && random_below(&seed, fail_one_in) == 0;
}

static void *failing_malloc(size_t size) {
  return fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *ptr, size_t size) {
  return fails() ? NULL : realloc(ptr, size);
}

static void *failing_calloc(size_t count, size_t size) {
  return fails() ? NULL : calloc(count, size);
}

/* A source of blocks that counts those that are out. */
typedef struct source_s {
  size_t size;
  size_t out;
} source_t;

static int source_acquire(void *arg, uv_buf_t *memory) {
  source_t *source = arg;

  if (fails() || source->out == 8)
    return UV_ENOBUFS;
  source->out++;
  *memory = weir__buf(malloc(source->size), source->size);
  return 0;
}

static void source_release(void *arg, const uv_buf_t *memory) {
  source_t *source = arg;

  cr_assert_eq(memory->len, source->size);
  cr_assert_neq(source->out, 0);
  source->out--;
  free(memory->base);
}

static size_t adopted;

static void release_adopted(void *arg, const uv_buf_t *memory) {
  cr_assert_eq(arg, memory->base);
  adopted--;
  free(memory->base);
}

typedef struct state_s {
  weir_buffer_t buffer;
  char bytes[4 * MOST]; /* what the data should be */
  size_t size;
  weir_mseq_t room; /* as the last prepare gave it */
  size_t prepared;
  unsigned int data_holds, room_holds;
  weir_seq_t held; /* the data at the first hold */
  size_t held_size;
  weir_seq_t seen; /* the data of an earlier step, while they are valid */
  size_t seen_size;
  const void *pulled; /* as the last pullup gave it, while it is valid */
  size_t pulled_size;
  int is_chain, moves;
} state_t;

static void same(weir_seq_t s, const char *bytes, size_t size) {
  char out[4 * MOST];

  cr_assert_eq(weir_seq_size(s), size);
  cr_assert_eq(weir_seq_copy(weir_mseq_block(out, sizeof(out)), s, SIZE_MAX),
               size);
  cr_assert_eq(memcmp(out, bytes, size), 0);
}

static void check(const state_t *t) {
  cr_assert(weir__buffer_check(&t->buffer));
  cr_assert_eq(weir_buffer_size(&t->buffer), t->size);
  cr_assert_eq(weir_buffer_prepared(&t->buffer), t->prepared);
  same(weir_buffer_data(&t->buffer), t->bytes, t->size);
  cr_assert_eq(weir_mseq_size(t->room), t->prepared);
  if (t->data_holds != 0)
    same(t->held, t->bytes, t->held_size);
  same(t->seen, t->bytes, t->seen_size);
  if (t->pulled_size != 0)
    cr_assert_arr_eq(t->pulled, t->bytes, t->pulled_size);
}

/* What was given out is not valid any more. */
static void unsee(state_t *t) {
  t->seen = weir_seq_block(NULL, 0);
  t->seen_size = 0;
  t->pulled_size = 0;
}

static void see(state_t *t) {
  if (t->seen_size == 0 || random_below(&seed, 8) == 0) {
    t->seen = weir_buffer_data(&t->buffer);
    t->seen_size = t->size;
  }
}

static const char *first_byte(const state_t *t) {
  weir_seq_t data = weir_buffer_data(&t->buffer);
  uv_buf_t segment = {0};

  weir_seq_next(&data, &segment);
  return segment.base;
}

static void step_prepare(state_t *t) {
  size_t max = weir_buffer_max_size(&t->buffer);
  size_t most = t->size < MOST ? MOST - t->size : 0;
  size_t n = random_below(&seed, random_below(&seed, most + 1) + 2);
  const char *at = first_byte(t);
  weir_mseq_t room;
  int err = weir_buffer_prepare(&t->buffer, n, &room);

  if (t->room_holds != 0) {
    cr_assert_eq(err, UV_EBUSY);
  } else if (n > max - t->size) {
    cr_assert_eq(err, UV_ENOBUFS);
  } else if (err != 0) {
    cr_assert(err == UV_EBUSY ? t->moves && t->data_holds != 0
                              : err == UV_ENOMEM || err == UV_ENOBUFS);
    cr_assert(err == UV_EBUSY || fail_one_in != 0 || t->buffer.acquire != NULL);
  }
  if (err == 0) {
    t->prepared = n;
    t->room = room;
    if (t->moves)
      unsee(t);
  }
  cr_assert(err == 0 ? !t->moves || t->data_holds == 0 || t->size == 0 ||
                           first_byte(t) == at
                     : first_byte(t) == at);
  cr_assert(t->moves || first_byte(t) == at);
}

static void step_commit(state_t *t) {
  size_t n = random_below(&seed, 4) != 0
                 ? t->prepared
                 : random_below(&seed, t->prepared + 20);
  size_t want = n < t->prepared ? n : t->prepared;
  size_t i;

  for (i = 0; i < t->prepared; i++)
    t->bytes[t->size + i] = (char)random_next(&seed);
  weir_seq_copy(t->room, weir_seq_block(t->bytes + t->size, t->prepared),
                SIZE_MAX);
  cr_assert_eq(weir_buffer_commit(&t->buffer, n), want);
  cr_assert_eq(weir_buffer_commit(&t->buffer, n), 0);
  t->size += want;
  t->prepared = 0;
  t->room = weir_mseq_block(NULL, 0);
}

static void step_consume(state_t *t) {
  size_t n = random_below(&seed, random_below(&seed, t->size + 9) + 1);
  size_t want = n < t->size ? n : t->size;

  if (t->data_holds != 0)
    want = 0;
  cr_assert_eq(weir_buffer_consume(&t->buffer, n), want);
  memmove(t->bytes, t->bytes + want, t->size - want);
  t->size -= want;
  if (want != 0)
    unsee(t);
}

static void step_hold(state_t *t) {
  if (random_below(&seed, 2) == 0 && t->room_holds < 2 && t->prepared != 0) {
    t->room_holds++;
    weir_buffer_hold(&t->buffer, WEIR_HOLD_ROOM);
  } else if (t->data_holds < 2) {
    if (t->data_holds++ == 0) {
      t->held = weir_buffer_data(&t->buffer);
      t->held_size = t->size;
    }
    weir_buffer_hold(&t->buffer, WEIR_HOLD_DATA);
  }
}

static void step_unhold(state_t *t) {
  if (random_below(&seed, 2) == 0) {
    t->room_holds -= t->room_holds != 0;
    weir_buffer_unhold(&t->buffer, WEIR_HOLD_ROOM);
  } else {
    t->data_holds -= t->data_holds != 0;
    weir_buffer_unhold(&t->buffer, WEIR_HOLD_DATA);
  }
}

static void step_reset(state_t *t) {
  int err;

  if (random_below(&seed, 20) != 0) {
    weir_buffer_shrink(&t->buffer);
    return;
  }
  err = weir_buffer_reset(&t->buffer);
  if (t->room_holds + t->data_holds != 0) {
    cr_assert_eq(err, UV_EBUSY);
    return;
  }
  t->size = 0;
  t->prepared = 0;
  t->room = weir_mseq_block(NULL, 0);
  unsee(t);
}

static void step_adopt(state_t *t) {
  size_t n = random_below(&seed, 40);
  size_t i;
  char *mem;
  int err;

  if (t->size + n > MOST)
    return;
  mem = malloc(n + 1);
  adopted++;
  for (i = 0; i < n; i++)
    mem[i] = (char)random_next(&seed);
  err = weir_chain_adopt(&t->buffer, mem, n, release_adopted, mem);
  if (err != 0) {
    cr_assert(t->room_holds != 0 ? err == UV_EBUSY : err == UV_ENOMEM);
    free(mem);
    adopted--;
    return;
  }
  if (n == 0)
    return;
  memcpy(t->bytes + t->size, mem, n);
  t->size += n;
  t->prepared = 0;
  t->room = weir_mseq_block(NULL, 0);
}

static void step_pullup(state_t *t) {
  size_t n = random_below(&seed, t->size + 2);
  const void *at = NULL;
  int err = weir_chain_pullup(&t->buffer, n, &at);

  if (n > t->size)
    cr_assert_eq(err, UV_EINVAL);
  else if (err != 0)
    cr_assert(err == UV_ENOMEM || (err == UV_EBUSY && t->data_holds != 0));
  else
    cr_assert(n == 0 || memcmp(at, t->bytes, n) == 0);
  if (err == 0) {
    unsee(t);
    t->pulled = at;
    t->pulled_size = n;
  }
}

/* Splits off a front, and joins the rest to it again. */
static void step_split(state_t *t) {
  weir_buffer_options_t options = {0};
  size_t n = random_below(&seed, t->size + 2);
  size_t kept = n < t->size ? n : t->size;
  weir_buffer_t front;
  int err;

  options.block_size = 32;
  cr_assert_eq(weir_chain_init(&front, &options), 0);
  if (random_below(&seed, 2) == 0) {
    weir_mseq_t room;
    if (weir_buffer_prepare(&front, 9, &room) == 0)
      weir_buffer_commit(&front, random_below(&seed, 2));
    weir_buffer_consume(&front, 1);
  }
  err = weir_chain_split(&t->buffer, n, &front);
  cr_assert(weir__buffer_check(&front));
  cr_assert(weir__buffer_check(&t->buffer));
  if (err != 0) {
    cr_assert(err == UV_ENOMEM ||
              (err == UV_EBUSY && t->room_holds + t->data_holds != 0));
    cr_assert_eq(weir_buffer_reset(&front), 0);
    return;
  }
  unsee(t);
  same(weir_buffer_data(&front), t->bytes, kept);
  same(weir_buffer_data(&t->buffer), t->bytes + kept, t->size - kept);
  if (random_below(&seed, 2) == 0) {
    cr_assert_eq(weir_buffer_consume(&front, SIZE_MAX), kept);
    memmove(t->bytes, t->bytes + kept, t->size - kept);
    t->size -= kept;
  } else {
    weir_seq_t ahead = weir_buffer_data(&front);
    weir_seq_t moved = weir_buffer_data(&t->buffer);
    cr_assert_eq(weir_chain_append(&front, &t->buffer), 0);
    cr_assert(weir__buffer_check(&front));
    same(ahead, t->bytes, kept);
    same(moved, t->bytes + kept, t->size - kept);
    cr_assert_eq(weir_buffer_size(&t->buffer), 0);
    cr_assert(weir__buffer_check(&t->buffer));
    cr_assert_eq(weir_chain_append(&t->buffer, &front), 0);
    t->prepared = 0;
    t->room = weir_mseq_block(NULL, 0);
  }
  cr_assert(weir__buffer_check(&front));
  cr_assert_eq(weir_buffer_reset(&front), 0);
}

static void run(state_t *t) {
  int i;

  t->is_chain = t->buffer.kind == &weir__buffer_chain;
  t->moves = t->buffer.kind == &weir__buffer_flat;
  t->room = weir_mseq_block(NULL, 0);
  unsee(t);
  for (i = 0; i < STEPS; i++) {
    switch (random_below(&seed, t->is_chain ? 16 : 12)) {
    case 0:
    case 1:
    case 2:
      step_prepare(t);
      break;
    case 3:
    case 4:
      step_commit(t);
      break;
    case 5:
    case 6:
    case 7:
      step_consume(t);
      break;
    case 8:
      step_hold(t);
      break;
    case 9:
    case 10:
      step_unhold(t);
      break;
    case 11:
      step_reset(t);
      break;
    case 12:
    case 13:
      step_adopt(t);
      break;
    case 14:
      step_pullup(t);
      break;
    default:
      step_split(t);
      break;
    }
    check(t);
    see(t);
  }
  weir_buffer_unhold(&t->buffer, WEIR_HOLD_DATA | WEIR_HOLD_ROOM);
  weir_buffer_unhold(&t->buffer, WEIR_HOLD_DATA | WEIR_HOLD_ROOM);
  cr_assert_eq(weir_buffer_reset(&t->buffer), 0);
  cr_assert_eq(weir_buffer_size(&t->buffer), 0);
  cr_assert(weir__buffer_check(&t->buffer));
  cr_assert_eq(adopted, 0);
}

static void begin(const char *name, unsigned int fail) {
  seed = random_seeded(name);
  fail_one_in = fail;
  adopted = 0;
  cr_assert_eq(weir_replace_allocator(failing_malloc, failing_realloc,
                                      failing_calloc, free),
               0);
}

static void run_owned(int kind, size_t max_size, size_t capacity,
                      unsigned int flags, source_t *source) {
  weir_buffer_options_t options = {0};
  state_t t = {0};
  int err;

  options.max_size = max_size;
  options.block_size = 32;
  options.flags = flags;
  if (source != NULL) {
    options.acquire = source_acquire;
    options.release = source_release;
    options.source = source;
  }
  err = kind == 0   ? weir_flat_init(&t.buffer, &options)
        : kind == 1 ? weir_ring_init(&t.buffer, capacity, &options)
                    : weir_chain_init(&t.buffer, &options);
  cr_assert_eq(err, 0);
  run(&t);
  cr_assert(source == NULL || source->out == 0);
}

Test(buffer_model, flat_of_the_heap) {
  begin("flat", 0);
  run_owned(0, 0, 0, 0, NULL);
  run_owned(0, 100, 0, 0, NULL);
}

Test(buffer_model, flat_with_failing_allocations) {
  begin("flat, failing", 3);
  run_owned(0, 0, 0, 0, NULL);
}

Test(buffer_model, flat_of_a_source) {
  source_t source = {200, 0};

  begin("flat of a source", 3);
  run_owned(0, 0, 0, 0, &source);
}

Test(buffer_model, flat_fixed) {
  char storage[100];
  state_t t = {0};

  begin("flat, fixed", 1);
  weir_flat_init_fixed(&t.buffer, storage, sizeof(storage));
  run(&t);
}

Test(buffer_model, ring_of_small_capacities) {
  static const size_t capacities[] = {0, 1, 2, 7, 64};
  size_t i;

  begin("ring", 3);
  for (i = 0; i < 5; i++)
    run_owned(1, 0, capacities[i], 0, NULL);
}

Test(buffer_model, ring_mirrored) {
  begin("ring, mirrored", 0);
  run_owned(1, 0, 100, WEIR_BUFFER_MIRROR, NULL);
}

Test(buffer_model, ring_of_a_source) {
  source_t source = {200, 0};

  begin("ring of a source", 3);
  run_owned(1, 0, 150, 0, &source);
  run_owned(1, 0, 500, 0, &source);
}

Test(buffer_model, ring_fixed) {
  char storage[100];
  state_t t = {0};

  begin("ring, fixed", 1);
  weir_ring_init_fixed(&t.buffer, storage, sizeof(storage));
  run(&t);
}

Test(buffer_model, chain_of_the_heap) {
  begin("chain", 0);
  run_owned(2, 0, 0, 0, NULL);
}

Test(buffer_model, chain_with_failing_allocations) {
  begin("chain, failing", 4);
  run_owned(2, 0, 0, 0, NULL);
}

Test(buffer_model, chain_of_a_source) {
  source_t source = {160, 0};

  begin("chain of a source", 9);
  run_owned(2, 0, 0, 0, &source);
}
