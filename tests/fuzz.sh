#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Runs libFuzzer targets side by side: fuzz.sh SECONDS PROGRAM...
#
# Each starts from its corpus in tests/fuzz/corpus-NAME/ and runs for that long.
# What it finds, new inputs and crashes, goes to out/fuzz/NAME/; a crash fails.

seconds=$1
shift
bad=0

fuzz() {
  mkdir -p "$found"
  ASAN_OPTIONS=allocator_may_return_null=1 "./$program" -verbosity=0 \
    -max_total_time="$seconds" -max_len=1024 -rss_limit_mb=2048 \
    -artifact_prefix="$found/" -print_final_stats=1 \
    "$found" "${srcdir:-.}/tests/fuzz/corpus-$name" 2>"$found.log"
}

echo "fuzz: $seconds s"
running=
for program; do
  name=${program##*/}
  found=out/fuzz/$name
  fuzz &
  running="$running $name:$!"
done

for entry in $running; do
  name=${entry%:*}
  wait "${entry#*:}" || {
    bad=1
    echo "fuzz: $name failed"
    tail -n 40 "out/fuzz/$name.log"
  }
  sed -n "s/^stat::number_of_executed_units: */$name: /p" "out/fuzz/$name.log"
done
exit $bad
