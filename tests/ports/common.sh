# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What the targets share; run has made a clean copy of the sources in ../source,
# with configure, and sources are only taken from there. A target begins in its
# own directory, does each thing as a part, which counts, and calls finish.
#
#   . "$(dirname "$0")/common.sh"
#   begin NAME
#   install PACKAGE...      or is skipped
#   part NAME COMMAND...    as: part check run_tests 'qemu-s390x'
#   finish
#
# PORTS_QUICK=yes: some of the tests only, for .ci/run.

here=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=tests/ports/apt.sh
. "$here/apt.sh"

# begin NAME
begin() {
  target=$1
  out=$PWD
  source=$(cd ../source && pwd) || exit 1
  cache=${PORTS_CACHE:?}
  jobs=$(nproc 2>/dev/null || echo 1)
  dir=build
  passed=0 failed=0 skipped=0
  # Who runs this for an hour has others at work beside it.
  export WEIR_TEST_PATIENCE="${WEIR_TEST_PATIENCE:-4}"
  unset MAKEFLAGS MFLAGS MAKEOVERRIDES
}

finish() {
  echo "$target: passed $passed, failed $failed, skipped $skipped"
  [ "$failed" -eq 0 ]
  exit
}

# skip_part WHY: one thing that cannot be done here.
skip_part() {
  echo "skipped: 1 $*"
  skipped=$((skipped + 1))
}

# skip WHY: nothing of this target can be done here.
skip() {
  skip_part "$*"
  finish
}

# install PACKAGE...: of the distribution's, on this machine.
install() {
  apt_install "$@" || skip "$apt_why"
}

# source_package NAME: sets $package to the directory of its sources.
source_package() {
  apt_source "$cache/source-$1" "$1" || skip "$apt_why"
  package=$cache/source-$1/tree
}

# foreign ARCHITECTURE PACKAGE...: sets $sysroot to where they are unpacked.
foreign() {
  sysroot=$cache/$1
  apt_foreign "$sysroot" "$@" || skip "$apt_why"
}

# part NAME COMMAND...: has what it writes in log/NAME, and counts the tests in
# it by their closing lines; or as one that passed or failed.
part() {
  part=$1
  log=$out/log/$1
  shift
  "$@" >"$log" 2>&1
  status=$?
  counts=$(awk '
    /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
      p += $1; f += $3; s += $5
    }
    END { print p + 0, f + 0, s + 0 }' "$log")
  case $status:$counts in
  0:'0 0 0') counts='1 0 0' ;;
  0:* | *' '[1-9]*' '*) ;;
  *) counts="${counts%% *} 1 ${counts##* }" ;;
  esac
  # shellcheck disable=SC2086
  add "$part" $counts
  [ $status -eq 0 ] || {
    { grep '^FAIL \|error:' "$log" || tail -n 20 "$log"; } | sed 's/^/  | /'
  }
  sed -n '/^Skipped:/,/^[0-9]* passed/s/^   */skipped: /p' "$log" |
    grep '^skipped: [0-9]'
  return $status
}

# add NAME PASSED FAILED SKIPPED
add() {
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  echo "$1: $2 passed, $3 failed, $4 skipped"
}

# configure FLAG...: in $dir, which is build unless the target says otherwise;
# unless that was done with the same flags, and from then on there.
configure() {
  mkdir -p "$out/$dir" && cd "$out/$dir" || exit 1
  if [ "$(cat flags 2>/dev/null)" != "$*" ] ||
    [ -n "$(find "$source/configure" -newer flags)" ]; then
    part configure configure_anew "$@" || finish
  fi
}

configure_anew() {
  rm -rf "${out:?}/$dir/"* && "$source/configure" -q --enable-werror "$@" &&
    echo "$*" >flags
}

# build GOAL...
build() {
  part build make -j"$jobs" "$@" || finish
}

# Some of the programs are what PORTS_QUICK has of the tests: order of bytes,
# lengths, transfers of all sorts.
if [ "${PORTS_QUICK:-}" = yes ]; then
  some='TESTS=tests/test_buffer tests/test_file tests/test_pass'
  some="$some tests/test_read tests/test_seq tests/test_until tests/test_write"
  nothing='PLAINS= SIMULATE= NO_SIMULATE= SAMPLES= CHECKS_SH='
  optimise=-O0
else
  some=
  nothing=
  optimise='-O1 -g'
fi

# run_tests WRAPPER [VARIABLE=VALUE...]: unit tests, and the scripts of make
# check that the variables leave.
run_tests() {
  wrapper=$1
  shift
  # shellcheck disable=SC2086
  make -j"$jobs" TEST_WRAPPER="$wrapper" BENCH= ${some:+"$some"} $nothing \
    "$@" check
}

# under_qemu ARCHITECTURE TRIPLE: builds with the distribution's cross compiler
# and foreign packages, and runs it by qemu's user mode, which has no io_uring
# and lacks what the files *.unable have.
under_qemu() {
  install qemu-user "gcc-$2" "libc6-dev-$1-cross" pkg-config autoconf \
    automake libtool make
  foreign "$1" libuv1 libuv1-dev liburing2 liburing-dev
  libs=$sysroot/usr/lib/$2
  cat "$here/qemu.unable" "$here/$1.unable" >"$out/unable" 2>/dev/null
  export PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_LIBDIR="$libs/pkgconfig"
  export WEIR_TEST_PATIENCE=20 TEST_TIMEOUT=3000
  configure --host="$2" --without-criterion --disable-static \
    CFLAGS="$optimise" LDFLAGS="-Wl,-rpath,$libs"
  skip_part 'scripts: they start programs without qemu'
  part check run_tests "qemu-${2%%-*} -L /usr/$2" SMOKE_SH= CHECKS_SH= \
    TESTFLAGS="--unable=$out/unable"
}
