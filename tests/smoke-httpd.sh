#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/httpd: what it answers to raw requests, good and bad, in any pieces;
# what is not below its directory; clients that are slow, leave or are too many;
# want of memory; curl, and whatever loads servers, where they are installed.

. "${srcdir:-.}/tests/smoke.sh"

www=$tmp/www

start() {
  serve "$tmp/log" "$@"
  at_rest=$(descriptors "$pid")
}

talk() {
  timeout 60 "$bin/talk" --connect "$address" "$@"
}

# ask REQUESTS OPTION...: as printf has them; the answers are in $tmp/answer.
ask() {
  asked=$1
  shift
  # shellcheck disable=SC2059
  printf -- "$asked" >"$tmp/requests"
  talk "$@" <"$tmp/requests" 2>"$tmp/talk" | tr -d '\r' >"$tmp/answer"
}

# says STATUSES REQUESTS OPTION...: the numbers of all answers.
says() {
  wanted_statuses=$1
  shift
  ask "$@"
  equal "$1" "$wanted_statuses" "$(statuses)"
}

# A body without an end of its line stands before the next answer.
statuses() {
  grep -ao 'HTTP/1.1 [0-9]* [A-Z]' "$tmp/answer" | cut -d ' ' -f 2 |
    tr '\n' ' ' | sed 's/ $//'
}

# has LINE: of the last answer.
has() {
  grep -qx "$1" "$tmp/answer" || fail "$asked: no $1 in $(cat "$tmp/answer")"
}

make_files() {
  mkdir -p "$www/sub/deep" "$www/empty" "$tmp/outside"
  echo '<p>hello' >"$www/index.html"
  printf 'abcdefghij' >"$www/ten.txt"
  : >"$www/none"
  echo deep >"$www/sub/deep/a b%c.css"
  echo sub >"$www/sub/index.html"
  head -c 3000000 /dev/urandom >"$www/big"
  echo secret >"$www/.hidden"
  echo secret >"$tmp/outside/secret"
  ln -s ten.txt "$www/link"
  ln -s ../ten.txt "$www/sub/up"
  ln -s "$tmp/outside/secret" "$www/out"
  ln -s ../../outside "$www/sub/away"
  ln -s ../../www/ten.txt "$www/sub/around"
  mkfifo "$www/fifo"
  touch -d '2001-02-03 04:05:06 UTC' "$www/ten.txt"
}

host='Host: a\r\n'

# ---- What is asked and answered ----

check_answers() {
  says 200 "GET /ten.txt HTTP/1.1\r\n$host\r\n"
  has 'Content-Length: 10'
  has 'Content-Type: text/plain; charset=utf-8'
  has 'Last-Modified: Sat, 03 Feb 2001 04:05:06 GMT'
  equal "the body" abcdefghij "$(tail -n 1 "$tmp/answer")"
  says 200 "HEAD /ten.txt HTTP/1.1\r\n$host\r\n"
  has 'Content-Length: 10'
  equal "no body" "" "$(tail -n 1 "$tmp/answer")"
  says 200 "GET / HTTP/1.1\r\n$host\r\n"
  has '<p>hello'
  says 200 "GET /none HTTP/1.1\r\n$host\r\n"
  has 'Content-Length: 0'
  has 'Content-Type: application/octet-stream'
  says 200 "GET http://a:1/sub/deep/a%%20b%%25c.css?x=/../y HTTP/1.1\r
$host\r\n"
  has 'Content-Type: text/css; charset=utf-8'
  says 200 "\r\n\r\nGET //sub///deep//a%%20b%%25c.css HTTP/1.1\r\n$host\r\n"
  has deep
  says '301 200' "GET /sub HTTP/1.1\r\n$host\r\nGET /sub/ HTTP/1.1\r\n$host\r\n"
  has 'Location: /sub/'
  says 301 "GET //sub/deep?a HTTP/1.1\r\n$host\r\n"
  has 'Location: /sub/deep/'
  says '404 404 404' "GET /no HTTP/1.1\r\n${host}\r\nGET /empty/ HTTP/1.1\r
${host}\r\nGET /ten.txt/ HTTP/1.1\r\n$host\r\n"
  says 403 "GET /fifo HTTP/1.1\r\n$host\r\n"
}

# range WORDS STATUS BODY
range() {
  says "$2" "GET /ten.txt HTTP/1.1\r\n${host}Range: $1\r\n${4:-}\r\n"
  equal "$1" "$3" "$(tail -n 1 "$tmp/answer")"
}

check_ranges() {
  range bytes=2-4 206 cde
  has 'Content-Range: bytes 2-4/10'
  has 'Content-Length: 3'
  range bytes=0-0 206 a
  range bytes=9- 206 j
  range bytes=-3 206 hij
  range bytes=-30 206 abcdefghij
  range bytes=5-9999999999 206 fghij
  range bytes=10- 416 '416 Range Not Satisfiable'
  has 'Content-Range: bytes \*/10'
  range bytes=-0 416 '416 Range Not Satisfiable'
  for all in bytes=4-2 bytes=1-2,4-5 bytes= bytes=x lines=1-2 \
    bytes=99999999999999999999- bytes=--1; do
    range "$all" 200 abcdefghij
  done
  date='Sat, 03 Feb 2001 04:05:06 GMT'
  range bytes=2-4 206 cde "If-Range: $date\r\n"
  range bytes=2-4 200 abcdefghij 'If-Range: Sat, 03 Feb 2001 04:05:07 GMT\r\n'
  range bytes=2-4 200 abcdefghij 'If-Range: "tag"\r\n'
  says 200 "HEAD /ten.txt HTTP/1.1\r\n${host}Range: bytes=2-4\r\n\r\n"

  for date in "$date" 'Saturday, 03-Feb-01 04:05:06 GMT' \
    'Sat Feb  3 04:05:06 2001' 'Sat, 03 Feb 2024 04:05:06 GMT'; do
    says 304 \
      "GET /ten.txt HTTP/1.1\r\n${host}If-Modified-Since: $date\r\n\r\n"
    equal "no body" "" "$(tail -n 1 "$tmp/answer")"
  done
  for date in 'Sat, 03 Feb 2001 04:05:05 GMT' yesterday; do
    says 200 \
      "GET /ten.txt HTTP/1.1\r\n${host}If-Modified-Since: $date\r\n\r\n"
  done
}

# ---- What is refused, and whether the connection goes on ----

check_refusals() {
  more="GET /ten.txt HTTP/1.1\r\n$host\r\n"
  for bad in 'nonsense' 'GET /' 'GET / HTTP/1.10' 'GET  / HTTP/1.1' \
    'GET x HTTP/1.1' 'GET * HTTP/1.1' 'GET /%%00 HTTP/1.1' \
    'GET /a%%2fb HTTP/1.1' 'GET /%%zz HTTP/1.1' 'GET /%%4 HTTP/1.1' \
    'GET / HTTP/1.1\r\nno colon' 'GET / HTTP/1.1\r\nHost : a' \
    'GET / HTTP/1.1\r\nHost: a\r\n folded' 'GET / HTTP/1.1\r\nA: b\nC: d' \
    'GET / HTTP/1.1\r\nA: b\000' 'GET / HTTP/1.1\r\nHost: a\r\nHost: b' \
    'GET / HTTP/1.1\r\nA: b'; do
    says 400 "$bad\r\n\r\n$more" --open
    has 'Connection: close'
  done
  for bad in 'POST / HTTP/1.1' 'get / HTTP/1.1' 'OPTIONS * HTTP/1.1'; do
    says 405 "$bad\r\n$host\r\n$more" --open
    has 'Allow: GET, HEAD'
  done
  says 505 "GET / HTTP/2.0\r\n\r\n$more" --open
  says 413 "GET / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello$more" --open
  says 413 "GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n" --open
  says '200 200' "GET / HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n$more"
  long=$(head -c 2000 /dev/zero | tr '\0' x)
  says 414 "GET /$long HTTP/1.1\r\n$host\r\n" --open
  long=$long$long$long$long$long
  says 431 "GET / HTTP/1.1\r\n${host}X: $long\r\n\r\n" --open
  # Much behind it, which is read over, so that the answer is heard.
  {
    printf 'GET / HTTP/1.1\r\nX: '
    head -c 300000 /dev/zero | tr '\0' x
  } >"$tmp/much"
  talk --open <"$tmp/much" | grep -q ' 431 ' || fail "431 is not heard"
}

check_going_on() {
  now='Sat, 03 Feb 2024 04:05:06 GMT'
  says '200' "GET / HTTP/1.1\r\n${host}Connection: a, Close\r\n\r\n$more" --open
  has 'Connection: close'
  says '200' "GET / HTTP/1.0\r\n\r\n$more" --open
  has 'Connection: close'
  says '200 200' "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n$more"
  has 'Connection: keep-alive'
  says '404 200' "GET /../x HTTP/1.1\r\n$host\r\n$more"
  says '200 200 304 206 404 301 200' "HEAD / HTTP/1.1\r\n$host\r\n$more$(
  )GET /ten.txt HTTP/1.1\r\n${host}If-Modified-Since: $now\r\n\r\n$(
  )GET /big HTTP/1.1\r\n${host}Range: bytes=0-0\r\n\r\n$(
  )GET /no HTTP/1.1\r\n$host\r\nGET /sub HTTP/1.1\r\n$host\r\n$more"
  ask "GET /ten.txt HTTP/1.1\r\n$host\r\nHEAD /no HTTP/1.0\r\n\r\n" --bytes
  equal "answers to single bytes" 2 "$(statuses | wc -w)"
}

# Many at a time, with bodies of all lengths, are answered in order.
check_pipeline() {
  awk 'BEGIN {
    for (i = 0; i < 500; i++)
      printf "GET /big HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-%d\r\n\r\n",
        i, i + i * i % 70000
  }' >"$tmp/requests"
  talk <"$tmp/requests" >"$tmp/answer" || fail "a pipeline"
  # What is said of each length, and together: the rest are bodies.
  equal "answers" 500 "$(grep -ac 'HTTP/1.1 206' "$tmp/answer")"
  grep -a '^Content-Range: bytes [0-9]*-[0-9]*/3000000' "$tmp/answer" |
    awk -F'[ /-]' '{ if ($4 != n || $5 != n + n * n % 70000) exit 1; n++ }
      END { exit n != 500 }' || fail "the order of a pipeline"
}

# ---- Nothing but what is below the directory ----

check_escapes() {
  for path in /../outside/secret /sub/../../outside/secret /out /sub/away \
    /sub/away/secret /%2e%2e/outside/secret /.%2e/outside/secret /./ten.txt \
    /sub/.. /.hidden /sub/deep/../../ten.txt /..%2foutside/secret \
    /../../../../../../etc/passwd /sub/around; do
    escaped=$(printf %s "$path" | sed 's/%/%%/g')
    ask "GET $escaped HTTP/1.1\r\n$host\r\n"
    grep -q '^HTTP/1.1 40[04] ' "$tmp/answer" ||
      fail "$path: $(head -n 1 "$tmp/answer")"
    ! grep -q 'secret$\|^root:' "$tmp/answer" || fail "$path: it got out"
  done
}

# Links that stay below it are followed where the kernel sees to it.
check_links() {
  says '200 200' "GET /link HTTP/1.1\r\n$host\r\nGET /sub/up HTTP/1.1\r
$host\r\n"
  grep -q abcdefghij "$tmp/answer" || fail "links"
}

# Without openat2 no link is followed. Leaks cannot be looked for under strace.
check_without_openat2() {
  sanitizer=${ASAN_OPTIONS:-}
  export ASAN_OPTIONS="$sanitizer${sanitizer:+:}detect_leaks=0"
  try_without_openat2
  export ASAN_OPTIONS="$sanitizer"
}

try_without_openat2() {
  if ! strace -qq -o "$tmp/trace" -e inject=openat2:error=ENOSYS \
    "$bin/httpd" --help >/dev/null 2>&1; then
    skip "httpd without openat2: strace cannot make it fail"
    return
  fi
  start strace -f -qq -o "$tmp/trace" -e inject=openat2:error=ENOSYS \
    "$bin/httpd" --listen 127.0.0.1:0 "$www"
  check_escapes
  says '404 404 200 200' "GET /link HTTP/1.1\r\n$host\r\n$(
  )GET /sub/up HTTP/1.1\r\n$host\r\n$(
  )GET /sub/deep/a%%20b%%25c.css HTTP/1.1\r\n$host\r\n$(
  )GET / HTTP/1.1\r\n$host\r\n"
  has deep
  # What strace runs.
  kill "$(cat "/proc/$pid/task/$pid/children")"
  eventually "the end without openat2" ended "$pid"
  wait "$pid" || fail "its end without openat2: $?"
}

# ---- Clients that are slow, leave, or are too many ----

check_slow() {
  start "$bin/httpd" --timeout 1 --listen 127.0.0.1:0 "$www"
  says 408 'GET / HTTP/1.1\r\n' --open
  ask '' --open # who asks for nothing is closed
  equal "nothing" "" "$(cat "$tmp/answer")"
  # Who does not take what he asked for is cut off.
  : >"$tmp/deaf"
  printf 'GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r
\r\n' | "$bin/talk" --connect "$address" --open --late "$tmp/now" \
    >"$tmp/late" 2>"$tmp/deaf" &
  deaf=$!
  pids="$pids $deaf"
  eventually "it waits" grep -q stuck "$tmp/deaf"
  eventually "all descriptors are closed" has_descriptors "$pid" "$at_rest"
  : >"$tmp/now"
  wait "$deaf"
  grep -q 'reset' "$tmp/deaf" || fail "who is too slow: $(cat "$tmp/deaf")"
  rm "$tmp/now"
  stop TERM "$pid" "$tmp/log"
}

check_leaving() {
  for options in '--idle' '--send 3K --idle' '--send 3K'; do
    # shellcheck disable=SC2086
    "$bin/demo_peer" --connect "$address" $options --reset >"$tmp/peer" 2>&1 ||
      fail "peer $options: $(cat "$tmp/peer")"
  done
  printf 'GET /big HTTP/1.1\r\nHost: a\r\n\r\n' |
    "$bin/talk" --connect "$address" --late "$tmp/now" >/dev/null 2>&1 &
  deaf=$!
  pids="$pids $deaf"
  sleep 0.1
  kill -KILL "$deaf"
  wait "$deaf" 2>/dev/null
  eventually "all descriptors are closed" has_descriptors "$pid" "$at_rest"
  says 200 "GET / HTTP/1.1\r\n$host\r\n"
}

# A file that becomes shorter cannot be sent as was said: that is no end.
check_shrinking() {
  dd if=/dev/null of="$www/shrinks" bs=1M seek=64 2>/dev/null
  : >"$tmp/deaf"
  printf 'GET /shrinks HTTP/1.1\r\nHost: a\r\n\r\n' |
    "$bin/talk" --connect "$address" --late "$tmp/now" >"$tmp/late" \
      2>"$tmp/deaf" &
  deaf=$!
  pids="$pids $deaf"
  eventually "it waits" grep -q stuck "$tmp/deaf"
  : >"$www/shrinks"
  : >"$tmp/now"
  ! wait "$deaf" || fail "a file that became shorter: an end"
  grep -q reset "$tmp/deaf" || fail "it became shorter: $(cat "$tmp/deaf")"
  rm "$tmp/now"
}

check_crowd() {
  start sh -c 'ulimit -n 32 && exec "$@"' limited "$bin/httpd" \
    --listen 127.0.0.1:0 "$www"
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  eventually "httpd runs out" grep -q 'too many open files' "$log.err"
  sleep 0.3
  equal "lines on stderr" 1 "$(lines "$log")"
  kill "$crowd"
  wait "$crowd" 2>/dev/null
  eventually "it serves again" is_served
  stop_any TERM "$pid" "a crowd"
}

is_served() {
  ask "GET /ten.txt HTTP/1.1\r\n$host\r\n"
  grep -q '^abcdefghij$' "$tmp/answer"
}

# One descriptor too few for the file, and the connection goes on.
check_no_descriptor() {
  if ! prlimit --nofile >/dev/null 2>&1; then
    skip "no descriptor for a file: there is no prlimit"
    return
  fi
  start "$bin/httpd" --listen 127.0.0.1:0 "$www"
  says 200 "GET / HTTP/1.1\r\n$host\r\n"
  eventually "all descriptors are closed" has_descriptors "$pid" "$at_rest"
  free=0
  while [ -e "/proc/$pid/fd/$free" ]; do
    free=$((free + 1))
  done
  prlimit --pid "$pid" --nofile=$((free + 1))
  says '503 404' "GET / HTTP/1.1\r\n$host\r\nGET /.no HTTP/1.1\r\n$host\r\n"
  stop_any TERM "$pid" "no descriptor"
}

# ---- Want of memory ----

# Each of its allocations fails once: it ends with a line, or a client is cut
# off or told; what is answered is right, and so is all from then on.
check_memory() {
  for_each_want serves_or_says "$bin/httpd" --listen 127.0.0.1:0 "$www"
  [ $n -gt 10 ] || fail "$n allocations"
}

# ---- Its clients ----

check_curl() {
  if ! command -v curl >/dev/null; then
    skip "curl is not installed"
    return
  fi
  at=http://$address
  curl -sSf "$at/big" | cmp - "$www/big" || fail "curl"
  curl -sSf -r 1000000-1999999 "$at/big" >"$tmp/part" || fail "curl -r"
  tail -c +1000001 "$www/big" | head -c 1000000 | cmp - "$tmp/part" ||
    fail "curl -r"
  head -c 1234567 "$www/big" >"$tmp/part"
  curl -sSf -C - -o "$tmp/part" "$at/big" || fail "curl -C"
  cmp "$tmp/part" "$www/big" || fail "curl -C"
  equal "curl -z" 304 \
    "$(curl -sS -z "$www/ten.txt" -o /dev/null -w '%{http_code}' "$at/ten.txt")"
  equal "connections for two" '1 0' "$(curl -sS -o /dev/null -o /dev/null -w \
    '%{num_connects} ' "$at/big" "$at/sub/" | sed 's/ $//')"
  equal "curl -L" sub "$(curl -sSL "$at/sub")"
  curl -sSI "$at/big" | grep -q '^Content-Length: 3000000' || fail "curl -I"
  # Many at a time.
  curl -sf -Z --parallel-max 30 -o "$tmp/many.#1" "$at/big?[1-30]" \
    2>"$tmp/curl" ||
    fail "curl -Z"
  for one in "$tmp"/many.*; do
    cmp "$one" "$www/big" || fail "one of many"
  done
  rm "$tmp"/many.*
}

check_load() {
  if command -v wrk >/dev/null; then
    wrk -t 1 -c 50 -d 1 "http://$address/ten.txt" >"$tmp/load" || fail "wrk"
    ! grep 'Non-2xx\|Socket errors' "$tmp/load" || fail "wrk"
  elif command -v h2load >/dev/null; then
    h2load --h1 -n 5000 -c 50 "http://$address/ten.txt" >"$tmp/load" ||
      fail "h2load"
    grep -q '5000 succeeded, 0 failed' "$tmp/load" || fail "h2load"
  elif command -v ab >/dev/null; then
    ab -q -k -n 5000 -c 50 "http://$address/ten.txt" >"$tmp/load" || fail "ab"
    grep -q '^Failed requests: *0$' "$tmp/load" || fail "ab"
  else
    skip "none of wrk, h2load and ab is installed"
  fi
}

# ---- All of it ----

check_httpd() {
  start "$bin/httpd" --listen 127.0.0.1:0 --stats "$www"
  check_answers
  check_pipeline
  check_curl
  check_load
  check_leaving
  check_shrinking
  stop INT "$pid" "$tmp/log"
  grep -q '^backend ' "$tmp/log" || fail "no backend named"
  check_crowd
}

# What is understood of a request is the same on all.
check_requests() {
  start "$bin/httpd" --listen 127.0.0.1:0 "$www"
  check_ranges
  check_refusals
  check_going_on
  check_escapes
  check_links
  refuses_addresses "$bin/httpd" "$www"
  stop TERM "$pid" "$tmp/log"
  check_no_descriptor
  check_without_openat2
}

make_files
refuses_misuse "$bin/httpd" "$www"
refuses 1 "no such file" "$bin/httpd" --listen 127.0.0.1:0 "$tmp/missing"
refuses 1 "not a directory" "$bin/httpd" --listen 127.0.0.1:0 "$www/ten.txt"
on_each_backend check_httpd
on_some uv check_requests
on_some 'uring-ring uv' check_slow
if can_preload; then
  on_some uring-ring check_memory
fi
