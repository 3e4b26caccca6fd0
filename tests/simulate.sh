#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Usage: [SEEDS=N] [SEED=FIRST] [JOBS=N] [TRACE=yes] simulate.sh PROGRAM
#
# Runs the simulation with so many seeds, spread over processes. Of what failed
# it prints why, and what repeats it.

seeds=${SEEDS:-1000000}
seed=${SEED:-1}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
[ "$jobs" -le "$seeds" ] || jobs=$seeds
share=$((seeds / jobs))
pids=
status=0

while [ "$jobs" -gt 0 ]; do
  [ "$jobs" -gt 1 ] || share=$seeds
  "$1" "$seed" "$share" ${TRACE:+--trace} &
  pids="$pids $!"
  seed=$((seed + share))
  seeds=$((seeds - share))
  jobs=$((jobs - 1))
done
for pid in $pids; do
  wait "$pid" || status=1
done
exit $status
