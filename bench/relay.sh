#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/relay on each backend, copying and by splice, beside those of nginx,
# haproxy and hddemux that are installed. The relays take turns; shown are the
# medians of ROUNDS (5) rounds with 1 and with 64 connections: MiB in a second,
# and the relay's processor time for each GiB, which other programs disturb
# less. What sends and what drops take the other processors.
set -u
rounds=${ROUNDS:-5}
bin=$(cd "${1:-.}" && pwd) || exit 1
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=bench/servers.sh
. "$(dirname "$0")/servers.sh"

flood=$(program bench/flood)
relay=$(program samples/relay)
listen sink "$flood" || exit 1
sink=127.0.0.1:$port

# A port where nobody listens any more.
free_port() {
  listen nobody "$flood"
  kill $!
  wait $! 2>/dev/null
}

# other NAME COMMAND...: one that has been told to listen at $port.
other() {
  name=$1
  shift
  "$@" >"$tmp/$name.log" 2>&1 &
  pids="$pids $!"
  sleep 1
  if kill -0 $! 2>/dev/null; then
    echo "$name $! $port" >>"$tmp/servers"
  else
    echo "$name does not start:" && tail -n 3 "$tmp/$name.log"
  fi
}

# start_nginx NAME SIZE: with buffers of that size.
start_nginx() {
  free_port
  module=
  for dir in /usr/lib/nginx/modules /usr/lib64/nginx/modules; do
    [ ! -e "$dir/ngx_stream_module.so" ] ||
      module="load_module $dir/ngx_stream_module.so;"
  done
  mkdir "$tmp/$1.d"
  cat >"$tmp/$1.conf" <<END
$module
daemon off;
master_process off;
pid $tmp/$1.pid;
error_log stderr;
events { worker_connections 1024; }
stream {
  server {
    listen 127.0.0.1:$port;
    proxy_pass $sink;
    proxy_buffer_size $2;
  }
}
END
  other "$1" nginx -p "$tmp/$1.d" -c "$tmp/$1.conf"
}

# start_haproxy NAME [LINE]
start_haproxy() {
  free_port
  cat >"$tmp/$1.conf" <<END
global
  nbthread 1
  maxconn 1024
defaults
  mode tcp
  timeout connect 10s
  timeout client 100s
  timeout server 100s
  ${2-}
listen relay
  bind 127.0.0.1:$port
  server sink $sink
END
  other "$1" haproxy -db -f "$tmp/$1.conf"
}

start_hddemux() {
  free_port
  other hddemux env HTTP_TARGET="$sink" DNS_TARGET="$sink" \
    systemd-socket-activate -l "127.0.0.1:$port" \
    -E HTTP_TARGET -E DNS_TARGET "$(command -v hddemux)"
}

for how in '' -splice; do
  for wait in ring uv; do
    server "uring-$wait$how" env WEIR_BACKEND=uring WEIR_WAIT=$wait \
      "$relay" --connect "$sink" ${how:+-$how}
  done
  server "uv$how" env WEIR_BACKEND=uv "$relay" --connect "$sink" ${how:+-$how}
done
if command -v nginx >/dev/null; then
  start_nginx nginx 16k
  start_nginx nginx-256k 256k
fi
if command -v haproxy >/dev/null; then
  start_haproxy haproxy
  start_haproxy haproxy-splice 'option splice-auto'
fi
if command -v hddemux >/dev/null; then
  start_hddemux
fi

round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  for shape in '1 2048' '64 32'; do
    while read -r name pid port; do
      # shellcheck disable=SC2086
      flow "$name" "$pid" "$port" $shape </dev/null
    done <"$tmp/servers"
  done
done >"$tmp/results"
medians '%8.0f MiB/s' '%8.0f ms/GiB' <"$tmp/results"
