# shellcheck shell=sh disable=SC2154
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# For scripts that measure servers beside each other, in the directory $bin of
# the build: $tmp is theirs, and what they have put into $pids ends with them.

[ ! -d "$bin/.libs" ] || export LD_LIBRARY_PATH="$bin/.libs"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX") || exit 1
pids=
trap 'kill $pids 2>/dev/null; wait; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT PIPE TERM

# program NAME: itself, without libtool's script around it.
program() {
  one=$bin/${1%/*}/.libs/${1##*/}
  [ -x "$one" ] || one=$bin/$1
  echo "$one"
}

# listen NAME COMMAND...: starts one that says where it listens; sets port.
listen() {
  name=$1
  shift
  "$@" --listen 127.0.0.1:0 >"$tmp/$name" &
  pids="$pids $!"
  until grep -q '^listening' "$tmp/$name"; do
    kill -0 $! 2>/dev/null || return
    sleep 0.1
  done
  port=$(sed -n 's/^listening on .*://p' "$tmp/$name")
}

# server NAME COMMAND...: the same, to be measured.
server() {
  listen "$@" && echo "$1 $! $port" >>"$tmp/servers"
}

# Processor time of a process so far, in microseconds.
spent() {
  awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / hz }' \
    "/proc/$1/stat"
}

# flow NAME PID PORT COUNT MIB: so much on each of COUNT connections, by $flood,
# through a relay: as a line for medians, MiB in a second and ms for each GiB.
flow() {
  before=$(spent "$2")
  seconds=$(timeout 300 "$flood" --connect "127.0.0.1:$3" --count "$4" \
    --bytes "${5}M") || return
  after=$(spent "$2")
  awk -v what="$4 $1" -v us="$((after - before))" -v s="$seconds" \
    -v mib="$(($4 * $5))" 'BEGIN {
      print what, mib / s, us * 1024 / mib / 1000 }'
}

# medians RATE COST: of lines "SHAPE RATE COST", where the shape is all but the
# last two words, the medians of both, as these printf formats show them.
medians() {
  awk -v rate="$1" -v cost="$2" '
    function middle(list,  n, i, j, t, at) {
      n = split(list, at, " ")
      for (i = 1; i <= n; i++)
        for (j = i + 1; j <= n; j++)
          if (at[j] + 0 < at[i] + 0) {
            t = at[i]
            at[i] = at[j]
            at[j] = t
          }
      return at[int((n + 1) / 2)]
    }
    {
      key = $1
      for (i = 2; i < NF - 1; i++)
        key = key " " $i
      rates[key] = rates[key] " " $(NF - 1)
      costs[key] = costs[key] " " $NF
    }
    END {
      for (key in rates)
        printf "%-24s " rate " " cost "\n", key, middle(rates[key]),
          middle(costs[key])
    }' | sort
}
