#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# README.md's echo server: it serves, and goes on when descriptors or memory
# have run out. Run it through make, which knows how to link.

. "${srcdir:-.}/tests/smoke.sh"

if [ -z "${LINK:-}" ]; then
  echo "make check says how to link"
  exit 77
fi

probe_listens_or_ended() {
  grep -q '^listening' "$tmp/probe" || ended "$probe"
}

# Whether the port can be had; it is nobody's then.
is_free() {
  : >"$tmp/probe"
  "$bin/demo_peer" --listen "$address" >"$tmp/probe" 2>&1 &
  probe=$!
  pids="$pids $probe"
  eventually "a port is had or refused" probe_listens_or_ended
  kill "$probe" 2>/dev/null
  wait "$probe" 2>/dev/null
  grep -q '^listening' "$tmp/probe"
}

# The server has a port of its own, which nobody may be given meanwhile: it is
# below those that the system hands out.
find_port() {
  for try in 0 1 2 3 4 5 6 7 8 9; do
    address=127.0.0.1:$((20000 + ($$ + try * 997) % 10000))
    ! is_free || return 0
  done
  fail "no port: $(cat "$tmp/probe")"
}

build() {
  awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' \
    "${srcdir:-.}/README.md" | sed "s/7000/${address##*:}/" >"$tmp/server.c"
  eval "$LINK -w -o $tmp/server $tmp/server.c $LINK_LIBS" \
    >"$tmp/link" 2>&1 || fail "$(cat "$tmp/link")"
  server=$tmp/server
  [ ! -x "$tmp/.libs/server" ] || server=$tmp/.libs/server
}

works() {
  "$bin/demo_peer" --connect "$address" --send 1M --expect 1M >"$tmp/peer" 2>&1
}

listens() {
  "$bin/demo_peer" --connect "$address" --idle --reset >/dev/null 2>&1
}

listens_or_ended() {
  ended "$pid" || listens
}

# start COMMAND...: succeeds if the server stays. With io_uring the kernel keeps
# the port of one that was killed for a moment.
start() {
  eventually "the port is free" is_free
  "$@" &
  pid=$!
  pids="$pids $pid"
  eventually "the server listens or ends" listens_or_ended
  ! ended "$pid"
}

end_server() {
  kill -0 "$pid" 2>/dev/null || fail "the server ended by itself"
  kill "$pid"
  wait "$pid" 2>/dev/null
}

check_server() {
  start "$server" || fail "the server does not start"
  eventually "the server works" works
  end_server
}

limited() {
  ulimit -n "$1"
  exec "$server"
}

# Among these are some where the very first client finds no descriptor.
check_descriptors() {
  for limit in $limits; do
    if ! start limited $limit; then
      [ $limit -lt 32 ] || fail "the server does not start"
      continue # too few for a loop
    fi
    "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
    crowd=$!
    pids="$pids $crowd"
    sleep 0.3
    kill -0 "$pid" 2>/dev/null || fail "ended with $limit descriptors"
    kill "$crowd"
    wait "$crowd" 2>/dev/null
    [ $limit -lt 32 ] || eventually "the server works again" works
    end_server
  done
}

check_memory() {
  : >"$tmp/scarce"
  start env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" "$server" ||
    fail "the server ended without memory"
  works &
  peer=$!
  sleep 0.2
  rm "$tmp/scarce"
  wait "$peer" || fail "without memory: $(cat "$tmp/peer")"
  end_server
}

find_port
build
on_each_backend check_server
limits="9 10 11 12 13 14 32"
if sanitized; then
  skip "few descriptors: sanitizers are built in"
  limits=32
fi
on_each_backend check_descriptors
if can_preload; then
  on_each_backend check_memory
fi
