#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The programs of docs/guide.md: each does what it is there for, goes on when
# descriptors or memory have run out, and gets rid of peers that are gone. Run
# it through make, which knows how to link.

. "${srcdir:-.}/tests/smoke.sh"

if [ -z "${LINK:-}" ]; then
  echo "make check says how to link"
  exit 77
fi

guide=$tmp/guide
mkdir "$guide"

# build NAME SOURCE
build() {
  eval "$LINK -o $guide/$1 $2 $LINK_LIBS" >"$tmp/link" 2>&1 ||
    fail "$(cat "$tmp/link")"
}

# The second of each has no patience, so that it is seen to have an end.
build_all() {
  for name in echo talk lines relay files orderly demux; do
    source=${srcdir:-.}/docs/guide/$name.c
    build $name "$source"
    sed 's/IDLE_MS = [0-9]*/IDLE_MS = 300/' "$source" >"$tmp/hasty.c"
    build "hasty-$name" "$tmp/hasty.c"
  done
  [ ! -x "$guide/.libs/echo" ] || guide=$guide/.libs
}

works() {
  "$bin/demo_peer" --connect "$address" --send 1M --expect 1M >"$tmp/peer" 2>&1
}

bounded=
! timeout 1 true 2>/dev/null || bounded='timeout 30'

# What the server says to the standard input, in $tmp/said.
say() {
  $bounded "$guide/talk" "${address##*:}" >"$tmp/said" 2>"$tmp/said.err"
}

# Ends a server that ends by the signal.
kill_server() {
  kill -0 "$pid" 2>/dev/null || fail "the server ended by itself"
  kill "$pid"
  wait "$pid" 2>/dev/null
}

# With io_uring the kernel keeps the port of one that was killed for a moment.
refused() {
  ! say </dev/null && grep -q 'connect: connection refused' "$tmp/said.err"
}

# limited NUMBER PROGRAM...: with so many descriptors.
limited() {
  exec sh -c 'ulimit -n "$1" && shift && exec "$@"' limited "$@"
}

# ---- Each program ------------------------------------------------------------

check_echo() {
  serve "$tmp/log" "$guide/echo" 0
  peer --send 4M --expect 4M
  before=$(descriptors "$pid")
  peer --idle --reset
  peer --send 100K --idle --reset
  peer --send 32M --idle --reset
  peer
  eventually "all descriptors are closed" has_descriptors "$pid" "$before"
  kill_server

  # One that says nothing, and one that takes nothing.
  serve "$tmp/log" "$guide/hasty-echo" 0
  peer --idle --expect-reset
  mkfifo "$tmp/full"
  : >"$tmp/talk.err"
  head -c 64000000 /dev/zero | "$guide/talk" "${address##*:}" >"$tmp/full" \
    2>"$tmp/talk.err" &
  talking=$!
  pids="$pids $talking"
  exec 4<"$tmp/full"
  eventually "who takes nothing is cut" grep -q 'reset' "$tmp/talk.err"
  exec 4>&-
  wait "$talking" && fail "cut, and no error"
  rm "$tmp/full"
  kill_server
}

# A file, a pipe, and a terminal's silence as the standard input.
check_talk() {
  serve "$tmp/log" "$guide/echo" 0
  head -c 300000 /dev/urandom >"$tmp/bytes"
  say <"$tmp/bytes" || fail "talk: $(cat "$tmp/said.err")"
  cmp "$tmp/bytes" "$tmp/said" || fail "talk printed something else"
  # shellcheck disable=SC2002
  cat "$tmp/bytes" | say || fail "talk: $(cat "$tmp/said.err")"
  cmp "$tmp/bytes" "$tmp/said" || fail "talk printed something else"
  kill_server
  eventually "nobody is there" refused

  serve "$tmp/log" "$bin/demo_peer" --listen 127.0.0.1:0 --send 20
  mkfifo "$tmp/silence"
  sleep 300 >"$tmp/silence" &
  silence=$!
  pids="$pids $silence"
  say <"$tmp/silence" || fail "talk to the silent: $(cat "$tmp/said.err")"
  equal "bytes of talk to the silent" 20 "$(wc -c <"$tmp/said" | tr -d ' ')"
  kill "$silence"
  wait "$silence" 2>/dev/null
  rm "$tmp/silence"
}

# lines_work: many at once, an empty one, and one without an end.
lines_work() {
  awk 'BEGIN { for (i = 0; i < 5000; i++) print i * i; print ""; printf "x" }' \
    >"$tmp/lines"
  say <"$tmp/lines" || fail "lines: $(cat "$tmp/said.err")"
  sed '$d' "$tmp/lines" | awk '{ print length($0), $0 }' >"$tmp/answers"
  cmp "$tmp/answers" "$tmp/said" || fail "lines: another answer"
}

check_lines() {
  serve "$tmp/log" "$guide/lines" 0
  lines_work
  before=$(descriptors "$pid")
  {
    echo first
    head -c 70000 /dev/zero | tr '\0' x
    echo
  } | say || fail "a long line: $(cat "$tmp/said.err")"
  equal "answer to a long line" "5 first too long" "$(tr '\n' ' ' <"$tmp/said" |
    sed 's/ $//')"
  peer --idle --reset
  eventually "all descriptors are closed" has_descriptors "$pid" "$before"
  kill_server

  serve "$tmp/log" "$guide/hasty-lines" 0
  peer --idle --expect-reset
  kill_server
}

# between SINK_OPTIONS [RELAY]: a relay between such a sink and us.
between() {
  # shellcheck disable=SC2086
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 $1
  sink=$pid
  serve "$tmp/log" "$guide/${2:-relay}" 0 "${address##*:}"
}

sink_ends() {
  wait "$sink" || fail "sink, $1: $(head -n 5 "$tmp/sink.err")"
}

# Each side ends before the other one has sent all; errors pass as resets.
check_relay() {
  between "--expect 4M --send 3M"
  peer --send 4M --expect 3M
  sink_ends "both ways"
  kill_server
  between "--expect 2M --send 1 --rcvbuf 16K --slow"
  peer --send 2M --expect 1
  sink_ends "slow"
  kill_server
  between "--idle --expect-reset --expect 20K"
  peer --send 20K --idle --reset
  sink_ends "reset"
  kill_server
  between "--send 20K --idle --reset"
  peer --idle --expect-reset --expect 20K
  sink_ends "reset"
  peer --idle --expect-reset # nobody listens there any more
  kill_server
  between "--idle --expect-reset" hasty-relay
  peer --idle --expect-reset
  sink_ends "silent"
  kill_server
}

greets() {
  echo hello | say
}

# Words go to a server of lines, all else to one that echoes: told by what they
# say. The end of each side is passed on by itself.
check_demux() {
  serve "$tmp/words" "$guide/lines" 0
  words=$pid
  words_port=${address##*:}
  serve "$tmp/others" "$guide/echo" 0
  others=$pid
  serve "$tmp/log" "$guide/demux" 0 "$words_port" "${address##*:}"
  awk 'BEGIN { for (i = 0; i < 5000; i++) print "x" i * i }' >"$tmp/lines"
  awk '{ print length($0), $0 }' "$tmp/lines" >"$tmp/answers"
  { printf '\000' && head -c 3000000 /dev/urandom; } >"$tmp/bytes"
  before=$(descriptors "$pid")
  say <"$tmp/lines" || fail "words: $(cat "$tmp/said.err")"
  cmp "$tmp/answers" "$tmp/said" || fail "words: another answer"
  say <"$tmp/bytes" || fail "others: $(cat "$tmp/said.err")"
  cmp "$tmp/bytes" "$tmp/said" || fail "others: another answer"
  peer # gone before the first byte
  peer --send 32M --idle --reset
  eventually "all descriptors are closed" has_descriptors "$pid" "$before"
  "$bin/demo_peer" --connect "$address" --idle --expect-reset \
    >"$tmp/peer" 2>&1 &
  cut=$!
  pids="$pids $cut"
  eventually "one is there" has_descriptors "$pid" $((before + 1))
  stop TERM "$pid" "$tmp/log"
  wait "$cut" || fail "at the end: $(cat "$tmp/peer")"

  serve "$tmp/log" "$guide/hasty-demux" 0 "$words_port" "$words_port"
  peer --idle --expect-reset
  { echo hello && sleep 0.6; } | say && fail "the silent is not cut"
  equal "answer to the silent" "5 hello" "$(cat "$tmp/said")"
  kill "$words" "$others"
  wait "$words" "$others" 2>/dev/null
  peer --send 1 --idle --expect-reset # nobody listens there any more
  kill_server
}

# ask NAME: the file.
ask() {
  echo "$1" | say
}

check_files() {
  rm -rf "$tmp/dir"
  mkdir "$tmp/dir" "$tmp/dir/sub"
  : >"$tmp/dir/empty"
  echo small >"$tmp/dir/small"
  head -c 3000000 /dev/urandom >"$tmp/dir/large"
  mkfifo "$tmp/dir/fifo"
  ln -s small "$tmp/dir/link"
  echo secret >"$tmp/secret"
  serve "$tmp/log" "$guide/files" 0 "$tmp/dir"
  before=$(descriptors "$pid")
  for name in empty small large; do
    ask $name || fail "$name: $(cat "$tmp/said.err")"
    cmp "$tmp/dir/$name" "$tmp/said" || fail "$name is not what came"
  done
  for name in none sub fifo link ../secret .. ''; do
    ! ask "$name" || fail "$name was sent: $(cat "$tmp/said")"
  done

  # More than there are buffers.
  asking=
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    echo large | "$guide/talk" "${address##*:}" >"$tmp/large.$i" &
    asking="$asking $!"
    pids="$pids $!"
  done
  for one in $asking; do
    wait "$one" || fail "one of twenty"
  done
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    cmp "$tmp/dir/large" "$tmp/large.$i" || fail "one of twenty differs"
    rm "$tmp/large.$i"
  done
  eventually "all descriptors are closed" has_descriptors "$pid" "$before"
  kill_server

  serve "$tmp/log" "$guide/hasty-files" 0 "$tmp/dir"
  peer --idle --expect-reset
  waits_no_more
  kill_server
}

# Some take nothing and keep the buffers, some wait for one; all are cut, and
# the next one is served.
waits_no_more() {
  dd if=/dev/zero of="$tmp/dir/huge" bs=1 count=0 seek=64000000 2>/dev/null
  mkfifo "$tmp/full"
  exec 4<>"$tmp/full"
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    echo huge | "$guide/talk" "${address##*:}" >"$tmp/full" 2>/dev/null 4<&- &
    pids="$pids $!"
  done
  eventually "small is sent in haste" ask small
  exec 4<&-
  rm "$tmp/full"
}

# All end in order: one that is idle, one in the middle of a line.
check_orderly() {
  serve "$tmp/log" "$guide/orderly" 0
  lines_work
  mkfifo "$tmp/open"
  "$guide/talk" "${address##*:}" <"$tmp/open" >"$tmp/talk" 2>"$tmp/talk.err" &
  talking=$!
  pids="$pids $talking"
  exec 3>"$tmp/open"
  rm "$tmp/open"
  "$bin/demo_peer" --connect "$address" >/dev/null 2>&1 # gone already
  printf 'one\ntw' >&3
  eventually "an answer" grep -q '^3 one$' "$tmp/talk"
  stop TERM "$pid" "$tmp/log"
  wait "$talking" || fail "at the end: $(cat "$tmp/talk.err")"
  exec 3>&-
  equal "answers" "3 one" "$(cat "$tmp/talk")"

  # One that does not go is waited for, and cut when it is asked again.
  serve "$tmp/log" "$guide/orderly" 0
  "$bin/demo_peer" --connect "$address" --idle --expect-reset \
    >"$tmp/peer" 2>&1 &
  stuck=$!
  pids="$pids $stuck"
  lines_work
  kill "$pid"
  eventually "nobody listens" refused
  kill -0 "$pid" 2>/dev/null || fail "did not wait"
  stop INT "$pid" "$tmp/log"
  wait "$stuck" || fail "cut: $(cat "$tmp/peer")"
}

# ---- Limits ------------------------------------------------------------------

# crowded PROGRAM...: more clients than descriptors.
crowded() {
  serve "$tmp/log" limited 32 "$@"
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
}

crowd_leaves() {
  kill "$crowd" 2>/dev/null
  wait "$crowd" 2>/dev/null
}

# It says so once, and rests: a spin takes hundreds of ticks.
runs_out() {
  eventually "$1 runs out" grep -q 'accept: too many open files' "$log.err"
  sleep 0.5
  kill -0 "$pid" 2>/dev/null || fail "$1 ended: $(head -n 5 "$log.err")"
  equal "lines of $1 on stderr" 1 "$(lines "$log")"
  crowd_leaves
}

check_descriptors() {
  crowded "$guide/echo" 0
  runs_out echo
  eventually "echo works again" works
  kill_server
  crowded "$guide/lines" 0
  runs_out lines
  lines_work
  kill_server
  crowded "$guide/orderly" 0
  runs_out orderly
  lines_work
  stop_any TERM "$pid" orderly
  mkdir -p "$tmp/dir"
  echo small >"$tmp/dir/small"
  crowded "$guide/files" 0 "$tmp/dir"
  runs_out files
  eventually "files works again" ask small
  kill_server
  serve "$tmp/sink" "$guide/lines" 0
  sink=$pid
  crowded "$guide/demux" 0 "${address##*:}" "${address##*:}"
  runs_out demux
  eventually "demux works again" greets
  stop_any TERM "$pid" demux
  kill "$sink"
  wait "$sink" 2>/dev/null
  serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
  sink=$pid
  crowded "$guide/relay" 0 "${address##*:}"
  sleep 0.5
  crowd_leaves
  eventually "relay works again" works
  kill_server
  kill "$sink"
  wait "$sink"
}

# starved WORKS PROGRAM...: the first connection finds no memory and waits.
starved() {
  works=$1
  shift
  : >"$tmp/scarce"
  serve "$tmp/log" env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" "$@"
  $works &
  peer=$!
  eventually "$1 finds no memory" grep -q 'not enough memory' "$log.err"
  sleep 0.3
  equal "lines of $1 on stderr" 1 "$(lines "$log")"
  rm "$tmp/scarce"
  wait "$peer" || fail "$1 without memory: $(cat "$tmp/peer" "$tmp/said.err")"
}

check_memory() {
  starved works "$guide/echo" 0
  kill_server
  starved lines_work "$guide/lines" 0
  kill_server
  starved lines_work "$guide/orderly" 0
  stop_any TERM "$pid" orderly
  serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
  sink=$pid
  starved works "$guide/relay" 0 "${address##*:}"
  kill_server
  kill "$sink"
  wait "$sink"
}

check_guide() {
  check_echo
  check_talk
  check_lines
  check_relay
  check_files
  check_orderly
  check_demux
}

build_all
on_each_backend check_guide
on_each_backend check_descriptors
if can_preload; then
  on_each_backend check_memory
fi
