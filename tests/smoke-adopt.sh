#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/adopt: a libuv server whose handler was moved, and as it was before.

. "${srcdir:-.}/tests/smoke.sh"

check_adopt() {
  for how in "" --plain; do
    serve "$tmp/log" "$bin/adopt" --listen 127.0.0.1:0 $how
    for size in 4M 1; do
      "$bin/demo_peer" --connect "$address" --send $size --expect $size \
        >"$tmp/peer" 2>&1 || fail "adopt $how: $(cat "$tmp/peer")"
    done
    adopt_pid=$pid
    "$bin/demo_peer" --connect "$address" --idle >/dev/null 2>&1 &
    pids="$pids $!"
    sleep 0.2
    refuses_addresses "$bin/adopt"
    stop TERM "$adopt_pid" "$tmp/log"
  done
}

refuses_misuse "$bin/adopt"
on_each_backend check_adopt
