#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Every public function has a page in man/ whose SYNOPSIS has the header's
# prototype and whose NAME has its name; the pages are well-formed, with lines
# that fit. What the documents name is there, and what they quote stands so in a
# program that the tests run.

cd "${srcdir:-.}" || exit 1
bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

complain() {
  echo "$*"
  bad=1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# shellcheck disable=SC2086
awk -f tests/comments.awk -f tests/prototypes.awk \
  ${PUBLIC_HDRS:?} ${TESTLIB_HDRS:?} >"$work/prototypes"

# "NAME PAGE" for each name that has a page, its own or another's.
# shellcheck disable=SC2086
{
  awk -f scripts/man-names.awk ${MAN3:?}
  for page in $MAN3; do
    page=${page##*/}
    echo "${page%.3} $page"
  done
} | sort >"$work/names"

cut -d' ' -f1 "$work/names" | uniq -d >"$work/found"
[ ! -s "$work/found" ] || complain "In two pages: $(cat "$work/found")"

while read -r prototype; do
  name=${prototype%%(*}
  name=${name##*[ *]}
  echo "$name" >>"$work/functions"
  page=man/$(sed -n "s/^$name //p" "$work/names")
  if [ "$page" = man/ ]; then
    complain "$name: no man page has it in its NAME"
    continue
  fi
  awk -f tests/synopsis.awk "$page" | grep -qxF "$prototype" ||
    complain "$name: $page has not the prototype $prototype"
done <"$work/prototypes"

# A page may have a name of its own; what else is found has to be a function.
# shellcheck disable=SC2086
awk -f scripts/man-names.awk $MAN3 | while read -r name page; do
  grep -qx "$name" "$work/functions" || echo "$name in $page"
done >"$work/found"
[ ! -s "$work/found" ] || complain "No function: $(cat "$work/found")"

# From version 1.23 on groff justifies what comes behind a heading, and warns
# of lines that it cannot; this has older ones do so too. Prototypes are ragged.
justified() {
  awk '
    { print }
    /^\.Sh / { printf ".ad b\n.lf %d %s\n", FNR + 1, FILENAME }
  ' "$1"
}

# A display is not broken: 80 columns, less the indents.
wide_displays() {
  awk '
    /^\.Bd -literal/ { on = 1; next }
    /^\.Ed/ { on = 0 }
    on { gsub(/\\e/, "\\"); sub(/^\\&/, "") }
    on && length > 66 { print FILENAME ":" FNR ": too wide for a display" }
  ' "$1"
}

for page in $MAN3 ${MAN7:?}; do
  grep -q 'Since' "$page" || complain "$page: no line with Since"
  ! grep -A1 '^\.Sh SYNOPSIS' "$page" | grep -qv '^\.Sh\|^\.ad l' ||
    complain "$page: no .ad l behind .Sh SYNOPSIS"
  wide_displays "$page" >"$work/wide"
  [ ! -s "$work/wide" ] || complain "$(cat "$work/wide")"
  if have mandoc; then
    mandoc -T lint -W warning "$page" || bad=1
  fi
  if have groff; then
    justified "$page" | groff -mdoc -ww -z -Tutf8 >"$work/groff" 2>&1
    [ ! -s "$work/groff" ] || complain "$(cat "$work/groff")"
  fi
done
for tool in mandoc groff; do
  have $tool || echo "skipped: $tool is not installed: it did not see the pages"
done

# Samples that are named have to exist.
find README.md CONTRIBUTING.md docs man -type f 2>/dev/null |
  xargs grep -oh 'samples/[a-z][a-z_.-]*' | sed 's/\.$//' | sort -u |
  while read -r sample; do
    [ -e "$sample" ] || [ -e "$sample.c" ] || echo "$sample"
  done >"$work/missing"
[ ! -s "$work/missing" ] || complain "Not there: $(cat "$work/missing")"

# Whatever of weir's is named in a document is in a header. Programs that are
# quoted have names of their own.
# shellcheck disable=SC2086
cat $PUBLIC_HDRS $TESTLIB_HDRS | grep -ow 'weir_[a-z0-9_]*' | sort -u \
  >"$work/known"
for document in README.md SECURITY.md docs/*.md; do
  awk '/^```/ { code = !code } !code' "$document" | grep -ow 'weir_[a-z0-9_]*' |
    sort -u | grep -vxFf "$work/known" | sed "s|^|$document: |"
done >"$work/missing"
[ ! -s "$work/missing" ] || complain "In no header: $(cat "$work/missing")"

# Files and directories of ours, tests and what make can do.
grep -ow '\(tests\|scripts\|bench\|docs\)/[a-z_/.-]*[a-z]' SECURITY.md \
  docs/*.md | sort -u | while IFS=: read -r document file; do
    [ -e "$file" ] || [ -e "$file.c" ] || echo "$document: $file"
  done >"$work/missing"
grep -o '`make [a-z-]*' README.md SECURITY.md docs/*.md | sort -u |
  while IFS=: read -r document goal; do
    grep -q "^\([a-z -]* \)*${goal#*make }\( [a-z -]*\)*:" Makefile ||
      echo "$document: ${goal#?}"
  done >>"$work/missing"

# Suites of tests, as `close/*`.
grep -oh '`[a-z_]*/\*`' docs/*.md | tr -d '`' | sort -u |
  while read -r suite; do
    grep -qE "(TEST|Test|TestSuite)\(${suite%/*}," tests/test_*.c ||
      echo "docs: $suite"
  done >>"$work/missing"

# Links to files.
grep -o ']([^):#]*[^):]*)' README.md SECURITY.md CONTRIBUTING.md docs/*.md |
  while IFS=: read -r document link; do
    link=${link#??}
    link=${link%)}
    [ -e "$(dirname "$document")/${link%%#*}" ] || echo "$document: $link"
  done >>"$work/missing"
[ ! -s "$work/missing" ] || complain "Not there: $(cat "$work/missing")"

# quotes DOCUMENT PROGRAM...: prints where a block of C begins that none of the
# programs has.
quotes() {
  awk '
    FNR == 1 { files++ }
    files > 1 { text = text $0 "\n"; next }
    /^```/ && block != "" { blocks[++n] = block; starts[n] = FNR; block = "" }
    on && !/^```/ { block = block $0 "\n" }
    /^```/ { on = /^```c$/ }
    END {
      for (i = 1; i <= n; i++)
        if (!index(text, blocks[i]))
          print "block before line " starts[i]
    }' "$@"
}

for document in docs/*.md; do
  quotes "$document" docs/guide/*.c samples/*.c >"$work/found"
  [ ! -s "$work/found" ] ||
    complain "$document: in no program: $(cat "$work/found")"
done
exit $bad
