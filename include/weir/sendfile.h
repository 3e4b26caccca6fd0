/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR_SENDFILE_H
#define WEIR_SENDFILE_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <weir/export.h>
#include <weir/op.h>
#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes len bytes of file, from offset on, as weir_write would if they were in
 * memory: in its place in the stream's queue, so that what was written before
 * leaves before them and what is written after them behind. The file's own
 * position stays where it is, and the file has to stay open until the callback.
 * len counts in weir_stream_queued.
 *
 * n is exact in every case: so many bytes were handed to the system, in order.
 *
 * - Success: all len of them.
 * - UV_EOF: the file ended before. That, and any other error of the file
 *   (UV_EBADF, UV_EISDIR, UV_EIO), ends this write alone: the writes behind it
 *   go on, as after a weir_cancel. Who has promised len bytes closes.
 * - An error of the stream fails it, and every later write, as ever.
 *
 * On Linux the bytes go from the page cache to a stream of the library's own by
 * sendfile(2), without a copy in the program, on both backends, at most 512 KiB
 * for each of the starts that a turn of the loop has; it makes the socket
 * non-blocking, as weir_tcp_open says. Where the system refuses (an encrypted
 * or other stream of a kind of the application's own, a file that cannot be
 * sent so, another system), they are read, up to 64 KiB at a time, as by
 * weir_file_pread, and written through the stream's kind: memory for that is
 * allocated once for each such write, without which it ends with UV_ENOMEM.
 *
 * The peer gets the page cache as it is when it takes the bytes, which may be
 * long after the callback: what is written over them in the file meanwhile may
 * be what it receives. Files that change are replaced, by rename(2).
 *
 * sendfile(2) knows no way not to wait for a file. What is not in the page
 * cache is read from the device within the call, and that holds up the loop,
 * for as long as the device takes for 512 KiB and what the system reads ahead;
 * a file on a network may take seconds. Where that matters, and files are not
 * mostly cached, weir_file_advise with WEIR_ADVICE_WILLNEED before helps, or
 * weir_file_pread and weir_write, which never wait.
 *
 * Returns as weir_write; UV_EINVAL for a negative offset or file, or where
 * offset and len go beyond what an offset can be. */
WEIR_EXTERN WEIR_MUST_USE int weir_sendfile(weir_op_t *op,
                                            weir_stream_t *stream, uv_file file,
                                            int64_t offset, size_t len,
                                            weir_op_cb cb);

#ifdef __cplusplus
}
#endif
#endif
