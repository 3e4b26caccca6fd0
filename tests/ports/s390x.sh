#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# s390x, which is big-endian, under qemu's user mode.

# shellcheck source=tests/ports/common.sh
. "$(dirname "$0")/common.sh"
begin s390x
under_qemu s390x s390x-linux-gnu
finish
