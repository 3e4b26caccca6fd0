/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/map.h>

#include <string.h>

#include "os_map.h"
#include "seq.h"

/* Ranges of files in memory: at most one window of the range is mapped, which
 * begins at the page where what was asked for begins. */

int weir_map_open(weir_map_t *map, uv_file file, int64_t offset, int64_t len,
                  size_t window, unsigned flags) {
  const unsigned known = WEIR_MAP_PRIVATE | WEIR_MAP_GUARDED;
  if (map == NULL)
    return UV_EINVAL;
  memset(map, 0, sizeof(*map));
  map->guard = WEIR__NO_GUARD;
  if (offset < 0 || len < -1 || (flags & ~known) != 0)
    return UV_EINVAL;
  int64_t size;
  int r = weir__os_map_size(file, &size);
  if (r == 0 && (offset > size || len > size - offset))
    r = UV_EOF;
  if (r == 0 && (flags & WEIR_MAP_GUARDED) != 0)
    r = weir__os_guard_take((flags & WEIR_MAP_PRIVATE) != 0, &map->guard);
  if (r != 0)
    return r;
  map->file = file;
  map->flags = flags;
  map->offset = offset;
  map->len = len < 0 ? size - offset : len;
  map->most = window == 0 ? SIZE_MAX : window;
  map->advice = WEIR_ADVICE_NORMAL;
  return 0;
}

static void unmap(weir_map_t *map) {
  if (map->base == NULL)
    return;
  weir__os_guard_cover(map->guard, NULL, 0);
  weir__os_unmap(map->base, map->size);
  map->base = NULL;
  map->size = 0;
}

void weir_map_close(weir_map_t *map) {
  if (map == NULL)
    return;
  unmap(map);
  weir__os_guard_give(map->guard);
  memset(map, 0, sizeof(*map));
  map->guard = WEIR__NO_GUARD;
}

int64_t weir_map_size(const weir_map_t *map) {
  return map->len;
}

/* Maps n bytes of the file from `from` on, instead of what was mapped. */
static int move(weir_map_t *map, int64_t from, size_t n) {
  size_t before = (size_t)(from % (int64_t)weir__os_map_page());
  void *base;
  if (n > SIZE_MAX - before)
    return UV_ENOMEM;
  int r = weir__os_map(map->file, from - (int64_t)before, before + n,
                       (map->flags & WEIR_MAP_PRIVATE) != 0, &base);
  if (r != 0)
    return r;
  unmap(map);
  map->base = base;
  map->size = before + n;
  map->start = from - (int64_t)before;
  weir__os_guard_cover(map->guard, base, map->size);
  if (map->advice != WEIR_ADVICE_NORMAL)
    weir__os_map_advise(base, map->size, map->advice);
  return 0;
}

/* Whether n bytes of the file from `from` on are mapped, and not zeros in place
 * of some of them. */
static int is_mapped(const weir_map_t *map, int64_t from, size_t n) {
  return map->base != NULL && !weir__os_guard_hit(map->guard) &&
         from >= map->start && (uint64_t)(from - map->start) <= map->size &&
         n <= map->size - (size_t)(from - map->start);
}

/* Where they are then, and how many; NULL and 0 if there are none. */
static int find(weir_map_t *map, int64_t offset, size_t len, char **at,
                size_t *n) {
  int64_t size;
  *at = NULL;
  *n = 0;
  if (offset < 0 || offset > map->len)
    return UV_EINVAL;
  size_t want = weir__smaller(len, map->most);
  if ((uint64_t)(map->len - offset) < want)
    want = (size_t)(map->len - offset);
  if (want == 0)
    return 0;
  int64_t from = map->offset + offset;
  int r = weir__os_map_size(map->file, &size);
  if (r == 0 && (from > size || (uint64_t)(size - from) < want))
    r = UV_EOF;
  if (r == 0 && !is_mapped(map, from, want))
    r = move(map, from, want);
  if (r != 0)
    return r;
  *at = map->base + (from - map->start);
  *n = want;
  return 0;
}

int weir_map_window(weir_map_t *map, int64_t offset, size_t len,
                    weir_seq_t *seq) {
  char *at;
  size_t n;
  if (map == NULL || seq == NULL)
    return UV_EINVAL;
  int r = find(map, offset, len, &at, &n);
  *seq = weir_seq_block(at, n);
  return r;
}

int weir_map_private(weir_map_t *map, int64_t offset, size_t len,
                     weir_mseq_t *seq) {
  char *at = NULL;
  size_t n = 0;
  if (map == NULL || seq == NULL)
    return UV_EINVAL;
  int r = UV_EACCES;
  if ((map->flags & WEIR_MAP_PRIVATE) != 0)
    r = find(map, offset, len, &at, &n);
  *seq = weir_mseq_block(at, n);
  return r;
}

int weir_map_advise(weir_map_t *map, weir_advice_t advice) {
  if (map == NULL || advice < WEIR_ADVICE_NORMAL ||
      advice > WEIR_ADVICE_DONTNEED ||
      (advice == WEIR_ADVICE_DONTNEED && (map->flags & WEIR_MAP_PRIVATE) != 0))
    return UV_EINVAL;
  map->advice = (int)advice;
  if (map->base == NULL)
    return 0;
  return weir__os_map_advise(map->base, map->size, map->advice);
}

int weir_map_check(const weir_map_t *map) {
  int64_t size;
  if (map == NULL)
    return UV_EINVAL;
  if (map->base == NULL)
    return 0;
  int r = weir__os_map_size(map->file, &size);
  if (r == 0 && size - map->start < (int64_t)map->size)
    r = UV_EOF;
  if (r == 0 && weir__os_guard_hit(map->guard))
    r = UV_EIO;
  return r;
}
