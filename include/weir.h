/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_H
#define WEIR_H

/* All of weir. Each header below also stands alone. */
#include <weir/alloc.h>
#include <weir/buffer.h>
#include <weir/deadline.h>
#include <weir/debug.h>
#include <weir/export.h>
#include <weir/file.h>
#include <weir/file_copy.h>
#include <weir/fileobj.h>
#include <weir/kind.h>
#include <weir/lease.h>
#include <weir/loop.h>
#include <weir/map.h>
#include <weir/message.h>
#include <weir/name.h>
#include <weir/op.h>
#include <weir/option.h>
#include <weir/pass.h>
#include <weir/pool.h>
#include <weir/post.h>
#include <weir/reader.h>
#include <weir/ready.h>
#include <weir/relay.h>
#include <weir/sendfile.h>
#include <weir/seq.h>
#include <weir/serve.h>
#include <weir/stream.h>
#include <weir/until.h>
#include <weir/version.h>
#include <weir/water.h>

#endif
