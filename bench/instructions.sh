#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What operations and sequences cost, in instructions in user space, which is
# the same in every run on one machine: counted by valgrind's callgrind. Run it
# in a build directory with optimisation, built by gcc (valgrind 3.19 cannot
# read what clang 14 writes). Fails if a bound is missed.
#
# With WEIR_WAIT=ring the column of io_uring is that of the ring wait.

uring=guest
[ "${WEIR_WAIT:-}" != ring ] || uring=ring
unset WEIR_BACKEND WEIR_WAIT WEIR_DEBUG WEIR_URING_CAPS_OFF
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

# cost CANDIDATE: the instructions for one of the operation at hand; of a turn,
# those that it has besides libuv's own.
cost() {
  each=$(slope "$from" "$to" "bench/instr_$program" "$1" "$what")
  [ "$what" != turn ] || each=$(compute 'a - b' "$each" "$turn")
  printf '%.1f\n' "$(compute "a / $units" "$each")"
}

# operation TEXT PROGRAM WHAT FROM TO UNITS BOUND-URING BOUND-UV
operation() {
  text=$1 program=$2 what=$3 from=$4 to=$5 units=$6
  raw=- on_uring=- missed=
  case $uring/$what in
  /* | */now | */turn) ;;
  *) raw=$(cost raw) ;;
  esac
  libuv=$(cost libuv)
  if [ -n "$uring" ]; then
    on_uring=$(cost $uring)
    bounded "$on_uring" "$7"
    on_uring="$on_uring <= $7"
  fi
  on_uv=$(cost uv)
  bounded "$on_uv" "$8"
  # shellcheck disable=SC2059
  printf "$columns%s\n" "$text" "$raw" "$libuv" "$on_uring" "$on_uv <= $8" \
    "$missed"
}

operations() {
  [ -x bench/instr_turn ] || {
    skip 'operations: this build has no io_uring to compare with'
    return
  }
  why=$(bench/instr_turn $uring turn 1 2>&1) || {
    skip "raw liburing, and weir on io_uring: ${why#*: }"
    uring=
  }
  collect='--toggle-collect=outside_* --collect-atstart=yes'
  turn=$(slope 500 1500 bench/instr_turn libuv turn)

  columns='%-32s %6s %6s %15s %15s'
  # shellcheck disable=SC2059
  printf "$columns\n" 'Instructions for each' raw libuv 'weir: io_uring' libuv
  # The bounds, on io_uring and on libuv, are some 10 % above what was counted.
  operation 'echo round trip, 64 connections' echo echo 20 60 64 960 1140
  operation 'relay step, 64 relays' echo relay 20 60 64 1230 1450
  operation 'file pread, fixed, depth 64' file pread 20 60 64 390 925
  operation 'queued 64-byte write, of 64' write queued 20 60 64 290 295
  operation 'write_now, 64 bytes' write now 20 60 64 226 243
  operation 'turn, attached and unused, added' turn turn 500 1500 1 100 100
}

# ---- Scale ----

# Nothing costs more for being one of many.
scale() {
  for candidate in $uring uv; do
    few=$(slope 1000 2000 bench/instr_cancel "$candidate" cancel)
    many=$(slope 10000 20000 bench/instr_cancel "$candidate" cancel)
    row "cancelled reads of a file, $candidate: of 20000, to 2000" \
      "$(compute 'a / b' "$many" "$few")" 1.2
  done
}

# ---- Sequences ----

# sequence WHAT: for each byte.
sequence() {
  slope 65536 655360 bench/instr_seq "$1"
}

# row TEXT VALUE [BOUND]
row() {
  missed=
  [ $# -eq 2 ] || bounded "$2" "$3"
  printf '%-52s %9.3f%s\n' "$1" "$2" "${3:+  <= $3}$missed"
}

sequences() {
  collect=--toggle-collect=measured
  sixteen=$(slope 1000 2000 bench/instr_seq window-16)
  eight=$(slope 1000 2000 bench/instr_seq window-8)
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
count bench/instr_seq memcpy 64 >/dev/null
[ ! -e "$work/broken" ] || finish
operations
echo
[ ! -x bench/instr_cancel ] || scale
echo
sequences
finish
