/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "config.h"

#include "passing.h"

/* What comes in on a connection goes out on it again. */

static void prepare(void) {
  bench_connect(bench.count, peer_echo);
}

const bench_workload_t bench_echo = {
    .name = "echo",
    .unit = "round trip",
    .what = "each connection gets back what it sent, and sends it again",
    .prepare = prepare,
    .outside = outside_batch,
    .raw = passing_raw,
    .libuv = passing_libuv,
    .weir = passing_weir,
    .shapes = {{"1x64", 1, 64},
               {"8x64", 8, 64},
               {"64x64", 64, 64},
               {"256x64", 256, 64},
               {"1000x64", 1000, 64},
               {"1x4K", 1, 4096},
               {"64x4K", 64, 4096},
               {"1000x4K", 1000, 4096},
               {"1x64K", 1, 65536},
               {"64x64K", 64, 65536},
               {"1000x64K", 1000, 65536}}};
