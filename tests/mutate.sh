#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Whether the tests would notice: mutate.sh FILE..., for make mutate. Makes one
# small change to one of the files, builds, runs the unit tests and the
# simulation until one fails, and takes the change back; again and again. Prints
# the changes that no test noticed; out/mutate/state/log says who noticed the
# others. All of it happens to a copy of the sources in out/mutate.
#
# MUTANTS  how many changes to try (40); those that do not compile, or into the
#          same, do not count, nor do those that tests/mutate.known lists
# SEED     which ones (1)
# AIMED    yes: only where errors, cancellations and wake-ups are dealt with
# ASK      the programs to ask, as "test_os test_edges" (all that execute the
#          line; which do, is found out with a build for coverage)
# LIST     a file with the changes to try, instead: those that nobody noticed
#          the last time are in out/mutate/state/survived
# MOST     how many programs are asked at most (all)
# JOBS     test programs side by side (as many as there are processors)
# FLOOR    percentage below which the exit status is 1 (0)

set -u
srcdir=$(cd "${srcdir:-.}" && pwd) || exit 1
make=${MAKE:-make}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}
tree=$PWD/out/mutate
work=$tree/state
tab=$(printf '\t')
case ${LIST:-/} in
/*) ;;
*) LIST=$PWD/$LIST ;;
esac
mkdir -p "$work" && cd "$tree" || exit 1
ulimit -c 0
GCOV_PREFIX_STRIP=$(($(echo "$tree/cover" | tr -cd / | wc -c)))
export GCOV_PREFIX_STRIP

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
    case $file in
    tests/* | samples/* | bench/*) ;;
    *) rm -rf "$work/measured" ;;
    esac
  done <"$work/files"
}

# The tests are linked once, to an object of which only what has changed is
# built anew.
core=libweir-core.so
build() {
  "$make" -s --no-print-directory "$@" CORE=$core \
    CFLAGS="$flags -fvisibility=default -Werror=return-type" \
    >"$work/build" 2>&1 </dev/null 3<&-
}

# ready WHERE CONFIGURE-FLAG...: makes what is needed in that directory.
ready() {
  where=$1
  shift
  mkdir -p "$where" && cd "$where" || exit 1
  [ -f config.mk ] && [ ! "$tree/configure" -nt config.mk ] ||
    "$tree/configure" -q CC="${CC:-cc}" "$@" >"$work/build" 2>&1 ||
    die "configure: $(tail -n 5 "$work/build")"
}

programs() {
  if [ -n "${ASK:-}" ]; then
    # shellcheck disable=SC2086
    printf 'tests/%s\n' $ASK
  else
    sed -En 's/^(TESTS|SIMULATE)_C \+= (.*)\.c$/\2/p' sources.mk
  fi
}

# The same object twice: for the changes, and one that tells what is executed,
# in another directory.
prepare() {
  copy_tree
  if [ -z "${ASK:-}" ]; then
    ready "$tree/cover" --disable-static --enable-coverage
    flags=-O0
    build -j"$jobs" $core || die "$(tail -n 20 "$work/build")"
  fi
  ready "$tree" --disable-static
  grep -q '^HAVE_CRITERION = yes' config.mk ||
    die 'there are no unit tests: Criterion is missing'
  programs >"$work/programs"
  flags=-O2
  # shellcheck disable=SC2046
  build -j"$jobs" $core && build -j"$jobs" -o $core $(cat "$work/programs") ||
    die "$(tail -n 20 "$work/build")"
  cp $core "$work/core.so"
}

# ---- Running tests ----

# one PROGRAM WORK LIMIT: 0, or 255, which stops xargs; the others are ended.
# What a change makes grow shall not take all memory.
cat >"$work/one" <<'END'
ulimit -v 8388608
flags='--fail-fast --color=never'
[ "${1##*/}" != simulate ] || flags=
export GCOV_PREFIX="$2/cover/${1##*/}"
began=$(date +%s)
timeout -k 1 "$3" "$1" $flags >"$2/log.${1##*/}" 2>&1 &
pid=$!
: >"$2/running/$pid"
wait $pid
status=$?
rm "$2/running/$pid"
echo "$(($(date +%s) - began)) $1" >"$2/took/${1##*/}"
[ ! -e "$2/noticed" ] || exit 255
[ $status -ne 0 ] || exit 0
stuck=
[ $status -ne 124 ] || stuck=' (stuck)'
echo "${1##*/}$stuck" >"$2/noticed"
for other in $(ls "$2/running"); do
  kill "$other"
done
exit 255
END

# Runs the programs, "NAME LIMIT" in a line: fails as soon as one does.
all_pass() {
  rm -rf "$work/noticed" "${TMPDIR:?}"/*
  mkdir -p "$work/running" "$work/took"
  LD_LIBRARY_PATH=${2:-$tree} xargs -P "$jobs" -L 1 sh -c \
    'exec sh "$0/one" "$1" "$0" "$2"' "$work" <"$1" 2>/dev/null 3<&-
  [ ! -e "$work/noticed" ]
}

# Those that have changed since they were measured; when the library has, what
# was measured is gone.
not_measured() {
  while read -r program; do
    [ "$work/measured/${program##*/}" -nt "$program" ] || echo "$program 300"
  done <"$work/programs"
}

# That the tests pass by themselves, how long each takes, and what it executes.
measure() {
  where=$tree
  [ -n "${ASK:-}" ] || where=$tree/cover
  not_measured >"$work/order"
  if [ -s "$work/order" ]; then
    echo 'mutate: the tests themselves'
    rm -rf "$work/took"
    all_pass "$work/order" "$where" ||
      die "$(cat "$work/noticed") fails by itself, see $work/log.*"
    [ -n "${ASK:-}" ] || reach
    mkdir -p "$work/measured" && mv "$work/took"/* "$work/measured"
  fi
  while read -r program; do
    cat "$work/measured/${program##*/}"
  done <"$work/programs" | sort -n >"$work/times"
}

# Which programs execute which lines: "LINE PROGRAM" in a file for each source,
# and "LINE -" for each line that could be executed.
reach() {
  while read -r program _; do
    found=$work/cover/${program##*/}
    for dir in "$found"/*/.libs; do
      ln -sf "$tree/cover/${dir#"$found/"}"/*.gcno "$dir"
      (cd "$tree/cover" && gcov -t -o "$dir" "$dir"/*.gcda) 2>/dev/null
    done | awk -F: -v program="$program" -v tree="$tree/" '
      $3 == "Source" { source = substr($4, length(tree) + 1) }
      $2 > 0 && $1 !~ /-/ && source ~ /^(lib|uring)/ {
        print source, $2 + 0, $1 ~ /#|=/ ? "-" : program
      }' | sort -u >"$found.lines"
    rm -rf "$found"
  done <"$work/order"
  rm -rf "$work/reach" && mkdir "$work/reach"
  cat "$work/cover"/*.lines | awk -v dir="$work/reach/" '{
    name = $1
    gsub("/", ".", name)
    print $2, $3 >(dir name)
  }'
}

# The programs that execute a line: file, number. A line without a number of
# its own goes with the one above; outside of functions, it is the whole file.
reaching() {
  lines=$work/reach/$(echo "$1" | tr / .)
  [ -e "$lines" ] || lines=/dev/null
  awk -v at="$2" -v lines="$lines" '
    FILENAME == lines { executable[$1] = 1; next }
    FNR <= at && /^}/ { last = 0 }
    FNR <= at && FNR in executable { last = FNR }
    END {
      while ((getline <lines) > 0)
        if ((last == 0 || $1 == last) && $2 != "-" && !told[$2]++)
          print $2
    }' "$lines" "$1"
}

# The programs that execute the line, or all if none does; first those that have
# noticed much, in this file above all, and are quick. Who is stuck has noticed.
order() {
  : >"$work/reaching"
  [ -n "${ASK:-}" ] || reaching "$1" "$2" >"$work/reaching"
  [ -s "$work/reaching" ] || cp "$work/programs" "$work/reaching"
  awk -v file="$1" '
    FILENAME ~ /noticers$/ { merit[$2] += $1 == file ? 9 : 1; next }
    FILENAME ~ /reaching$/ { asked[$1] = 1; next }
    $2 in asked { print (merit[$2] + 0.1) / ($1 + 0.5), $2, $1 * 4 + 10 }
    ' "$work/noticers" "$work/reaching" "$work/times" |
    sort -rn | cut -d' ' -f2- | head -n "${MOST:-9999}" >"$work/order"
}

# Ends what runs.
stop() {
  echo nobody >"$work/noticed"
  for pid in "$work/running"/*; do
    [ ! -e "$pid" ] || kill "${pid##*/}"
  done
}

learn() {
  read -r program _ <"$work/noticed"
  echo "$1 tests/$program" >>"$work/noticers"
}

# ---- Mutants ----

# All of them, in an order that the seed decides, and each one's own text: what
# changes elsewhere does not change which are tried.
mutants() {
  aimed=$([ "${AIMED:-no}" = no ] || echo 1)
  for name in "$@"; do
    awk -v aimed="$aimed" -f "$srcdir/tests/mutate.awk" "$name" || die "$name"
  done | awk -F'\t' -v seed="${SEED:-1}" '
    BEGIN { for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i }
    {
      text = $1 $3 " " ++times[$1, $3]
      x = seed * 7919 + 1
      for (i = length(text); i > 0; i--)
        x = (x * 131 + code[substr(text, i, 1)]) % 2147483647
      print x * 16807 % 2147483647 "\t" $0
    }' |
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
  elif order "$1" "$2" && all_pass "$work/order"; then
    echo survived
  else
    learn "$1"
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
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/weir-mutate.XXXXXX") || exit 1
export TMPDIR
chmod 1777 "$TMPDIR"
trap 'restore; rm -rf "$TMPDIR"' EXIT
trap 'stop; exit 1' HUP INT TERM

prepare
measure
if [ -n "${LIST:-}" ]; then
  cp "$LIST" "$work/mutants" || exit 1
  MUTANTS=$(wc -l <"$work/mutants")
else
  mutants "$@" >"$work/mutants"
fi
: >"$work/log"
: >"$work/survived"
: >>"$work/noticers"
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
  result=$(try "$file" "$line")
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
    printf '%s\t%d\t%s\n' "$file" "$line" "$text" >>"$work/survived"
    ;;
  esac
done 3<"$work/mutants"
report
