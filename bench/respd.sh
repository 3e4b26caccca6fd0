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
# shellcheck source=bench/servers.sh
. "$(dirname "$0")/servers.sh"

# measure NAME PID PORT DEPTH TEST NUMBER
measure() {
  before=$(spent "$2")
  timeout 300 redis-benchmark -p "$3" -P "$4" -t "$5" -n "$6" --csv \
    2>/dev/null >"$tmp/csv" || return
  after=$(spent "$2")
  awk -F'"' -v what="$4 $5 $1" -v us="$((after - before))" -v n="$6" '
    NR == 2 { print "-P", what, $4, us / n }' "$tmp/csv"
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

medians '%10.0f requests/s' '%8.2f us each' <"$tmp/results"
