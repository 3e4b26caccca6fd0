#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What the sequences cost, in instructions, which is the same in every run on
# one machine: counted by valgrind's callgrind. Run it in a build directory
# with optimisation. Fails if a bound that the library promises is missed.

command -v valgrind >/dev/null 2>&1 || {
  echo 'valgrind is not installed'
  exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# count WHAT SIZE: the instructions of measured().
count() {
  valgrind -q --tool=callgrind --toggle-collect=measured \
    --callgrind-out-file="$work/out" bench/instr "$1" "$2" >/dev/null \
    2>"$work/log" || { cat "$work/log" >&2 && exit 1; }
  awk '/^(summary|totals):/ { n = $2 } END { print n + 0 }' "$work/out"
}

# slope WHAT SMALL LARGE: instructions for each unit in between.
slope() {
  awk -v a="$(count "$1" "$2")" -v b="$(count "$1" "$3")" -v n="$2" -v m="$3" \
    'BEGIN { printf "%.4f\n", (b - a) / (m - n) }'
}

# row TEXT VALUE [BOUND]
row() {
  awk -v text="$1" -v value="$2" -v bound="$3" 'BEGIN {
    printf "%-52s %9.3f%s\n", text, value, bound == "" ? "" : "  <= " bound
    exit bound != "" && value > bound
  }' || bad=1
}

ratio() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f\n", b == 0 ? 0 : a / b }'
}

small=65536
large=655360

sixteen=$(slope window-16 1000 2000)
eight=$(slope window-8 1000 2000)
row 'window of 16 segments' "$sixteen"
row 'window, each segment' \
  "$(awk -v a="$sixteen" -v b="$eight" 'BEGIN { print (a - b) / 8 }')" 12

memchr=$(slope memchr $small $large)
row 'memchr, each byte' "$memchr"
for kind in byte byte-ring; do
  row "read_until of a $kind, to memchr" \
    "$(ratio "$(slope until-$kind $small $large)" "$memchr")" 1.5
done
memmem=$(slope memmem-string $small $large)
row 'memmem, each byte' "$memmem"
for kind in string string-ring; do
  row "read_until of a $kind, to memmem" \
    "$(ratio "$(slope until-$kind $small $large)" "$memmem")" 1.5
done

memcpy=$(slope memcpy $small $large)
row 'memcpy, each byte' "$memcpy"
row 'copy of one block, to memcpy' \
  "$(ratio "$(slope copy $small $large)" "$memcpy")" 1.5
row 'copy, each segment of 63 bytes' \
  "$(awk -v a="$(slope copy-segments $small $large)" 'BEGIN { print a * 64 }')"
exit $bad
