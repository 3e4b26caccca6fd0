#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Whether the tests would notice: mutate.sh FILE..., for make mutate. Makes one
# small change to one of the files, builds, runs the unit tests until one fails,
# and takes the change back; again and again. Prints the changes that no test
# noticed; out/mutate/state/log says who noticed the others. All of it happens
# to a copy of the sources in out/mutate.
#
# MUTANTS  how many changes to try (40); those that do not compile, or into the
#          same, do not count, nor do those that tests/mutate.known lists
# SEED     which ones (1)
# AIMED    yes: only where errors, cancellations and wake-ups are dealt with
# JOBS     test programs side by side (as many as there are processors)
# FLOOR    percentage below which the exit status is 1 (0)

set -u
srcdir=$(cd "${srcdir:-.}" && pwd) || exit 1
make=${MAKE:-make}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}
tree=$PWD/out/mutate
work=$tree/state
tab=$(printf '\t')
mkdir -p "$work" && cd "$tree" || exit 1
ulimit -c 0

die() {
  echo "mutate: $*" >&2
  exit 1
}

# ---- The copy ----

# Brings what has changed, so that only that is built.
copy_tree() {
  (
    cd "$srcdir" || exit
    find Makefile sources.mk configure ./*.in build-aux include lib uring \
      tests samples bench -type f \( -name '*.[ch]' -o -name '*.in' -o \
      -name '*.sub' -o -name '*.guess' -o -name '*.sh' -o -name '*.map' -o \
      -name '*.mk' -o -name Makefile -o -name configure -o \
      -name install-sh \)
  ) >"$work/files"
  while read -r file; do
    cmp -s "$srcdir/$file" "$file" && continue
    mkdir -p "$(dirname "$file")"
    cp "$srcdir/$file" "$file" || die "$file"
    echo "$file"
  done <"$work/files" >"$work/new"
  [ ! -s "$work/new" ] || rm -f "$work/times"
}

# The tests are linked once, to an object of which only what has changed is
# built anew.
core=libweir-core.so
build() {
  "$make" -s --no-print-directory "$@" CORE=$core \
    CFLAGS='-O2 -fvisibility=default -Werror=return-type' \
    >"$work/build" 2>&1 </dev/null
}

prepare() {
  copy_tree
  [ -f config.mk ] && [ ! configure -nt config.mk ] ||
    ./configure -q --disable-static CC="${CC:-cc}" >"$work/build" 2>&1 ||
    die "configure: $(tail -n 5 "$work/build")"
  build -j"$jobs" $core tests || die "$(tail -n 20 "$work/build")"
  cp $core "$work/core.so"
}

# ---- Running tests ----

# one PROGRAM WORK LIMIT: 0, or 255, which stops xargs; the others are ended.
# What a change makes grow shall not take all memory.
cat >"$work/one" <<'END'
ulimit -v 8388608
began=$(date +%s)
timeout -k 1 "$3" "$1" --fail-fast --color=never >"$2/log.${1##*/}" 2>&1 &
pid=$!
: >"$2/running/$pid"
wait $pid
status=$?
rm "$2/running/$pid"
echo "$(($(date +%s) - began)) $1" >"$2/took/${1##*/}"
[ ! -e "$2/noticed" ] || exit 255
[ $status -ne 0 ] || exit 0
echo "${1##*/}" >"$2/noticed"
for other in $(ls "$2/running"); do
  kill "$other"
done
exit 255
END

# Runs the programs, "NAME LIMIT" in a line: fails as soon as one does.
all_pass() {
  rm -f "$work/noticed"
  mkdir -p "$work/running" "$work/took"
  LD_LIBRARY_PATH=$tree xargs -P "$jobs" -L 1 sh -c \
    'exec sh "$0/one" "$1" "$0" "$2"' "$work" <"$1" 2>/dev/null
  [ ! -e "$work/noticed" ]
}

# Once for these sources: that the tests pass, and how long each takes.
measure() {
  ls -S tests/test_* | grep -v '\.' >"$work/programs"
  [ -s "$work/programs" ] || die 'there are no unit tests: Criterion is missing'
  [ ! -s "$work/times" ] || return 0
  echo 'mutate: the tests themselves'
  rm -rf "$work/took"
  sed 's/$/ 300/' "$work/programs" >"$work/order"
  all_pass "$work/order" ||
    die "$(cat "$work/noticed") fails by itself, see $work/log.*"
  cat "$work/took"/* | sort -n >"$work/times"
}

# The programs in the order in which they are asked: those that have noticed
# something in this file, those whose names have a word of it, the quick ones.
# Who is stuck has noticed.
order() {
  name=${1##*/}
  seen=$work/seen.$(echo "$1" | tr / .)
  [ -e "$seen" ] || : >"$seen"
  awk -v name="${name%.*}" -v seen="$seen" '
    BEGIN {
      while ((getline program < seen) > 0)
        rank["tests/" program] = ++n
      words = split(name, word, "_")
    }
    {
      place = 200 + NR
      for (i = 1; i <= words; i++)
        if (word[i] != "uv" && index($2, "_" word[i]))
          place = 100 + NR
      if ($2 in rank)
        place = rank[$2]
      print place, $2, $1 * 4 + 10
    }' "$work/times" | sort -n | cut -d' ' -f2- >"$work/order"
}

learn() {
  noticed=$(cat "$work/noticed")
  { echo "$noticed" && grep -vx "$noticed" "$seen"; } >"$seen.new"
  mv "$seen.new" "$seen"
}

# ---- Mutants ----

# All of them, in an order that the seed decides.
mutants() {
  aimed=$([ "${AIMED:-no}" = no ] || echo 1)
  for name in "$@"; do
    awk -v aimed="$aimed" -f "$srcdir/tests/mutate.awk" "$name" || die "$name"
  done | awk -v seed="${SEED:-1}" '
    BEGIN { x = seed * 2 + 1 }
    { x = x * 16807 % 2147483647; print x "\t" $0 }' |
    sort -n | cut -f2-
}

trimmed() {
  echo "$1" | sed 's/^ *//; s/ *$//'
}

# Puts the line into the copy, and takes it back.
change() {
  cp "$1" "$work/original" && changed=$1 &&
    awk -v at="$2" 'NR == FNR { line = $0; next }
      FNR == at { print line; next } { print }' "$work/line" \
      "$work/original" >"$1"
}

restore() {
  [ -z "$changed" ] || cp "$work/original" "$changed"
  changed=
}

# What became of the change that was made to a file.
try() {
  if ! build $core; then
    echo senseless
  elif cmp -s $core "$work/core.so"; then
    echo same
  elif order "$1" && all_pass "$work/order"; then
    echo survived
  else
    learn
    echo noticed
  fi
}

report() {
  tried=$((noticed_count + survived))
  [ $tried -gt 0 ] || die 'there was nothing to change'
  score=$((noticed_count * 100 / tried))
  echo "mutate: $noticed_count of $tried noticed ($score %)," \
    "$senseless did not compile, $same were the same," \
    "$known are listed in tests/mutate.known; seed ${SEED:-1}," \
    "$(($(date +%s) - started)) s"
  [ $score -ge "${FLOOR:-0}" ]
}

started=$(date +%s)
noticed_count=0 survived=0 senseless=0 same=0 known=0
changed=
trap restore EXIT
trap 'exit 1' HUP INT TERM

prepare
measure
mutants "$@" >"$work/mutants"
: >"$work/log"
while IFS=$tab read -r file line text <&3; do
  [ $((noticed_count + survived)) -lt "${MUTANTS:-40}" ] || break
  old=$(trimmed "$(sed -n "${line}p" "$file")")
  new=$(trimmed "$text")
  if grep -qxF "$file: $old => $new" "$srcdir/tests/mutate.known"; then
    known=$((known + 1))
    continue
  fi
  printf '%s\n' "$text" >"$work/line"
  change "$file" "$line"
  result=$(try "$file")
  restore
  case $result in
  senseless) senseless=$((senseless + 1)) ;;
  same) same=$((same + 1)) ;;
  noticed)
    noticed_count=$((noticed_count + 1))
    echo "$file:$line: $old => $new: $(cat "$work/noticed")" >>"$work/log"
    ;;
  *)
    survived=$((survived + 1))
    printf '%s:%d:\n  %s\n  %s\n' "$file" "$line" "$old" "$new"
    ;;
  esac
done 3<"$work/mutants"
report
