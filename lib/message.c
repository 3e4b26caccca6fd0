/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/message.h>

#include <string.h>

#include "op_block.h"

/* Writes whose operation is the library's; what it copies follows it. */

static void on_copied(weir_op_t *op, int status, size_t n) {
  (void)status;
  (void)n;
  weir__op_own_give(op->loop, op);
}

int weir_write_copy(weir_stream_t *stream, const void *data, size_t len) {
  if (stream == NULL || (data == NULL && len > 0))
    return UV_EINVAL;
  weir_loop_t *loop = stream->loop;
  if (len > SIZE_MAX - sizeof(weir_op_t))
    return UV_ENOMEM;
  weir_op_t *op = weir__op_own_take(loop, sizeof(*op) + len);
  if (op == NULL)
    return UV_ENOMEM;
  if (len > 0)
    memcpy(op + 1, data, len);
  int r = weir_write(op, stream, weir_seq_block(op + 1, len), on_copied);
  if (r != 0)
    weir__op_own_give(loop, op);
  return r;
}

int weir_message_init(weir_message_t *message, weir_seq_t bytes,
                      weir_message_cb cb) {
  if (message == NULL)
    return UV_EINVAL;
  message->bytes = weir_seq_pinned(bytes);
  message->cb = cb;
  message->holds = 1;
  return 0;
}

void weir_message_hold(weir_message_t *message) {
  message->holds++;
}

void weir_message_release(weir_message_t *message) {
  if (--message->holds == 0 && message->cb != NULL)
    message->cb(message);
}

static void on_passed(weir_op_t *op, int status, size_t n) {
  weir_message_t *message = op->data;
  (void)status;
  (void)n;
  weir__op_own_give(op->loop, op);
  weir_message_release(message);
}

int weir_message_write(weir_message_t *message, weir_stream_t *stream) {
  if (message == NULL || stream == NULL)
    return UV_EINVAL;
  weir_loop_t *loop = stream->loop;
  weir_op_t *op = weir__op_own_take(loop, sizeof(*op));
  if (op == NULL)
    return UV_ENOMEM;
  op->data = message;
  int r = weir_write(op, stream, message->bytes, on_passed);
  if (r != 0)
    weir__op_own_give(loop, op);
  else
    weir_message_hold(message);
  return r;
}
