#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/echo: bytes there and back, several peers, bad arguments, signals.

. "${srcdir:-.}/tests/smoke.sh"

peer() {
  "$bin/demo_peer" --connect "$address" "$@" >"$tmp/peer" 2>&1 ||
    fail "peer: $(cat "$tmp/peer")"
}

check_echo() {
  serve "$tmp/log" "$bin/echo" --listen 127.0.0.1:0
  peer --send 4M --expect 4M
  peer --send 1 --expect 1
  peer
  # A peer that breaks off, then several at a time.
  peer --send 100K --reset
  peers=
  for _ in 1 2 3 4; do
    "$bin/demo_peer" --connect "$address" --send 2M --expect 2M >/dev/null &
    peers="$peers $!"
  done
  for one in $peers; do
    wait "$one" || fail "one of several peers"
  done
  refuses_addresses "$bin/echo"
  stop TERM "$pid" "$tmp/log"

  # With a connection open.
  serve "$tmp/log" "$bin/echo" --listen 127.0.0.1:0 --stats
  echo_pid=$pid
  "$bin/demo_peer" --connect "$address" --idle >/dev/null 2>&1 &
  pids="$pids $!"
  sleep 0.2
  stop INT "$echo_pid" "$tmp/log"
  grep -q '^backend ' "$tmp/log" || fail "no backend named"
}

check_ipv6() {
  "$bin/demo_peer" --listen '[::1]:0' >"$tmp/six" 2>&1 &
  pids="$pids $!"
  sleep 0.2
  grep -q listening "$tmp/six" || return 0
  serve "$tmp/log" "$bin/echo" --listen '[::1]:0'
  peer --send 1M --expect 1M
  stop TERM "$pid" "$tmp/log"
}

refuses_misuse "$bin/echo"
refuses 1 "cannot make a loop: WEIR_BACKEND=nonsense" \
  env WEIR_BACKEND=nonsense "$bin/echo" --listen 127.0.0.1:0
on_each_backend check_echo
check_ipv6
