#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# docs.sh RESULTS DIR: puts the tables of what bench --json wrote into
# DIR/performance.md, between its two comments, and the graphs beside it. NOTE
# is a sentence on the machine.
set -eu
here=$(dirname "$0")
results=$1
dir=$2

# graph NAME WORKLOAD BYTES TITLE ACROSS
graph() {
  awk -v work="$2" -v size="$3" -v what="$4" -v across="$5" \
    -f "$here/results.awk" -f "$here/graph.awk" "$results" \
    >"$dir/performance-$1.svg"
}

tables=$(LC_ALL=C awk -v note="${NOTE:-}" -f "$here/results.awk" \
  -f "$here/tables.awk" "$results")
{
  sed '/^<!-- results/q' "$dir/performance.md"
  printf '\n%s\n\n' "$tables"
  sed -n '/^<!-- end of results/,$p' "$dir/performance.md"
} >"$dir/performance.md.new"
mv "$dir/performance.md.new" "$dir/performance.md"

graph connections echo 64 'Round trips of 64 bytes in a second' connections
graph depth random 4096 'Reads of 4 KiB from the page cache in a second' \
  'at a time'
graph direct direct 4096 'Reads of 4 KiB past the page cache in a second' \
  'at a time'
