#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# coverage.sh SOURCE...: what part of each source's lines was executed since
# the build, run in the build directory. The annotated sources go to out/gcov/.
set -u

case $(${CC:-cc} --version) in
*clang*) gcov='llvm-cov gcov' ;;
*) gcov=gcov ;;
esac

rm -rf out/gcov
mkdir -p out/gcov
top=$PWD
for source in "$@"; do
  case $source in
  */uring/*) dir=uring ;;
  *) dir=lib ;;
  esac
  base=$(basename "$source" .c)
  objects=$top/$dir
  [ ! -f "$objects/.libs/$base.gcda" ] || objects=$objects/.libs
  (cd out/gcov && $gcov -p -o "$objects" "$base.o") 2>/dev/null |
    awk -v name="$dir/$base.c" '
      /^File/ { mine = index($0, name) }
      /^Lines executed/ && mine {
        split($0, part, /[:% ]+/)
        printf "%s %s %s\n", name, part[3], part[5]
        mine = 0
      }'
done | awk '
  {
    printf "%6.2f %%  of %4d lines  %s\n", $2, $3, $1
    lines += $3
    hit += $2 * $3 / 100
  }
  END {
    if (lines)
      printf "%6.2f %%  of %4d lines  all\n", hit * 100 / lines, lines
  }'
echo 'The annotated sources are in out/gcov/.'
