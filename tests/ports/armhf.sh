#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# armhf, which has 32 bit, under qemu's user mode.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin armhf
under_qemu armhf arm-linux-gnueabihf
finish
