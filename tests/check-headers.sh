#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Each public header stands alone, as C99 and as C++, and warns of nothing.

srcdir=${srcdir:-.}
flags="-I$srcdir/include $CPPFLAGS $LIBUV_CFLAGS -D_POSIX_C_SOURCE=200809L"
flags="$flags -Wall -Wextra -pedantic -Wundef -Werror -fsyntax-only"
bad=0

# compiles LANGUAGE STANDARD TEXT
compiles() {
  # shellcheck disable=SC2086
  printf '%s\n' "$3" | ${CC:-cc} -x "$1" -std="$2" $flags -
}

languages='c:c99 c:c11'
if compiles c++ c++11 'int main();' 2>/dev/null; then
  languages="$languages c++:c++98 c++:c++17"
else
  echo 'skipped: there is no C++ compiler: it did not see the headers'
fi

for header in ${PUBLIC_HDRS:?}; do
  for language in $languages; do
    # Twice, so that the guard is tried too. libuv's own header needs C++11.
    compiles "${language%:*}" "${language#*:}" \
      "$(printf '#include <%s>\n#include <%s>\nint main(void);' \
        "${header#include/}" "${header#include/}")" || {
      echo "$header does not compile alone as ${language#*:}"
      bad=1
    }
  done
done
exit $bad
