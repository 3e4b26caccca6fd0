#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Counts the instructions of operations on sequences under valgrind, which is
# repeatable to the last one. BENCH_DIR names the directory of the program.

set -eu
bench=${BENCH_DIR:-bench}

if ! command -v valgrind >/dev/null; then
  echo 'instructions: not counted, there is no valgrind'
  exit 0
fi

log=$(mktemp "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -f "$log"' EXIT

# run OPERATION TIMES: instructions of the whole program.
run() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    "$bench/seq" "$1" "$2" >"$log" 2>&1
  sed -n 's/.*Collected : //p' "$log"
}

# cost OPERATION: of one time, without the program's start.
cost() {
  echo $((($(run "$1" 300) - $(run "$1" 100)) / 200))
}

one=$(cost window-1)
sixteen=$(cost window-16)
echo 'Instructions, counted by callgrind:'
awk -v one="$one" -v sixteen="$sixteen" 'BEGIN {
  printf "  window: %d for one segment, %d for 16: %.1f for each further one\n",
    one, sixteen, (sixteen - one) / 15 }'

# versus TITLE OPERATION BASE BASE-TITLE
versus() {
  awk -v t="$1" -v a="$(cost "$2")" -v b="$(cost "$3")" -v u="$4" 'BEGIN {
    printf "  %s: %.3f for each byte, %.2f x %s\n", t, a / 65536, a / b, u }'
}
versus 'copy of 16 segments' copy memcpy memcpy
versus 'find a string in one span' find memmem memmem
versus 'find a string in 16 segments' find-16 memmem memmem
versus 'find a byte in one span' find-byte memchr memchr
