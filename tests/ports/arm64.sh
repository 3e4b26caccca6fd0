#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# arm64 under qemu's user mode.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin arm64
under_qemu arm64 aarch64-linux-gnu
finish
