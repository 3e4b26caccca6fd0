#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/wal: what it answers is in the log, whoever sends it and whenever it
# is killed; what is torn is dropped, what is damaged is not; a sync that failed
# is final. WAL_KILLS (9) times it is killed; with it set, nothing else is
# tried.

. "${srcdir:-.}/tests/smoke.sh"

dir=$tmp/wal

# wal OPTION... : its segments are small, so that there are many.
wal() {
  timeout 60 "$bin/wal" --segment 64K "$@"
}

anew() {
  rm -rf "$dir"
  mkdir "$dir"
}

# records FILE: what is in the log.
records() {
  wal --print "$dir" >"$1" || fail "--print: status $?"
}

count() {
  wc -l <"$1" | tr -d ' '
}

# lines NAME FROM [TO]: lines of all lengths, which say whose they are.
lines_of() {
  awk -v name="$1" -v from="$2" -v to="${3:-0}" 'BEGIN {
    for (filler = "x"; length(filler) < 32000; )
      filler = filler filler
    for (i = from; to == 0 || i <= to; i++)
      print name, i, substr(filler, 1, i * 7919 % (i % 50 ? 997 : 32000))
  }'
}

# ---- What is answered, is there ----

check_lines() {
  anew
  lines_of a 1 5000 >"$tmp/lines"
  wal --stats "$dir" <"$tmp/lines" >"$tmp/answers" || fail "5000 lines"
  grep -q '^backend ' "$tmp/answers" || fail "no backend is named"
  commits=$(sed -n 's/^records 5000, commits //p' "$tmp/answers")
  [ "${commits:-5000}" -lt 1000 ] || fail "$commits commits of 5000 lines"
  head -n 5000 "$tmp/answers" >"$tmp/numbers"
  awk 'BEGIN { for (i = 1; i <= 5000; i++) print i }' |
    cmp - "$tmp/numbers" || fail "the answers"
  records "$tmp/all"
  cmp "$tmp/lines" "$tmp/all" || fail "the records"

  # Empty lines, every byte but that of the end, and the longest.
  anew
  { printf '\n\0\001\377\r\n\n' && head -c 32768 /dev/zero && echo; } \
    >"$tmp/lines"
  equal "the last answer" 4 "$(wal "$dir" <"$tmp/lines" | tail -n 1)"
  records "$tmp/all"
  cmp "$tmp/lines" "$tmp/all" || fail "lines of any bytes"
  head -c 32769 /dev/zero >"$tmp/long"
  echo >>"$tmp/long"
  refuses 1 "message too long" wal "$dir" <"$tmp/long"
  head -c 90000 /dev/zero >"$tmp/long"
  refuses 1 "message too long" wal "$dir" <"$tmp/long"
  printf 'no end' >"$tmp/long"
  refuses 1 "without its end" wal "$dir" <"$tmp/long"
  wal "$dir" </dev/null >/dev/null || fail "no lines at all"
  records "$tmp/all"
  cmp "$tmp/lines" "$tmp/all" || fail "what is no line was taken for one"
}

check_refusals() {
  refuses 1 "no such file" wal "$tmp/missing"
  refuses 1 "no such file" wal --print "$tmp/missing"
  refuses 1 "not a directory" wal "$bin/wal"
  refuses 2 "not 64K to 1G" "$bin/wal" --segment 1K "$dir"
  refuses 2 "not together" "$bin/wal" --listen 127.0.0.1:0 --print "$dir"
  anew
  serve "$tmp/log" "$bin/wal" --listen 127.0.0.1:0 "$dir"
  refuses 1 "busy" wal "$dir"
  refuses 1 "address already in use" wal --listen "$address" "$(mktemp -d \
    "$tmp/other.XXXXXX")"
  stop TERM "$pid" "$tmp/log"
  wal "$dir" </dev/null || fail "a log that was in use"
}

# ---- Many at a time ----

# talkers ATTEMPT LINES: four clients at a time.
talkers() {
  talkers=
  for who in 1 2 3 4; do
    lines_of "$1.$who" 1 "$2" >"$tmp/said.$who"
    "$bin/talk" --connect "$address" <"$tmp/said.$who" >"$tmp/heard.$who" \
      2>"$tmp/talk.$who" &
    talkers="$talkers $!"
  done
  pids="$pids $talkers"
}

# Each answer to a client is the number of that line; of what the log has of it
# beside, there is its beginning, once and in order.
were_told() {
  for who in 1 2 3 4; do
    awk -v name="$1.$who" -v heard="$tmp/heard.$who" -v said="$tmp/said.$who" '
      $1 == name { at[++n] = NR; record[n] = $0 }
      END {
        for (i = 1; (getline line <heard) > 0 && line != ""; i++)
          if (line != at[i] && !(index(at[i], line) == 1 && last(heard))) {
            print "line " i " of " name ": answered " line ", is at " at[i]
            exit 1
          }
        for (i = 1; i <= n; i++)
          if ((getline line <said) <= 0 || line != record[i]) {
            print "record " at[i] " is not line " i " of " name
            exit 1
          }
        exit i - 1 < least
      }
      # The last answer may have been cut.
      function last(file) { return (getline line <file) <= 0 }' \
      least="$2" "$tmp/all" || fail "client $who of $1"
  done
}

check_clients() {
  anew
  serve "$tmp/log" "$bin/wal" --segment 64K --listen 127.0.0.1:0 --stats "$dir"
  at_rest=$(descriptors "$pid")
  talkers all 1500
  for one in $talkers; do
    wait "$one" || fail "a client: $(cat "$tmp"/talk.*)"
  done
  equal "answers" 6000 "$(cat "$tmp"/heard.* | sort -u | wc -l | tr -d ' ')"

  # Those that leave, and a line that is none.
  "$bin/demo_peer" --connect "$address" --idle --reset >/dev/null 2>&1
  printf 'no end' | "$bin/talk" --connect "$address" >"$tmp/heard" 2>&1
  equal "lines of it" 1 "$(lines "$tmp/log")"
  eventually "all descriptors are closed" has_fewer_descriptors
  stop_any INT "$pid" "all"
  records "$tmp/all"
  equal "records" 6000 "$(count "$tmp/all")"
  were_told all 1500
}

# Two segments may be open by now.
has_fewer_descriptors() {
  [ "$(descriptors "$pid")" -le $((at_rest + 2)) ]
}

check_crowd() {
  anew
  serve "$tmp/log" sh -c 'ulimit -n 40 && exec "$@"' limited "$bin/wal" \
    --segment 64K --listen 127.0.0.1:0 "$dir"
  "$bin/demo_peer" --connect "$address" --idle --crowd >/dev/null 2>&1 &
  crowd=$!
  pids="$pids $crowd"
  eventually "wal runs out" grep -q 'too many open files' "$tmp/log.err"
  sleep 0.3
  kill "$crowd"
  wait "$crowd" 2>/dev/null
  talkers crowd 200
  for one in $talkers; do
    wait "$one" || fail "after a crowd: $(cat "$tmp"/talk.*)"
  done
  stop_any TERM "$pid" "a crowd"
  records "$tmp/all"
  were_told crowd 200
}

# ---- Torn, and damaged ----

# Records of 32 bytes, in batches of ten.
two_batches() {
  anew
  for from in 11 21; do
    awk -v from=$from 'BEGIN {
      for (i = from; i < from + 10; i++)
        print "record number " i
    }' | wal "$dir" >/dev/null || fail "ten lines"
  done
  records "$tmp/whole"
}

# garble OFFSET [NAME]
garble() {
  printf X | dd of="$dir/${2:-00000001.wal}" bs=1 seek="$1" conv=notrunc \
    2>/dev/null
}

# is_torn OFFSET RECORDS: so many are left, and none comes back later.
is_torn() {
  two_batches
  garble "$1"
  records "$tmp/all"
  head -n "$2" "$tmp/whole" | cmp - "$tmp/all" || fail "torn at $1"
  echo 'record that came' | wal "$dir" >"$tmp/answers" || fail "torn at $1"
  equal "the next number" $(($2 + 1)) "$(cat "$tmp/answers")"
  records "$tmp/all"
  { head -n "$2" "$tmp/whole" && echo 'record that came'; } |
    cmp - "$tmp/all" || fail "behind what was torn at $1"
}

# is_damaged OFFSET RECORD [NAME]: nothing is dropped.
is_damaged() {
  garble "$1" "${3:-}"
  cat "$dir"/0*.wal | cksum >"$tmp/sum"
  refuses 1 "record $2 is damaged" wal "$dir" </dev/null
  wal --print "$dir" >/dev/null 2>&1 && fail "damaged at $1: status 0"
  cat "$dir"/0*.wal | cksum | cmp - "$tmp/sum" || fail "damaged at $1: changed"
}

check_torn() {
  is_torn 639 19 # its last byte
  is_torn 450 14 # others of its batch are whole
  is_torn 324 10 # its first record
  is_torn 700 20 # behind the last record
  two_batches
  is_damaged 150 5
  is_damaged 20 1

  anew
  lines_of b 1 1000 | wal "$dir" >/dev/null
  cp "$dir/00000002.wal" "$tmp/second"
  tr '\0' '\n' <"$tmp/second" | grep -a '^b [0-9]* x' >"$tmp/second.txt"
  first=$(sed 's/^b \([0-9]*\) .*/\1/;q' "$tmp/second.txt")
  is_damaged 100 "$first" 00000002.wal
  rm "$dir/00000002.wal"
  refuses 1 "no such file" wal "$dir" </dev/null
  cp "$tmp/second" "$dir/00000002.wal"
  lines_of b 1 1000 >"$tmp/lines"
  records "$tmp/all"
  cmp "$tmp/lines" "$tmp/all" || fail "a log that was put together again"
}

# ---- Disks that fail or are full ----

# The first commit fails and a second one would not: nothing is answered, and
# nothing more is tried.
check_failed_sync() {
  anew
  : >"$tmp/scarce.sync"
  lines_of c 1 1000 | env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" \
    "$bin/wal" "$dir" >"$tmp/answers" 2>"$tmp/err"
  equal "status when a sync fails" 1 $?
  [ ! -e "$tmp/scarce.sync" ] || fail "no sync was tried"
  equal "answers" 0 "$(count "$tmp/answers")"
  equal "lines" 1 "$(count "$tmp/err")"
  grep -q 'takes no more' "$tmp/err" || fail "$(cat "$tmp/err")"
}

# What has no room is not answered; with room again it goes on.
check_full_disk() {
  dir=$tmp/full
  mkdir -p "$dir"
  if ! mount -t tmpfs -o size=256k tmpfs "$dir" 2>"$tmp/said"; then
    skip "a full disk: $(head -n 1 "$tmp/said")"
    dir=$tmp/wal
    return
  fi
  lines_of d 1 2000 >"$tmp/lines"
  : >"$tmp/err"
  "$bin/wal" --segment 64K "$dir" <"$tmp/lines" >"$tmp/answers" 2>"$tmp/err" &
  pid=$!
  pids="$pids $pid"
  eventually "no space is left" grep -q 'no space left' "$tmp/err"
  ended "$pid" && fail "it ended on a full disk"
  mount -o remount,size=8m "$dir"
  eventually "it goes on with more space" ended "$pid"
  wait "$pid"
  equal "status with more space" 0 $?
  equal "answers" 2000 "$(count "$tmp/answers")"
  records "$tmp/all"
  umount "$dir"
  dir=$tmp/wal
  cmp "$tmp/lines" "$tmp/all" || fail "the records of a disk that was full"
}

# ---- Want of memory ----

# What it answers is there all the same.
answers_or_says() {
  rm -r "$dir"
  cp -R "$tmp/begun" "$dir"
  tail -n +2 "$tmp/lines" | (wanting "$bin/wal" --segment 64K "$dir") \
    >"$tmp/answers" 2>"$tmp/err"
  status=$?
  [ $status = 0 ] || grep -q . "$tmp/err" || fail "allocation $n: no word"
  [ $status != 0 ] || equal "answers, allocation $n" 299 \
    "$(count "$tmp/answers")"
  records "$tmp/all"
  head -n "$(count "$tmp/all")" "$tmp/lines" | cmp - "$tmp/all" ||
    fail "allocation $n: the records"
  [ "$(count "$tmp/all")" -gt "$(count "$tmp/answers")" ] ||
    fail "allocation $n: what was answered is not there"
}

# Each of its allocations fails once.
check_memory() {
  lines_of e 1 300 >"$tmp/lines"
  anew
  lines_of e 1 1 | wal "$dir" >/dev/null
  cp -R "$dir" "$tmp/begun"
  for_each_want answers_or_says
}

# ---- Killed ----

# A moment, in seconds; some are while it starts.
moment() {
  awk -v seed="$1" 'BEGIN {
    srand(seed)
    printf "%.4f", rand() * (rand() < 0.3 ? 0.01 : 0.12)
  }'
}

kill_it() {
  sleep "$(moment "$1")"
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

# What was there is still there, and then comes so much of attempt $1 as there
# is, at least all that was answered.
nothing_lost() {
  cp "$tmp/all" "$tmp/before"
  records "$tmp/all"
  head -n "$(count "$tmp/before")" "$tmp/all" | cmp - "$tmp/before" ||
    fail "attempt $1: records are not what they were"
}

killed_at_lines() {
  from=$(($(count "$tmp/all") + 1))
  rm -f "$tmp/pipe"
  mkfifo "$tmp/pipe"
  : >"$tmp/answers"
  lines_of "$1" "$from" >"$tmp/pipe" 2>/dev/null &
  teller=$!
  "$bin/wal" --segment 64K "$dir" <"$tmp/pipe" >"$tmp/answers" 2>"$tmp/err" &
  pid=$!
  # Every other one may be killed before it has answered anything.
  [ $(($1 % 2)) -eq 0 ] || eventually "it answers" test -s "$tmp/answers"
  kill_it "$1"
  kill $teller 2>/dev/null # killed so early that nobody opened the pipe
  wait $teller 2>/dev/null
  nothing_lost "$1"
  to=$(count "$tmp/all")
  told=$(count "$tmp/answers") # whole lines
  [ "$told" -le $((to - from + 1)) ] ||
    fail "attempt $1: $told answers, $((to - from + 1)) records"
  awk -v from="$from" -v n="$told" 'NR <= n && $0 != from + NR - 1 { exit 1 }' \
    "$tmp/answers" || fail "attempt $1: the answers"
  [ "$to" -lt "$from" ] || lines_of "$1" "$from" "$to" >"$tmp/lines"
  [ "$to" -lt "$from" ] || tail -n "+$from" "$tmp/all" | cmp - "$tmp/lines" ||
    fail "attempt $1: records that nobody sent"
  answered=$((answered + told))
}

killed_at_clients() {
  serve "$tmp/log" "$bin/wal" --segment 64K --listen 127.0.0.1:0 "$dir"
  talkers "$1" 1500
  kill_it "$1"
  for one in $talkers; do
    wait "$one" 2>/dev/null
  done
  nothing_lost "$1"
  were_told "$1" 0
  answered=$((answered + $(cat "$tmp"/heard.* | wc -l)))
}

check_kills() {
  answered=0
  done=0
  while [ $done -lt "$kills" ]; do
    if [ $((done % 20)) -eq 0 ]; then
      anew
      : >"$tmp/all"
    fi
    done=$((done + 1))
    attempt=$((attempt + 1))
    if [ $((done % 3)) -eq 0 ]; then
      killed_at_clients $attempt
    else
      killed_at_lines $attempt
    fi
  done
  [ $answered -gt 0 ] || fail "nothing was answered"
  echo "$mode: killed $done times, $answered answers"
}

# ---- All of it ----

check_wal() {
  check_lines
  check_clients
  check_crowd
}

attempt=${WEIR_TEST_SEED:-0}
kills=$(((${WAL_KILLS:-9} + 2) / 3))
if [ -z "${WAL_KILLS:-}" ]; then
  refuses_misuse "$bin/wal"
  on_each_backend check_wal
  if can_preload; then
    on_some uring-ring check_memory
    [ "${wanted:-uv}" != uv ] || on_some uv check_failed_sync
  fi
  # What is done at once is the same on all.
  on_some uv check_refusals
  on_some uv check_torn
  on_some uv check_full_disk
fi
on_each_backend check_kills
