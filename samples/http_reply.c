/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "http_reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http_date.h"

static const char *reason_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 206:
    return "Partial Content";
  case 301:
    return "Moved Permanently";
  case 304:
    return "Not Modified";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 416:
    return "Range Not Satisfiable";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Bad Request";
  }
}

static int status_of(const http_request_t *request, int error) {
  switch (error) {
  case UV_EISDIR:
    return request->is_dir ? 404 : 301;
  case UV_ENOENT:
  case UV_ENOTDIR:
  case UV_ENAMETOOLONG:
  case UV_ELOOP:
  case UV_EXDEV: /* a link that leaves the root */
    return 404;
  case UV_EACCES:
  case UV_EPERM:
    return 403;
  case UV_EMFILE:
  case UV_ENFILE:
  case UV_ENOMEM:
    return 503;
  default:
    return 500;
  }
}

/* ---- The head ---- */

static void say(http_reply_t *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Never more than the path makes it, for which there is room. */
static void say(http_reply_t *reply, const char *format, ...) {
  va_list args;
  size_t room = sizeof reply->head - reply->len;
  va_start(args, format);
  int n = vsnprintf(reply->head + reply->len, room, format, args);
  va_end(args);
  reply->len += n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static void begin(http_reply_t *reply, const http_request_t *request,
                  int status) {
  char date[HTTP_DATE];
  reply->len = 0;
  reply->left = reply->offset = 0;
  reply->keep = request->keep;
  http_date_print(date, time(NULL));
  say(reply, "HTTP/1.1 %d %s\r\nServer: weir\r\nDate: %s\r\n", status,
      reason_of(status), date);
  if (!request->keep)
    say(reply, "Connection: close\r\n");
  else if (request->old)
    say(reply, "Connection: keep-alive\r\n");
}

/* With a line of text, unless it is the head alone that was asked for. */
static void finish(http_reply_t *reply, const http_request_t *request,
                   int status) {
  say(reply, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
      strlen(reason_of(status)) + 5);
  if (!request->is_head)
    say(reply, "%d %s\n", status, reason_of(status));
}

void http_refuse(http_reply_t *reply, const http_request_t *request,
                 int status) {
  begin(reply, request, status);
  if (status == 405)
    say(reply, "Allow: GET, HEAD\r\n");
  finish(reply, request, status);
}

/* To the same with a slash, so that what it links to is found below it. Bytes
 * that a path may not have go as they are written there. */
static void move(http_reply_t *reply, const http_request_t *request) {
  begin(reply, request, 301);
  say(reply, "Location: /");
  for (size_t i = 0; i < request->path_len; i++) {
    int c = (unsigned char)request->path[i];
    int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                (c >= '0' && c <= '9') || strchr("/-._~", c) != NULL;
    if (reply->len + 400 > sizeof reply->head) {
      http_refuse(reply, request, 404);
      return;
    }
    say(reply, plain ? "%c" : "%%%02X", c);
  }
  say(reply, "/\r\n");
  finish(reply, request, 301);
}

/* ---- Files ---- */

/* Which part is wanted, and the status that says so. */
static int take_range(const http_request_t *request, const http_file_t *file,
                      int64_t *offset, int64_t *left) {
  int64_t first = request->range_first, last = request->range_last;
  *offset = 0;
  *left = file->size;
  if (first == INT64_MAX ||
      (request->if_range != -1 && request->if_range != file->modified))
    return 200;
  if (first < 0)
    first = -first < file->size ? file->size + first : 0;
  if (first >= file->size)
    return 416;
  if (last >= file->size)
    last = file->size - 1;
  *offset = first;
  *left = last - first + 1;
  return 206;
}

static void describe(http_reply_t *reply, const http_file_t *file, int status) {
  char date[HTTP_DATE];
  http_date_print(date, file->modified);
  say(reply, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n", date);
  if (status == 206)
    say(reply, "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n",
        reply->offset, reply->offset + reply->left - 1, file->size);
  if (status != 304)
    say(reply, "Content-Type: %s\r\nContent-Length: %" PRId64 "\r\n",
        file->type, reply->left);
  say(reply, "\r\n");
}

void http_reply(http_reply_t *reply, const http_request_t *request,
                const http_file_t *file) {
  int64_t offset, left;
  if (file->error == UV_EISDIR && !request->is_dir) {
    move(reply, request);
    return;
  }
  if (file->error != 0) {
    http_refuse(reply, request, status_of(request, file->error));
    return;
  }
  int status = take_range(request, file, &offset, &left);
  if (request->modified_since >= file->modified)
    status = 304;
  begin(reply, request, status);
  if (status == 416) {
    say(reply, "Content-Range: bytes */%" PRId64 "\r\n", file->size);
    finish(reply, request, status);
    return;
  }
  reply->offset = offset;
  reply->left = left;
  describe(reply, file, status);
  if (status == 304 || request->is_head)
    reply->left = 0;
}
