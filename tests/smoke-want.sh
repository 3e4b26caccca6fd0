#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The samples with their first, second and each further allocation failing. They
# say so and end with status 1, or go on; what they report as done, is.

. "${srcdir:-.}/tests/smoke.sh"

# Ended for want of memory: status 1, or 127 where not even its libraries could
# be opened, and a line or two that say why.
gave_up() {
  [ "$2" = 1 ] || [ "$2" = 127 ] || fail "$1: status $2, allocation $n: $(
    head -n 5 "$3"
  )"
  grep -q . "$3" || fail "$1 says nothing, allocation $n"
  [ "$(wc -l <"$3")" -lt 3 ] || fail "$1 says too much: $(cat "$3")"
}

# ---- Programs that end ----

copies() {
  echo old >"$tmp/dir/target"
  (wanting "$bin/cp" "$tmp/source" "$tmp/dir/target") >"$tmp/out" 2>"$tmp/err"
  status=$?
  if [ $status = 0 ]; then
    cmp "$tmp/source" "$tmp/dir/target" || fail "a copy differs, allocation $n"
  else
    gave_up cp $status "$tmp/err"
    equal "the target" old "$(cat "$tmp/dir/target")"
  fi
  equal files target "$(ls -A "$tmp/dir")"
}

# The end of a connection to a server that has enough.
talks() {
  (wanting "$bin/demo_peer" --connect "$address" --send 64K --expect 64K) \
    >"$tmp/out" 2>"$tmp/err"
  status=$?
  [ $status = 0 ] || gave_up demo_peer $status "$tmp/err"
}

check_programs() {
  mkdir -p "$tmp/dir"
  head -c 3000000 /dev/urandom >"$tmp/source"
  for_each_want copies
  serve "$tmp/echo" "$bin/echo" --listen 127.0.0.1:0
  for_each_want talks
  stop TERM "$pid" "$tmp/echo"
}

# ---- Servers ----

# A connection is served whole, or is reset; the next one is served.
is_served() {
  if ! "$bin/demo_peer" --connect "$address" --send 64K --expect 64K \
    >"$tmp/peer" 2>&1; then
    grep -q 'reset' "$tmp/peer" || fail "$1, allocation $n: $(cat "$tmp/peer")"
  fi
  "$bin/demo_peer" --connect "$address" --send 64K --expect 64K \
    >"$tmp/peer" 2>&1 || fail "$1 again, allocation $n: $(cat "$tmp/peer")"
}

starts_and_serves() {
  : >"$tmp/log"
  wanting "$@" >"$tmp/log" 2>"$tmp/log.err" &
  pid=$!
  pids="$pids $pid"
  eventually "$1 starts or ends" started_or_ended
  if [ -n "$address" ]; then
    is_served "$1"
    kill -TERM "$pid"
    eventually "the end of $1" ended "$pid"
  fi
  wait "$pid"
  status=$?
  [ $status = 0 ] || gave_up "$1" $status "$tmp/log.err"
  [ "$(lines "$tmp/log")" -lt 3 ] || fail "$1: $(cat "$tmp/log.err")"
}

check_servers() {
  for_each_want starts_and_serves "$bin/echo" --listen 127.0.0.1:0
  for_each_want starts_and_serves "$bin/adopt" --listen 127.0.0.1:0
  serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
  sink=$pid
  for_each_want starts_and_serves "$bin/relay" --listen 127.0.0.1:0 \
    --connect "$address"
  stop TERM "$sink" "$tmp/sink"
}

if can_preload; then
  on_each_backend check_programs
  on_each_backend check_servers
fi
