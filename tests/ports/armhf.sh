#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# armhf, which has 32 bit, under qemu's user mode: some of the tests, since with
# others, as of a map's guards, qemu 7.2 does not come to an end. All tests of a
# system with 32 bit are what i386 has.

PORTS_QUICK=yes
# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin armhf
under_qemu armhf arm-linux-gnueabihf
finish
