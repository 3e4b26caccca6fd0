# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What the smoke tests of the samples share; they source it. SAMPLES_DIR names
# the directory of the built samples; default: samples. With WEIR_BACKEND set
# they run on that backend, else on each that there is.

set -u
bin=$(cd "${SAMPLES_DIR:-samples}" && pwd) || exit 1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-smoke.XXXXXX") || exit 1
pids=
ulimit -f 2097152 # about 1 GiB: whoever says too much shall not fill the disk

# A child that has ended is there until it is waited for.
ended() {
  kill -0 "$1" 2>/dev/null || return 0
  case $(cat "/proc/$1/stat" 2>/dev/null) in *') Z '*) return 0 ;; esac
  return 1
}

# Whether that is a child that runs; numbers are used again.
runs() {
  case $(cat "/proc/$1/stat" 2>/dev/null) in
  *') '[!Z]" $$ "*) return 0 ;;
  *) return 1 ;;
  esac
}

# What does not end when it is asked to is made to.
cleanup() {
  for pid in $pids; do
    kill "$pid" 2>/dev/null
  done
  for pid in $pids; do
    ! runs "$pid" || sleep 0.5
    ! runs "$pid" || kill -KILL "$pid"
  done
  wait
  rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT PIPE TERM

fail() {
  echo "FAIL: ${mode:-}: $*"
  exit 1
}

[ -x "$bin/echo" ] || {
  echo "samples are not built"
  exit 77
}
# The programs themselves, without libtool's scripts around them.
if [ -x "$bin/.libs/echo" ]; then
  LD_LIBRARY_PATH=$bin/../.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH
  bin=$bin/.libs
fi

# What cannot be tried here: run.sh counts such lines.
skip() {
  echo "skipped: ${mode:+$mode: }$*"
}

# equal WHAT EXPECTED ACTUAL
equal() {
  [ "$2" = "$3" ] || fail "$1: $2 expected, $3 found"
}

# eventually WHAT COMMAND...: fails unless it succeeds within a while.
eventually() {
  what=$1
  shift
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "never: $what"
    sleep 0.05
  done
}

# The number of lines that a server wrote to stderr.
lines() {
  wc -l <"$1.err" | tr -d ' '
}

# The number of descriptors that a process has; -1 where that is not told.
descriptors() {
  ls "/proc/$1/fd" 2>/dev/null | wc -l | tr -d ' ' | sed 's/^0$/-1/'
}

has_descriptors() {
  [ "$(descriptors "$1")" = "$2" ]
}

# Sanitizers want descriptors, too, and hang without; and be first.
sanitized() {
  grep -q '__[alt]san_init' "$bin/echo"
}

# Whether tests/scarce.c can be loaded before the samples; makes scarce.so.
can_preload() {
  if ! ${CC:-cc} -shared -fPIC -o "$tmp/scarce.so" \
    "${srcdir:-.}/tests/scarce.c" -ldl 2>"$tmp/cc"; then
    skip "want of memory and errors: $(head -n 1 "$tmp/cc")"
  elif sanitized || ! LD_PRELOAD="$tmp/scarce.so" "$bin/echo" -h >"$tmp/cc"
  then
    skip "want of memory and errors: nothing can be loaded before a program"
  else
    return 0
  fi
  return 1
}

# ---- Want of memory, once can_preload ----

# The n-th allocation of the program fails.
wanting() {
  exec env LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" SCARCE_NTH="$n" "$@"
}

# for_each_want FUNCTION ARGUMENT...: calls it with n = 1, 2, ... until so many
# allocations were not made. With musl a program makes two.
# Fewer than that are none.
for_each_want() {
  n=0
  : >"$tmp/scarce.met"
  while [ -e "$tmp/scarce.met" ]; do
    n=$((n + 1))
    [ $n -lt 200 ] || fail "no end of the allocations of $*"
    rm "$tmp/scarce.met"
    "$@"
  done
  [ $n -gt 2 ] || fail "$*: $n allocations"
}

# Whether a server that writes to $tmp/log has said where it is, or has ended.
started_or_ended() {
  address=$(said_address "$tmp/log")
  [ -n "$address" ] || ended "$pid"
}

# A server that says in a line why it ends; or serves at all times but one, as
# is_served says, which the script brings.
serves_or_says() {
  : >"$tmp/log"
  wanting "$@" >"$tmp/log" 2>"$tmp/log.err" &
  pid=$!
  log=$tmp/log
  pids="$pids $pid"
  eventually "it starts or ends" started_or_ended
  if [ -z "$address" ]; then
    wait "$pid"
    status=$?
    [ $status = 1 ] || [ $status = 127 ] || fail "status $status, allocation $n"
    grep -q . "$log.err" || fail "nothing is said, allocation $n"
    return
  fi
  failed=0
  for _ in 1 2 3; do
    is_served || failed=$((failed + 1))
  done
  [ $failed -le 1 ] || fail "$failed times, allocation $n"
  [ "$(lines "$log")" -lt 3 ] || fail "$(cat "$log.err")"
  kill "$pid"
  eventually "the end, allocation $n" ended "$pid"
  wait "$pid" || fail "its end, allocation $n: $(cat "$log.err")"
}

# ---- Programs ----

# Where a server says that it is; on Windows its lines end otherwise.
said_address() {
  sed -n 's/^listening on //p' "$1" | tr -d '\r'
}

# Starts a program that prints "listening on HOST:PORT": sets pid and address.
serve() {
  log=$1
  shift
  : >"$log"
  "$@" >"$log" 2>"$log.err" &
  pid=$!
  pids="$pids $pid"
  tries=0
  until address=$(said_address "$log") && [ -n "$address" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "$* does not start: $(head -n 5 "$log.err")"
    kill -0 "$pid" 2>/dev/null || fail "$* ended: $(head -n 5 "$log.err")"
    sleep 0.05
  done
}

# stop_any SIGNAL PID WHAT: ends a server; it has to say 0.
stop_any() {
  kill "-$1" "$2"
  eventually "the end after SIG$1, ${3:-}" ended "$2"
  wait "$2"
  equal "status after SIG$1, ${3:-}" 0 $?
}

# The same with one that had no reason to say anything on stderr.
stop() {
  stop_any "$1" "$2"
  equal "lines on stderr" 0 "$(lines "$3")"
}

# A peer of the server at $address, which has to end well.
peer() {
  "$bin/demo_peer" --connect "$address" "$@" >"$tmp/peer" 2>&1 ||
    fail "peer $*: $(cat "$tmp/peer")"
}

# Four such peers at once.
several_peers() {
  peers=
  for _ in 1 2 3 4; do
    "$bin/demo_peer" --connect "$address" "$@" >/dev/null &
    peers="$peers $!"
  done
  for one in $peers; do
    wait "$one" || fail "one of several peers"
  done
}

# refuses STATUS WORDS PROGRAM...: one line with these words on stderr.
refuses() {
  status=$1
  words=$2
  shift 2
  "$@" >"$tmp/refused.out" 2>"$tmp/refused"
  equal "status of $*" "$status" $?
  equal "lines of $*" 1 "$(wc -l <"$tmp/refused" | tr -d ' ')"
  grep -q "$words" "$tmp/refused" || fail "$*: $(cat "$tmp/refused")"
}

# Bad command lines, which every sample refuses alike.
refuses_misuse() {
  "$@" --help | grep -q '^usage: ' || fail "$1 --help"
  "$@" -h | grep -q '^usage: ' || fail "$1 -h"
  refuses 2 "unknown option" "$@" --nonsense
  refuses 2 "try --help" "$@"
}

# Bad addresses, for a server.
refuses_addresses() {
  refuses 2 "needs a value" "$@" --listen
  refuses 2 "HOST:PORT" "$@" --listen nonsense
  refuses 2 "HOST:PORT" "$@" --listen 127.0.0.1:65536
  refuses 2 "HOST:PORT" "$@" --listen 127.0.0.1:x
  refuses 2 "unexpected" "$@" --listen 127.0.0.1:0 word
  refuses 1 "address already in use" "$@" --listen "$address"
}

# Rings are charged to a limit that all programs of the user share, and are
# given back late: with a low one some would fail, but not always the same. What
# root may do counts only where users are not others outside.
may_lock_memory() {
  kib=$(ulimit -l 2>/dev/null) || return 0
  [ "$kib" != unlimited ] && [ "$kib" -lt 2048 ] || return 0
  grep -q ' 4294967295$' /proc/self/uid_map || return
  caps=$(sed -n 's/^CapEff:[[:blank:]]*//p' /proc/self/status) # 14: IPC_LOCK
  [ $((0x$caps >> 14 & 1)) -eq 1 ]
}

# Prints why the backend that is set cannot be had.
lacking() {
  "$bin/cp" /dev/null "$tmp/probe" 2>&1 |
    grep 'cannot make a loop'
  [ "$WEIR_BACKEND" = uv ] || may_lock_memory ||
    echo "less than 2 MiB may be locked (ulimit -l)"
}

# Runs a function on each backend and wait.
wanted=${WEIR_BACKEND:-}
modes=${wanted:-uring-ring uring-uv uv}
on_each_backend() {
  for mode in $modes; do
    WEIR_BACKEND=${mode%%-*}
    WEIR_WAIT=
    [ "$mode" = "$WEIR_BACKEND" ] || WEIR_WAIT=${mode#*-}
    export WEIR_BACKEND WEIR_WAIT
    why=$(lacking | tail -n 1)
    if [ -n "$why" ]; then
      skip "$why"
      continue
    fi
    "$1"
    echo "$mode: passed"
  done
  unset mode WEIR_BACKEND WEIR_WAIT
  [ -z "$wanted" ] || export WEIR_BACKEND="$wanted"
}

# on_some MODES FUNCTION: on these alone, if none is wanted; with $all on each.
on_some() {
  every=$modes
  [ -n "${all:-}$wanted" ] || modes=$1
  on_each_backend "$2"
  modes=$every
}
