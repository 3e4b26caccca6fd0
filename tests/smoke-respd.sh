#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/respd: what it answers to raw bytes, good and bad, in any pieces;
# clients that do not read, leave or are too many; want of memory; and what
# redis-cli and redis-benchmark say of it, where they are installed.

# shellcheck disable=SC2016
. "${srcdir:-.}/tests/smoke.sh"

start() {
  serve "$tmp/log" "$@" "$bin/respd" --listen 127.0.0.1:0 --stats
  at_rest=$(descriptors "$pid")
}

talk() {
  timeout 60 "$bin/talk" --connect "$address" "$@"
}

# answers REQUESTS REPLIES OPTION...: both as printf has them.
answers() {
  # shellcheck disable=SC2059
  printf -- "$1" >"$tmp/requests"
  # shellcheck disable=SC2059
  printf -- "$2" >"$tmp/replies"
  asked=$1
  shift 2
  talk "$@" <"$tmp/requests" >"$tmp/answer" 2>"$tmp/talk" ||
    fail "$asked: $(cat "$tmp/talk")"
  cmp "$tmp/replies" "$tmp/answer" || fail "$asked: $(cat "$tmp/answer")"
}

# Kilobytes of memory that a server has; 0 where that is not told.
resident() {
  memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status")
  echo "${memory:-0}"
}

# not_above WHAT KILOBYTES: sanitizers need memory of their own.
not_above() {
  sanitized || [ "$(resident "$pid")" -le "$2" ] ||
    fail "$1: $(resident "$pid") KiB"
}

# ---- What is asked and answered ----

check_commands() {
  answers '*1\r\n$4\r\nPING\r\n' '+PONG\r\n'
  answers 'PING\r\nping "a b"\nEcho \047c\047\r\n\r\n*0\r\n*-1\r\nQUIT\r\n' \
    '+PONG\r\n$3\r\na b\r\n$1\r\nc\r\n+OK\r\n'
  answers 'QUIT\r\nPING\r\nPING\r\n' '+OK\r\n' --open
  answers '' ''
  answers 'SET a 1\r\nGET a\r\nINCR a\r\nGET a\r\nINCR b\r\nDBSIZE\r\n' \
    '+OK\r\n$1\r\n1\r\n:2\r\n$1\r\n2\r\n:1\r\n:2\r\n'
  answers 'EXISTS a b c a\r\nDEL a b c a\r\nGET a\r\nDBSIZE\r\n' \
    ':3\r\n:2\r\n$-1\r\n:0\r\n'
  answers '*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n\\0\r\n\r\nGET ""\r\n' \
    '+OK\r\n$4\r\n\r\n\\0\r\n'
  answers 'SET "\\x00\\n\\"" "\\r\\t\\b\\a\\q"\r\nGET "\\x00\\n\\""\r\n' \
    '+OK\r\n$5\r\n\r\t\b\aq\r\n'
  answers 'SET n x NX\r\nSET n y NX\r\nSET m y XX\r\nGET n\r\nSET n z XX\r\n' \
    '+OK\r\n$-1\r\n$-1\r\n$1\r\nx\r\n+OK\r\n'
  answers 'SELECT 0\r\nFLUSHALL\r\nDBSIZE\r\nCOMMAND COUNT\r\n' \
    '+OK\r\n+OK\r\n:0\r\n:14\r\n'
  answers 'CONFIG GET save\r\nCONFIG GET x appendonly\r\n' \
    '*2\r\n$4\r\nsave\r\n$0\r\n\r\n*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n'
  answers 'CONFIG GET *\r\nCONFIG GET y\r\n' \
    '*4\r\n$4\r\nsave\r\n$0\r\n\r\n$10\r\nappendonly\r\n$2\r\nno\r\n*0\r\n'
  echo INFO | talk | grep -q "^backend:" || fail "INFO names no backend"
}

# What can be read and not done: the connection goes on.
check_refusals() {
  integer='-ERR value is not an integer or out of range\r\n'
  syntax='-ERR syntax error\r\n'
  time="-ERR invalid expire time in 'set' command\r\n"
  wrong='-ERR wrong number of arguments for'
  answers 'NO"\\r\\nsuch"\r\nPING\r\n' \
    "-ERR unknown command 'NO  such'\r\n+PONG\r\n"
  answers 'GET\r\nget a b\r\n' \
    "$wrong 'get' command\r\n$wrong 'get' command\r\n"
  answers 'DEL\r\nPING a b\r\n' \
    "$wrong 'del' command\r\n$wrong 'ping' command\r\n"
  answers 'SET a b c\r\nSET a b EX\r\nSET a b NX XX\r\nSET a b EX 1 PX 1\r\n' \
    "$syntax$syntax$syntax$syntax"
  answers 'SET a b EX x\r\nSET a b EX 0\r\nSET a b PX 9223372036854775807\r\n' \
    "$integer$time$time"
  answers 'SET a 9223372036854775807\r\nINCR a\r\nSET a 01\r\nINCR a\r\n' \
    "+OK\r\n-ERR increment or decrement would overflow\r\n+OK\r\n$integer"
  answers 'SELECT 1\r\nSELECT x\r\n' \
    "-ERR DB index is out of range\r\n$integer"
  answers 'CONFIG SET a b\r\n' '-ERR only CONFIG GET is known here\r\n'
}

check_expiry() {
  answers 'SET e 1 PX 1\r\nSET f 1 EX 1000\r\nINCR f\r\nSET g 1 PX 100000\r\n' \
    '+OK\r\n+OK\r\n:2\r\n+OK\r\n'
  sleep 0.05
  answers 'EXISTS e f g\r\nGET e\r\nSET e 2 NX\r\nFLUSHALL\r\n' \
    ':2\r\n$-1\r\n+OK\r\n+OK\r\n'
  answers 'SET e 1 PX 1\r\nSET h 1 PX 1\r\n' '+OK\r\n+OK\r\n'
  eventually "what has expired is gone" is_empty
}

is_empty() {
  [ "$(echo DBSIZE | talk | tr -d '\r')" = :0 ]
}

# ---- What cannot be read ----

# broken REQUESTS WORDS [REPLIES]: the client is told, and the connection ended.
broken() {
  answers "$1" "${3:-}-ERR Protocol error: $2\r\n" --open
}

check_broken() {
  broken '*x\r\n' 'invalid multibulk length'
  broken '*\r\n' 'invalid multibulk length'
  broken '*1\rx' 'invalid multibulk length'
  broken '*1048577\r\n' 'invalid multibulk length'
  broken '*99999999999999999999\r\n' 'invalid multibulk length'
  broken '*1\r\nPING\r\n' "expected '\$', got 'P'"
  broken '*1\r\n\r\n' "expected '\$', got '?'"
  broken '*1\r\n$-1\r\n' 'invalid bulk length'
  broken '*1\r\n$4x' 'invalid bulk length'
  broken '*1\r\n$67108865\r\n' 'invalid bulk length'
  broken '*1\r\n$67108864\r\n' 'too big request'
  broken '*1\r\n$18446744073709551615\r\n' 'invalid bulk length'
  broken '*1\r\n$4\r\nPINGxx' 'no CRLF behind a bulk string'
  broken 'SET a "b\r\n' 'unbalanced quotes in request'
  broken 'SET a "b"c\r\n' 'unbalanced quotes in request'
  broken "SET a '\r\n" 'unbalanced quotes in request'
  broken 'PING\r\n*2\r\n$4\r\nPING\r\n!' "expected '\$', got '!'" '+PONG\r\n'
  answers 'POST / HTTP/1.1\r\nHost: a\r\nSET a 1\r\n' '' --open
  answers 'EXISTS a\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n' ':0\r\n'

  # A line without an end, and much behind an error, which has to be heard.
  head -c 300000 /dev/zero | tr '\0' x >"$tmp/much"
  echo '-ERR Protocol error: too big inline request' >"$tmp/replies"
  talk --open <"$tmp/much" | tr -d '\r' >"$tmp/answer"
  cmp "$tmp/replies" "$tmp/answer" || fail "a line without an end"
}

# What is announced takes no memory before it comes.
check_announced() {
  before=$(resident "$pid")
  clients=
  for _ in 1 2 3 4 5 6 7 8; do
    printf '*1048576\r\n$67000000\r\n' |
      "$bin/talk" --connect "$address" --open >"$tmp/announced" 2>&1 &
    clients="$clients $!"
  done
  pids="$pids $clients"
  sleep 0.3
  not_above "announced" $((before + 4096))
  for one in $clients; do
    kill "$one"
    wait "$one"
  done 2>/dev/null
}

# ---- In any pieces ----

check_pieces() {
  all='*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\n\r\n$1\r\r\nGET "k"\r\n*1\r\n$4\r\n'
  told='+OK\r\n$5\r\n\r\n$1\r\r\n+PONG\r\n$-1\r\n+OK\r\n'
  answers "${all}PING\r\nGET none\r\n\r\n*0\r\nQUIT\r\n" "$told" --cuts
  answers "${all}PING\r\nGET none\r\n\r\n*0\r\nQUIT\r\n" "$told" --bytes
  answers 'PING\n*1\r\n$4\r\nPINGno' \
    '+PONG\r\n-ERR Protocol error: no CRLF behind a bulk string\r\n' --cuts
}

# Ten thousand at once, and a request of as many words.
check_many() {
  awk 'BEGIN {
    for (i = 0; i < 10000; i++)
      printf "*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$%d\r\n%d\r\nGET key:%d\r\n",
        length(i) + 4, i, length(i * i), i * i, i
    printf "*10001\r\n$3\r\nDEL\r\n"
    for (i = 0; i < 10000; i++)
      printf "$%d\r\nkey:%d\r\n", length(i) + 4, i
    printf "DBSIZE\r\n"
  }' >"$tmp/requests"
  awk 'BEGIN {
    for (i = 0; i < 10000; i++)
      printf "+OK\r\n$%d\r\n%d\r\n", length(i * i), i * i
    printf ":10000\r\n:0\r\n"
  }' >"$tmp/replies"
  echo FLUSHALL | talk >/dev/null
  talk <"$tmp/requests" >"$tmp/answer" || fail "ten thousand"
  cmp "$tmp/replies" "$tmp/answer" || fail "ten thousand"
}

# ---- Large values, and who does not read ----

# bulk FILE: as a reply, or a part of a request.
bulk() {
  printf '$%d\r\n' "$(wc -c <"$1")"
  cat "$1"
  printf '\r\n'
}

check_large() {
  head -c 3000000 /dev/urandom >"$tmp/value"
  head -c 3000000 /dev/urandom >"$tmp/other"
  printf '*3\r\n$3\r\nSET\r\n$1\r\nv\r\n' >"$tmp/set"
  printf 'GET v\nGET v\nGET v\nGET v\nGET v\nGET v\nGET v\nGET v\n' >"$tmp/gets"
  bulk "$tmp/value" >"$tmp/old"
  bulk "$tmp/other" >"$tmp/new"
  {
    cat "$tmp/set" "$tmp/old"
    printf 'GET v\r\nGET v\r\n'
    cat "$tmp/set" "$tmp/new"
    printf 'GET v\r\nDEL v\r\nGET v\r\n'
  } >"$tmp/requests"
  {
    printf '+OK\r\n'
    cat "$tmp/old" "$tmp/old"
    printf '+OK\r\n'
    cat "$tmp/new"
    printf ':1\r\n$-1\r\n'
  } >"$tmp/replies"
  talk <"$tmp/requests" >"$tmp/answer" || fail "large values"
  cmp "$tmp/replies" "$tmp/answer" || fail "large values"
  check_half_closed
  check_replaced
}

# Their end has come long before they have read all, and its last part is small.
check_half_closed() {
  head -c 200000 "$tmp/value" >"$tmp/small"
  printf '*3\r\n$3\r\nSET\r\n$1\r\nv\r\n' >"$tmp/requests"
  printf '+OK\r\n' >"$tmp/replies"
  bulk "$tmp/small" >>"$tmp/requests"
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    printf 'GET v\nGET v\nGET v\nGET v\nGET v\n' >>"$tmp/requests"
    for _ in 1 2 3 4 5; do
      bulk "$tmp/small"
    done >>"$tmp/replies"
  done
  talk <"$tmp/requests" >"$tmp/answer" || fail "half-closed"
  cmp "$tmp/replies" "$tmp/answer" || fail "half-closed"
}

# Values are not copied: one that is replaced while it is on its way to someone
# who does not read stays what it was for him.
check_replaced() {
  cat "$tmp/set" "$tmp/old" | talk >/dev/null
  : >"$tmp/deaf"
  "$bin/talk" --connect "$address" --late "$tmp/now" <"$tmp/gets" \
    >"$tmp/late" 2>"$tmp/deaf" &
  deaf=$!
  pids="$pids $deaf"
  eventually "no more is taken" grep -q stuck "$tmp/deaf"
  cat "$tmp/set" "$tmp/new" | talk >/dev/null
  : >"$tmp/now"
  wait "$deaf" || fail "a value that is replaced: $(cat "$tmp/deaf")"
  rm "$tmp/now"
  size=$(wc -c <"$tmp/old")
  split -b "$((size))" "$tmp/late" "$tmp/part."
  equal "values" 8 "$(find "$tmp" -name 'part.*' | wc -l)"
  for part in "$tmp"/part.*; do
    cmp -s "$tmp/old" "$part" || cmp -s "$tmp/new" "$part" ||
      fail "a value that is replaced: $part"
  done
  cmp "$tmp/old" "$tmp/part.aa" || fail "a value that is replaced too early"
  cmp "$tmp/new" "$tmp/part.ah" || fail "a value that is not replaced"
  rm "$tmp"/part.*
  echo FLUSHALL | talk >/dev/null
}

large_echoes() {
  awk -v command="$1" 'BEGIN {
    for (i = 0; i < 1000; i++)
      line = line "0123456789"
    for (i = 0; i < 3000; i++)
      printf "%s$%d\r\n%s%d\r\n", command, 10000 + length(i), line, i
  }'
}

# Who sends and does not read is not read from either, for as long: it costs
# little, others are served, and in the end nothing is missing.
check_deaf() {
  large_echoes '*2\r\n$4\r\nECHO\r\n' >"$tmp/echoes"
  large_echoes '' >"$tmp/expected"
  before=$(resident "$pid")
  : >"$tmp/deaf"
  "$bin/talk" --connect "$address" --late "$tmp/now" <"$tmp/echoes" \
    >"$tmp/late" 2>"$tmp/deaf" &
  deaf=$!
  pids="$pids $deaf"
  eventually "no more is taken" grep -q stuck "$tmp/deaf"
  not_above "who does not read" $((before + 8192))
  answers 'PING\r\n' '+PONG\r\n'
  : >"$tmp/now"
  wait "$deaf" || fail "who reads late: $(cat "$tmp/deaf")"
  cmp "$tmp/expected" "$tmp/late" || fail "who reads late"
  rm "$tmp/now"
}

# ---- Clients that leave or are too many ----

check_leaving() {
  for options in '--idle' '--send 100K --idle' '--send 100K'; do
    # shellcheck disable=SC2086
    "$bin/demo_peer" --connect "$address" $options --reset >"$tmp/peer" 2>&1 ||
      fail "peer $options: $(cat "$tmp/peer")"
  done
  "$bin/talk" --connect "$address" --late "$tmp/now" <"$tmp/echoes" \
    >/dev/null 2>&1 &
  deaf=$!
  pids="$pids $deaf"
  sleep 0.2
  kill -KILL "$deaf"
  wait "$deaf" 2>/dev/null
  eventually "all descriptors are closed" has_descriptors "$pid" "$at_rest"
  answers 'PING\r\n' '+PONG\r\n'
}

check_crowd() {
  start sh -c 'ulimit -n 32 && exec "$@"' limited
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  eventually "respd runs out" grep -q 'too many open files' "$log.err"
  sleep 0.3
  equal "lines on stderr" 1 "$(lines "$log")"
  kill "$crowd"
  wait "$crowd" 2>/dev/null
  answers 'PING\r\n' '+PONG\r\n'
  stop_any TERM "$pid" "a crowd"
}

# At the end those that wait see it; one whose replies are lost sees a reset.
check_end() {
  "$bin/talk" --connect "$address" --open </dev/null >"$tmp/idle" 2>&1 &
  idle=$!
  cat "$tmp/set" "$tmp/old" | talk >/dev/null
  : >"$tmp/cut"
  "$bin/talk" --connect "$address" --late "$tmp/now" <"$tmp/gets" \
    >/dev/null 2>"$tmp/cut" &
  cut=$!
  pids="$pids $idle $cut"
  eventually "no more is taken" grep -q stuck "$tmp/cut"
  stop INT "$pid" "$tmp/log"
  : >"$tmp/now"
  grep -q '^backend ' "$tmp/log" || fail "no backend named"
  wait "$idle" || fail "at the end: $(cat "$tmp/idle")"
  ! wait "$cut" || fail "in the middle: an end and no reset"
  rm "$tmp/now"
}

# ---- Want of memory ----

# Each of its allocations fails once: it ends with a line, or a client is cut
# off, or told so; what is answered is right, and so is all from then on.
check_memory() {
  head -c 50000 /dev/zero | tr '\0' v >"$tmp/value"
  {
    printf 'SET a b\r\n*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$50000\r\n'
    cat "$tmp/value"
    printf '\r\nGET v\r\nDEL a v 3 4 5 6 7 8 9\r\nPING\r\n'
  } >"$tmp/requests"
  {
    printf '+OK\r\n+OK\r\n$50000\r\n'
    cat "$tmp/value"
    printf '\r\n:2\r\n+PONG\r\n'
  } >"$tmp/replies"
  for_each_want serves_or_says "$bin/respd" --listen 127.0.0.1:0
  [ $n -gt 10 ] || fail "$n allocations"
}

# Whether all is answered; if not, it has to be told.
is_served() {
  talk <"$tmp/requests" >"$tmp/answer" 2>"$tmp/talk"
  ! cmp -s "$tmp/replies" "$tmp/answer" || return 0
  grep -q 'reset\|broken pipe' "$tmp/talk" ||
    grep -q '^-ERR out of memory' "$tmp/answer" ||
    fail "allocation $n: $(head -c 300 "$tmp/answer")"
  return 1
}

# ---- Its clients ----

cli() {
  redis-cli -h "${address%:*}" -p "${address##*:}" "$@" 2>&1
}

check_cli() {
  if ! command -v redis-cli >/dev/null; then
    skip "redis-cli is not installed"
    return
  fi
  equal "redis-cli ping" PONG "$(cli ping)"
  equal "redis-cli set" OK "$(cli set 'a b' 'c d')"
  equal "redis-cli get" '"c d"' "$(cli --no-raw get 'a b')"
  equal "redis-cli incr" '(integer) 1' "$(cli --no-raw incr n)"
  equal "redis-cli get none" '(nil)' "$(cli --no-raw get none)"
  equal "redis-cli -r" 5 "$(cli -r 5 ping | grep -c PONG)"
  equal "redis-cli command" 14 "$(cli --json command | grep -o '\[\]' | wc -l)"
  echo 'PING' | cli | grep -q PONG || fail "redis-cli, a line"
  # --pipe sends all of it and then looks for its own last ECHO.
  awk 'BEGIN { for (i = 0; i < 10000; i++) printf "SET p%d %d\r\n", i, i }' |
    cli --pipe | grep -q 'errors: 0, replies: 10000' || fail "redis-cli --pipe"
  equal "redis-cli flushall" OK "$(cli flushall)"
}

check_benchmark() {
  if ! command -v redis-benchmark >/dev/null; then
    skip "redis-benchmark is not installed"
    return
  fi
  for shape in '-P 1 -n 500' '-P 16 -n 5000' '-P 100 -d 5000 -n 1000'; do
    # shellcheck disable=SC2086
    timeout 60 redis-benchmark -h "${address%:*}" -p "${address##*:}" \
      -t ping,set,get,incr -r 1000 --csv $shape >"$tmp/benchmark" 2>&1 ||
      fail "redis-benchmark $shape: $(tail -n 3 "$tmp/benchmark")"
    ! grep -i 'error\|warning' "$tmp/benchmark" || fail "redis-benchmark $shape"
    equal "lines of redis-benchmark $shape" 6 \
      "$(grep -c '^"' "$tmp/benchmark")"
  done
}

# ---- All of it ----

check_respd() {
  start env
  check_commands
  check_refusals
  check_expiry
  check_broken
  check_announced
  check_pieces
  check_many
  check_cli
  check_benchmark
  check_large
  check_deaf
  check_leaving
  refuses_addresses "$bin/respd"
  check_end
  check_crowd
}

refuses_misuse "$bin/respd"
on_each_backend check_respd
if can_preload; then
  # What the loop allocates, smoke-want.sh has fail on each.
  [ -n "$wanted" ] || modes='uring-ring uv'
  on_each_backend check_memory
fi
