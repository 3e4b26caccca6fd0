# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# Packages of a distribution with apt, without changing this machine: lists of
# our own, since the system's may have none of sources, nor of another
# architecture. Sourced; each function says why it failed in $apt_why.

# own_apt DIR ARGUMENT...: with the lists in DIR, which apt_lists made.
own_apt() {
  own_dir=$1
  shift
  timeout 600 apt-get -q -o Dir::Etc::SourceList=/dev/null \
    -o Dir::Etc::SourceParts="$own_dir/parts" \
    -o Dir::State::Lists="$own_dir/lists" -o Dir::Cache="$own_dir/cache" \
    -o APT::Sandbox::User=root "$@"
}

# apt_lists DIR TYPE OPTION...: TYPE is deb or deb-src. Whether the lists that
# could not be had are missed, who takes a package sees.
apt_lists() {
  lists_dir=$1 lists_type=$2
  shift 2
  mkdir -p "$lists_dir/parts" "$lists_dir/lists/partial" \
    "$lists_dir/cache/archives/partial"
  for list in /etc/apt/sources.list.d/debian.sources \
    /etc/apt/sources.list.d/ubuntu.sources; do
    [ ! -e "$list" ] || sed "s/^Types: .*/Types: $lists_type/" "$list" \
      >"$lists_dir/parts/${list##*/}"
  done
  [ ! -e /etc/apt/sources.list ] || sed -n "s/^deb /$lists_type /p" \
    /etc/apt/sources.list >"$lists_dir/parts/main.list"
  own_apt "$lists_dir" "$@" update || echo 'not all of the lists'
}

apt_failed() {
  apt_why="$1: $(grep '^E:' "$2" | tail -n 1)"
  return 1
}

# apt_install PACKAGE...: what is not installed yet. Changes this machine.
apt_install() {
  wanted=
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
      grep -q ' installed$' || wanted="$wanted $package"
  done
  [ -n "$wanted" ] || return 0
  command -v apt-get >/dev/null || {
    apt_why="there is no apt-get to install$wanted"
    return 1
  }
  as=
  [ "$(id -u)" -eq 0 ] || as='sudo -n'
  install="$as apt-get install -q -y --no-install-recommends$wanted"
  # shellcheck disable=SC2086
  { $install || { $as apt-get update -q && $install; }; } >apt.log 2>&1 ||
    apt_failed "cannot install$wanted" apt.log
}

# apt_source DIR PACKAGE: the newest source package, unpacked in DIR.
apt_source() {
  [ ! -e "$1/unpacked" ] || return 0
  for tool in apt-get dpkg-source; do
    command -v $tool >/dev/null || {
      apt_why="there is no $tool"
      return 1
    }
  done
  rm -rf "$1" && mkdir -p "$1/dsc" || return
  {
    apt_lists "$1/apt" deb-src &&
      (cd "$1/dsc" && own_apt "$1/apt" source --download-only "$2") &&
      dpkg-source --no-check -x "$1"/dsc/*.dsc "$1/tree" &&
      : >"$1/unpacked"
  } >apt.log 2>&1 || apt_failed "no source package $2" apt.log
}

# apt_foreign DIR ARCHITECTURE PACKAGE...: unpacked below DIR, not installed,
# and without what they depend on.
apt_foreign() {
  foreign_dir=$1 foreign_arch=$2
  shift 2
  [ "$(cat "$foreign_dir/unpacked" 2>/dev/null)" != "$*" ] || return 0
  command -v apt-get >/dev/null || {
    apt_why='there is no apt-get'
    return 1
  }
  rm -rf "$foreign_dir" && mkdir -p "$foreign_dir/deb" || return
  options="-o APT::Architecture=$foreign_arch"
  options="$options -o APT::Architectures=$foreign_arch"
  # shellcheck disable=SC2086
  {
    apt_lists "$foreign_dir/apt" deb $options &&
      (cd "$foreign_dir/deb" && own_apt "$foreign_dir/apt" $options \
        download "$@") &&
      for deb in "$foreign_dir"/deb/*.deb; do
        dpkg-deb -x "$deb" "$foreign_dir" || break
      done &&
      echo "$*" >"$foreign_dir/unpacked"
  } >apt.log 2>&1 || apt_failed "no packages for $foreign_arch" apt.log
}
