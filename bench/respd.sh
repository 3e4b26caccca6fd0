#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/respd on each backend beside the same on plain libuv, and beside
# redis-server where that is installed, asked by redis-benchmark with 16 and
# with 1 request at a time. The servers take turns; shown are the medians of
# ROUNDS (5) rounds: requests in a second, and what a request costs the server
# in processor time, which other programs disturb less.
set -u
rounds=${ROUNDS:-5}
bin=$(cd "${1:-.}" && pwd) || exit 1
command -v redis-benchmark >/dev/null || {
  echo 'redis-benchmark is not installed'
  exit 77
}
[ ! -d "$bin/.libs" ] || export LD_LIBRARY_PATH="$bin/.libs"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX") || exit 1
pids=
trap 'kill $pids 2>/dev/null; wait; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT PIPE TERM

# program NAME: itself, without libtool's script around it.
program() {
  one=$bin/${1%/*}/.libs/${1##*/}
  [ -x "$one" ] || one=$bin/$1
  echo "$one"
}

# server NAME COMMAND...: one that says where it listens.
server() {
  name=$1
  shift
  "$@" --listen 127.0.0.1:0 >"$tmp/$name" &
  pids="$pids $!"
  until grep -q '^listening' "$tmp/$name"; do
    kill -0 $! 2>/dev/null || return
    sleep 0.1
  done
  port=$(sed -n 's/^listening on .*://p' "$tmp/$name")
  echo "$name $! $port" >>"$tmp/servers"
}

# Processor time of a process so far, in microseconds.
spent() {
  awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / hz }' \
    "/proc/$1/stat"
}

# measure NAME PID PORT DEPTH TEST NUMBER
measure() {
  before=$(spent "$2")
  timeout 300 redis-benchmark -p "$3" -P "$4" -t "$5" -n "$6" --csv \
    2>/dev/null >"$tmp/csv" || return
  after=$(spent "$2")
  awk -F'"' -v what="$4 $5 $1" -v us="$((after - before))" -v n="$6" '
    NR == 2 { print what, $4, us / n }' "$tmp/csv"
}

for wait in ring uv; do
  server "uring-$wait" env WEIR_BACKEND=uring WEIR_WAIT=$wait \
    "$(program samples/respd)"
done
server uv env WEIR_BACKEND=uv "$(program samples/respd)"
server plain-libuv "$(program bench/respd_uv)"
if command -v redis-server >/dev/null; then
  redis-server --port 16379 --save '' --appendonly no --dir "$tmp" \
    >"$tmp/redis" &
  pids="$pids $!"
  echo "redis-server $! 16379" >>"$tmp/servers"
  sleep 1
fi

round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  for shape in '16 set 400000' '16 get 400000' '1 set 60000' '1 get 60000'; do
    while read -r name pid port; do
      # shellcheck disable=SC2086
      measure "$name" "$pid" "$port" $shape </dev/null
    done <"$tmp/servers"
  done
done >"$tmp/results"

sort -k1,3 -k4n "$tmp/results" | awk '
  function middle(list,  n, i, j, t, at) {
    n = split(list, at, " ")
    for (i = 1; i <= n; i++)
      for (j = i + 1; j <= n; j++)
        if (at[j] + 0 < at[i] + 0) {
          t = at[i]
          at[i] = at[j]
          at[j] = t
        }
    return at[int((n + 1) / 2)]
  }
  {
    key = sprintf("-P %-2s %s  %-12s", $1, $2, $3)
    rates[key] = rates[key] " " $4
    costs[key] = costs[key] " " $5
  }
  END {
    for (key in rates)
      printf "%s %10.0f requests/s %8.2f us each\n", key,
        middle(rates[key]), middle(costs[key])
  }' | sort
