#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# coverage.sh SOURCE...: what part of the lines and branches of each source, and
# of the headers of its own that it includes, was executed since the build, run
# in the build directory. Fails if of all of them it is less than
# COVERAGE_LINES (92) or COVERAGE_BRANCHES (85) per cent.
#
# What cannot be reached has a comment in its line, which is not counted then:
#   cover: WHY
#
# The annotated sources go to out/gcov/, and what was missed to
# out/gcov/missed.
set -u

case $(${CC:-cc} --version) in
*clang*) gcov='llvm-cov gcov' ;;
*) gcov=gcov ;;
esac

rm -rf out/gcov
mkdir -p out/gcov
data=
for source in "$@"; do
  case $source in
  */uring/* | uring/*) dir=uring ;;
  *) dir=lib ;;
  esac
  base=$(basename "$source" .c)
  [ ! -f "$dir/.libs/$base.gcda" ] || dir=$dir/.libs
  data="$data $dir/$base.gcda"
done

# All at a time, so that what headers have is counted together; from here, since
# the names of the sources are relative to it.
# shellcheck disable=SC2086
$gcov -p -b -c $data >out/gcov/log 2>&1 || {
  cat out/gcov/log >&2
  exit 1
}
mv ./*.gcov out/gcov/

# Lines are "COUNT:NUMBER:TEXT", where COUNT is - for none and begins with # or
# = for never; those of their branches follow. A function that several objects
# have, of a header, comes several times: it is enough that one was executed.
LC_ALL=C awk -v lines_floor="${COVERAGE_LINES:-92}" \
  -v branches_floor="${COVERAGE_BRANCHES:-85}" '
  /:Source:/ {
    name = $0
    sub(/.*:Source:/, "", name)
    own = match(name, /(^|\/)(lib|uring)\/[a-z_]+\.[ch]$/) &&
      name !~ /^\/usr\//
    sub(/.*\.\.\//, "", name)
    if (match(name, /(lib|uring)\/[a-z_]+\.[ch]$/))
      name = substr(name, RSTART)
  }
  !own { next }
  /^ *[-0-9#=]+\*?: *[0-9]+:/ {
    split($0, part, ":")
    count = part[1]
    gsub(/[ *]/, "", count)
    at = name SUBSEP part[2] + 0
    branch = 0
    text[at] = $0
    sub(/^[^:]*:[^:]*:/, "", text[at])
    tagged = text[at] ~ /\/\* cover: /
    if (tagged)
      tags[at] = 1
    if (count != "-" && !tagged) {
      lines[at] += 0
      if (count !~ /^[#=]/)
        lines[at] = 1
    }
    next
  }
  # Who asserts does not expect the other case.
  /^branch/ && !tagged && text[at] !~ /^ *assert\(/ {
    key = at SUBSEP branch++
    branches[key] += 0
    if ($4 + 0 > 0)
      branches[key] = 1
  }
  END {
    for (at in lines) {
      split(at, part, SUBSEP)
      of[part[1]]++
      hit[part[1]] += lines[at]
      if (!lines[at])
        print part[1] ":" part[2] ": " text[at] >"out/gcov/missed"
    }
    for (key in branches) {
      split(key, part, SUBSEP)
      at = part[1] SUBSEP part[2]
      ways[part[1]]++
      taken[part[1]] += branches[key]
      if (!branches[key] && lines[at])
        print part[1] ":" part[2] ": way " part[3] ": " text[at] \
          >"out/gcov/missed"
    }
    for (name in of) {
      all += of[name]
      all_hit += hit[name]
      all_ways += ways[name]
      all_taken += taken[name]
      printf "%6.2f %%  of %4d lines %s  %s\n", hit[name] * 100 / of[name],
        of[name], show(taken[name], ways[name]), name | "sort"
    }
    close("sort")
    for (at in tags)
      tag_count++
    if (all == 0 || all_ways == 0)
      exit 1
    printf "%6.2f %%  of %4d lines %s  all\n", all_hit * 100 / all, all,
      show(all_taken, all_ways)
    printf "%d lines are not counted, see their comments.\n", tag_count
    print "The annotated sources are in out/gcov/, what was missed in " \
      "out/gcov/missed."
    if (all_hit * 100 < all * lines_floor) {
      printf "FAIL: less than %s %% of the lines\n", lines_floor
      bad = 1
    }
    if (all_taken * 100 < all_ways * branches_floor) {
      printf "FAIL: less than %s %% of the branches\n", branches_floor
      bad = 1
    }
    exit bad
  }
  function show(some, whole) {
    return sprintf("%6.2f %%  of %4d branches",
      whole ? some * 100 / whole : 100, whole)
  }' out/gcov/*.gcov || exit
sort -t: -k1,1 -k2,2n -o out/gcov/missed out/gcov/missed
