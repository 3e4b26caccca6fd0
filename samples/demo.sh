#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT

# Shows weir at work on real files and sockets, and checks every byte.
# SAMPLES_DIR names the directory of the built samples; default: samples.
# WEIR_BACKEND and WEIR_WAIT choose how, as for any program that uses weir.

set -eu
bin=${SAMPLES_DIR:-samples}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
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
  echo "demo: $*" >&2
  exit 1
}

# Starts a program that prints "listening on HOST:PORT": sets pid and address.
serve() {
  log=$1
  shift
  : >"$log" # what an earlier program left must not be taken for its own
  "$@" >"$log" &
  pid=$!
  pids="$pids $pid"
  tries=0
  until address=$(sed -n 's/^listening on //p' "$log") && [ -n "$address" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || die "$1 does not start"
    kill -0 "$pid" 2>/dev/null || die "$1 ended too early"
    sleep 0.05
  done
}

stop() {
  kill "$1"
  wait "$1" || die "a server ended with status $?"
}

copy_file() {
  echo "1. A file of 256 MiB, copied through fixed buffers"
  free=$(df -Pk "$tmp" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -gt 600 ] || die "needs 600 MiB in $tmp (or set TMPDIR)"
  head -c 268435456 /dev/urandom >"$tmp/source"
  "$bin/cp" --progress --stats "$tmp/source" "$tmp/copy" >"$tmp/report"
  sed -n 's/^/   /; /copied\|buffers/p' "$tmp/report"
  cmp "$tmp/source" "$tmp/copy" || die "the copy differs"
  echo "   cmp: source and copy are equal"
  rm -f "$tmp/source" "$tmp/copy"
}

echo_bytes() {
  echo
  echo "2. 16 MiB to an echo server and back: weir's own, and one on libuv"
  echo "   whose handler was moved to weir"
  for server in echo adopt; do
    serve "$tmp/log" "$bin/$server" --listen 127.0.0.1:0
    report=$("$bin/demo_peer" --connect "$address" --send 16M --expect 16M) ||
      die "$server gave other bytes back"
    printf '   %-6s %s, equal\n' "$server" "$report"
    stop "$pid"
  done
}

# One relay of 64 MiB to a reader that is slow; what the relay counted.
relay_slowly() {
  how=$1
  shift
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 --expect 64M \
    --rcvbuf 64K --slow
  sink=$pid
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address" \
    --buffer 512K "$@"
  "$bin/demo_peer" --connect "$address" --send 64M >/dev/null ||
    die "the relay did not take all"
  wait "$sink" || die "the relay delivered other bytes"
  stop "$pid"
  awk -v how="$how" '/^total up/ {
    printf "   %-16s %4d reads, %4d writes, %7d bytes a write, bytes equal\n",
      how, $5, $7, $(NF - 3) }' "$tmp/log"
}

relay_bytes() {
  echo
  echo "3. 64 MiB through a relay with a ring of 512 KiB, to a slow reader"
  relay_slowly "with top-up"
  relay_slowly "read when empty" --no-topup
  echo "   (the kernel decides how much it takes each time; numbers vary)"
}

echo "weir at work; every byte is compared"
echo
copy_file
echo_bytes
relay_bytes
echo
sed -n 's/^backend /Backend taken: /p' "$tmp/report"
