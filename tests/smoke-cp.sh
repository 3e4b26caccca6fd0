#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/cp: sizes around the buffer's, modes, and everything that it refuses.

. "${srcdir:-.}/tests/smoke.sh"

# Nothing but what is named may be in the directory.
only() {
  equal "files" "$*" "$(ls -A "$dir" | tr '\n' ' ' | sed 's/ $//')"
}

copies() {
  head -c "$1" "$tmp/random" >"$dir/source"
  "$bin/cp" "$dir/source" "$dir/target" || fail "cp of $1 bytes"
  cmp "$dir/source" "$dir/target" || fail "a copy of $1 bytes differs"
}

interrupted() {
  rm -f "$dir/target"
  "$bin/cp" "$tmp/sparse" "$dir/target" 2>"$tmp/interrupted" &
  copier=$!
  pids="$pids $copier"
  sleep 0.1
  while kill -INT "$copier" 2>/dev/null; do
    sleep 0.1
  done
  wait "$copier" && return 0 # it was faster
  grep -q interrupted "$tmp/interrupted" || fail "not said: interrupted"
  only source
}

check_cp() {
  dir=$tmp/dir
  rm -rf "$dir"
  mkdir "$dir"
  for size in 0 1 4095 262143 262144 262145 5000000; do
    copies $size
  done

  chmod 640 "$dir/source"
  "$bin/cp" --stats "$dir/source" "$dir/target" >"$tmp/stats" || fail "cp"
  equal "mode" "$(ls -l "$dir/source" | cut -c1-10)" \
    "$(ls -l "$dir/target" | cut -c1-10)"
  grep -q '^buffers: ' "$tmp/stats" || fail "no word on the buffers"
  only source target

  # A link is followed, and stays.
  ln -s target "$dir/link"
  echo short >"$dir/short"
  "$bin/cp" "$dir/short" "$dir/link" || fail "cp to a link"
  [ -h "$dir/link" ] || fail "the link was replaced"
  cmp "$dir/short" "$dir/target" || fail "the link was not followed"

  refuses 1 "directory" "$bin/cp" "$dir" "$dir/new"
  refuses 1 "directory" "$bin/cp" "$dir/source" "$dir"
  refuses 1 "no such file" "$bin/cp" "$dir/missing" "$dir/new"
  refuses 1 "no such file" "$bin/cp" "$dir/source" "$dir/missing/new"
  refuses 1 "same file" "$bin/cp" "$dir/source" "$dir/source"
  refuses 1 "same file" "$bin/cp" "$dir/target" "$dir/link"
  refuses 1 "not a regular file" "$bin/cp" /dev/null "$dir/new"
  refuses 1 "not a regular file" "$bin/cp" "$dir/source" /dev/full
  rm "$dir/link"

  # A limit stands for a full disk: what was there is left as it was.
  (
    ulimit -f 100 || exit
    refuses 1 "target: file too large" "$bin/cp" "$dir/source" "$dir/target"
  ) || exit 1
  cmp "$dir/short" "$dir/target" || fail "a failed copy changed its target"
  only short source target
  rm "$dir/short"
  interrupted
}

# A file system that is really full, where one may be mounted.
check_full_disk() {
  full=$tmp/full
  mkdir "$full"
  mount -t tmpfs -o size=1m tmpfs "$full" 2>/dev/null || return 0
  "$bin/cp" "$tmp/random" "$full/target" 2>"$tmp/said"
  status=$?
  left=$(ls -A "$full")
  umount "$full"
  equal "status with a full disk" 1 $status
  grep -q 'no space left' "$tmp/said" || fail "full disk: $(cat "$tmp/said")"
  equal "files left behind" "" "$left"
}

head -c 5000000 /dev/urandom >"$tmp/random"
# Some file systems read holes quickly: a size that takes a while all the same.
dd if=/dev/null of="$tmp/sparse" bs=1M seek=3000 2>/dev/null
refuses_misuse "$bin/cp"
refuses 2 "missing argument" "$bin/cp" one
refuses 2 "unexpected argument" "$bin/cp" one two three
on_each_backend check_cp
check_full_disk
