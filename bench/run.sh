#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Measures weir against plain libuv and raw liburing, side by side: each round
# runs all candidates one after the other, and a ratio is the median of the
# rounds' ratios, so that a machine that changes its speed changes no ratio.
#
# BENCH_DIR and SAMPLES_DIR name the directories of the built programs; ROUNDS
# (9), MILLISECONDS (700) and COPY_ROUNDS (5) say how long it takes; TMPDIR is
# where 2 GiB are copied.

set -eu
bench=${BENCH_DIR:-bench}
samples=${SAMPLES_DIR:-samples}
rounds=${ROUNDS:-9}
copy_rounds=${COPY_ROUNDS:-5}
milliseconds=${MILLISECONDS:-700}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
unset WEIR_BACKEND WEIR_WAIT WEIR_DEBUG WEIR_URING_CAPS_OFF
pids=

finish() {
  status=$?
  trap - EXIT
  for pid in $pids; do
    kill "$pid" 2>/dev/null || :
  done
  wait
  rm -rf "$tmp"
  exit $status
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

die() {
  echo "bench: $*" >&2
  exit 1
}

[ -x "$bench/client" ] || die "this build has no io_uring: nothing to compare"

# ---- The candidates ----

title() {
  case $1 in
  libuv) echo "plain libuv" ;;
  raw) echo "raw liburing" ;;
  ring) echo "weir, io_uring, ring wait" ;;
  guest) echo "weir, io_uring, libuv wait" ;;
  uv) echo "weir, libuv backend" ;;
  esac
}

settings() {
  case $1 in
  ring) echo WEIR_BACKEND=uring WEIR_WAIT=ring ;;
  guest) echo WEIR_BACKEND=uring WEIR_WAIT=uv ;;
  *) echo WEIR_BACKEND=uv ;;
  esac
}

servers="libuv ring guest uv"
echoes="libuv raw ring guest uv"
readers="raw ring guest"
copies="raw ring guest uv"
# shellcheck disable=SC2046
env $(settings ring) "$samples/cp" "$bench/client" "$tmp/probe" ||
  die "io_uring is not to be had here"

# ---- Numbers ----

# The median of the numbers on stdin.
median() {
  sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio COLUMN MODE BASE: the median of the rounds' ratios.
ratio() {
  paste -d ' ' "$tmp/$2" "$tmp/$3" |
    awk -v c="$1" '{ n = NF / 2; print $c / $(c + n) }' | median
}

column() {
  awk -v c="$1" '{ print $c }' "$tmp/$2" | median
}

# ---- Rounds ----

# alternate ROUNDS MODES COMMAND ARGUMENT...: has the command append a line of
# figures to each mode's file, mode by mode, in each round.
alternate() {
  times=$1 modes=$2 command=$3
  shift 3
  for mode in $modes; do
    : >"$tmp/$mode"
  done
  round=0
  while [ $round -lt "$times" ]; do
    for mode in $modes; do
      "$command" "$mode" "$@" >>"$tmp/$mode"
    done
    round=$((round + 1))
  done
}

# ---- Echo ----

# Two processors that we may use: one for the server, one for the client.
cpus=$(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
  awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
cpu_server=$(echo "$cpus" | sed -n 1p)
cpu_client=$(echo "$cpus" | sed -n 2p)
[ -n "$cpu_client" ] || {
  echo "only one processor: server and client share it"
  cpu_client=$cpu_server
}

start_server() {
  program="$samples/echo"
  case $1 in
  libuv) program="$bench/echo_uv" ;;
  raw) program="$bench/echo_uring" ;;
  esac
  # shellcheck disable=SC2046
  env $(settings "$1") taskset -c "$cpu_server" "$program" \
    --listen 127.0.0.1:0 >"$tmp/$1.log" &
  pid=$!
  pids="$pids $pid"
  tries=0
  until grep -qs listening "$tmp/$1.log"; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || die "$program does not start"
    sleep 0.05
  done
  echo "$pid $(sed -n 's/^listening on //p' "$tmp/$1.log")" >"$tmp/$1.at"
}

# client MODE ARGUMENTS...
client() {
  read -r pid address <"$tmp/$1.at"
  shift
  "$bench/client" --connect "$address" --server "$pid" --cpu "$cpu_client" \
    --milliseconds "$milliseconds" "$@"
}

# System calls for a round trip, counted by strace, which slows the server, so
# that it finds more connections ready at a time than it would.
count_calls() {
  for mode in $echoes; do
    echo - >"$tmp/$mode.calls"
    command -v strace >/dev/null 2>&1 || continue
    read -r pid address <"$tmp/$mode.at"
    strace -f -c -o "$tmp/strace" -p "$pid" 2>/dev/null &
    tracer=$!
    sleep 0.3
    client "$mode" --connections 64 --bytes 64 >"$tmp/traced" || continue
    kill -INT $tracer 2>/dev/null || :
    wait $tracer || :
    calls=$(awk '$NF == "total" { print $(NF == 6 ? 4 : (NF == 5 ? 4 : 3)) }' \
      "$tmp/strace" 2>/dev/null)
    [ -z "$calls" ] || awk -v calls="$calls" \
      '{ printf "%.2f\n", calls / $3 }' "$tmp/traced" >"$tmp/$mode.calls"
  done
}

print_echo() {
  printf '\nEcho, %s connections, %s bytes: medians of %s rounds\n' \
    "$1" "$2" "$rounds"
  printf '  %-27s %13s %7s %15s %7s\n' "" "round trips/s" "ratio" \
    "server us each" "ratio"
  for mode in $echoes; do
    printf '  %-27s %13.0f %7.2f %15.2f %7.2f\n' "$(title "$mode")" \
      "$(column 1 "$mode")" "$(ratio 1 "$mode" libuv)" \
      "$(column 2 "$mode")" "$(ratio 2 "$mode" libuv)"
  done
  printf '  to raw liburing: ring wait %.3f, libuv wait %.3f\n' \
    "$(ratio 1 ring raw)" "$(ratio 1 guest raw)"
}

echo "server on processor $cpu_server, client on processor $cpu_client"
for mode in $echoes; do
  start_server "$mode"
done
for shape in "64 64" "1 64" "64 4096"; do
  alternate "$rounds" "$echoes" client --connections "${shape% *}" \
    --bytes "${shape#* }"
  # shellcheck disable=SC2086
  print_echo $shape
done
count_calls
printf '\nSystem calls for a round trip, 64 connections (strace):'
for mode in $echoes; do
  printf ' %s %s;' "$(title "$mode")" "$(cat "$tmp/$mode.calls")"
done
echo

# ---- Broadcast ----

broadcast() {
  plain=
  [ "$1" != libuv ] || plain=--plain
  # shellcheck disable=SC2046
  env $(settings "$1") taskset -c "$cpu_server" "$bench/broadcast" $plain \
    --cpu "$cpu_client"
}

alternate "$rounds" "$servers" broadcast
printf '\nBroadcast to 30 clients that read and 3 that do not, and how many of '
printf 'both were cut;\nmicroseconds and system calls of the server for each '
printf 'line that came:\nmedians of %s rounds\n' "$rounds"
printf '  %-26s %8s %5s %6s %5s %6s %5s %6s %4s\n' \
  "" "lines/s" "ratio" "us" "ratio" "calls" "ratio" "came" "cut"
for mode in $servers; do
  printf '  %-26s %8.0f %5.2f %6.2f %5.2f %6.3f %5.2f %5.1f%% %4s\n' \
    "$(title "$mode")" \
    "$(column 1 "$mode")" "$(ratio 1 "$mode" libuv)" \
    "$(column 2 "$mode")" "$(ratio 2 "$mode" libuv)" \
    "$(column 3 "$mode")" "$(ratio 3 "$mode" libuv)" \
    "$(column 4 "$mode")" "$(column 5 "$mode")+$(column 6 "$mode")"
done

# ---- Fan-out ----

fan_out() {
  taskset -c "$cpu_server" "$bench/fanout" "$1" 200 "$cpu_client"
}

alternate "$rounds" "$servers" fan_out
printf '\nFan-out, batches of 64 messages of 64 bytes to 64 connections: '
printf 'medians of %s rounds\n' "$rounds"
printf '  %-27s %13s %7s %15s %7s\n' "" "messages/s" "ratio" \
  "writer us each" "ratio"
for mode in $servers; do
  printf '  %-27s %13.0f %7.2f %15.3f %7.3f\n' "$(title "$mode")" \
    "$(column 1 "$mode")" "$(ratio 1 "$mode" libuv)" \
    "$(column 2 "$mode")" "$(ratio 2 "$mode" libuv)"
done

# ---- Reads ----

# Nanoseconds for each of 400 000 reads.
read_file() {
  before=$(date +%s%N)
  taskset -c "$cpu_server" "$bench/instr_file" "$1" "pread:$2" $((400000 / $2))
  after=$(date +%s%N)
  echo $(((after - before) / 400000))
}

print_reads() {
  alternate "$rounds" "$readers" read_file "$1"
  for mode in $readers; do
    printf '  %-27s %13s %13.0f %7.3f\n' "$(title "$mode")" "$1" \
      "$(column 1 "$mode")" "$(ratio 1 raw "$mode")"
  done
}

printf '\nFixed reads of 4096 bytes in the page cache: medians of %s rounds\n' \
  "$rounds"
printf '  %-27s %13s %13s %7s\n' "" "at a time" "ns each" "speed"
for depth in 1 8 64; do
  print_reads $depth
done

# ---- Copy ----

# Milliseconds of processor time that children took, in the output of times.
children_time() {
  awk -F '[ms ]+' 'NR == 2 {
    printf "%d", ($1 * 60 + $2 + $3 * 60 + $4) * 1000 }' "$1"
}

copy() {
  rm -f "$tmp/target"
  times >"$tmp/before"
  before=$(date +%s%N)
  if [ "$1" = raw ]; then
    "$bench/cp_uring" "$tmp/source" "$tmp/target"
  else
    # shellcheck disable=SC2046
    env $(settings "$1") "$samples/cp" "$tmp/source" "$tmp/target"
  fi
  after=$(date +%s%N)
  times >"$tmp/after"
  used=$(($(children_time "$tmp/after") - $(children_time "$tmp/before")))
  echo "$(((after - before) / 1000000)) $used"
}

head -c 1073741824 /dev/zero >"$tmp/source"
alternate "$copy_rounds" "$copies" copy
rm -f "$tmp/target"
base=${copies%% *}
printf '\nCopy of 1 GiB in the page cache: medians of %s rounds\n' \
  "$copy_rounds"
printf '  %-27s %13s %7s %15s %7s\n' "" "milliseconds" "speed" \
  "processor ms" "ratio"
for mode in $copies; do
  printf '  %-27s %13.0f %7.2f %15.0f %7.2f\n' "$(title "$mode")" \
    "$(column 1 "$mode")" "$(ratio 1 "$base" "$mode")" \
    "$(column 2 "$mode")" "$(ratio 2 "$mode" "$base")"
done
