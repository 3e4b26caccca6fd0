#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/httpd on each backend beside nginx with one worker, where that is
# installed, asked by wrk for files of 177 bytes and of 1 MiB on CONNECTIONS
# (64). The servers take turns; shown are the medians of ROUNDS (5) rounds of
# SECONDS_EACH (5): requests in a second, and what a request costs the server in
# processor time, which other programs disturb less.
set -u
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-64}
bin=$(cd "${1:-.}" && pwd) || exit 1
PATH=$PATH:/usr/sbin:/sbin
command -v wrk >/dev/null || {
  echo 'wrk is not installed'
  exit 77
}
# shellcheck source=bench/servers.sh
. "$(dirname "$0")/servers.sh"

www=$tmp/www
mkdir "$www"
chmod 755 "$tmp" "$www"
head -c 177 /dev/urandom >"$www/177B"
head -c 1048576 /dev/urandom >"$www/1MiB"
httpd=$(program samples/httpd)
for wait in ring uv; do
  server "uring-$wait" env WEIR_BACKEND=uring WEIR_WAIT=$wait "$httpd" "$www"
done
server uv env WEIR_BACKEND=uv "$httpd" "$www"

# On a port where nobody listens any more.
if command -v nginx >/dev/null; then
  listen nobody "$httpd" "$www"
  kill $!
  wait $! 2>/dev/null
  cat >"$tmp/nginx.conf" <<END
daemon off;
master_process off;
pid $tmp/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache off;
  client_body_temp_path $tmp;
  server {
    listen 127.0.0.1:$port;
    root $www;
  }
}
END
  nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx" &
  pids="$pids $!"
  echo "nginx $! $port" >>"$tmp/servers"
  sleep 1
fi

# measure NAME PID PORT FILE
measure() {
  before=$(spent "$2")
  wrk -t 1 -c "$connections" -d "${seconds}s" "http://127.0.0.1:$3/$4" \
    >"$tmp/wrk" 2>&1 || return
  after=$(spent "$2")
  if grep 'Non-2xx\|Socket errors' "$tmp/wrk" >&2; then
    return
  fi
  awk -v what="$4 $1" -v us="$((after - before))" '
    / requests in / { n = $1 }
    /^Requests\/sec:/ { print what, $2, us / n }' "$tmp/wrk"
}

round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  for file in 177B 1MiB; do
    while read -r name pid port; do
      measure "$name" "$pid" "$port" $file </dev/null
    done <"$tmp/servers"
  done
done >"$tmp/results"

medians '%10.0f requests/s' '%8.2f us each' <"$tmp/results"
