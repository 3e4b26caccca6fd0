#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The samples while their system calls fail, packets are lost and peers leave
# with a reset. What passes is survived, with every byte; what stays ends with
# an error; both ends are told, no descriptor is left and nobody spins.
#
# FAULTS=all (make check-faults) tries each case; else some of each kind.

. "${srcdir:-.}/tests/smoke.sh"

all=${FAULTS:-}

# A server that rests makes some hundreds of turns for what is asked of it here,
# one that spins thousands in a second.
MOST_TURNS=5000

# ---- Servers and who talks to them ----

talk() {
  "$bin/demo_peer" --connect "$address" "$@" >"$tmp/peer" 2>&1
}

# Bytes there and back: at once, to a reader that is slow, and several.
talks() {
  talk --send 1M --expect 1M || fail "$trial: $(cat "$tmp/peer")"
  talk --send 300K --expect 300K --rcvbuf 8K --slow ||
    fail "$trial, slowly: $(cat "$tmp/peer")"
  peers=
  for _ in 1 2 3; do
    "$bin/demo_peer" --connect "$address" --send 100K --expect 100K \
      >"$tmp/several" 2>&1 &
    peers="$peers $!"
  done
  for one in $peers; do
    wait "$one" || fail "$trial, one of several: $(cat "$tmp/several")"
  done
}

# All of it, or the peer is told that it is not all; never other bytes.
talks_or_not() {
  for _ in 1 2 3 4 5; do
    talk --send 100K --expect 100K ||
      grep -q 'reset by peer\|broken pipe\|refused' "$tmp/peer" ||
      fail "$trial: $(cat "$tmp/peer")"
  done
}

# start SERVER COMMAND...: behind the words of a command, as env.
start() {
  server=$1
  shift
  sink=
  case $server in
  relay)
    serve "$tmp/sink" "$bin/echo" --listen 127.0.0.1:0
    sink=$pid
    serve "$tmp/log" "$@" "$bin/relay" --listen 127.0.0.1:0 \
      --connect "$address" --stats
    ;;
  echo) serve "$tmp/log" "$@" "$bin/echo" --listen 127.0.0.1:0 --stats ;;
  *) serve "$tmp/log" "$@" "$bin/adopt" --listen 127.0.0.1:0 ;;
  esac
}

# Nothing is left of what was served, and it was served without haste.
rests() {
  eventually "$trial: all descriptors are closed" has_descriptors "$pid" "$1"
  stop_any TERM "$pid" "$trial"
  turns=$(sed -n 's/.*, turns \([0-9]*\),.*/\1/p' "$log")
  [ "${turns:-0}" -lt $MOST_TURNS ] || fail "$trial: $turns turns"
  [ -z "$sink" ] || stop_any TERM "$sink" "the sink"
}

# ---- System calls that fail, by strace ----

# injecting CALLS FAULT PROGRAM...: the program stays our child.
injecting() {
  calls=$1
  fault=$2
  shift 2
  exec strace -D -f -qq --seccomp-bpf -o "$tmp/trace" -e signal=none \
    -e "trace=$calls" -e "inject=$calls:$fault" "$@"
}

can_inject() {
  if ! command -v strace >/dev/null; then
    skip "system calls that fail: strace is not installed"
  elif sanitized; then
    skip "system calls that fail: sanitizers cannot be traced"
  elif ! (injecting getppid error=EPERM:when=1 true) 2>"$tmp/err"; then
    skip "system calls that fail: $(head -n 1 "$tmp/err")"
  else
    return 0
  fi
  return 1
}

was_injected() {
  grep -q 'INJECTED' "$tmp/trace" || fail "$trial: nothing failed"
}

# passes SERVER CALLS FAULT: what passes is not to be seen.
passes() {
  trial="$1 with $2:$3"
  start "$1" injecting "$2" "$3"
  before=$(descriptors "$pid")
  talks
  was_injected
  rests "$before"
  case $3 in
  *EMFILE* | *ENFILE* | *ENOMEM:when=2 | *ENOBUFS:when=2) may_say=1 ;;
  *) may_say=0 ;;
  esac
  [ "$(lines "$log")" -le $may_say ] || fail "$trial: $(head -n 5 "$log.err")"
}

# stays SERVER CALLS FAULT: what stays is told, to us and to the peers.
stays() {
  trial="$1 with $2:$3"
  start "$1" injecting "$2" "$3"
  before=$(descriptors "$pid")
  talks_or_not
  was_injected
  if [ "$4" = ends ]; then
    eventually "$trial: it ends" ended "$pid"
    wait "$pid"
    equal "status, $trial" 1 $?
    grep -q . "$log.err" || fail "$trial: nothing is said"
    [ -z "$sink" ] || stop_any TERM "$sink" "the sink"
  else
    rests "$before"
  fi
  [ "$(lines "$log")" -lt 10 ] || fail "$trial: $(lines "$log") lines"
}

# What each backend calls, and how it may fail for a moment: once, and often.
passing() {
  case $WEIR_BACKEND in
  uring)
    echo io_uring_enter:error=EINTR:when=7+3
    echo io_uring_enter:error=EBUSY:when=9+4
    [ -n "$all" ] || return
    for error in EINTR EAGAIN; do
      echo io_uring_enter:error=$error:when=1
    done
    for error in EINTR EAGAIN EBUSY ENOMEM; do
      echo io_uring_enter:error=$error:when=8
      echo io_uring_enter:error=$error:when=8+2
    done
    ;;
  uv)
    echo sendto,sendmsg,recvfrom,recvmsg:error=EINTR:when=2+2
    echo accept4:error=ECONNABORTED:when=1+2
    [ -n "$all" ] || return
    for error in EINTR EAGAIN; do
      echo sendto,sendmsg:error=$error:when=1+2
      echo recvfrom,recvmsg:error=$error:when=1+2
      echo accept4:error=$error:when=1+2
    done
    echo sendto,sendmsg:error=ENOBUFS:when=1+3
    for error in EMFILE ENFILE ENOMEM ENOBUFS; do
      echo accept4:error=$error:when=2
    done
    ;;
  esac
  echo '/^epoll_p?wait$:error=EINTR:when=3+3'
}

check_passing() {
  for fault in $(passing); do
    for server in echo ${all:+relay adopt}; do
      passes "$server" "${fault%%:*}" "${fault#*:}"
    done
  done
}

check_staying() {
  for server in echo ${all:+relay}; do
    case $WEIR_BACKEND in
    uring) stays "$server" io_uring_enter error=EPERM:when=12+ ends ;;
    uv) stays "$server" recvfrom,recvmsg error=EIO:when=3+ goes-on ;;
    esac
  done
}

# What fails again and again without an end is asked again in peace.
check_without_end() {
  case $WEIR_BACKEND in
  uring) set -- io_uring_enter error=ENOMEM:when=12+ ;;
  uv) set -- recvfrom,recvmsg error=EAGAIN:when=2+ ;;
  esac
  trial="echo with $1:$2"
  start echo injecting "$1" "$2"
  "$bin/demo_peer" --connect "$address" --send 1M --expect 1M \
    >"$tmp/several" 2>&1 &
  peer=$!
  pids="$pids $peer"
  sleep 1
  was_injected
  calls=$(grep -c INJECTED "$tmp/trace")
  [ "$calls" -lt $MOST_TURNS ] || fail "$trial: $calls calls"
  kill -0 "$pid" 2>/dev/null || fail "$trial: it ended"
  kill "$peer"
  kill -KILL "$pid"
  wait "$peer" "$pid" 2>/dev/null
}

# A copy is whole, or there is none: the one that was there stays.
copies() {
  trial="cp with $1:$2"
  echo old >"$tmp/dir/target"
  injecting "$1" "$2" "$bin/cp" $how "$tmp/source" "$tmp/dir/target" \
    >"$tmp/out" 2>"$tmp/err" &
  wait $!
  status=$?
  was_injected
  equal files target "$(ls -A "$tmp/dir")"
  if [ "$3" = whole ]; then
    equal "status, $trial" 0 $status
    cmp "$tmp/source" "$tmp/dir/target" || fail "$trial: the copy differs"
  else
    equal "status, $trial" 1 $status
    equal "lines, $trial" 1 "$(wc -l <"$tmp/err" | tr -d ' ')"
    equal "the target" old "$(cat "$tmp/dir/target")"
  fi
}

check_copies() {
  mkdir -p "$tmp/dir"
  [ -e "$tmp/source" ] || head -c 3000000 /dev/urandom >"$tmp/source"
  how=
  copies copy_file_range error=EINTR:when=1+2 whole
  copies copy_file_range error=EXDEV whole
  copies copy_file_range error=ENOSPC torn
  how=--buffers
  if [ "$WEIR_BACKEND" = uring ]; then
    copies io_uring_enter error=EINTR:when=3+2 whole
    copies io_uring_enter error=EBUSY:when=4+2 whole
    copies io_uring_enter error=EPERM:when=4+ torn
  else
    copies preadv,pwritev error=EINTR:when=1+2 whole
    copies preadv error=EIO:when=2+ torn
    copies pwritev error=ENOSPC:when=2+ torn
  fi
}

# ---- Calls of the C library that fail, by libfiu ----

fiu_at=/usr/lib/fiu
fiu_libs="$fiu_at/fiu_run_preload.so $fiu_at/fiu_posix_preload.so"

can_fiu() {
  if ! [ -e "$fiu_at/fiu_posix_preload.so" ]; then
    skip "calls of the C library that fail: libfiu is not in $fiu_at"
  elif sanitized || ! LD_PRELOAD=$fiu_libs "$bin/echo" -h >"$tmp/out" 2>&1
  then
    skip "calls of the C library that fail: nothing can be loaded before"
  else
    return 0
  fi
  return 1
}

# failing FAULT...: an environment for env, which has the library's calls fail.
failing() {
  faults=
  for fault in "$@"; do
    faults="$faults
enable_random $fault"
  done
}

with_fiu() {
  exec env FIU_ENABLE="$faults" FIU_CTRL_FIFO= LD_PRELOAD="$fiu_libs" "$@"
}

# name=NAME,probability=P,failinfo=ERRNO: 4 is EINTR, 11 EAGAIN.
check_library() {
  for server in echo ${all:+relay}; do
    trial="$server whose calls are interrupted"
    failing name=posix/io/net/recv,probability=0.2,failinfo=4 \
      name=posix/io/net/send,probability=0.2,failinfo=11 \
      name=posix/io/net/recvmsg,probability=0.2,failinfo=11 \
      name=posix/io/net/sendmsg,probability=0.2,failinfo=4
    start "$server" with_fiu
    before=$(descriptors "$pid")
    talks
    rests "$before"

    trial="$server whose calls fail"
    failing name=posix/io/net/recv,probability=0.02 \
      name=posix/io/net/send,probability=0.02 \
      name=posix/io/net/shutdown,probability=0.2
    start "$server" with_fiu
    before=$(descriptors "$pid")
    for _ in 1 2 3 4; do
      talks_or_not
    done
    rests "$before"
  done
  check_short_copies
}

# Files that are read and written in little pieces.
check_short_copies() {
  trial="cp in short pieces"
  mkdir -p "$tmp/dir"
  [ -e "$tmp/source" ] || head -c 3000000 /dev/urandom >"$tmp/source"
  failing name=posix/io/rw/preadv/reduce,probability=0.5 \
    name=posix/io/rw/pwritev/reduce,probability=0.5 \
    name=posix/io/rw/pread/reduce,probability=0.5 \
    name=posix/io/rw/pwrite/reduce,probability=0.5
  (with_fiu "$bin/cp" --buffers "$tmp/source" "$tmp/dir/target") 2>"$tmp/err" ||
    fail "$trial: $(cat "$tmp/err")"
  cmp "$tmp/source" "$tmp/dir/target" || fail "$trial: the copy differs"
}

# ---- Packets that are lost ----

# In a network of our own: 1 % of the packets is lost, the rest goes at a rate.
# Without netem a filter loses them by chance, which the kernel's own numbers
# decide: load a random word; below 1 % of all it is dropped.
lose_packets() {
  ip link set lo mtu 1500 up || return
  if tc qdisc add dev lo root netem loss 1% rate 200mbit 2>/dev/null; then
    return
  fi
  lose='4,32 0 0 4294963256,53 0 1 42949672,6 0 0 0,6 0 0 2'
  tc qdisc add dev lo root tbf rate 200mbit burst 64k latency 50ms &&
    tc qdisc add dev lo clsact &&
    tc filter add dev lo ingress bpf da bytecode "$lose"
}

lost_packets() {
  tc -s qdisc show dev lo | sed -n 's/.*dropped \([0-9]*\).*/\1/p' |
    awk '{ n += $1 } END { print n + 0 }'
}

check_lossy() {
  for server in echo relay adopt; do
    trial="$server, with packets lost"
    start "$server" env
    before=$(descriptors "$pid")
    talks
    rests "$before"
  done
}

# The script again, within the network.
inside() {
  lose_packets || {
    echo "no packets can be lost here"
    exit 77
  }
  on_some 'uring-uv uv' check_lossy
  [ "$(lost_packets)" -gt 0 ] || fail "no packet was lost"
  exit 0
}

check_losses() {
  user=-r
  [ "$(id -u)" -ne 0 ] || user=
  command -v tc >/dev/null || {
    skip "packets that are lost: tc is not installed"
    return
  }
  # shellcheck disable=SC2086
  unshare $user -n true 2>"$tmp/err" || {
    skip "packets that are lost: $(cat "$tmp/err")"
    return
  }
  # shellcheck disable=SC2086
  FAULTS_INSIDE=yes unshare $user -n /bin/sh "$0" >"$tmp/inside" 2>&1
  case $? in
  0) sed -n '/^skipped: /p' "$tmp/inside" ;;
  77) skip "packets that are lost: $(tail -n 1 "$tmp/inside")" ;;
  *) cat "$tmp/inside" && exit 1 ;;
  esac
}

# ---- Peers that leave with a reset ----

leaves() {
  talk "$@" --reset || fail "$trial, peer $*: $(cat "$tmp/peer")"
}

# Peers that are there and gone before they were accepted.
leave_in_queue() {
  kill -STOP "$pid"
  peers=
  for _ in 1 2 3 4; do
    "$bin/demo_peer" --connect "$address" --idle --reset >"$tmp/several" 2>&1 &
    peers="$peers $!"
    "$bin/demo_peer" --connect "$address" --send 20K --idle --reset \
      >"$tmp/several" 2>&1 &
    peers="$peers $!"
  done
  for one in $peers; do
    wait "$one" || fail "$trial, in the queue: $(cat "$tmp/several")"
  done
  kill -CONT "$pid"
}

check_resets() {
  for server in echo relay adopt; do
    trial="$server left with a reset"
    start "$server" env
    before=$(descriptors "$pid")
    leave_in_queue
    talk --send 100K --expect 100K || fail "$trial: $(cat "$tmp/peer")"
    leaves --idle            # while it reads
    leaves --send 32M --idle # while it writes and cannot
    leaves --send 100K       # half-closed by the peer, while it writes
    leaves                   # while it closes
    talk --send 100K --expect 100K || fail "$trial: $(cat "$tmp/peer")"
    rests "$before"
  done
  check_reset_at_the_end
}

# Half-closed by the server; and while all is closed at its end.
check_reset_at_the_end() {
  trial="relay, half-closed and then reset"
  sink=
  serve "$tmp/sink" "$bin/demo_peer" --listen 127.0.0.1:0 --send 20K \
    --expect 20K --expect-reset
  sink=$pid
  serve "$tmp/log" "$bin/relay" --listen 127.0.0.1:0 --connect "$address" \
    --stats
  before=$(descriptors "$pid")
  leaves --send 20K --idle
  wait "$sink" || fail "$trial: $(cat "$tmp/sink.err")"
  sink=
  rests "$before"

  trial="echo, at its end"
  start echo env
  peers=
  for n in 1 2 3; do
    "$bin/demo_peer" --connect "$address" --send 8M --idle --reset \
      >"$tmp/peer$n" 2>&1 &
    peers="$peers $!"
  done
  sleep 0.3
  stop_any TERM "$pid" "$trial"
  n=0
  for one in $peers; do
    n=$((n + 1))
    wait "$one" || grep -q 'reset by peer\|broken pipe' "$tmp/peer$n" ||
      fail "$trial: $(cat "$tmp/peer$n")"
  done
}

# ---- All of it ----

[ -z "${FAULTS_INSIDE:-}" ] || inside

if ! [ -d /proc/self/fd ]; then
  echo "no /proc tells of descriptors"
  exit 77
fi
if can_inject; then
  on_each_backend check_passing
  on_each_backend check_staying
  on_each_backend check_without_end
  on_each_backend check_copies
fi
if can_fiu; then
  on_some uv check_library
fi
on_some 'uring-ring uv' check_resets
check_losses
