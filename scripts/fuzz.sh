#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# fuzz.sh SECONDS FUZZER...: runs each for that long, beginning with the corpus
# in the source. What they find is kept in out/fuzz/.
set -u

seconds=$1
shift
bad=0
for fuzzer in "$@"; do
  name=$(basename "$fuzzer")
  found=out/fuzz/$name
  corpus=${srcdir:-.}/tests/fuzz/$name
  mkdir -p "$found/corpus"
  set -- "$found/corpus"
  [ ! -d "$corpus" ] || set -- "$@" "$corpus"
  echo "fuzz: $name for $seconds s"
  "./$fuzzer" -max_total_time="$seconds" -artifact_prefix="$found/" \
    -print_final_stats=1 "$@" >"$found/log" 2>&1 || {
    bad=1
    tail -n 40 "$found/log"
    echo "fuzz: $name failed; the input is in $PWD/$found"
  }
  grep 'number_of_executed_units' "$found/log"
done
exit $bad
