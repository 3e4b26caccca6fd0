#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What topping up is worth where a socket takes little at a time: samples/relay
# with and without it in a network of its own, where loopback's packets have
# 1500 bytes, a socket sends from 16 KiB and the ring has 64 KiB. Medians of
# ROUNDS (5) rounds: MiB in a second, and the relay's processor time for each
# GiB.
set -u
rounds=${ROUNDS:-5}
bin=$(cd "${1:-.}" && pwd) || exit 1
PATH=$PATH:/usr/sbin:/sbin
if [ "${WEIR_BENCH_NETWORK:-}" != own ]; then
  own='unshare -rn'
  [ "$(id -u)" -ne 0 ] || own='unshare -n'
  if ! command -v ip >/dev/null || ! $own true 2>/dev/null; then
    echo 'top-up: not measured, no network of its own (unshare -n, ip)'
    exit 0
  fi
  export WEIR_BENCH_NETWORK=own
  exec $own sh "$0" "$bin"
fi
ip link set lo mtu 1500 up || exit 1
echo '4096 16384 16384' >/proc/sys/net/ipv4/tcp_wmem || exit 1
# shellcheck source=bench/servers.sh
. "$(dirname "$0")/servers.sh"

flood=$(program bench/flood)
relay=$(program samples/relay)
listen sink "$flood" || exit 1
sink=127.0.0.1:$port
for how in '' -no-topup; do
  for backend in uring uv; do
    server "$backend$how" env WEIR_BACKEND=$backend "$relay" \
      --connect "$sink" --buffer 64K ${how:+-$how}
  done
done

round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  while read -r name pid port; do
    flow "$name" "$pid" "$port" 1 512 </dev/null
  done <"$tmp/servers"
done >"$tmp/results"
medians '%8.0f MiB/s' '%8.0f ms/GiB' <"$tmp/results"
