# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# A system of the distribution's of its own, which is entered by chroot: for
# targets that would change this one. Sourced after common.sh.
#
#   need_system            or is skipped
#   make_system ARCHITECTURE PACKAGES [COMMAND]
#                          sets $root, or is skipped
#   enter COMMAND          in it

need_system() {
  [ "$(id -u)" -eq 0 ] || skip 'only root can enter another system'
  unshare -m true 2>/dev/null || skip 'no mounts of our own are to be had here'
}

# enter COMMAND: with the sources and the build in their places, as on a machine
# that is $personality, or this one. The mounts go with the process.
enter() {
  mkdir -p "$out/build"
  # shellcheck disable=SC2016
  unshare -m sh -c '
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
      mount -t tmpfs -o mode=1777 shm "$1/dev/shm" &&
      mount --bind "$2" "$1/mnt/source" && mount --bind "$3" "$1/mnt/build" &&
      exec setarch "$5" chroot "$1" /bin/sh -c "cd /mnt/build && $4"
  ' sh "$root" "$source" "$out/build" "$1" "${personality:-$(uname -m)}"
}

# bootstrap ARCHITECTURE PACKAGES COMMAND: in $root, which is another place for
# that long.
bootstrap() {
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(sed "/^#/d" /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
    2>/dev/null | grep -o '[a-z]*://[^ ]*' | head -n 1)
  rm -rf "$root" && mkdir -p "$root" &&
    timeout 1200 debootstrap --arch="$1" --variant=minbase \
      --include="$2" "$suite" "$root" "$mirror" >bootstrap.log 2>&1 &&
    mkdir "$root/mnt/source" "$root/mnt/build" &&
    echo '127.0.0.1 localhost
::1 localhost' >"$root/etc/hosts" &&
    enter "$3" >>bootstrap.log 2>&1
}

# make_system ARCHITECTURE PACKAGES [COMMAND]: once for each cache. PACKAGES
# have commas between them; COMMAND is run in it at last.
make_system() {
  whole=$cache/root-$target
  if [ "$(cat "$whole/packages" 2>/dev/null)" != "$2 ${3:-}" ]; then
    install debootstrap
    root=$whole.part
    bootstrap "$1" "$2" "${3:-:}" ||
      skip "no such system: $(tail -n 1 bootstrap.log)"
    echo "$2 ${3:-}" >"$root/packages"
    rm -rf "$whole" && mv "$root" "$whole" || exit 1
  fi
  root=$whole
}
