#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The programs in the EXAMPLES of the man pages compile, link and succeed. A
# block of a page that is no whole program, with a main(), is not tried. Run it
# in the build directory.

srcdir=${srcdir:-.}
work=out/examples
bad=0
count=0
rm -rf "$work"
mkdir -p "$work"

for page in ${MAN:?}; do
  name=${page##*/}
  name=${name%.[0-9]}
  # Each literal block becomes a file; mdoc writes \e for a backslash.
  awk -v to="$work/$name" '
    /^\.Sh / { on = ($2 == "EXAMPLES") }
    on && /^\.Bd -literal/ { file = to "-" ++n ".c"; next }
    /^\.Ed/ { file = "" }
    file { gsub(/\\e/, "\\"); sub(/^\\&/, ""); print >file }
  ' "$srcdir/$page"
done

for source in "$work"/*.c; do
  grep -q '^int main(' "$source" 2>/dev/null || continue
  count=$((count + 1))
  program=${source%.c}
  # The warnings of the library's own sources are not for short examples.
  if ! eval "$LINK -UNDEBUG -w -o $program $source $LINK_LIBS" \
    >"$program.log" 2>&1 || ! $TEST_WRAPPER "$program" >>"$program.log" 2>&1
  then
    echo "$source fails:"
    cat "$program.log"
    bad=1
  fi
done
echo "$count examples"
exit $bad
