#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Runs tests and sums up: run.sh ITEM...
#
#   DIR/test_NAME       a Criterion program; each of its cases counts
#   NAME.sh             a script: exit status 0, 77 (skipped; the last line of
#                       its output says why) or another; counts as one. Each
#                       line "skipped: WHY" is a part of it that did not run
#   any other program   the same
#   skip:NAME:WHY       something that cannot be run here; WHY has - for blanks
#
# TESTFLAGS      more arguments for the Criterion programs, as --filter
# TEST_WRAPPER   what runs the programs, as valgrind or wine
# TEST_TIMEOUT   seconds that one program may take (600)
# TEST_OUT       the directory for the logs (out/test)
# TEST_LANES     1: one after the other; else two programs and two scripts at a
#                time, for they wait a lot
#
# Ends with "N passed, N failed, N skipped".

out=${TEST_OUT:-out/test}
rm -rf "$out"
mkdir -p "$out/san"
: >"$out/skips"
: >"$out/failures"
: >"$out/counts"

# Reports of leaks and races fail no Criterion case by themselves, since they
# are made when the case's process is ending: they go to files, which are
# counted. collect LANE: from now on to those of this lane.
collect() {
  san=$(cd "$out/san" && pwd)/$1
  reports=0
  mkdir "$san"
  chmod 1777 "$san"
  to=log_path=$san/report
  export ASAN_OPTIONS="$to${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
  export LSAN_OPTIONS="$to${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
  export TSAN_OPTIONS="$to${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
  UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
  export UBSAN_OPTIONS="$to:$UBSAN_OPTIONS"
}

# What a test that failed or crashed has left is gone with the run. Some tests
# become another user.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/weir-run.XXXXXX") || exit 1
export TMPDIR
chmod 1777 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM

limit=
if timeout -k 1 1 true 2>/dev/null; then
  limit="timeout -k 10 ${TEST_TIMEOUT:-600}"
fi

# count PATTERN FILE
count() {
  grep -c "$1" "$2" 2>/dev/null || :
}

# line STATUS NAME PASSED FAILED SKIPPED
line() {
  printf '%-4s  %-28s %4d passed %3d failed %3d skipped  %3d s\n' \
    "$1" "$2" "$3" "$4" "$5" "$(($(date +%s) - began))"
  echo "$3 $4 $5" >>"$out/counts"
  [ "$4" -eq 0 ] || echo "$2" >>"$out/failures"
}

# Sets $found to the number of sanitizer reports that have come since, but for
# AddressSanitizer's remark on whoever has several stacks.
new_reports() {
  find "$san" -type f \
    ! -exec grep -qv 'fully support makecontext' \
    {} \; -exec rm -f {} +
  found=$(($(find "$san" -type f | wc -l) - reports))
  reports=$((reports + found))
}

show() {
  sed 's/^/      | /' "$1" | head -n "${2:-60}"
}

# Criterion listens at a place in /tmp that is named by its process, and hands
# each test a place in /dev/shm that is named by the test's. A process that was
# killed leaves them behind, perhaps another user's, and the number comes again:
# then it was no test that failed, and the next processes have other numbers.
run_criterion() {
  for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2086
    TERM=dumb $limit $TEST_WRAPPER "$1" --color=never --tap="$tap" $TESTFLAGS \
      >"$log" 2>&1
    status=$?
    grep -qs -e 'message server: Address already in use' \
      -e 'Could not spawn test instance: File exists' "$log" || return 0
    rm -f "$tap"
    new_reports
  done
}

criterion() {
  run_criterion "$1"
  touch "$tap"
  bad=$(count '^not ok ' "$tap")
  off=$(count '^ok .*# SKIP' "$tap")
  good=$(($(count '^ok ' "$tap") - off))
  planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$tap")
  why=
  new_reports

  # What --filter leaves out is reported as skipped.
  case " $TESTFLAGS" in
  *" --filter"*)
    sed '/# SKIP test was skipped$/d' "$tap" >"$tap.kept"
    mv "$tap.kept" "$tap"
    off=$(count '^ok .*# SKIP' "$tap")
    planned=$((good + bad + off))
    [ "$planned" -gt 0 ] || [ $status -ne 0 ] || return
    ;;
  esac
  if [ $status -eq 124 ] || [ $status -eq 137 ]; then
    why="killed, perhaps after ${TEST_TIMEOUT:-600} s"
  elif [ -z "$planned" ]; then
    why="exit status $status without a report"
  elif [ "$planned" -eq 0 ]; then
    why="there is no test in it"
  elif [ $((good + bad + off)) -ne "$planned" ]; then
    why="$planned tests, $((good + bad + off)) results"
  elif [ "$found" -gt 0 ]; then
    why="$found reports of sanitizers, in $out/san"
  elif [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
    why="exit status $status"
  fi

  sed -n 's/^ok .*# SKIP *//p' "$tap" >>"$out/skips"
  if [ -n "$why" ]; then
    line FAIL "$name" "$good" $((bad + 1)) "$off"
    echo "      | $why"
  elif [ "$bad" -gt 0 ]; then
    line FAIL "$name" "$good" "$bad" "$off"
  else
    line ok "$name" "$good" 0 "$off"
    return
  fi
  grep '^\[----\]\|^\[FAIL\]\|^\[ERR\|_SEED=' "$log" >"$log.short" ||
    tail -n 20 "$log" >"$log.short"
  show "$log.short"
}

plain() {
  case $1 in
  *.sh) $limit /bin/sh "$1" >"$log" 2>&1 ;;
  # shellcheck disable=SC2086
  *) $limit $TEST_WRAPPER "$1" >"$log" 2>&1 ;;
  esac
  status=$?
  new_reports
  [ "$found" -eq 0 ] || status=1
  sed -n "s/^skipped: /$name: /p" "$log" >"$log.skips"
  case $status in
  0)
    line ok "$name" 1 0 "$(wc -l <"$log.skips")"
    cat "$log.skips" >>"$out/skips"
    ;;
  77)
    line skip "$name" 0 0 1
    echo "$name: $(tail -n 1 "$log")" >>"$out/skips"
    ;;
  *)
    line FAIL "$name" 0 1 0
    show "$log"
    ;;
  esac
}

one() {
  item=$1
  name=${item##*/}
  name=${name%.sh}
  name=${name%.exe}
  log=$out/$name.log
  tap=$out/$name.tap
  began=$(date +%s)
  case $item in
  skip:*)
    item=${item#skip:}
    name=${item%%:*}
    line skip "$name" 0 0 1
    echo "$name: ${item#*:}" | tr - ' ' >>"$out/skips"
    ;;
  */test_*) criterion "./${item#./}" ;;
  *) plain "$item" ;;
  esac
}

# lane NAME ITEM...
lane() {
  collect "$1"
  shift
  for item in "$@"; do
    one "$item"
  done
}

# What is next goes to the shorter lane of its sort.
first=
second=
third=
fourth=
for item in "$@"; do
  case ${TEST_LANES:-4}$item in
  1*) first="$first $item" ;;
  *.sh)
    swap=$third
    third="$fourth $item"
    fourth=$swap
    ;;
  *)
    swap=$first
    first="$second $item"
    second=$swap
    ;;
  esac
done
# Scripts come after the programs: some talk to ports where nobody is any more,
# and thousands of listeners would have them soon.
# shellcheck disable=SC2086
lane second $second >"$out/second" 2>&1 &
# shellcheck disable=SC2086
(lane first $first)
wait
cat "$out/second"
# shellcheck disable=SC2086
lane fourth $fourth >"$out/fourth" 2>&1 &
# shellcheck disable=SC2086
(lane third $third)
wait
cat "$out/fourth"

if [ -s "$out/skips" ]; then
  echo "Skipped:"
  sort "$out/skips" | uniq -c
fi
if [ -s "$out/failures" ]; then
  echo "Failed, see $out/NAME.log:"
  sed 's/^/  /' "$out/failures"
fi
for report in "$out"/san/*/*; do
  [ ! -f "$report" ] || { echo "$report:" && show "$report" 40; }
done
awk '{ p += $1; f += $2; s += $3 }
  END {
    print p + 0 " passed, " f + 0 " failed, " s + 0 " skipped"
    exit f > 0 || p + s == 0
  }' "$out/counts"
