#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/relay: both directions, half-close, small and large rings, a slow
# reader, errors of either side.

. "${srcdir:-.}/tests/smoke.sh"

# through SEND BACK SINK_OPTIONS RELAY_OPTIONS: SEND bytes go to the sink, and
# BACK bytes come back.
through() {
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 --expect "$1" \
    --send "$2" $3
  sink=$pid
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address" $4
  "$bin/demo_peer" --connect "$address" --send "$1" --expect "$2" \
    >"$tmp/peer" 2>&1 || fail "$* peer: $(cat "$tmp/peer")"
  wait "$sink" || fail "$* sink: $(cat "$tmp/sink.err")"
  stop TERM "$pid" "$tmp/log"
  grep -q '^total up: [1-9]' "$tmp/log" || fail "$* no counts"
}

check_relay() {
  through 4M 3M "" ""
  through 4M 3M "" "--no-topup"
  through 30K 10K "" "--buffer 1"
  through 2M 1 "--rcvbuf 16K --slow" "--buffer 100000 --stats"
  through 2M 1 "--rcvbuf 16K --slow" "--buffer 100000 --no-topup"

  # Nobody there: the client is told, the relay goes on.
  serve "$tmp/gone" "$bin/demo_peer" --listen 127.0.0.1:0
  gone=$address
  kill "$pid"
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$gone"
  "$bin/demo_peer" --connect "$address" >/dev/null 2>&1
  refuses_addresses "$bin/relay" --connect "$gone"
  kill -TERM "$pid"
  wait "$pid"
  equal "status of a relay without a target" 0 $?
  grep -q 'connection refused' "$tmp/log.err" || fail "no reason given"

  # A source that breaks off: what came before is delivered, then it is said.
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 --expect 200K
  sink=$pid
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address"
  "$bin/demo_peer" --connect "$address" --send 200K --reset >/dev/null
  wait "$sink" || fail "bytes before the reset: $(cat "$tmp/sink.err")"
  kill -TERM "$pid"
  wait "$pid"
  equal "status after a reset" 0 $?
  grep -q 'read: connection reset' "$tmp/log.err" || fail "reset not reported"
}

refuses_misuse "$bin/relay"
refuses 2 "not a number of bytes" "$bin/relay" --listen 127.0.0.1:0 \
  --connect 127.0.0.1:1 --buffer 0
on_each_backend check_relay
