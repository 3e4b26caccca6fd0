/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "passing.h"

/* What comes in on one connection goes out on another, on weir through a ring
 * of memory; the others do without. */

static void prepare(void) {
  bench_connect(2 * bench.count, peer_relay);
}

const bench_workload_t bench_relay = {
    .name = "relay",
    .unit = "message",
    .what = "what comes on one connection goes out on another",
    .prepare = prepare,
    .outside = outside_batch,
    .raw = passing_raw,
    .libuv = passing_libuv,
    .weir = passing_weir,
    .shapes = {{"64x4K", 64, 4096}, {"1x64K", 1, 65536}}};
