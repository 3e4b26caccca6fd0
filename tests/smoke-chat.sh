#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/chat, with netcat for its people: lines of any length from one to all
# others, one who does not listen, the end.

. "${srcdir:-.}/tests/smoke.sh"

nc -h 2>&1 | grep -q -- '-N' || {
  echo "there is no nc with -N"
  exit 77
}

# person NAME DESCRIPTOR: what is written to the descriptor he says, what he
# hears is in $tmp/NAME. Sets pid.
person() {
  mkfifo "$tmp/$1.fifo"
  nc -N "${address%:*}" "${address##*:}" <"$tmp/$1.fifo" >"$tmp/$1" 2>&1 \
    4>&- 5>&- 6>&- &
  pid=$!
  pids="$pids $pid"
  eval "exec $2>\"\$tmp/$1.fifo\""
  rm "$tmp/$1.fifo"
}

# has_heard NAME TEXT
has_heard() {
  grep -qsxF "$2" "$tmp/$1"
}

hears() {
  eventually "$1 hears $2" has_heard "$1" "$2"
}

has_lines() {
  [ "$(grep -c "$2" "$tmp/$1")" -ge "$3" ]
}

is_here() {
  [ "$(descriptors "$server")" = "$1" ]
}

long() {
  printf '%*s' "$1" '' | tr ' ' "$2"
}

# He hears what he says himself from nobody, so each waits for the others.
check_lines() {
  person anna 4
  anna=$pid
  eventually "anna is there" is_here "$((empty + 1))"
  person bert 5
  eventually "bert is there" is_here "$((empty + 2))"
  person cleo 6
  eventually "cleo is there" is_here "$((empty + 3))"
  echo hello >&4
  hears bert '1: hello'
  hears cleo '1: hello'
  printf 'one\ntwo\n\nthree' >&5
  hears anna '2: two'
  hears cleo '2: '
  equal "her own lines" 0 "$(grep -c '^1' "$tmp/anna")"
  ! grep -q three "$tmp/anna" || fail "a line was cut"
  exec 5>&-
  hears anna '2: three'
  hears cleo '2: three'
  eventually "bert is gone" is_here "$((empty + 2))"
}

# 4096 bytes are the most of one line.
check_long_lines() {
  { long 4096 a && long 4096 b && long 10 c && echo; } >&4
  hears cleo "1: $(long 4096 a)"
  hears cleo "1: $(long 4096 b)"
  hears cleo "1: $(long 10 c)"
}

# Who does not listen is dropped, and all others hear everything.
check_water() {
  person dora 5
  dora=$pid
  eventually "dora is there" is_here "$((empty + 3))"
  kill -STOP "$dora"
  line=$(long 1000 x)
  said=0
  until is_here "$((empty + 2))"; do
    i=0
    while [ $i -lt 500 ]; do
      echo "$line"
      i=$((i + 1))
    done >&4
    said=$((said + 500))
    [ $said -lt 50000 ] || fail "dora is never dropped"
    eventually "cleo listens" has_lines cleo "^1: $line\$" $said
  done
  equal "lines" $said "$(grep -c "^1: $line\$" "$tmp/cleo")"
  kill -CONT "$dora"
  exec 5>&-
}

check_chat() {
  serve "$tmp/log" "$bin/chat" --listen 127.0.0.1:0 --high-water 64K --stats
  server=$pid
  empty=$(descriptors "$server")
  check_lines
  check_long_lines
  check_water
  refuses_addresses "$bin/chat"
  echo bye >&6
  hears anna '3: bye'
  stop TERM "$server" "$tmp/log"
  exec 4>&- 6>&-
  eventually "anna hears the end" ended "$anna"
}

refuses_misuse "$bin/chat"
refuses 2 "number of bytes" "$bin/chat" --listen 127.0.0.1:0 --high-water 0
on_each_backend check_chat
