#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# A file of MIB (1024) mebibytes, from the page cache: read by weir's reader
# beside cat and dd, and copied by samples/cp beside cp and dd, on each backend.
# They take turns; shown are the medians of ROUNDS (5) rounds: MiB in a second,
# and what each GiB costs in processor time. The file lies in DIR (the working
# directory); the copy goes to the same file system and is not synced.
set -u
rounds=${ROUNDS:-5}
mib=${MIB:-1024}
bin=$(cd "${1:-.}" && pwd) || exit 1
TMPDIR=${DIR:-$PWD}
export TMPDIR LC_ALL=C
# shellcheck source=bench/servers.sh
. "$(dirname "$0")/servers.sh"

cp=$(program samples/cp)
slurp=$(program bench/slurp)
file=$tmp/file
copy=$tmp/copy
head -c "${mib}M" /dev/urandom >"$file" || exit

# measure WHAT COMMAND...; a subshell would not tell of this shell's children.
measure() {
  what=$1
  shift
  rm -f "$copy"
  times >"$tmp/before"
  began=$(date +%s%N)
  "$@" >/dev/null || exit
  ended=$(date +%s%N)
  times >"$tmp/after"
  sed -n 's/[ms]/ /g; 2p; 4p' "$tmp/before" "$tmp/after" |
    awk -v what="$what" -v ns=$((ended - began)) -v mib="$mib" '
      { spent[NR] = ($1 + $3) * 60 + $2 + $4 }
      END {
        print what, mib * 1e9 / ns, (spent[2] - spent[1]) * 1024e3 / mib
      }'
}

# each_backend WHAT COMMAND...
each_backend() {
  kind=$1
  shift
  for wait in ring uv; do
    measure "$kind, uring-$wait" env WEIR_BACKEND=uring WEIR_WAIT=$wait "$@"
  done
  measure "$kind, uv" env WEIR_BACKEND=uv "$@"
}

one_round() {
  each_backend read "$slurp" "$file"
  measure 'read, cat' cat "$file"
  measure 'read, dd' dd if="$file" of=/dev/null bs=256k status=none
  each_backend copy "$cp" "$file" "$copy"
  each_backend 'by buffers' "$cp" --buffers "$file" "$copy"
  measure 'copy, cp' cp "$file" "$copy"
  measure 'copy, dd' dd if="$file" of="$copy" bs=256k status=none
}

echo "$mib MiB in $(stat -f -c %T "$tmp")"
cat "$file" >/dev/null
round=0
while [ $round -lt "$rounds" ]; do
  round=$((round + 1))
  one_round || exit
done >"$tmp/results"
medians '%8.0f MiB/s' '%8.0f ms for each GiB' <"$tmp/results"
