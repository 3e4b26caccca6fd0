#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Runs test programs over faults at random: faulty.sh PROGRAM...
#
# FAULT_RUNS      how often, each time with another seed (3)
# FAULTS          which kinds: some of cut, again, interrupt, miss and late,
#                 separated by commas (all)
# WEIR_TEST_SEED  the seed of the first run, to have it again
#
# Stops after a run that fails. What a test goes without is in
# support/faulty.c.

srcdir=${srcdir:-.}
seed=${WEIR_TEST_SEED:-random}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
runs=0

while [ "$runs" -lt "${FAULT_RUNS:-3}" ]; do
  echo "WEIR_TEST_FAULTS=${FAULTS:-all} WEIR_TEST_SEED=$seed"
  WEIR_TEST_FAULTS=${FAULTS:-all} WEIR_TEST_SEED=$seed \
    "${SHELL:-sh}" "$srcdir/tests/run.sh" "$@" || exit
  seed=$((seed + 1))
  runs=$((runs + 1))
done
