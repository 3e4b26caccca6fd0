#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# samples/cp: sizes around the buffer's, modes, and everything that it refuses.

. "${srcdir:-.}/tests/smoke.sh"

dir=$tmp/dir

# Nothing but what is named may be in the directory.
only() {
  equal "files" "$*" "$(ls -A "$dir" | tr '\n' ' ' | sed 's/ $//')"
}

copies() {
  head -c "$1" "$tmp/random" >"$dir/source"
  "$bin/cp" "$dir/source" "$dir/target" || fail "cp of $1 bytes"
  cmp "$dir/source" "$dir/target" || fail "a copy of $1 bytes differs"
  "$bin/cp" --buffers "$dir/source" "$dir/target" || fail "cp of $1 bytes"
  cmp "$dir/source" "$dir/target" || fail "$1 bytes through buffers differ"
}

# A file that takes a while, without a zero in it, perhaps with a hole behind.
hole=
make_big() {
  yes 'no zeros are in this file' | head -c 80000000 >"$tmp/big"
  [ -z "$hole" ] || dd if=/dev/null of="$tmp/big" bs=1M seek=200 2>/dev/null
}

has_temporary() {
  ls "$dir"/.weir-cp-* >/dev/null 2>&1
}

no_temporary() {
  ! has_temporary
}

# Starts a copy that takes a while, and waits until it has begun.
begin() {
  "$bin/cp" "$tmp/big" "$dir/target" 2>"$tmp/said" &
  copier=$!
  pids="$pids $copier"
  until has_temporary; do
    kill -0 "$copier" 2>/dev/null || return
  done
}

# in_the_middle COMMAND...: until a copy was not faster than the command.
in_the_middle() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    rm -rf "$dir"
    mkdir "$dir"
    make_big
    sum=$(cksum <"$tmp/big")
    begin
    "$@" 2>/dev/null
    wait "$copier" || return 0
    only target
    equal "the copy after $*" "$sum" "$(cksum <"$dir/target")"
  done
  fail "20 copies were faster than $*"
}

kill_copier() {
  kill "-$1" "$copier"
}

check_interrupted() {
  for signal in HUP INT TERM; do
    in_the_middle kill_copier $signal
    grep -q interrupted "$tmp/said" || fail "$signal: $(cat "$tmp/said")"
    only
  done
}

# ---- A source that changes meanwhile ----

# What was copied are its first bytes, at least those that it had.
check_growing() {
  rm -rf "$dir"
  mkdir "$dir"
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    head -c 5000000 "$tmp/random" >"$dir/source"
    while :; do
      head -c 200000 "$tmp/random" >>"$dir/source"
    done &
    grower=$!
    pids="$pids $grower"
    sleep 0.05
    "$bin/cp" "$dir/source" "$dir/target" || fail "cp of a growing file"
    kill "$grower"
    wait "$grower" 2>/dev/null
    size=$(wc -c <"$dir/target")
    [ "$size" -ge 5000000 ] || fail "only $size bytes of a growing file"
    head -c "$size" "$dir/source" | cmp - "$dir/target" ||
      fail "the copy of a growing file is not its beginning"
  done
}

# cut_at MEGABYTES
cut_at() {
  dd if=/dev/null of="$tmp/big" bs=1M seek="$1" 2>/dev/null
}

# An end that it did not have is no success: among the data, in the hole.
check_shrinking() {
  for at in 1 150; do
    in_the_middle cut_at $at
    grep -q 'big: became shorter' "$tmp/said" ||
      fail "shrinking: $(cat "$tmp/said")"
    only
    hole=1
  done
  hole=
}

# ---- Holes, and files without a size ----

blocks() {
  du -k "$1" | sed 's/[^0-9].*//'
}

check_sparse() {
  rm -rf "$dir"
  mkdir "$dir"
  dd if=/dev/null of="$dir/source" bs=1M seek=64 2>/dev/null
  for at in 3 3000 9000; do
    dd if="$tmp/random" of="$dir/source" bs=4k seek=$at count=1 conv=notrunc \
      2>/dev/null
  done
  if [ "$(blocks "$dir/source")" -gt 1000 ]; then
    skip "holes: this file system has none"
    return
  fi
  "$bin/cp" "$dir/source" "$dir/target" || fail "cp of a sparse file"
  cmp "$dir/source" "$dir/target" || fail "a sparse copy differs"
  [ "$(blocks "$dir/target")" -le $(($(blocks "$dir/source") + 64)) ] ||
    fail "the holes were filled: $(blocks "$dir/target") KiB"
  # Nothing but a hole.
  dd if=/dev/null of="$dir/source" bs=1M seek=900 2>/dev/null
  "$bin/cp" "$dir/source" "$dir/target" || fail "cp of a hole"
  equal "size of a hole" "$(wc -c <"$dir/source")" "$(wc -c <"$dir/target")"
  [ "$(blocks "$dir/target")" -le 64 ] || fail "the hole was filled"
}

# What the system makes up when it is read: /proc says 0, and has to be read
# from its beginning; /sys says too much.
check_made_up() {
  proc=/proc/kallsyms
  if [ "$(head -c 1000000 $proc 2>/dev/null | wc -c)" -lt 1000000 ]; then
    skip "files without a size: there is no $proc"
  else
    # From several places at a time it would take minutes.
    timeout 30 "$bin/cp" $proc "$dir/target" || fail "cp $proc: $?"
    cmp $proc "$dir/target" || fail "the copy of $proc differs"
  fi
  sys=/sys/kernel/mm/transparent_hugepage/enabled
  if [ ! -r $sys ]; then
    skip "files with too large a size: there is no $sys"
  else
    "$bin/cp" $sys "$dir/target" || fail "cp $sys"
    cmp $sys "$dir/target" || fail "the copy of $sys differs"
  fi
}

# ---- Owners and modes ----

# mode WHAT EXPECTED FILE: as ls shows it.
mode() {
  equal "mode of $1" "$2" "$(ls -l "$3" | cut -c1-10)"
}

owner() {
  ls -ln "$1" | awk '{ print $3 ":" $4 }'
}

check_modes() {
  rm -rf "$dir"
  mkdir "$dir"
  echo bytes >"$dir/source"
  chmod 4755 "$dir/source"
  (umask 022 && "$bin/cp" "$dir/source" "$dir/new") || fail "cp of 4755"
  mode "a new file" -rwxr-xr-x "$dir/new"
  (umask 077 && "$bin/cp" "$dir/source" "$dir/private") || fail "cp, umask 077"
  mode "a file under a umask" -rwx------ "$dir/private"
  echo other >"$dir/there"
  chmod 640 "$dir/there"
  "$bin/cp" "$dir/source" "$dir/there" || fail "cp to a file of 640"
  mode "a file that is replaced" -rw-r----- "$dir/there"
  cmp "$dir/source" "$dir/there" || fail "a replaced file differs"
  check_preserved
}

stamps() {
  stat -c '%Y %y' "$1"
}

check_preserved() {
  chmod 4751 "$dir/source"
  touch -d '2001-02-03 04:05:06.123456789' "$dir/source"
  "$bin/cp" -p --sync "$dir/source" "$dir/there" || fail "cp -p"
  mode "a file that is preserved" -rwxr-x--x "$dir/there"
  equal "times" "$(stamps "$dir/source")" "$(stamps "$dir/there")"
  "$bin/cp" "$dir/source" "$dir/there" || fail "cp"
  [ "$(stamps "$dir/source")" != "$(stamps "$dir/there")" ] ||
    fail "times are kept without -p"
  chmod 640 "$dir/there"
}

# Somebody else's files: as nobody, who cannot keep an owner, and as root.
check_owners() {
  if [ "$(id -u)" != 0 ]; then
    skip "files of others: not root"
    return
  fi
  chown 65534:65534 "$dir/source" "$dir/there"
  chmod 4755 "$dir/source"
  (umask 022 && "$bin/cp" "$dir/source" "$dir/roots") || fail "cp as root"
  mode "root's new file" -rwxr-xr-x "$dir/roots"
  equal "owner of a new file" 0:0 "$(owner "$dir/roots")"
  "$bin/cp" "$dir/source" "$dir/there" || fail "cp to a file of nobody"
  equal "owner of a replaced file" 65534:65534 "$(owner "$dir/there")"
  mode "a replaced file of nobody" -rw-r----- "$dir/there"

  chmod 777 "$tmp" "$dir"
  if ! as_nobody -h >/dev/null 2>&1; then
    skip "files of others: nobody cannot run the samples"
    return
  fi
  echo mine >"$dir/mine"
  chmod 644 "$dir/mine"
  refuses 1 "mine: permission denied" as_nobody "$dir/source" "$dir/mine"
  chmod 666 "$dir/mine"
  refuses 1 "mine: operation not permitted" as_nobody "$dir/source" "$dir/mine"
  equal "what is left of it" mine "$(cat "$dir/mine")"
  only mine new private roots source there
}

as_nobody() {
  setpriv --reuid 65534 --regid 65534 --clear-groups "$bin/cp" "$@"
}

check_cp() {
  rm -rf "$dir"
  mkdir "$dir"
  for size in 0 1 4095 262143 262144 262145 5000000; do
    copies $size
  done

  "$bin/cp" --stats "$dir/source" "$dir/target" >"$tmp/stats" || fail "cp"
  grep -q '^bytes: ' "$tmp/stats" || fail "no word on the bytes"
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
  mkfifo "$tmp/fifo"
  refuses 1 "not a regular file" "$bin/cp" "$tmp/fifo" "$dir/new"
  rm "$tmp/fifo"
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

  # Words that look like options.
  (cd "$dir" && mv -- source --source && "$bin/cp" -- --source --target &&
    cmp -- --source --target) || fail "cp --"
  check_interrupted
  check_growing
  check_shrinking
  check_sparse
  check_made_up
  check_modes
  check_owners
}

# Where the kernel does not let go, a second signal ends it all the same.
check_hanging() {
  rm -rf "$dir"
  mkdir "$dir"
  : >"$tmp/scarce.preadv"
  LD_PRELOAD="$tmp/scarce.so" SCARCE="$tmp/scarce" WEIR_BACKEND=uv \
    "$bin/cp" --buffers "$tmp/random" "$dir/target" 2>/dev/null &
  copier=$!
  pids="$pids $copier"
  sleep 0.3
  kill -TERM "$copier" 2>/dev/null
  sleep 0.2
  if ended "$copier"; then
    skip "a second signal: this C library reads another way"
    return
  fi
  kill -TERM "$copier"
  eventually "the second signal ends it" no_temporary
  wait "$copier"
  equal "status after two signals" 1 $?
  only
  rm "$tmp/scarce.preadv"
}

# A file system that is really full, where one may be mounted.
check_full_disk() {
  full=$tmp/full
  mkdir "$full"
  if ! mount -t tmpfs -o size=1m tmpfs "$full" 2>"$tmp/said"; then
    skip "a full disk: $(head -n 1 "$tmp/said")"
    return
  fi
  "$bin/cp" "$tmp/random" "$full/target" 2>"$tmp/said"
  status=$?
  left=$(ls -A "$full")
  umount "$full"
  equal "status with a full disk" 1 $status
  grep -q 'no space left' "$tmp/said" || fail "full disk: $(cat "$tmp/said")"
  equal "files left behind" "" "$left"
}

# On a terminal of 40 columns each state is drawn over the one before it.
check_progress() {
  if ! script -qec true /dev/null >/dev/null 2>&1; then
    skip "progress: there is no script(1) that makes a terminal"
    return
  fi
  make_big
  for columns in 40 20 9; do
    script -qec "stty cols $columns && '$bin/cp' --progress '$tmp/big' \
      '$tmp/copy'" /dev/null >"$tmp/drawn" </dev/null || fail "--progress"
    tr '\r' '\n' <"$tmp/drawn" | awk -v most=$columns '
      length >= most { bad = 1 }
      /%/ { drawn++ }
      END { exit bad || !drawn }' ||
      fail "progress on $columns columns: $(cat "$tmp/drawn")"
  done
  rm "$tmp/copy"
}

head -c 5000000 /dev/urandom >"$tmp/random"
refuses_misuse "$bin/cp"
refuses 2 "missing argument" "$bin/cp" one
refuses 2 "missing argument" "$bin/cp" -- --help
refuses 2 "unexpected argument" "$bin/cp" one two three
on_each_backend check_cp
check_full_disk
check_progress
if can_preload; then
  check_hanging
fi
