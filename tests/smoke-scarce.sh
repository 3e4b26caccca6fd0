#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Servers whose descriptors or memory run out: they say it once, rest meanwhile,
# and serve again afterwards.

. "${srcdir:-.}/tests/smoke.sh"

# limited NUMBER PROGRAM... &: with so many descriptors.
limited() {
  exec sh -c 'ulimit -n "$1" && shift && exec "$@"' limited "$@"
}

# works SIZE: so many bytes there and back.
works() {
  "$bin/demo_peer" --connect "$address" --send "$1" --expect "$1" \
    >"$tmp/peer" 2>&1
}

# More clients than descriptors: those that are served hold on to them.
survives_a_crowd() {
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  eventually "$1 runs out" grep -q 'too many open files' "$log.err"
  sleep 1
  kill -0 "$pid" 2>/dev/null || fail "$1 ended: $(head -n 5 "$log.err")"
  equal "lines of $1 on stderr" 1 "$(lines "$log")"
  grep -q "accept on $address: " "$log.err" || fail "$(head -n 5 "$log.err")"
  kill "$crowd" 2>/dev/null
  wait "$crowd" 2>/dev/null
  works 1M || fail "$1 after a crowd: $(cat "$tmp/peer")"
}

# A server that does not rest makes thousands of turns a second.
rests() {
  stop_any TERM "$pid" "$1"
  turns=$(sed -n 's/.*, turns \([0-9]*\),.*/\1/p' "$log")
  [ "${turns:-0}" -gt 0 ] || fail "$1 counts no turns"
  [ "$turns" -lt 5000 ] || fail "$1 made $turns turns"
}

check_descriptors() {
  serve "$tmp/echo" limited 32 "$bin/echo" --listen 127.0.0.1:0 --stats
  survives_a_crowd echo
  rests echo

  # The sink's own descriptors do not run out.
  serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
  sink=$pid
  serve "$tmp/relay" limited 32 "$bin/relay" --listen 127.0.0.1:0 \
    --connect "$address" --stats
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  eventually "relay runs out" grep -q 'too many open files' "$log.err"
  sleep 1
  [ "$(lines "$log")" -lt 10 ] || fail "relay: $(lines "$log") lines"
  kill "$crowd" 2>/dev/null
  wait "$crowd" 2>/dev/null
  eventually "the relay serves again" works 1M
  rests relay
  kill "$sink"

  # libuv's listener closes what it has no descriptor for.
  serve "$tmp/adopt" limited 32 "$bin/adopt" --listen 127.0.0.1:0
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  sleep 1
  [ "$(lines "$log")" -lt 10 ] || fail "adopt: $(lines "$log") lines"
  kill "$crowd" 2>/dev/null
  wait "$crowd" 2>/dev/null
  eventually "adopt serves again" works 1M
  stop_any TERM "$pid" adopt
}

# Whatever can be had: it serves, or waits to, or says in a line why not. With
# less libuv itself aborts, 1.50 with 6.
check_every_limit() {
  for limit in 7 8 9 10 11 12 13 14; do
    : >"$tmp/log"
    limited $limit "$bin/echo" --listen 127.0.0.1:0 --stats \
      >"$tmp/log" 2>"$tmp/log.err" &
    pid=$!
    pids="$pids $pid"
    log=$tmp/log
    eventually "echo starts or ends" started_or_ended
    if [ -z "$address" ]; then
      wait "$pid"
      status=$?
      # 127: not even its libraries could be opened.
      [ $status = 1 ] || [ $status = 127 ] ||
        fail "status $status, $limit descriptors: $(head -n 5 "$tmp/log.err")"
      equal "lines with $limit descriptors" 1 "$(lines "$tmp/log")"
      continue
    fi
    works 1 &
    peer=$!
    sleep 0.2
    kill -0 "$pid" 2>/dev/null || fail "ended with $limit descriptors"
    [ "$(lines "$tmp/log")" -le 1 ] || fail "$(head -n 5 "$tmp/log.err")"
    rests "echo with $limit descriptors"
    wait "$peer"
  done
}

# The very first connection finds no memory; the server waits and serves it.
survives_want() {
  name=$1
  shift
  : >"$tmp/scarce"
  serve "$tmp/$name" env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" "$@"
  works 1M &
  peer=$!
  eventually "$name finds no memory" grep -q 'not enough memory' "$log.err"
  sleep 0.3
  equal "lines of $name on stderr" 1 "$(lines "$log")"
  rm "$tmp/scarce"
  wait "$peer" || fail "$name without memory: $(cat "$tmp/peer")"
  stop_any TERM "$pid" "$name"
}

check_memory() {
  survives_want echo "$bin/echo" --listen 127.0.0.1:0
  survives_want adopt "$bin/adopt" --listen 127.0.0.1:0
  survives_want plain "$bin/adopt" --listen 127.0.0.1:0 --plain
  serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
  sink=$pid
  survives_want relay "$bin/relay" --listen 127.0.0.1:0 \
    --connect "$address" --buffer 32800
  kill "$sink"
}

on_each_backend check_descriptors
if sanitized; then
  skip "every limit of descriptors: sanitizers are built in"
else
  on_each_backend check_every_limit
fi
if can_preload; then
  on_each_backend check_memory
fi
