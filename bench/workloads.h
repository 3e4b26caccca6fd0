/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* All workloads, in the order in which they are shown. Who includes this says
 * what WORKLOAD is. */

WORKLOAD(bench_window)
WORKLOAD(bench_until)
WORKLOAD(bench_echo)
WORKLOAD(bench_relay)
WORKLOAD(bench_fanout)
WORKLOAD(bench_queued)
WORKLOAD(bench_accept)
WORKLOAD(bench_idle)
WORKLOAD(bench_idle_leases)
WORKLOAD(bench_random)
WORKLOAD(bench_direct)
WORKLOAD(bench_sequential)
WORKLOAD(bench_copy)
WORKLOAD(bench_log)
WORKLOAD(bench_log_synced)
WORKLOAD(bench_now)
WORKLOAD(bench_turn)
WORKLOAD(bench_cancel)
WORKLOAD(bench_seq)
