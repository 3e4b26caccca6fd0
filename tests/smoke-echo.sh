#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/echo: bytes there and back, several peers, bad arguments, signals.

. "${srcdir:-.}/tests/smoke.sh"

# Peers that leave with a reset: idle, in the middle of an echo, in one that
# cannot go on since nobody reads it, after the end of what they send.
check_resets() {
  before=$(descriptors "$pid")
  peer --idle --reset
  peer --send 100K --idle --reset
  peer --send 32M --idle --reset
  peer --send 100K --reset
  eventually "all descriptors are closed" has_descriptors "$pid" "$before"
}

check_echo() {
  serve "$tmp/log" "$bin/echo" --listen 127.0.0.1:0
  peer --send 4M --expect 4M
  peer --send 1 --expect 1
  peer
  check_resets
  several_peers --send 2M --expect 2M
  refuses_addresses "$bin/echo"
  stop TERM "$pid" "$tmp/log"

  # With connections open: one that waits sees the end, one whose bytes are lost
  # must not.
  serve "$tmp/log" "$bin/echo" --listen 127.0.0.1:0 --stats
  echo_pid=$pid
  "$bin/demo_peer" --connect "$address" --idle >"$tmp/idle" 2>&1 &
  idle=$!
  "$bin/demo_peer" --connect "$address" --send 64M --expect 64M --rcvbuf 16K \
    --slow --expect-reset >"$tmp/cut" 2>&1 &
  cut=$!
  pids="$pids $idle $cut"
  sleep 0.3
  stop INT "$echo_pid" "$tmp/log"
  grep -q '^backend ' "$tmp/log" || fail "no backend named"
  wait "$idle" || fail "at the end: $(cat "$tmp/idle")"
  wait "$cut" || fail "in the middle: $(cat "$tmp/cut")"
}

check_ipv6() {
  "$bin/demo_peer" --listen '[::1]:0' >"$tmp/six" 2>&1 &
  pids="$pids $!"
  sleep 0.2
  if ! grep -q listening "$tmp/six"; then
    skip "IPv6: $(cat "$tmp/six")"
    return
  fi
  serve "$tmp/log" "$bin/echo" --listen '[::1]:0'
  peer --send 1M --expect 1M
  stop TERM "$pid" "$tmp/log"
}

# All addresses, of both kinds where there are two.
check_every_address() {
  serve "$tmp/log" "$bin/echo" --listen '*:0'
  port=${address##*:}
  case $address in
  '[::]:'*) hosts='127.0.0.1 [::1]' ;;
  *) hosts=127.0.0.1 ;;
  esac
  for host in $hosts; do
    address=$host:$port
    peer --send 1K --expect 1K
  done
  stop HUP "$pid" "$tmp/log"
  refuses 2 "HOST:PORT" "$bin/echo" --listen '*:x'
}

# Under nohup it goes on.
check_nohup() {
  serve "$tmp/log" sh -c "trap '' HUP; exec \"\$@\"" nohup \
    "$bin/echo" --listen 127.0.0.1:0
  kill -HUP "$pid"
  sleep 0.1
  peer --send 1K --expect 1K
  stop TERM "$pid" "$tmp/log"
}

refuses_misuse "$bin/echo"
refuses 1 "cannot make a loop: WEIR_BACKEND=nonsense" \
  env WEIR_BACKEND=nonsense "$bin/echo" --listen 127.0.0.1:0
on_each_backend check_echo
check_ipv6
on_each_backend check_every_address
check_nohup
