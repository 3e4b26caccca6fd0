#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The programs in README.md compile without a warning.

cd "${srcdir:-.}" || exit 1
[ -f README.md ] || { echo "no README.md"; exit 1; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

awk -v dir="$work" '
  /^```c$/ { file = dir "/" ++count ".c"; next }
  /^```/ { file = "" }
  file != "" { print > file }' README.md

set -- "$work"/*.c
[ -f "$1" ] || { echo "README.md has no program"; exit 1; }
for program in "$@"; do
  # shellcheck disable=SC2086
  ${CC:-cc} -std=gnu99 -Wall -Wextra -Werror -Wno-unused-parameter \
    -fsyntax-only -Iinclude ${LIBUV_CFLAGS:-} ${CPPFLAGS:-} "$program" ||
    exit 1
done
