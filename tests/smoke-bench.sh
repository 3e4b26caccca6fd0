#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The program of make bench, with few operations: each workload on each
# candidate, what it writes, and the tables and graphs that are made of that.
# Times are not looked at.
set -u
srcdir=${srcdir:-.}
bench=bench/bench
[ -x "$bench" ] || {
  echo 'this build has no io_uring to compare with'
  exit 77
}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-smoke.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT PIPE TERM
unset WEIR_BACKEND WEIR_WAIT WEIR_DEBUG WEIR_URING_CAPS_OFF

fail() {
  echo "FAIL: $*"
  exit 1
}

WEIR_BACKEND=uring "${SAMPLES_DIR:-samples}/cp" /dev/null "$tmp/probe" 2>&1 |
  grep 'cannot make a loop' && exit 77

# ---- Which there are ----

"$bench" --list >"$tmp/list" || fail "--list"
! "$bench" --list no-such-thing >/dev/null 2>&1 || fail "an unknown name"
! "$bench" --rounds 1 --ops 1 no-such >/dev/null 2>&1 || fail "nothing to run"
[ "$("$bench" --list echo | wc -l)" -ge 9 ] || fail "the shapes of echo"

# Of each workload the first shape, and one with many connections.
grep -v 'instructions only' "$tmp/list" | awk '
  { work = $1; sub(/-[0-9][0-9x]*K?$/, "", work) }
  !seen[work]++ { print $1 }' >"$tmp/names"
echo echo-64x64 >>"$tmp/names"
[ "$(wc -l <"$tmp/names")" -ge 15 ] || fail "workloads are missing"

# ---- Each on each ----

# shellcheck disable=SC2046
"$bench" --rounds 2 --ops 100 --dir "$tmp" --json "$tmp/json" \
  $(cat "$tmp/names") >"$tmp/out" 2>&1 || {
  cat "$tmp/out"
  fail "a workload did not run"
}

# Whole values take the place of what they are made of, until one is left.
tr -d '\n ' <"$tmp/json" | awk '
  {
    gsub(/"([^"\\]|\\.)*"/, "s")
    gsub(/-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?/, "v")
    do {
      before = $0
      gsub(/s:[sv]/, "p")
      gsub(/\{p(,p)*\}/, "v")
      gsub(/\[[sv](,[sv])*\]/, "v")
    } while ($0 != before)
    exit $0 != "v"
  }' || fail "the results are no JSON"

cat >"$tmp/look.awk" <<'EOF'
END {
  for (i = 1; i <= nshapes; i++)
    for (j = 1; j <= 5; j++) {
      key = shapes[i] SUBSEP candidates[j]
      if (why[key] != "")
        print "skipped: " shapes[i] ", " title[candidates[j]] ": " why[key]
      else if (figure[key, "value"] + 0 <= 0)
        print "FAIL: no value: " shapes[i] " " candidates[j]
      else if (unit[shapes[i]] != "connection" &&
               workload[shapes[i]] != "window" &&
               figure[key, "calls"] + 0 <= 0 && ops_enough(shapes[i]))
        print "FAIL: no system calls: " shapes[i] " " candidates[j]
    }
  print nshapes > "/dev/stderr"
}

# With few operations, what came before may hold all of them.
function ops_enough(name) {
  return workload[name] == "echo" || workload[name] == "relay"
}
EOF
awk -f "$srcdir/bench/results.awk" -f "$tmp/look.awk" "$tmp/json" \
  >"$tmp/said" 2>"$tmp/shapes"
cat "$tmp/said"
! grep -q '^FAIL' "$tmp/said" || exit 1
[ "$(cat "$tmp/shapes")" -eq "$(sort -u "$tmp/names" | wc -l)" ] ||
  fail "results are missing"

# ---- What instructions.sh has counted ----

grep -v '^#' "$srcdir/bench/released" | while read -r name candidate _; do
  case $candidate in
  raw | guest | ring) ! grep -q 'io_uring:' "$tmp/said" || continue ;;
  esac
  timeout 20 "$bench" --count "$name" "$candidate" 3 ||
    echo "--count $name $candidate"
done >"$tmp/counts" 2>&1
[ ! -s "$tmp/counts" ] || fail "$(cat "$tmp/counts")"

# ---- The document ----

cp "$srcdir"/docs/performance.md "$tmp" || exit 1
chmod u+w "$tmp/performance.md"
sh "$srcdir/bench/docs.sh" "$tmp/json" "$tmp" || fail "no document"
sort -u "$tmp/names" | while read -r name; do
  grep -q "^| $name |" "$tmp/performance.md" || echo "$name"
done >"$tmp/missing"
[ ! -s "$tmp/missing" ] || fail "not in the tables: $(cat "$tmp/missing")"
for graph in connections depth direct; do
  {
    grep '^<svg ' "$tmp/performance-$graph.svg"
    tail -n 1 "$tmp/performance-$graph.svg"
  } | tr '\n' ' ' | grep -q '^<svg .*</svg> $' || fail "no graph of $graph"
done

# Those of the document itself are of the workloads that there are.
grep -v 'instructions only' "$tmp/list" | while read -r name _; do
  grep -q "^| $name |" "$srcdir/docs/performance.md" || echo "$name"
done >"$tmp/missing"
[ ! -s "$tmp/missing" ] ||
  fail "docs/performance.md does not have: $(cat "$tmp/missing")"
