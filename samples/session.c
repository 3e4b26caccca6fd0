/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "session.h"

#include <string.h>

#include "message.h"

void session_begin(session_t *s, database_t *db) {
  const weir_buffer_options_t in = {.max_size = RESP_MAX_REQUEST + 2 +
                                                SESSION_READ_MAX};
  memset(s, 0, sizeof *s);
  s->db = db;
  if (weir_flat_init(&s->in, &in) != 0 || weir_chain_init(&s->out, NULL) != 0)
    quit("serve", "other options are needed for its buffers");
  db->clients++;
}

void session_end(session_t *s) {
  resp_reset(&s->request);
  weir_buffer_reset(&s->in);
  weir_buffer_reset(&s->out);
  s->db->clients--;
}

int session_may_read(const session_t *s) {
  return s->over || weir_buffer_size(&s->out) < SESSION_OUT;
}

int session_room(session_t *s, weir_mseq_t *room) {
  size_t held = weir_buffer_size(&s->in);
  size_t n = resp_missing(&s->request, held);
  if (n < SESSION_READ)
    n = SESSION_READ;
  if (n > SESSION_READ_MAX)
    n = SESSION_READ_MAX;
  if (held == 0 && weir_buffer_capacity(&s->in) > 4 * SESSION_READ)
    weir_buffer_shrink(&s->in);
  return weir_buffer_prepare(&s->in, n, room);
}

void session_take(session_t *s, size_t n) {
  weir_buffer_commit(&s->in, n);
}

/* Carries out the requests that begin at base; returns how many bytes these
 * were, and sets *rc as resp_parse, or to 0. */
static size_t answer_all(session_t *s, uv_buf_t in, reply_t *reply, int *rc) {
  size_t done = 0;
  *rc = 0;
  while (!s->over && reply->status == 0 &&
         weir_buffer_size(&s->out) + reply->used < SESSION_OUT) {
    *rc = resp_parse(&s->request, in.base + done, in.len - done);
    if (*rc != 1)
      break;
    if (s->request.count > 0)
      s->over = command_run(s->db, &s->request, reply);
    done += s->request.at;
    resp_reset(&s->request);
  }
  return done;
}

int session_run(session_t *s) {
  weir_seq_t data = weir_buffer_data(&s->in);
  uv_buf_t in;
  reply_t reply;
  int rc;
  if (weir_seq_next(&data, &in) == 0)
    return 0;
  reply_begin(&reply, &s->out);
  size_t done = answer_all(s, in, &reply, &rc);
  if (rc == UV_EINVAL) {
    reply_error(&reply, "Protocol error: %s", s->request.error);
    s->over = 1;
  }
  weir_buffer_consume(&s->in, s->over ? in.len : done);
  int status = reply_end(&reply);
  return rc < 0 && rc != UV_EINVAL ? rc : status;
}
