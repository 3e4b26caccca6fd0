#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/relay: both directions, half-close, small and large rings, a slow
# reader, resets and errors of either side, draining.

. "${srcdir:-.}/tests/smoke.sh"

# Starts a relay between a sink with these options and us.
between() {
  # shellcheck disable=SC2086
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 $1
  sink=$pid
  # shellcheck disable=SC2086
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address" \
    ${2:-}
}

client() {
  "$bin/demo_peer" --connect "$address" "$@" >"$tmp/peer" 2>&1 ||
    fail "client $*: $(cat "$tmp/peer")"
}

# What became of the sink.
sink_ends() {
  wait "$sink" || fail "sink, $1: $(head -n 5 "$tmp/sink.err")"
}

# through SEND BACK SINK_OPTIONS RELAY_OPTIONS: SEND bytes go to the sink, and
# BACK bytes come back.
through() {
  between "--expect $1 --send $2 $3" "$4"
  client --send "$1" --expect "$2"
  sink_ends "$*"
  stop TERM "$pid" "$tmp/log"
  grep -q '^total up: [1-9]' "$tmp/log" || fail "$* no counts"
}

check_transfers() {
  through 4M 3M "" ""
  through 4M 3M "" "--no-topup"
  through 30K 10K "" "--buffer 1"
  through 2M 1 "--rcvbuf 16K --slow" "--buffer 100000 --stats"
  through 2M 1 "--rcvbuf 16K --slow" "--buffer 100000 --no-topup"
  # The client has everything and is gone long before the sink has.
  through 16M 1 "--rcvbuf 16K --slow" "--buffer 17M"
}

# The same bytes, which never come to memory, but for those that are read before
# there is a sink.
check_splice() {
  through 4M 3M "" "--splice"
  [ "$(uname)" != Linux ] ||
    grep -q '^total down: \([0-9]*\) .* \1 bytes spliced' "$tmp/log" ||
    fail "not spliced: $(cat "$tmp/log")"
  through 16M 12M "" "--splice --buffer 1M --no-topup"
  through 300K 100K "" "--splice --buffer 100"
  through 2M 1 "--rcvbuf 16K --slow" "--splice --buffer 100000"
}

# Nobody there: the clients are told, with a reset; the relay goes on. It does
# not say so for each of them.
check_refused() {
  serve "$tmp/gone" "$bin/demo_peer" --listen 127.0.0.1:0
  gone=$address
  kill "$pid"
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$gone"
  refuses_addresses "$bin/relay" --connect "$gone"
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    client --idle --expect-reset
  done
  stop_any TERM "$pid" "without a target"
  grep -q "connect to $gone: connection refused" "$tmp/log.err" ||
    fail "no reason given: $(head -n 5 "$tmp/log.err")"
  [ "$(lines "$tmp/log")" -lt 20 ] || fail "a line for each client"
}

# broken SINK_OPTIONS CLIENT_OPTIONS [RELAY_OPTIONS]: both ends are as they
# should be, and it is told who broke.
broken() {
  between "$1" "${3:-}"
  # shellcheck disable=SC2086
  client $2
  sink_ends "$2"
  stop_any TERM "$pid" "$2"
  equal "lines on stderr" 1 "$(lines "$tmp/log")"
  grep -q '\(read from\|write to\|wait for\) 127.*: [cb]' "$tmp/log.err" ||
    fail "$2: not told: $(head -n 5 "$tmp/log.err")"
}

# A reset is passed on as a reset, behind the bytes that came before it: of
# either side, which has sent nothing, something, its end, or cannot send on.
check_resets() {
  quiet="--idle --expect-reset"
  broken "$quiet" "--idle --reset"
  broken "$quiet --expect 20K" "--send 20K --idle --reset"
  broken "--expect 20K --expect-reset" "--send 20K --idle --reset"
  broken "$quiet --send 64M --expect 20K" "--send 20K --reset"
  broken "--expect 64M --expect-reset --rcvbuf 128K --slow" \
    "--send 64M --idle --reset"

  broken "$quiet --expect 20K" "--send 20K --reset"

  broken "--idle --reset" "$quiet"
  broken "--send 20K --idle --reset" "$quiet --expect 20K"
  broken "--send 20K --idle --reset" "--expect 20K --expect-reset"
  broken "--send 20K --reset" "$quiet --send 64M --expect 20K"
  broken "--send 64M --idle --reset" \
    "--expect 64M --expect-reset --rcvbuf 128K --slow"
  broken "--send 20K --reset" "$quiet --expect 20K"
}

check_spliced_resets() {
  broken "$quiet --expect 20K" "--send 20K --idle --reset" --splice
  broken "--expect 64M --expect-reset --rcvbuf 128K --slow" \
    "--send 64M --idle --reset" --splice
  broken "--idle --reset" "$quiet" --splice
  broken "--send 20K --reset" "$quiet --send 64M --expect 20K" --splice
}

# Clients that leave while the relay connects: with nothing, with something
# sent. One that has only ended its side is no such client.
check_leaving() {
  serve "$tmp/deaf" "$bin/demo_peer" --listen 127.0.0.1:0 --deaf
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address"
  before=$(descriptors "$pid")
  if [ "$before" -lt 0 ]; then
    skip "clients that leave: no /proc tells of descriptors"
    return
  fi
  client --idle --reset
  client --send 20K --idle --reset
  eventually "clients that left are noticed" has_descriptors "$pid" "$before"
  "$bin/demo_peer" --connect "$address" --send 20K >/dev/null 2>&1 &
  pids="$pids $!"
  eventually "a client connects" has_descriptors "$pid" $((before + 2))
  sleep 0.3
  has_descriptors "$pid" $((before + 2)) || fail "a client's end was its end"
  kill -TERM "$pid"
  eventually "the relay drains" grep -q '^1 connections go on' "$tmp/log"
  stop_any TERM "$pid" "that connects"
}

# Any error of a sink ends both sides.
check_errors() {
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 --expect 20K \
    --idle --expect-reset
  sink=$pid
  serve "$tmp/log" env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" \
    WEIR_BACKEND=uv "$bin/relay" --listen 127.0.0.1:0 --connect "$address"
  : >"$tmp/scarce.send"
  client --send 20K --idle --expect-reset
  rm "$tmp/scarce.send"
  sink_ends "an error"
  stop_any TERM "$pid" "an error"
  grep -q 'write to 127.*: host is unreachable' "$tmp/log.err" ||
    fail "an error: $(head -n 5 "$tmp/log.err")"
}

# A connection that moves nothing is cut; one that is only slow is not.
check_idle() {
  between "--idle --expect-reset" "--idle 1"
  client --idle --expect-reset
  sink_ends "idle"
  stop_any TERM "$pid" "idle"
  grep -q 'read from 127.*: connection timed out' "$tmp/log.err" ||
    fail "idle: $(head -n 5 "$tmp/log.err")"
  through 4M 1 "--rcvbuf 16K --slow" "--buffer 64K --idle 1"
  through 4M 1 "--rcvbuf 16K --slow" "--buffer 64K --idle 1 --splice"
}

# The first signal ends accepting, and what there is goes on to its end.
check_drain() {
  between "--expect 8M --rcvbuf 16K --slow" "--buffer 64K"
  "$bin/demo_peer" --connect "$address" --send 8M >"$tmp/peer" 2>&1 &
  client=$!
  pids="$pids $client"
  sleep 0.3
  kill -TERM "$pid"
  eventually "the relay drains" grep -q '^1 connections go on' "$tmp/log"
  "$bin/demo_peer" --connect "$address" >/dev/null 2>&1 &&
    fail "a client was accepted while draining"
  wait "$client" || fail "drained client: $(cat "$tmp/peer")"
  sink_ends "drained"
  wait "$pid"
  equal "status of a relay that drained" 0 $?
  equal "lines on stderr" 0 "$(lines "$tmp/log")"

  # The second one cuts.
  between "--expect-reset --idle"
  "$bin/demo_peer" --connect "$address" --idle --expect-reset \
    >"$tmp/peer" 2>&1 &
  client=$!
  pids="$pids $client"
  sleep 0.3
  kill -TERM "$pid"
  eventually "the relay drains" grep -q '^1 connections go on' "$tmp/log"
  kill -0 "$pid" || fail "the relay did not drain"
  stop TERM "$pid" "$tmp/log"
  wait "$client" || fail "cut client: $(cat "$tmp/peer")"
  sink_ends "cut"
}

check_relay() {
  check_transfers
  check_splice
  check_refused
  check_resets
  check_spliced_resets
  check_leaving
  check_drain
}

refuses_misuse "$bin/relay"
refuses 2 "not a number of bytes" "$bin/relay" --listen 127.0.0.1:0 \
  --connect 127.0.0.1:1 --buffer 0
refuses 2 "not a number of seconds" "$bin/relay" --listen 127.0.0.1:0 \
  --connect 127.0.0.1:1 --idle 0
on_each_backend check_relay
check_idle
if can_preload; then
  check_errors
fi
