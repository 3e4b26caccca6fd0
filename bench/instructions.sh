#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What operations and sequences cost, in instructions in user space, which is
# the same in every run on one machine: counted by valgrind's callgrind. Run it
# in a build directory with optimisation, built by gcc (valgrind 3.19 cannot
# read what clang 14 writes). Fails if an operation costs 5 % more than at the
# last release, of which bench/released tells, or a bound here is missed.
#
# What was counted goes to $COUNTED (out/bench/instructions), as bench/released
# has it: that file is a copy of what was written at the release.

unset WEIR_BACKEND WEIR_WAIT WEIR_DEBUG WEIR_URING_CAPS_OFF
srcdir=${srcdir:-.}
counted=${COUNTED:-out/bench/instructions}
candidates='raw libuv guest ring uv'
mkdir -p "$(dirname "$counted")" && : >"$counted" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

skip() {
  echo "$*" >>"$work/skips"
}

finish() {
  touch "$work/skips" "$work/broken"
  if [ -s "$work/skips" ]; then
    echo 'Skipped:'
    sed 's/^/      1 /' "$work/skips"
  fi
  failed=$((failed + $(wc -l <"$work/broken")))
  echo "$passed passed, $failed failed, $(wc -l <"$work/skips") skipped"
  [ $failed -eq 0 ]
  exit
}

# count PROGRAM ARGUMENT...: how many instructions, of what $collect says.
count() {
  # shellcheck disable=SC2086
  if timeout -k 5 120 valgrind -q --tool=callgrind $collect \
    --callgrind-out-file="$work/out" "$@" >/dev/null 2>"$work/log"; then
    awk '/^(summary|totals):/ { n = $2 } END { print n + 0 }' "$work/out"
  else
    tail -n 20 "$work/log" >&2
    echo "$*" >>"$work/broken"
    echo 0
  fi
}

# slope SMALL LARGE PROGRAM ARGUMENT...: instructions for each unit between the
# two sizes, which are the program's last argument.
slope() {
  small=$1
  large=$2
  shift 2
  compute "(b - a) / ($large - $small)" \
    "$(count "$@" "$small")" "$(count "$@" "$large")"
}

# compute EXPRESSION A [B]
compute() {
  awk -v a="$2" -v b="${3:-1}" "BEGIN { printf \"%.4f\\n\", $1 }"
}

# bounded VALUE BOUND: sets $missed to a word if the bound is missed.
bounded() {
  if [ "$(compute 'a <= b' "$1" "$2")" = 1.0000 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    missed='  MISSED'
  fi
}

# ---- Operations ----

# cost NAME CANDIDATE: the instructions for one of the operation at hand; of a
# turn, those that it has besides libuv's own.
cost() {
  each=$(slope "$from" "$to" bench/bench --count "$1" "$2")
  [ "$1" != turn ] || each=$(compute 'a - b' "$each" "$turn")
  printf '%.1f\n' "$(compute "a / $units" "$each")"
}

# released NAME CANDIDATE: what may be counted.
released() {
  awk -v name="$1" -v candidate="$2" '
    $1 == name && $2 == candidate { printf "%.1f\n", $3 * 1.05 }
  ' "$srcdir/bench/released"
}

# operation NAME FROM TO UNITS CANDIDATE...: in a line.
operation() {
  name=$1 from=$2 to=$3 units=$4 missed=
  shift 4
  printf '%-14s' "$name"
  for candidate in $candidates; do
    figure=-
    case " $* " in *" $candidate "*)
      figure=$(cost "$name" "$candidate")
      echo "$name $candidate $figure" >>"$counted"
      limit=$(released "$name" "$candidate")
      [ -z "$limit" ] || bounded "$figure" "$limit"
      figure=$figure${limit:+ <= $limit}
      ;;
    esac
    printf ' %17s' "$figure"
  done
  echo "$missed"
}

operations() {
  why=$(bench/bench --count turn guest 1 2>&1) || {
    skip "raw liburing, and weir on io_uring: ${why#*: }"
    candidates='libuv uv'
  }
  collect='--toggle-collect=outside_* --collect-atstart=yes'
  turn=$(slope 500 1500 bench/bench --count turn libuv)

  printf '%-14s' 'Instructions'
  # shellcheck disable=SC2086
  printf ' %17s' $candidates
  echo
  # shellcheck disable=SC2086
  operation echo-64x64 20 60 64 $candidates
  # shellcheck disable=SC2086
  operation relay-64x4K 20 60 64 $candidates
  # shellcheck disable=SC2086
  operation random-64x4K 20 60 64 $candidates
  # shellcheck disable=SC2086
  operation queued-1x64 20 60 64 $candidates
  operation now 20 60 64 libuv guest ring uv
  operation turn 500 1500 1 guest ring uv
}

# ---- Scale ----

# Nothing costs more for being one of many.
scale() {
  for candidate in guest uv; do
    case $candidates in *"$candidate"*) ;; *) continue ;; esac
    few=$(slope 1000 2000 bench/bench --count cancel "$candidate")
    many=$(slope 10000 20000 bench/bench --count cancel "$candidate")
    row "cancelled reads of a file, $candidate: of 20000, to 2000" \
      "$(compute 'a / b' "$many" "$few")" 1.2
  done
}

# ---- Sequences ----

# sequence WHAT: for each byte.
sequence() {
  slope 65536 655360 bench/bench --count "seq-$1" uv
}

# row TEXT VALUE [BOUND]
row() {
  missed=
  [ $# -eq 2 ] || bounded "$2" "$3"
  printf '%-52s %9.3f%s\n' "$1" "$2" "${3:+  <= $3}$missed"
}

sequences() {
  collect=--toggle-collect=measured
  sixteen=$(slope 1000 2000 bench/bench --count seq-window-16 uv)
  eight=$(slope 1000 2000 bench/bench --count seq-window-8 uv)
  row 'window of 16 segments' "$sixteen"
  row 'window, each segment' "$(compute '(a - b) / 8' "$sixteen" "$eight")" 12

  memchr=$(sequence memchr)
  row 'memchr, each byte' "$memchr"
  for kind in byte byte-ring; do
    row "read_until of a $kind, to memchr" \
      "$(compute 'a / b' "$(sequence until-$kind)" "$memchr")" 1.5
  done
  memmem=$(sequence memmem-string)
  row 'memmem, each byte' "$memmem"
  for kind in string string-ring; do
    row "read_until of a $kind, to memmem" \
      "$(compute 'a / b' "$(sequence until-$kind)" "$memmem")" 1.5
  done

  memcpy=$(sequence memcpy)
  row 'memcpy, each byte' "$memcpy"
  row 'copy of one block, to memcpy' \
    "$(compute 'a / b' "$(sequence copy)" "$memcpy")" 1.5
  row 'copy, each segment of 63 bytes' \
    "$(compute 'a * 64' "$(sequence copy-segments)")"
}

if ! command -v valgrind >/dev/null 2>&1; then
  skip 'valgrind is not installed'
  finish
fi
collect=
[ -x bench/bench ] || {
  skip 'this build has no io_uring to compare with'
  finish
}
count bench/bench --count seq-memcpy uv 64 >/dev/null
[ ! -e "$work/broken" ] || finish
operations
echo
scale
echo
sequences
finish
